//! `compact`, this project's own format: exact to the nanosecond, and small.
//!
//! The formats of others cut times to seconds, or write out every key again. Here a key is written
//! once, at its first request, and by its number afterwards; what a request shares with the last
//! one for its key is left out. The file is a stream, so it can be piped and is usually compressed
//! once more.
//!
//! ```text
//! file    = "CSTRACE1" fields record* end
//! fields  = byte                 bit 0 time, 1 size, 2 operation, 3 client, 4 ttl;
//!                                bit 5: writes store a value and are not counted
//! record  = tag [time] key [size] [client] [ttl]
//! tag     = byte                 bits 0-3 operation, 4 new key, 5 size as before,
//!                                6 ttl as before
//! time    = zigzag varint        nanoseconds since the request before
//! key     = u64, little-endian   if new, else
//!           varint               the number of the key, in order of first appearance
//! size    = varint               unless as before (of a new key: 0)
//! client  = varint
//! ttl     = varint               nanoseconds plus 1, 0 for none; unless as before (new: none)
//! end     = 0xff varint          how many records there were
//! ```
//!
//! A varint has seven bits per byte, the lowest first, and the highest bit set on all bytes but the
//! last. Fields that are not in `fields` are not in any record. Reading keeps the keys (and their
//! last size and TTL) in memory, 8 bytes each.

use super::writing::Limit;
use super::{Fit, Format, Head, NOTHING, Writing, u64_at};
use crate::trace::error::Problem;
use crate::trace::intern::Interner;
use crate::trace::output::Stream;
use crate::trace::{
    Fields, Input, Operation, Output, ReadOptions, Reader, Request, TraceError, Writer, Writes,
};

/// The table row.
pub const FORMAT: Format = Format {
    name: "compact",
    summary: "cachesim's own: nanoseconds, keys by number; what import writes",
    endings: &["compact"],
    detect,
    read,
    obeys: NOTHING,
    writes: None,
    writings: &[Writing {
        version: 0,
        fields: Fields {
            next_use: false,
            ..Fields::ALL
        },
        limits: &[LONGEST_TTL],
        open: write,
    }],
    source: "docs/traces.md",
};

/// TTLs are written with 1 added, so that 0 can stand for none.
const LONGEST_TTL: Limit = Limit {
    held: "TTLs below 2^64-1 ns",
    done: "cut",
    apply: |request| request.ttl_ns = request.ttl_ns.map(|ttl_ns| ttl_ns.min(u64::MAX - 1)),
};

const MAGIC: &[u8; 8] = b"CSTRACE1";
const HEADER: usize = 9;

/// In the byte of the fields: what writes mean.
const WRITES_STORE: u8 = 1 << 5;

const NEW_KEY: u8 = 1 << 4;
const SAME_SIZE: u8 = 1 << 5;
const SAME_TTL: u8 = 1 << 6;
const END: u8 = 0xff;

/// No record is longer: a tag, a key or its number, and four varints of at most 10 bytes.
const LONGEST_RECORD: usize = 1 + 5 * 10;

fn detect(head: &Head<'_>) -> Fit {
    if head.bytes.starts_with(MAGIC) {
        Fit::Certain
    } else {
        Fit::No
    }
}

fn fields_to_byte(fields: Fields) -> u8 {
    u8::from(fields.time)
        | u8::from(fields.size) << 1
        | u8::from(fields.operation) << 2
        | u8::from(fields.client) << 3
        | u8::from(fields.ttl) << 4
}

fn fields_of_byte(byte: u8) -> Option<(Fields, Writes)> {
    let has = |bit: u8| byte >> bit & 1 == 1;
    let fields = Fields {
        time: has(0),
        size: has(1),
        operation: has(2),
        client: has(3),
        ttl: has(4),
        next_use: false,
    };
    let writes = match byte & WRITES_STORE {
        0 => Writes::Access,
        _ => Writes::Store,
    };
    (byte < WRITES_STORE << 1).then_some((fields, writes))
}

