//! Wikimedia's caching data set of 2019: tab-separated, one request to the CDN per line.
//!
//! `relative_unix hashed_path_query image_type response_size time_firstbyte` for images,
//! `relative_unix hashed_host_path_query response_size time_firstbyte` for pages: seconds since
//! the start, a hash, a word, bytes, seconds. A header line with these names is skipped. All
//! requests are reads. Written is the layout of pages, with its header; the time to the first byte
//! is written as 0.

use super::writing::SECONDS;
use super::{Fit, Format, Head, NOTHING, Writing};
use crate::trace::error::{Problem, quoted};
use crate::trace::format::lines::{Lines, Run};
use crate::trace::output::Stream;
use crate::trace::text::{complete_lines, duration_ns, is_text, number, trimmed};
use crate::trace::{
    Fields, Input, Output, ReadOptions, Reader, Request, TraceError, Writer, Writes, key_from_bytes,
};
use crate::units::SECOND_NS;

/// The table row.
pub const FORMAT: Format = Format {
    name: "wikipedia",
    summary: "Wikimedia's CDN (2019): time, hash of the path, [image type], size, first byte",
    endings: &[],
    detect,
    read,
    obeys: NOTHING,
    writes: Some(Writes::Access),
    writings: &[Writing {
        version: 0,
        fields: FIELDS,
        limits: &[SECONDS],
        open: write,
    }],
    source: "wikitech.wikimedia.org/wiki/Analytics/Data_Lake/Traffic/Caching",
};

const FIELDS: Fields = Fields {
    time: true,
    size: true,
    operation: false,
    client: false,
    ttl: false,
    next_use: false,
};

const HEADER: &[u8] = b"relative_unix";

fn detect(head: &Head<'_>) -> Fit {
    if !is_text(head.bytes) {
        return Fit::No;
    }
    let mut lines = complete_lines(head.bytes, head.whole).take(20).peekable();
    match lines.peek().copied() {
        None => Fit::No,
        Some(line) if line.starts_with(HEADER) => Fit::Certain,
        Some(_) if lines.all(|line| parse(line).is_ok()) => Fit::Likely,
        Some(_) => Fit::No,
    }
}

fn parse(line: &[u8]) -> Result<Request, Problem> {
    let fields: Vec<&[u8]> = line
        .split(|&byte| byte == b'\t')
        .take(6)
        .map(trimmed)
        .collect();
    let (time, key, size, first_byte) = match fields[..] {
        [time, key, size, first_byte] | [time, key, _, size, first_byte] => {
            (time, key, size, first_byte)
        }
        _ => {
            return Err(Problem::new(format!(
                "expected 4 or 5 fields between tabs (time, hash, [image type], size, time to \
                 the first byte), found {}",
                quoted(line)
            )));
        }
    };
    if key.is_empty() {
        return Err(Problem::of_field(
            "hashed_path_query",
            "expected a hash, found nothing",
        ));
    }
    // Ignored, so only its shape is looked at (Hive writes small numbers as 1.85E-4).
    let is_number = |written: &[u8]| {
        std::str::from_utf8(written).is_ok_and(|written| written.parse::<f64>().is_ok())
    };
    if first_byte != b"-" && !is_number(first_byte) {
        let message = format!("expected a number of seconds, found {}", quoted(first_byte));
        return Err(Problem::of_field("time_firstbyte", message));
    }
    Ok(Request {
        time_ns: duration_ns("relative_unix", time, SECOND_NS)?,
        key: key_from_bytes(key),
        size: if size == b"-" {
            0
        } else {
            number("response_size", size)?
        },
        ..Request::default()
    })
}

fn read(input: Input, _: &ReadOptions) -> Result<Box<dyn Reader>, TraceError> {
    let mut first = true;
    Ok(Box::new(Lines::new(
        input,
        FIELDS,
        move |line: &[u8], runs: &mut Vec<Run>| {
            if trimmed(line).is_empty() {
                return Ok(());
            }
            if !std::mem::take(&mut first) || !line.starts_with(HEADER) {
                runs.push(parse(line)?.into());
            }
            Ok(())
        },
    )))
}

struct WikipediaWriter {
    stream: Stream,
    line: Vec<u8>,
}

fn write(output: Output, _: Fields) -> Result<Box<dyn Writer>, TraceError> {
    let mut stream = output.stream()?;
    stream.write(b"relative_unix\thashed_host_path_query\tresponse_size\ttime_firstbyte\n")?;
    Ok(Box::new(WikipediaWriter {
        stream,
        line: Vec::new(),
    }))
}

impl Writer for WikipediaWriter {
    fn write(&mut self, request: &Request) -> Result<(), TraceError> {
        use std::io::Write as _;
        self.line.clear();
        // Writing to a vector cannot fail.
        let _ = writeln!(
            self.line,
            "{}\t{}\t{}\t0",
            request.time_ns / SECOND_NS,
            request.key,
            request.size
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
    fn images_and_pages_are_read_with_and_without_a_header() {
        let images = "relative_unix\thashed_path_query\timage_type\tresponse_size\ttime_firstbyte\n\
                      0\t833946053\tjpeg\t9665\t1.85E-4\n1\t-1676675643\tpng\t17475\t0.000237\n";
        let requests = read_all("wikipedia", images.as_bytes()).unwrap();
        let expected = [
            Request {
                key: 833_946_053,
                size: 9665,
                ..Request::default()
            },
            Request {
                time_ns: SECOND_NS,
                key: key_from_bytes(b"-1676675643"),
                size: 17475,
                ..Request::default()
            },
        ];
        assert_eq!(requests, expected);
        let pages = "0\t833946053\t9665\t0.000185\n1\t-1676675643\t17475\t0.000237\n";
        assert_eq!(read_all("wikipedia", pages.as_bytes()).unwrap(), expected);
    }
}
