//! `lcs`, libCacheSim's own binary format, versions 1 to 8.
//!
//! A header of 8192 bytes, then records, all little-endian. The header: a magic number, the
//! version, 8000 bytes of statistics (of which the first are: version of the statistics, requests,
//! objects, bytes of requests, bytes of objects, first and last second, reads, writes, deletes,
//! smallest and largest size, each i64), 21 unused words, the magic number again. The records:
//!
//! | version | bytes | fields |
//! |---|---|---|
//! | 1 | 24 | u32 seconds, u64 key, u32 size, i64 next use |
//! | 2 | 28 | u32 seconds, u64 key, u32 size, u8 operation, u24 tenant, i64 next use |
//! | 3 | 36 | u32 seconds, u64 key, i64 size, u8 operation, u24 tenant, u32 TTL in seconds, i64 next use |
//! | 4 to 8 | 40, 44, 52, 68, 100 | as 3, then 1, 2, 4, 8 or 16 features of 4 bytes, which are ignored |
//!
//! Next uses count from 1; -1 (or 2^63-1) is never. Without a wish, version 1 is written, and version
//! 3 where requests have more than times and sizes; features are written as 0. Clients of 2^24 and
//! more are folded into 24 bits.

use std::io::{Seek as _, SeekFrom, Write as _};

use super::oracle_general::{fill_next_uses, next_use_from_file, seconds};
use super::writing::{Limit, SECONDS, TTL_SECONDS, ttl_seconds};
use super::{Fit, Format, Head, NOTHING, Writing, truncated, u32_at, u64_at};
use crate::trace::error::Problem;
use crate::trace::intern::Interner;
use crate::trace::output::Scratch;
use crate::trace::{
    Fields, Input, Operation, Output, Place, ReadOptions, Reader, Request, TraceError, Writer,
    Writes,
};
use crate::units::SECOND_NS;

/// The table row.
pub const FORMAT: Format = Format {
    name: "lcs",
    summary: "libCacheSim's lcs, versions 1 to 8: a header, then records with the next use",
    endings: &["lcs"],
    detect,
    read,
    obeys: NOTHING,
    // The first holds the least and takes the least room, the second whatever there is to hold.
    writes: Some(Writes::Access),
    writings: &[
        writing::<1>(),
        writing::<3>(),
        writing::<2>(),
        writing::<4>(),
        writing::<5>(),
        writing::<6>(),
        writing::<7>(),
        writing::<8>(),
    ],
    source: "github.com/1a1a11a/libCacheSim, traceReader/customizedReader/lcs.h",
};

/// What records of a version hold.
const fn fields(version: usize) -> Fields {
    Fields {
        time: true,
        size: true,
        operation: version >= 2,
        client: version >= 2,
        ttl: version >= 3,
        next_use: true,
    }
}

const fn writing<const VERSION: usize>() -> Writing {
    Writing {
        version: VERSION as u8,
        fields: fields(VERSION),
        limits: match VERSION {
            1 => &[SECONDS],
            2 => &[SECONDS, CLIENTS],
            _ => &[SECONDS, CLIENTS, TTL_SECONDS, LONGEST_TTL],
        },
        open: write::<VERSION>,
    }
}

const CLIENTS: Limit = Limit {
    held: "clients below 2^24",
    done: "folded",
    apply: |request| request.client = folded(request.client),
};

const LONGEST_TTL: Limit = Limit {
    held: "TTLs below 2^32 seconds",
    done: "cut",
    apply: |request| {
        request.ttl_ns = request
            .ttl_ns
            .map(|ttl_ns| ttl_ns.min(u64::from(u32::MAX) * SECOND_NS));
    },
};

/// A client in 24 bits.
fn folded(client: u32) -> u32 {
    (client ^ client >> 24) & 0xff_ffff
}

const HEADER: usize = 8192;
const MAGIC: u64 = 0x1234_5678_9abc_def0;
/// Where the header counts the requests.
const COUNT_AT: usize = 24;
/// Where the next use is in a record of each version; the record's size without features is 8 more.
const NEXT_USE_AT: [usize; 9] = [0, 16, 20, 28, 28, 28, 28, 28, 28];
/// How large a record of each version is.
const RECORD: [usize; 9] = [0, 24, 28, 36, 40, 44, 52, 68, 100];
const LARGEST: usize = 100;

fn detect(head: &Head<'_>) -> Fit {
    match head.bytes.len() >= 16 && u64_at(head.bytes, 0) == MAGIC {
        true => Fit::Certain,
        false => Fit::No,
    }
}

