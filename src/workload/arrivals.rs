//! Arrivals: when requests come.
//!
//! An *open* loop ([`Open`]) does not wait for answers. Its rate at an instant is a product: the
//! rate of the process (which may change at random, as in bursts), times the [`Curve`] over time,
//! times the factors of surges. Arrivals are made by time rescaling: points of a process of rate 1
//! are drawn, and each is put at the instant where the integrated rate reaches it (Cinlar,
//! "Introduction to Stochastic Processes", 1975, section 4.7). The integral is inverted exactly,
//! piece by piece, so nothing is polled, nothing drifts, and a stretch without any rate costs one
//! step. Bursts last as long in simulated time whatever the curve does.
//!
//! In a *closed* loop ([`Closed`]) each user waits for the answer, thinks, and asks again.
//!
//! Not here: what is asked ([`super::Workload`]), and the client that waits (`client`).

use libm::{cos, log, sin};

use super::distribution::Distribution;
use super::parameters::{
    Kind, LARGEST, Parameter, ParameterError, Row, not_negative, share, turn_ns,
};
use crate::random::{Draws, Luck, Stream};
use crate::units::Nanoseconds;

/// One second in nanoseconds, for rates.
const SECOND: f64 = 1e9;

/// More than this is a typing error: a request every picosecond.
const LARGEST_RATE: f64 = 1e12;

/// When requests come, as checked.
#[derive(Clone, Debug)]
pub enum Plan {
    /// Requests that do not wait for answers.
    Open(Open),
    /// Users who do.
    Closed(Closed),
}

/// An open loop: a process, a curve and surges.
#[derive(Clone, Debug)]
pub struct Open {
    process: Process,
    /// Whether points are a constant distance apart; else it is exponential.
    even: bool,
    curve: Curve,
    /// Instants from which a factor holds, rising, the first at 0.
    surges: Vec<(f64, f64)>,
}

#[derive(Clone, Debug)]
enum Process {
    Steady {
        rate: f64,
    },
    OnOff {
        on_rate: f64,
        off_rate: f64,
        on: Distribution,
        off: Distribution,
    },
    Modulated {
        /// Pairs of a rate per second and a mean duration in nanoseconds.
        states: Vec<(f64, f64)>,
    },
}

impl Open {
    fn new(process: Process, even: bool) -> Self {
        Self {
            process,
            even,
            curve: Curve::constant(),
            surges: vec![(0.0, 1.0)],
        }
    }

    /// A Poisson process: very many users who know nothing of each other.
    ///
    /// # Errors
    /// When the rate is not above 0 and at most 1e12 per second.
    pub fn poisson(rate_per_s: f64) -> Result<Self, ParameterError> {
        Ok(Self::new(
            Process::Steady {
                rate: some_rate("rate", rate_per_s)?,
            },
            false,
        ))
    }

    /// Requests a constant time apart, the first at instant 0: a load generator.
    ///
    /// # Errors
    /// When the rate is not above 0 and at most 1e12 per second.
    pub fn constant(rate_per_s: f64) -> Result<Self, ParameterError> {
        Ok(Self::new(
            Process::Steady {
                rate: some_rate("rate", rate_per_s)?,
            },
            true,
        ))
    }

    /// Bursts: `rate_per_s` while on, `off_rate_per_s` while off, durations in nanoseconds. Begins
    /// with an on-time. Poisson within both, unless made [`Open::even`].
    ///
    /// # Errors
    /// When the rate while on is not above 0, or the mean of a duration is below a microsecond.
    pub fn on_off(
        rate_per_s: f64,
        off_rate_per_s: f64,
        on: Distribution,
        off: Distribution,
    ) -> Result<Self, ParameterError> {
        let on_rate = some_rate("rate", rate_per_s)?;
        let off_rate = any_rate("off_rate", off_rate_per_s)?;
        // A Pareto time without a mean is welcome: such bursts are self-similar.
        turn_ns("on", on.mean().min(LARGEST))?;
        turn_ns("off", off.mean().min(LARGEST))?;
        Ok(Self::new(
            Process::OnOff {
                on_rate,
                off_rate,
                on,
                off,
            },
            false,
        ))
    }

    /// A Markov-modulated Poisson process: in each state, Poisson with a rate of its own for an
    /// exponential time; then one of the other states, all equally likely. `states` are pairs of a
    /// rate per second and a mean duration in nanoseconds. The first state is drawn as if the
    /// process had been running for ever, so the mean rate holds from the start.
    ///
    /// # Errors
    /// When there is no state, no rate is above 0, or a mean duration is below a microsecond.
    pub fn mmpp(states: &[(f64, f64)]) -> Result<Self, ParameterError> {
        let name = "states";
        for &(rate, duration_ns) in states {
            let rate = any_rate("rate", rate).and(turn_ns("duration", duration_ns));
            rate.map_err(|error| ParameterError::new(name, format!("has one whose {error}")))?;
        }
        if !states.iter().any(|&(rate, _)| rate > 0.0) {
            return Err(ParameterError::new(
                name,
                "must have one with a rate above 0",
            ));
        }
        let states = states.to_vec();
        Ok(Self::new(Process::Modulated { states }, false))
    }

    /// The same, with requests evenly spaced instead of Poisson: within a burst they are a constant
    /// time apart, and on a ramp that time shrinks smoothly.
    #[must_use]
    pub fn even(mut self, even: bool) -> Self {
        self.even = even;
        self
    }

    /// The same, with the rate multiplied by `curve`. (To give rates over time outright, let the
    /// process have rate 1.)
    #[must_use]
    pub fn with_curve(mut self, curve: Curve) -> Self {
        self.curve = curve;
        self
    }

    /// The same, with the rate multiplied by `factor` from one instant up to another, both in
    /// nanoseconds. Surges that overlap multiply.
    ///
    /// # Errors
    /// When the surge does not end after it begins, or the factor is negative.
    pub fn with_surge(
        mut self,
        from_ns: Nanoseconds,
        to_ns: Nanoseconds,
        factor: f64,
    ) -> Result<Self, ParameterError> {
        if from_ns >= to_ns {
            return Err(ParameterError::new(
                "to",
                "must be later than the beginning",
            ));
        }
        if !(0.0..=1e9).contains(&factor) {
            return Err(ParameterError::new(
                "factor",
                format!("must be between 0 and 1e9, not {factor}"),
            ));
        }
        let (from, to) = (from_ns as f64, to_ns as f64);
        for edge in [from, to] {
            let after = self.surges.partition_point(|&(begins, _)| begins <= edge);
            let (begins, before) = self.surges[after - 1];
            if begins < edge {
                self.surges.insert(after, (edge, before));
            }
        }
        for (begins, product) in &mut self.surges {
            if (from..to).contains(begins) {
                *product *= factor;
            }
        }
        Ok(self)
    }

