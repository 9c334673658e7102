//! Queries for many rows: one connection, one round trip, and the service of the first row with a
//! share of that for each further one; pages that are not in memory are read one after the other.
//!
//! Not here: which keys are asked for together (see `pattern`).

use std::cell::RefCell;
use std::rc::Rc;

use super::{Database, Fetch, Reach, Row, Verb};
use crate::metrics::Failure;
use crate::units::Key;
use crate::workload::Request;

/// What such a query asks for, and what it has found.
#[derive(Debug)]
pub(super) struct Many {
    /// One at least, with the number of the request that asks for it.
    asked: Vec<(u64, Key)>,
    key_cost: f64,
    rows: RefCell<Vec<Row>>,
}

/// The keys of a query that has reached its server; all but the first, which every query has.
pub(super) struct Served<'a> {
    many: Rc<Many>,
    _others: Vec<Fetch<'a>>,
}

impl Database {
    /// Reads the rows of all `requests`, one at least, with one query, which is that of the first; each
    /// key after the first adds the share `key_cost` to the time that it takes. The rows are in their
    /// order.
    ///
    /// # Errors
    /// As [`Database::read`].
    pub async fn read_many(
        self: &Rc<Self>,
        requests: &[Request],
        reach: Reach,
        key_cost: f64,
    ) -> Result<Rc<[Row]>, Failure> {
        let first = &requests[0];
        let many = Rc::new(Many {
            asked: requests.iter().map(|it| (it.index, it.key)).collect(),
            key_cost,
            rows: RefCell::default(),
        });
        let asked = (first.index, first.key);
        self.many.borrow_mut().insert(asked, many.clone());
        self.query(Verb::ReadMany, first, reach).await?;
        let rows = many.rows.take();
        Ok(rows.into())
    }

    /// A query for many keys has reached a server.
    pub(super) fn take_many(&self, request: &Request) -> Box<Served<'_>> {
        let asked = (request.index, request.key);
        let many = self.many.borrow_mut().remove(&asked);
        let many = many.unwrap_or_else(|| {
            Rc::new(Many {
                asked: vec![asked],
                key_cost: 0.0,
                rows: RefCell::default(),
            })
        });
        let others = many.asked.iter().skip(1);
        let others = others.map(|&(_, key)| Fetch::start(self, key)).collect();
        Box::new(Served {
            many,
            _others: others,
        })
    }

    /// A server reads all rows of a query; the answer is the first.
    pub(super) async fn read_all(
        &self,
        number: usize,
        request: &Request,
        served: &Served<'_>,
    ) -> Result<Row, Failure> {
        let server = &self.servers[number];
        let many = &served.many;
        let rows: Vec<Row> = (many.asked.iter())
            .map(|&(_, key)| self.row_at(number, key))
            .collect();
        let of_one_ns = self.service_ns(server, &self.plan.service_time, request.index);
        let further = (rows.len() - 1) as f64 * many.key_cost;
        let mut work_ns = of_one_ns + (of_one_ns as f64 * further).round() as u64;
        for (&(index, key), row) in many.asked.iter().zip(&rows) {
            work_ns += self.disk_ns(server, index, key, row);
        }
        self.be_busy(server, work_ns).await;
        // Of the first that is counted as of any other query.
        let absent = rows.iter().skip(1).filter(|row| row.is_absent());
        absent.for_each(|_| self.meter.query_found_nothing());
        let first = rows[0].clone();
        many.rows.replace(rows);
        Ok(first)
    }
}
