//! What `redis-cli MONITOR` prints: one command per line.
//!
//! `1339518083.107412 [0 127.0.0.1:60866] "get" "key"`: seconds, the number of the data base, the
//! client, the command and its arguments, quoted with `\"`, `\\`, `\n`, `\r`, `\t`, `\a`, `\b` and
//! `\xHH`. A command with several keys becomes as many requests. Commands that touch no key
//! (`PING`, `MULTI`, ...) are skipped, and so are the server's `OK` and unknown commands. MONITOR
//! shows no answers, so the size is known for writes only, as the length of the value.
//!
//! Written are `get`, `set` (with `NX` for add and `XX` for replace, and `PX` for a TTL), `append`,
//! `lpush` for prepend, `del`, `incr` and `decr`, with values of as many letters x as the size says.

use super::writing::{Limit, MICROSECONDS};
use super::{Fit, Format, Head, NOTHING, Writing};
use crate::random::mix;
use crate::trace::error::{Problem, quoted};
use crate::trace::format::lines::{Lines, Run};
use crate::trace::output::Stream;
use crate::trace::text::{complete_lines, duration_ns, is_text, number, trimmed};
use crate::trace::{
    Fields, Input, Operation, Output, ReadOptions, Reader, Request, TraceError, Writer, Writes,
    client_from_bytes, key_from_bytes,
};
use crate::units::SECOND_NS;

/// The table row.
pub const FORMAT: Format = Format {
    name: "redis-monitor",
    summary: "the output of redis-cli MONITOR; one request per key of each command",
    endings: &[],
    detect,
    read,
    obeys: NOTHING,
    writes: Some(Writes::Store),
    writings: &[Writing {
        version: 0,
        fields: FIELDS,
        limits: &[MICROSECONDS, OPERATIONS, SIZES, TTLS],
        open: write,
    }],
    source: "redis.io/docs/latest/commands/monitor",
};

const FIELDS: Fields = Fields {
    next_use: false,
    ..Fields::ALL
};

/// A value of more bytes would not fit the longest line that is read.
const LARGEST_VALUE_BYTES: u64 = 1_000_000;

/// The step of TTLs.
const MILLISECOND_NS: u64 = 1_000_000;

const OPERATIONS: Limit = Limit {
    held: "operations that Redis has",
    done: "gets and cas made get and set",
    apply: |request| {
        request.operation = match request.operation {
            Operation::Gets => Operation::Get,
            Operation::Cas => Operation::Set,
            other => other,
        };
    },
};

/// Whether the command for `operation` has the whole value in it, and perhaps a TTL.
fn has_value(operation: Operation) -> bool {
    matches!(
        operation,
        Operation::Set | Operation::Add | Operation::Replace | Operation::Cas
    )
}

const SIZES: Limit = Limit {
    held: "sizes of set, add and replace, up to 1 MB",
    done: "others cut or left out",
    apply: |request| {
        request.size = match has_value(request.operation) {
            true => request.size.min(LARGEST_VALUE_BYTES),
            false => 0,
        };
    },
};

const TTLS: Limit = Limit {
    held: "TTLs of set, add and replace, in whole milliseconds",
    done: "others rounded up or left out",
    apply: |request| {
        request.ttl_ns = request
            .ttl_ns
            .filter(|&ttl_ns| ttl_ns > 0 && has_value(request.operation))
            .map(|ttl_ns| {
                ttl_ns
                    .div_ceil(MILLISECOND_NS)
                    .saturating_mul(MILLISECOND_NS)
            });
    },
};

/// Where a command has its keys.
#[derive(Clone, Copy)]
enum Keys {
    /// The first argument.
    First,
    /// All arguments.
    All,
    /// All arguments but the last, which is a timeout.
    AllButLast,
    /// Every other argument, each followed by its value.
    Pairs,
}

/// Where a command has a value whose length is the size, and a TTL.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Value {
    /// No value.
    None,
    /// At this argument, counted from 0.
    At(usize),
    /// At argument 1, with a TTL in options such as `EX 60`.
    WithOptions,
    /// At argument 2, after a TTL in so many nanoseconds at argument 1.
    AfterTtl(u64),
}

