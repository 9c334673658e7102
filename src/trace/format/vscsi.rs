//! VMware's vscsi traces, versions 1 and 2: one SCSI command per binary record.
//!
//! Little-endian, without a header; the high byte of `version` is 1 or 2.
//!
//! | version 1, 32 bytes | version 2, 40 bytes | field |
//! |---|---|---|
//! | 0..4 | 4..8 | u32 serial number |
//! | 4..8 | 8..12 | u32 length, bytes |
//! | 8..12 | 12..16 | u32 scatter-gather elements |
//! | 12..14 | 0..2 | u16 SCSI command |
//! | 14..16 | 2..4 | u16 version |
//! | 16..24 | 16..24 | u64 logical block, of 512 bytes |
//! | 24..32 | 24..32 | u64 time, microseconds |
//! | | 32..40 | u64 response time |
//!
//! Without [`ReadOptions::block_bytes`] a record is one request, its key the logical block; with
//! it, a record becomes one request per block it touches. Written is version 1 unless version 2 is
//! asked for; what no request says (scatter-gather elements, response times) is written as 0.

use super::writing::{GET_SET_DELETE, MICROSECONDS};
use super::{Fit, Format, Head, NOTHING, Obeyed, Writing, truncated, u16_at, u32_at, u64_at};
use crate::trace::error::Problem;
use crate::trace::format::lines::Run;
use crate::trace::output::Stream;
use crate::trace::{
    Fields, Input, Operation, Output, Place, ReadOptions, Reader, Request, TraceError, Writer,
    Writes,
};

/// The table row.
pub const FORMAT: Format = Format {
    name: "vscsi",
    summary: "VMware's vscsi block traces, versions 1 and 2",
    endings: &["vscsi"],
    detect,
    read,
    obeys: Obeyed {
        block_size: true,
        ..NOTHING
    },
    writes: Some(Writes::Access),
    writings: &[
        writing(1, |output, _| write(output, VERSION_1)),
        writing(2, |output, _| write(output, VERSION_2)),
    ],
    source: "github.com/1a1a11a/libCacheSim, traceReader/customizedReader/vscsi.h",
};

const FIELDS: Fields = Fields {
    time: true,
    size: true,
    operation: true,
    client: false,
    ttl: false,
    next_use: false,
};

const fn writing(version: u8, open: super::Open) -> Writing {
    Writing {
        version,
        fields: FIELDS,
        limits: &[MICROSECONDS, GET_SET_DELETE],
        open,
    }
}

const SECTOR_BYTES: u64 = 512;

/// Where the fields of a version are.
#[derive(Clone, Copy)]
struct Layout {
    version: u16,
    size: usize,
    serial_at: usize,
    length_at: usize,
    command_at: usize,
    version_at: usize,
}

const VERSION_1: Layout = Layout {
    version: 1,
    size: 32,
    serial_at: 0,
    length_at: 4,
    command_at: 12,
    version_at: 14,
};
const VERSION_2: Layout = Layout {
    version: 2,
    size: 40,
    serial_at: 4,
    length_at: 8,
    command_at: 0,
    version_at: 2,
};

impl Layout {
    fn fits(self, record: &[u8]) -> bool {
        u16_at(record, self.version_at) >> 8 == self.version
    }

    /// The version of which all whole records in `bytes` are.
    fn of_bytes(bytes: &[u8]) -> Option<Self> {
        [VERSION_2, VERSION_1].into_iter().find(|layout| {
            bytes.len() >= layout.size
                && bytes
                    .chunks_exact(layout.size)
                    .all(|record| layout.fits(record))
        })
    }
}

fn detect(head: &Head<'_>) -> Fit {
    match Layout::of_bytes(head.bytes) {
        Some(layout)
            if head
                .length
                .is_none_or(|length| length % layout.size as u64 == 0) =>
        {
            Fit::Certain
        }
        Some(_) => Fit::Possible,
        None => Fit::No,
    }
}

struct Vscsi {
    input: Input,
    layout: Layout,
    block_bytes: Option<u64>,
    number: u64,
    run: Option<Run>,
}

fn read(mut input: Input, options: &ReadOptions) -> Result<Box<dyn Reader>, TraceError> {
    let head = input.peek(2 * VERSION_2.size)?;
    let layout = Layout::of_bytes(&head[..head.len().min(2 * VERSION_2.size)]);
    let Some(layout) = layout else {
        let message = "the first records carry neither version 1 nor version 2 of vscsi";
        return Err(TraceError::of_file(input.file(), message));
    };
    Ok(Box::new(Vscsi {
        input,
        layout,
        block_bytes: options.block_bytes,
        number: 0,
        run: None,
    }))
}

