//! The keys of `[[tier]]`, and what is spelled in them: capacities, policies, jitter.

use crate::defence::DEFENCES;
use crate::eviction::{self, PolicySpec, SpecError};
use crate::invalidation::INVALIDATIONS;
use crate::pattern::{PAIRS, READS, REFRESH, WRITES};
use crate::placement::{SCHEMES, Setting};
use crate::tier::{Capacity, SCOPES};

use super::super::shape::{Choice, Field, Need, Row, Shape, Spelled, Table};
use super::super::unit::{Count, Misspelt, Plain, Share, Size, Unit, quoted};
use super::parts::{
    ANY_DURATION, ANY_SHARE, NAME, SOME_DURATION, chosen_by, count, field, parameter_field,
    parameters_table, queue_limit, range, table, word, words,
};
use super::workload::DURATIONS;

pub(super) fn tier() -> Table {
    use Need::{Default, Required};
    table(vec![
        field(
            "name",
            Shape::Spelled(NAME),
            Required,
            "\"redis\"",
            "what metrics and overrides call the tier; letters, digits, `-` and `_`; unique",
        ),
        field(
            "pattern",
            Shape::Either(vec![
                Shape::Words(
                    PAIRS
                        .iter()
                        .map(|row| word(row.name, row.summary))
                        .collect(),
                ),
                Shape::Table(pattern()),
            ]),
            Default("\"aside\""),
            "{ read = \"aside\", write = \"invalidate\" }",
            "how the cache is filled and what a write does",
        ),
        field(
            "scope",
            words(
                &SCOPES
                    .iter()
                    .map(|row| (row.name, row.summary))
                    .collect::<Vec<_>>(),
            ),
            Default("\"global\""),
            "\"instance\"",
            "who shares a node",
        ),
        super::regions::home("a tier with `scope = \"global\"`"),
        field(
            "nodes",
            count("1", "10000"),
            Default("1"),
            "3",
            "how many nodes the tier has, or each of those who do not share one",
        ),
        field(
            "capacity",
            Shape::Spelled(CAPACITY),
            Required,
            "\"100k entries\"",
            "how much each node holds: entries, bytes, or \"unlimited\"",
        ),
        field(
            "entry_overhead",
            Shape::Quantity(Unit::Size, range("0B", "1GiB")),
            Default("\"0B\""),
            "\"56B\"",
            "bytes that each entry takes beyond its value, where capacity is in bytes",
        ),
        field(
            "eviction",
            Shape::Spelled(EVICTION),
            Default("\"lru\""),
            "\"lru\"",
            "which entry leaves a full node; parameters follow the name, as in \"name:parameter=value\"",
        ),
        field(
            "ttl",
            Shape::Either(vec![
                words(&[("never", "entries do not expire")]),
                Shape::Short("base", Box::new(Shape::Table(ttl()))),
            ]),
            Default("\"never\""),
            "{ base = \"60s\", jitter = 0.1 }",
            "when entries expire",
        ),
        field(
            "negative",
            Shape::Either(vec![
                words(&[(
                    "none",
                    "that there is no row is not stored: whoever asks goes further down",
                )]),
                Shape::Short("ttl", Box::new(Shape::Table(negative()))),
            ]),
            Default("\"none\""),
            "{ ttl = \"5s\" }",
            "negative caching: whether nodes store that there is no such row",
        ),
        field(
            "sweep",
            Shape::Either(vec![
                words(&[(
                    "none",
                    "expired entries stay until they are touched or evicted",
                )]),
                Shape::Table(sweep()),
            ]),
            Default("\"none\""),
            "{ interval = \"100ms\", sample = 20 }",
            "the active sweep for expired entries, as Redis has it",
        ),
        field(
            "placement",
            Shape::Short("scheme", Box::new(Shape::Choice(placement()))),
            Default("{ scheme = \"ring\" }"),
            "{ scheme = \"ring\", virtual_nodes = 150 }",
            "which node holds a key",
        ),
        field(
            "network",
            Shape::Named("durations"),
            Default("{ distribution = \"lognormal\", median = \"0.2ms\", p99 = \"1ms\" }"),
            "\"0.5ms\"",
            "round-trip time between the app and a node: half of it out, half of it back",
        ),
        field(
            "service",
            Shape::Table(service()),
            Default("{}"),
            "{ workers = 1, time = \"10us\" }",
            "how a node serves its requests",
        ),
        field(
            "delete_failure",
            Shape::Quantity(Unit::Share, ANY_SHARE),
            Default("0.0"),
            "0.01",
            "share of the explicit deletes that are lost on their way to the node",
        ),
        field(
            "invalidation",
            Shape::List(
                Box::new(Shape::Short(
                    "kind",
                    Box::new(Shape::Choice(chosen_by(
                        "kind",
                        "the mechanism",
                        INVALIDATIONS,
                    ))),
                )),
                0,
            ),
            Default("[]"),
            "[\"compare-and-set\"]",
            "what keeps copies true beside the TTL and what the write pattern does",
        ),
        field(
            "defence",
            Shape::Short(
                "kind",
                Box::new(Shape::Choice(chosen_by("kind", "the defence", DEFENCES))),
            ),
            Default("\"none\""),
            "\"single-flight\"",
            "what happens when many requests miss one key together",
        ),
    ])
}

