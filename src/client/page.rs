//! Requests of many keys: a page is one request to whoever waits for it, and many reads to what
//! stands behind the app.
//!
//! Its latency is what is reported as the request's; each of its keys counts as one read. A page
//! fails with the first of its keys.
//!
//! Clients under stress have one deadline for the whole page; timeouts, retries and hedges are those of its
//! keys, each by itself.

use std::rc::Rc;

use super::{Client, stressed};
use crate::metrics::{Failure, InFlight};
use crate::promise::Known;
use crate::workload::{Page, Request};

/// Reads the page whose first key is that of `request`, and reports its answer.
pub(super) async fn read(
    client: &Rc<Client>,
    page: &Page,
    request: &Request,
    in_flight: &InFlight<'_>,
) -> Result<(), Failure> {
    let keys =
        client
            .workload
            .borrow_mut()
            .page_keys(request.index, request.issued_ns, request.key);
    // Each key is a read with luck of its own.
    let requests: Vec<Request> = keys
        .into_iter()
        .enumerate()
        .map(|(number, key)| match number {
            0 => *request,
            _ => Request {
                key,
                ..request.derived(number as u64)
            },
        })
        .collect();
    let promises = &client.system.promises;
    let known: Vec<Known> = requests.iter().map(|one| promises.known(one)).collect();
    let answers = match &client.stress {
        Some(stress) if !stress.is_plain() => {
            let is_measured = in_flight.is_measured();
            stressed::read_page(client, stress, &requests, page.mode, is_measured).await?
        }
        _ => client.system.read_page(&requests, page).await?,
    };
    let keys = answers.iter().zip(&requests).map(|(answer, request)| {
        let staleness_ns = client.staleness_ns(request, &answer.row);
        (answer.outcome, staleness_ns)
    });
    in_flight.answer_page(client.kernel.now(), keys);
    for ((answer, request), known) in answers.iter().zip(&requests).zip(known) {
        let version = answer.row.version();
        in_flight.note_giver(answer.row.given_by);
        if answer.row.is_absent() {
            in_flight.note_absence();
        }
        in_flight.note_inconsistency(version < known.written, version < known.seen);
        promises.has_read(request, version);
    }
    Ok(())
}
