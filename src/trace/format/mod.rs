//! The formats of traces: one file and one row of [`FORMATS`] each.
//!
//! Names on the command line, help, detection, the documentation and the tests over all formats
//! are derived from the table.

use super::input::HEAD_BYTES;
use super::{Fields, Input, Output, Problem, ReadOptions, Reader, TraceError, Writer, suggestion};

pub mod csv;
pub mod key_per_line;
pub mod oracle_general;

/// How well the start of a file fits a format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
    /// It cannot be this format.
    No,
    /// Nothing speaks against it.
    Possible,
    /// Its structure is that of the format.
    Likely,
    /// It carries the format's own mark.
    Certain,
}

/// The start of a file, for telling its format.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    /// The first bytes, uncompressed.
    pub bytes: &'a [u8],
    /// Whether these are all bytes of the file.
    pub whole: bool,
    /// How many bytes the file has, if that is known.
    pub length: Option<u64>,
}

/// How a format is written.
#[derive(Debug)]
pub struct Writing {
    /// What the format can hold beside keys.
    pub fields: Fields,
    /// Starts a file; the second argument says which fields the requests will have.
    pub open: fn(Output, Fields) -> Result<Box<dyn Writer>, TraceError>,
}

/// One format of traces.
#[derive(Debug)]
pub struct Format {
    /// The name on the command line.
    pub name: &'static str,
    /// One line on what it is.
    pub summary: &'static str,
    /// How well the start of a file fits.
    pub detect: fn(&Head<'_>) -> Fit,
    /// Starts reading.
    pub read: fn(Input, &ReadOptions) -> Result<Box<dyn Reader>, TraceError>,
    /// Starts writing, if the format can be written.
    pub write: Option<Writing>,
    /// Where the format is defined.
    pub source: &'static str,
}

/// Every format, in the order of preference where a file fits several equally well.
pub static FORMATS: &[Format] = &[oracle_general::FORMAT, csv::FORMAT, key_per_line::FORMAT];

/// The format called `name`.
///
/// # Errors
/// A sentence that lists the known names and suggests the nearest.
pub fn by_name(name: &str) -> Result<&'static Format, String> {
    FORMATS
        .iter()
        .find(|format| format.name.eq_ignore_ascii_case(name))
        .ok_or_else(|| {
            let names: Vec<_> = FORMATS.iter().map(|format| format.name).collect();
            format!(
                "no trace format is called {name:?}{}; known are {}",
                suggestion(name, names.iter().copied()),
                names.join(", ")
            )
        })
}

/// The format that the start of `input` fits best. Consumes nothing.
///
/// # Errors
/// When it fits none, or cannot be read.
pub fn detect(input: &mut Input) -> Result<&'static Format, TraceError> {
    let length = input.remaining();
    let bytes = input.peek(HEAD_BYTES)?;
    let whole =
        bytes.len() < HEAD_BYTES || length.is_some_and(|length| length <= HEAD_BYTES as u64);
    let head = Head {
        bytes: &bytes[..bytes.len().min(HEAD_BYTES)],
        whole,
        length,
    };
    if head.bytes.is_empty() {
        return Err(TraceError::of_file(
            input.file(),
            "is empty: a trace has at least one request",
        ));
    }
    let mut best = None;
    let mut best_fit = Fit::No;
    for format in FORMATS {
        let fit = (format.detect)(&head);
        if fit > best_fit {
            (best, best_fit) = (Some(format), fit);
        }
    }
    best.ok_or_else(|| {
        let names: Vec<_> = FORMATS.iter().map(|format| format.name).collect();
        TraceError::of_file(
            input.file(),
            format!(
                "fits no known trace format; if you know it, name it with --from: {}",
                names.join(", ")
            ),
        )
    })
}

/// The first `N` bytes of `bytes` as an array.
///
/// The caller has checked the length; zeros stand in for what is missing, so that no input can
/// panic here.
#[inline]
fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.first_chunk().copied().unwrap_or([0; N])
}

/// The little-endian number at `at`.
#[inline]
fn u16_at(record: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(array(&record[at..]))
}

/// The little-endian number at `at`.
#[inline]
fn u32_at(record: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array(&record[at..]))
}

/// The little-endian number at `at`.
#[inline]
fn u64_at(record: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array(&record[at..]))
}

/// A record that is cut off by the end of the file.
fn truncated(found: usize, wanted: usize) -> Problem {
    Problem::new(format!(
        "the file ends within the record: {found} of its {wanted} bytes are there"
    ))
}
