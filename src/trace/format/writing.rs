//! How formats are written, and what each loses: [`Writing`] says it in a form that the notes of
//! `convert`, the documentation and the tests of round trips all read. Not here: the bytes.

use super::{FORMATS, Format, by_name};
use crate::trace::{Fields, Operation, Output, Request, TraceError, Writer};
use crate::units::SECOND_NS;

/// Starts writing a file in one format; the second argument says which fields the requests will
/// have.
pub type Open = fn(Output, Fields) -> Result<Box<dyn Writer>, TraceError>;

/// A field that a format holds, but not to the last.
#[derive(Debug)]
pub struct Limit {
    /// What of the field it holds, after "holds": "times in whole seconds".
    pub held: &'static str,
    /// What becomes of the others, after their number: "cut".
    pub done: &'static str,
    /// Does to a request what writing does to it.
    pub apply: fn(&mut Request),
}

/// One way in which a format is written.
#[derive(Debug)]
pub struct Writing {
    /// The version of the format, 0 where there is only one.
    pub version: u8,
    /// What it can hold beside keys.
    pub fields: Fields,
    /// What of these it does not hold to the last.
    pub limits: &'static [Limit],
    /// Starts a file.
    pub open: Open,
}

impl Writing {
    /// What is read back when `request` has been written; the next use aside, which is computed.
    #[must_use]
    pub fn kept(&self, request: &Request) -> Request {
        let mut kept = self.fields.of(request);
        for limit in self.limits {
            (limit.apply)(&mut kept);
        }
        kept
    }

    /// What is lost in writing, in words. The next use is not: it is computed from any trace.
    #[must_use]
    pub fn losses(&self) -> String {
        let absent = absent(Fields::ALL, self.fields).join(", ");
        let held: Vec<&str> = self.limits.iter().map(|limit| limit.held).collect();
        match (absent.as_str(), held.join("; ")) {
            ("", held) if held.is_empty() => "nothing".to_owned(),
            ("", held) => format!("holds only {held}"),
            (absent, held) if held.is_empty() => absent.to_owned(),
            (absent, held) => format!("{absent}; holds only {held}"),
        }
    }
}

/// The names of the fields that `wanted` has and `held` has not. The next use is not missed: it
/// can be computed again from any trace.
#[must_use]
pub fn absent(wanted: Fields, held: Fields) -> Vec<&'static str> {
    let mut absent = wanted.beyond(held);
    absent.retain(|name| *name != "next use");
    absent
}

/// A format to write, perhaps in a version that somebody wants.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The format.
    pub format: &'static Format,
    /// The version; the one that fits the requests best if `None`.
    pub version: Option<u8>,
}

impl From<&'static Format> for Target {
    fn from(format: &'static Format) -> Self {
        Self {
            format,
            version: None,
        }
    }
}

impl Target {
    /// Reads `lcs` or `lcs:5`: a format, perhaps with a version.
    ///
    /// # Errors
    /// A sentence that says which formats or versions there are.
    pub fn parse(written: &str) -> Result<Self, String> {
        let Some((name, version)) = written.split_once(':') else {
            return by_name(written).map(Self::from);
        };
        let format = by_name(name)?;
        let mut known: Vec<u8> = format
            .writings
            .iter()
            .map(|writing| writing.version)
            .collect();
        known.sort_unstable();
        if known == [0] {
            return Err(format!("{} has no versions: write {0}", format.name));
        }
        match version.parse() {
            Ok(number) if known.contains(&number) => Ok(Self {
                format,
                version: Some(number),
            }),
            _ => {
                let known: Vec<String> = known.iter().map(u8::to_string).collect();
                Err(format!(
                    "{version:?} is no version of {}; known are {}, for example {}:{}",
                    format.name,
                    known.join(", "),
                    format.name,
                    known[0]
                ))
            }
        }
    }

    /// The format that the name of a file ends with, its compression aside: `a.lcs.zst` is `lcs`.
    #[must_use]
    pub fn of_name(path: &std::path::Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?.to_ascii_lowercase();
        let stem = match name.rsplit_once('.') {
            Some((stem, "gz" | "zst" | "zstd" | "xz")) => stem,
            _ => name.as_str(),
        };
        let (_, ending) = stem.rsplit_once('.')?;
        FORMATS
            .iter()
            .find(|format| format.endings.contains(&ending))
            .map(Self::from)
    }

    /// How requests with `fields` are written: in the version that was asked for; else in the
    /// first of the format that holds all of them; else in the first that holds the most.
    #[must_use]
    pub fn writing(self, fields: Fields) -> &'static Writing {
        let writings = self.format.writings;
        let missing = |writing: &&Writing| absent(fields, writing.fields).len();
        let chosen = match self.version {
            Some(version) => writings.iter().find(|writing| writing.version == version),
            None => writings.iter().min_by_key(missing),
        };
        // A test over the table makes sure that every format has a row.
        chosen.unwrap_or(&writings[0])
    }

    /// Its name and version, as they are typed.
    #[must_use]
    pub fn name(self) -> String {
        match self.version {
            Some(version) => format!("{}:{version}", self.format.name),
            None => self.format.name.to_owned(),
        }
    }
}

