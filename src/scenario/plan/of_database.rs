//! The checked database.

use super::{Planner, limit};
use crate::database;
use crate::geography;
use crate::guard::discipline::DISCIPLINES;
use crate::scenario::shape::Checked;

impl Planner<'_> {
    pub(super) fn database(
        &mut self,
        checked: &Checked,
        regions: &geography::Plan,
    ) -> Option<database::Plan> {
        let service_time = self.distribution("database.service_time", checked.at("service_time"));
        let write_service_time = match checked.get("write_service_time") {
            Some(write) => self.distribution("database.write_service_time", write),
            None => service_time.clone(),
        };
        let network = self.distribution("database.network", checked.at("network"));
        let home = match checked.get("region") {
            Some(named) => Some(self.home(regions, named)?),
            None => None,
        };
        let timeout = checked.at("timeout");
        let discipline = self.chosen(
            "database.discipline",
            "kind",
            DISCIPLINES,
            checked.at("discipline"),
        );
        let guards = self.guards("database.guards", checked.at("guards"));
        Some(database::Plan {
            connections: checked.at("connections").whole_u32(),
            queue_limit: limit(checked.at("queue_limit")),
            discipline: discipline?,
            guards: guards?,
            service_time: service_time?,
            write_service_time: write_service_time?,
            slowdown: checked.at("slowdown").base(),
            timeout_ns: timeout.amount().map(|_| timeout.whole()),
            // What clients make of it is said in their table.
            outlives_callers: false,
            network: network?,
            home,
        })
    }
}
