//! Crowds: clients who come beside the others at some instant of the timeline and go again; and lulls,
//! in which others stay away.

use std::rc::Rc;

use super::{Arrival, Client};
use crate::kernel::{Label, Spawner};
use crate::random::Luck;
use crate::units::Nanoseconds;
use crate::workload::arrivals::{self, Arrivals, Open};
use crate::workload::{self, Wanted};

/// Where crowds come from.
#[derive(Debug)]
pub struct Crowds {
    client: Rc<Client>,
    spawner: Rc<Spawner<Arrival>>,
    arrivals: arrivals::Plan,
    until_ns: Nanoseconds,
    luck: Luck,
}

impl Crowds {
    /// Clients of the same app as those of `workload`, who arrive until `until_ns`.
    #[must_use]
    pub fn new(
        client: &Rc<Client>,
        spawner: &Rc<Spawner<Arrival>>,
        workload: &workload::Plan,
        until_ns: Nanoseconds,
        luck: Luck,
    ) -> Self {
        Self {
            client: client.clone(),
            spawner: spawner.clone(),
            arrivals: workload.arrivals.clone(),
            until_ns,
            luck,
        }
    }

    /// For `for_ns` from now on, `times` as many requests arrive as otherwise would: those that
    /// come on top read the row of that rank, or do what all others do. Nothing happens where users
    /// wait for their answers, or if there is no such row.
    pub fn surge(&self, times: f64, for_ns: Nanoseconds, rank: Option<u64>) {
        let now_ns = self.client.kernel.now();
        let wanted = match rank {
            None => Wanted::Everything,
            Some(rank) => {
                let workload = self.client.workload.borrow();
                match workload.key_of_rank(rank, now_ns) {
                    Some(key) => Wanted::Row(key),
                    None => return,
                }
            }
        };
        let arrivals::Plan::Open(open) = &self.arrivals else {
            return;
        };
        if for_ns == 0 {
            return;
        }
        let until_ns = now_ns.saturating_add(for_ns);
        let open = open.clone().only_within(now_ns, until_ns, times - 1.0);
        self.arrive(&open, wanted, 0, until_ns);
    }

    /// For `for_ns` from now on, reads of rows that do not exist arrive at `rate`: any of `keys`.
    pub fn flood(&self, rate: &Open, for_ns: Nanoseconds, keys: u64) {
        let now_ns = self.client.kernel.now();
        let until_ns = now_ns.saturating_add(for_ns);
        self.arrive(rate, Wanted::Absent(keys), now_ns, until_ns);
    }

    /// Lets requests arrive at the instants of `plan`, counted from `from_ns`, until `until_ns`.
    fn arrive(&self, plan: &Open, wanted: Wanted, from_ns: Nanoseconds, until_ns: Nanoseconds) {
        let (client, spawner) = (self.client.clone(), self.spawner.clone());
        let first = client.workload.borrow_mut().gather(wanted);
        let mut arrivals = Arrivals::beside(plan, self.luck, first);
        let until_ns = until_ns.min(self.until_ns);
        let label = Label {
            kind: "arrivals of a crowd",
            number: first,
        };
        self.client.kernel.spawn(label, async move {
            let kernel = client.kernel.clone();
            let mut index = first;
            while let Some(after_ns) = arrivals.next() {
                let arrived_ns = from_ns.saturating_add(after_ns);
                if arrived_ns >= until_ns {
                    break;
                }
                kernel.sleep_until(arrived_ns).await;
                spawner.spawn(
                    &kernel,
                    Arrival {
                        index,
                        arrived_ns,
                        user: None,
                    },
                );
                index += 1;
            }
        });
    }

    /// From now on only a `share` of the ordinary requests arrives, until [`Crowds::end_lull`] with the
    /// answer. Users who wait for their answers come all the same.
    pub fn lull(&self, share: f64) -> u64 {
        self.client.lulls.begin(share)
    }

    /// Ends what [`Crowds::lull`] began.
    pub fn end_lull(&self, number: u64) {
        self.client.lulls.end(number);
    }

    /// From now on the coldest `share` of the keys are the hottest.
    pub fn shift_popularity(&self, share: f64) {
        self.client.workload.borrow_mut().shift_popularity(share);
    }
}
