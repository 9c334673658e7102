//! The traces of the ARC paper: four numbers per line, `start count ignored id`.
//!
//! A line asks for `count` blocks, from number `start` on, and becomes as many requests. The third
//! number is always 0 and the fourth counts the lines.

use super::{Fit, Format, Head};
use crate::trace::error::Problem;
use crate::trace::format::lines::{Lines, Run};
use crate::trace::text::{complete_lines, is_text, number, trimmed};
use crate::trace::{Fields, Input, ReadOptions, Reader, Request, TraceError};

/// The table row.
pub const FORMAT: Format = Format {
    name: "arc",
    summary: "the ARC paper's block traces: start count ignored id, one request per block",
    detect,
    read,
    write: None,
    source: "traces of Megiddo and Modha, ARC (FAST 2003)",
};

fn detect(head: &Head<'_>) -> Fit {
    if !is_text(head.bytes) {
        return Fit::No;
    }
    let mut lines = complete_lines(head.bytes, head.whole).take(100).peekable();
    match lines.peek().is_some() && lines.all(|line| parse(line).is_ok()) {
        true => Fit::Likely,
        false => Fit::No,
    }
}

fn parse(line: &[u8]) -> Result<Run, Problem> {
    let mut fields = line
        .split(u8::is_ascii_whitespace)
        .filter(|field| !field.is_empty());
    let mut field = |name: &'static str| match fields.next() {
        Some(written) => number(name, written),
        None => Err(Problem::of_field(
            name,
            "missing; expected: start count ignored id",
        )),
    };
    let (start, count) = (field("start")?, field("count")?);
    field("third number")?;
    field("id")?;
    if fields.next().is_some() {
        return Err(Problem::new(
            "more than the four numbers: start count ignored id",
        ));
    }
    if start.checked_add(count).is_none() {
        return Err(Problem::of_field(
            "count",
            "the request ends beyond block 2^64",
        ));
    }
    let request = Request {
        key: start,
        ..Request::default()
    };
    Run {
        request,
        count,
        key_step: 1,
    }
    .checked("count")
}

fn read(input: Input, _: &ReadOptions) -> Result<Box<dyn Reader>, TraceError> {
    Ok(Box::new(Lines::new(
        input,
        Fields::default(),
        |line: &[u8], runs: &mut Vec<Run>| {
            if !trimmed(line).is_empty() {
                runs.push(parse(line)?);
            }
            Ok(())
        },
    )))
}

#[cfg(test)]
mod tests {
    use crate::trace::format::tests::{keys, read_all};

    #[test]
    fn a_line_becomes_one_request_per_block() {
        let requests = read_all("arc", b"5 3 0 0\n5 1 0 1\n\n100 2 0 2").unwrap();
        assert_eq!(keys(&requests), [5, 6, 7, 5, 100, 101]);
    }

    #[test]
    fn a_count_that_no_trace_has_is_an_error() {
        let error = read_all("arc", b"1 1 0 0\n5 18446744073709551615 0 1\n").unwrap_err();
        insta::assert_snapshot!(error, @"test: line 2: count: the request ends beyond block 2^64");
        let error = read_all("arc", b"5 16777217 0 1\n").unwrap_err();
        insta::assert_snapshot!(error, @"test: line 1: count: stands for 16777217 requests; at most 16777216 are allowed");
        let error = read_all("arc", b"5 1 0\n").unwrap_err();
        insta::assert_snapshot!(error, @"test: line 1: id: missing; expected: start count ignored id");
    }
}