/// The commands that are understood, in lower case.
const COMMANDS: &[(&str, Operation, Keys, Value)] = &[
    ("get", Operation::Get, Keys::First, Value::None),
    ("set", Operation::Set, Keys::First, Value::WithOptions),
    ("mget", Operation::Get, Keys::All, Value::None),
    ("hget", Operation::Get, Keys::First, Value::None),
    ("hgetall", Operation::Get, Keys::First, Value::None),
    ("hmget", Operation::Get, Keys::First, Value::None),
    ("hset", Operation::Set, Keys::First, Value::At(2)),
    ("hmset", Operation::Set, Keys::First, Value::At(2)),
    ("hsetnx", Operation::Add, Keys::First, Value::At(2)),
    ("hdel", Operation::Set, Keys::First, Value::None),
    ("hincrby", Operation::Increment, Keys::First, Value::None),
    ("hexists", Operation::Get, Keys::First, Value::None),
    ("hkeys", Operation::Get, Keys::First, Value::None),
    ("hvals", Operation::Get, Keys::First, Value::None),
    ("hlen", Operation::Get, Keys::First, Value::None),
    ("hscan", Operation::Get, Keys::First, Value::None),
    (
        "setex",
        Operation::Set,
        Keys::First,
        Value::AfterTtl(SECOND_NS),
    ),
    (
        "psetex",
        Operation::Set,
        Keys::First,
        Value::AfterTtl(1_000_000),
    ),
    ("setnx", Operation::Add, Keys::First, Value::At(1)),
    ("getset", Operation::Set, Keys::First, Value::At(1)),
    ("getex", Operation::Get, Keys::First, Value::None),
    ("getdel", Operation::Delete, Keys::First, Value::None),
    ("mset", Operation::Set, Keys::Pairs, Value::None),
    ("msetnx", Operation::Add, Keys::Pairs, Value::None),
    ("append", Operation::Append, Keys::First, Value::None),
    ("getrange", Operation::Get, Keys::First, Value::None),
    ("setrange", Operation::Replace, Keys::First, Value::None),
    ("strlen", Operation::Get, Keys::First, Value::None),
    ("exists", Operation::Get, Keys::All, Value::None),
    ("type", Operation::Get, Keys::First, Value::None),
    ("ttl", Operation::Get, Keys::First, Value::None),
    ("pttl", Operation::Get, Keys::First, Value::None),
    ("touch", Operation::Get, Keys::All, Value::None),
    ("dump", Operation::Get, Keys::First, Value::None),
    ("del", Operation::Delete, Keys::All, Value::None),
    ("unlink", Operation::Delete, Keys::All, Value::None),
    ("incr", Operation::Increment, Keys::First, Value::None),
    ("incrby", Operation::Increment, Keys::First, Value::None),
    (
        "incrbyfloat",
        Operation::Increment,
        Keys::First,
        Value::None,
    ),
    ("decr", Operation::Decrement, Keys::First, Value::None),
    ("decrby", Operation::Decrement, Keys::First, Value::None),
    ("getbit", Operation::Get, Keys::First, Value::None),
    ("setbit", Operation::Replace, Keys::First, Value::None),
    ("bitcount", Operation::Get, Keys::First, Value::None),
    ("lpush", Operation::Prepend, Keys::First, Value::None),
    ("rpush", Operation::Append, Keys::First, Value::None),
    ("lpushx", Operation::Prepend, Keys::First, Value::None),
    ("rpushx", Operation::Append, Keys::First, Value::None),
    ("lpop", Operation::Set, Keys::First, Value::None),
    ("rpop", Operation::Set, Keys::First, Value::None),
    ("blpop", Operation::Set, Keys::AllButLast, Value::None),
    ("brpop", Operation::Set, Keys::AllButLast, Value::None),
    ("lrange", Operation::Get, Keys::First, Value::None),
    ("lindex", Operation::Get, Keys::First, Value::None),
    ("llen", Operation::Get, Keys::First, Value::None),
    ("lset", Operation::Replace, Keys::First, Value::None),
    ("lrem", Operation::Set, Keys::First, Value::None),
    ("ltrim", Operation::Set, Keys::First, Value::None),
    ("sadd", Operation::Set, Keys::First, Value::None),
    ("srem", Operation::Set, Keys::First, Value::None),
    ("spop", Operation::Set, Keys::First, Value::None),
    ("smembers", Operation::Get, Keys::First, Value::None),
    ("sismember", Operation::Get, Keys::First, Value::None),
    ("smismember", Operation::Get, Keys::First, Value::None),
    ("srandmember", Operation::Get, Keys::First, Value::None),
    ("scard", Operation::Get, Keys::First, Value::None),
    ("sscan", Operation::Get, Keys::First, Value::None),
    ("sinter", Operation::Get, Keys::All, Value::None),
    ("sunion", Operation::Get, Keys::All, Value::None),
    ("sdiff", Operation::Get, Keys::All, Value::None),
    ("zadd", Operation::Set, Keys::First, Value::None),
    ("zrem", Operation::Set, Keys::First, Value::None),
    ("zincrby", Operation::Increment, Keys::First, Value::None),
    ("zremrangebyscore", Operation::Set, Keys::First, Value::None),
    ("zremrangebyrank", Operation::Set, Keys::First, Value::None),
    ("zpopmin", Operation::Set, Keys::First, Value::None),
    ("zpopmax", Operation::Set, Keys::First, Value::None),
    ("zrange", Operation::Get, Keys::First, Value::None),
    ("zrevrange", Operation::Get, Keys::First, Value::None),
    ("zrangebyscore", Operation::Get, Keys::First, Value::None),
    ("zrevrangebyscore", Operation::Get, Keys::First, Value::None),
    ("zrank", Operation::Get, Keys::First, Value::None),
    ("zrevrank", Operation::Get, Keys::First, Value::None),
    ("zscore", Operation::Get, Keys::First, Value::None),
    ("zmscore", Operation::Get, Keys::First, Value::None),
    ("zcount", Operation::Get, Keys::First, Value::None),
    ("zcard", Operation::Get, Keys::First, Value::None),
    ("zscan", Operation::Get, Keys::First, Value::None),
    ("pfadd", Operation::Set, Keys::First, Value::None),
    ("pfcount", Operation::Get, Keys::All, Value::None),
    ("geoadd", Operation::Set, Keys::First, Value::None),
    ("geosearch", Operation::Get, Keys::First, Value::None),
    ("xadd", Operation::Append, Keys::First, Value::None),
    ("xrange", Operation::Get, Keys::First, Value::None),
    ("xlen", Operation::Get, Keys::First, Value::None),
    ("xdel", Operation::Set, Keys::First, Value::None),
    ("json.get", Operation::Get, Keys::First, Value::None),
    ("json.set", Operation::Set, Keys::First, Value::At(2)),
    ("restore", Operation::Set, Keys::First, Value::At(2)),
];

