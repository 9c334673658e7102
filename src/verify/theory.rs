//! Closed forms: what a correct simulator must observe.
//!
//! Pure functions of rates, times and probabilities. Unless noted, arrivals are Poisson, requests
//! for keys are independent (the independent reference model), times and rates are in one unit
//! chosen by the caller (seconds and per second, say), and the system is in its steady state.
//!
//! Not here: the simulations that are compared with these, and tolerances.

use libm::{ceil, exp, expm1, log, pow};

/// The Euler-Mascheroni constant, mean of the standard Gumbel distribution.
const EULER: f64 = 0.577_215_664_901_532_9;

// ---------------------------------------------------------------------------------------------
// Queues

/// A queue with Poisson arrivals, exponential service, several servers and no limit, served in
/// order of arrival (M/M/c).
///
/// A. K. Erlang, "Solution of some problems in the theory of probabilities of significance in
/// automatic telephone exchanges", 1917; L. Kleinrock, "Queueing Systems" I, 1975, section 3.5.
#[derive(Clone, Copy, Debug)]
pub struct MultiServer {
    /// How many servers there are.
    pub servers: u32,
    /// Arrivals per unit of time; below `servers` times `service_rate`.
    pub arrival_rate: f64,
    /// Services per unit of time that one busy server completes.
    pub service_rate: f64,
}

impl MultiServer {
    /// The share of time that a server is busy.
    #[must_use]
    pub fn utilization(&self) -> f64 {
        self.arrival_rate / (f64::from(self.servers) * self.service_rate)
    }

    /// The rate at which the queue drains while all servers are busy: c mu - lambda.
    fn drain_rate(&self) -> f64 {
        f64::from(self.servers) * self.service_rate - self.arrival_rate
    }

    /// The share of requests that have to wait: Erlang's C formula.
    #[must_use]
    pub fn probability_of_wait(&self) -> f64 {
        erlang_c(self.servers, self.arrival_rate / self.service_rate)
    }

    /// Mean time in the queue, over all requests.
    #[must_use]
    pub fn mean_wait(&self) -> f64 {
        self.probability_of_wait() / self.drain_rate()
    }

    /// Mean time from arrival to the end of service.
    #[must_use]
    pub fn mean_response(&self) -> f64 {
        self.mean_wait() + 1.0 / self.service_rate
    }

    /// Mean number of requests in queue and service (Little's law).
    #[must_use]
    pub fn mean_in_system(&self) -> f64 {
        self.arrival_rate * self.mean_response()
    }

    /// The share of requests that wait longer than `time`.
    #[must_use]
    pub fn wait_exceeds(&self, time: f64) -> f64 {
        self.probability_of_wait() * exp(-self.drain_rate() * time)
    }

    /// The time that a share `p` of the requests does not wait longer than; 0 if so many do not
    /// wait at all.
    #[must_use]
    pub fn wait_quantile(&self, p: f64) -> f64 {
        (log(self.probability_of_wait() / (1.0 - p)) / self.drain_rate()).max(0.0)
    }

    /// The share of requests whose response takes longer than `time`: those that do not wait have
    /// an exponential response, the others the sum of two exponential times.
    #[must_use]
    pub fn response_exceeds(&self, time: f64) -> f64 {
        let waits = self.probability_of_wait();
        // The tail of the sum is e^-mt (1 + m (1 - e^-(d-m)t) / (d - m)), which has a limit where
        // the two rates are equal.
        let difference = self.drain_rate() - self.service_rate;
        let exponent = -difference * time;
        let grown = if exponent == 0.0 {
            time
        } else {
            time * expm1(exponent) / exponent
        };
        exp(-self.service_rate * time) * (1.0 + waits * self.service_rate * grown)
    }

    /// The time that a share `p` of the responses does not exceed.
    #[must_use]
    pub fn response_quantile(&self, p: f64) -> f64 {
        root_of_falling(
            |time| self.response_exceeds(time) - (1.0 - p),
            self.mean_response(),
        )
    }
}

/// Erlang's B formula: the share of calls that are lost when `servers` have no queue and
/// `offered_load` is the arrival rate times the mean service time.
#[must_use]
pub fn erlang_b(servers: u32, offered_load: f64) -> f64 {
    (1..=servers).fold(1.0, |blocked, server| {
        let blocked = offered_load * blocked;
        blocked / (f64::from(server) + blocked)
    })
}

/// Erlang's C formula: the share of requests that wait; `offered_load` is below `servers`.
#[must_use]
pub fn erlang_c(servers: u32, offered_load: f64) -> f64 {
    let blocked = erlang_b(servers, offered_load);
    let utilization = offered_load / f64::from(servers);
    blocked / (1.0 - utilization * (1.0 - blocked))
}

/// Mean time in the queue of a single server with any distribution of service times (M/G/1):
/// lambda E[S^2] / 2 (1 - rho).
///
/// F. Pollaczek 1930, A. Khinchine 1932; Kleinrock, "Queueing Systems" I, section 5.7.
/// `squared_variation` is the variance of the service time over its squared mean: 0 for a constant,
/// 1 for an exponential, e^(sigma^2) - 1 for a lognormal time.
#[must_use]
pub fn single_server_mean_wait(
    arrival_rate: f64,
    mean_service: f64,
    squared_variation: f64,
) -> f64 {
    let second_moment = mean_service * mean_service * (1.0 + squared_variation);
    let utilization = arrival_rate * mean_service;
    arrival_rate * second_moment / (2.0 * (1.0 - utilization))
}

/// The share of arrivals that are rejected when at most `places` requests may be in the system, in
/// service or waiting (M/M/c/K, K = `places`, at least `servers`). Any `offered_load`, above
/// `servers` as well. Kleinrock, "Queueing Systems" I, section 3.6.
#[must_use]
pub fn limited_queue_rejects(servers: u32, places: u32, offered_load: f64) -> f64 {
    // Probabilities of 0, 1, ... in the system, up to a factor, rescaled as they grow.
    let (mut last, mut sum) = (1.0, 1.0);
    for number in 1..=places {
        last *= offered_load / f64::from(number.min(servers));
        sum += last;
        if sum > 1e200 {
            (last, sum) = (last / sum, 1.0);
        }
    }
    last / sum
}