/// What writing a trace came to.
#[derive(Clone, Debug)]
pub struct Written {
    /// How many requests were written.
    pub requests: u64,
    /// How they were written.
    pub writing: &'static Writing,
    /// The names of the fields that the requests had and the format does not hold.
    pub absent: Vec<&'static str>,
    /// How many requests each of the [`Writing::limits`] has changed.
    pub limited: Vec<u64>,
}

impl Written {
    pub(in crate::trace) fn new(writing: &'static Writing, fields: Fields) -> Self {
        Self {
            requests: 0,
            writing,
            absent: absent(fields, writing.fields),
            limited: vec![0; writing.limits.len()],
        }
    }

    /// Counts a request that is written.
    #[inline]
    pub(in crate::trace) fn count(&mut self, request: &Request) {
        self.requests += 1;
        if self.limited.is_empty() {
            return;
        }
        let mut kept = self.writing.fields.of(request);
        for (limit, count) in self.writing.limits.iter().zip(&mut self.limited) {
            let before = kept;
            (limit.apply)(&mut kept);
            *count += u64::from(kept != before);
        }
    }

    /// The limits that changed requests, and how many.
    pub fn losses(&self) -> impl Iterator<Item = (&'static Limit, u64)> {
        let limits = self.writing.limits.iter();
        limits
            .zip(self.limited.iter().copied())
            .filter(|&(_, count)| count > 0)
    }
}

/// Times are cut to seconds.
pub(super) const SECONDS: Limit = Limit {
    held: "times in whole seconds",
    done: "cut",
    apply: |request| request.time_ns -= request.time_ns % SECOND_NS,
};

/// Times are cut to microseconds.
pub(super) const MICROSECONDS: Limit = Limit {
    held: "times in whole microseconds",
    done: "cut",
    apply: |request| request.time_ns -= request.time_ns % 1_000,
};

/// A TTL in whole seconds, 0 for none; rounded up, because 0 means none. The longest is what still
/// is less than 2^64 nanoseconds.
pub(super) fn ttl_seconds(ttl_ns: Option<u64>) -> u64 {
    ttl_ns
        .unwrap_or(0)
        .div_ceil(SECOND_NS)
        .min(u64::MAX / SECOND_NS)
}

/// TTLs become seconds, by [`ttl_seconds`].
pub(super) const TTL_SECONDS: Limit = Limit {
    held: "TTLs in whole seconds",
    done: "rounded up",
    apply: |request| {
        let ttl_s = ttl_seconds(request.ttl_ns);
        request.ttl_ns = (ttl_s > 0).then_some(ttl_s * SECOND_NS);
    },
};

/// Block traces know two operations.
pub(super) const READ_OR_WRITE: Limit = Limit {
    held: "reads and writes",
    done: "others made one of these",
    apply: |request| {
        request.operation = match request.operation.is_read() {
            true => Operation::Get,
            false => Operation::Set,
        };
    },
};

/// Operations as far as reads, writes and deletes go.
pub(super) const GET_SET_DELETE: Limit = Limit {
    held: "the operations get, set and delete",
    done: "others made one of these",
    apply: |request| {
        request.operation = match request.operation {
            operation if operation.is_read() => Operation::Get,
            operation if operation.is_delete() => Operation::Delete,
            _ => Operation::Set,
        };
    },
};

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_version_is_written_behind_a_colon() {
        let target = Target::parse("lcs:5").unwrap();
        assert_eq!((target.format.name, target.version), ("lcs", Some(5)));
        assert_eq!(target.name(), "lcs:5");
        assert_eq!(target.writing(Fields::default()).version, 5);
        insta::assert_snapshot!(Target::parse("lcs:9").unwrap_err(), @r#""9" is no version of lcs; known are 1, 2, 3, 4, 5, 6, 7, 8, for example lcs:1"#);
        insta::assert_snapshot!(Target::parse("vscsi:").unwrap_err(), @r#""" is no version of vscsi; known are 1, 2, for example vscsi:1"#);
        insta::assert_snapshot!(Target::parse("csv:1").unwrap_err(), @"csv has no versions: write csv");
    }

    #[test]
    fn without_a_wish_the_version_is_the_first_that_holds_everything() {
        let version = |fields| Target::parse("lcs").unwrap().writing(fields).version;
        let plain = Fields {
            time: true,
            size: true,
            ..Fields::default()
        };
        assert_eq!(version(plain), 1);
        assert_eq!(
            version(Fields {
                client: true,
                ..plain
            }),
            3
        );
        assert_eq!(version(Fields { ttl: true, ..plain }), 3);
    }

    #[test]
    fn names_of_files_say_which_format_is_meant() {
        let of = |name: &str| Target::of_name(Path::new(name)).map(|target| target.format.name);
        assert_eq!(of("a/w106.oracleGeneral.zst"), Some("oracle-general"));
        assert_eq!(of("a.lcs"), Some("lcs"));
        assert_eq!(of("a.csv.GZ"), Some("csv"));
        assert_eq!(of("a.zst"), None);
        assert_eq!(of("lcs"), None);
        assert_eq!(of("a.txt"), None);
    }
}
