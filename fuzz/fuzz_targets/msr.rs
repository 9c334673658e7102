#![no_main]
//! Reads any bytes as a trace in the format msr.
#[path = "../../examples/fuzz_traces/exercise.rs"]
mod exercise;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    exercise::exercise("msr", bytes);
});