fn detect(head: &Head<'_>) -> Fit {
    if !is_text(head.bytes) {
        return Fit::No;
    }
    let mut lines = complete_lines(head.bytes, head.whole)
        .filter(|line| *line != b"OK")
        .take(20)
        .peekable();
    let mut runs = Vec::new();
    let fits = match lines.peek() {
        Some(_) => lines.all(|line| parse(line, &mut runs).is_ok()),
        // The first value may be longer than all that is looked at.
        None => Origin::parse(head.bytes.strip_prefix(b"OK\n").unwrap_or(head.bytes)).is_ok(),
    };
    match fits {
        true => Fit::Certain,
        false => Fit::No,
    }
}

fn read(input: Input, _: &ReadOptions) -> Result<Box<dyn Reader>, TraceError> {
    Ok(Box::new(Lines::new(
        input,
        FIELDS,
        |line: &[u8], runs: &mut Vec<Run>| match trimmed(line) {
            b"" | b"OK" => Ok(()),
            line => parse(line, runs),
        },
    )))
}

/// What a line must look like.
fn wrong_shape(line: &[u8]) -> Problem {
    Problem::new(format!(
        "expected SECONDS [DATABASE CLIENT] \"COMMAND\" \"ARGUMENT\"..., found {}",
        quoted(line)
    ))
}