struct Lcs {
    input: Input,
    version: usize,
    /// How many requests the header promises, 0 if it says nothing.
    promised: u64,
    number: u64,
}

fn read(mut input: Input, _: &ReadOptions) -> Result<Box<dyn Reader>, TraceError> {
    let header = input.peek(HEADER)?;
    let found = header.len();
    if found < HEADER {
        let problem = Problem::new(format!(
            "the file ends within the header: {found} of its {HEADER} bytes are there"
        ));
        return Err(input.at_byte(0, problem));
    }
    let (start, version, promised, end) = (
        u64_at(header, 0),
        u64_at(header, 8),
        u64_at(header, COUNT_AT),
        u64_at(header, HEADER - 8),
    );
    for (magic, offset) in [(start, 0), (end, HEADER as u64 - 8)] {
        if magic != MAGIC {
            let message = format!("expected {MAGIC:#018x}, found {magic:#018x}");
            return Err(input.at_byte(offset, Problem::of_field("magic number", message)));
        }
    }
    if !(1..=8).contains(&version) {
        let message = format!("expected 1 to 8, found {version}");
        return Err(input.at_byte(8, Problem::of_field("version", message)));
    }
    if promised > i64::MAX as u64 {
        let message = format!("expected a count, found {}", promised as i64);
        let problem = Problem::of_field("number of requests", message);
        return Err(input.at_byte(COUNT_AT as u64, problem));
    }
    input.consume(HEADER);
    Ok(Box::new(Lcs {
        input,
        version: version as usize,
        promised,
        number: 0,
    }))
}

/// The numbers of operations in the file.
fn operation_from_file(code: u8) -> Result<Operation, Problem> {
    Ok(match code {
        // "No operation" and "invalid" stand where the original trace said nothing.
        0 | 1 | 12 | 255 => Operation::Get,
        2 => Operation::Gets,
        3 | 13 | 14 => Operation::Set,
        4 => Operation::Add,
        5 => Operation::Cas,
        6 => Operation::Replace,
        7 => Operation::Append,
        8 => Operation::Prepend,
        9 => Operation::Delete,
        10 => Operation::Increment,
        11 => Operation::Decrement,
        _ => {
            return Err(Problem::of_field(
                "operation",
                format!("expected 0 to 14 or 255, found {code}"),
            ));
        }
    })
}

fn operation_to_file(operation: Operation) -> u8 {
    match operation {
        Operation::Get => 1,
        Operation::Gets => 2,
        Operation::Set => 3,
        Operation::Add => 4,
        Operation::Cas => 5,
        Operation::Replace => 6,
        Operation::Append => 7,
        Operation::Prepend => 8,
        Operation::Delete => 9,
        Operation::Increment => 10,
        Operation::Decrement => 11,
    }
}

fn parse(record: &[u8], version: usize) -> Result<Request, Problem> {
    let mut request = Request {
        time_ns: u64::from(u32_at(record, 0)) * SECOND_NS,
        key: u64_at(record, 4),
        next_use: Some(next_use_from_file(u64_at(record, NEXT_USE_AT[version]))?),
        ..Request::default()
    };
    let detail_at = match version {
        1 | 2 => {
            request.size = u64::from(u32_at(record, 12));
            16
        }
        _ => {
            request.size = u64_at(record, 12);
            if request.size > i64::MAX as u64 {
                let message = format!("expected bytes, found {}", request.size as i64);
                return Err(Problem::of_field("size", message));
            }
            20
        }
    };
    if version >= 2 {
        let detail = u32_at(record, detail_at);
        request.operation = operation_from_file(detail as u8)?;
        request.client = detail >> 8;
    }
    if version >= 3 {
        let ttl = u64::from(u32_at(record, 24));
        request.ttl_ns = (ttl > 0).then_some(ttl * SECOND_NS);
    }
    Ok(request)
}

impl Reader for Lcs {
    fn fields(&self) -> Fields {
        fields(self.version)
    }

    fn next(&mut self) -> Result<Option<Request>, TraceError> {
        let (offset, size) = (self.input.offset(), RECORD[self.version]);
        let bytes = self.input.peek(size)?;
        let found = bytes.len();
        let result = match bytes.get(..size) {
            Some(record) => parse(record, self.version),
            None if found > 0 => Err(truncated(found, size)),
            None if self.promised > self.number => Err(Problem::new(format!(
                "the file ends here, but its header promises {} requests",
                self.promised
            ))),
            None => return Ok(None),
        };
        self.number += 1;
        match result {
            Ok(request) => {
                self.input.consume(size);
                Ok(Some(request))
            }
            Err(problem) => Err(self.input.at_record(self.number, offset, problem)),
        }
    }