pub(super) fn pattern() -> Table {
    let reads = READS
        .iter()
        .map(|row| word(row.name, row.meaning))
        .collect();
    let writes = WRITES
        .iter()
        .map(|row| word(row.name, row.meaning))
        .collect();
    let mut fields = vec![
        field(
            "read",
            Shape::Words(reads),
            Need::Default("\"aside\""),
            "\"aside\"",
            "how a read fills the cache",
        ),
        field(
            "write",
            Shape::Words(writes),
            Need::Default("\"invalidate\""),
            "\"invalidate\"",
            "what a write does",
        ),
    ];
    for row in WRITES {
        for parameter in row.parameters {
            let mut of_write = parameter_field(parameter, DURATIONS);
            of_write.meaning = format!("with `write = \"{}\"`: {}", row.name, parameter.meaning);
            fields.push(of_write);
        }
    }
    fields.push(field(
        "refresh",
        Shape::Either(vec![
            words(&[(
                "none",
                "entries are fetched when they have expired and are asked for",
            )]),
            Shape::Table(parameters_table(&REFRESH)),
        ]),
        Need::Default("\"none\""),
        "{ factor = 0.8, hits_min = 1 }",
        "refresh-ahead: entries are fetched anew before they expire",
    ));
    table(fields)
}

pub(super) fn ttl() -> Table {
    use Need::{Default, Required};
    table(vec![
        field(
            "base",
            Shape::Quantity(Unit::Duration, SOME_DURATION),
            Required,
            "\"60s\"",
            "how long an entry lives, counted from the moment its value is stored in the node",
        ),
        field(
            "sliding",
            Shape::Flag,
            Default("false"),
            "true",
            "whether each hit starts it anew",
        ),
        field(
            "jitter",
            Shape::Either(vec![
                Shape::Quantity(Unit::Share, range("0", "0.99")),
                Shape::Spelled(JITTER),
            ]),
            Default("0.0"),
            "0.1",
            "the TTL is multiplied by a uniform draw from [1 - j, 1 + j], or with \"+0..j\" from [1, 1 + j]",
        ),
        field(
            "stale_while_revalidate",
            Shape::Quantity(Unit::Duration, ANY_DURATION),
            Default("\"0s\""),
            "\"30s\"",
            "for so long after its TTL an entry is served all the same, while one refresh goes on in the background",
        ),
        field(
            "stale_if_error",
            Shape::Quantity(Unit::Duration, ANY_DURATION),
            Default("\"0s\""),
            "\"1h\"",
            "for so long after its TTL an entry is served if the fetch of a new one fails",
        ),
    ])
}

fn negative() -> Table {
    table(vec![field(
        "ttl",
        Shape::Quantity(Unit::Duration, SOME_DURATION),
        Need::Required,
        "\"5s\"",
        "how long that is stored, counted from the moment it is; hits do not prolong it",
    )])
}

