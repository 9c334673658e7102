//! The checked database.

use super::{Planner, limit};
use crate::database;
use crate::geography;
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
        Some(database::Plan {
            connections: checked.at("connections").whole_u32(),
            queue_limit: limit(checked.at("queue_limit")),
            service_time: service_time?,
            write_service_time: write_service_time?,
            slowdown: checked.at("slowdown").base(),
            timeout_ns: timeout.amount().map(|_| timeout.whole()),
            network: network?,
            home,
        })
    }
}
