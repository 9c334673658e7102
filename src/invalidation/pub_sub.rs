//! A bus between the app's processes: whoever writes publishes the key, and every other process
//! drops its copy when the message arrives.
//!
//! The writer's own copy is the business of the write pattern. A message may be late, lost or doubled;
//! with `batch`, a process collects what it has to say and says it in one message, so that all of it
//! is late together and lost together. Messages take no time of the receiving node: they are handled
//! in the process itself. While the bus is down nothing is taken in: messages are lost, or those who
//! publish keep them and send them when it is up again.
//!
//! Known weakness: nobody notices a lost message, and the copy is stale until its TTL. A fill that is
//! under way when the message arrives puts an old row back.

use std::cell::RefCell;
use std::rc::Rc;

use super::{Bus, InvalidationRow, Parts, Plan};
use crate::database::Row;
use crate::geography::Border;
use crate::kernel::{Label, Ongoing};
use crate::random::{Luck, Stream, mix};
use crate::units::{Key, Nanoseconds};
use crate::workload::Request;
use crate::workload::distribution::Distribution;
use crate::workload::parameters::{Kind, Parameter};

pub(super) const ROW: InvalidationRow = InvalidationRow {
    name: "pub-sub",
    parameters: &[
        Parameter::optional(
            "delay",
            Kind::Durations,
            "from the publication of a message to its arrival; 1ms if nothing is said",
        ),
        Parameter::optional(
            "loss",
            Kind::Share,
            "the share of the messages that never arrive; 0 if nothing is said",
        ),
        Parameter::optional(
            "duplicates",
            Kind::Share,
            "the share of the messages that arrive twice; 0 if nothing is said",
        ),
        Parameter::optional(
            "batch",
            Kind::Duration,
            "for so long a process collects keys for one message; 0s if nothing is said: each key is a message",
        ),
    ],
    meaning: "a write is published to all other app instances, which drop their copies",
    source: "Redis Pub/Sub and client-side caching with broadcasts; McSqueal in Nishtala et al., NSDI 2013, section 4.1, batches",
    build: |arguments| {
        let delay = match arguments.optional_distribution("delay")? {
            Some(delay) => delay.clone(),
            None => Distribution::constant(1e6)?,
        };
        let batch = arguments.optional("batch")?;
        Ok(Plan::PubSub(Bus {
            delay,
            loss: arguments.optional("loss")?.unwrap_or(0.0),
            duplicates: arguments.optional("duplicates")?.unwrap_or(0.0),
            batch_ns: batch.map_or(0, |it| it.round() as u64),
        }))
    },
};

/// What one message says of one key.
#[derive(Clone, Debug)]
struct News {
    key: Key,
    row: Row,
    /// The write's number: the luck of the message.
    index: u64,
}

/// The publishing side of a bus: one for all instances of a tier.
#[derive(Debug)]
pub(super) struct Publisher {
    bus: Bus,
    parts: Parts,
    luck: Stream,
    /// What each instance has collected.
    collected: Vec<RefCell<Vec<News>>>,
    outages: Ongoing<Outage>,
    /// Where the network between instances is disturbed.
    borders: Ongoing<Border>,
    border_luck: Stream,
    /// Messages that wait for the end of an outage, with who sends them.
    kept: RefCell<Vec<(u32, Vec<News>)>>,
}

/// A time in which the bus takes nothing in.
#[derive(Clone, Copy, Debug)]
struct Outage {
    /// Whether messages are kept until it is over.
    keeps: bool,
}

impl Publisher {
    pub(super) fn new(bus: &Bus, parts: &Parts, luck: Luck) -> Self {
        let instances = parts.tier.groups() as usize;
        let name = &parts.tier.plan().name;
        Self {
            bus: bus.clone(),
            parts: parts.clone(),
            luck: luck.stream(&format!("tier.{name}.bus")),
            collected: (0..instances).map(|_| RefCell::default()).collect(),
            outages: Ongoing::default(),
            borders: Ongoing::default(),
            border_luck: luck.stream(&format!("tier.{name}.bus.border")),
            kept: RefCell::default(),
        }
    }

    /// The bus takes nothing in until [`Publisher::come_up`] with the answer.
    pub(super) fn go_down(&self, keeps: bool) -> u64 {
        self.outages.begin(Outage { keeps })
    }

    /// An outage is over. If it was the last, what was kept is sent.
    pub(super) fn come_up(self: &Rc<Self>, number: u64) {
        self.outages.end(number);
        if self.outages.is_empty() {
            for (sender, message) in self.kept.take() {
                self.send(sender, message);
            }
        }
    }

    /// From now on what crosses the border suffers, until [`Publisher::open_border`] with the answer.
    pub(super) fn close_border(&self, border: Border) -> u64 {
        self.borders.begin(border)
    }