    /// The same, with the rate multiplied by `factor` from one instant to another, both in
    /// nanoseconds, and no requests before and after.
    #[must_use]
    pub fn only_within(mut self, from_ns: Nanoseconds, to_ns: Nanoseconds, factor: f64) -> Self {
        let (from, to) = (from_ns as f64, to_ns as f64);
        self.surges = [(0.0, 0.0), (from, factor), (to, 0.0)]
            .into_iter()
            // At 0 nothing comes before.
            .filter(|&(begins, of)| begins > 0.0 || of > 0.0 || from > 0.0)
            .collect();
        self
    }

    /// The rate of the process in the long run, per second, before curve and surges; NaN where a
    /// duration has no mean.
    #[must_use]
    pub fn mean_rate_per_s(&self) -> f64 {
        match &self.process {
            Process::Steady { rate } => *rate,
            Process::OnOff {
                on_rate,
                off_rate,
                on,
                off,
            } => {
                let (on, off) = (on.mean(), off.mean());
                (on_rate * on + off_rate * off) / (on + off)
            }
            Process::Modulated { states } => {
                let total: f64 = states.iter().map(|&(_, duration)| duration).sum();
                states
                    .iter()
                    .map(|&(rate, duration)| rate * duration / total)
                    .sum()
            }
        }
    }
}

fn any_rate(name: &'static str, rate: f64) -> Result<f64, ParameterError> {
    if (0.0..=LARGEST_RATE).contains(&rate) {
        Ok(rate)
    } else {
        Err(ParameterError::new(
            name,
            format!("must be between 0 and {LARGEST_RATE:e} per second, not {rate}"),
        ))
    }
}

fn some_rate(name: &'static str, rate: f64) -> Result<f64, ParameterError> {
    if any_rate(name, rate)? > 0.0 {
        Ok(rate)
    } else {
        Err(ParameterError::new(name, "must be above 0"))
    }
}

/// A factor (or, for a process of rate 1, a rate per second) over time.
#[derive(Clone, Debug)]
pub struct Curve {
    shape: CurveShape,
}

#[derive(Clone, Debug)]
enum CurveShape {
    Pieces {
        pieces: Vec<CurvePiece>,
        /// After so long it begins again; infinite if never.
        repeat_ns: f64,
    },
    Sine {
        period_ns: f64,
        low: f64,
        high: f64,
        /// How far into the period it is at instant 0; the period begins where it is lowest.
        ahead_ns: f64,
    },
}

/// From `begins_ns` to the next piece, on a straight line.
#[derive(Clone, Copy, Debug, PartialEq)]
struct CurvePiece {
    begins_ns: f64,
    value: f64,
    slope_per_ns: f64,
}

impl Curve {
    /// 1 for ever.
    #[must_use]
    pub fn constant() -> Self {
        let only = CurvePiece {
            begins_ns: 0.0,
            value: 1.0,
            slope_per_ns: 0.0,
        };
        Self {
            shape: CurveShape::Pieces {
                pieces: vec![only],
                repeat_ns: f64::INFINITY,
            },
        }
    }

    /// Steps: pairs of an instant in nanoseconds and the value from there on. Before the first, its
    /// value holds; after the last, the last one does, or with `repeat_ns` all begins again (then
    /// what is before the first instant belongs to the last value).
    ///
    /// # Errors
    /// When there is no pair, instants do not rise or are not before `repeat_ns`, or a value is
    /// negative.
    pub fn steps(points: &[(f64, f64)], repeat_ns: Option<f64>) -> Result<Self, ParameterError> {
        let repeat_ns = check_points(points, repeat_ns, false)?;
        let mut pieces: Vec<CurvePiece> = points
            .iter()
            .map(|&(begins_ns, value)| CurvePiece {
                begins_ns,
                value,
                slope_per_ns: 0.0,
            })
            .collect();
        let wraps = repeat_ns.is_finite();
        let first = pieces[if wraps { pieces.len() - 1 } else { 0 }];
        if pieces[0].begins_ns > 0.0 {
            pieces.insert(
                0,
                CurvePiece {
                    begins_ns: 0.0,
                    ..first
                },
            );
        }
        Ok(Self {
            shape: CurveShape::Pieces { pieces, repeat_ns },
        })
    }

    /// Ramps: straight lines between pairs of an instant in nanoseconds and a value; two pairs of
    /// one instant make a jump. Before the first, its value holds; after the last, the last one
    /// does, or with `repeat_ns` all begins again and a line leads from the last to the first.
    ///
    /// # Errors
    /// When there is no pair, instants fall or are not before `repeat_ns`, or a value is negative.
    pub fn ramps(points: &[(f64, f64)], repeat_ns: Option<f64>) -> Result<Self, ParameterError> {
        let repeat_ns = check_points(points, repeat_ns, true)?;
        let (first_at, first) = points[0];
        let (last_at, last) = points[points.len() - 1];
        let mut corners = points.to_vec();
        if repeat_ns.is_finite() {
            let gap = repeat_ns - last_at + first_at;
            let at_zero = if gap > 0.0 {
                last + (first - last) * ((repeat_ns - last_at) / gap)
            } else {
                first
            };
            if first_at > 0.0 {
                corners.insert(0, (0.0, at_zero));
            }
            corners.push((repeat_ns, at_zero));
        } else {
            if first_at > 0.0 {
                corners.insert(0, (0.0, first));
            }
            corners.push((f64::INFINITY, last));
        }
        let pieces = corners
            .windows(2)
            .filter(|pair| pair[0].0 < pair[1].0)
            .map(|pair| CurvePiece {
                begins_ns: pair[0].0,
                value: pair[0].1,
                slope_per_ns: (pair[1].1 - pair[0].1) / (pair[1].0 - pair[0].0),
            })
            .collect();
        Ok(Self {
            shape: CurveShape::Pieces { pieces, repeat_ns },
        })
    }

    /// Up and down as days and nights do: between `low` and `high` and back once in a period. At
    /// instant 0 it is at `phase` of a period, where 0 is lowest and 0.5 highest.
    ///
    /// # Errors
    /// When the period is below a microsecond, `low` is negative or above `high`, `high` is 0, or
    /// `phase` not in 0..=1.
    pub fn sine(period_ns: f64, low: f64, high: f64, phase: f64) -> Result<Self, ParameterError> {
        turn_ns("period", period_ns)?;
        any_rate("low", low)?;
        some_rate("high", high)?;
        if low > high {
            return Err(ParameterError::new(
                "low",
                format!("must be at most `high`: {low} is above {high}"),
            ));
        }
        share("phase", phase)?;
        Ok(Self {
            shape: CurveShape::Sine {
                period_ns,
                low,
                high,
                ahead_ns: phase * period_ns,
            },
        })
    }
}