struct Compact {
    input: Input,
    fields: Fields,
    writes: Writes,
    keys: Vec<u64>,
    sizes: Vec<u64>,
    ttls: Vec<u64>,
    time_ns: u64,
    number: u64,
    ended: bool,
}

fn read(mut input: Input, _: &ReadOptions) -> Result<Box<dyn Reader>, TraceError> {
    let header = input.peek(HEADER)?;
    if !header.starts_with(MAGIC) {
        let problem = Problem::new("a compact trace starts with CSTRACE1");
        return Err(input.at_byte(0, problem));
    }
    let Some((fields, writes)) = header.get(8).copied().and_then(fields_of_byte) else {
        let problem = Problem::of_field("fields", "expected a byte from 0 to 63");
        return Err(input.at_byte(8, problem));
    };
    input.consume(HEADER);
    Ok(Box::new(Compact {
        input,
        fields,
        writes,
        keys: Vec::new(),
        sizes: Vec::new(),
        ttls: Vec::new(),
        time_ns: 0,
        number: 0,
        ended: false,
    }))
}

/// Bytes that are taken from the front.
struct Bytes<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bytes<'_> {
    #[inline]
    fn byte(&mut self) -> Result<u8, Problem> {
        let byte = *self.bytes.get(self.at).ok_or_else(|| {
            Problem::new("the file ends within the record or without its end mark: it is cut short")
        })?;
        self.at += 1;
        Ok(byte)
    }

    #[inline]
    fn varint(&mut self, field: &'static str) -> Result<u64, Problem> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                if shift == 63 && byte > 1 {
                    break;
                }
                return Ok(number);
            }
        }
        Err(Problem::of_field(field, "a number of more than 64 bits"))
    }

    fn word(&mut self) -> Result<u64, Problem> {
        let mut bytes = [0; 8];
        for byte in &mut bytes {
            *byte = self.byte()?;
        }
        Ok(u64_at(&bytes, 0))
    }
}

impl Compact {
    /// One record from the front of `bytes` and its length, or `None` for the end mark.
    #[inline]
    fn parse(
        bytes: &[u8],
        state: &mut State<'_>,
        number: u64,
    ) -> Result<(Option<Request>, usize), Problem> {
        let mut bytes = Bytes { bytes, at: 0 };
        let tag = bytes.byte()?;
        if tag == END {
            let promised = bytes.varint("number of records")?;
            if promised != number {
                let message = format!("{promised} by the end mark, but there are {number}");
                return Err(Problem::of_field("number of records", message));
            }
            return Ok((None, bytes.at));
        }
        let fields = state.fields;
        let operation = *Operation::ALL.get(usize::from(tag & 0x0f)).ok_or_else(|| {
            let message = format!("expected 0 to 10, found {}", tag & 0x0f);
            Problem::of_field("operation", message)
        })?;
        if tag & 0x80 != 0 {
            return Err(Problem::of_field("tag", format!("unknown: {tag:#04x}")));
        }
        if fields.time {
            let zigzag = bytes.varint("time")?;
            let step = (zigzag >> 1) as i64 ^ -((zigzag & 1) as i64);
            *state.time_ns = state.time_ns.wrapping_add_signed(step);
        }
        let id = if tag & NEW_KEY != 0 {
            let key = bytes.word()?;
            if state.keys.len() >= u32::MAX as usize {
                return Err(Problem::of_field("key", "more than 2^32 - 1 distinct keys"));
            }
            state.keys.push(key);
            if fields.size {
                state.sizes.push(0);
            }
            if fields.ttl {
                state.ttls.push(0);
            }
            state.keys.len() - 1
        } else {
            let id = bytes.varint("key")?;
            usize::try_from(id)
                .ok()
                .filter(|&id| id < state.keys.len())
                .ok_or_else(|| {
                    let message = format!("number {id}, but only {} came before", state.keys.len());
                    Problem::of_field("key", message)
                })?
        };
        let mut request = Request {
            time_ns: if fields.time { *state.time_ns } else { 0 },
            key: state.keys[id],
            operation,
            ..Request::default()
        };
        if fields.size {
            if tag & SAME_SIZE == 0 {
                state.sizes[id] = bytes.varint("size")?;
            }
            request.size = state.sizes[id];
        }
        if fields.client {
            request.client = u32::try_from(bytes.varint("client")?)
                .map_err(|_| Problem::of_field("client", "more than 32 bits"))?;
        }
        if fields.ttl {
            if tag & SAME_TTL == 0 {
                state.ttls[id] = bytes.varint("ttl")?;
            }
            request.ttl_ns = state.ttls[id].checked_sub(1);
        }
        Ok((Some(request), bytes.at))
    }
}

