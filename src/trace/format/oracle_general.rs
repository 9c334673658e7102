//! `oracleGeneral`, the binary format in which libCacheSim's collection of traces is published.
//!
//! A record has 24 bytes, little-endian, and there is no header:
//!
//! | bytes | type | meaning |
//! |---|---|---|
//! | 0..4 | u32 | time, seconds |
//! | 4..12 | u64 | key |
//! | 12..16 | u32 | size, bytes |
//! | 16..24 | i64 | number, counted from 1, of the next request for the key; -1 (or 2^63-1) if none |

use std::io::{Read as _, Seek as _, SeekFrom, Write as _};

use hashbrown::HashTable;

use super::writing::SECONDS;
use super::{Fit, Format, Head, NOTHING, Writing, truncated, u32_at, u64_at};
use crate::random::mix;
use crate::trace::error::Problem;
use crate::trace::output::Scratch;
use crate::trace::{
    Fields, Input, NEVER_USED, Output, ReadOptions, Reader, Request, TraceError, Writer, Writes,
};
use crate::units::SECOND_NS;

/// The table row.
pub const FORMAT: Format = Format {
    name: "oracle-general",
    summary: "libCacheSim's oracleGeneral: 24-byte records with the next use of each key",
    endings: &["oraclegeneral"],
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
    source: "github.com/1a1a11a/libCacheSim, traceReader/customizedReader/oracle/oracleGeneralBin.h",
};

const RECORD: usize = 24;

const FIELDS: Fields = Fields {
    time: true,
    size: true,
    operation: false,
    client: false,
    ttl: false,
    next_use: true,
};

fn detect(head: &Head<'_>) -> Fit {
    if head
        .length
        .is_some_and(|length| length % RECORD as u64 != 0)
    {
        return Fit::No;
    }
    fit_of_records(head.bytes, RECORD, |record| {
        (u32_at(record, 0), u64_at(record, 16))
    })
}

/// Whether records have times that do not fall and next uses that lie ahead: that random bytes
/// pass this is unlikely from the first record on.
pub(super) fn fit_of_records(
    bytes: &[u8],
    size: usize,
    time_and_next_use: impl Fn(&[u8]) -> (u32, u64),
) -> Fit {
    let mut last_time = 0;
    let mut count = 0;
    for record in bytes.chunks_exact(size) {
        count += 1;
        let (time, next_use) = time_and_next_use(record);
        // The upper limit keeps text out: eight of its bytes are a number beyond any trace.
        let ahead = match next_use_from_file(next_use) {
            Ok(NEVER_USED) => true,
            Ok(next_use) => (count..1 << 48).contains(&next_use),
            Err(_) => false,
        };
        if time < last_time || !ahead {
            return Fit::No;
        }
        last_time = time;
    }
    if count == 0 { Fit::No } else { Fit::Likely }
}

/// From the file's numbering to ours.
#[inline]
pub(super) fn next_use_from_file(written: u64) -> Result<u64, Problem> {
    match written as i64 {
        -1 | i64::MAX => Ok(NEVER_USED),
        number @ 1.. => Ok(number as u64 - 1),
        number => Err(Problem::of_field(
            "next access",
            format!("expected the number of a request (from 1) or -1, found {number}"),
        )),
    }
}

struct OracleGeneral {
    input: Input,
    number: u64,
}

fn read(input: Input, _: &ReadOptions) -> Result<Box<dyn Reader>, TraceError> {
    Ok(Box::new(OracleGeneral { input, number: 0 }))
}

impl OracleGeneral {
    /// The next records, at most `count`, all whole; none at the end.
    #[inline]
    fn records(&mut self, count: usize) -> Result<&[u8], TraceError> {
        let number = self.number + 1;
        let offset = self.input.offset();
        // Asking for one record gives all that are buffered, without reading ahead of them: what
        // comes before a broken place is read in full, however it is read.
        let found = self.input.peek(RECORD)?.len();
        if found > 0 && found < RECORD {
            let problem = truncated(found, RECORD);
            return Err(self.input.at_record(number, offset, problem));
        }
        let whole = (found / RECORD).min(count.max(1)) * RECORD;
        Ok(&self.input.peek(whole)?[..whole])
    }

    #[inline]
    fn consume(&mut self, records: usize) {
        self.number += records as u64;
        self.input.consume(records * RECORD);
    }
}

