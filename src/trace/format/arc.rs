//! The traces of the ARC paper: four numbers per line, `start count ignored id`.
//!
//! A line asks for `count` blocks, from number `start` on, and becomes as many requests. The third
//! number is always 0 and the fourth counts the lines. Written likewise: requests for consecutive
//! blocks share a line.

use super::{Fit, Format, Head, NOTHING, Writing};
use crate::trace::error::Problem;
use crate::trace::format::lines::{Lines, MOST_REQUESTS_PER_LINE, Run};
use crate::trace::output::Stream;
use crate::trace::text::{complete_lines, is_text, number, trimmed};
use crate::trace::{
    Fields, Input, Output, ReadOptions, Reader, Request, TraceError, Writer, Writes,
};

/// The table row.
pub const FORMAT: Format = Format {
    name: "arc",
    summary: "the ARC paper's block traces: start count ignored id, one request per block",
    endings: &[],
    detect,
    read,
    obeys: NOTHING,
    writes: Some(Writes::Access),
    writings: &[Writing {
        version: 0,
        fields: NONE,
        limits: &[],
        open: write,
    }],
    source: "traces of Megiddo and Modha, ARC (FAST 2003)",
};

const NONE: Fields = Fields {
    time: false,
    size: false,
    operation: false,
    client: false,
    ttl: false,
    next_use: false,
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
    if start.checked_add(count.saturating_sub(1)).is_none() {
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
        NONE,
        |line: &[u8], runs: &mut Vec<Run>| {
            if !trimmed(line).is_empty() {
                runs.push(parse(line)?);
            }
            Ok(())
        },
    )))
}

struct ArcWriter {
    stream: Stream,
    /// The first block of the line to come, and how many follow each other from it on.
    start: u64,
    count: u64,
    /// How many lines have been written.
    lines: u64,
}

fn write(output: Output, _: Fields) -> Result<Box<dyn Writer>, TraceError> {
    Ok(Box::new(ArcWriter {
        stream: output.stream()?,
        start: 0,
        count: 0,
        lines: 0,
    }))
}

impl ArcWriter {
    fn write_line(&mut self) -> Result<(), TraceError> {
        if self.count == 0 {
            return Ok(());
        }
        let line = format!("{} {} 0 {}\n", self.start, self.count, self.lines);
        self.lines += 1;
        self.stream.write(line.as_bytes())
    }
}

impl Writer for ArcWriter {
    fn write(&mut self, request: &Request) -> Result<(), TraceError> {
        let follows = self.start.checked_add(self.count) == Some(request.key);
        if self.count > 0 && follows && self.count < MOST_REQUESTS_PER_LINE {
            self.count += 1;
            return Ok(());
        }
        self.write_line()?;
        (self.start, self.count) = (request.key, 1);
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<(), TraceError> {
        self.write_line()?;
        self.stream.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::format::tests::{keys, read_all};

    #[test]
    fn a_line_becomes_one_request_per_block() {
        let requests = read_all("arc", b"5 3 0 0\n5 1 0 1\n\n100 2 0 2").unwrap();
        assert_eq!(keys(&requests), [5, 6, 7, 5, 100, 101]);
    }

    #[test]
    fn consecutive_blocks_share_a_line_and_the_last_block_of_all_is_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trace");
        let output = Output::new(&path, crate::trace::Compression::Plain);
        let blocks = [5, 6, 7, 5, 7, u64::MAX - 1, u64::MAX, 0];
        let mut writer = write(output, NONE).unwrap();
        for key in blocks {
            let request = Request {
                key,
                ..Request::default()
            };
            writer.write(&request).unwrap();
        }
        writer.finish().unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        insta::assert_snapshot!(text, @r"
        5 3 0 0
        5 1 0 1
        7 1 0 2
        18446744073709551614 2 0 3
        0 1 0 4
        ");
        assert_eq!(keys(&read_all("arc", text.as_bytes()).unwrap()), blocks);
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
