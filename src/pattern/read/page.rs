//! Reads of many keys at once: one by one or all together, each by itself or with one exchange for
//! all keys of a node (multi-get).
//!
//! Multi-get is of the first tier, where the app conducts: the keys are grouped by the node that each
//! would go to by itself, each group is one exchange, and what is not found is fetched as a plain miss
//! would be, each key by itself. Lower tiers are asked key by key, and so is the database unless the
//! misses of an exchange are to go there together (see `pattern::batch`).

use std::pin::Pin;
use std::rc::Rc;

use super::super::System;
use super::super::fetch::{fetch, fetch_and_log};
use crate::defence::Answer;
use crate::kernel::{Label, together};
use crate::metrics::{Failure, within};
use crate::tier::{Arrival, Found, Way};
use crate::units::Nanoseconds;
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
            let fork = self.meter.beside("key", request.key);
            within(fork, async move { system.read_of_page(&request).await })
        });
        let all = together(&self.kernel, label(requests), reads.collect()).await;
        all.into_iter().collect()
    }

    /// Reads one key of a page.
    async fn read_of_page(self: &Rc<Self>, request: &Request) -> One {
        let issued_ns = self.kernel.now();
        let reading = self.read(request);
        // Each key may be a task of its own.
        let rotation = &self.rotation;
        let answer = rotation.unless_it_crashes(request.instance, reading).await;
        self.note_key(issued_ns);
        answer.unwrap_or(Err(Failure::Unavailable))
    }

    /// One key of a page was answered, or failed.
    pub fn note_key(&self, issued_ns: u64) {
        if self.meter.is_measuring() {
            let latency_ns = self.kernel.now() - issued_ns;
            let latency = &self.meter.requests.key_latency;
            latency.borrow_mut().record(latency_ns);
        }
    }

    /// A key of a page has its answer.
    fn answered(&self, asked: &Asked, answer: Answer) -> (usize, One) {
        self.note_key(asked.issued_ns);
        (asked.place, Ok(answer))
    }

    async fn multi_get(
        self: &Rc<Self>,
        requests: &[Request],
        mode: PageMode,
        plan: MultiGet,
    ) -> Result<Vec<Answer>, Failure> {
        let groups = self.groups(requests);
        let mut answers: Vec<Option<One>> = requests.iter().map(|_| None).collect();
        let ask = |(way, group): (Way, Vec<Asked>)| ask(self.clone(), way, group, mode, plan);
        if mode == PageMode::Sequence {
            for group in groups {
                for (place, one) in ask(group).await {
                    answers[place] = Some(Ok(one?));
                }
            }
        } else {
            let asking = groups.into_iter().map(|group| {
                let key = group.1.first().map_or(0, |asked| asked.request.key);
                within(self.meter.beside("keys", key), ask(group))
            });
            let asking = asking.collect();
            let all = together(&self.kernel, label(requests), asking).await;
            for (place, one) in all.into_iter().flatten() {
                answers[place] = Some(one);
            }
        }
        answers.into_iter().flatten().collect()
    }

    /// The requests by the way that their keys go to the first tier, in the order of their first ones.
    /// Who must not be answered by a cache is alone.
    fn groups(&self, requests: &[Request]) -> Vec<(Way, Vec<Asked>)> {
        let tier = &self.layers[0].tier;
        // Of a row that is hot, any copy.
        let entries: Vec<Request> = requests.iter().map(|it| tier.to_any_copy(it)).collect();
        let ways = tier.ways(&entries);
        let mut groups = Vec::new();
        for (place, (request, entry)) in requests.iter().zip(entries).enumerate() {
            let asked = Asked {
                place,
                request: *request,
                entry,
                issued_ns: self.kernel.now(),
            };
            if self.must_bypass(request) {
                groups.push((ways[place], vec![asked]));
            } else {
                join(&mut groups, ways[place], asked, |group| {
                    !self.must_bypass(&group[0].request)
                });
            }
        }
        groups
    }
}

/// One key of a page on its way to the first tier.
#[derive(Clone, Copy, Debug)]
struct Asked {
    /// Which of the page's keys it is.
    place: usize,
    /// The read of the row.
    request: Request,
    /// The same about the entry that is asked for.
    entry: Request,
    issued_ns: Nanoseconds,
}

/// Adds a key to the group that goes its way, if there is one that it `may_join`, or begins a new one;
/// whether it did that.
fn join(
    groups: &mut Vec<(Way, Vec<Asked>)>,
    way: Way,
    asked: Asked,
    may_join: impl Fn(&[Asked]) -> bool,
) -> bool {
    let same = |(of, group): &&mut (Way, Vec<Asked>)| *of == way && may_join(group);
    match groups.iter_mut().find(same) {
        Some((_, group)) => {
            group.push(asked);
            false
        }
        None => {
            groups.push((way, vec![asked]));
            true
        }
    }
}

/// What is left to do for some keys after an exchange.
type Work = Pin<Box<dyn Future<Output = Vec<(usize, One)>>>>;