/// What a SCSI command does to the cache; whatever neither writes nor discards counts as a read.
fn operation(command: u16) -> Operation {
    match command {
        // WRITE (6, 10, 16, 12), WRITE AND VERIFY (10, 16, 12), WRITE SAME (10, 16).
        0x0a | 0x2a | 0x8a | 0xaa | 0x2e | 0x8e | 0xae | 0x41 | 0x93 => Operation::Set,
        // UNMAP.
        0x42 => Operation::Delete,
        _ => Operation::Get,
    }
}

impl Vscsi {
    fn parse(&self, record: &[u8]) -> Result<Run, Problem> {
        if !self.layout.fits(record) {
            return Err(Problem::of_field(
                "version",
                format!(
                    "expected {} in the high byte, as in the first record, found {:#06x}",
                    self.layout.version,
                    u16_at(record, self.layout.version_at)
                ),
            ));
        }
        let block = u64_at(record, 16);
        let request = Request {
            time_ns: u64_at(record, 24)
                .checked_mul(1_000)
                .ok_or_else(|| Problem::of_field("time", "more than 2^64 nanoseconds"))?,
            key: block,
            size: u64::from(u32_at(record, self.layout.length_at)),
            operation: operation(u16_at(record, self.layout.command_at)),
            ..Request::default()
        };
        match self.block_bytes {
            None => Ok(request.into()),
            Some(block_bytes) => {
                let start = block
                    .checked_mul(SECTOR_BYTES)
                    .ok_or_else(|| Problem::of_field("logical block", "lies beyond 2^64 bytes"))?;
                Run::of_blocks(request, start, block_bytes)
            }
        }
    }
}

impl Reader for Vscsi {
    fn fields(&self) -> Fields {
        FIELDS
    }

    fn next(&mut self) -> Result<Option<Request>, TraceError> {
        loop {
            if let Some(run) = self.run.as_mut().filter(|run| run.count > 0) {
                return Ok(Some(run.take()));
            }
            let (offset, size) = (self.input.offset(), self.layout.size);
            let bytes = self.input.peek(size)?;
            let found = bytes.len();
            if found == 0 {
                return Ok(None);
            }
            let record: Option<[u8; 40]> = bytes.get(..size).map(|bytes| {
                let mut record = [0; 40];
                record[..size].copy_from_slice(bytes);
                record
            });
            self.number += 1;
            let run = match record {
                Some(record) => self.parse(&record),
                None => Err(truncated(found, size)),
            };
            let run = run.map_err(|problem| self.input.at_record(self.number, offset, problem))?;
            self.run = Some(run);
            self.input.consume(size);
        }
    }

    fn remaining(&self) -> Option<u64> {
        self.input
            .remaining()
            .map(|bytes| bytes / self.layout.size as u64)
    }
}

struct VscsiWriter {
    stream: Stream,
    layout: Layout,
    number: u64,
}

fn write(output: Output, layout: Layout) -> Result<Box<dyn Writer>, TraceError> {
    Ok(Box::new(VscsiWriter {
        stream: output.stream()?,
        layout,
        number: 0,
    }))
}

/// READ (10), WRITE (10) or UNMAP.
fn command(operation: Operation) -> u16 {
    match operation {
        operation if operation.is_read() => 0x28,
        operation if operation.is_delete() => 0x42,
        _ => 0x2a,
    }
}

impl Writer for VscsiWriter {
    fn write(&mut self, request: &Request) -> Result<(), TraceError> {
        let layout = self.layout;
        let length = u32::try_from(request.size).map_err(|_| {
            let message = format!("{} bytes do not fit the format's 32 bits", request.size);
            let offset = self.number * layout.size as u64;
            let number = self.number + 1;
            Problem::of_field("size", message)
                .at(self.stream.file(), Place::Record { number, offset })
        })?;
        let mut record = [0; VERSION_2.size];
        let mut put = |at: usize, bytes: &[u8]| record[at..at + bytes.len()].copy_from_slice(bytes);
        // The serial number stays below 2^24: in version 1 its highest byte stands where version
        // 2 has its version, and must not be taken for it.
        let serial = (self.number & 0xff_ffff) as u32;
        put(layout.serial_at, &serial.to_le_bytes());
        put(layout.length_at, &length.to_le_bytes());
        put(layout.command_at, &command(request.operation).to_le_bytes());
        put(layout.version_at, &(layout.version << 8).to_le_bytes());
        put(16, &request.key.to_le_bytes());
        put(24, &(request.time_ns / 1_000).to_le_bytes());
        self.number += 1;
        self.stream.write(&record[..layout.size])
    }

