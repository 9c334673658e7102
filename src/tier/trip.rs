//! The way to a node: the network, its queue, its workers, and what becomes of an errand that is not
//! served.
//!
//! These are leaf futures written by hand. Every hit goes this way; as five nested `async fn`s the same
//! way made each request half as large again, and cost a branch a level whenever one was woken. What is
//! rare (guards, stand-ins, redirects, bandwidth) is boxed and reads as text elsewhere.
//!
//! Not here: what happens in the node (see `contents`), and who answers (see `membership`).

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use super::measured::TopKeys;
use super::membership::{Going, Route};
use super::{Came, Errand, Exchange, Tier, Unreachable, Visit};
use crate::kernel::{Acquire, Kernel, Permit, Rare, Sleep, rarely};
use crate::units::{Key, Nanoseconds};
use crate::workload::Request;

/// The way to one node, and a worker's service there. A node that does not serve says how long the way
/// back from it is.
pub(super) struct Trip<'a> {
    tier: &'a Tier,
    /// `None` if it begins at the node.
    request: Option<&'a Request>,
    key: Key,
    errand: Errand,
    node: u32,
    stage: Stage,
    /// How much longer than the network says the round trip takes; once it has begun, how long the way
    /// back is.
    way_ns: Nanoseconds,
    /// When the way there, or the service, is over.
    until_ns: Nanoseconds,
    delay: Delay<'a>,
    worker: Option<Permit<'a>>,
}

#[derive(Clone, Copy)]
enum Stage {
    New,
    Outward,
    AtDoor,
    Queued,
    Served,
    Carried,
}

