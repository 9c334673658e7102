//! The loop of a trace: requests arrive at the trace's own times.

use std::rc::Rc;

use super::{Arrival, Client};
use crate::kernel::{Label, Spawner};
use crate::units::Nanoseconds;

/// Lets requests arrive until `until_ns` or the trace ends.
pub(super) fn start(client: &Rc<Client>, spawner: &Rc<Spawner<Arrival>>, until_ns: Nanoseconds) {
    let (client, spawner) = (client.clone(), spawner.clone());
    let kernel = client.kernel.clone();
    kernel.clone().spawn(
        Label {
            kind: "arrivals",
            number: 0,
        },
        async move {
            for index in 0.. {
                let next = client.workload.borrow_mut().next_arrival_ns();
                let Some(arrived_ns) = next.filter(|arrived_ns| *arrived_ns < until_ns) else {
                    break;
                };
                kernel.sleep_until(arrived_ns).await;
                spawner.spawn(
                    &kernel,
                    Arrival {
                        index,
                        arrived_ns,
                        user: None,
                    },
                );
            }
        },
    );
}
