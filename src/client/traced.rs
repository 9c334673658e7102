//! Requests of a run in which some are traced.

use std::pin::Pin;
use std::rc::Rc;

use super::{Arrival, Client};
use crate::metrics::Tracer;

/// Works on one request and has the tracer follow it. Boxed, because it comes back to
/// [`serve`](super::serve), with the tracer at work.
pub(super) fn serve(
    client: &Rc<Client>,
    tracer: &Rc<Tracer>,
    arrival: Arrival,
) -> Pin<Box<dyn Future<Output = ()>>> {
    let is_measured = client.meter.measures(arrival.arrived_ns);
    let request = tracer.arrive(arrival.index, arrival.arrived_ns, is_measured);
    Box::pin(request.run(super::serve(client.clone(), arrival)))
}