/// A fixed number of users who wait for their answer and then think for an exponential time, before
/// servers with exponential service times and one queue (the machine repairman, M/M/c//N).
///
/// Kleinrock, "Queueing Systems" I, section 3.8; bounds: P. J. Denning and J. P. Buzen, "The
/// operational analysis of queueing network models", ACM Computing Surveys 10 (1978).
#[derive(Clone, Copy, Debug)]
pub struct ClosedSystem {
    /// How many users there are.
    pub users: u32,
    /// Mean time between an answer and the user's next request.
    pub mean_think: f64,
    /// How many servers there are.
    pub servers: u32,
    /// Mean service time.
    pub mean_service: f64,
}

impl ClosedSystem {
    /// No system of this kind, whatever its distributions, answers more requests per unit of time.
    #[must_use]
    pub fn throughput_bound(&self) -> f64 {
        let unhindered = f64::from(self.users) / (self.mean_think + self.mean_service);
        let saturated = f64::from(self.servers) / self.mean_service;
        unhindered.min(saturated)
    }

    /// No system of this kind has a smaller mean response time.
    #[must_use]
    pub fn response_bound(&self) -> f64 {
        let saturated =
            f64::from(self.users) * self.mean_service / f64::from(self.servers) - self.mean_think;
        saturated.max(self.mean_service)
    }

    /// The exact throughput; the distribution of think times does not matter, only their mean.
    #[must_use]
    pub fn throughput(&self) -> f64 {
        if self.mean_think == 0.0 {
            return f64::from(self.users.min(self.servers)) / self.mean_service;
        }
        let ratio = self.mean_service / self.mean_think;
        // Probabilities of 0, 1, ... at the servers, up to a factor, rescaled as they grow.
        let (mut term, mut sum, mut busy) = (1.0, 1.0, 0.0);
        for number in 1..=self.users {
            let serving = f64::from(number.min(self.servers));
            term *= f64::from(self.users - number + 1) * ratio / serving;
            sum += term;
            busy += term * serving;
            if sum > 1e200 {
                (term, busy, sum) = (term / sum, busy / sum, 1.0);
            }
        }
        busy / sum / self.mean_service
    }

    /// The exact mean response time, by the interactive response-time law R = N / X - Z.
    #[must_use]
    pub fn mean_response(&self) -> f64 {
        f64::from(self.users) / self.throughput() - self.mean_think
    }
}

// ---------------------------------------------------------------------------------------------
// Caches under independent references

/// The probabilities of a Zipf distribution over `count` keys, hottest first.
#[must_use]
pub fn zipf(count: usize, exponent: f64) -> Vec<f64> {
    let weights: Vec<f64> = (1..=count)
        .map(|rank| pow(rank as f64, -exponent))
        .collect();
    let total: f64 = weights.iter().rev().sum();
    weights.into_iter().map(|weight| weight / total).collect()
}

/// The exact hit ratio of LRU with room for `capacity` of at most 20 keys.
///
/// W. F. King, "Analysis of demand paging algorithms", IFIP 1971: the cache holds x1, x2, ... in
/// order of recency with probability p1 . p2 / (1 - p1) . p3 / (1 - p1 - p2) ...; summed over sets
/// of keys rather than orders, since what is left depends on the set alone.
///
/// # Panics
/// With more than 20 keys: the number of sets explodes.
#[must_use]
pub fn lru_exact(probabilities: &[f64], capacity: usize) -> f64 {
    let count = probabilities.len();
    assert!(count <= 20, "too many keys to enumerate their sets");
    let capacity = capacity.min(count);
    // The probability that the most recent distinct keys are the set, and that of a request to it.
    let mut chance = vec![0.0; 1 << count];
    let mut mass = vec![0.0; 1 << count];
    chance[0] = 1.0;
    let mut hits = 0.0;
    for set in 0..1_usize << count {
        if set != 0 {
            let lowest = set.trailing_zeros() as usize;
            mass[set] = mass[set & (set - 1)] + probabilities[lowest];
        }
        // Sets grow numerically with their members, so every subset is complete by now.
        let size = set.count_ones() as usize;
        if size == capacity {
            hits += chance[set] * mass[set];
        } else if size < capacity {
            for (key, &probability) in probabilities.iter().enumerate() {
                if set & (1 << key) == 0 {
                    chance[set | (1 << key)] += chance[set] * probability / (1.0 - mass[set]);
                }
            }
        }
    }
    hits
}

/// The exact hit ratio of FIFO, and of random replacement, with room for `capacity` of a few keys:
/// a set of keys is resident with a probability in proportion to the product of theirs.
///
/// King 1971 for FIFO; E. Gelenbe, "A unified approach to the evaluation of a class of replacement
/// algorithms", IEEE Transactions on Computers C-22 (1973), for both being equal. The sums over all
/// sets are elementary symmetric polynomials. Meant for some tens of keys.
#[must_use]
pub fn fifo_exact(probabilities: &[f64], capacity: usize) -> f64 {
    if capacity >= probabilities.len() {
        return 1.0;
    }
    // Sums over all sets of 0, 1, ... keys of the products of their probabilities.
    let symmetric = |without: Option<usize>| {
        let mut sums = vec![0.0; capacity + 1];
        sums[0] = 1.0;
        for (key, &probability) in probabilities.iter().enumerate() {
            if Some(key) != without {
                for size in (1..=capacity).rev() {
                    sums[size] += sums[size - 1] * probability;
                }
            }
        }
        sums
    };
    if capacity == 0 {
        return 0.0;
    }
    let all = symmetric(None)[capacity];
    probabilities
        .iter()
        .enumerate()
        .map(|(key, &p)| p * p * symmetric(Some(key))[capacity - 1] / all)
        .sum()
}

