//! The closed loop: each user asks, waits for the answer, and thinks.

use std::cell::Cell;
use std::rc::Rc;

use super::{Arrival, Client, serve};
use crate::kernel::Label;
use crate::random::Luck;
use crate::units::Nanoseconds;
use crate::workload::arrivals::{Closed, ClosedLoop};

/// Nobody asks twice within a microsecond.
const SHORTEST_TURN_NS: Nanoseconds = 1000;

/// Lets all users ask until `until_ns`. They do not all start at once.
pub(super) fn start(client: &Rc<Client>, plan: &Closed, until_ns: Nanoseconds, luck: Luck) {
    let users = Rc::new(ClosedLoop::new(plan, luck));
    let next_index = Rc::new(Cell::new(0));
    let most = client.workload.borrow().most_requests();
    for user in 0..users.users() {
        let (client, users, next_index) = (client.clone(), users.clone(), next_index.clone());
        let kernel = client.kernel.clone();
        kernel.clone().spawn(
            Label {
                kind: "user",
                number: u64::from(user),
            },
            async move {
                kernel.sleep_until(users.start_ns(user)).await;
                // The pause of turn 0 is the one before the first request.
                for turn in 1.. {
                    let arrived_ns = kernel.now();
                    if arrived_ns >= until_ns || next_index.get() >= most {
                        break;
                    }
                    // Requests are numbered in the order in which they are issued.
                    let index = next_index.replace(next_index.get() + 1);
                    serve(
                        client.clone(),
                        Arrival {
                            index,
                            arrived_ns,
                            user: Some(user),
                        },
                    )
                    .await;
                    kernel.sleep(users.think_ns(user, turn)).await;
                    if kernel.now() == arrived_ns {
                        // Who is turned away at once and does not think would ask for ever.
                        kernel.sleep(SHORTEST_TURN_NS).await;
                    }
                }
            },
        );
    }
}
