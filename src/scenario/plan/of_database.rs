//! The checked database: its servers, their memory, and its replicas.

use super::{Planner, limit};
use crate::database::buffer_pool::{self, Layout};
use crate::database::{self, Reads, replication};
use crate::geography;
use crate::guard::discipline::DISCIPLINES;
use crate::scenario::format::{Pages, read_eviction, read_pages};
use crate::scenario::shape::Checked;
use crate::workload;

impl Planner<'_> {
    pub(super) fn database(
        &mut self,
        checked: &Checked,
        workload: Option<&workload::Plan>,
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
        let connections = checked.at("connections").whole_u32();
        let buffer_pool = checked.at("buffer_pool");
        // Some of some, none of errors, and some of none where there is none.
        let buffer_pool = match buffer_pool.get("capacity") {
            Some(_) => self.buffer_pool(buffer_pool, workload).map(Some),
            None => Some(None),
        };
        let replicas = checked.at("replicas");
        let replicas = match replicas.get("count") {
            Some(_) => self.replicas(replicas, connections, regions).map(Some),
            None => Some(None),
        };
        Some(database::Plan {
            connections,
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
            buffer_pool: buffer_pool?,
            replicas: replicas?,
        })
    }

    fn buffer_pool(
        &mut self,
        checked: &Checked,
        workload: Option<&workload::Plan>,
    ) -> Option<buffer_pool::Plan> {
        let place = "database.buffer_pool";
        let disk_time =
            self.distribution(&format!("{place}.disk_time"), checked.at("disk_time"))?;
        let workload = workload?;
        let page_bytes = checked.at("page").whole();
        let capacity = checked.at("capacity");
        // It has been read once already, so it reads again.
        let pages = match read_pages(capacity.text()).ok()? {
            Pages::Count(pages) => pages,
            Pages::Bytes(bytes) => bytes / page_bytes,
        };
        if pages == 0 {
            let message = format!("`{place}.capacity` is less than one page");
            self.problem(capacity.span, message, "raise it, or lower `page`");
            return None;
        }
        let fitting = || page_bytes as f64 / workload.value_size.mean().max(1.0);
        let rows_per_page = match checked.get("rows_per_page") {
            Some(rows) => rows.whole(),
            None => (fitting() as u64).max(1),
        };
        let rows = workload.keys.limit();
        let layout = if workload.trace.is_some() || checked.at("rows").is("in-key-order") {
            Layout::InKeyOrder
        } else {
            Layout::Scattered {
                pages: rows.div_ceil(rows_per_page).max(1),
            }
        };
        Some(buffer_pool::Plan {
            pages,
            page_bytes,
            rows_per_page,
            layout,
            eviction: read_eviction(checked.at("eviction").text()).ok()?,
            disk_time,
        })
    }

    /// How many of the replicas a write waits for.
    fn acks(&mut self, checked: &Checked, replicas: usize) -> Option<u32> {
        let is_sync = checked.at("mode").is("sync");
        let Some(acks) = checked.get("acks") else {
            return Some(if is_sync { replicas as u32 } else { 0 });
        };
        let (problem, help) = if !is_sync {
            (
                "is of `mode = \"sync\"`".to_owned(),
                "add `mode = \"sync\"`, or remove it",
            )
        } else if acks.whole() > replicas as u64 {
            (
                format!("is {}, and there are {replicas} replicas", acks.whole()),
                "lower it, or raise `count`",
            )
        } else {
            return Some(acks.whole_u32());
        };
        self.problem(
            acks.span,
            format!("`database.replicas.acks` {problem}"),
            help,
        );
        None
    }

    fn replicas(
        &mut self,
        checked: &Checked,
        connections: u32,
        regions: &geography::Plan,
    ) -> Option<replication::Plan> {
        let place = "database.replicas";
        let lag = self.distribution(&format!("{place}.lag"), checked.at("lag"))?;
        let count = checked.at("count").whole() as usize;
        let mut homes = vec![None; count];
        if let Some(named) = checked.get("regions") {
            let list = named.list();
            if list.len() != count {
                let message = format!(
                    "`{place}.regions` names {} for {count} replicas",
                    list.len()
                );
                self.problem(named.span, message, "name one region for each replica");
                return None;
            }
            for (home, named) in homes.iter_mut().zip(list) {
                *home = Some(self.home(regions, named)?);
            }
        }
        let reads = checked.at("reads").text();
        let (_, reads, _) = Reads::ALL.iter().find(|(name, ..)| *name == reads)?;
        let failover = checked.at("failover");
        let acks = self.acks(checked, count)?;
        Some(replication::Plan {
            acks,
            homes,
            connections: match checked.get("connections") {
                Some(own) => own.whole_u32(),
                None => connections,
            },
            lag,
            reads: *reads,
            failover_ns: failover
                .get("detection")
                .map(|detection| detection.whole() + failover.at("promotion").whole()),
        })
    }
}
