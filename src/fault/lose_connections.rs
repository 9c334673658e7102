//! Lost connections: all connections to a server of the database break at once, as when a firewall
//! forgets them or a proxy restarts. Queries in service and in the queue fail, and a write among them is
//! not committed; new queries wait until there are connections again.

use std::sync::Arc;

use super::target::{DATABASE, REPLICA};
use super::{Act, ActionRow, Event, Happening, Stage, duration_ns};
use crate::units::Nanoseconds;
use crate::workload::parameters::{Kind, Parameter, Row};

pub(super) const ROW: ActionRow = ActionRow {
    targets: &[&DATABASE, &REPLICA],
    origins: &[],
    row: Row {
        name: "lose-connections",
        parameters: &[Parameter::optional(
            "reconnect",
            Kind::Duration,
            "how long it takes until there are connections again; no time if nothing is said",
        )],
        meaning: "all connections to a server of the database break: its queries fail, and new ones wait for new connections",
        source: "",
        build: |arguments| {
            Ok(Arc::new(LoseConnections {
                reconnect_ns: duration_ns(arguments, "reconnect")?.unwrap_or(0),
            }))
        },
    },
};

#[derive(Debug)]
struct LoseConnections {
    reconnect_ns: Nanoseconds,
}

impl Act for LoseConnections {
    fn happen<'a>(&'a self, event: &'a Event, stage: &'a Stage) -> Happening<'a> {
        Box::pin(async move {
            if let Some(server) = event.target.server() {
                let database = &stage.system.database;
                database.lose_connections(server, self.reconnect_ns);
            }
        })
    }
}
