//! A fuzzer of the trace readers that needs nothing but stable Rust:
//! `cargo run --release --example fuzz_traces -- --seconds 600 [--format NAME] [--seed N]`.
//!
//! Takes valid files of every format, compressed and not, mutates them, and reads them in every
//! way. A panic, or two ways of reading that disagree, saves the bytes and ends with status 1.
//! `fuzz/` holds the same as coverage-guided targets for `cargo fuzz`, which needs nightly.

mod exercise;

use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use cachesim::random::Draws;
use cachesim::trace::format::{FORMATS, Format};
use cachesim::trace::generate::Recipe;
use cachesim::trace::{Compression, Output, Target, write_all};

/// Valid files that no writer makes: other versions, other columns, other spellings.
fn written_by_hand(name: &str) -> Vec<Vec<u8>> {
    let vscsi = |version: u8, size: usize| -> Vec<u8> {
        (0..20_u8)
            .flat_map(|number| {
                let mut record = vec![0; size];
                let (command_at, version_at, length_at) =
                    if version == 1 { (12, 15, 4) } else { (0, 3, 8) };
                record[command_at] = if number % 2 == 0 { 0x28 } else { 0x2a };
                record[version_at] = version;
                record[length_at + 1] = 16;
                record[16] = number % 7;
                record[24] = number;
                record
            })
            .collect()
    };
    let texts: &[&str] = match name {
        "vscsi" => return vec![vscsi(1, 32), vscsi(2, 40)],
        "kvcache" => &[
            "op_time,key,key_size,op,op_count,size,cache_hits,ttl\n5,1655,22,GET,2,100,2,0\n7,abc,10,SET,1,50,0,60\n9,x,3,DELETE,1,0,0,0\n",
            "key,op,size,op_count,key_size,usecase\n1,GET_LEASE,0,1,5,u1\n2,SET_LEASE,9,3,5,u2\n",
        ],
        "msr" => &[
            "128166372003061629,hm,1,Read,383496192,32768,113736\n128166372016382155,hm,0,Write,2822144,4096,23736\n",
        ],
        "wikipedia" => &[
            "relative_unix\thashed_path_query\timage_type\tresponse_size\ttime_firstbyte\n0\t833946053\tjpeg\t9665\t1.85E-4\n1\t-16\tpng\t17475\t2.0E-4\n",
            "0\t833946053\t9665\t0.000185\n1\t-\t-\t-\n",
        ],
        "redis-monitor" => &[
            "OK\n1339518083.107412 [0 127.0.0.1:60866] \"mset\" \"1\" \"a\\\"\\\\\\x00\" \"2\" \"b\"\n1339518087.877697 [3 lua] \"set\" \"k\" \"v\" \"EX\" \"60\"\n1339518090.4 [0 unix:/tmp/a] \"del\" \"k\" \"l\"\n1339518091.0 [0 c] \"setex\" \"k\" \"9\" \"v\"\n1339518092.0 [0 c] \"blpop\" \"a\" \"b\" \"0\"\n",
        ],
        "arc" => &["5 3 0 0\n9 1 0 1\n100 20 0 2\n"],
        _ => &[],
    };
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

/// Valid files of `format`, uncompressed first.
fn seeds(format: &'static Format) -> Vec<Vec<u8>> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("seed");
    let mut seeds = Vec::new();
    for writing in format.writings {
        let rich = Recipe {
            requests: 60,
            keys: 20,
            // No larger, as redis-monitor writes so many letters.
            size: Some((1, 300)),
            ttl_ns: Some((1_000_000_000, 60_000_000_000)),
            write_share: 0.3,
            delete_share: 0.1,
            clients: 3,
            ..Recipe::default()
        };
        let plain = Recipe {
            requests: 30,
            keys: 20,
            ..Recipe::default()
        };
        for recipe in [rich, plain] {
            let target = Target {
                format,
                version: Some(writing.version),
            };
            let output = Output::new(&path, Compression::Plain);
            write_all(recipe.generate(), recipe.fields(), target, output).expect("writes");
            seeds.push(std::fs::read(&path).expect("reads"));
        }
    }
    seeds.extend(written_by_hand(format.name));
    for bytes in &seeds {
        assert!(
            exercise::exercise(format.name, bytes),
            "a seed of {} is valid",
            format.name
        );
    }
    let compressed: Vec<Vec<u8>> = [
        zstd::encode_all(seeds[0].as_slice(), 3).expect("compresses"),
        {
            let level = flate2::Compression::default();
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
            encoder.write_all(&seeds[0]).expect("compresses");
            encoder.finish().expect("compresses")
        },
        {
            let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 1);
            encoder.write_all(&seeds[0]).expect("compresses");
            encoder.finish().expect("compresses")
        },
    ]
    .into();
    seeds.extend(compressed);
    seeds
}