    fn remaining(&self) -> Option<u64> {
        self.input
            .remaining()
            .map(|bytes| bytes / RECORD[self.version] as u64)
    }
}

/// What the header says of all requests together.
#[derive(Default)]
struct Totals {
    requests: u64,
    bytes: u64,
    object_bytes: u64,
    first_second: u32,
    last_second: u32,
    reads: u64,
    writes: u64,
    deletes: u64,
    smallest: u64,
    largest: u64,
}

struct LcsWriter {
    records: std::io::BufWriter<std::fs::File>,
    scratch: Scratch,
    version: usize,
    objects: Interner,
    totals: Totals,
}

fn write<const VERSION: usize>(output: Output, _: Fields) -> Result<Box<dyn Writer>, TraceError> {
    let scratch = output.scratch()?;
    let handle = scratch
        .scratch
        .try_clone()
        .map_err(|error| scratch.fail(&error))?;
    let mut records = std::io::BufWriter::with_capacity(256 << 10, handle);
    records
        .write_all(&[0; HEADER])
        .map_err(|error| scratch.fail(&error))?;
    Ok(Box::new(LcsWriter {
        records,
        scratch,
        version: VERSION,
        objects: Interner::new(),
        totals: Totals::default(),
    }))
}

impl LcsWriter {
    /// The record for `request`, the next use still open, and its length.
    fn record(&self, request: &Request) -> Result<([u8; LARGEST], u32), Problem> {
        let mut record = [0; LARGEST];
        let second = seconds(request.time_ns)?;
        let too_large = |bits| {
            let other = if bits == 32 { "; lcs:3 has 63" } else { "" };
            let message = format!(
                "{} bytes do not fit the {bits} bits of version {}{other}",
                request.size, self.version
            );
            Problem::of_field("size", message)
        };
        record[..4].copy_from_slice(&second.to_le_bytes());
        record[4..12].copy_from_slice(&request.key.to_le_bytes());
        let detail_at = if self.version <= 2 {
            let size = u32::try_from(request.size).map_err(|_| too_large(32))?;
            record[12..16].copy_from_slice(&size.to_le_bytes());
            16
        } else {
            let size = i64::try_from(request.size).map_err(|_| too_large(63))?;
            record[12..20].copy_from_slice(&size.to_le_bytes());
            20
        };
        if self.version >= 2 {
            let operation = u32::from(operation_to_file(request.operation));
            let detail = folded(request.client) << 8 | operation;
            record[detail_at..detail_at + 4].copy_from_slice(&detail.to_le_bytes());
        }
        if self.version >= 3 {
            let ttl = u32::try_from(ttl_seconds(request.ttl_ns)).unwrap_or(u32::MAX);
            record[24..28].copy_from_slice(&ttl.to_le_bytes());
        }
        Ok((record, second))
    }
}