/// Which policies an approximation by the characteristic time is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replacement {
    /// Least recently used leaves: a key is resident if it was asked for within the characteristic
    /// time, with probability 1 - e^(-p T).
    Lru,
    /// First in, or a random one, leaves: a key stays so long whether it is asked for or not, with
    /// probability p T / (1 + p T).
    FifoOrRandom,
}

impl Replacement {
    fn resident(self, expected_requests: f64) -> f64 {
        match self {
            Self::Lru => -expm1(-expected_requests),
            Self::FifoOrRandom => expected_requests / (1.0 + expected_requests),
        }
    }
}

/// The time, counted in requests, for which a key stays in a cache of `capacity` entries: where the
/// expected number of residents is the capacity. Infinite if everything fits.
///
/// H. Che, Y. Tung, Z. Wang, "Hierarchical web caching systems", IEEE JSAC 20 (2002); for FIFO and
/// random replacement V. Martina, M. Garetto, E. Leonardi, "A unified approach to the performance
/// analysis of caching systems", INFOCOM 2014.
#[must_use]
pub fn characteristic_time(probabilities: &[f64], capacity: f64, replacement: Replacement) -> f64 {
    if capacity >= probabilities.len() as f64 {
        return f64::INFINITY;
    }
    let short_of = |time: f64| {
        let residents: f64 = probabilities
            .iter()
            .map(|p| replacement.resident(p * time))
            .sum();
        capacity - residents
    };
    root_of_falling(short_of, capacity)
}

/// The hit ratio of a large cache, by the characteristic time.
#[must_use]
pub fn hit_ratio_by_characteristic_time(
    probabilities: &[f64],
    capacity: f64,
    replacement: Replacement,
) -> f64 {
    let time = characteristic_time(probabilities, capacity, replacement);
    if time == f64::INFINITY {
        return 1.0;
    }
    probabilities
        .iter()
        .map(|p| p * replacement.resident(p * time))
        .sum()
}

/// The best hit ratio that any policy can have under independent references: the hottest keys are
/// always resident. (Aho, Denning, Ullman, "Principles of optimal page replacement", JACM 1971.)
#[must_use]
pub fn best_static(probabilities: &[f64], capacity: usize) -> f64 {
    let mut sorted = probabilities.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    sorted.into_iter().take(capacity).sum()
}

// ---------------------------------------------------------------------------------------------
// Expiry, with fetches that take no time

/// Hit ratio of one key asked for at `rate` whose entry expires `ttl` after it was stored: each miss
/// is followed by rate x ttl hits. (J. Jung, A. Berger, H. Balakrishnan, "Modeling TTL-based Internet
/// caches", INFOCOM 2003.)
#[must_use]
pub fn fixed_ttl_hit_ratio(rate: f64, ttl: f64) -> f64 {
    rate * ttl / (1.0 + rate * ttl)
}

/// Hit ratio of one key asked for at `rate` whose entry expires `ttl` after its latest hit: the share
/// of gaps between requests that are shorter.
#[must_use]
pub fn sliding_ttl_hit_ratio(rate: f64, ttl: f64) -> f64 {
    -expm1(-rate * ttl)
}

/// The hit ratio over all keys, when requests come at `rate` and a key asked for at `r` has the hit
/// ratio `of_key(r)`. Queries reach the database at `rate` times the rest.
#[must_use]
pub fn over_keys(probabilities: &[f64], rate: f64, of_key: impl Fn(f64) -> f64) -> f64 {
    probabilities.iter().map(|p| p * of_key(p * rate)).sum()
}

/// What becomes of the requests for one key behind two tiers with fixed TTLs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TwoTiers {
    /// Hit ratio of the first tier.
    pub first: f64,
    /// Hit ratio of the second tier, of what misses the first.
    pub second: f64,
    /// Share of requests that hit one of the two.
    pub both: f64,
    /// Queries that reach the database, per unit of time.
    pub queries: f64,
}

/// One key asked for at `rate`, behind a tier with TTL `first_ttl` and another with `second_ttl`,
/// each counted from when the tier stored the value.
///
/// Derived: misses of the first tier are a renewal process with gaps of `first_ttl` plus an
/// exponential time. The second tier's miss is followed by as many hits as there are renewals in
/// `second_ttl`; k renewals take k first TTLs plus an Erlang time of k stages.
#[must_use]
pub fn two_tiers(rate: f64, first_ttl: f64, second_ttl: f64) -> TwoTiers {
    let mut renewals = 0.0;
    if first_ttl == 0.0 {
        renewals = rate * second_ttl;
    } else {
        let mut k = 1;
        while f64::from(k) * first_ttl < second_ttl {
            renewals += erlang_probability(k, rate * (second_ttl - f64::from(k) * first_ttl));
            k += 1;
        }
    }
    let first = fixed_ttl_hit_ratio(rate, first_ttl);
    let second = renewals / (1.0 + renewals);
    let both = first + (1.0 - first) * second;
    TwoTiers {
        first,
        second,
        both,
        queries: rate * (1.0 - both),
    }
}

/// What becomes of the requests for one key with a soft and a hard TTL.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SoftAndHard {
    /// Share of fresh hits.
    pub fresh: f64,
    /// Share of hits past the soft TTL, each of which refreshes the entry.
    pub stale: f64,
    /// Share of misses.
    pub miss: f64,
    /// Queries that reach the database, per unit of time.
    pub queries: f64,
}

/// One key asked for at `rate` whose entry is fresh for `soft` and may be served for `hard`; whoever
/// is served a stale one has it refreshed at once.
///
/// Derived: a fetch is followed by rate x soft fresh hits and then one request that fetches; that
/// one is a stale hit if it comes within the hard TTL.
#[must_use]
pub fn soft_and_hard_ttl(rate: f64, soft: f64, hard: f64) -> SoftAndHard {
    let requests = 1.0 + rate * soft;
    let too_late = exp(-rate * (hard - soft));
    SoftAndHard {
        fresh: rate * soft / requests,
        stale: (1.0 - too_late) / requests,
        miss: too_late / requests,
        queries: rate / requests,
    }
}