/// Checks the points of steps or ramps; returns when they begin again.
fn check_points(
    points: &[(f64, f64)],
    repeat_ns: Option<f64>,
    jumps: bool,
) -> Result<f64, ParameterError> {
    let name = "points";
    if points.is_empty() {
        return Err(ParameterError::new(name, "must have at least one pair"));
    }
    let mut before: Option<f64> = None;
    for &(at_ns, value) in points {
        let point = not_negative("instant", at_ns).and(any_rate("value", value));
        point.map_err(|error| ParameterError::new(name, format!("has one whose {error}")))?;
        if before.is_some_and(|before| at_ns < before || (at_ns == before && !jumps)) {
            return Err(ParameterError::new(name, "must have instants that rise"));
        }
        before = Some(at_ns);
    }
    let Some(repeat_ns) = repeat_ns else {
        return Ok(f64::INFINITY);
    };
    turn_ns("repeat", repeat_ns)?;
    // A ramp may end in the instant of its return, and then jump.
    if before.is_some_and(|last| last > repeat_ns || (last == repeat_ns && !jumps)) {
        return Err(ParameterError::new(
            "repeat",
            "must be later than the last of `points`",
        ));
    }
    Ok(repeat_ns)
}

/// A closed loop: users who wait for the answer, think, and ask again.
#[derive(Clone, Debug)]
pub struct Closed {
    users: u32,
    think: Distribution,
}

impl Closed {
    /// The most users.
    pub const LARGEST: u32 = 1 << 24;

    /// `users` who think for a time drawn from `think` (nanoseconds) after each answer.
    ///
    /// # Errors
    /// When there is no user, or more than 2^24.
    pub fn new(users: u64, think: Distribution) -> Result<Self, ParameterError> {
        match u32::try_from(users) {
            Ok(users @ 1..=Self::LARGEST) => Ok(Self { users, think }),
            _ => Err(ParameterError::new(
                "users",
                format!("must be between 1 and 2^24, not {users}"),
            )),
        }
    }

    /// How many users there are.
    #[must_use]
    pub fn users(&self) -> u32 {
        self.users
    }

    /// How long they think, in nanoseconds.
    #[must_use]
    pub fn think(&self) -> &Distribution {
        &self.think
    }
}

/// The think times of one replication of a [`Closed`] loop.
#[derive(Clone, Debug)]
pub struct ClosedLoop {
    plan: Closed,
    stream: Stream,
}

impl ClosedLoop {
    /// The users of `plan` under `luck`.
    #[must_use]
    pub fn new(plan: &Closed, luck: Luck) -> Self {
        Self {
            plan: plan.clone(),
            stream: luck.stream("workload.think"),
        }
    }

    /// How many users there are; they are numbered from 0.
    #[must_use]
    pub fn users(&self) -> u32 {
        self.plan.users
    }

    /// When `user` asks for the first time: users are spread evenly over one think time (their own,
    /// of turn 0), so that a constant think time does not make them march in step.
    #[must_use]
    pub fn start_ns(&self, user: u32) -> Nanoseconds {
        let share = f64::from(user) / f64::from(self.plan.users);
        (self.think_ns(user, 0) as f64 * share) as Nanoseconds
    }

    /// How long `user` thinks after the answer number `turn`, counted from 1.
    #[inline]
    #[must_use]
    pub fn think_ns(&self, user: u32, turn: u64) -> Nanoseconds {
        // Users are below 2^24; 2^40 turns take longer than any run.
        let index = (u64::from(user) << 40) | (turn & ((1 << 40) - 1));
        self.plan.think.sample_u64(&mut self.stream.at(index))
    }
}

/// The arrival instants of one replication of an [`Open`] loop.
#[derive(Clone, Debug)]
pub struct Arrivals {
    even: bool,
    gaps: Stream,
    /// How many points were drawn, and where the latest is: both in units of the process of rate 1.
    points: u64,
    point: f64,
    /// The stretch of time in which the latest arrival was, and the integrated rate before it.
    segment: Segment,
    area_before: f64,
    path: Path,
    latest_ns: Nanoseconds,
    ended: bool,
}

impl Arrivals {
    /// The arrivals of `plan` under `luck`. Arrival number i is made from draw number i, whatever
    /// the rates are.
    #[must_use]
    pub fn new(plan: &Open, luck: Luck) -> Self {
        let path = Path::new(plan, luck.stream("workload.state"));
        let segment = path.segment();
        Self {
            even: plan.even,
            gaps: luck.stream("workload.arrival"),
            points: 0,
            point: 0.0,
            segment,
            area_before: 0.0,
            path,
            latest_ns: 0,
            ended: false,
        }
    }

    /// Other arrivals of `plan`, of the crowd whose first request has the number `first`: the rates
    /// change as they do for the ordinary ones, but the instants are others.
    #[must_use]
    pub fn beside(plan: &Open, luck: Luck, first: u64) -> Self {
        Self {
            gaps: luck.stream(&format!("workload.arrival.{first}")),
            ..Self::new(plan, luck)
        }
    }

    /// The next arrival, never before the one before it. `None` when no more will come: the rate
    /// stays 0 for ever, or 584 years are over.
    #[inline]
    #[allow(clippy::should_implement_trait)] // it is, below; this one inlines without `use`
    pub fn next(&mut self) -> Option<Nanoseconds> {
        if self.ended {
            return None;
        }
        if self.even {
            self.point = self.points as f64;
        } else {
            self.point += -log(self.gaps.at(self.points).unit());
        }
        self.points += 1;
        // An arrival is where the integrated rate *leaves* its point: after a stretch without any
        // rate, not before it.
        while self.point - self.area_before >= self.segment.area {
            if !self.advance() {
                self.ended = true;
                return None;
            }
        }
        let offset = self.segment.offset_of(self.point - self.area_before);
        let at = self.segment.begins_ns + offset + 0.5;
        if at >= u64::MAX as f64 {
            self.ended = true;
            return None;
        }
        self.latest_ns = self.latest_ns.max(at as Nanoseconds);
        Some(self.latest_ns)
    }

    /// Goes on to the next stretch with a rate; false if there is none.
    #[cold]
    fn advance(&mut self) -> bool {
        if self.segment.area == f64::INFINITY {
            return false; // a point at infinity: not reached
        }
        self.area_before += self.segment.area;
        let begun_again = self.path.begun_again;
        loop {
            self.segment = match self.path.advance() {
                Some(()) => self.path.segment(),
                None => return false,
            };
            if self.segment.area > 0.0 {
                return true;
            }
            // Bursts of constant length may fall into the gaps of a curve that repeats, each time
            // anew for ever.
            if self.path.begun_again - begun_again > 100_000 {
                return false;
            }
        }
    }
}

impl Iterator for Arrivals {
    type Item = Nanoseconds;

    fn next(&mut self) -> Option<Nanoseconds> {
        Self::next(self)
    }
}