pub(super) fn sweep() -> Table {
    table(vec![
        field(
            "interval",
            Shape::Quantity(Unit::Duration, range("1us", "3650d")),
            Need::Default("\"100ms\""),
            "\"100ms\"",
            "time between two sweeps of a node",
        ),
        field(
            "sample",
            count("1", "1000000"),
            Need::Default("20"),
            "20",
            "entries looked at in one sweep",
        ),
    ])
}

pub(super) fn service() -> Table {
    table(vec![
        field(
            "workers",
            count("1", "1000000"),
            Need::Default("1"),
            "1",
            "requests that a node serves at a time",
        ),
        field(
            "time",
            Shape::Named("durations"),
            Need::Default("\"10us\""),
            "\"10us\"",
            "how long a worker is busy with one request",
        ),
        queue_limit("requests that may wait at a node; more are refused"),
    ])
}

pub(super) fn placement_setting(setting: &Setting) -> Field {
    use Need::{Default, Optional};
    match setting {
        Setting::VirtualNodes => field(
            "virtual_nodes",
            count("1", "100000"),
            Default("150"),
            "150",
            "points of one node on the ring",
        ),
        Setting::Probes => field(
            "probes",
            count("1", "1000"),
            Default("21"),
            "21",
            "how often a key is hashed",
        ),
        Setting::TableSize => field(
            "table_size",
            count("2", "10000000"),
            Default("65537"),
            "65_537",
            "entries of the table: a prime, and a hundred times the number of nodes or more",
        ),
        Setting::KeysPerTag => field(
            "keys_per_tag",
            count("1", "1000000000"),
            Default("1"),
            "10",
            "neighbouring keys that share a hash tag, and so a slot; 1 for no tags",
        ),
        Setting::Weights => field(
            "weights",
            Shape::List(
                Box::new(Shape::Quantity(Unit::Number, range("0.001", "1000"))),
                1,
            ),
            Optional,
            "[1.0, 1.0, 2.0]",
            "how much of the keys each node is to have, in proportion, one number a node; the same for all if nothing is said",
        ),
    }
}

pub(super) fn placement() -> Choice {
    let row = |scheme: &crate::placement::Row| Row {
        name: scheme.name,
        meaning: format!("{} ({})", scheme.summary, scheme.source),
        table: table(scheme.settings.iter().map(placement_setting).collect()),
    };
    Choice {
        tag: "scheme",
        tag_meaning: "the scheme that decides",
        rows: SCHEMES.iter().map(row).collect(),
    }
}

pub(super) const CAPACITY: Spelled = Spelled {
    described: "a capacity such as \"100k entries\", \"1GiB\" or \"unlimited\"",
    pattern: r"^\s*(unlimited|\d[\d_]*(\.\d[\d_]*)?\s*([kKMG]?\s*(entries|entry)|B|[kKMGT]B|[KMGT]iB))\s*$",
    examples: &["100k entries", "1GiB", "unlimited"],
    read: |text| {
        read_capacity(text).map(|capacity| match capacity {
            Capacity::Unlimited => "unlimited".into(),
            Capacity::Entries(count) => format!("{count} entries"),
            Capacity::Bytes(bytes) => Size(bytes).to_string(),
        })
    },
};

