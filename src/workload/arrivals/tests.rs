//! Arrivals by hand, and against what is known of their processes.

use libm::{log, sin};
use proptest::prelude::*;

use super::*;
use crate::random::Luck;
use crate::units::{Nanoseconds, SECOND_NS};
use crate::workload::distribution::Distribution;
use crate::workload::parameters::{Argument, Arguments};

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
    let area =
        |t: f64| 500.0 * t - 4000.0 / std::f64::consts::TAU * sin(std::f64::consts::TAU * t / 8.0);
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
