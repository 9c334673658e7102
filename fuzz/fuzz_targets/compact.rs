#![no_main]
//! Reads any bytes as a trace in the format compact.
#[path = "../../examples/fuzz_traces/exercise.rs"]
mod exercise;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    exercise::exercise("compact", bytes);
});