/// Reads a tier's capacity.
pub(in crate::scenario) fn read_capacity(text: &str) -> Result<Capacity, Misspelt> {
    let text = text.trim();
    let wrong = |message: String| {
        Misspelt {
        message,
        help: "write a number of entries, an amount of memory, or unlimited: \"100k entries\", \"1GiB\", \"unlimited\"".into(),
    }
    };
    if text == "unlimited" {
        return Ok(Capacity::Unlimited);
    }
    if let Some(count) = text
        .strip_suffix("entries")
        .or_else(|| text.strip_suffix("entry"))
    {
        return match Count::parse(count) {
            Ok(Count(0)) => Err(wrong("a node that holds no entry is no cache".into())),
            Ok(Count(count)) if count <= 10_000_000_000 => Ok(Capacity::Entries(count)),
            Ok(Count(count)) => Err(wrong(format!("{count} entries are more than 10G"))),
            Err(misspelt) => Err(wrong(misspelt.message)),
        };
    }
    if Count::parse(text).is_ok() {
        return Err(wrong(format!(
            "{} could be entries or bytes: did you mean \"{text} entries\" or \"{text}B\"",
            quoted(text)
        )));
    }
    match Size::parse(text) {
        Ok(Size(0)) => Err(wrong("a node that holds no byte is no cache".into())),
        Ok(Size(bytes)) if bytes <= 1 << 50 => Ok(Capacity::Bytes(bytes)),
        Ok(size) => Err(wrong(format!("{size} is more than 1024TiB"))),
        Err(_) => Err(wrong(format!("{} is not a capacity", quoted(text)))),
    }
}

pub(super) const EVICTION: Spelled = Spelled {
    described: "an eviction policy such as \"lru\"",
    pattern: "^.+$",
    examples: &["lru", "fifo"],
    read: |text| read_eviction(text).map(|spec| spec.to_string()),
};

/// Reads an eviction policy that can serve a tier.
pub(in crate::scenario) fn read_eviction(text: &str) -> Result<PolicySpec, Misspelt> {
    let spec = PolicySpec::parse(text).map_err(|error| match error {
        SpecError::UnknownPolicy {
            name,
            nearest,
            admission,
            known,
        } => Misspelt {
            message: format!("there is no eviction policy {}", quoted(&name)),
            help: match (admission, nearest) {
                (Some(admission), _) => format!(
                    "`{admission}` is an admission: write `lru+{admission}`, for example; known policies: {known}"
                ),
                (_, Some(nearest)) => format!("did you mean `{nearest}`? known: {known}"),
                _ => format!("known: {known}"),
            },
        },
        SpecError::UnknownAdmission {
            name,
            nearest,
            known,
        } => Misspelt {
            message: format!("there is no admission {}", quoted(&name)),
            help: match nearest {
                Some(nearest) => format!("did you mean `{nearest}`? known: {known}"),
                None => format!("known: {known}"),
            },
        },
        other => Misspelt {
            message: other.to_string(),
            help: String::new(),
        },
    })?;
    if spec.description().replay_only {
        let known = eviction::descriptions()
            .filter(|it| !it.replay_only)
            .map(|it| it.name);
        return Err(Misspelt {
            message: format!(
                "the policy `{}` has to know the future, so only `cachesim replay` can run it",
                spec.description().name
            ),
            help: format!("known: {}", known.collect::<Vec<_>>().join(", ")),
        });
    }
    Ok(spec)
}

pub(super) const JITTER: Spelled = Spelled {
    described: "a one-sided jitter such as \"+0..0.2\"",
    pattern: r"^\s*\+\s*0\s*\.\.\s*\d+(\.\d+)?\s*%?\s*$",
    examples: &["+0..0.2"],
    read: |text| read_jitter(text).map(|above| format!("+0..{above}")),
};

/// Reads a one-sided jitter: by how much the TTL may be longer.
pub(in crate::scenario) fn read_jitter(text: &str) -> Result<f64, Misspelt> {
    let wrong = || {
        Misspelt {
        message: format!("{} is not a jitter", quoted(text)),
        help: "write 0.1 or \"10%\" for up to a tenth less or more, \"+0..0.2\" for up to a fifth more".into(),
    }
    };
    let rest = text.trim().strip_prefix('+').ok_or_else(wrong)?;
    let rest = rest.trim_start().strip_prefix('0').ok_or_else(wrong)?;
    let above = rest
        .trim_start()
        .strip_prefix("..")
        .ok_or_else(wrong)?
        .trim();
    let share = match above.strip_suffix('%') {
        Some(_) => Share::parse(above),
        None => above
            .parse()
            .map_err(|_| wrong())
            .and_then(|number| Share::read(Plain::Float(number))),
    };
    share.map(|share| share.0).map_err(|_| wrong())
}
