//! Which rows a layer keeps, and for whom: those that it may not keep pass it by, and those that are
//! personalised have an entry for each session.
//!
//! Whether a row is one or the other depends on the tier and the row alone, so all variants agree, and
//! a larger share has the rows of a smaller one and others.
//!
//! Not here: who leaves a full node (see `eviction`) and what may enter it (`eviction::admission`).

use super::{Layer, System};
use crate::random::{Luck, Stream, mix};
use crate::tier;
use crate::units::Key;
use crate::workload::Request;

/// The rows that a layer keeps, where these are not all of them for everybody.
#[derive(Debug)]
pub(super) struct Selection {
    cacheable: f64,
    personalised: f64,
    cacheable_luck: Stream,
    personalised_luck: Stream,
}

impl Selection {
    pub(super) fn new(plan: &tier::Plan, luck: Luck) -> Option<Self> {
        if plan.cacheable >= 1.0 && plan.personalised <= 0.0 {
            return None;
        }
        let stream = |what: &str| luck.stream(&format!("tier.{}.{what}", plan.name));
        Some(Self {
            cacheable: plan.cacheable,
            personalised: plan.personalised,
            cacheable_luck: stream("cacheable"),
            personalised_luck: stream("personalised"),
        })
    }

    fn keeps(&self, key: Key) -> bool {
        self.cacheable_luck.at(mix(key)).chance(self.cacheable)
    }

    fn is_personal(&self, key: Key) -> bool {
        self.personalised > 0.0
            && self
                .personalised_luck
                .at(mix(key))
                .chance(self.personalised)
    }
}

impl Layer {
    /// The request, which is about a row, as this layer sees it; `None` if it passes by.
    fn sees(&self, request: &Request) -> Option<Request> {
        let Some(selection) = &self.selection else {
            return Some(*request);
        };
        if !selection.keeps(request.key) {
            return None;
        }
        if selection.is_personal(request.key) {
            return Some(request.of_session());
        }
        Some(*request)
    }
}

impl System {
    /// The first layer from `level` on that may keep the request's row, and the request as that layer
    /// sees it; the number of layers, where there is none.
    pub(super) fn layer_for(
        &self,
        request: &Request,
        level: usize,
        is_read: bool,
    ) -> (usize, Request) {
        let request = request.of_row();
        for (level, layer) in self.layers.iter().enumerate().skip(level) {
            if let Some(seen) = layer.sees(&request) {
                return (level, seen);
            }
            if is_read && self.meter.is_measuring() {
                layer.tier.counts().bypassed.increment();
            }
        }
        (self.layers.len(), request)
    }
}