/// What a line says before the command.
struct Origin {
    time_ns: u64,
    database: u64,
    client: u32,
}

impl Origin {
    /// Itself, and the command that follows.
    fn parse(line: &[u8]) -> Result<(Self, &[u8]), Problem> {
        let shape = || wrong_shape(line);
        let blank = memchr::memchr(b' ', line).ok_or_else(shape)?;
        let time_ns = duration_ns("time", &line[..blank], SECOND_NS)?;
        let rest = line[blank + 1..].strip_prefix(b"[").ok_or_else(shape)?;
        // The path of a Unix socket may have brackets in it; the command starts with a quote.
        let end = memchr::memmem::find(rest, b"] \"").ok_or_else(shape)?;
        let (origin, arguments) = (&rest[..end], &rest[end + 2..]);
        let blank = memchr::memchr(b' ', origin).ok_or_else(shape)?;
        let origin = Self {
            time_ns,
            database: number("database", &origin[..blank])?,
            client: client_from_bytes(&origin[blank + 1..]),
        };
        Ok((origin, arguments))
    }
}

fn parse(line: &[u8], runs: &mut Vec<Run>) -> Result<(), Problem> {
    let (origin, arguments) = Origin::parse(line)?;
    let Origin {
        time_ns,
        database,
        client,
    } = origin;
    let arguments = unquoted(arguments)?;
    let Some((command, arguments)) = arguments.split_first() else {
        return Err(wrong_shape(line));
    };
    let command = command.to_ascii_lowercase();
    let Some(&(_, operation, keys, value)) = COMMANDS
        .iter()
        .find(|(name, ..)| name.as_bytes() == command)
    else {
        return Ok(());
    };
    let of_key = |key: &[u8]| Request {
        time_ns,
        // The data bases are name spaces of their own; number 0 is the usual one.
        key: key_from_bytes(key) ^ mix(database),
        operation,
        client,
        ..Request::default()
    };
    match keys {
        Keys::First => {
            let Some(key) = arguments.first() else {
                return Ok(());
            };
            let mut request = of_key(key);
            let at = match value {
                Value::None => None,
                Value::At(at) => Some(at),
                Value::WithOptions => {
                    let options = arguments.get(2..).unwrap_or_default();
                    request.ttl_ns = ttl_of_options(options);
                    let has = |name: &[u8]| {
                        let mut options = options.iter();
                        options.any(|option| option.eq_ignore_ascii_case(name))
                    };
                    if has(b"nx") {
                        request.operation = Operation::Add;
                    } else if has(b"xx") {
                        request.operation = Operation::Replace;
                    }
                    Some(1)
                }
                Value::AfterTtl(unit_ns) => {
                    request.ttl_ns = arguments.get(1).and_then(|ttl| ttl_ns(ttl, unit_ns));
                    Some(2)
                }
            };
            request.size = at
                .and_then(|at| arguments.get(at))
                .map_or(0, |value| value.len() as u64);
            runs.push(request.into());
        }
        Keys::All => runs.extend(arguments.iter().map(|key| Run::from(of_key(key)))),
        Keys::AllButLast => {
            let keys = arguments.split_last().map_or(&[][..], |(_, keys)| keys);
            runs.extend(keys.iter().map(|key| Run::from(of_key(key))));
        }
        Keys::Pairs => runs.extend(arguments.chunks_exact(2).map(|pair| {
            Run::from(Request {
                size: pair[1].len() as u64,
                ..of_key(&pair[0])
            })
        })),
    }
    Ok(())
}