/// Changes `bytes` a little, or a lot.
fn mutate(bytes: &mut Vec<u8>, others: &[Vec<u8>], draws: &mut Draws) {
    const NUMBERS: [&[u8]; 10] = [
        b"0",
        b"-1",
        b"18446744073709551615",
        b"18446744073709551616",
        b"9223372036854775807",
        b"99999999999999999999999",
        b"1e400",
        b"0.0000000001",
        b"NaN",
        b"",
    ];
    for _ in 0..=draws.below(4) {
        let length = bytes.len() as u64;
        let at = draws.below(length.max(1)) as usize;
        let end = at + draws.below((length - at as u64).min(64) + 1) as usize;
        match draws.below(9) {
            0 if at < bytes.len() => bytes[at] ^= 1 << draws.below(8),
            1 if at < bytes.len() => bytes[at] = draws.bits() as u8,
            2 if at < bytes.len() => {
                let interesting = *b"\0\xff\x7f\x80\n\r\t \",;|.-0\\[]";
                bytes[at] = interesting[draws.below(interesting.len() as u64) as usize];
            }
            3 => bytes.truncate(at),
            4 => drop(bytes.drain(at..end)),
            5 => {
                let copy = bytes[at..end].to_vec();
                let to = draws.below(length + 1) as usize;
                bytes.splice(to..to, copy);
            }
            6 => {
                let number = NUMBERS[draws.below(NUMBERS.len() as u64) as usize];
                bytes.splice(at..end.min(at + 4), number.iter().copied());
            }
            7 => {
                let other = &others[draws.below(others.len() as u64) as usize];
                let from = draws.below(other.len() as u64) as usize;
                bytes.splice(at..end, other[from..].iter().copied().take(64));
            }
            _ => {
                // A whole word at once: lengths and counts of binary formats.
                let word = [
                    0,
                    1,
                    u64::MAX,
                    i64::MAX as u64,
                    1 << 31,
                    1 << 32,
                    draws.bits(),
                ];
                let word = word[draws.below(7) as usize].to_le_bytes();
                for (byte, new) in bytes[at..].iter_mut().zip(word) {
                    *byte = new;
                }
            }
        }
    }
}

fn main() {
    let (mut seconds, mut only, mut seed) = (60, None, 1);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let value = arguments
            .next()
            .unwrap_or_else(|| panic!("{argument} needs a value"));
        match argument.as_str() {
            "--seconds" => seconds = value.parse().expect("a number of seconds"),
            "--format" => only = Some(value),
            "--seed" => seed = value.parse().expect("a number"),
            other => panic!("unknown option {other}; known are --seconds, --format, --seed"),
        }
    }
    let formats: Vec<&'static Format> = FORMATS
        .iter()
        .filter(|format| only.as_deref().is_none_or(|name| name == format.name))
        .collect();
    assert!(!formats.is_empty(), "no such format");
    let each = Duration::from_secs(seconds) / formats.len() as u32;
    let mut draws = Draws::from_seed(seed);
    let mut total = 0_u64;
    println!(
        "{:<16}{:>14}{:>14}{:>14}",
        "format", "executions", "valid", "broken"
    );
    for format in formats {
        let seeds = seeds(format);
        let start = Instant::now();
        let (mut executions, mut valid) = (0_u64, 0_u64);
        while start.elapsed() < each {
            let mut bytes = seeds[draws.below(seeds.len() as u64) as usize].clone();
            mutate(&mut bytes, &seeds, &mut draws);
            executions += 1;
            match catch_unwind(AssertUnwindSafe(|| exercise::exercise(format.name, &bytes))) {
                Ok(true) => valid += 1,
                Ok(false) => {}
                Err(_) => {
                    let path = std::env::temp_dir().join(format!("fuzz-{}.bin", format.name));
                    std::fs::write(&path, &bytes).expect("saves the bytes");
                    eprintln!(
                        "{} failed; the bytes are in {}",
                        format.name,
                        path.display()
                    );
                    std::process::exit(1);
                }
            }
        }
        println!(
            "{:<16}{executions:>14}{valid:>14}{:>14}",
            format.name,
            executions - valid
        );
        total += executions;
    }
    println!("{:<16}{total:>14}", "all");
}