/// The share of hits that return an old row, when entries live for `ttl` and the row is updated at
/// `update_rate` without invalidation.
///
/// Derived: hits are spread evenly over the life of an entry, and an entry of age t is old with
/// probability 1 - e^(-update rate x t).
#[must_use]
pub fn stale_share_of_hits(ttl: f64, update_rate: f64) -> f64 {
    let updates = update_rate * ttl;
    1.0 + expm1(-updates) / updates
}

/// Mean staleness over all hits under the same conditions, fresh ones counting 0: the time since the
/// first update that the entry does not have.
#[must_use]
pub fn mean_staleness_of_hits(ttl: f64, update_rate: f64) -> f64 {
    // An entry of age t lacks something for t - (1 - e^-ut) / u on average; the mean of that over
    // the ages from 0 to the TTL.
    0.5 * ttl - stale_share_of_hits(ttl, update_rate) / update_rate
}

/// The share of reads that return an old row, from a replica that shows every commit after `lag`, when
/// the row is updated at `update_rate`.
///
/// Derived: a read is of an old row if there was an update within the lag before it.
#[must_use]
pub fn stale_share_of_replica(lag: f64, update_rate: f64) -> f64 {
    -expm1(-update_rate * lag)
}

/// Mean staleness over all reads under the same conditions, fresh ones counting 0: the time since the
/// first update within the lag.
#[must_use]
pub fn mean_staleness_of_replica(lag: f64, update_rate: f64) -> f64 {
    lag - stale_share_of_replica(lag, update_rate) / update_rate
}

// ---------------------------------------------------------------------------------------------
// Fetches that take time

/// What becomes of the requests for one key when fetches take time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TimedFetch {
    /// Share of hits.
    pub hit: f64,
    /// Share of requests that wait for somebody else's fetch.
    pub delayed_hit: f64,
    /// Share of requests that fetch themselves.
    pub miss: f64,
    /// Queries for each expiry of the entry.
    pub queries_per_expiry: f64,
    /// Queries that reach the database, per unit of time.
    pub queries: f64,
    /// Mean latency over all requests, where a hit takes no time.
    pub mean_latency: f64,
}

/// One key asked for at `rate`, TTL `ttl` from the fill, a fetch takes `fetch`; whoever misses
/// during a fetch waits for it.
///
/// Derived, by renewals: an entry lives for the TTL, with rate x ttl hits; then, after an exponential
/// gap, one request misses and fetches; during the fetch rate x fetch others come, evenly, and wait
/// for half of it on average.
#[must_use]
pub fn single_flight(rate: f64, ttl: f64, fetch: f64) -> TimedFetch {
    let (hits, waiting) = (rate * ttl, rate * fetch);
    let requests = hits + 1.0 + waiting;
    TimedFetch {
        hit: hits / requests,
        delayed_hit: waiting / requests,
        miss: 1.0 / requests,
        queries_per_expiry: 1.0,
        queries: rate / requests,
        mean_latency: (fetch + waiting * 0.5 * fetch) / requests,
    }
}

/// One key asked for at `rate`, TTL `ttl` from the fill, a fetch takes `fetch`, which is below the
/// TTL; everybody who misses fetches, and every fill starts the TTL anew.
///
/// Derived, by renewals: the first miss is followed by rate x fetch others before the entry is
/// filled. The last of them comes at fetch - (1 - e^(-rate x fetch)) / rate on average after the
/// first (at 0 if it is the only one); its fill, a fetch later, is the one whose TTL counts; then a
/// gap, and it begins again.
#[must_use]
pub fn no_defence(rate: f64, ttl: f64, fetch: f64) -> TimedFetch {
    let misses = 1.0 + rate * fetch;
    let last_miss = fetch + expm1(-rate * fetch) / rate;
    let cycle = last_miss + fetch + ttl + 1.0 / rate;
    let miss = misses / (rate * cycle);
    TimedFetch {
        hit: 1.0 - miss,
        delayed_hit: 0.0,
        miss,
        queries_per_expiry: misses,
        queries: misses / cycle,
        mean_latency: miss * fetch,
    }
}

/// Probabilistic early expiration of one key: what happens around each expiry.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EarlyExpiration {
    /// How many requests recompute, per cycle.
    pub recomputations: f64,
    /// How long before the expiry the first of them does, on average.
    pub mean_gap: f64,
    /// Standard deviation of that time.
    pub gap_deviation: f64,
}

/// A request at `rate` recomputes when now - fetch x beta x ln(u) reaches the expiry, u uniform.
///
/// The rule is from A. Vattani, F. Chierichetti, K. Lowenstein, "Optimal probabilistic cache stampede
/// prevention", PVLDB 8 (2015). Derived for rate x beta x fetch far above 1: at a time t before the
/// expiry a request recomputes with probability e^(-t / (beta x fetch)), so the first one comes when
/// a Gumbel variable says; and during its fetch the rate of further ones grows e^(1/beta)-fold in all.
#[must_use]
pub fn early_expiration(rate: f64, fetch: f64, beta: f64) -> EarlyExpiration {
    let scale = beta * fetch;
    EarlyExpiration {
        recomputations: exp(1.0 / beta),
        mean_gap: scale * (log(rate * scale) + EULER),
        gap_deviation: scale * std::f64::consts::PI / 6.0_f64.sqrt(),
    }
}

// ---------------------------------------------------------------------------------------------
// Placement