/// A stretch of time in which the rate follows one formula.
#[derive(Clone, Debug)]
struct Segment {
    begins_ns: f64,
    length_ns: f64,
    /// The integrated rate over all of it.
    area: f64,
    form: Form,
    /// The latest offset, where the search for the next one begins.
    hint_ns: f64,
}

/// The rate of a segment; integrals are in arrivals, offsets in nanoseconds since its beginning.
#[derive(Clone, Copy, Debug)]
enum Form {
    /// So many per second.
    Flat { rate: f64 },
    /// Per second at the beginning, and how much it grows in a nanosecond.
    Ramp { rate: f64, slope: f64 },
    /// Per second: middle - swing * cos(2 pi (offset + ahead) / period).
    Sine {
        middle: f64,
        swing: f64,
        period_ns: f64,
        ahead_ns: f64,
    },
}

impl Form {
    fn rate(&self, offset: f64) -> f64 {
        match *self {
            Self::Flat { rate } => rate,
            Self::Ramp { rate, slope } => rate + slope * offset,
            Self::Sine {
                middle,
                swing,
                period_ns,
                ahead_ns,
            } => middle - swing * cos(std::f64::consts::TAU * ((offset + ahead_ns) / period_ns)),
        }
    }

    fn area(&self, offset: f64) -> f64 {
        match *self {
            Self::Flat { rate: 0.0 } => 0.0,
            Self::Flat { rate } => rate * offset / SECOND,
            Self::Ramp { rate, slope } => (rate + 0.5 * slope * offset) * offset / SECOND,
            Self::Sine {
                middle,
                swing,
                period_ns,
                ahead_ns,
            } => {
                let turn = std::f64::consts::TAU / period_ns;
                let swung = sin(turn * (offset + ahead_ns)) - sin(turn * ahead_ns);
                (middle * offset - swing * swung / turn) / SECOND
            }
        }
    }
}

impl Segment {
    fn new(begins_ns: f64, length_ns: f64, form: Form) -> Self {
        Self {
            begins_ns,
            length_ns,
            area: form.area(length_ns).max(0.0),
            form,
            hint_ns: 0.0,
        }
    }

    /// The offset at which the integrated rate reaches `area`, which is below that of the segment
    /// and not below that of the call before.
    #[inline]
    fn offset_of(&mut self, area: f64) -> f64 {
        match self.form {
            Form::Flat { rate } => (area * SECOND / rate).min(self.length_ns),
            Form::Ramp { rate, slope } => {
                // The root of rate x + slope x^2 / 2 = area that does not cancel, whether the ramp
                // goes up or down.
                let area = area * SECOND;
                let root = (rate * rate + 2.0 * slope * area).max(0.0).sqrt();
                let offset = if area > 0.0 {
                    2.0 * area / (rate + root)
                } else {
                    0.0
                };
                offset.min(self.length_ns)
            }
            Form::Sine { .. } => self.search(area),
        }
    }

    /// Newton's method, kept between bounds that close in.
    fn search(&mut self, area: f64) -> f64 {
        let (mut low, mut high) = (self.hint_ns, self.length_ns);
        let mut offset = self.hint_ns;
        for _ in 0..200 {
            let off = self.form.area(offset) - area;
            if off > 0.0 {
                high = offset;
            } else {
                low = offset;
            }
            let mut better = offset - off * SECOND / self.form.rate(offset);
            // NaN where the rate is 0 and nothing is off.
            if !(better >= low && better <= high) {
                better = 0.5 * (low + high);
            }
            let moved = (better - offset).abs();
            offset = better;
            // A hundredth of a nanosecond: below the resolution of time.
            if moved < 0.01 {
                break;
            }
        }
        self.hint_ns = offset;
        offset
    }
}

/// Where process, curve and surges are at an instant, and when each changes next.
#[derive(Clone, Debug)]
struct Path {
    now_ns: f64,
    process: Process,
    states: Stream,
    /// How many states were entered, which one it is, and when it ends.
    entered: u64,
    state: usize,
    state_ends_ns: f64,
    curve: CurveShape,
    /// The piece of the curve, how often the curve has begun again, and when the piece ends.
    piece: usize,
    begun_again: u64,
    piece_ends_ns: f64,
    surges: Vec<(f64, f64)>,
    surge: usize,
}

impl Path {
    fn new(plan: &Open, states: Stream) -> Self {
        let mut path = Self {
            now_ns: 0.0,
            process: plan.process.clone(),
            states,
            entered: 0,
            state: 0,
            state_ends_ns: 0.0,
            curve: plan.curve.shape.clone(),
            piece: 0,
            begun_again: 0,
            piece_ends_ns: 0.0,
            surges: plan.surges.clone(),
            surge: 0,
        };
        path.piece_ends_ns = path.end_of_piece();
        path.enter_first_state();
        path
    }

    fn enter_first_state(&mut self) {
        let mut draws = self.next_state_draws();
        self.state_ends_ns = match &self.process {
            Process::Steady { .. } => f64::INFINITY,
            Process::OnOff { on, .. } => on.sample(&mut draws),
            Process::Modulated { states } => {
                let total: f64 = states.iter().map(|&(_, duration)| duration).sum();
                let mut left = draws.unit() * total;
                self.state = states
                    .iter()
                    .position(|&(_, duration)| {
                        left -= duration;
                        left < 0.0
                    })
                    .unwrap_or(states.len() - 1);
                // What is left of an exponential time is as long as a new one.
                -states[self.state].1 * log(draws.unit())
            }
        };
    }

    fn enter_next_state(&mut self) {
        let mut draws = self.next_state_draws();
        let duration = match &self.process {
            Process::Steady { .. } => f64::INFINITY,
            Process::OnOff { on, off, .. } => {
                self.state = 1 - self.state;
                let distribution = if self.state == 0 { on } else { off };
                distribution.sample(&mut draws)
            }
            Process::Modulated { states } => {
                let others = states.len() as u64 - 1;
                let step = 1 + draws.below(others) as usize;
                self.state = (self.state + step) % states.len();
                -states[self.state].1 * log(draws.unit())
            }
        };
        self.state_ends_ns += duration;
    }

    fn next_state_draws(&mut self) -> Draws {
        let draws = self.states.at(self.entered);
        self.entered += 1;
        draws
    }

    fn rate(&self) -> f64 {
        match &self.process {
            Process::Steady { rate } => *rate,
            Process::OnOff {
                on_rate, off_rate, ..
            } => {
                if self.state == 0 {
                    *on_rate
                } else {
                    *off_rate
                }
            }
            Process::Modulated { states } => states[self.state].0,
        }
    }

    fn curve_begins_ns(&self) -> f64 {
        match self.curve {
            CurveShape::Pieces { repeat_ns, .. } if self.begun_again > 0 => {
                repeat_ns * self.begun_again as f64
            }
            CurveShape::Pieces { .. } => 0.0,
            CurveShape::Sine {
                period_ns,
                ahead_ns,
                ..
            } => period_ns * self.begun_again as f64 - ahead_ns,
        }
    }

