//! The block traces of MSR Cambridge (2007): CSV without a header.
//!
//! `Timestamp,Hostname,DiskNumber,Type,Offset,Size,ResponseTime`: Windows ticks of 100 ns, a name,
//! a number, `Read` or `Write`, bytes, bytes, ticks. Without [`ReadOptions::block_bytes`] a line is
//! one request, its key the offset; with it, a line becomes one request per block it touches, its
//! key the number of the block. The number of the disk is put into the key's highest byte, so
//! that the disks of one host can share a file; the response time is ignored, and written as 0.

use super::writing::{Limit, READ_OR_WRITE};
use super::{Fit, Format, Head, NOTHING, Obeyed, Writing};
use crate::trace::error::{Problem, quoted};
use crate::trace::format::lines::{Lines, Run, split};
use crate::trace::output::Stream;
use crate::trace::text::{complete_lines, is_text, number, trimmed};
use crate::trace::{
    Fields, Input, Operation, Output, ReadOptions, Reader, Request, TraceError, Writer, Writes,
    client_from_bytes,
};

/// The table row.
pub const FORMAT: Format = Format {
    name: "msr",
    summary: "MSR Cambridge: Timestamp,Hostname,DiskNumber,Type,Offset,Size,ResponseTime",
    endings: &[],
    detect,
    read,
    obeys: Obeyed {
        block_size: true,
        ..NOTHING
    },
    writes: Some(Writes::Access),
    writings: &[Writing {
        version: 0,
        fields: FIELDS,
        limits: &[TICKS, READ_OR_WRITE],
        open: write,
    }],
    source: "SNIA IOTTA trace 388 (Narayanan, Donnelly, Rowstron, FAST 2008)",
};

const FIELDS: Fields = Fields {
    time: true,
    size: true,
    operation: true,
    client: true,
    ttl: false,
    next_use: false,
};

const TICK_NS: u64 = 100;

const TICKS: Limit = Limit {
    held: "times in ticks of 100 ns",
    done: "cut",
    apply: |request| request.time_ns -= request.time_ns % TICK_NS,
};

fn detect(head: &Head<'_>) -> Fit {
    if !is_text(head.bytes) {
        return Fit::No;
    }
    let mut lines = complete_lines(head.bytes, head.whole).take(20).peekable();
    match lines.peek().is_some() && lines.all(|line| parse(line, None).is_ok()) {
        true => Fit::Certain,
        false => Fit::No,
    }
}

fn parse(line: &[u8], block_bytes: Option<u64>) -> Result<Run, Problem> {
    let [time, host, disk, kind, offset, size, response] = split(line, b',')?;
    let ticks = number("Timestamp", time)?;
    let disk = number("DiskNumber", disk)?;
    let offset = number("Offset", offset)?;
    number("ResponseTime", response)?;
    let request = Request {
        time_ns: ticks.checked_mul(TICK_NS).ok_or_else(|| {
            Problem::of_field(
                "Timestamp",
                format!("too many ticks of 100 ns: {}", quoted(time)),
            )
        })?,
        key: offset,
        size: number("Size", size)?,
        operation: if kind.eq_ignore_ascii_case(b"read") {
            Operation::Get
        } else if kind.eq_ignore_ascii_case(b"write") {
            Operation::Set
        } else {
            let message = format!("expected Read or Write, found {}", quoted(kind));
            return Err(Problem::of_field("Type", message));
        },
        client: client_from_bytes(host),
        ..Request::default()
    };
    let mut run = match block_bytes {
        None => request.into(),
        Some(block_bytes) => Run::of_blocks(request, offset, block_bytes)?,
    };
    run.request.key ^= disk << 56;
    Ok(run)
}

fn read(input: Input, options: &ReadOptions) -> Result<Box<dyn Reader>, TraceError> {
    let block_bytes = options.block_bytes;
    Ok(Box::new(Lines::new(
        input,
        FIELDS,
        move |line: &[u8], runs: &mut Vec<Run>| {
            if !trimmed(line).is_empty() {
                runs.push(parse(line, block_bytes)?);
            }
            Ok(())
        },
    )))
}

struct MsrWriter {
    stream: Stream,
    line: Vec<u8>,
}

fn write(output: Output, _: Fields) -> Result<Box<dyn Writer>, TraceError> {
    Ok(Box::new(MsrWriter {
        stream: output.stream()?,
        line: Vec::new(),
    }))
}

impl Writer for MsrWriter {
    fn write(&mut self, request: &Request) -> Result<(), TraceError> {
        use std::io::Write as _;
        // The inverse of what reading does: the highest byte is the disk, the rest the offset.
        let (disk, offset) = (request.key >> 56, request.key & (u64::MAX >> 8));
        let kind = match request.operation.is_read() {
            true => "Read",
            false => "Write",
        };
        self.line.clear();
        // Writing to a vector cannot fail.
        let _ = writeln!(
            self.line,
            "{},{},{disk},{kind},{offset},{},0",
            request.time_ns / TICK_NS,
            request.client,
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
    use crate::trace::format::tests::{keys, read_all, read_all_with};

    const TEXT: &str = "128166372003061629,hm,1,Read,383496192,32768,113736\n\
                        128166372016382155,hm,0,Write,2822144,4096,23736\n";

    #[test]
    fn ticks_are_100_nanoseconds_and_the_disk_is_the_highest_byte() {
        let requests = read_all("msr", TEXT.as_bytes()).unwrap();
        assert_eq!(
            requests[0],
            Request {
                time_ns: 12_816_637_200_306_162_900,
                key: (1 << 56) + 383_496_192,
                size: 32768,
                client: client_from_bytes(b"hm"),
                ..Request::default()
            }
        );
        assert_eq!(requests[1].operation, Operation::Set);
        assert_eq!(requests[1].key, 2_822_144);
    }

    #[test]
    fn with_a_block_size_a_request_becomes_the_blocks_it_touches() {
        let options = ReadOptions {
            block_bytes: Some(4096),
            ..ReadOptions::default()
        };
        let requests = read_all_with("msr", TEXT.as_bytes(), &options).unwrap();
        assert_eq!(requests.len(), 8 + 1);
        assert_eq!(
            keys(&requests[..2]),
            [(1 << 56) + 93_627, (1 << 56) + 93_628]
        );
        assert_eq!(requests[8].key, 689);
        assert!(requests.iter().all(|request| request.size == 4096));
        // From the middle of block 0 to the first byte of block 2.
        let text = b"0,hm,0,Read,2048,6145,1\n";
        assert_eq!(
            keys(&read_all_with("msr", text, &options).unwrap()),
            [0, 1, 2]
        );
    }
}
