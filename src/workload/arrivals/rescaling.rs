//! The instants of an open loop, by time rescaling: where the integrated rate leaves the points of a
//! process of rate 1.

use libm::{cos, log, sin};

use super::SECOND;
use super::curve::{CurvePiece, CurveShape};
use super::open::{Open, Process};
use crate::random::{Draws, Luck, Stream};
use crate::units::Nanoseconds;

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::distribution::Distribution;

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
}
