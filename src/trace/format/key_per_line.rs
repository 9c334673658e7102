//! One key per line, nothing else: the format of the LIRS traces.
//!
//! Empty lines are skipped, and so are lines of a single `*`, which separate phases in some of the
//! LIRS traces. Keys that are not numbers are hashed.

use super::{Fit, Format, Head, NOTHING, Writing};
use crate::trace::error::Problem;
use crate::trace::output::Stream;
use crate::trace::text::{complete_lines, is_text, trimmed};
use crate::trace::{
    Fields, Input, Output, ReadOptions, Reader, Request, TraceError, Writer, Writes, key_from_bytes,
};

/// The table row.
pub const FORMAT: Format = Format {
    name: "key-per-line",
    summary: "text, one key per line (the LIRS traces); keys that are not numbers are hashed",
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
    source: "traces of Jiang and Zhang, LIRS (SIGMETRICS 2002)",
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
    let (mut lines, mut numbers) = (0, 0);
    for line in complete_lines(head.bytes, head.whole) {
        if line
            .iter()
            .any(|byte| matches!(byte, b' ' | b'\t' | b',' | b';' | b'|'))
        {
            return Fit::No;
        }
        lines += 1;
        numbers += usize::from(line == b"*" || line.iter().all(u8::is_ascii_digit));
    }
    match lines {
        0 => Fit::No,
        _ if numbers == lines => Fit::Likely,
        _ => Fit::Possible,
    }
}

struct KeyPerLine {
    input: Input,
}

fn read(input: Input, _: &ReadOptions) -> Result<Box<dyn Reader>, TraceError> {
    Ok(Box::new(KeyPerLine { input }))
}

impl Reader for KeyPerLine {
    fn fields(&self) -> Fields {
        NONE
    }

    #[inline]
    fn next(&mut self) -> Result<Option<Request>, TraceError> {
        while let Some(line) = self.input.line()? {
            let line = trimmed(line);
            if line.is_empty() || line == b"*" {
                continue;
            }
            if line.contains(&0) {
                let problem = Problem::of_field("key", "a zero byte: this is not a text trace");
                return Err(self.input.at_line(problem));
            }
            return Ok(Some(Request {
                key: key_from_bytes(line),
                ..Request::default()
            }));
        }
        Ok(None)
    }
}

struct KeyPerLineWriter {
    stream: Stream,
    line: Vec<u8>,
}

fn write(output: Output, _: Fields) -> Result<Box<dyn Writer>, TraceError> {
    Ok(Box::new(KeyPerLineWriter {
        stream: output.stream()?,
        line: Vec::new(),
    }))
}

impl Writer for KeyPerLineWriter {
    fn write(&mut self, request: &Request) -> Result<(), TraceError> {
        use std::io::Write as _;
        self.line.clear();
        // Writing to a vector cannot fail.
        let _ = writeln!(self.line, "{}", request.key);
        self.stream.write(&self.line)
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
    fn numbers_stand_for_themselves_and_other_keys_are_hashed() {
        let requests = read_all("key-per-line", b"7\r\nuser:1\n\n  7 \n*\n8").unwrap();
        assert_eq!(keys(&requests), [7, key_from_bytes(b"user:1"), 7, 8]);
    }

    #[test]
    fn a_line_without_end_is_not_read_into_memory() {
        let error = read_all("key-per-line", &vec![b'1'; (1 << 20) + 2]).unwrap_err();
        insta::assert_snapshot!(error, @"test: line 1: longer than 1048576 bytes: not a text trace");
        assert_eq!(
            read_all("key-per-line", &vec![b'1'; 1 << 20])
                .unwrap()
                .len(),
            1
        );
    }

    #[test]
    fn zero_bytes_are_not_text() {
        let error = read_all("key-per-line", b"1\n\0\n").unwrap_err();
        insta::assert_snapshot!(error, @"test: line 2: key: a zero byte: this is not a text trace");
    }
}
