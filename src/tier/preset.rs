//! Presets: sensible numbers for the usual layers, as they would be written in a scenario. Whatever a
//! tier says itself counts instead, key by key.
//!
//! Numbers are of the order that their sources give, not of anybody's hardware: measure your own.

/// One row of the table of presets.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// The name in a scenario.
    pub name: &'static str,
    /// What it stands for, in one line.
    pub summary: &'static str,
    /// Where the numbers come from.
    pub source: &'static str,
    /// Keys of the tier and their values, as written in a scenario. There is a `capacity` among them.
    pub values: &'static [(&'static str, &'static str)],
}

/// All presets, from the client to the database.
pub static PRESETS: &[Preset] = &[
    Preset {
        name: "browser",
        summary: "the cache of a browser: one per session, small, reached in no time, reloads by entity tag",
        source: "RFC 9111 (HTTP caching); Chromium's memory cache and disk cache for the order of times",
        values: &[
            ("scope", "\"client\""),
            ("capacity", "\"50MiB\""),
            ("eviction", "\"lru\""),
            ("ttl", "\"5m\""),
            ("invalidation", "[\"etag\"]"),
            ("network", "\"0s\""),
            ("service", "{ workers = 6, time = \"100us\" }"),
        ],
    },
    Preset {
        name: "cdn",
        summary: "a point of presence of a content delivery network: one per region, collapses requests, serves stale while it asks anew",
        source: "RFC 5861 (stale-while-revalidate); Nygren, Sitaraman, Sun, \"The Akamai network\", 2010",
        values: &[
            ("scope", "\"region\""),
            ("pattern", "{ read = \"through\", write = \"around\" }"),
            ("capacity", "\"100GiB\""),
            ("eviction", "\"lru\""),
            (
                "ttl",
                "{ base = \"60s\", stale_while_revalidate = \"30s\", stale_if_error = \"5m\" }",
            ),
            (
                "network",
                "{ distribution = \"lognormal\", median = \"15ms\", p99 = \"60ms\" }",
            ),
            ("service", "{ workers = 64, time = \"200us\" }"),
            ("defence", "\"single-flight\""),
        ],
    },
    Preset {
        name: "gateway",
        summary: "the cache of a gateway or reverse proxy in front of the app: one per region, short TTL, collapses requests",
        source: "the manuals of nginx (proxy_cache, proxy_cache_lock) and Varnish (grace)",
        values: &[
            ("scope", "\"region\""),
            ("pattern", "{ read = \"through\", write = \"around\" }"),
            ("nodes", "2"),
            ("capacity", "\"1GiB\""),
            ("entry_overhead", "\"1KiB\""),
            ("eviction", "\"lru\""),
            (
                "ttl",
                "{ base = \"10s\", stale_while_revalidate = \"10s\" }",
            ),
            (
                "network",
                "{ distribution = \"lognormal\", median = \"0.5ms\", p99 = \"2ms\" }",
            ),
            ("service", "{ workers = 8, time = \"50us\" }"),
            ("defence", "\"single-flight\""),
        ],
    },
    Preset {
        name: "in-process",
        summary: "a cache in the memory of each app instance: no network, a fraction of a microsecond, W-TinyLFU, short TTL",
        source: "Einziger, Friedman, Manes, \"TinyLFU\", 2017; the benchmarks of Caffeine for the order of times",
        values: &[
            ("scope", "\"instance\""),
            ("capacity", "\"10k entries\""),
            ("eviction", "\"w-tinylfu\""),
            ("ttl", "{ base = \"10s\", jitter = 0.1 }"),
            ("network", "\"0s\""),
            ("service", "{ workers = 64, time = \"200ns\" }"),
            ("defence", "\"single-flight\""),
        ],
    },
    Preset {
        name: "sidecar",
        summary: "a cache beside the app instances of a region: reached by the loopback, shared by the pool, loads by itself",
        source: "the design of mcrouter and of Envoy's cache filter; loopback round trips of tens of microseconds",
        values: &[
            ("scope", "\"region\""),
            ("pattern", "\"through\""),
            ("capacity", "\"100k entries\""),
            ("eviction", "\"w-tinylfu\""),
            ("ttl", "{ base = \"30s\", jitter = 0.1 }"),
            (
                "network",
                "{ distribution = \"lognormal\", median = \"50us\", p99 = \"200us\" }",
            ),
            ("service", "{ workers = 4, time = \"20us\" }"),
            ("defence", "\"single-flight\""),
        ],
    },
    Preset {
        name: "redis",
        summary: "one Redis node: one thread, about 100 000 requests a second, sampled LRU, an active sweep ten times a second",
        source: "the manual of Redis: maxmemory-policy allkeys-lru, active expiry, redis-benchmark without pipelining",
        values: &[
            ("scope", "\"global\""),
            ("nodes", "1"),
            ("capacity", "\"1GiB\""),
            ("entry_overhead", "\"56B\""),
            ("eviction", "\"redis-lru\""),
            ("ttl", "{ base = \"5m\", jitter = 0.1 }"),
            ("sweep", "{ interval = \"100ms\", sample = 20 }"),
            (
                "network",
                "{ distribution = \"lognormal\", median = \"0.2ms\", p99 = \"1ms\" }",
            ),
            ("service", "{ workers = 1, time = \"10us\" }"),
        ],
    },
    Preset {
        name: "redis-cluster",
        summary: "three Redis nodes that share 16 384 slots",
        source: "the specification of Redis Cluster; otherwise as `redis`",
        values: &[
            ("scope", "\"global\""),
            ("nodes", "3"),
            ("placement", "\"slots\""),
            ("capacity", "\"1GiB\""),
            ("entry_overhead", "\"56B\""),
            ("eviction", "\"redis-lru\""),
            ("ttl", "{ base = \"5m\", jitter = 0.1 }"),
            ("sweep", "{ interval = \"100ms\", sample = 20 }"),
            (
                "network",
                "{ distribution = \"lognormal\", median = \"0.2ms\", p99 = \"1ms\" }",
            ),
            ("service", "{ workers = 1, time = \"10us\" }"),
        ],
    },
    Preset {
        name: "memcached",
        summary: "three Memcached nodes behind a ring of the client's: four threads each, segmented LRU, leases against stampedes",
        source: "Nishtala et al., \"Scaling Memcache at Facebook\", NSDI 2013; the segmented LRU of Memcached 1.5",
        values: &[
            ("scope", "\"global\""),
            ("nodes", "3"),
            ("placement", "{ scheme = \"ring\", virtual_nodes = 160 }"),
            ("capacity", "\"1GiB\""),
            ("entry_overhead", "\"56B\""),
            ("eviction", "\"memcached-slru\""),
            ("ttl", "\"5m\""),
            (
                "network",
                "{ distribution = \"lognormal\", median = \"0.2ms\", p99 = \"1ms\" }",
            ),
            ("service", "{ workers = 4, time = \"10us\" }"),
            ("defence", "\"lease\""),
        ],
    },
];

impl Preset {
    /// What it says of a key of the tier.
    #[must_use]
    pub fn value(&self, key: &str) -> Option<&'static str> {
        let found = self.values.iter().find(|(known, _)| *known == key);
        found.map(|(_, value)| *value)
    }
}
