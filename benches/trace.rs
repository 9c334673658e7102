//! How fast traces are read and interned: `cargo bench --bench trace [-- MILLIONS]`.
//!
//! Generates a Zipf(1) trace over a million keys (ten million requests unless told otherwise),
//! writes it in several formats, and prints millions of requests per second for each way of
//! reading it, the ratio to the mapped oracleGeneral file, and the peak memory of interning.

use std::path::Path;
use std::time::Instant;

use cachesim::trace::generate::{Pattern, Recipe};
use cachesim::trace::{
    self, Columns, Compression, Input, Interned, Interner, Output, ReadOptions, Reader, Selection,
    format,
};

const RUNS: usize = 5;

/// The best of some runs, in seconds.
fn best(mut work: impl FnMut() -> usize) -> (f64, usize) {
    let mut best = f64::INFINITY;
    let mut result = 0;
    for _ in 0..RUNS {
        let start = Instant::now();
        result = std::hint::black_box(work());
        best = best.min(start.elapsed().as_secs_f64());
    }
    (best, result)
}

/// The most memory that this process ever had, in bytes; 0 where the system does not say.
fn peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap_or("");
    line.split_whitespace()
        .nth(1)
        .and_then(|kib| kib.parse().ok())
        .unwrap_or(0)
        * 1024
}

fn intern(path: &Path, columns: Columns) -> usize {
    let selection = Selection {
        columns,
        ..Selection::default()
    };
    trace::intern(path, &ReadOptions::default(), &selection)
        .expect("reads")
        .distinct()
}

/// Reads the keys and nothing else.
fn sum_of_keys(reader: &mut dyn Reader) -> usize {
    let (mut keys, mut sum) = (Vec::new(), 0_u64);
    while reader.fill_keys(&mut keys, 4096).expect("reads") > 0 {
        sum = keys.iter().fold(sum, |sum, key| sum.wrapping_add(*key));
        keys.clear();
    }
    sum as usize
}

fn main() {
    let millions: u64 = std::env::args()
        .skip(1)
        .find_map(|argument| argument.parse().ok())
        .unwrap_or(10);
    let requests = millions * 1_000_000;
    let recipe = Recipe {
        requests,
        keys: 1_000_000,
        pattern: Pattern::Zipf { exponent: 1.0 },
        size: Some((100, 10_000)),
        ..Recipe::default()
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, compression: Compression| {
        let path = folder.path().join(format!("{name}-{}", compression.name()));
        let format = format::by_name(name).expect("a format");
        let output = Output::new(&path, compression);
        trace::write_all(recipe.generate(), recipe.fields(), format, output).expect("writes");
        path
    };

    println!("{requests} requests, Zipf(1) over 1000000 keys; best of {RUNS}\n");
    let oracle = write("oracle-general", Compression::Plain);
    let before = peak_bytes();
    let distinct = intern(&oracle, Columns::NONE);
    let used = peak_bytes().saturating_sub(before);
    let bar = 8 * requests + 40 * distinct as u64;
    println!(
        "peak memory of interning: {:.1} MB for {distinct} distinct keys; the bar of 8 bytes per \
         request and 40 per key is {:.1} MB; ratio {:.2}\n",
        used as f64 / 1e6,
        bar as f64 / 1e6,
        used as f64 / bar as f64
    );

    let (reference, _) = best(|| intern(&oracle, Columns::NONE));
    let report = |name: &str, seconds: f64| {
        println!(
            "{name:<48} {:>7.1} M/s   {:>5.2}",
            requests as f64 / seconds / 1e6,
            reference / seconds
        );
    };
    println!("{:<48} {:>11}   {:>5}", "what", "requests", "ratio");
    report("oracle-general, mapped, keys", reference);
    let sizes = Columns {
        sizes: true,
        ..Columns::NONE
    };
    report(
        "oracle-general, mapped, keys and sizes",
        best(|| intern(&oracle, sizes)).0,
    );
    let streamed = best(|| {
        let file = std::fs::File::open(&oracle).expect("opens");
        let input = Input::streamed("bench".to_owned(), Box::new(file)).expect("opens");
        let (_, mut reader) = trace::open_input(input, &ReadOptions::default()).expect("reads");
        Interned::from_reader(reader.as_mut(), &Selection::default())
            .expect("reads")
            .distinct()
    });
    report("oracle-general, streamed instead of mapped", streamed.0);
    let keys_only = best(|| {
        let mut reader = trace::open(&oracle, &ReadOptions::default()).expect("reads");
        sum_of_keys(reader.as_mut())
    });
    report("oracle-general, mapped, not interned", keys_only.0);

    let streamed_keys = best(|| {
        let file = std::fs::File::open(&oracle).expect("opens");
        let input = Input::streamed("bench".to_owned(), Box::new(file)).expect("opens");
        let (_, mut reader) = trace::open_input(input, &ReadOptions::default()).expect("reads");
        sum_of_keys(reader.as_mut())
    });
    report("oracle-general, streamed, not interned", streamed_keys.0);

    // With a uniform popularity nearly every request misses the processor's caches.
    let uniform = Recipe {
        keys: 10_000_000,
        pattern: Pattern::Zipf { exponent: 0.0 },
        ..recipe.clone()
    };
    for (name, recipe) in [
        ("Zipf(1) over 1M keys", &recipe),
        ("uniform over 10M keys", &uniform),
    ] {
        let keys: Vec<u64> = recipe.generate().map(|request| request.key).collect();
        let batched = best(|| {
            let (mut interner, mut ids) = (Interner::new(), Vec::with_capacity(keys.len()));
            interner.intern_all(&keys, &mut ids);
            interner.keys().len()
        });
        report(&format!("interning {name}, in batches"), batched.0);
        let singly = best(|| {
            let (mut interner, mut ids) = (Interner::new(), Vec::with_capacity(keys.len()));
            ids.extend(keys.iter().filter_map(|&key| interner.intern(key)));
            interner.keys().len()
        });
        report(&format!("interning {name}, one by one"), singly.0);
    }

    for (name, compression) in [
        ("compact", Compression::Plain),
        ("lcs", Compression::Plain),
        ("key-per-line", Compression::Plain),
        ("csv", Compression::Plain),
        ("twitter", Compression::Plain),
        ("oracle-general", Compression::Zstandard),
        ("oracle-general", Compression::Gzip),
        ("compact", Compression::Zstandard),
    ] {
        let path = write(name, compression);
        let seconds = best(|| intern(&path, Columns::NONE)).0;
        report(&format!("{name}, {}, keys", compression.name()), seconds);
    }
}
