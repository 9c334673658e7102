//! What can be wrong with a trace, and where.

use std::fmt;

/// Where in a file something is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The file as a whole: it cannot be opened, or is of no known format.
    File,
    /// A line of a text format, counted from 1.
    Line(u64),
    /// A record of a binary format.
    Record {
        /// The record's number, counted from 1.
        number: u64,
        /// Where it starts, in bytes of the uncompressed trace.
        offset: u64,
    },
    /// A byte of the uncompressed trace, outside any record (a header).
    Byte(u64),
}

/// A trace that cannot be read, or written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceError {
    /// The file, as the user named it.
    pub file: String,
    /// Where in the file.
    pub place: Place,
    /// The field of the line or record that is wrong, if it is one.
    pub field: Option<String>,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl TraceError {
    /// Something about `file` as a whole.
    #[must_use]
    pub fn of_file(file: &str, message: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            place: Place::File,
            field: None,
            message: message.into(),
        }
    }
}

/// The message when whoever read our standard output has gone away.
pub(super) const OUTPUT_CLOSED: &str = "whoever read the output has gone away";

impl TraceError {
    /// Whether there is nobody left to read what was written to standard output (`| head`): no
    /// fault of the trace nor of the user.
    #[must_use]
    pub fn is_output_closed(&self) -> bool {
        self.message == OUTPUT_CLOSED
    }
}

impl fmt::Display for TraceError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: ", self.file)?;
        match self.place {
            Place::File => {}
            Place::Line(number) => write!(formatter, "line {number}: ")?,
            Place::Record { number, offset } => {
                write!(formatter, "record {number} (byte {offset}): ")?;
            }
            Place::Byte(offset) => write!(formatter, "byte {offset}: ")?,
        }
        if let Some(field) = &self.field {
            write!(formatter, "{field}: ")?;
        }
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for TraceError {}

/// What is wrong with a line or a record, before its place is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub field: Option<String>,
    pub message: String,
}

impl Problem {
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            field: None,
            message: message.into(),
        }
    }

    pub fn of_field(field: &str, message: impl Into<String>) -> Self {
        Self {
            field: Some(field.to_owned()),
            message: message.into(),
        }
    }

    pub fn at(self, file: &str, place: Place) -> TraceError {
        TraceError {
            file: file.to_owned(),
            place,
            field: self.field,
            message: self.message,
        }
    }
}

/// Bytes of a hostile file, fit to be printed: escaped, in quotes, at most 40 of them.
pub(super) fn quoted(bytes: &[u8]) -> String {
    const SHOWN: usize = 40;
    let dots = if bytes.len() > SHOWN { "..." } else { "" };
    format!(
        "\"{}{dots}\"",
        bytes[..bytes.len().min(SHOWN)].escape_ascii()
    )
}

/// `" (did you mean X?)"` if one of `names` is near to `word`, else nothing.
pub(super) fn suggestion<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    let lower = word.to_ascii_lowercase();
    names
        .into_iter()
        .map(|name| {
            (
                strsim::damerau_levenshtein(&lower, &name.to_ascii_lowercase()),
                name,
            )
        })
        .filter(|&(distance, name)| distance <= 1 + name.len() / 3)
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, name)| format!(" (did you mean {name}?)"))
        .unwrap_or_default()
}
