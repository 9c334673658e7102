//! The formats of traces: one file and one row of [`FORMATS`] each.
//!
//! Names on the command line, help, detection, the documentation and the tests over all formats
//! are derived from the table.

use super::input::HEAD_BYTES;
use super::{Input, Problem, ReadOptions, Reader, TraceError, Writes, suggestion};

pub mod arc;
pub mod compact;
pub mod csv;
pub mod key_per_line;
pub mod kvcache;
pub mod lcs;
mod lines;
pub mod msr;
pub mod oracle_general;
pub mod redis_monitor;
pub mod twitter;
pub mod vscsi;
pub mod wikipedia;
mod writing;

pub use writing::{Limit, Open, Target, Writing, Written};

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

/// Starts reading a file in one format.
pub type Read = fn(Input, &ReadOptions) -> Result<Box<dyn Reader>, TraceError>;

/// What of [`ReadOptions`] a format obeys, beside the format itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Obeyed {
    /// Columns, delimiter, header.
    pub columns: bool,
    /// The unit of times.
    pub time_unit: bool,
    /// The size of blocks.
    pub block_size: bool,
}

/// A reader that needs no options.
const NOTHING: Obeyed = Obeyed {
    columns: false,
    time_unit: false,
    block_size: false,
};

/// One format of traces.
#[derive(Debug)]
pub struct Format {
    /// The name on the command line.
    pub name: &'static str,
    /// One line on what it is.
    pub summary: &'static str,
    /// How names of files in this format end, in lower case; none if no ending is its own.
    pub endings: &'static [&'static str],
    /// How well the start of a file fits.
    pub detect: fn(&Head<'_>) -> Fit,
    /// Starts reading.
    pub read: Read,
    /// Which options its reader obeys.
    pub obeys: Obeyed,
    /// What writes mean in every file of the format; `None` where each file says it
    /// ([`Reader::writes`]).
    pub writes: Option<Writes>,
    /// How it is written, the version to be preferred first; at least one.
    pub writings: &'static [Writing],
    /// Where the format is defined.
    pub source: &'static str,
}

/// The format that this project prefers: `import` writes it.
pub static PREFERRED: &Format = &compact::FORMAT;

/// Every format, in the order of preference where a file fits several equally well.
pub static FORMATS: &[Format] = &[
    compact::FORMAT,
    oracle_general::FORMAT,
    lcs::FORMAT,
    vscsi::FORMAT,
    twitter::FORMAT,
    kvcache::FORMAT,
    msr::FORMAT,
    wikipedia::FORMAT,
    redis_monitor::FORMAT,
    arc::FORMAT,
    csv::FORMAT,
    key_per_line::FORMAT,
];

impl Format {
    /// What the writes of the trace that `reader` reads mean.
    #[must_use]
    pub fn writes_of(&self, reader: &dyn Reader) -> Writes {
        self.writes.or(reader.writes()).unwrap_or_default()
    }
}

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
    detect_fit(input).map(|(format, _)| format)
}

