//! How a trace is to be read, as it is typed: shared by every command that reads one.

use clap::Args;

use super::typed::{format, one_of, positive, share, size_of_block};
use crate::trace::format::csv::{self, Choice, Column};
use crate::trace::{Format, ReadOptions, Selection};
use crate::units::SECOND_NS;

/// How a trace is to be read.
#[derive(Clone, Debug, Args)]
pub struct ReadArguments {
    /// Format of the trace, if its content does not show it
    #[arg(long, value_name = "FORMAT", value_parser = format, help_heading = "Reading")]
    from: Option<&'static Format>,
    /// CSV: which column is what, by number or header name: time=2,key=5,size=4,op=3,ttl=6
    #[arg(long, value_name = "LIST", value_parser = columns, help_heading = "Reading")]
    columns: Option<ColumnList>,
    /// CSV: character between columns ("tab" for a tab) [default: recognised]
    #[arg(long, value_name = "CHARACTER", value_parser = delimiter, help_heading = "Reading")]
    delimiter: Option<u8>,
    /// CSV: whether the first line is a header [default: recognised]
    #[arg(long, value_name = "YES|NO", value_parser = yes_or_no, help_heading = "Reading")]
    header: Option<bool>,
    /// CSV, kvcache: unit of times and TTLs: s, ms, us or ns
    #[arg(long, value_name = "UNIT", default_value = "s", value_parser = time_unit,
          help_heading = "Reading")]
    time_unit: u64,
    /// MSR, vscsi: cut requests into blocks of this size
    #[arg(long, value_name = "BYTES", value_parser = size_of_block, help_heading = "Reading")]
    block_size: Option<u64>,
    /// Only the first so many requests
    #[arg(long, value_name = "NUMBER", value_parser = positive, help_heading = "Reading")]
    limit: Option<u64>,
    /// Only this share of the keys, with all their requests (after --limit)
    #[arg(long, value_name = "SHARE", value_parser = share, help_heading = "Reading")]
    sample: Option<f64>,
}

/// The columns of a CSV, wrapped so that clap takes them for one value.
#[derive(Clone, Debug)]
struct ColumnList(Vec<(Column, Choice)>);

impl ReadArguments {
    /// The options for [`trace::open`].
    #[must_use]
    pub fn options(&self) -> ReadOptions {
        ReadOptions {
            format: self.from,
            columns: self.columns.clone().map(|list| list.0).unwrap_or_default(),
            delimiter: self.delimiter,
            header: self.header,
            time_unit_ns: self.time_unit,
            block_bytes: self.block_size,
        }
    }

    /// The part of the trace that was asked for, without columns.
    #[must_use]
    pub fn selection(&self) -> Selection {
        Selection {
            limit: self.limit,
            sample: self.sample,
            ..Selection::default()
        }
    }
}

fn columns(written: &str) -> Result<ColumnList, String> {
    csv::parse_columns(written).map(ColumnList)
}

fn delimiter(written: &str) -> Result<u8, String> {
    match written.as_bytes() {
        b"tab" | b"\\t" => Ok(b'\t'),
        b"space" => Ok(b' '),
        b"\"" | b"\n" | b"\r" => Err("a quote or a line end cannot be between columns".to_owned()),
        [byte] if byte.is_ascii() => Ok(*byte),
        _ => Err(format!(
            "{written:?} is not one ASCII character, \"tab\" or \"space\""
        )),
    }
}

fn yes_or_no(written: &str) -> Result<bool, String> {
    one_of(written, &[("yes", true), ("no", false)])
}

fn time_unit(written: &str) -> Result<u64, String> {
    let units = [
        ("s", SECOND_NS),
        ("ms", 1_000_000),
        ("us", 1_000),
        ("ns", 1),
    ];
    one_of(if written == "µs" { "us" } else { written }, &units)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_of_csv_are_read_as_they_are_typed() {
        assert_eq!(delimiter("tab"), Ok(b'\t'));
        assert_eq!(delimiter(";"), Ok(b';'));
        assert!(delimiter("ab").is_err() && delimiter("\"").is_err());
        assert_eq!(time_unit("µs"), Ok(1_000));
        insta::assert_snapshot!(time_unit("h").unwrap_err(), @r#""h" is none of s, ms, us, ns"#);
        insta::assert_snapshot!(yes_or_no("true").unwrap_err(), @r#""true" is none of yes, no"#);
    }
}