/// Reads keys that go one way to the first tier: the place of each with its answer. In sequence, those
/// after a failure are missing.
fn ask(system: Rc<System>, way: Way, group: Vec<Asked>, mode: PageMode, plan: MultiGet) -> Work {
    Box::pin(async move {
        // A single key is a read like any other.
        if let [asked] = &group[..]
            && way.is_first()
        {
            return vec![(asked.place, system.read_of_page(&asked.request).await)];
        }
        let mut answers: Vec<(usize, One)> = Vec::with_capacity(group.len());
        let mut asking = Vec::with_capacity(group.len());
        for asked in group {
            // The filter was asked before the first exchange.
            let denied = if way.is_first() {
                system.denied(&asked.request)
            } else {
                None
            };
            match denied {
                Some(answer) => answers.push(system.answered(&asked, answer)),
                None => asking.push(asked),
            }
        }
        if asking.is_empty() {
            return answers;
        }
        let tier = &system.layers[0].tier;
        let entries: Vec<Request> = asking.iter().map(|asked| asked.entry).collect();
        if way.is_first() {
            entries.iter().for_each(|entry| tier.note_copy_read(entry));
        }
        let work = match tier.visit_for_many(way, &entries, plan).await {
            Ok(Arrival::Here(visit)) => {
                let mut elsewhere = Vec::new();
                let mut sent_on = Vec::new();
                let mut here = Vec::new();
                for asked in asking {
                    match tier.sent_on(way, &asked.entry) {
                        Some((way, sent)) => {
                            if join(&mut elsewhere, way, asked, |_| true) {
                                sent_on.push((asked.entry, sent));
                            }
                        }
                        None => here.push((asked, system.find(0, visit.node(), &asked.entry))),
                    }
                }
                tier.leave(visit).await;
                for (entry, sent) in sent_on {
                    tier.note_sent_on(&entry, sent);
                }
                let mut work = Vec::new();
                for (asked, found) in here {
                    match found {
                        Found::Fresh(row) if !tier.is_in_chunks(&Found::Fresh(row.clone())) => {
                            tier.note_latency(asked.issued_ns);
                            let outcome = row.outcome_of_hit();
                            tier.note(outcome);
                            answers.push(system.answered(&asked, Answer { row, outcome }));
                        }
                        found => work.push(go_on(system.clone(), asked, found)),
                    }
                }
                work.extend(all_ways(&system, elsewhere, mode, plan));
                work
            }
            Ok(Arrival::Elsewhere) => {
                let mut elsewhere = Vec::new();
                for asked in asking {
                    join(
                        &mut elsewhere,
                        tier.stand_in_for(&asked.entry),
                        asked,
                        |_| true,
                    );
                }
                all_ways(&system, elsewhere, mode, plan)
            }
            Err(unreachable) if tier.is_fatal(unreachable) => {
                let failed = |asked: Asked| (asked.place, Err(Failure::Unavailable));
                answers.extend(asking.into_iter().map(failed));
                return answers;
            }
            // The node did not serve: as if the tier were not there.
            Err(_) => {
                let around = |asked: Asked| go_around(system.clone(), asked);
                asking.into_iter().map(around).collect()
            }
        };
        let batches = plan.batch_key_cost;
        let _together = batches.map(|key_cost| system.together_in_batches(&entries, key_cost));
        if mode == PageMode::Sequence && batches.is_none() {
            for one in work {
                answers.extend(one.await);
                if answers.iter().any(|(_, answer)| answer.is_err()) {
                    break;
                }
            }
        } else {
            let key = entries.first().map_or(0, |entry| entry.of_row().key);
            let work = work.into_iter().map(|one| {
                let fork = system.meter.beside("key", key);
                within(fork, one)
            });
            let all = together(&system.kernel, label(&entries), work.collect()).await;
            answers.extend(all.into_iter().flatten());
        }
        answers
    })
}

/// Exchanges with whomever the keys were sent on to.
fn all_ways(
    system: &Rc<System>,
    groups: Vec<(Way, Vec<Asked>)>,
    mode: PageMode,
    plan: MultiGet,
) -> Vec<Work> {
    let ask = |(way, group)| ask(system.clone(), way, group, mode, plan);
    groups.into_iter().map(ask).collect()
}

/// Answers a key whose node has nothing fresh, or only the manifest of its chunks.
fn go_on(system: Rc<System>, asked: Asked, mut found: Found) -> Work {
    Box::pin(async move {
        let tier = &system.layers[0].tier;
        if tier.is_in_chunks(&found) {
            found = tier.gather(&asked.entry, found).await;
        }
        tier.note_latency(asked.issued_ns);
        let answer = match found {
            Found::Fresh(row) => {
                let outcome = row.outcome_of_hit();
                tier.note(outcome);
                Ok(Answer { row, outcome })
            }
            other if system.meter.miss_log.is_some() => {
                fetch_and_log(&system, &asked.entry, 0, asked.entry.instance, other).await
            }
            other => fetch(&system, &asked.entry, 0, asked.entry.instance, other).await,
        };
        system.note_key(asked.issued_ns);
        vec![(asked.place, answer)]
    })
}

/// Reads a key as if the first tier were not there.
fn go_around(system: Rc<System>, asked: Asked) -> Work {
    Box::pin(async move {
        let answer = system.read_below(&asked.entry, 1).await;
        system.note_key(asked.issued_ns);
        vec![(asked.place, answer)]
    })
}

fn label(requests: &[Request]) -> Label {
    Label {
        kind: "key of page",
        number: requests.first().map_or(0, |request| request.index),
    }
}