/// What a record is read against.
struct State<'a> {
    fields: Fields,
    keys: &'a mut Vec<u64>,
    sizes: &'a mut Vec<u64>,
    ttls: &'a mut Vec<u64>,
    time_ns: &'a mut u64,
}

impl Reader for Compact {
    fn fields(&self) -> Fields {
        self.fields
    }

    fn writes(&self) -> Option<Writes> {
        Some(self.writes)
    }

    #[inline]
    fn next(&mut self) -> Result<Option<Request>, TraceError> {
        if self.ended {
            return Ok(None);
        }
        let offset = self.input.offset();
        let bytes = self.input.peek(LONGEST_RECORD)?;
        let mut state = State {
            fields: self.fields,
            keys: &mut self.keys,
            sizes: &mut self.sizes,
            ttls: &mut self.ttls,
            time_ns: &mut self.time_ns,
        };
        match Self::parse(bytes, &mut state, self.number) {
            Ok((request, length)) => {
                self.input.consume(length);
                self.number += u64::from(request.is_some());
                self.ended = request.is_none();
                if self.ended && !self.input.peek(1)?.is_empty() {
                    let problem = Problem::new("there is more after the end mark");
                    return Err(self.input.at_byte(self.input.offset(), problem));
                }
                Ok(request)
            }
            Err(problem) => {
                self.ended = true;
                Err(self.input.at_record(self.number + 1, offset, problem))
            }
        }
    }
}

struct CompactWriter {
    stream: Stream,
    fields: Fields,
    interner: Interner,
    sizes: Vec<u64>,
    ttls: Vec<u64>,
    time_ns: u64,
    number: u64,
    record: Vec<u8>,
}

fn write(output: Output, fields: Fields) -> Result<Box<dyn Writer>, TraceError> {
    let writes = match output.writes() {
        Writes::Access => 0,
        Writes::Store => WRITES_STORE,
    };
    let mut stream = output.stream()?;
    stream.write(MAGIC)?;
    stream.write(&[fields_to_byte(fields) | writes])?;
    Ok(Box::new(CompactWriter {
        stream,
        fields,
        interner: Interner::new(),
        sizes: Vec::new(),
        ttls: Vec::new(),
        time_ns: 0,
        number: 0,
        record: Vec::with_capacity(LONGEST_RECORD),
    }))
}

#[inline]
fn push_varint(record: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        record.push(number as u8 | 0x80);
        number >>= 7;
    }
    record.push(number as u8);
}