#[inline]
fn request(record: &[u8]) -> Result<Request, Problem> {
    Ok(Request {
        time_ns: u64::from(u32_at(record, 0)) * SECOND_NS,
        key: u64_at(record, 4),
        size: u64::from(u32_at(record, 12)),
        next_use: Some(next_use_from_file(u64_at(record, 16))?),
        ..Request::default()
    })
}

impl Reader for OracleGeneral {
    fn fields(&self) -> Fields {
        FIELDS
    }

    fn next(&mut self) -> Result<Option<Request>, TraceError> {
        let record = self.records(1)?;
        if record.is_empty() {
            return Ok(None);
        }
        let read = request(record);
        self.consume(1);
        read.map(Some).map_err(|problem| {
            let offset = self.input.offset() - RECORD as u64;
            self.input.at_record(self.number, offset, problem)
        })
    }

    fn fill(&mut self, batch: &mut Vec<Request>, count: usize) -> Result<usize, TraceError> {
        let mut done = 0;
        while done < count {
            let records = self.records(count - done)?;
            if records.is_empty() {
                break;
            }
            let mut read = 0;
            let mut problem = None;
            for record in records.chunks_exact(RECORD) {
                match request(record) {
                    Ok(request) => batch.push(request),
                    Err(found) => {
                        problem = Some(found);
                        break;
                    }
                }
                read += 1;
            }
            self.consume(read);
            done += read;
            if let Some(problem) = problem {
                return Err(self
                    .input
                    .at_record(self.number + 1, self.input.offset(), problem));
            }
        }
        Ok(done)
    }

    fn fill_keys(&mut self, batch: &mut Vec<u64>, count: usize) -> Result<usize, TraceError> {
        let mut done = 0;
        while done < count {
            let records = self.records(count - done)?;
            if records.is_empty() {
                break;
            }
            let read = records.len() / RECORD;
            batch.extend(records.chunks_exact(RECORD).map(|record| u64_at(record, 4)));
            self.consume(read);
            done += read;
        }
        Ok(done)
    }

    fn remaining(&self) -> Option<u64> {
        self.input.remaining().map(|bytes| bytes / RECORD as u64)
    }
}

struct OracleGeneralWriter {
    records: std::io::BufWriter<std::fs::File>,
    scratch: Scratch,
    count: u64,
}

fn write(output: Output, _: Fields) -> Result<Box<dyn Writer>, TraceError> {
    let scratch = output.scratch()?;
    let handle = scratch
        .scratch
        .try_clone()
        .map_err(|error| scratch.fail(&error))?;
    let records = std::io::BufWriter::with_capacity(256 << 10, handle);
    Ok(Box::new(OracleGeneralWriter {
        records,
        scratch,
        count: 0,
    }))
}

/// Whole seconds in 32 bits, or why not.
pub(super) fn seconds(time_ns: u64) -> Result<u32, Problem> {
    u32::try_from(time_ns / SECOND_NS).map_err(|_| {
        Problem::of_field(
            "time",
            format!(
                "{} s does not fit the format's 32 bits of seconds",
                time_ns / SECOND_NS
            ),
        )
    })
}