/// What is waited for on few trips.
enum Delay<'a> {
    None,
    /// No worker is free.
    Queued(Acquire<'a>),
    /// A value is on its way in or out, by the worker.
    Carried(Rare<'a, ()>),
}

impl<'a> Trip<'a> {
    /// The way of a request to a node.
    #[inline]
    pub(super) fn to(
        tier: &'a Tier,
        node: usize,
        request: &'a Request,
        errand: Errand,
        farther_ns: Nanoseconds,
    ) -> Self {
        Self {
            tier,
            request: Some(request),
            key: request.key,
            errand,
            node: node as u32,
            stage: Stage::New,
            way_ns: farther_ns,
            until_ns: 0,
            worker: None,
            delay: Delay::None,
        }
    }

    /// A service without a way: what a node does for another node.
    pub(super) fn at(tier: &'a Tier, node: usize, key: Key, errand: Errand) -> Self {
        Self {
            tier,
            request: None,
            key,
            errand,
            node: node as u32,
            stage: Stage::AtDoor,
            way_ns: 0,
            until_ns: 0,
            worker: None,
            delay: Delay::None,
        }
    }

    /// Sets out, to be there in `until_ns`.
    #[inline]
    fn set_out(&mut self, request: &Request) -> Result<(), Refusal> {
        let tier = self.tier;
        let node = self.node as usize;
        tier.nodes[node].cache.borrow().announce(self.key);
        if TopKeys::samples(request) {
            tier.sample(request);
        }
        if tier.hot_keys.is_some() && self.errand.exchange.asks_for_a_row() {
            tier.watch(node, request);
        }
        let mut round_trip_ns = tier.round_trip_ns(request, &self.errand, self.way_ns);
        if !tier.disturbances.is_empty() {
            round_trip_ns += tier.set_out(request, node, self.errand.luck_index)?;
        }
        let way_out_ns = round_trip_ns / 2;
        self.way_ns = round_trip_ns - way_out_ns;
        if let Some(tracer) = &tier.meter.tracer {
            tier.trace_way(tracer, node, way_out_ns);
        }
        self.until_ns = tier.kernel.now().saturating_add(way_out_ns);
        Ok(())
    }

    /// A worker begins, to be ready in `until_ns`.
    #[inline]
    fn begin_service(&mut self) {
        let tier = self.tier;
        let cache = tier.nodes[self.node as usize].cache.borrow();
        cache.approach(self.key);
        if self.errand.exchange == Exchange::Set {
            cache.approach_newcomer();
        }
        let mut luck = tier.service_luck.at(self.errand.luck_index);
        let service_ns = tier.plan.service_time.sample_u64(&mut luck);
        if let Some(tracer) = &tier.meter.tracer {
            tier.trace_service(tracer, service_ns);
        }
        self.until_ns = tier.kernel.now().saturating_add(service_ns);
    }

    /// Whether the service is still to come.
    #[inline]
    fn waits_for_service(&self) -> bool {
        let kernel = &self.tier.kernel;
        // A set is the last thing that a miss does, and there may be no way back from it.
        if self.errand.exchange == Exchange::Set && self.way_ns == 0 {
            kernel.wake_at_last(self.until_ns)
        } else {
            kernel.wake_at(self.until_ns)
        }
    }

    /// The node does not serve, for that reason.
    #[cold]
    fn refused(&self, unreachable: Unreachable) -> Refusal {
        (self.tier.refuse(unreachable), self.way_ns)
    }
}

/// Why a node did not serve, and how long the way back from it is.
pub(super) type Refusal = (Unreachable, Nanoseconds);

impl Future for Trip<'_> {
    type Output = Result<Visit, Refusal>;

    #[inline(always)]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let trip = self.get_mut();
        let tier = trip.tier;
        let number = trip.node as usize;
        let node = &tier.nodes[number];
        loop {
            match trip.stage {
                Stage::New => {
                    let request = trip.request.expect("a way is somebody's");
                    if let Err(refusal) = trip.set_out(request) {
                        return Poll::Ready(Err(refusal));
                    }
                    trip.stage = Stage::Outward;
                    if tier.kernel.wake_at(trip.until_ns) {
                        return Poll::Pending;
                    }
                }
                Stage::Outward => {
                    if tier.kernel.now() < trip.until_ns {
                        return Poll::Pending;
                    }
                    trip.stage = Stage::AtDoor;
                }
                Stage::AtDoor => {
                    if tier.meter.is_measuring() {
                        tier.counts().node_exchanges[number].increment();
                    }
                    if node.is_down.get() {
                        return Poll::Ready(Err(trip.refused(Unreachable::Down)));
                    }
                    trip.worker = node.workers.acquire_free();
                    if trip.worker.is_none() {
                        trip.delay = Delay::Queued(node.workers.acquire());
                        trip.stage = Stage::Queued;
                        continue;
                    }
                    trip.begin_service();
                    trip.stage = Stage::Served;
                    if trip.waits_for_service() {
                        return Poll::Pending;
                    }
                }
                Stage::Queued => {
                    if let Delay::Queued(worker) = &mut trip.delay {
                        match ready!(Pin::new(worker).poll(context)) {
                            Ok(worker) => trip.worker = Some(worker),
                            Err(refused) => {
                                return Poll::Ready(Err(trip.refused(refused.into())));
                            }
                        }
                    }
                    trip.delay = Delay::None;
                    trip.begin_service();
                    trip.stage = Stage::Served;
                    if trip.waits_for_service() {
                        return Poll::Pending;
                    }
                }
                Stage::Served => {
                    if tier.kernel.now() < trip.until_ns {
                        return Poll::Pending;
                    }
                    if tier.plan.bandwidth_per_s.is_none() {
                        break;
                    }
                    let Errand {
                        exchange, bytes, ..
                    } = trip.errand;
                    let key = trip.key;
                    let carrying = rarely(move || tier.carry_values(number, exchange, key, bytes));
                    trip.delay = Delay::Carried(carrying);
                    trip.stage = Stage::Carried;
                }
                Stage::Carried => {
                    if let Delay::Carried(carrying) = &mut trip.delay {
                        ready!(carrying.as_mut().poll(context));
                    }
                    trip.delay = Delay::None;
                    break;
                }
            }
        }
        // The worker is free from now on.
        trip.worker = None;
        if node.is_down.get() {
            return Poll::Ready(Err(trip.refused(Unreachable::Down)));
        }
        if let Some(members) = &tier.members
            && trip.request.is_some()
        {
            members.catch_up(tier, number);
        }
        let visit = Visit::free(number, trip.way_ns);
        Poll::Ready(match trip.request {
            Some(request) if !tier.disturbances.is_empty() => {
                tier.come_back(request, &trip.errand, visit)
            }
            _ => Ok(visit),
        })
    }
}

/// A visit to the node that holds a key, wherever that is; see [`Tier::visit`].
pub struct Visiting<'a>(Leg<'a>);

enum Leg<'a> {
    New {
        tier: &'a Tier,
        exchange: Exchange,
        request: &'a Request,
        bytes: u64,
    },
    There(Trip<'a>),
    /// Back from a node that did not serve.
    Back(Sleep<'a>, Unreachable),
    /// By a way that is too rare for every hit to carry it.
    Roundabout(Going<'a, Visit>),
}

impl std::fmt::Debug for Visiting<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Visiting")
    }
}

impl<'a> Visiting<'a> {
    /// A visit with a value of so many bytes.
    #[inline]
    pub(super) fn new(
        tier: &'a Tier,
        exchange: Exchange,
        request: &'a Request,
        bytes: u64,
    ) -> Self {
        Self(Leg::New {
            tier,
            exchange,
            request,
            bytes,
        })
    }

    /// A visit whose caller has seen to the guards.
    fn past_guards(tier: &'a Tier, exchange: Exchange, request: &'a Request, bytes: u64) -> Self {
        let errand = Errand::new(exchange, request, bytes);
        Self(Leg::towards(tier, request, errand))
    }
}