/// The share of keys that move when key modulo nodes goes from one number of nodes to another: a key
/// stays if both remainders agree, which is so for as many remainders as the fewer nodes have, out of
/// a least common multiple.
#[must_use]
pub fn moved_by_modulo(from: u32, to: u32) -> f64 {
    let (mut a, mut b) = (u64::from(from), u64::from(to));
    while b != 0 {
        (a, b) = (b, a % b);
    }
    let common_multiple = u64::from(from) / a * u64::from(to);
    1.0 - f64::from(from.min(to)) / common_multiple as f64
}

/// The share of keys that any scheme must move to stay balanced when the number of nodes changes, and
/// that ring, jump (J. Lamping and E. Veach, "A fast, minimal memory, consistent hash algorithm",
/// 2014) and rendezvous (D. Thaler and C. Ravishankar, IEEE/ACM Transactions on Networking 1998) do.
#[must_use]
pub fn moved_at_least(from: u32, to: u32) -> f64 {
    f64::from(from.abs_diff(to)) / f64::from(from.max(to))
}

/// Coefficient of variation of a node's share of the ring, with `points` points for each of `nodes`.
///
/// D. Karger et al., "Consistent hashing and random trees", STOC 1997, is the scheme. Derived: the
/// share is the sum of `points` of the nodes x points spacings of a circle, which has a beta
/// distribution with parameters points and (nodes - 1) x points.
#[must_use]
pub fn ring_share_variation(nodes: u32, points: u32) -> f64 {
    let nodes = f64::from(nodes);
    ((nodes - 1.0) / (nodes * f64::from(points) + 1.0)).sqrt()
}

/// The most keys that a node may hold under bounded load. (V. Mirrokni, M. Thorup, M. Zadimoghaddam,
/// "Consistent hashing with bounded loads", SODA 2018.)
#[must_use]
pub fn bounded_load(keys: u64, nodes: u32, slack: f64) -> u64 {
    ceil((1.0 + slack) * keys as f64 / f64::from(nodes)) as u64
}

// ---------------------------------------------------------------------------------------------
// Write-behind

/// What coalescing leaves of the writes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WriteBehind {
    /// Writes that reach the database, per unit of time.
    pub database_writes: f64,
    /// Rows that are dirty, on average over time.
    pub mean_dirty: f64,
    /// Rows that are dirty just before a flush: so many are lost by a crash then.
    pub dirty_at_flush: f64,
}

/// Writes at `rate` to keys with these probabilities, flushed all together every `interval`.
///
/// Derived: a row is dirty t after a flush with probability 1 - e^(-rate x p x t).
#[must_use]
pub fn write_behind(probabilities: &[f64], rate: f64, interval: f64) -> WriteBehind {
    let (mut mean_dirty, mut dirty_at_flush) = (0.0, 0.0);
    for p in probabilities {
        let writes = rate * p * interval;
        let dirty = -expm1(-writes);
        dirty_at_flush += dirty;
        if writes > 0.0 {
            mean_dirty += 1.0 - dirty / writes;
        }
    }
    WriteBehind {
        database_writes: dirty_at_flush / interval,
        mean_dirty,
        dirty_at_flush,
    }
}

// ---------------------------------------------------------------------------------------------
// Tools

/// The probability that an Erlang time of `stages` stages of rate 1 is at most `time`: one minus the
/// Poisson probabilities of fewer events than stages.
fn erlang_probability(stages: u32, time: f64) -> f64 {
    let mut term = exp(-time);
    let mut fewer = 0.0;
    for events in 0..stages {
        fewer += term;
        term *= time / f64::from(events + 1);
        // Far beyond the mean, further terms change nothing.
        if f64::from(events) > time && term < 1e-18 {
            break;
        }
    }
    (1.0 - fewer).max(0.0)
}