impl Writer for OracleGeneralWriter {
    fn write(&mut self, request: &Request) -> Result<(), TraceError> {
        let number = self.count + 1;
        let fail = |problem: Problem, scratch: &Scratch| {
            problem.at(
                scratch.file(),
                crate::trace::Place::Record {
                    number,
                    offset: (number - 1) * RECORD as u64,
                },
            )
        };
        let time = seconds(request.time_ns).map_err(|problem| fail(problem, &self.scratch))?;
        let size = u32::try_from(request.size).map_err(|_| {
            let message = format!("{} bytes do not fit the format's 32 bits", request.size);
            fail(Problem::of_field("size", message), &self.scratch)
        })?;
        let mut record = [0; RECORD];
        record[..4].copy_from_slice(&time.to_le_bytes());
        record[4..12].copy_from_slice(&request.key.to_le_bytes());
        record[12..16].copy_from_slice(&size.to_le_bytes());
        record[16..].copy_from_slice(&(-1_i64).to_le_bytes());
        self.records
            .write_all(&record)
            .map_err(|error| self.scratch.fail(&error))?;
        self.count += 1;
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<(), TraceError> {
        self.records
            .flush()
            .map_err(|error| self.scratch.fail(&error))?;
        fill_next_uses(&mut self.scratch, 0, RECORD, RECORD - 8, self.count)?;
        self.scratch.finish()
    }
}

/// Goes over the records from the last to the first and writes into each, at `next_use_at`, the
/// number of the next one with the same key (bytes 4 to 12). Memory: one table entry per
/// distinct key.
pub(super) fn fill_next_uses(
    scratch: &mut Scratch,
    start: u64,
    size: usize,
    next_use_at: usize,
    count: u64,
) -> Result<(), TraceError> {
    const PIECE: u64 = 1 << 14;
    let mut later: HashTable<(u64, u64)> = HashTable::new();
    let mut end = count;
    let mut buffer = Vec::new();
    while end > 0 {
        let first = end.saturating_sub(PIECE);
        buffer.resize((end - first) as usize * size, 0);
        let place = SeekFrom::Start(start + first * size as u64);
        let file = &mut scratch.scratch;
        file.seek(place)
            .and_then(|_| file.read_exact(&mut buffer))
            .map_err(|error| scratch.fail(&error))?;
        for (index, record) in buffer.chunks_exact_mut(size).enumerate().rev() {
            let key = u64_at(record, 4);
            let number = first + index as u64 + 1;
            let next = match later.entry(mix(key), |entry| entry.0 == key, |entry| mix(entry.0)) {
                hashbrown::hash_table::Entry::Occupied(mut entry) => {
                    std::mem::replace(&mut entry.get_mut().1, number) as i64
                }
                hashbrown::hash_table::Entry::Vacant(entry) => {
                    entry.insert((key, number));
                    -1
                }
            };
            record[next_use_at..next_use_at + 8].copy_from_slice(&next.to_le_bytes());
        }
        let file = &mut scratch.scratch;
        file.seek(place)
            .and_then(|_| file.write_all(&buffer))
            .map_err(|error| scratch.fail(&error))?;
        end = first;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::format::tests::read_all;

    fn record(time: u32, key: u64, size: u32, next: i64) -> Vec<u8> {
        let mut record = time.to_le_bytes().to_vec();
        record.extend(key.to_le_bytes());
        record.extend(size.to_le_bytes());
        record.extend(next.to_le_bytes());
        record
    }

    #[test]
    fn next_uses_count_from_one_in_the_file_and_from_zero_here() {
        let bytes = [record(5, 8, 100, 2), record(6, 8, 100, -1)].concat();
        let first = Request {
            time_ns: 5 * SECOND_NS,
            key: 8,
            size: 100,
            next_use: Some(1),
            ..Request::default()
        };
        let second = Request {
            time_ns: 6 * SECOND_NS,
            next_use: Some(NEVER_USED),
            ..first
        };
        assert_eq!(read_all("oracle-general", &bytes).unwrap(), [first, second]);
    }

    #[test]
    fn a_record_that_is_cut_off_or_impossible_is_an_error_with_its_place() {
        let bytes = [record(5, 8, 100, 2), record(6, 8, 100, -1)].concat();
        let error = read_all("oracle-general", &bytes[..47]).unwrap_err();
        insta::assert_snapshot!(error, @"test: record 2 (byte 24): the file ends within the record: 23 of its 24 bytes are there");
        let bytes = [record(5, 8, 100, 2), record(6, 8, 100, -7)].concat();
        let error = read_all("oracle-general", &bytes).unwrap_err();
        insta::assert_snapshot!(error, @"test: record 2 (byte 24): next access: expected the number of a request (from 1) or -1, found -7");
    }

    #[test]
    fn a_time_or_size_that_does_not_fit_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        let output = Output::new(&path, crate::trace::Compression::Plain);
        let mut writer = write(output, Fields::ALL).unwrap();
        writer
            .write(&Request {
                size: 1 << 32,
                ..Request::default()
            })
            .unwrap_err();
        writer
            .write(&Request {
                time_ns: (1 << 32) * SECOND_NS,
                ..Request::default()
            })
            .unwrap_err();
        drop(writer);
        assert_eq!(
            std::fs::read_dir(folder.path()).unwrap().count(),
            0,
            "nothing is left behind"
        );
    }
}
