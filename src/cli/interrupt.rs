//! Ctrl-C: what is finished is kept, and the program ends in its own time, which is soon.
//!
//! The first signal asks runs to end, which they do at their next step; a second one ends the program
//! at once.

use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

static ASKED: AtomicBool = AtomicBool::new(false);

/// The exit status of a program that was interrupted, as shells have it: 128 + SIGINT.
pub const STATUS: u8 = 130;

/// From now on, Ctrl-C is noted rather than deadly.
pub fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Where signals cannot be handled, Ctrl-C kills as before, which loses the same runs.
        let _ = ctrlc::set_handler(|| {
            if ASKED.swap(true, Ordering::SeqCst) {
                std::process::exit(i32::from(STATUS));
            }
        });
    });
}

/// Whether somebody has pressed Ctrl-C.
pub fn is_asked_for() -> bool {
    ASKED.load(Ordering::SeqCst)
}
