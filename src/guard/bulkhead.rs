//! Bulkhead: each app instance has no more than so many calls under way, so that a slow dependency
//! cannot take all of it.
//!
//! Known weakness: it knows nothing of other instances. All of them together may be too many, and a
//! busy one is refused what an idle one does not need.

use std::cell::RefCell;

use super::{Call, Ended, Guard, GuardRow, Plan};
use crate::workload::parameters::{Kind, Parameter, ParameterError};

pub(super) const ROW: GuardRow = GuardRow {
    name: "bulkhead",
    parameters: &[Parameter::required(
        "calls",
        Kind::Count,
        "calls that an instance may have under way",
    )],
    meaning: "per app instance: no more than so many calls at a time",
    source: "Nygard, \"Release It!\", 2007",
    build: |arguments| match arguments.count("calls")? {
        0 => Err(ParameterError::new("calls", "must be at least 1, not 0")),
        calls => Ok(Plan::Bulkhead(Settings { calls })),
    },
};

/// What was said of a bulkhead.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    calls: u64,
}

/// Calls under way of all instances.
#[derive(Debug)]
pub(super) struct Bulkheads {
    settings: Settings,
    calls: RefCell<Vec<u64>>,
}

impl Bulkheads {
    pub(super) fn new(settings: Settings, instances: u32) -> Self {
        Self {
            settings,
            calls: RefCell::new(vec![0; instances as usize]),
        }
    }
}

impl Guard for Bulkheads {
    fn enter(&self, call: Call<'_>) -> Option<u64> {
        let calls = &mut self.calls.borrow_mut()[call.instance];
        let has_room = *calls < self.settings.calls;
        *calls += u64::from(has_room);
        has_room.then_some(0)
    }

    fn leave(&self, call: Call<'_>, _: u64, _: Ended) {
        self.calls.borrow_mut()[call.instance] -= 1;
    }
}
