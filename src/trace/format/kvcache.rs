//! The key-value traces of Meta that CacheLib's CacheBench replays: CSV with a header.
//!
//! Columns by name, in any order: `op_time` (seconds), `key`, `key_size`, `op` (`GET`, `SET`,
//! `DELETE`, `GET_LEASE`, `SET_LEASE`), `op_count` (the line stands for so many requests), `size`
//! (of the value), `ttl` (seconds), `usecase`. Others, such as `cache_hits` and `sub_usecase`, are
//! ignored. The size of a request is key and value together; where the value has 0 bytes, as in a
//! read that missed, the size is unknown. Written is one line per request, with all of these
//! columns; the client is the `usecase`, and key and value together are the `size`.

use super::writing::{GET_SET_DELETE, SECONDS, TTL_SECONDS, ttl_seconds};
use super::{Fit, Format, Head, NOTHING, Obeyed, Writing};
use crate::trace::error::{Problem, quoted};
use crate::trace::format::lines::{Lines, Run};
use crate::trace::output::Stream;
use crate::trace::text::{complete_lines, duration_ns, is_text, number, operation, trimmed};
use crate::trace::{
    Fields, Input, Output, Place, ReadOptions, Reader, Request, TraceError, Writer, Writes,
    client_from_bytes, key_from_bytes,
};
use crate::units::SECOND_NS;

/// The table row.
pub const FORMAT: Format = Format {
    name: "kvcache",
    summary: "Meta's CacheLib kvcache CSV: op_time,key,key_size,op,op_count,size,...,ttl",
    endings: &[],
    detect,
    read,
    obeys: Obeyed {
        time_unit: true,
        ..NOTHING
    },
    writes: Some(Writes::Store),
    writings: &[Writing {
        version: 0,
        fields: WRITTEN,
        limits: &[SECONDS, GET_SET_DELETE, TTL_SECONDS],
        open: write,
    }],
    source: "github.com/facebook/CacheLib, cachebench/workload/KVReplayGenerator.h",
};

/// What a file that is written here holds; others may have fewer columns.
const WRITTEN: Fields = Fields {
    next_use: false,
    ..Fields::ALL
};

/// The columns that are used, and what the reader calls them.
const NAMES: [&str; 8] = [
    "op_time", "key", "key_size", "op", "op_count", "size", "ttl", "usecase",
];
const OP_TIME: usize = 0;
const KEY: usize = 1;
const KEY_SIZE: usize = 2;
const OP: usize = 3;
const OP_COUNT: usize = 4;
const SIZE: usize = 5;
const TTL: usize = 6;
const USECASE: usize = 7;

/// The place of each of [`NAMES`] in a header.
fn columns(header: &[u8]) -> [Option<usize>; 8] {
    NAMES.map(|name| {
        header
            .split(|&byte| byte == b',')
            .position(|field| trimmed(field) == name.as_bytes())
    })
}

fn detect(head: &Head<'_>) -> Fit {
    if !is_text(head.bytes) {
        return Fit::No;
    }
    let Some(first) = complete_lines(head.bytes, head.whole).next() else {
        return Fit::No;
    };
    let columns = columns(first);
    match [KEY, OP, OP_COUNT, SIZE]
        .iter()
        .all(|&column| columns[column].is_some())
    {
        true => Fit::Certain,
        false => Fit::No,
    }
}

fn read(mut input: Input, options: &ReadOptions) -> Result<Box<dyn Reader>, TraceError> {
    let header = loop {
        match input.line()? {
            None => return Err(TraceError::of_file(input.file(), "has no header line")),
            Some(line) if trimmed(line).is_empty() => {}
            Some(line) => break line.to_vec(),
        }
    };
    let columns = columns(&header);
    for needed in [KEY, OP, SIZE] {
        if columns[needed].is_none() {
            let problem = Problem::new(format!(
                "the header has no column {}: {}",
                NAMES[needed],
                quoted(&header)
            ));
            return Err(problem.at(input.file(), Place::Line(1)));
        }
    }
    let fields = Fields {
        time: columns[OP_TIME].is_some(),
        size: true,
        operation: true,
        client: columns[USECASE].is_some(),
        ttl: columns[TTL].is_some(),
        next_use: false,
    };
    let time_unit_ns = options.time_unit_ns;
    // Where each column of the line goes: one pass over the line, not one per column.
    let width = columns.iter().flatten().max().map_or(0, |&last| last + 1);
    let mut meaning = vec![None; width];
    for (name, column) in columns.iter().enumerate() {
        if let Some(column) = *column {
            meaning[column] = Some(name);
        }
    }
    Ok(Box::new(Lines::new(
        input,
        fields,
        move |line: &[u8], runs: &mut Vec<Run>| {
            if trimmed(line).is_empty() {
                return Ok(());
            }
            let mut values = [b"".as_slice(); NAMES.len()];
            let mut count = 0;
            for (field, name) in line.split(|&byte| byte == b',').zip(&meaning) {
                if let Some(name) = *name {
                    values[name] = trimmed(field);
                }
                count += 1;
            }
            if count < width {
                return Err(Problem::new(format!(
                    "expected at least {width} fields, as the header has, found {count}: {}",
                    quoted(line)
                )));
            }
            runs.push(parse(&values, time_unit_ns)?);
            Ok(())
        },
    )))
}