impl<'a> Leg<'a> {
    #[inline]
    fn first(tier: &'a Tier, exchange: Exchange, request: &'a Request, bytes: u64) -> Self {
        if let Some(tracer) = &tier.meter.tracer {
            tier.trace_beginning(tracer, exchange, request);
        }
        match &tier.guards {
            // They are the app's: a change feed does not pass them.
            Some(guards) if exchange != Exchange::Feed => {
                Self::Roundabout(rarely(move || async move {
                    let Ok(pass) = guards.enter(request.instance) else {
                        tier.trace_refusal(Unreachable::Shed);
                        tier.trace_end();
                        return Err(Unreachable::Shed);
                    };
                    let visit = Visiting::past_guards(tier, exchange, request, bytes).await;
                    let way_back_ns = visit.as_ref().map_or(0, Visit::way_back_ns);
                    let is_answered = visit.as_ref().is_ok_and(|visit| !visit.is_lost());
                    pass.end(is_answered, way_back_ns);
                    visit
                }))
            }
            _ => Self::towards(tier, request, Errand::new(exchange, request, bytes)),
        }
    }

    #[inline]
    fn towards(tier: &'a Tier, request: &'a Request, errand: Errand) -> Self {
        let (node, farther_ns) = match &tier.members {
            None => (tier.node_of(request), 0),
            Some(members) => match members.route(tier, errand.exchange, request) {
                Route::Direct { node, farther_ns } => (node, farther_ns),
                Route::Roundabout => {
                    return Self::Roundabout(members.go_round(tier, errand, request));
                }
            },
        };
        if tier.connections.is_some() {
            return Self::Roundabout(rarely(move || async move {
                let outcome = tier.travel(node, request, errand, farther_ns).await;
                match Leg::after(tier, errand, request, outcome) {
                    Ok(visit) => Ok(visit),
                    Err(next) => Visiting(next).await,
                }
            }));
        }
        Self::There(Trip::to(tier, node, request, errand, farther_ns))
    }

    /// The visit, or where it goes on if it does not end with this node.
    #[inline]
    fn after(
        tier: &'a Tier,
        errand: Errand,
        request: &'a Request,
        outcome: Result<Visit, Refusal>,
    ) -> Result<Visit, Self> {
        match (outcome, &tier.members) {
            (Ok(visit), None) => Ok(visit),
            (Ok(visit), Some(members)) => match members.elsewhere(tier, visit.node(), request) {
                None => Ok(visit),
                Some(elsewhere) => {
                    let redirect = members.redirect(tier, errand, request, visit, elsewhere);
                    Err(Self::Roundabout(redirect))
                }
            },
            (Err((unreachable, way_back_ns)), None) => {
                Err(Self::Back(tier.go_back(way_back_ns), unreachable))
            }
            (Err((unreachable, way_back_ns)), Some(members)) => {
                let giving_up = members.give_up(tier, errand, request, unreachable, way_back_ns);
                Err(Self::Roundabout(giving_up))
            }
        }
    }
}

impl Future for Visiting<'_> {
    type Output = Result<Visit, Unreachable>;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let leg = &mut self.get_mut().0;
        loop {
            match leg {
                &mut Leg::New {
                    tier,
                    exchange,
                    request,
                    bytes,
                } => *leg = Leg::first(tier, exchange, request, bytes),
                Leg::There(trip) => {
                    let outcome = ready!(Pin::new(&mut *trip).poll(context));
                    let Trip { tier, errand, .. } = *trip;
                    let request = trip.request.expect("a visit is somebody's");
                    match Leg::after(tier, errand, request, outcome) {
                        Ok(visit) => return Poll::Ready(Ok(visit)),
                        Err(next) => *leg = next,
                    }
                }
                Leg::Back(way, unreachable) => {
                    ready!(Pin::new(way).poll(context));
                    return Poll::Ready(Err(*unreachable));
                }
                Leg::Roundabout(going) => return going.as_mut().poll(context),
            }
        }
    }
}

/// The way back from a node; see [`Tier::leave`].
#[derive(Debug)]
pub struct Leaving<'a> {
    kernel: &'a Kernel,
    /// How long it takes; once it has begun, when it is over.
    until_ns: Nanoseconds,
    has_begun: bool,
    /// The connection that is free when it is over, if it needs one.
    _back: Option<Rc<super::Back>>,
}

impl<'a> Leaving<'a> {
    #[inline]
    pub(super) fn new(kernel: &'a Kernel, visit: Visit) -> Self {
        Self {
            kernel,
            until_ns: visit.way_back_ns(),
            has_begun: false,
            _back: match visit.came {
                Came::Freely { .. } | Came::Lost { .. } => None,
                Came::Connected { back, .. } => Some(back),
            },
        }
    }
}

impl Future for Leaving<'_> {
    type Output = ();

    #[inline(always)]
    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        let leaving = self.get_mut();
        let is_on_its_way = if leaving.has_begun {
            leaving.kernel.now() < leaving.until_ns
        } else {
            leaving.has_begun = true;
            leaving.until_ns = leaving.kernel.now().saturating_add(leaving.until_ns);
            leaving.kernel.wake_at_last(leaving.until_ns)
        };
        if is_on_its_way {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    }
}