    fn end_of_piece(&self) -> f64 {
        let end = match &self.curve {
            CurveShape::Pieces { pieces, repeat_ns } => pieces
                .get(self.piece + 1)
                .map_or(*repeat_ns, |next| next.begins_ns),
            CurveShape::Sine { period_ns, .. } => *period_ns,
        };
        self.curve_begins_ns() + end
    }

    fn surge_ends_ns(&self) -> f64 {
        self.surges
            .get(self.surge + 1)
            .map_or(f64::INFINITY, |next| next.0)
    }

    /// Goes to the next instant at which anything changes. `None` if nothing does any more, or only
    /// what is multiplied by 0 for ever.
    fn advance(&mut self) -> Option<()> {
        let surge_ends_ns = self.surge_ends_ns();
        let next = self
            .state_ends_ns
            .min(self.piece_ends_ns)
            .min(surge_ends_ns);
        let surged_to_nothing = surge_ends_ns == f64::INFINITY && self.surges[self.surge].1 == 0.0;
        if next == f64::INFINITY || surged_to_nothing || self.curve_is_over() {
            return None;
        }
        self.now_ns = self.now_ns.max(next);
        if self.state_ends_ns <= next {
            self.enter_next_state();
        }
        if self.piece_ends_ns <= next {
            let pieces = match &self.curve {
                CurveShape::Pieces { pieces, .. } => pieces.len(),
                CurveShape::Sine { .. } => 1,
            };
            self.piece += 1;
            if self.piece == pieces {
                self.piece = 0;
                self.begun_again += 1;
            }
            self.piece_ends_ns = self.end_of_piece();
        }
        if surge_ends_ns <= next {
            self.surge += 1;
        }
        Some(())
    }

    /// Whether the curve is 0 from now on, or was never anything else.
    fn curve_is_over(&self) -> bool {
        let nothing = |piece: &CurvePiece| piece.value == 0.0 && piece.slope_per_ns == 0.0;
        match &self.curve {
            CurveShape::Pieces { pieces, repeat_ns } if *repeat_ns == f64::INFINITY => {
                pieces[self.piece..].iter().all(nothing)
            }
            CurveShape::Pieces { pieces, .. } => pieces.iter().all(nothing),
            CurveShape::Sine { .. } => false,
        }
    }

    /// The segment from now to the next change.
    fn segment(&self) -> Segment {
        let ends_ns = self
            .state_ends_ns
            .min(self.piece_ends_ns)
            .min(self.surge_ends_ns());
        let factor = self.rate() * self.surges[self.surge].1;
        let form = match &self.curve {
            CurveShape::Pieces { pieces, .. } => {
                let piece = pieces[self.piece];
                let since = self.now_ns - self.curve_begins_ns() - piece.begins_ns;
                let rate = factor * (piece.value + piece.slope_per_ns * since).max(0.0);
                let slope = factor * piece.slope_per_ns;
                if slope == 0.0 {
                    Form::Flat { rate }
                } else {
                    Form::Ramp { rate, slope }
                }
            }
            CurveShape::Sine {
                period_ns,
                low,
                high,
                ..
            } => {
                if factor == 0.0 {
                    Form::Flat { rate: 0.0 }
                } else {
                    Form::Sine {
                        middle: factor * 0.5 * (low + high),
                        swing: factor * 0.5 * (high - low),
                        period_ns: *period_ns,
                        ahead_ns: self.now_ns - self.curve_begins_ns(),
                    }
                }
            }
        };
        Segment::new(self.now_ns, ends_ns - self.now_ns, form)
    }
}

const RATE: Parameter = Parameter::required("rate", Kind::Rate, "requests per second");
const EVEN: Parameter = Parameter::optional(
    "even",
    Kind::Switch,
    "whether requests are evenly spaced while on, instead of Poisson (false)",
);

/// Every process by which requests arrive.
pub static TABLE: &[Row<Plan>] = &[
    Row {
        name: "poisson",
        parameters: &[RATE],
        meaning: "open loop: very many users who know nothing of each other",
        source: "",
        build: |arguments| Ok(Plan::Open(Open::poisson(arguments.number("rate")?)?)),
    },
    Row {
        name: "constant",
        parameters: &[RATE],
        meaning: "open loop: a constant time apart, the first at once, as a load generator sends",
        source: "",
        build: |arguments| Ok(Plan::Open(Open::constant(arguments.number("rate")?)?)),
    },
    Row {
        name: "on-off",
        parameters: &[
            Parameter::required("rate", Kind::Rate, "requests per second while on"),
            Parameter::required("on", Kind::Durations, "how long a burst lasts"),
            Parameter::required(
                "off",
                Kind::Durations,
                "how long the pause between bursts is",
            ),
            Parameter::optional("off_rate", Kind::Rate, "requests per second while off (0)"),
            EVEN,
        ],
        meaning: "open loop: bursts and pauses, beginning with a burst",
        source: "",
        build: |arguments| {
            let open = Open::on_off(
                arguments.number("rate")?,
                arguments.optional("off_rate")?.unwrap_or(0.0),
                arguments.distribution("on")?.clone(),
                arguments.distribution("off")?.clone(),
            )?;
            Ok(Plan::Open(open.even(arguments.switch("even", false)?)))
        },
    },
    Row {
        name: "mmpp",
        parameters: &[Parameter::required(
            "states",
            Kind::States,
            "pairs of a rate and a mean duration; any state may follow any other",
        )],
        meaning: "open loop: Poisson with a rate that jumps between states at random",
        source: "Fischer and Meier-Hellstern, \"The Markov-modulated Poisson process cookbook\", \
                 Performance Evaluation 1993",
        build: |arguments| Ok(Plan::Open(Open::mmpp(arguments.pairs("states")?)?)),
    },
    Row {
        name: "closed",
        parameters: &[
            Parameter::required("users", Kind::Count, "how many users there are"),
            Parameter::required(
                "think",
                Kind::Durations,
                "pause between an answer and the next request",
            ),
        ],
        meaning: "closed loop: users who wait for the answer, think, and ask again",
        source: "",
        build: |arguments| {
            let users = arguments.count("users")?;
            let think = arguments.distribution("think")?.clone();
            Ok(Plan::Closed(Closed::new(users, think)?))
        },
    },
];

const REPEAT: Parameter = Parameter::optional(
    "repeat",
    Kind::Duration,
    "after so long it begins again (never)",
);