impl Writer for LcsWriter {
    fn write(&mut self, request: &Request) -> Result<(), TraceError> {
        let size = RECORD[self.version];
        let (record, second) = self.record(request).map_err(|problem| {
            let offset = HEADER as u64 + self.totals.requests * size as u64;
            let number = self.totals.requests + 1;
            problem.at(self.scratch.file(), Place::Record { number, offset })
        })?;
        self.records
            .write_all(&record[..size])
            .map_err(|error| self.scratch.fail(&error))?;

        let totals = &mut self.totals;
        if totals.requests == 0 {
            (totals.first_second, totals.smallest) = (second, request.size);
        }
        totals.requests += 1;
        totals.bytes = totals.bytes.saturating_add(request.size);
        totals.last_second = second;
        totals.smallest = totals.smallest.min(request.size);
        totals.largest = totals.largest.max(request.size);
        totals.reads += u64::from(request.operation.is_read());
        totals.writes += u64::from(request.operation.is_write());
        totals.deletes += u64::from(request.operation.is_delete());
        // An object counts with the size of its first request.
        let known = self.objects.keys().len();
        if self.objects.intern(request.key).is_some() && self.objects.keys().len() > known {
            totals.object_bytes = totals.object_bytes.saturating_add(request.size);
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<(), TraceError> {
        let totals = &self.totals;
        let mut header = [0; HEADER];
        let objects = self.objects.keys().len() as u64;
        let words = [
            MAGIC,
            self.version as u64,
            1,
            totals.requests,
            objects,
            totals.bytes,
            totals.object_bytes,
            u64::from(totals.first_second),
            u64::from(totals.last_second),
            totals.reads,
            totals.writes,
            totals.deletes,
            totals.smallest,
            totals.largest,
        ];
        for (place, word) in header.chunks_exact_mut(8).zip(words) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        header[HEADER - 8..].copy_from_slice(&MAGIC.to_le_bytes());
        self.records
            .seek(SeekFrom::Start(0))
            .and_then(|_| self.records.write_all(&header))
            .and_then(|()| self.records.flush())
            .map_err(|error| self.scratch.fail(&error))?;
        let (size, next_use_at) = (RECORD[self.version], NEXT_USE_AT[self.version]);
        let (start, count) = (HEADER as u64, self.totals.requests);
        fill_next_uses(&mut self.scratch, start, size, next_use_at, count)?;
        self.scratch.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::NEVER_USED;
    use crate::trace::format::tests::read_all;

    fn file(version: u64, count: u64, records: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; HEADER];
        bytes[..8].copy_from_slice(&MAGIC.to_le_bytes());
        bytes[8..16].copy_from_slice(&version.to_le_bytes());
        bytes[COUNT_AT..COUNT_AT + 8].copy_from_slice(&count.to_le_bytes());
        bytes[HEADER - 8..].copy_from_slice(&MAGIC.to_le_bytes());
        bytes.extend_from_slice(records);
        bytes
    }

    /// A record as lcs.h has it, put together field by field.
    fn record(version: usize) -> Vec<u8> {
        let mut bytes = 9_u32.to_le_bytes().to_vec();
        bytes.extend(0x0123_4567_89ab_cdef_u64.to_le_bytes());
        match version {
            1 | 2 => bytes.extend(512_u32.to_le_bytes()),
            _ => bytes.extend(512_i64.to_le_bytes()),
        }
        if version >= 2 {
            bytes.extend([3, 0x44, 0x55, 0x66]);
        }
        if version >= 3 {
            bytes.extend(60_u32.to_le_bytes());
        }
        bytes.extend(7_i64.to_le_bytes());
        let features = [0, 0, 0, 0, 1, 2, 4, 8, 16][version];
        bytes.extend(std::iter::repeat_n(0xee, 4 * features));
        bytes
    }

    #[test]
    fn every_version_is_read() {
        for version in 1..=8 {
            let mut records = record(version);
            records.extend(record(version));
            let requests = read_all("lcs", &file(version as u64, 2, &records)).unwrap();
            let detailed = version >= 2;
            let expected = Request {
                time_ns: 9 * SECOND_NS,
                key: 0x0123_4567_89ab_cdef,
                size: 512,
                operation: if detailed {
                    Operation::Set
                } else {
                    Operation::Get
                },
                client: if detailed { 0x66_55_44 } else { 0 },
                ttl_ns: (version >= 3).then_some(60 * SECOND_NS),
                next_use: Some(6),
            };
            assert_eq!(requests, [expected, expected], "version {version}");
        }
    }

    #[test]
    fn both_spellings_of_never_are_never() {
        for never in [-1, i64::MAX] {
            let mut record = record(1);
            record[16..24].copy_from_slice(&never.to_le_bytes());
            let requests = read_all("lcs", &file(1, 1, &record)).unwrap();
            assert_eq!(requests[0].next_use, Some(NEVER_USED));
        }
    }

    #[test]
    fn broken_headers_are_errors_with_their_place() {
        let error = |bytes: &[u8]| read_all("lcs", bytes).unwrap_err().to_string();
        insta::assert_snapshot!(error(&file(1, 0, b"")[..8000]), @"test: byte 0: the file ends within the header: 8000 of its 8192 bytes are there");
        insta::assert_snapshot!(error(&file(9, 0, b"")), @"test: byte 8: version: expected 1 to 8, found 9");
        insta::assert_snapshot!(error(&file(1, u64::MAX, b"")), @"test: byte 24: number of requests: expected a count, found -1");
        let mut bytes = file(1, 0, b"");
        bytes[HEADER - 1] = 0;
        insta::assert_snapshot!(error(&bytes), @"test: byte 8184: magic number: expected 0x123456789abcdef0, found 0x003456789abcdef0");
    }

    #[test]
    fn a_file_that_is_shorter_than_its_header_says_is_an_error() {
        let error = read_all("lcs", &file(1, 2, &record(1))).unwrap_err();
        insta::assert_snapshot!(error, @"test: record 2 (byte 8216): the file ends here, but its header promises 2 requests");
        let error = read_all("lcs", &file(2, 1, &record(2)[..20])).unwrap_err();
        insta::assert_snapshot!(error, @"test: record 1 (byte 8192): the file ends within the record: 20 of its 28 bytes are there");
    }
}