fn parse(values: &[&[u8]; NAMES.len()], time_unit_ns: u64) -> Result<Run, Problem> {
    let or_else = |column: usize, default: u64| match values[column] {
        b"" => Ok(default),
        written => number(NAMES[column], written),
    };
    if values[KEY].is_empty() {
        return Err(Problem::of_field("key", "expected a key, found nothing"));
    }
    let size = match or_else(SIZE, 0)? {
        0 => 0,
        size => size.saturating_add(or_else(KEY_SIZE, 0)?),
    };
    let ttl_ns = match values[TTL] {
        b"" => 0,
        written => duration_ns("ttl", written, time_unit_ns)?,
    };
    let request = Request {
        time_ns: match values[OP_TIME] {
            b"" => 0,
            written => duration_ns("op_time", written, time_unit_ns)?,
        },
        key: key_from_bytes(values[KEY]),
        size,
        operation: operation("op", values[OP])?,
        client: match values[USECASE] {
            b"" => 0,
            written => client_from_bytes(written),
        },
        ttl_ns: (ttl_ns > 0).then_some(ttl_ns),
        next_use: None,
    };
    Run {
        request,
        count: or_else(OP_COUNT, 1)?,
        key_step: 0,
    }
    .checked("op_count")
}

struct KvcacheWriter {
    stream: Stream,
    line: Vec<u8>,
}

fn write(output: Output, _: Fields) -> Result<Box<dyn Writer>, TraceError> {
    let mut stream = output.stream()?;
    stream.write(b"op_time,key,key_size,op,op_count,size,cache_hits,ttl,usecase\n")?;
    Ok(Box::new(KvcacheWriter {
        stream,
        line: Vec::new(),
    }))
}

impl Writer for KvcacheWriter {
    fn write(&mut self, request: &Request) -> Result<(), TraceError> {
        use std::io::Write as _;
        let operation = match request.operation {
            operation if operation.is_read() => "GET",
            operation if operation.is_delete() => "DELETE",
            _ => "SET",
        };
        let ttl = ttl_seconds(request.ttl_ns);
        self.line.clear();
        // Writing to a vector cannot fail.
        let _ = writeln!(
            self.line,
            "{},{},0,{operation},1,{},0,{ttl},{}",
            request.time_ns / SECOND_NS,
            request.key,
            request.size,
            request.client
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
    use crate::trace::Operation;
    use crate::trace::format::tests::read_all;

    #[test]
    fn a_line_stands_for_as_many_requests_as_it_counts() {
        let text = "op_time,key,key_size,op,op_count,size,cache_hits,ttl\n\
                    5,1655,22,GET,2,100,2,0\n7,abc,10,SET,1,50,0,60\n7,abc,10,GET_LEASE,1,0,0,0\n";
        let requests = read_all("kvcache", text.as_bytes()).unwrap();
        let first = Request {
            time_ns: 5 * SECOND_NS,
            key: 1655,
            size: 122,
            ..Request::default()
        };
        let set = Request {
            time_ns: 7 * SECOND_NS,
            key: key_from_bytes(b"abc"),
            size: 60,
            operation: Operation::Set,
            ttl_ns: Some(60 * SECOND_NS),
            ..Request::default()
        };
        let lease = Request {
            size: 0,
            operation: Operation::Get,
            ttl_ns: None,
            ..set
        };
        assert_eq!(requests, [first, first, set, lease]);
    }

    #[test]
    fn columns_are_found_by_name_in_any_order() {
        let text = "key,op,size,op_count,key_size\n1,DELETE,0,1,5\n";
        let requests = read_all("kvcache", text.as_bytes()).unwrap();
        let expected = Request {
            key: 1,
            operation: Operation::Delete,
            ..Request::default()
        };
        assert_eq!(requests, [expected]);
    }

    #[test]
    fn a_line_that_counts_too_much_is_an_error() {
        let text = "key,op,size,op_count\n1,GET,5,99999999999\n";
        let error = read_all("kvcache", text.as_bytes()).unwrap_err();
        insta::assert_snapshot!(error, @"test: line 2: op_count: stands for 99999999999 requests; at most 16777216 are allowed");
    }
}