/// Every shape that a rate can have over time.
pub static CURVES: &[Row<Curve>] = &[
    Row {
        name: "constant",
        parameters: &[],
        meaning: "always the same",
        source: "",
        build: |_| Ok(Curve::constant()),
    },
    Row {
        name: "steps",
        parameters: &[
            Parameter::required(
                "points",
                Kind::Instants,
                "pairs of an instant and the value from there on",
            ),
            REPEAT,
        ],
        meaning: "one value after the other",
        source: "",
        build: |arguments| Curve::steps(arguments.pairs("points")?, arguments.optional("repeat")?),
    },
    Row {
        name: "ramps",
        parameters: &[
            Parameter::required(
                "points",
                Kind::Instants,
                "pairs of an instant and the value there",
            ),
            REPEAT,
        ],
        meaning: "straight lines between values; two of one instant make a jump",
        source: "",
        build: |arguments| Curve::ramps(arguments.pairs("points")?, arguments.optional("repeat")?),
    },
    Row {
        name: "sine",
        parameters: &[
            Parameter::required("period", Kind::Duration, "from one low to the next"),
            Parameter::required("low", Kind::Rate, "the lowest value"),
            Parameter::required("high", Kind::Rate, "the highest value"),
            Parameter::optional(
                "phase",
                Kind::Share,
                "share of the period that is over at the start; 0 is lowest (0)",
            ),
        ],
        meaning: "up and down as days and nights do",
        source: "",
        build: |arguments| {
            Curve::sine(
                arguments.number("period")?,
                arguments.number("low")?,
                arguments.number("high")?,
                arguments.optional("phase")?.unwrap_or(0.0),
            )
        },
    },
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::parameters::{Argument, Arguments};
    use super::*;
    use crate::units::SECOND_NS;

    fn arrivals(plan: &Open) -> Arrivals {
        Arrivals::new(plan, Luck::new(3, 0))
    }

    fn before(plan: &Open, seconds: f64) -> Vec<Nanoseconds> {
        arrivals(plan)
            .take_while(|&at| (at as f64) < seconds * SECOND)
            .collect()
    }

    fn constant(duration_s: f64) -> Distribution {
        Distribution::constant(duration_s * SECOND).unwrap()
    }

    /// How many of `arrivals` fall into each of so many seconds.
    fn per_second(arrivals: &[Nanoseconds], seconds: usize) -> Vec<f64> {
        let mut counts = vec![0.0; seconds];
        for at in arrivals {
            counts[(at / SECOND_NS) as usize] += 1.0;
        }
        counts
    }

    #[test]
    fn a_constant_rate_does_not_drift() {
        let mut three = arrivals(&Open::constant(3.0).unwrap());
        let first: Vec<_> = (0..5).map(|_| three.next().unwrap()).collect();
        assert_eq!(
            first,
            [0, 333_333_333, 666_666_667, 1_000_000_000, 1_333_333_333]
        );
        // Arrival 3 000 000 is at a million seconds, to the nanosecond.
        let at = three.nth(3_000_000 - 5).unwrap();
        assert_eq!(at, 1_000_000 * SECOND_NS);
    }

    #[test]
    fn a_duration_holds_as_many_constant_arrivals_as_rate_times_duration() {
        assert_eq!(before(&Open::constant(7.0).unwrap(), 60.0).len(), 420);
    }

    #[test]
    fn poisson_gaps_are_exponential_and_counts_have_variance_equal_to_the_mean() {
        let times = before(&Open::poisson(200.0).unwrap(), 2000.0);
        let counts = per_second(&times, 2000);
        let mean = counts.iter().sum::<f64>() / 2000.0;
        let variance = counts.iter().map(|n| (n - mean).powi(2)).sum::<f64>() / 1999.0;
        assert!((mean - 200.0).abs() < 1.5, "{mean}");
        assert!((variance / mean - 1.0).abs() < 0.15, "{variance}");
        let gaps: Vec<f64> = times
            .windows(2)
            .map(|pair| (pair[1] - pair[0]) as f64)
            .collect();
        for share in [0.1, 0.5, 0.9, 0.99] {
            let quantile = -log(1.0 - share) / 200.0 * SECOND;
            let below = gaps.iter().filter(|&&gap| gap < quantile).count() as f64;
            assert!((below / gaps.len() as f64 - share).abs() < 0.004, "{share}");
        }
    }

    #[test]
    fn another_rate_stretches_the_same_arrivals() {
        let slow: Vec<_> = arrivals(&Open::poisson(10.0).unwrap()).take(1000).collect();
        let fast: Vec<_> = arrivals(&Open::poisson(20.0).unwrap()).take(1000).collect();
        for (slow, fast) in slow.iter().zip(&fast) {
            assert!(slow.abs_diff(2 * fast) <= 2);
        }
    }

    #[test]
    fn bursts_come_on_time_and_nothing_comes_in_the_pauses() {
        let plan = Open::on_off(100.0, 0.0, constant(1.0), constant(2.0)).unwrap();
        let counts = per_second(&before(&plan.clone().even(true), 30.0), 30);
        for (second, count) in counts.into_iter().enumerate() {
            assert_eq!(count, if second % 3 == 0 { 100.0 } else { 0.0 });
        }
        let poisson = per_second(&before(&plan, 3000.0), 3000);
        let total: f64 = poisson.iter().sum();
        assert!((total / 1000.0 - 100.0).abs() < 1.5, "{total}");
        assert!(poisson.iter().skip(1).step_by(3).all(|&count| count == 0.0));
    }

    #[test]
    fn random_bursts_have_the_mean_rate_and_the_mean_durations() {
        let second = |mean: f64| Distribution::exponential(mean * SECOND).unwrap();
        let plan = Open::on_off(1000.0, 10.0, second(0.5), second(1.5)).unwrap();
        assert!((plan.mean_rate_per_s() - 257.5).abs() < 1e-9);
        let mut path = Path::new(&plan, Luck::new(1, 0).stream("test"));
        let mut durations = [(0.0, 0.0); 2];
        for _ in 0..20_000 {
            let state = &mut durations[path.state];
            *state = (state.0 + 1.0, state.1 + path.segment().length_ns / SECOND);
            path.advance().unwrap();
        }
        assert!((durations[0].1 / durations[0].0 / 0.5 - 1.0).abs() < 0.05);
        assert!((durations[1].1 / durations[1].0 / 1.5 - 1.0).abs() < 0.05);
    }

    #[test]
    fn an_mmpp_has_its_mean_rate_from_the_start_and_is_burstier_than_poisson() {
        let plan = Open::mmpp(&[(10.0, 1e9), (500.0, 2e9), (0.0, 3e9)]).unwrap();
        let expected = plan.mean_rate_per_s();
        assert!((expected - (10.0 + 1000.0) / 6.0).abs() < 1e-9);
        let (mut first_second, mut replications) = (0.0, 0.0);
        for replication in 0..4000 {
            let mut arrivals = Arrivals::new(&plan, Luck::new(5, replication));
            while arrivals.next().unwrap() < SECOND_NS {
                first_second += 1.0;
            }
            replications += 1.0;
        }
        // One second's count has a standard deviation of about 220.
        let mean = first_second / replications;
        assert!((mean - expected).abs() < 16.0, "{mean} for {expected}");

        let counts = per_second(&before(&plan, 5000.0), 5000);
        let mean = counts.iter().sum::<f64>() / 5000.0;
        let variance = counts.iter().map(|n| (n - mean).powi(2)).sum::<f64>() / 5000.0;
        assert!((mean / expected - 1.0).abs() < 0.12, "{mean}");
        assert!(variance > 50.0 * mean, "{variance}");
    }

    #[test]
    fn steps_are_taken_at_their_instants_and_repeat() {
        let points = [(1e9, 2.0), (2e9, 5.0)];
        let rate = |repeat| {
            let curve = Curve::steps(&points, repeat).unwrap();
            per_second(
                &before(&Open::constant(100.0).unwrap().with_curve(curve), 7.0),
                7,
            )
        };
        assert_eq!(
            rate(None),
            [200.0, 200.0, 500.0, 500.0, 500.0, 500.0, 500.0]
        );
        assert_eq!(
            rate(Some(3e9)),
            [500.0, 200.0, 500.0, 500.0, 200.0, 500.0, 500.0]
        );
    }

    #[test]
    fn a_ramp_has_the_area_under_it() {
        // From 0 to 200/s in 10 s: 1000 arrivals, the 250th (a quarter) at half time.
        let up = Curve::ramps(&[(0.0, 0.0), (10e9, 200.0)], None).unwrap();
        let mut times = arrivals(&Open::constant(1.0).unwrap().with_curve(up));
        assert_eq!(times.next(), Some(0));
        assert_eq!(times.nth(249), Some(5 * SECOND_NS));
        assert_eq!(times.nth(749), Some(10 * SECOND_NS));
        assert_eq!(times.nth(199), Some(11 * SECOND_NS));
        // And down again to nothing: then no more come.
        let down = Curve::ramps(&[(0.0, 200.0), (10e9, 0.0)], None).unwrap();
        let times: Vec<_> = arrivals(&Open::constant(1.0).unwrap().with_curve(down)).collect();
        assert_eq!(times.len(), 1000);
        assert_eq!(times[750], 5 * SECOND_NS);
    }

    #[test]
    fn a_repeating_ramp_leads_back_to_its_beginning() {
        // 100 at 1 s, 300 at 3 s, and back down to 100 at 5 s, so 200 at 4 s and 0 s.
        let curve = Curve::ramps(&[(1e9, 100.0), (3e9, 300.0)], Some(4e9)).unwrap();
        let counts = per_second(
            &before(&Open::constant(1.0).unwrap().with_curve(curve), 8.0),
            8,
        );
        assert_eq!(
            counts,
            [150.0, 150.0, 250.0, 250.0, 150.0, 150.0, 250.0, 250.0]
        );
    }

    #[test]
    fn a_sine_is_lowest_at_its_phase_and_has_the_mean_in_a_period() {
        let curve = Curve::sine(8e9, 0.0, 1000.0, 0.0).unwrap();
        let counts = per_second(
            &before(&Open::constant(1.0).unwrap().with_curve(curve), 16.0),
            16,
        );
        // 500 t - 500 (8 / 2 pi) sin(2 pi t / 8), between whole seconds.
        let area = |t: f64| {
            500.0 * t - 4000.0 / std::f64::consts::TAU * sin(std::f64::consts::TAU * t / 8.0)
        };
        for (second, count) in counts.iter().enumerate() {
            let exact = area(second as f64 + 1.0) - area(second as f64);
            assert!(
                (count - exact).abs() <= 1.0,
                "{second}: {count} for {exact}"
            );
        }
        assert_eq!(counts.iter().sum::<f64>(), 8000.0);
        let shifted = Curve::sine(8e9, 0.0, 1000.0, 0.5).unwrap();
        let later = per_second(
            &before(&Open::constant(1.0).unwrap().with_curve(shifted), 8.0),
            8,
        );
        for (a, b) in later.iter().zip(&counts[4..]) {
            assert!((a - b).abs() <= 1.0);
        }
    }

    #[test]
    fn surges_multiply_the_rate_while_they_last() {
        let plan = Open::constant(10.0)
            .unwrap()
            .with_surge(2 * SECOND_NS, 5 * SECOND_NS, 3.0)
            .unwrap()
            .with_surge(4 * SECOND_NS, 6 * SECOND_NS, 2.0)
            .unwrap();
        let counts = per_second(&before(&plan, 8.0), 8);
        assert_eq!(counts, [10.0, 10.0, 30.0, 30.0, 60.0, 20.0, 10.0, 10.0]);
    }

    #[test]
    fn an_arrival_waits_for_the_end_of_a_stretch_without_rate() {
        let curve = Curve::steps(&[(0.0, 0.0), (3600e9, 1.0)], None).unwrap();
        let mut times = arrivals(&Open::constant(1.0).unwrap().with_curve(curve));
        assert_eq!(times.next(), Some(3600 * SECOND_NS));
        assert_eq!(times.next(), Some(3601 * SECOND_NS));
    }

    #[test]
    fn a_rate_that_stays_zero_ends_the_arrivals() {
        let ends = |plan: &Open| {
            let mut times = arrivals(plan);
            let last = times.by_ref().last();
            assert_eq!(times.next(), None);
            last
        };
        let once = Curve::steps(&[(0.0, 5.0), (2e9, 0.0)], None).unwrap();
        let steady = Open::constant(1.0).unwrap();
        assert_eq!(ends(&steady.clone().with_curve(once)), Some(1_800_000_000));
        let never = Curve::steps(&[(0.0, 0.0)], Some(1e9)).unwrap();
        assert_eq!(ends(&steady.clone().with_curve(never.clone())), None);
        let bursts = Open::on_off(5.0, 0.0, constant(1.0), constant(1.0)).unwrap();
        assert_eq!(ends(&bursts.clone().with_curve(never)), None);
        let over = steady.with_surge(SECOND_NS, Nanoseconds::MAX, 0.0).unwrap();
        // The surge's end is the end of time.
        assert_eq!(ends(&over), Some(0));
        // Bursts that always fall into the gaps of the curve.
        let gaps = Curve::steps(&[(0.0, 0.0), (1e9, 1.0)], Some(2e9)).unwrap();
        assert_eq!(ends(&bursts.with_curve(gaps)), None);
    }

    #[test]
    fn users_start_spread_over_a_think_time_and_think_by_user_and_turn_only() {
        let plan = Closed::new(4, constant(1.0)).unwrap();
        let users = ClosedLoop::new(&plan, Luck::new(1, 0));
        let starts: Vec<_> = (0..4).map(|user| users.start_ns(user)).collect();
        assert_eq!(starts, [0, 250_000_000, 500_000_000, 750_000_000]);

        let think = Distribution::exponential(2e9).unwrap();
        let luck = Luck::new(1, 0);
        let many = ClosedLoop::new(&Closed::new(5000, think.clone()).unwrap(), luck);
        let few = ClosedLoop::new(&Closed::new(10, think).unwrap(), luck);
        assert_eq!(many.think_ns(7, 3), few.think_ns(7, 3));
        assert_ne!(many.think_ns(7, 3), many.think_ns(7, 4));
        assert_ne!(many.think_ns(7, 3), many.think_ns(8, 3));
        let mean = (0..5000)
            .flat_map(|user| (1..5).map(move |turn| (user, turn)))
            .map(|(user, turn)| many.think_ns(user, turn) as f64)
            .sum::<f64>()
            / 20_000.0;
        assert!((mean / 2e9 - 1.0).abs() < 0.03, "{mean}");
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_the_parameter_and_the_rule() {
        fn problem<T: std::fmt::Debug>(result: Result<T, ParameterError>) -> String {
            result.unwrap_err().to_string()
        }
        let second = constant(1.0);
        let zero = Distribution::constant(0.0).unwrap();
        insta::assert_snapshot!(
            [
                problem(Open::poisson(0.0)),
                problem(Open::constant(f64::NAN)),
                problem(Open::on_off(1.0, -1.0, second.clone(), second.clone())),
                problem(Open::on_off(1.0, 0.0, second, zero.clone())),
                problem(Open::mmpp(&[])),
                problem(Open::mmpp(&[(1.0, 0.0)])),
                problem(Open::poisson(1.0).unwrap().with_surge(5, 5, 1.0)),
                problem(Open::poisson(1.0).unwrap().with_surge(5, 6, -1.0)),
                problem(Curve::steps(&[], None)),
                problem(Curve::steps(&[(1.0, 1.0), (1.0, 2.0)], None)),
                problem(Curve::ramps(&[(2.0, 1.0), (1.0, 2.0)], None)),
                problem(Curve::ramps(&[(0.0, -1.0)], None)),
                problem(Curve::steps(&[(0.0, 1.0), (2e9, 1.0)], Some(2e9))),
                problem(Curve::sine(1e9, 2.0, 1.0, 0.0)),
                problem(Curve::sine(1e9, 0.0, 0.0, 0.0)),
                problem(Curve::sine(1e9, 0.0, 1.0, 2.0)),
                problem(Closed::new(0, zero)),
            ]
            .join("\n"),
            @"
        `rate` must be above 0
        `rate` must be between 0 and 1e12 per second, not NaN
        `off_rate` must be between 0 and 1e12 per second, not -1
        `off` must be at least 1 us, not 0 ns
        `states` must have one with a rate above 0
        `states` has one whose `duration` must be at least 1 us, not 0 ns
        `to` must be later than the beginning
        `factor` must be between 0 and 1e9, not -1
        `points` must have at least one pair
        `points` must have instants that rise
        `points` must have instants that rise
        `points` has one whose `value` must be between 0 and 1e12 per second, not -1
        `repeat` must be later than the last of `points`
        `low` must be at most `high`: 2 is above 1
        `high` must be above 0
        `phase` must be between 0 and 1, not 2
        `users` must be between 1 and 2^24, not 0
        "
        );
    }

    #[test]
    fn every_row_builds_and_names_what_is_missing() {
        fn arguments<T>(row: &Row<T>) -> Arguments {
            let mut arguments = Arguments::new();
            for parameter in row.parameters.iter().filter(|parameter| parameter.required) {
                let error = (row.build)(&arguments).err().unwrap();
                assert_eq!(
                    (error.parameter, &*error.problem),
                    (parameter.name, "is missing")
                );
                let value = match parameter.kind {
                    Kind::Durations => Argument::Distribution(constant(1.0)),
                    Kind::States | Kind::Instants => Argument::Pairs(vec![(5.0, 1e9)]),
                    Kind::Duration => Argument::Number(1e9),
                    _ => Argument::Number(3.0),
                };
                arguments.set(parameter.name, value);
            }
            arguments
        }
        for row in TABLE {
            let plan = (row.build)(&arguments(row)).unwrap();
            assert_eq!(matches!(plan, Plan::Closed(_)), row.name == "closed");
            assert!(!row.meaning.is_empty());
        }
        for row in CURVES {
            assert!((row.build)(&arguments(row)).is_ok());
            assert!(!row.meaning.is_empty());
        }
    }

    /// The rate of a plan at an instant, looked up without any of the machinery above.
    fn slow_rate(points: &[(f64, f64)], ramps: bool, t: f64) -> f64 {
        let after = points.partition_point(|&(at, _)| at <= t);
        if after == 0 {
            return points[0].1;
        }
        let (t0, v0) = points[after - 1];
        match points.get(after) {
            Some(&(t1, v1)) if ramps => v0 + (v1 - v0) * (t - t0) / (t1 - t0),
            _ => v0,
        }
    }

    proptest! {
        #[test]
        fn arrivals_follow_the_integral_of_the_rate(
            gaps in proptest::collection::vec((1_u32..1000, 0_u32..100), 1..8),
            ramps: bool,
            (surge_from, surge_for, factor) in (0_u32..2000, 1_u32..2000, 0_u32..5),
        ) {
            // Points in milliseconds, rates per second; the integral by 0.1 ms steps.
            let mut at = 0.0;
            let points: Vec<(f64, f64)> = gaps
                .iter()
                .map(|&(gap, rate)| {
                    at += f64::from(gap) * 1e6;
                    (at, f64::from(rate))
                })
                .collect();
            let curve = if ramps {
                Curve::ramps(&points, None)
            } else {
                Curve::steps(&points, None)
            }
            .unwrap();
            let from = u64::from(surge_from) * 1_000_000;
            let to = from + u64::from(surge_for) * 1_000_000;
            let plan = Open::constant(1.0).unwrap().with_curve(curve);
            let plan = plan.with_surge(from, to, f64::from(factor)).unwrap();
            let mut arrivals = arrivals(&plan);
            let (mut area, mut next, mut latest) = (0.0, arrivals.next(), 0);
            let step = 1e5;
            let mut number = 0.0;
            for i in 0..80_000_u32 {
                let t = f64::from(i) * step;
                let surged = t + step / 2.0 >= from as f64 && t + step / 2.0 < to as f64;
                let factor = if surged { f64::from(factor) } else { 1.0 };
                area += factor * slow_rate(&points, ramps, t + step / 2.0) * step / SECOND;
                while let Some(at) = next && (at as f64) < t + step {
                    prop_assert!(at >= latest);
                    // The integral up to here is the arrival's number, within a step's worth.
                    prop_assert!((area - number).abs() < 0.06, "{} for {} at {}", area, number, at);
                    latest = at;
                    number += 1.0;
                    next = arrivals.next();
                }
            }
            prop_assert!(number >= area - 1.06, "{} arrivals for {}", number, area);
        }
    }
}
