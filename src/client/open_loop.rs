//! The open loop: requests arrive on their own schedule.

use std::rc::Rc;

use super::{Arrival, Client};
use crate::kernel::{Label, Spawner};
use crate::random::Luck;
use crate::units::Nanoseconds;
use crate::workload::arrivals::{Arrivals, Open};

/// Lets requests arrive until `until_ns`.
pub(super) fn start(
    client: &Rc<Client>,
    spawner: &Rc<Spawner<Arrival>>,
    plan: &Open,
    until_ns: Nanoseconds,
    luck: Luck,
) {
    let (kernel, client) = (client.kernel.clone(), client.clone());
    let spawner = spawner.clone();
    let mut arrivals = Arrivals::new(plan, luck);
    let most = client.workload.borrow().most_requests();
    kernel.clone().spawn(
        Label {
            kind: "arrivals",
            number: 0,
        },
        async move {
            let mut index = 0;
            while let Some(arrived_ns) = arrivals.next() {
                if arrived_ns >= until_ns || index >= most {
                    break;
                }
                kernel.sleep_until(arrived_ns).await;
                if !client.lulls.keep_away(index) {
                    spawner.spawn(
                        &kernel,
                        Arrival {
                            index,
                            arrived_ns,
                            user: None,
                        },
                    );
                }
                index += 1;
            }
        },
    );
}