/// The TTL in the options of `SET`: `EX seconds` or `PX milliseconds`. Absolute times (`EXAT`)
/// are not understood.
fn ttl_of_options(options: &[Vec<u8>]) -> Option<u64> {
    options
        .windows(2)
        .find_map(|pair| match pair[0].to_ascii_lowercase().as_slice() {
            b"ex" => ttl_ns(&pair[1], SECOND_NS),
            b"px" => ttl_ns(&pair[1], 1_000_000),
            _ => None,
        })
}

fn ttl_ns(written: &[u8], unit_ns: u64) -> Option<u64> {
    let count = number("ttl", written).ok().filter(|&count| count > 0)?;
    Some(count.saturating_mul(unit_ns))
}

/// The arguments without their quotes and escapes.
fn unquoted(mut line: &[u8]) -> Result<Vec<Vec<u8>>, Problem> {
    let mut arguments = Vec::new();
    loop {
        line = line.trim_ascii_start();
        if line.is_empty() {
            return Ok(arguments);
        }
        let broken =
            |line: &[u8]| Problem::new(format!("expected a quoted argument at {}", quoted(line)));
        let start = line;
        line = line.strip_prefix(b"\"").ok_or_else(|| broken(start))?;
        let mut argument = Vec::new();
        loop {
            let (&byte, rest) = line.split_first().ok_or_else(|| broken(start))?;
            line = rest;
            match byte {
                b'"' => break,
                b'\\' => {
                    let (&escaped, rest) = line.split_first().ok_or_else(|| broken(start))?;
                    line = rest;
                    argument.push(match escaped {
                        b'n' => b'\n',
                        b'r' => b'\r',
                        b't' => b'\t',
                        b'a' => 0x07,
                        b'b' => 0x08,
                        b'x' => {
                            let digits = line.get(..2).and_then(|digits| {
                                u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
                            });
                            line = line.get(2..).unwrap_or_default();
                            digits.ok_or_else(|| broken(start))?
                        }
                        other => other,
                    });
                }
                other => argument.push(other),
            }
        }
        arguments.push(argument);
    }
}

struct RedisMonitorWriter {
    stream: Stream,
    line: Vec<u8>,
}

fn write(output: Output, _: Fields) -> Result<Box<dyn Writer>, TraceError> {
    let mut stream = output.stream()?;
    stream.write(b"OK\n")?;
    Ok(Box::new(RedisMonitorWriter {
        stream,
        line: Vec::new(),
    }))
}

impl Writer for RedisMonitorWriter {
    fn write(&mut self, request: &Request) -> Result<(), TraceError> {
        use std::io::Write as _;
        let (seconds, rest_ns) = (request.time_ns / SECOND_NS, request.time_ns % SECOND_NS);
        let (client, key) = (request.client, request.key);
        let (command, condition) = match request.operation {
            Operation::Get | Operation::Gets => ("get", ""),
            Operation::Set | Operation::Cas => ("set", ""),
            Operation::Add => ("set", " \"NX\""),
            Operation::Replace => ("set", " \"XX\""),
            Operation::Append => ("append", ""),
            Operation::Prepend => ("lpush", ""),
            Operation::Delete => ("del", ""),
            Operation::Increment => ("incr", ""),
            Operation::Decrement => ("decr", ""),
        };
        let line = &mut self.line;
        line.clear();
        // Writing to a vector cannot fail.
        let _ = write!(
            line,
            "{seconds}.{:06} [0 {client}] \"{command}\" \"{key}\"",
            rest_ns / 1_000
        );
        if has_value(request.operation) {
            let size = request.size.min(LARGEST_VALUE_BYTES) as usize;
            line.extend_from_slice(b" \"");
            line.resize(line.len() + size, b'x');
            line.push(b'"');
            line.extend_from_slice(condition.as_bytes());
            // Rounded up: Redis refuses a TTL of 0.
            match request.ttl_ns.unwrap_or(0).div_ceil(MILLISECOND_NS) {
                0 => {}
                ttl_ms => drop(write!(line, " \"PX\" \"{ttl_ms}\"")),
            }
        } else if matches!(request.operation, Operation::Append | Operation::Prepend) {
            line.extend_from_slice(b" \"x\"");
        }
        line.push(b'\n');
        self.stream.write(line)
    }

