#![no_main]
//! Reads any bytes as a trace in the format redis-monitor.
#[path = "../../examples/fuzz_traces/exercise.rs"]
mod exercise;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    exercise::exercise("redis-monitor", bytes);
});
