//! One execution of a fuzzer: every way of reading, over some bytes. Used by the example beside
//! and by the targets in `fuzz/`.

use cachesim::trace::format::{self, Format};
use cachesim::trace::statistics::Statistics;
use cachesim::trace::{
    Columns, Compression, Fields, Input, Interned, Output, ReadOptions, Reader, Request, Selection,
    Target, TraceError, open_input, write_all,
};

/// No more requests are read: a few bytes may stand for millions (ARC, kvcache).
const LIMIT: u64 = 3_000;

fn open(format: &'static Format, bytes: &[u8]) -> Result<Box<dyn Reader>, TraceError> {
    // The block size comes from the bytes, so that both ways of reading are met.
    let block_bytes = match bytes.len() % 3 {
        _ if !format.obeys.block_size => None,
        0 => None,
        1 => Some(4096),
        _ => Some(1),
    };
    let options = ReadOptions {
        format: Some(format),
        block_bytes,
        ..ReadOptions::default()
    };
    open_input(Input::from_bytes("fuzz", bytes.to_vec())?, &options).map(|(_, reader)| reader)
}

/// Reads `bytes` as the format called `name` in every way there is; says whether they were a valid
/// trace.
///
/// # Panics
/// When a reader does, or when two ways of reading disagree: that is what is looked for.
pub fn exercise(name: &str, bytes: &[u8]) -> bool {
    let format = format::by_name(name).expect("a format of the table");
    if let Ok(mut input) = Input::from_bytes("fuzz", bytes.to_vec()) {
        let _ = format::detect(&mut input);
    }
    let Ok(mut one_by_one) = open(format, bytes) else {
        return false;
    };
    let mut expected: Vec<Request> = Vec::new();
    let mut end = Ok(());
    while (expected.len() as u64) < LIMIT {
        match one_by_one.next() {
            Ok(Some(request)) => expected.push(request),
            Ok(None) => break,
            Err(error) => {
                assert!(!error.to_string().is_empty());
                end = Err(error);
                break;
            }
        }
    }

    let mut reader = open(format, bytes).expect("it opened before");
    let mut batched = Vec::new();
    let mut batched_end = Ok(());
    while (batched.len() as u64) < LIMIT {
        let count = (LIMIT as usize - batched.len()).min(7);
        match reader.fill(&mut batched, count) {
            Ok(filled) if filled == count => {}
            Ok(_) => break,
            Err(error) => {
                batched_end = Err(error);
                break;
            }
        }
    }
    assert_eq!(expected, batched, "fill reads what next reads");
    assert_eq!(end, batched_end, "fill ends as next ends");

    let selection = Selection {
        limit: Some(LIMIT),
        sample: None,
        columns: Columns::ALL,
    };
    let mut reader = open(format, bytes).expect("it opened before");
    match Interned::from_reader(reader.as_mut(), &selection) {
        Ok(trace) => {
            assert_eq!(trace.len(), expected.len());
            assert!(trace.ids.iter().all(|&id| (id as usize) < trace.distinct()));
            assert_eq!(trace.next_uses().len(), trace.len());
        }
        Err(error) => assert_eq!(Err(error), end),
    }
    let mut reader = open(format, bytes).expect("it opened before");
    let _ = Statistics::of_reader(reader.as_mut(), &selection, 3);
    // Seldom, as it goes by way of a file.
    if bytes.len().is_multiple_of(32) && !expected.is_empty() {
        written_and_read_again(format, &expected, bytes.len() / 32);
    }
    end.is_ok()
}

/// Writes `requests` in one of the versions of `format`, and reads them again.
fn written_and_read_again(format: &'static Format, requests: &[Request], choice: usize) {
    let writing = &format.writings[choice % format.writings.len()];
    let target = Target {
        format,
        version: Some(writing.version),
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("trace");
    let output = Output::new(&path, Compression::Plain);
    let fields = Fields::ALL;
    // Some requests do not fit some formats; then nothing is written.
    if let Err(error) = write_all(requests.iter().copied(), fields, target, output) {
        assert!(!error.to_string().is_empty() && !path.exists());
        return;
    }
    let options = ReadOptions {
        format: Some(format),
        ..ReadOptions::default()
    };
    let mut reader = cachesim::trace::open(&path, &options).expect("what was written opens");
    let mut again = Vec::new();
    while reader
        .fill(&mut again, 100)
        .expect("what was written is valid")
        > 0
    {}
    // Next uses are computed anew.
    let anew = |request: Request| Request {
        next_use: None,
        ..request
    };
    let kept: Vec<_> = requests
        .iter()
        .map(|request| anew(writing.kept(request)))
        .collect();
    let again: Vec<_> = again.into_iter().map(anew).collect();
    assert_eq!(again, kept, "what is read again is what the table says");
}
