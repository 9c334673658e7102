//! Partition: the network between app instances and what they ask is cut for a time. Whatever is sent is
//! lost; what has arrived before is worked on, and its answers are lost.

use std::sync::Arc;

use super::network::{FOR, NOTICE, Network, ORIGINS, TARGETS, notice_ns};
use super::{ActionRow, duration_ns};
use crate::geography::Trouble;
use crate::workload::parameters::Row;

pub(super) const ROW: ActionRow = ActionRow {
    targets: TARGETS,
    origins: ORIGINS,
    row: Row {
        name: "partition",
        parameters: &[NOTICE, FOR],
        meaning: "the network between app instances and what they ask is cut: nothing arrives, neither questions nor answers",
        source: "",
        build: |arguments| {
            Ok(Arc::new(Network {
                trouble: Trouble {
                    delay: None,
                    loss: 1.0,
                    notice_ns: notice_ns(arguments)?,
                },
                for_ns: duration_ns(arguments, "for")?,
            }))
        },
    },
};
