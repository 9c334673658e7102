//! Traces: what was asked of a real (or a made-up) cache, request by request.
//!
//! A trace is read by a [`Reader`], one per format (see [`format`](mod@format) for the table), from an
//! [`Input`] that maps plain files and decompresses others on the way; it is written by a
//! [`Writer`]. [`Interned`] is a trace as replay wants it: keys numbered densely from 0 in the
//! order of their first appearance, with the columns that were asked for beside.
//!
//! Not here: what a cache does with the requests (see `replay`), and workloads of scenarios (see
//! `workload`).

mod error;
pub mod format;
pub mod generate;
mod input;
mod intern;
mod output;
mod request;
pub mod statistics;
mod text;

use std::path::Path;

pub use error::{Place, TraceError};
pub use format::Format;
pub use input::{Compression, Input};
pub use intern::{Columns, Interned, Interner, Selection, sampled};
pub use output::Output;
pub use request::{Fields, NEVER_USED, Operation, Request, client_from_bytes, key_from_bytes};

use error::{Problem, suggestion};

/// Reads one trace, request by request.
///
/// The first error ends a trace: what a reader says after it means nothing.
pub trait Reader: Send {
    /// What the requests say beside their keys. Fixed from the start.
    fn fields(&self) -> Fields;

    /// The next request, or `None` at the end.
    ///
    /// # Errors
    /// When the bytes are not what the format asks for; the error names the line or record.
    fn next(&mut self) -> Result<Option<Request>, TraceError>;

    /// Appends the next `count` requests to `batch`, fewer only at the end, and says how many.
    ///
    /// # Errors
    /// As [`Reader::next`]; the requests before the error have been appended.
    fn fill(&mut self, batch: &mut Vec<Request>, count: usize) -> Result<usize, TraceError> {
        for done in 0..count {
            match self.next()? {
                Some(request) => batch.push(request),
                None => return Ok(done),
            }
        }
        Ok(count)
    }

    /// As [`Reader::fill`], keys only: for formats that can skip the rest.
    ///
    /// # Errors
    /// As [`Reader::fill`].
    fn fill_keys(&mut self, batch: &mut Vec<u64>, count: usize) -> Result<usize, TraceError> {
        for done in 0..count {
            match self.next()? {
                Some(request) => batch.push(request.key),
                None => return Ok(done),
            }
        }
        Ok(count)
    }

    /// How many requests are left, if that is known without reading them. A hint: never trusted
    /// for more than reserving memory, and no larger than the bytes that are left.
    fn remaining(&self) -> Option<u64> {
        None
    }
}

/// Writes one trace, request by request. The file appears under its name only by
/// [`Writer::finish`]; a writer that is dropped before leaves nothing behind.
pub trait Writer {
    /// Appends one request.
    ///
    /// # Errors
    /// When the disk refuses it, or the format cannot hold it.
    fn write(&mut self, request: &Request) -> Result<(), TraceError>;

    /// Completes the file and gives it its name.
    ///
    /// # Errors
    /// When the disk refuses it.
    fn finish(self: Box<Self>) -> Result<(), TraceError>;
}

/// How a trace is to be read, where its bytes do not say it.
#[derive(Clone, Debug)]
pub struct ReadOptions {
    /// The format; recognised by the content if `None`.
    pub format: Option<&'static Format>,
    /// CSV: which column is what. Replaces what the header says.
    pub columns: Vec<(format::csv::Column, format::csv::Choice)>,
    /// CSV: the byte between columns; recognised if `None`.
    pub delimiter: Option<u8>,
    /// CSV: whether the first line is a header; recognised if `None`.
    pub header: Option<bool>,
    /// CSV: the unit of times and TTLs, in nanoseconds (a power of ten).
    pub time_unit_ns: u64,
    /// Block traces (MSR, vscsi): requests are cut into blocks of so many bytes and the key is the
    /// number of the block; if `None`, one request per record, keyed as the record says.
    pub block_bytes: Option<u64>,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            format: None,
            columns: Vec::new(),
            delimiter: None,
            header: None,
            time_unit_ns: crate::units::SECOND_NS,
            block_bytes: None,
        }
    }
}

/// Opens the trace at `path` (`-` is standard input) in the format that `options` names, else in
/// the one that its content shows.
///
/// # Errors
/// When the file cannot be opened, no format fits, or the start of the file is broken.
pub fn open(path: &Path, options: &ReadOptions) -> Result<Box<dyn Reader>, TraceError> {
    open_input(Input::open(path)?, options).map(|(_, reader)| reader)
}

/// As [`open`], from an input; also says which format it is.
///
/// # Errors
/// As [`open`].
pub fn open_input(
    mut input: Input,
    options: &ReadOptions,
) -> Result<(&'static Format, Box<dyn Reader>), TraceError> {
    let format = match options.format {
        Some(format) => format,
        None => format::detect(&mut input)?,
    };
    Ok((format, (format.read)(input, options)?))
}

/// Reads the trace at `path` into memory with its keys interned.
///
/// # Errors
/// As [`open`] and [`Interned::from_reader`].
pub fn intern(
    path: &Path,
    options: &ReadOptions,
    selection: &Selection,
) -> Result<Interned, TraceError> {
    Interned::from_reader(open(path, options)?.as_mut(), selection)
}

/// Writes `requests` to `output` in `format` and says how many there were. `fields` is what they
/// say beside their keys.
///
/// # Errors
/// When the format cannot be written or cannot hold a request, or the disk refuses.
pub fn write_all(
    requests: impl IntoIterator<Item = Request>,
    fields: Fields,
    format: &Format,
    output: Output,
) -> Result<u64, TraceError> {
    let mut writer = format.writer(output, fields)?;
    let mut count = 0;
    for request in requests {
        writer.write(&request)?;
        count += 1;
    }
    writer.finish()?;
    Ok(count)
}

/// What [`copy`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Copied {
    /// How many requests were written.
    pub requests: u64,
    /// How many of them had a time that the format had to cut.
    pub cut_times: u64,
}

/// As [`write_all`], from a reader: what `selection` asks for (its columns aside).
///
/// # Errors
/// As [`write_all`], and what the reader reports; then nothing is written.
pub fn copy(
    reader: &mut dyn Reader,
    selection: &Selection,
    format: &Format,
    output: Output,
) -> Result<Copied, TraceError> {
    const BATCH: usize = 4096;
    let fields = reader.fields();
    let mut writer = format.writer(output, fields)?;
    let resolution_ns = match &format.write {
        Some(writing) if writing.fields.time && fields.time => writing.resolution_ns,
        _ => 1,
    };
    let mut batch = Vec::with_capacity(BATCH);
    let mut left = selection.limit.unwrap_or(u64::MAX);
    let mut copied = Copied::default();
    while left > 0 {
        batch.clear();
        let wanted = usize::try_from(left).unwrap_or(BATCH).min(BATCH);
        let taken = reader.fill(&mut batch, wanted)?;
        for request in &batch {
            if selection
                .sample
                .is_none_or(|rate| sampled(request.key, rate))
            {
                writer.write(request)?;
                copied.requests += 1;
                copied.cut_times += u64::from(!request.time_ns.is_multiple_of(resolution_ns));
            }
        }
        left -= taken as u64;
        if taken < wanted {
            break;
        }
    }
    writer.finish()?;
    Ok(copied)
}