    /// Ends what [`Publisher::close_border`] began.
    pub(super) fn open_border(&self, number: u64) {
        self.borders.end(number);
    }

    /// By how much a message takes longer that is sent now across all the borders between the two, or
    /// nothing if it gets lost there.
    fn cross(&self, sender: u32, receiver: u32, address: u64) -> Option<Nanoseconds> {
        if self.borders.is_empty() {
            return Some(0);
        }
        let [from, to] = [sender, receiver].map(|group| self.parts.tier.home_of_group(group));
        let mut luck = self.border_luck.at(address);
        // Drawn in any case, so that losing more messages delays the others no differently.
        let mishap = luck.unit();
        let (mut arrives, mut delay_ns) = (1.0, 0_u64);
        for (_, border) in &*self.borders.things() {
            if border.separates(from, to) {
                arrives *= 1.0 - border.trouble.loss;
                if let Some(delay) = &border.trouble.delay {
                    delay_ns = delay_ns.saturating_add(delay.sample_u64(&mut luck));
                }
            }
        }
        (mishap < arrives).then_some(delay_ns)
    }

    /// An instance never says what it has collected, or kept.
    pub(super) fn forget(&self, sender: u32) {
        let collected = self.collected[sender as usize].take();
        self.count_lost(&collected);
        let mut kept = self.kept.borrow_mut();
        for (_, message) in kept.extract_if(.., |(of, _)| *of == sender) {
            self.count_lost(&message);
        }
    }

    /// A message reaches nobody.
    fn count_lost(&self, message: &[News]) {
        if self.parts.meter.is_measuring() {
            let receivers = u64::from(self.parts.tier.groups()) - 1;
            let invalidations = receivers * message.len() as u64;
            let counts = self.parts.tier.counts();
            counts.invalidations_sent.add(invalidations);
            counts.invalidations_lost.add(invalidations);
        }
    }

    /// The request's instance tells all others that `row` has been written.
    pub(super) fn publish(self: &Rc<Self>, request: &Request, row: &Row) {
        let sender = self.parts.tier.group_of(request);
        let news = News {
            key: request.key,
            row: row.clone(),
            index: request.index,
        };
        if self.bus.batch_ns == 0 {
            self.send(sender, vec![news]);
            return;
        }
        let mut collected = self.collected[sender as usize].borrow_mut();
        collected.push(news);
        if collected.len() > 1 {
            return;
        }
        let label = Label {
            kind: "batch of instance",
            number: u64::from(sender),
        };
        let publisher = self.clone();
        self.parts.kernel.spawn(label, async move {
            publisher.parts.kernel.sleep(publisher.bus.batch_ns).await;
            let batch = publisher.collected[sender as usize].take();
            publisher.send(sender, batch);
        });
    }

    /// Sends one message to every instance but the sender.
    fn send(self: &Rc<Self>, sender: u32, message: Vec<News>) {
        let Some(first) = message.first() else { return };
        if !self.outages.is_empty() {
            if self.outages.things().iter().all(|(_, it)| it.keeps) {
                self.kept.borrow_mut().push((sender, message));
            } else {
                self.count_lost(&message);
            }
            return;
        }
        let address = mix(first.index);
        let message = Rc::new(message);
        for receiver in (0..self.parts.tier.groups()).filter(|&it| it != sender) {
            let address = address.wrapping_add(u64::from(receiver));
            let mut luck = self.luck.at(address);
            let farther_ns = self.cross(sender, receiver, address);
            // Drawn in any case, so that losing more messages delays the others no differently.
            let is_lost = luck.unit() < self.bus.loss || farther_ns.is_none();
            let is_doubled = luck.unit() < self.bus.duplicates;
            let delays_ns = [(); 2].map(|()| self.bus.delay.sample_u64(&mut luck));
            let copies = if is_doubled && !is_lost { 2 } else { 1 };
            if self.parts.meter.is_measuring() {
                let counts = self.parts.tier.counts();
                let invalidations = copies * message.len() as u64;
                counts.invalidation_messages.add(copies);
                counts.invalidations_sent.add(invalidations);
                if is_lost {
                    counts.invalidations_lost.add(invalidations);
                }
            }
            let Some(farther_ns) = farther_ns.filter(|_| !is_lost) else {
                continue;
            };
            for delay_ns in delays_ns.into_iter().take(copies as usize) {
                let (publisher, message) = (self.clone(), message.clone());
                let label = Label {
                    kind: "message to instance",
                    number: u64::from(receiver),
                };
                self.parts.kernel.spawn(label, async move {
                    let Parts { kernel, tier, .. } = &publisher.parts;
                    kernel.sleep(delay_ns.saturating_add(farther_ns)).await;
                    for news in message.iter() {
                        let node = tier.node_in_group(receiver, news.key);
                        tier.invalidate(node, news.key, &news.row);
                    }
                });
            }
        }
    }
}