    fn finish(self: Box<Self>) -> Result<(), TraceError> {
        self.stream.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::format::tests::{keys, read_all};

    #[test]
    fn every_key_of_a_command_is_a_request() {
        let text = r#"OK
1339518083.107412 [0 127.0.0.1:60866] "keys" "*"
1339518087.877697 [0 127.0.0.1:60866] "mget" "1" "2" "2"
1339518090.420270 [0 127.0.0.1:60866] "MSET" "3" "abc" "4" ""
1339518096.506257 [0 unix:/tmp/a]b] "DEL" "5" "6"
1339518099.363765 [0 lua] "blpop" "7" "8" "0"
"#;
        let requests = read_all("redis-monitor", text.as_bytes()).unwrap();
        assert_eq!(keys(&requests), [1, 2, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(requests[0].time_ns, 1_339_518_087_877_697_000);
        assert_eq!(requests[0].client, client_from_bytes(b"127.0.0.1:60866"));
        assert_eq!(
            (requests[3].size, requests[3].operation),
            (3, Operation::Set)
        );
        assert_eq!(requests[5].operation, Operation::Delete);
        assert_eq!(requests[5].client, client_from_bytes(b"unix:/tmp/a]b"));
    }

    #[test]
    fn sizes_and_ttls_are_those_of_the_value() {
        let text = r#"1.0 [0 c] "set" "k" "a\"\\\x00\n" "NX" "EX" "60"
1.0 [0 c] "set" "k" "12" "px" "1500"
1.0 [0 c] "setex" "k" "10" "12345"
1.0 [0 c] "get" "k"
"#;
        let requests = read_all("redis-monitor", text.as_bytes()).unwrap();
        let said: Vec<_> = requests
            .iter()
            .map(|request| (request.size, request.ttl_ns))
            .collect();
        assert_eq!(
            said,
            [
                (5, Some(60 * SECOND_NS)),
                (2, Some(1_500_000_000)),
                (5, Some(10 * SECOND_NS)),
                (0, None)
            ]
        );
    }

    #[test]
    fn set_under_a_condition_is_add_or_replace() {
        let text = "1.0 [0 c] \"set\" \"k\" \"nx\"\n1.0 [0 c] \"SET\" \"k\" \"v\" \"EX\" \"9\" \"nx\"\n\
                    1.0 [0 c] \"set\" \"k\" \"v\" \"XX\"\n";
        let requests = read_all("redis-monitor", text.as_bytes()).unwrap();
        let operations: Vec<_> = requests.iter().map(|request| request.operation).collect();
        assert_eq!(
            operations,
            [Operation::Set, Operation::Add, Operation::Replace]
        );
    }

    #[test]
    fn a_first_value_longer_than_the_look_ahead_is_no_obstacle() {
        let text = format!("OK\n1.0 [0 c] \"set\" \"k\" \"{}\"\n", "x".repeat(200_000));
        let mut input = Input::from_bytes("test", text.into_bytes()).unwrap();
        let format = crate::trace::format::detect(&mut input).unwrap();
        assert_eq!(format.name, "redis-monitor");
    }

    #[test]
    fn data_bases_are_name_spaces() {
        let text = "1.0 [0 c] \"get\" \"k\"\n1.0 [3 c] \"get\" \"k\"\n";
        let requests = read_all("redis-monitor", text.as_bytes()).unwrap();
        assert_ne!(requests[0].key, requests[1].key);
    }

    #[test]
    fn broken_quotes_are_errors() {
        for line in [
            r#"1.0 [0 c] "get" "k"#,
            r#"1.0 [0 c] "get" k"#,
            r#"1.0 [0 c] "get" "\xg0""#,
        ] {
            assert!(
                read_all("redis-monitor", line.as_bytes()).is_err(),
                "{line}"
            );
        }
        let error = read_all("redis-monitor", b"hello").unwrap_err();
        insta::assert_snapshot!(error, @r#"test: line 1: expected SECONDS [DATABASE CLIENT] "COMMAND" "ARGUMENT"..., found "hello""#);
    }
}