/// Where a function that falls from above 0 crosses it, above 0; `scale` is a guess above 0. By
/// doubling and then bisection down to neighbouring numbers.
fn root_of_falling(function: impl Fn(f64) -> f64, scale: f64) -> f64 {
    let (mut low, mut high) = (0.0, scale.max(f64::MIN_POSITIVE));
    while function(high) > 0.0 && high < f64::MAX / 4.0 {
        (low, high) = (high, 2.0 * high);
    }
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        if function(middle) > 0.0 {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

// ---------------------------------------------------------------------------------------------
// Filters and pages

/// The share of strangers that a Bloom filter of `bits` bits and `probes` hashes takes for members
/// when it holds `keys` keys: (1 - e^(-kn/m))^k.
///
/// B. H. Bloom, "Space/time trade-offs in hash coding with allowable errors", CACM 13(7), 1970.
#[must_use]
pub fn bloom_false_positives(keys: u64, bits: u64, probes: u64) -> f64 {
    let (keys, bits, probes) = (keys as f64, bits as f64, probes as f64);
    pow(-expm1(-probes * keys / bits), probes)
}

/// The mean of the slowest of `many` independent exponential times of mean 1: the harmonic number.
#[must_use]
pub fn slowest_mean(many: u32) -> f64 {
    (1..=many).map(|of| 1.0 / f64::from(of)).sum()
}

/// A quantile of the slowest of `many` independent exponential times of mean 1: all of them are below
/// t with probability (1 - e^-t)^n.
#[must_use]
pub fn slowest_quantile(many: u32, quantile: f64) -> f64 {
    -log(-expm1(log(quantile) / f64::from(many)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_of_many_is_worked_by_hand() {
        assert!((slowest_mean(3) - 11.0 / 6.0).abs() < 1e-12);
        // One time: e^-t = 1/100. Two: (1 - e^-t)^2 = 1/4 at e^-t = 1/2.
        assert!((slowest_quantile(1, 0.99) - log(100.0)).abs() < 1e-9);
        assert!((slowest_quantile(2, 0.25) - log(2.0)).abs() < 1e-12);
        // k n / m = ln 2, so that half of the bits are set.
        let half = bloom_false_positives(1000, 14_427, 10);
        assert!((half - 0.5_f64.powi(10)).abs() < 1e-6, "{half}");
    }
    use crate::random::Draws;

    /// As many digits as a table prints: `digits` after the point.
    #[track_caller]
    fn printed(value: f64, digits: i32, table: f64) {
        let half = 0.5 * pow(10.0, f64::from(-digits)) * 1.0001;
        assert!((value - table).abs() <= half, "{value} is not {table}");
    }

    const TEN: MultiServer = MultiServer {
        servers: 10,
        arrival_rate: 900.0,
        service_rate: 100.0,
    };

    #[test]
    fn many_servers_meet_the_table() {
        printed(TEN.probability_of_wait(), 4, 0.6687);
        printed(TEN.mean_wait() * 1e3, 3, 6.687);
        printed(TEN.wait_quantile(0.99) * 1e3, 2, 42.03);
        printed(TEN.response_quantile(0.99) * 1e3, 2, 62.50);
    }

    #[test]
    fn one_server_has_an_exponential_response() {
        // M/M/1: response is exponential with rate mu - lambda, P(wait) = rho.
        let one = MultiServer {
            servers: 1,
            arrival_rate: 3.0,
            service_rate: 5.0,
        };
        printed(one.probability_of_wait(), 12, 0.6);
        printed(one.mean_response(), 12, 0.5);
        printed(one.mean_in_system(), 12, 1.5);
        printed(one.response_exceeds(1.0), 12, exp(-2.0));
        printed(one.response_quantile(0.5), 12, 0.5 * std::f64::consts::LN_2);
        assert_eq!(one.wait_quantile(0.3), 0.0);
    }

    #[test]
    fn tails_integrate_to_means() {
        for arrival_rate in [300.0, 850.0, 899.999, 900.0, 950.0] {
            let queue = MultiServer {
                arrival_rate,
                ..TEN
            };
            let step = 1e-5;
            let integral = |tail: &dyn Fn(f64) -> f64| -> f64 {
                (0..200_000)
                    .map(|i| tail((f64::from(i) + 0.5) * step) * step)
                    .sum()
            };
            let wait = integral(&|t| queue.wait_exceeds(t));
            let response = integral(&|t| queue.response_exceeds(t));
            assert!((wait - queue.mean_wait()).abs() < 1e-6, "{arrival_rate}");
            assert!(
                (response - queue.mean_response()).abs() < 1e-6,
                "{arrival_rate}"
            );
            let p99 = queue.response_quantile(0.99);
            assert!((queue.response_exceeds(p99) - 0.01).abs() < 1e-12);
        }
    }

    #[test]
    fn a_single_server_with_any_service_meets_the_table() {
        printed(single_server_mean_wait(80.0, 0.01, 0.0) * 1e3, 2, 20.00);
        let lognormal = exp(1.0) - 1.0;
        printed(
            single_server_mean_wait(80.0, 0.01, lognormal) * 1e3,
            2,
            54.37,
        );
        // Exponential: as M/M/1.
        let one = MultiServer {
            servers: 1,
            arrival_rate: 80.0,
            service_rate: 100.0,
        };
        printed(
            single_server_mean_wait(80.0, 0.01, 1.0),
            12,
            one.mean_wait(),
        );
    }

    #[test]
    fn a_limited_queue_meets_the_table() {
        let rejected = limited_queue_rejects(10, 50, 11.0);
        printed(rejected, 4, 0.0922);
        printed(1100.0 * (1.0 - rejected), 1, 998.5);
        // Without waiting places it is Erlang's B.
        printed(limited_queue_rejects(10, 10, 9.0), 14, erlang_b(10, 9.0));
        // Erlang's own table: 5 servers, load 3.
        printed(erlang_b(5, 3.0), 4, 0.1101);
        // Thousands of places do not overflow; half of twice the capacity is rejected.
        printed(limited_queue_rejects(100, 5000, 200.0), 9, 0.5);
    }

    #[test]
    fn a_closed_system_keeps_its_bounds_and_laws() {
        let with = |users, servers, mean_think| ClosedSystem {
            users,
            mean_think,
            servers,
            mean_service: 0.01,
        };
        // One user never waits.
        let one = with(1, 1, 0.09);
        printed(one.throughput(), 12, 10.0);
        printed(one.mean_response(), 12, 0.01);
        // Two users and one server, by hand: weights 1, 2r, 2r^2 with r = S/Z = 0.1.
        let two = with(2, 1, 0.1);
        printed(two.throughput(), 12, 100.0 * (0.2 + 0.02) / 1.22);
        for users in [1, 5, 20, 100, 5000] {
            for servers in [1, 4, 10] {
                for mean_think in [0.0, 0.001, 0.1, 1.0] {
                    let system = with(users, servers, mean_think);
                    assert!(system.throughput() <= system.throughput_bound() * (1.0 + 1e-12));
                    assert!(system.mean_response() >= system.response_bound() * (1.0 - 1e-9));
                }
            }
        }
        // Saturated, the bound is met.
        let many = with(5000, 10, 0.1);
        printed(many.throughput(), 6, 1000.0);
        printed(many.mean_response(), 6, 4.9);
    }

    #[test]
    fn a_closed_system_meets_mean_value_analysis() {
        // One server: R(n) = S (1 + L(n - 1)), X = n / (R + Z), L = X R (Reiser and Lavenberg).
        let (mean_service, mean_think) = (0.02, 0.3);
        let mut waiting = 0.0;
        for users in 1..60 {
            let response = mean_service * (1.0 + waiting);
            let throughput = f64::from(users) / (response + mean_think);
            waiting = throughput * response;
            let system = ClosedSystem {
                users,
                mean_think,
                servers: 1,
                mean_service,
            };
            printed(system.throughput(), 9, throughput);
            printed(system.mean_response(), 9, response);
        }
    }

    #[test]
    fn small_caches_meet_the_table() {
        let four = [0.4, 0.3, 0.2, 0.1];
        printed(lru_exact(&four, 2), 14, 209.0 / 360.0);
        printed(fifo_exact(&four, 2), 14, 4.0 / 7.0);
        let ten = zipf(10, 1.0);
        printed(lru_exact(&ten, 3), 5, 0.47066);
        printed(fifo_exact(&ten, 3), 5, 0.44510);
    }

    #[test]
    fn a_cache_of_nothing_or_everything_is_trivial() {
        let keys = zipf(6, 0.7);
        for exact in [lru_exact, fifo_exact] {
            assert_eq!(exact(&keys, 0), 0.0);
            printed(exact(&keys, 6), 12, 1.0);
            printed(exact(&keys, 7), 12, 1.0);
            // With one place both keep the latest key.
            printed(exact(&keys, 1), 12, keys.iter().map(|p| p * p).sum());
        }
    }

    /// Sums over orders as King wrote it, with nothing shared between them.
    fn slow_lru(p: &[f64], capacity: usize, order: &mut Vec<usize>, chance: f64) -> f64 {
        let mass: f64 = order.iter().map(|&key| p[key]).sum();
        if order.len() == capacity {
            return chance * mass;
        }
        let mut hits = 0.0;
        for key in 0..p.len() {
            if !order.contains(&key) {
                order.push(key);
                hits += slow_lru(p, capacity, order, chance * p[key] / (1.0 - mass));
                order.pop();
            }
        }
        hits
    }

    #[test]
    fn sums_over_sets_are_sums_over_orders() {
        let keys = zipf(7, 0.8);
        for capacity in 1..7 {
            let slow = slow_lru(&keys, capacity, &mut Vec::new(), 1.0);
            printed(lru_exact(&keys, capacity), 12, slow);
        }
    }

    #[test]
    fn small_caches_meet_a_simulation() {
        let keys = zipf(8, 1.0);
        let mut draws = Draws::from_seed(1);
        let (mut lru, mut fifo) = (Vec::new(), Vec::new());
        let (mut lru_hits, mut fifo_hits) = (0.0, 0.0);
        let many = 300_000;
        for _ in 0..many {
            let mut u = draws.unit();
            let key = keys.iter().position(|p| {
                u -= p;
                u < 0.0
            });
            let key = key.unwrap_or(7);
            if let Some(place) = lru.iter().position(|&other| other == key) {
                lru.remove(place);
                lru_hits += 1.0;
            }
            lru.insert(0, key);
            lru.truncate(3);
            if fifo.contains(&key) {
                fifo_hits += 1.0;
            } else {
                fifo.insert(0, key);
                fifo.truncate(3);
            }
        }
        assert!((lru_hits / f64::from(many) - lru_exact(&keys, 3)).abs() < 0.005);
        assert!((fifo_hits / f64::from(many) - fifo_exact(&keys, 3)).abs() < 0.005);
    }

    #[test]
    fn large_caches_meet_the_table() {
        let row = |exponent, capacity: u32| {
            let keys = zipf(10_000, exponent);
            let capacity = f64::from(capacity);
            (
                hit_ratio_by_characteristic_time(&keys, capacity, Replacement::Lru),
                hit_ratio_by_characteristic_time(&keys, capacity, Replacement::FifoOrRandom),
                best_static(&keys, capacity as usize),
            )
        };
        let (lru, fifo, best) = row(1.0, 1000);
        printed(lru, 4, 0.6756);
        printed(fifo, 4, 0.6309);
        printed(best, 4, 0.7648);
        let (lru, fifo, best) = row(0.8, 1000);
        printed(lru, 4, 0.4367);
        printed(fifo, 4, 0.3942);
        printed(best, 4, 0.5706);
        let (lru, fifo, _) = row(1.0, 100);
        printed(lru, 4, 0.3905);
        printed(fifo, 4, 0.3423);
        let everything = zipf(10, 1.0);
        let all = hit_ratio_by_characteristic_time(&everything, 10.0, Replacement::Lru);
        assert_eq!(all, 1.0);
    }

    #[test]
    fn expiry_meets_the_table() {
        let keys = zipf(10_000, 1.0);
        let fixed = over_keys(&keys, 1000.0, |rate| fixed_ttl_hit_ratio(rate, 60.0));
        printed(fixed, 4, 0.9012);
        printed(1000.0 * (1.0 - fixed), 2, 98.84);
        let sliding = over_keys(&keys, 1000.0, |rate| sliding_ttl_hit_ratio(rate, 60.0));
        printed(sliding, 4, 0.9548);
        printed(1000.0 * (1.0 - sliding), 1, 45.2);
    }

    #[test]
    fn two_tiers_meet_the_table() {
        let tiers = two_tiers(1.0, 1.0, 10.0);
        printed(tiers.first, 4, 0.5);
        printed(tiers.second, 4, 0.8222);
        printed(tiers.both, 4, 0.9111);
        printed(tiers.queries, 4, 0.0889);
        // A second tier that forgets first helps nobody; a first tier that keeps nothing is none.
        assert_eq!(two_tiers(1.0, 10.0, 10.0).second, 0.0);
        printed(
            two_tiers(2.0, 0.0, 10.0).both,
            12,
            fixed_ttl_hit_ratio(2.0, 10.0),
        );
        printed(
            two_tiers(2.0, 1e-4, 10.0).both,
            4,
            fixed_ttl_hit_ratio(2.0, 10.0),
        );
    }

    #[test]
    fn soft_and_hard_ttl_meet_the_table() {
        let shares = soft_and_hard_ttl(0.05, 30.0, 60.0);
        printed(shares.fresh, 4, 0.6);
        printed(shares.stale, 4, 0.3107);
        printed(shares.miss, 4, 0.0893);
        printed(shares.queries, 4, 0.02);
        printed(shares.fresh + shares.stale + shares.miss, 14, 1.0);
    }

    #[test]
    fn staleness_meets_the_table_and_integrates() {
        printed(stale_share_of_hits(60.0, 0.1), 5, 0.83375);
        printed(stale_share_of_hits(60.0, 0.01), 4, 0.2480);
        // The mean over ages of the mean over first updates, by small steps.
        let (ttl, update_rate) = (60.0, 0.1);
        let step = 0.01;
        let mut mean = 0.0;
        for i in 0..6000 {
            let age = (f64::from(i) + 0.5) * step;
            mean += (age - (1.0 - exp(-update_rate * age)) / update_rate) * step / ttl;
        }
        printed(mean_staleness_of_hits(ttl, update_rate), 4, mean);
    }

    #[test]
    fn staleness_of_a_replica_integrates() {
        printed(stale_share_of_replica(0.5, 2.0), 4, 0.6321);
        // Over the time from the beginning of the lag to the first update, by small steps.
        let (lag, update_rate) = (0.5, 2.0);
        let step = 0.0001;
        let mut mean = 0.0;
        for i in 0..5000 {
            let first = (f64::from(i) + 0.5) * step;
            mean += (lag - first) * update_rate * exp(-update_rate * first) * step;
        }
        printed(mean_staleness_of_replica(lag, update_rate), 4, mean);
    }

    #[test]
    fn fetches_that_take_time_meet_the_table() {
        let flight = single_flight(100.0, 10.0, 0.2);
        printed(flight.hit, 5, 0.97943);
        printed(flight.delayed_hit, 5, 0.01959);
        printed(flight.queries, 5, 0.09794);
        printed(flight.mean_latency * 1e3, 3, 2.155);
        printed(flight.hit + flight.delayed_hit + flight.miss, 14, 1.0);
        let herd = no_defence(100.0, 10.0, 0.2);
        printed(herd.queries_per_expiry, 12, 21.0);
        printed(herd.queries, 3, 2.019);
        printed(herd.hit, 5, 0.97981);
        // A fetch that takes no time needs no defence.
        printed(
            single_flight(5.0, 10.0, 0.0).hit,
            14,
            fixed_ttl_hit_ratio(5.0, 10.0),
        );
        printed(
            no_defence(5.0, 10.0, 0.0).hit,
            14,
            fixed_ttl_hit_ratio(5.0, 10.0),
        );
    }

    #[test]
    fn undefended_fetches_meet_a_simulation() {
        let (rate, ttl, fetch) = (3.0, 2.0, 0.5);
        let mut draws = Draws::from_seed(2);
        let (mut now, mut misses, mut expires) = (0.0, 0.0, 0.0);
        let mut fills = std::collections::VecDeque::new();
        let many = 300_000;
        for _ in 0..many {
            now += -log(draws.unit()) / rate;
            while let Some(&filled) = fills.front()
                && filled <= now
            {
                fills.pop_front();
                expires = filled + ttl;
            }
            if now >= expires {
                misses += 1.0;
                fills.push_back(now + fetch);
            }
        }
        let theory = no_defence(rate, ttl, fetch);
        assert!(
            (misses / f64::from(many) - theory.miss).abs() < 0.004,
            "{misses}"
        );
        assert!((misses / now - theory.queries).abs() < 0.015);
    }

    #[test]
    fn early_expiration_meets_the_table_and_a_simulation() {
        let one = early_expiration(100.0, 1.0, 1.0);
        printed(one.recomputations, 12, std::f64::consts::E);
        printed(one.mean_gap, 2, 5.18);
        let two = early_expiration(100.0, 1.0, 2.0);
        printed(two.recomputations, 3, 1.649);
        printed(two.mean_gap, 2, 11.75);

        // Long enough before the expiry that nobody recomputes yet.
        let (rate, fetch, ttl) = (100.0, 1.0, 18.0);
        let mut draws = Draws::from_seed(3);
        let cycles = 2000;
        let (mut sum, mut squares, mut computed) = (0.0, 0.0, 0.0);
        for _ in 0..cycles {
            let (mut now, mut first) = (0.0, None);
            loop {
                now += -log(draws.unit()) / rate;
                if first.is_some_and(|begun| now >= begun + fetch) {
                    break;
                }
                if now - fetch * log(draws.unit()) >= ttl {
                    computed += 1.0;
                    first = first.or(Some(now));
                }
            }
            let gap = ttl - first.unwrap_or(ttl);
            sum += gap;
            squares += gap * gap;
        }
        let mean = sum / f64::from(cycles);
        let deviation = (squares / f64::from(cycles) - mean * mean).sqrt();
        assert!((computed / f64::from(cycles) - one.recomputations).abs() < 0.15);
        assert!((mean - one.mean_gap).abs() < 0.12, "{mean}");
        assert!((deviation - one.gap_deviation).abs() < 0.1, "{deviation}");
    }

    #[test]
    fn placement_meets_the_table() {
        printed(moved_by_modulo(4, 5), 14, 0.8);
        printed(moved_by_modulo(9, 10), 14, 0.9);
        printed(moved_at_least(4, 5), 14, 0.2);
        printed(moved_at_least(5, 4), 14, 0.2);
        printed(ring_share_variation(10, 1), 3, 0.905);
        printed(ring_share_variation(10, 100), 4, 0.0948);
        printed(ring_share_variation(10, 1000), 4, 0.0300);
        assert_eq!(bounded_load(1000, 10, 0.25), 125);
        assert_eq!(bounded_load(1001, 10, 0.0), 101);
    }

    #[test]
    fn modulo_moves_as_many_as_counting_says() {
        for from in 1..12_u32 {
            for to in 1..12_u32 {
                let moved = (0..27_720_u32).filter(|key| key % from != key % to).count();
                printed(moved_by_modulo(from, to), 12, moved as f64 / 27_720.0);
            }
        }
    }

    #[test]
    fn write_behind_meets_the_table() {
        let behind = write_behind(&zipf(10_000, 1.0), 500.0, 5.0);
        printed(behind.database_writes, 1, 209.5);
        printed(behind.mean_dirty, 1, 586.8);
        printed(behind.dirty_at_flush, 1, 1047.5);
    }
}
