//! The buffer pool of one database server: the pages of the table that are in its memory. A query
//! whose page is not among them holds its connection for a read of the disk as well.
//!
//! A page holds several rows, and a row that is larger than a page takes several, which one read of the
//! disk brings in. Who asks for a page that is on its way from the disk waits for the rest of that read.
//! A write needs its page as a read does, since it changes what is there.
//!
//! Known limits: the disk has no queue of its own, indexes take no pages, and pages that were changed
//! are written back for nothing, as a background writer with enough of the disk to itself would do.
//!
//! Not here: which page leaves (see `eviction`).

use crate::cache::{Cache, Lookup};
use crate::eviction::{Measure, PolicySpec};
use crate::metrics::PoolMeter;
use crate::random::{Draws, mix};
use crate::units::{Key, NEVER, Nanoseconds};
use crate::workload::distribution::Distribution;

/// A buffer pool as checked.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Pages in memory, at least 1.
    pub pages: u64,
    /// Bytes of a page, at least 1.
    pub page_bytes: u64,
    /// Rows of a page, at least 1.
    pub rows_per_page: u64,
    /// How rows lie on pages.
    pub layout: Layout,
    /// Which page leaves.
    pub eviction: PolicySpec,
    /// How long it takes to read a page from the disk, in nanoseconds.
    pub disk_time: Distribution,
}

/// How rows lie on pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// By a hash over so many pages, at least 1, so that popular rows do not lie together.
    Scattered {
        /// The pages of the whole table.
        pages: u64,
    },
    /// Rows with neighbouring keys share a page.
    InKeyOrder,
}

impl Plan {
    /// The page of a row.
    fn page_of(&self, key: Key) -> u64 {
        match self.layout {
            Layout::Scattered { pages } => mix(key) % pages,
            Layout::InKeyOrder => key / self.rows_per_page,
        }
    }
}

/// The pages in the memory of one server.
#[derive(Debug)]
pub(super) struct BufferPool {
    plan: Plan,
    /// When each page was, or will be, in memory.
    pages: Cache<Nanoseconds>,
    seed: u64,
}

impl BufferPool {
    pub(super) fn new(plan: &Plan, seed: u64) -> Self {
        Self {
            plan: plan.clone(),
            pages: Cache::new(&plan.eviction, Measure::Bytes, plan.pages, seed),
            seed,
        }
    }

    /// How long a query of a row of so many bytes waits for its page. `meter` is told of it if it is
    /// there.
    pub(super) fn access(
        &mut self,
        key: Key,
        bytes: u32,
        now_ns: Nanoseconds,
        luck: &mut Draws,
        meter: Option<&PoolMeter>,
    ) -> Nanoseconds {
        let page = self.plan.page_of(key);
        let waits_ns = match self.pages.lookup(page, now_ns) {
            Lookup::Hit(ready_ns) => Some(ready_ns.saturating_sub(now_ns)),
            Lookup::Expired(_) | Lookup::Miss => None,
        };
        if let Some(meter) = meter {
            meter.accesses.increment();
            if waits_ns == Some(0) {
                meter.hits.increment();
            }
        }
        if let Some(waits_ns) = waits_ns {
            return waits_ns;
        }
        let disk_ns = self.plan.disk_time.sample_u64(luck);
        let weight = u64::from(bytes).div_ceil(self.plan.page_bytes).max(1);
        let evictions = self.pages.evictions();
        self.pages
            .insert(page, now_ns + disk_ns, |_| weight, now_ns, NEVER);
        if let Some(meter) = meter {
            meter.disk_reads.increment();
            meter.evictions.add(self.pages.evictions() - evictions);
        }
        disk_ns
    }

    /// Nothing is in memory any more.
    pub(super) fn clear(&mut self) {
        *self = Self::new(&self.plan, self.seed);
    }

    /// Pages in memory at present.
    pub(super) fn pages(&self) -> u64 {
        self.pages.weight()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(pages: u64, rows_per_page: u64) -> BufferPool {
        let plan = Plan {
            pages,
            page_bytes: 8192,
            rows_per_page,
            layout: Layout::InKeyOrder,
            eviction: PolicySpec::parse("lru").unwrap(),
            disk_time: Distribution::constant(1000.0).unwrap(),
        };
        BufferPool::new(&plan, 1)
    }

    fn access(pool: &mut BufferPool, key: Key, bytes: u32, now_ns: Nanoseconds) -> Nanoseconds {
        pool.access(key, bytes, now_ns, &mut Draws::from_seed(1), None)
    }

    #[test]
    fn the_first_row_of_a_page_reads_the_disk_and_its_neighbours_do_not() {
        let mut pool = pool(2, 10);
        assert_eq!(access(&mut pool, 3, 100, 0), 1000);
        assert_eq!(access(&mut pool, 7, 100, 5000), 0);
        assert_eq!(access(&mut pool, 10, 100, 5000), 1000);
    }

    #[test]
    fn who_asks_for_a_page_on_its_way_waits_for_the_rest_of_it() {
        let mut pool = pool(2, 10);
        let meter = PoolMeter::default();
        let mut luck = Draws::from_seed(1);
        assert_eq!(pool.access(1, 100, 0, &mut luck, Some(&meter)), 1000);
        assert_eq!(pool.access(2, 100, 400, &mut luck, Some(&meter)), 600);
        assert_eq!(pool.access(2, 100, 1000, &mut luck, Some(&meter)), 0);
        assert_eq!(meter.accesses.get(), 3);
        assert_eq!((meter.hits.get(), meter.disk_reads.get()), (1, 1));
    }

    #[test]
    fn a_full_pool_evicts_and_a_row_of_three_pages_takes_three() {
        let mut pool = pool(4, 1);
        for key in 0..4 {
            access(&mut pool, key, 100, 0);
        }
        let meter = PoolMeter::default();
        let mut luck = Draws::from_seed(1);
        pool.access(9, 3 * 8192, 5000, &mut luck, Some(&meter));
        assert_eq!((meter.evictions.get(), pool.pages()), (3, 4));
        // The youngest of the four is still there.
        assert_eq!(access(&mut pool, 3, 100, 9000), 0);
        pool.clear();
        assert_eq!(pool.pages(), 0);
    }

    #[test]
    fn scattered_rows_use_the_pages_evenly() {
        let plan = Plan {
            layout: Layout::Scattered { pages: 10 },
            ..pool(1, 10).plan
        };
        let mut rows = [0; 10];
        (0..1000).for_each(|key| rows[plan.page_of(key) as usize] += 1);
        assert!(
            rows.iter().all(|&rows| (60..140).contains(&rows)),
            "{rows:?}"
        );
    }
}
