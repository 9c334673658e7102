//! The traces of Twitter's cache clusters (2020): CSV without a header.
//!
//! `timestamp,key,key size,value size,client,operation,TTL`: seconds, an anonymised key (in which
//! commas occur), bytes, bytes, a number, a memcached operation, seconds (0: none). The size of a
//! request is key and value together; where the value has 0 bytes, as in a read that missed, the
//! size is unknown.

use super::writing::{SECONDS, TTL_SECONDS, ttl_seconds};
use super::{Fit, Format, Head, NOTHING, Writing};
use crate::trace::error::{Problem, quoted};
use crate::trace::format::lines::{Lines, Run};
use crate::trace::output::Stream;
use crate::trace::text::{complete_lines, is_text, number, operation, trimmed};
use crate::trace::{
    Fields, Input, Operation, Output, ReadOptions, Reader, Request, TraceError, Writer, Writes,
    client_from_bytes, key_from_bytes,
};
use crate::units::SECOND_NS;

/// The table row.
pub const FORMAT: Format = Format {
    name: "twitter",
    summary: "Twitter's cache clusters: timestamp,key,key size,value size,client,op,TTL",
    endings: &[],
    detect,
    read,
    obeys: NOTHING,
    writes: Some(Writes::Store),
    writings: &[Writing {
        version: 0,
        fields: FIELDS,
        limits: &[SECONDS, TTL_SECONDS],
        open: write,
    }],
    source: "github.com/twitter/cache-trace (Yang, Yue, Rashmi, OSDI 2020)",
};

const FIELDS: Fields = Fields {
    next_use: false,
    ..Fields::ALL
};

fn detect(head: &Head<'_>) -> Fit {
    if !is_text(head.bytes) {
        return Fit::No;
    }
    let mut lines = complete_lines(head.bytes, head.whole).take(20).peekable();
    if lines.peek().is_some() && lines.all(|line| parse(line).is_ok()) {
        Fit::Certain
    } else {
        Fit::No
    }
}

fn parse(line: &[u8]) -> Result<Request, Problem> {
    // The key may have commas in it: one field from the left, five from the right.
    let (time, rest) = split_once(line)?;
    let mut from_right = rest.rsplitn(6, |&byte| byte == b',');
    let mut field = || from_right.next().map(trimmed);
    let (
        Some(ttl),
        Some(operation_name),
        Some(client),
        Some(value_size),
        Some(key_size),
        Some(key),
    ) = (field(), field(), field(), field(), field(), field())
    else {
        return Err(wrong_count(line));
    };
    if key.is_empty() {
        return Err(Problem::of_field("key", "expected a key, found nothing"));
    }
    let (key_size, value_size) = (
        number("key size", key_size)?,
        number("value size", value_size)?,
    );
    let ttl = number("TTL", ttl)?;
    Ok(Request {
        time_ns: seconds("timestamp", time)?,
        key: key_from_bytes(key),
        size: if value_size == 0 {
            0
        } else {
            key_size.saturating_add(value_size)
        },
        operation: operation("operation", operation_name)?,
        client: client_from_bytes(client),
        ttl_ns: (ttl > 0).then(|| ttl.saturating_mul(SECOND_NS)),
        next_use: None,
    })
}

fn split_once(line: &[u8]) -> Result<(&[u8], &[u8]), Problem> {
    let comma = memchr::memchr(b',', line).ok_or_else(|| wrong_count(line))?;
    Ok((trimmed(&line[..comma]), &line[comma + 1..]))
}

fn wrong_count(line: &[u8]) -> Problem {
    Problem::new(format!(
        "expected timestamp,key,key size,value size,client,operation,TTL, found {}",
        quoted(line)
    ))
}

fn seconds(field: &'static str, written: &[u8]) -> Result<u64, Problem> {
    number(field, written)?
        .checked_mul(SECOND_NS)
        .ok_or_else(|| Problem::of_field(field, format!("too many seconds: {}", quoted(written))))
}

fn read(input: Input, _: &ReadOptions) -> Result<Box<dyn Reader>, TraceError> {
    Ok(Box::new(Lines::new(
        input,
        FIELDS,
        |line: &[u8], runs: &mut Vec<Run>| {
            if !trimmed(line).is_empty() {
                runs.push(parse(line)?.into());
            }
            Ok(())
        },
    )))
}

struct TwitterWriter {
    stream: Stream,
    line: Vec<u8>,
}

fn write(output: Output, _: Fields) -> Result<Box<dyn Writer>, TraceError> {
    Ok(Box::new(TwitterWriter {
        stream: output.stream()?,
        line: Vec::new(),
    }))
}

impl Writer for TwitterWriter {
    fn write(&mut self, request: &Request) -> Result<(), TraceError> {
        use std::io::Write as _;
        let Request {
            time_ns,
            key,
            size,
            client,
            ttl_ns,
            ..
        } = request;
        let operation = Operation::name(request.operation);
        let ttl = ttl_seconds(*ttl_ns);
        self.line.clear();
        // Writing to a vector cannot fail.
        let _ = writeln!(
            self.line,
            "{},{key},0,{size},{client},{operation},{ttl}",
            time_ns / SECOND_NS
        );
        self.stream.write(&self.line)
    }

    fn finish(self: Box<Self>) -> Result<(), TraceError> {
        self.stream.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::format::tests::read_all;

    #[test]
    fn a_request_weighs_key_and_value_and_a_missed_read_is_of_unknown_size() {
        let text = "0,q:q:1:8WTfjZU14ee,17,213,4,get,0\n3,yDqF:3q:1AJrrJ1nnCJKKrnGx1A,27,27,5,add,300\n3,a,b,3,0,6,gets,0\n";
        let requests = read_all("twitter", text.as_bytes()).unwrap();
        assert_eq!(
            requests,
            [
                Request {
                    key: key_from_bytes(b"q:q:1:8WTfjZU14ee"),
                    size: 230,
                    client: 4,
                    ..Request::default()
                },
                Request {
                    time_ns: 3 * SECOND_NS,
                    key: key_from_bytes(b"yDqF:3q:1AJrrJ1nnCJKKrnGx1A"),
                    size: 54,
                    operation: Operation::Add,
                    client: 5,
                    ttl_ns: Some(300 * SECOND_NS),
                    next_use: None,
                },
                Request {
                    time_ns: 3 * SECOND_NS,
                    key: key_from_bytes(b"a,b"),
                    operation: Operation::Gets,
                    client: 6,
                    ..Request::default()
                },
            ]
        );
    }

    #[test]
    fn an_error_names_line_and_field_and_suggests_the_nearest_operation() {
        let error = read_all("twitter", b"0,a,1,1,1,get,0\n0,a,1,1,1,gat,0\n").unwrap_err();
        insta::assert_snapshot!(error, @r#"test: line 2: operation: unknown operation "gat" (did you mean get?); known are get, gets, set, add, replace, cas, append, prepend, delete, incr, decr, read, write, put, insert and SCSI codes (28, 2a, ...)"#);
    }
}
