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
pub use format::{Format, Target, Writing, Written};
pub use input::{Compression, Input};
pub use intern::{Columns, Interned, Interner, Selection, sampled};
pub use output::Output;
pub use request::{
    Fields, NEVER_USED, Operation, Request, Writes, client_from_bytes, key_from_bytes,
};

use error::{Problem, suggestion};
use format::Fit;

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

    /// What the file says its writes mean; `None` where that is the same for all files of the format
    /// ([`Format::writes`]).
    fn writes(&self) -> Option<Writes> {
        None
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

impl ReadOptions {
    fn speaks_of_columns(&self) -> bool {
        !self.columns.is_empty() || self.delimiter.is_some() || self.header.is_some()
    }

    /// What is wrong if `format` would ignore one of the options.
    fn disobeyed_by(&self, format: &Format) -> Option<String> {
        let obeys = format.obeys;
        let given = [
            (
                self.speaks_of_columns() && !obeys.columns,
                "columns, a delimiter or a header line",
                ", or say --from csv if it is a CSV all the same",
            ),
            (
                self.time_unit_ns != crate::units::SECOND_NS && !obeys.time_unit,
                "a unit of times",
                "",
            ),
            (
                self.block_bytes.is_some() && !obeys.block_size,
                "a size of blocks",
                "",
            ),
        ];
        let (_, what, otherwise) = given.into_iter().find(|(disobeyed, ..)| *disobeyed)?;
        let otherwise = if self.format.is_some() { "" } else { otherwise };
        let how = if self.format.is_some() {
            "is to be read as"
        } else {
            "is recognised as"
        };
        Some(format!(
            "{how} {}, which takes no option for {what}: leave it out{otherwise}",
            format.name
        ))
    }
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
        None if options.speaks_of_columns() => format_with_columns(&mut input)?,
        None => format::detect(&mut input)?,
    };
    if let Some(problem) = options.disobeyed_by(format) {
        return Err(TraceError::of_file(input.file(), problem));
    }
    Ok((format, (format.read)(input, options)?))
}

/// The format of a trace whose columns somebody speaks of: CSV, unless it plainly is another.
fn format_with_columns(input: &mut Input) -> Result<&'static Format, TraceError> {
    match format::detect_fit(input) {
        Ok((format, fit)) if fit > Fit::Possible => Ok(format),
        _ => Ok(&format::csv::FORMAT),
    }
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

/// Writes `requests` to `output` in the format that is asked for. `fields` is what they say beside
/// their keys.
///
/// # Errors
/// When the format cannot hold a request, or the disk refuses.
pub fn write_all(
    requests: impl IntoIterator<Item = Request>,
    fields: Fields,
    target: impl Into<Target>,
    output: Output,
) -> Result<Written, TraceError> {
    let writing = target.into().writing(fields);
    let file = output.file();
    let mut writer = (writing.open)(output, fields)?;
    let mut written = Written::new(writing, fields);
    for request in requests {
        writer.write(&request)?;
        written.count(&request);
    }
    not_empty(&written, &file)?;
    writer.finish()?;
    Ok(written)
}

/// Refuses to write a trace of nothing, which no reader would take.
fn not_empty(written: &Written, file: &str) -> Result<(), TraceError> {
    match written.requests {
        0 => Err(TraceError::of_file(
            file,
            "would have no requests: a trace has at least one",
        )),
        _ => Ok(()),
    }
}

/// As [`write_all`], from a reader: what `selection` asks for (its columns aside).
///
/// # Errors
/// As [`write_all`], and what the reader reports; then nothing is written.
pub fn copy(
    reader: &mut dyn Reader,
    selection: &Selection,
    target: impl Into<Target>,
    output: Output,
) -> Result<Written, TraceError> {
    const BATCH: usize = 4096;
    let fields = reader.fields();
    let writing = target.into().writing(fields);
    let file = output.file();
    let mut writer = (writing.open)(output, fields)?;
    let mut written = Written::new(writing, fields);
    let mut batch = Vec::with_capacity(BATCH);
    let mut left = selection.limit.unwrap_or(u64::MAX);
    let mut read = 0_u64;
    while left > 0 {
        batch.clear();
        let wanted = usize::try_from(left).unwrap_or(BATCH).min(BATCH);
        let taken = reader.fill(&mut batch, wanted)?;
        for request in &batch {
            read += 1;
            if selection
                .sample
                .is_none_or(|rate| sampled(request.key, rate))
            {
                // After a sample, the record that is written has another number.
                writer.write(request).map_err(|error| TraceError {
                    message: match error.is_output_closed() {
                        true => error.message,
                        false => format!("{} (request {read} of the input)", error.message),
                    },
                    ..error
                })?;
                written.count(request);
            }
        }
        left -= taken as u64;
        if taken < wanted {
            break;
        }
    }
    not_empty(&written, &file)?;
    writer.finish()?;
    Ok(written)
}
