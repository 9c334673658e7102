//! Reads of many keys at once: one by one or all together, each by itself or with one exchange for
//! all keys of a node (multi-get).
//!
//! Multi-get is of the first tier, where the app conducts: the keys are grouped by node, each group
//! is one exchange, and what is not found is fetched as a plain miss would be, each key by itself.
//! Lower tiers and the database are asked key by key.

use std::rc::Rc;

use super::super::System;
use super::super::fetch::fetch;
use crate::defence::Answer;
use crate::kernel::{Label, together};
use crate::metrics::Failure;
use crate::tier::Found;
use crate::workload::{MultiGet, Page, PageMode, Request};

/// The answer to one key of a page, or why there is none.
type One = Result<Answer, Failure>;

impl System {
    /// Reads the rows of all `requests`, which are of one page; the answers are in their order.
    ///
    /// # Errors
    /// The failure of the first key that failed. With [`PageMode::Sequence`] the keys after it are
    /// not asked for; else all of them are waited for.
    pub async fn read_page(
        self: &Rc<Self>,
        requests: &[Request],
        page: &Page,
    ) -> Result<Vec<Answer>, Failure> {
        match page.multi_get {
            Some(multi_get) if !self.layers.is_empty() => {
                self.multi_get(requests, page.mode, multi_get).await
            }
            _ => self.one_by_one(requests, page.mode).await,
        }
    }

    async fn one_by_one(
        self: &Rc<Self>,
        requests: &[Request],
        mode: PageMode,
    ) -> Result<Vec<Answer>, Failure> {
        if mode == PageMode::Sequence {
            let mut answers = Vec::with_capacity(requests.len());
            for request in requests {
                answers.push(self.read_of_page(request).await?);
            }
            return Ok(answers);
        }
        let reads = requests.iter().map(|&request| {
            let system = self.clone();
            async move { system.read_of_page(&request).await }
        });
        let all = together(&self.kernel, label(requests), reads.collect()).await;
        all.into_iter().collect()
    }

    /// Reads one key of a page.
    async fn read_of_page(self: &Rc<Self>, request: &Request) -> One {
        let issued_ns = self.kernel.now();
        let answer = self.read(request).await;
        self.note_key(issued_ns);
        answer
    }

    /// One key of a page was answered, or failed.
    fn note_key(&self, issued_ns: u64) {
        if self.meter.is_measuring() {
            let latency_ns = self.kernel.now() - issued_ns;
            let latency = &self.meter.requests.key_latency;
            latency.borrow_mut().record(latency_ns);
        }
    }

    async fn multi_get(
        self: &Rc<Self>,
        requests: &[Request],
        mode: PageMode,
        plan: MultiGet,
    ) -> Result<Vec<Answer>, Failure> {
        let groups = self.groups(requests);
        let mut answers: Vec<Option<One>> = requests.iter().map(|_| None).collect();
        let mut take = |group: Vec<usize>, some: Vec<One>| {
            for (place, answer) in group.into_iter().zip(some) {
                answers[place] = Some(answer);
            }
        };
        let of = |group: &[usize]| -> Vec<Request> {
            group.iter().map(|&place| requests[place]).collect()
        };
        if mode == PageMode::Sequence {
            for group in groups {
                let some = of_one_node(self.clone(), of(&group), mode, plan).await;
                let failure = some.iter().find_map(|one| one.as_ref().err().copied());
                if let Some(failure) = failure {
                    return Err(failure);
                }
                take(group, some);
            }
        } else {
            let reads = groups
                .iter()
                .map(|group| of_one_node(self.clone(), of(group), mode, plan));
            let all = together(&self.kernel, label(requests), reads.collect()).await;
            groups
                .into_iter()
                .zip(all)
                .for_each(|(group, some)| take(group, some));
        }
        answers.into_iter().flatten().collect()
    }

    /// The places of the requests by the node of the first tier that holds their keys, in the order
    /// of their first ones. Who must not be answered by a cache is alone.
    fn groups(&self, requests: &[Request]) -> Vec<Vec<usize>> {
        let tier = &self.layers[0].tier;
        let mut groups: Vec<(Option<usize>, Vec<usize>)> = Vec::new();
        for (place, request) in requests.iter().enumerate() {
            let node = (!self.must_bypass(request)).then(|| tier.node_of(request));
            let group = groups
                .iter_mut()
                .find(|(of, _)| of.is_some() && *of == node);
            match group {
                Some((_, places)) => places.push(place),
                None => groups.push((node, vec![place])),
            }
        }
        groups.into_iter().map(|(_, places)| places).collect()
    }
}

/// Reads keys that are in one node of the first tier; the answers are in their order. In sequence,
/// those after a failure are missing.
async fn of_one_node(
    system: Rc<System>,
    requests: Vec<Request>,
    mode: PageMode,
    plan: MultiGet,
) -> Vec<One> {
    let issued_ns = system.kernel.now();
    // A single key is a read like any other.
    if let [request] = &requests[..] {
        return vec![system.read_of_page(request).await];
    }
    let mut answers: Vec<Option<One>> = Vec::with_capacity(requests.len());
    for request in &requests {
        let denied = system.denied(request).map(Ok);
        if denied.is_some() {
            system.note_key(issued_ns);
        }
        answers.push(denied);
    }
    let asked: Vec<usize> = (0..requests.len())
        .filter(|&place| answers[place].is_none())
        .collect();
    if asked.is_empty() {
        return answers.into_iter().flatten().collect();
    }
    let group: Vec<Request> = asked.iter().map(|&place| requests[place]).collect();
    let tier = &system.layers[0].tier;
    let mut missing: Vec<(usize, Option<Found>)> = Vec::new();
    match tier.visit_for_many(&group, plan).await {
        Err(_) => missing.extend(asked.iter().map(|&place| (place, None))),
        Ok(visit) => {
            let found: Vec<Found> = group
                .iter()
                .map(|request| system.find(0, visit.node(), request))
                .collect();
            tier.leave(visit).await;
            for (&place, found) in asked.iter().zip(found) {
                tier.note_latency(issued_ns);
                match found {
                    Found::Fresh(row) => {
                        let outcome = row.outcome_of_hit();
                        tier.note(outcome);
                        system.note_key(issued_ns);
                        answers[place] = Some(Ok(Answer { row, outcome }));
                    }
                    other => missing.push((place, Some(other))),
                }
            }
        }
    }
    let places: Vec<usize> = missing.iter().map(|&(place, _)| place).collect();
    let go_on = missing.into_iter().map(|(place, found)| {
        let (system, request) = (system.clone(), requests[place]);
        async move {
            let answer = match found {
                // The node did not serve: as if the tier were not there.
                None => system.read_below(&request, 1).await,
                Some(found) => fetch(&system, &request, 0, request.instance, found).await,
            };
            system.note_key(issued_ns);
            answer
        }
    });
    if mode == PageMode::Sequence {
        for (place, one) in places.into_iter().zip(go_on) {
            let answer = one.await;
            let has_failed = answer.is_err();
            answers[place] = Some(answer);
            if has_failed {
                break;
            }
        }
    } else {
        let all = together(&system.kernel, label(&requests), go_on.collect()).await;
        for (place, answer) in places.into_iter().zip(all) {
            answers[place] = Some(answer);
        }
    }
    answers.into_iter().flatten().collect()
}

fn label(requests: &[Request]) -> Label {
    Label {
        kind: "key of page",
        number: requests.first().map_or(0, |request| request.index),
    }
}