impl Writer for CompactWriter {
    fn write(&mut self, request: &Request) -> Result<(), TraceError> {
        let known = self.interner.keys().len();
        let Some(id) = self.interner.intern(request.key) else {
            let message = "more than 2^32 - 1 distinct keys do not fit the format";
            return Err(TraceError::of_file(self.stream.file(), message));
        };
        let id = id as usize;
        let is_new = id == known;
        if is_new {
            self.sizes.push(0);
            self.ttls.push(0);
        }
        let fields = self.fields;
        let ttl = request.ttl_ns.map_or(0, |ttl_ns| ttl_ns.saturating_add(1));
        let same_size = fields.size && self.sizes[id] == request.size;
        let same_ttl = fields.ttl && self.ttls[id] == ttl;
        let operation = if fields.operation {
            request.operation
        } else {
            Operation::Get
        };
        let record = &mut self.record;
        record.clear();
        record.push(
            operation as u8
                | if is_new { NEW_KEY } else { 0 }
                | if same_size { SAME_SIZE } else { 0 }
                | if same_ttl { SAME_TTL } else { 0 },
        );
        if fields.time {
            let step = request.time_ns.wrapping_sub(self.time_ns) as i64;
            push_varint(record, (step << 1 ^ step >> 63) as u64);
            self.time_ns = request.time_ns;
        }
        if is_new {
            record.extend_from_slice(&request.key.to_le_bytes());
        } else {
            push_varint(record, id as u64);
        }
        if fields.size && !same_size {
            push_varint(record, request.size);
            self.sizes[id] = request.size;
        }
        if fields.client {
            push_varint(record, u64::from(request.client));
        }
        if fields.ttl && !same_ttl {
            push_varint(record, ttl);
            self.ttls[id] = ttl;
        }
        self.number += 1;
        self.stream.write(&self.record)
    }

    fn finish(mut self: Box<Self>) -> Result<(), TraceError> {
        self.record.clear();
        self.record.push(END);
        push_varint(&mut self.record, self.number);
        self.stream.write(&self.record)?;
        self.stream.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::format::tests::{keys, read_all};

    /// Keys only; keys 5, 5, 6.
    const SMALL: &[u8] =
        b"CSTRACE1\x00\x10\x05\0\0\0\0\0\0\0\x00\x00\x10\x06\0\0\0\0\0\0\0\xff\x03";

    #[test]
    fn the_bytes_are_as_the_description_has_them() {
        assert_eq!(keys(&read_all("compact", SMALL).unwrap()), [5, 5, 6]);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trace");
        let output = Output::new(&path, crate::trace::Compression::Plain);
        let mut writer = write(output, Fields::default()).unwrap();
        for key in [5, 5, 6] {
            writer
                .write(&Request {
                    key,
                    ..Request::default()
                })
                .unwrap();
        }
        writer.finish().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), SMALL);
    }

    #[test]
    fn what_writes_mean_is_a_bit_that_older_files_lack() {
        let writes = |fields: u8| {
            let bytes = [b"CSTRACE1".as_slice(), &[fields, END, 0]].concat();
            let input = Input::from_bytes("test", bytes).unwrap();
            read(input, &ReadOptions::default()).unwrap().writes()
        };
        assert_eq!(writes(0b00_0100), Some(Writes::Access));
        assert_eq!(writes(0b10_0100), Some(Writes::Store));
    }

    #[test]
    fn whatever_is_cut_off_is_missed() {
        for length in 0..SMALL.len() {
            assert!(
                read_all("compact", &SMALL[..length]).is_err(),
                "{length} bytes"
            );
        }
        let error = read_all("compact", &SMALL[..21]).unwrap_err();
        insta::assert_snapshot!(error, @"test: record 3 (byte 20): the file ends within the record or without its end mark: it is cut short");
    }

    #[test]
    fn impossible_records_are_errors_with_their_place() {
        let error = |record: &[u8]| {
            read_all("compact", &[b"CSTRACE1\x00", record].concat())
                .unwrap_err()
                .to_string()
        };
        insta::assert_snapshot!(error(&[0, 0]), @"test: record 1 (byte 9): key: number 0, but only 0 came before");
        insta::assert_snapshot!(error(&[0x0b]), @"test: record 1 (byte 9): operation: expected 0 to 10, found 11");
        insta::assert_snapshot!(error(&[0x80]), @"test: record 1 (byte 9): tag: unknown: 0x80");
        insta::assert_snapshot!(error(&[0xff, 7]), @"test: record 1 (byte 9): number of records: 7 by the end mark, but there are 0");
        insta::assert_snapshot!(error(&[0xff, 0, 0]), @"test: byte 11: there is more after the end mark");
        insta::assert_snapshot!(error(&[[0].as_slice(), &[0xff; 12]].concat()), @"test: record 1 (byte 9): key: a number of more than 64 bits");
    }
}