/// As [`detect`]; also says how well it fits.
///
/// # Errors
/// As [`detect`].
pub fn detect_fit(input: &mut Input) -> Result<(&'static Format, Fit), TraceError> {
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
    if best.is_none()
        && let Some(named) = Target::of_name(std::path::Path::new(input.file()))
    {
        // Its reader will say what is wrong with it, which is more than that it fits nothing.
        return Ok((named.format, Fit::Possible));
    }
    best.map(|best| (best, best_fit)).ok_or_else(|| {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::trace::{Compression, Fields, Operation, Output, Request, open_input};
    use crate::units::SECOND_NS;

    /// All requests of a file in memory, in the format called `name`.
    pub fn read_all(name: &str, bytes: &[u8]) -> Result<Vec<Request>, TraceError> {
        read_all_with(name, bytes, &ReadOptions::default())
    }

    /// As [`read_all`], with options.
    pub fn read_all_with(
        name: &str,
        bytes: &[u8],
        options: &ReadOptions,
    ) -> Result<Vec<Request>, TraceError> {
        let options = ReadOptions {
            format: Some(by_name(name).unwrap()),
            ..options.clone()
        };
        let input = Input::from_bytes("test", bytes.to_vec())?;
        let mut reader = open_input(input, &options)?.1;
        let mut requests = Vec::new();
        while let Some(request) = reader.next()? {
            requests.push(request);
        }
        Ok(requests)
    }

    pub fn keys(requests: &[Request]) -> Vec<u64> {
        requests.iter().map(|request| request.key).collect()
    }

    /// A request with everything that any format can hold.
    fn any_request() -> impl Strategy<Value = Request> {
        let operation = (0..Operation::ALL.len()).prop_map(|index| Operation::ALL[index]);
        // Few keys, many keys, neighbours, and the borders of formats.
        let key = prop_oneof![0..20_u64, any::<u64>(), u64::MAX - 2..=u64::MAX];
        // Large ones are rare, as redis-monitor writes so many letters.
        let size = prop_oneof![60 => 0..3_000_u64, 1 => 0..=u64::from(u32::MAX)];
        let client = prop_oneof![0..10_u32, any::<u32>()];
        let ttl_ns = prop_oneof![
            Just(None),
            Just(None),
            (0..3 * SECOND_NS).prop_map(Some),
            (0..100_u64).prop_map(|seconds| Some(seconds * SECOND_NS)),
            any::<u64>().prop_map(Some),
            Just(Some(u64::MAX)),
        ];
        (key, size, operation, client, ttl_ns).prop_map(|(key, size, operation, client, ttl_ns)| {
            Request {
                time_ns: 0,
                key,
                size,
                operation,
                client,
                // A TTL of 0 is written as none wherever 0 means none.
                ttl_ns: ttl_ns.filter(|&ttl_ns| ttl_ns > 0),
                next_use: None,
            }
        })
    }

    /// Requests in the order of their times, with their next uses.
    fn any_requests() -> impl Strategy<Value = Vec<Request>> {
        let step = prop_oneof![Just(0), 0..3 * SECOND_NS, Just(SECOND_NS)];
        prop::collection::vec((any_request(), step), 1..150).prop_map(|steps| {
            let mut time_ns = 1_000 * SECOND_NS;
            let mut requests: Vec<Request> = Vec::new();
            for (mut request, step) in steps {
                time_ns += step;
                request.time_ns = time_ns;
                requests.push(request);
            }
            for number in 0..requests.len() {
                let key = requests[number].key;
                let next = (number + 1..requests.len()).find(|&later| requests[later].key == key);
                requests[number].next_use =
                    Some(next.map_or(crate::trace::NEVER_USED, |next| next as u64));
            }
            requests
        })
    }

    /// Every way in which a trace can be written.
    fn writings() -> impl Iterator<Item = (&'static Format, &'static Writing)> {
        FORMATS
            .iter()
            .flat_map(|format| format.writings.iter().map(move |writing| (format, writing)))
    }

    fn write_to(
        path: &std::path::Path,
        writing: &Writing,
        compression: Compression,
        requests: &[Request],
    ) {
        let mut writer = (writing.open)(Output::new(path, compression), Fields::ALL).unwrap();
        for request in requests {
            writer.write(request).unwrap();
        }
        writer.finish().unwrap();
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        /// The table says what is lost, and nothing else is.
        #[test]
        fn every_format_reads_back_what_its_row_says_and_is_recognised(
            requests in any_requests()
        ) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("trace");
            for (format, writing) in writings() {
                let what = format!("{} version {}", format.name, writing.version);
                for compression in Compression::ALL {
                    write_to(&path, writing, compression, &requests);
                    let mut input = Input::open(&path).unwrap();
                    prop_assert_eq!(input.compression(), compression);
                    prop_assert_eq!(detect(&mut input).unwrap().name, format.name);
                    let mut reader = (format.read)(input, &ReadOptions::default()).unwrap();
                    prop_assert_eq!(reader.fields(), writing.fields, "{}", what);
                    let mut read = Vec::new();
                    while reader.fill(&mut read, 7).unwrap() > 0 {}
                    let expected: Vec<_> =
                        requests.iter().map(|request| writing.kept(request)).collect();
                    prop_assert_eq!(read, expected, "{}", what);
                }
            }
        }

        /// What has been through a format once goes through it again without a loss.
        #[test]
        fn what_a_format_keeps_it_keeps_again(requests in any_requests()) {
            for (format, writing) in writings() {
                for request in &requests {
                    let kept = writing.kept(request);
                    prop_assert_eq!(writing.kept(&kept), kept, "{}", format.name);
                }
            }
        }

        #[test]
        fn keys_alone_are_the_keys_of_the_requests(requests in any_requests()) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("trace");
            for (_, writing) in writings() {
                write_to(&path, writing, Compression::Plain, &requests);
                let mut reader = crate::trace::open(&path, &ReadOptions::default()).unwrap();
                let mut read = Vec::new();
                while reader.fill_keys(&mut read, 10).unwrap() > 0 {}
                prop_assert_eq!(read, keys(&requests));
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        /// Whatever the bytes: requests and then an end or an error with a place, but no panic.
        #[test]
        fn no_reader_panics_on_random_bytes(
            mut bytes in prop::collection::vec(any::<u8>(), 0..400),
            text in "[0-9a-z,;\t \"\\[\\]\\\\.\n]{0,400}",
            prefix in 0..6_usize,
        ) {
            let prefixes: [&[u8]; 6] = [
                b"", b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"\xfd7zXZ\x00",
                b"key,op,size,op_count\n", b"1.0 [0 c] \"get\" ",
            ];
            for content in [std::mem::take(&mut bytes), text.into_bytes()] {
                let content = [prefixes[prefix], &content].concat();
                for format in FORMATS {
                    let options = ReadOptions {
                        format: Some(format),
                        block_bytes: format.obeys.block_size.then_some(4096),
                        ..ReadOptions::default()
                    };
                    let Ok(input) = Input::from_bytes("test", content.clone()) else { continue };
                    let Ok((_, mut reader)) = open_input(input, &options) else { continue };
                    for _ in 0..1000 {
                        match reader.next() {
                            Ok(Some(_)) => {}
                            Ok(None) | Err(_) => break,
                        }
                    }
                }
                if let Ok(mut input) = Input::from_bytes("test", content) {
                    let _ = detect(&mut input);
                }
            }
        }
    }

    #[test]
    fn every_row_of_the_table_is_complete_and_named_once() {
        for (index, format) in FORMATS.iter().enumerate() {
            assert!(
                !format.summary.is_empty() && !format.source.is_empty(),
                "{}",
                format.name
            );
            assert!(!format.writings.is_empty(), "{}", format.name);
            for writing in format.writings {
                let twins = format.writings.iter();
                let twins = twins.filter(|other| other.version == writing.version);
                assert_eq!(twins.count(), 1, "{}", format.name);
                let alone = format.writings.len() == 1;
                assert_eq!(writing.version == 0, alone, "{}", format.name);
            }
            for ending in format.endings {
                let path = format!("a.{ending}.zst");
                let of_name = Target::of_name(std::path::Path::new(&path));
                assert_eq!(of_name.unwrap().format.name, format.name, "{ending}");
            }
            assert!(
                format
                    .name
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte == b'-'),
                "{}",
                format.name
            );
            let first = FORMATS.iter().position(|other| other.name == format.name);
            assert_eq!(first, Some(index), "{} is there twice", format.name);
            assert_eq!(
                by_name(&format.name.to_ascii_uppercase()).unwrap().name,
                format.name
            );
        }
    }

    #[test]
    fn an_unknown_name_gets_the_nearest_known_one() {
        insta::assert_snapshot!(by_name("oracle-genral").unwrap_err(), @r#"no trace format is called "oracle-genral" (did you mean oracle-general?); known are compact, oracle-general, lcs, vscsi, twitter, kvcache, msr, wikipedia, redis-monitor, arc, csv, key-per-line"#);
    }

    #[test]
    fn formats_are_told_apart_by_their_content() {
        let vscsi = {
            let mut record = [0; 32];
            record[15] = 1;
            record
        };
        let samples: &[(&str, &[u8])] = &[
            ("vscsi", &vscsi),
            ("twitter", b"0,a,1,1,1,get,0\n"),
            (
                "kvcache",
                b"op_time,key,key_size,op,op_count,size,cache_hits,ttl\n0,1,1,GET,1,1,1,0\n",
            ),
            (
                "msr",
                b"128166372003061629,hm,1,Read,383496192,32768,113736\n",
            ),
            (
                "wikipedia",
                b"relative_unix\thashed_path_query\timage_type\tresponse_size\ttime_firstbyte\n",
            ),
            ("wikipedia", b"0\t833946053\tjpeg\t9665\t1.85E-4\n"),
            (
                "redis-monitor",
                b"OK\n1339518083.107412 [0 127.0.0.1:60866] \"keys\" \"*\"\n",
            ),
            ("arc", b"5 3 0 0\n9 1 0 1\n"),
            (
                "csv",
                b"version,time,op,size,lbn\n1,5633898,2a,512,42932745\n",
            ),
            ("csv", b"key\n1\n2\n"),
            ("csv", b"1,2\n3,4\n"),
            ("key-per-line", b"0\n1\n*\n2"),
            ("key-per-line", b"user:17\nuser:18\n"),
        ];
        for (name, bytes) in samples {
            let mut input = Input::from_bytes("test", bytes.to_vec()).unwrap();
            assert_eq!(detect(&mut input).map(|format| format.name), Ok(*name));
        }
    }

    #[test]
    fn what_fits_no_format_is_an_error_that_lists_them() {
        let mut input = Input::from_bytes("test", vec![0xff; 100]).unwrap();
        insta::assert_snapshot!(detect(&mut input).unwrap_err(), @"test: fits no known trace format; if you know it, name it with --from: compact, oracle-general, lcs, vscsi, twitter, kvcache, msr, wikipedia, redis-monitor, arc, csv, key-per-line");
        let mut input = Input::from_bytes("test", Vec::new()).unwrap();
        insta::assert_snapshot!(detect(&mut input).unwrap_err(), @"test: is empty: a trace has at least one request");
    }
}