    fn finish(self: Box<Self>) -> Result<(), TraceError> {
        self.stream.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::format::tests::{keys, read_all, read_all_with};

    fn version_1(command: u16, bytes: u32, block: u64, time_us: u64) -> Vec<u8> {
        let mut record = vec![0; 32];
        record[4..8].copy_from_slice(&bytes.to_le_bytes());
        record[12..14].copy_from_slice(&command.to_le_bytes());
        record[15] = 1;
        record[16..24].copy_from_slice(&block.to_le_bytes());
        record[24..].copy_from_slice(&time_us.to_le_bytes());
        record
    }

    fn version_2(command: u16, bytes: u32, block: u64, time_us: u64) -> Vec<u8> {
        let mut record = vec![0; 40];
        record[..2].copy_from_slice(&command.to_le_bytes());
        record[3] = 2;
        record[8..12].copy_from_slice(&bytes.to_le_bytes());
        record[16..24].copy_from_slice(&block.to_le_bytes());
        record[24..32].copy_from_slice(&time_us.to_le_bytes());
        record
    }

    #[test]
    fn both_versions_say_the_same() {
        let expected = [
            Request {
                time_ns: 5_000,
                key: 77,
                size: 4096,
                operation: Operation::Set,
                ..Request::default()
            },
            Request {
                time_ns: 6_000,
                key: 78,
                size: 512,
                ..Request::default()
            },
        ];
        let one = [version_1(0x2a, 4096, 77, 5), version_1(0x28, 512, 78, 6)].concat();
        let two = [version_2(0x2a, 4096, 77, 5), version_2(0x28, 512, 78, 6)].concat();
        assert_eq!(read_all("vscsi", &one).unwrap(), expected);
        assert_eq!(read_all("vscsi", &two).unwrap(), expected);
    }

    #[test]
    fn records_are_written_byte_for_byte() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trace");
        let requests = [
            Request {
                time_ns: 5_999,
                key: 77,
                size: 4096,
                operation: Operation::Set,
                ..Request::default()
            },
            Request {
                time_ns: 6_000,
                key: u64::MAX,
                size: 512,
                operation: Operation::Delete,
                ..Request::default()
            },
        ];
        let mut one = [
            version_1(0x2a, 4096, 77, 5),
            version_1(0x42, 512, u64::MAX, 6),
        ]
        .concat();
        one[32] = 1;
        let mut two = [
            version_2(0x2a, 4096, 77, 5),
            version_2(0x42, 512, u64::MAX, 6),
        ]
        .concat();
        two[40 + 4] = 1;
        for (layout, expected) in [(VERSION_1, one), (VERSION_2, two)] {
            let output = Output::new(&path, crate::trace::Compression::Plain);
            let mut writer = write(output, layout).unwrap();
            for request in &requests {
                writer.write(request).unwrap();
            }
            writer.finish().unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), expected);
        }
    }

    #[test]
    fn with_a_block_size_a_command_becomes_the_blocks_it_touches() {
        // Sector 15 is the last of block 1; 1024 bytes reach into block 2.
        let options = ReadOptions {
            block_bytes: Some(4096),
            ..ReadOptions::default()
        };
        let requests = read_all_with("vscsi", &version_1(0x28, 1024, 15, 0), &options).unwrap();
        assert_eq!(keys(&requests), [1, 2]);
    }

    #[test]
    fn a_record_that_is_cut_off_is_an_error_with_its_place() {
        let mut bytes = [version_1(0x2a, 1, 1, 1), version_1(0x2a, 1, 1, 1)].concat();
        bytes.truncate(63);
        let error = read_all("vscsi", &bytes).unwrap_err();
        insta::assert_snapshot!(error, @"test: record 2 (byte 32): the file ends within the record: 31 of its 32 bytes are there");
    }

    #[test]
    fn a_record_of_another_version_is_an_error() {
        let mut bytes = [0; 3].map(|_| version_1(0x2a, 1, 1, 1)).concat();
        bytes[64 + 15] = 9;
        let error = read_all("vscsi", &bytes).unwrap_err();
        insta::assert_snapshot!(error, @"test: record 3 (byte 64): version: expected 1 in the high byte, as in the first record, found 0x0900");
    }
}
