//! Nanoseconds per draw of every sampler of the workload, and how they compare with a bare draw.
//!
//! `cargo bench --bench workload`

use std::hint::black_box;
use std::time::Instant;

use cachesim::random::Luck;
use cachesim::workload::arrivals::{self, Arrivals, Curve, Open};
use cachesim::workload::distribution::Distribution;
use cachesim::workload::popularity::scatter::Permutation;
use cachesim::workload::popularity::{Component, Drift, Keys, Popularity};
use cachesim::workload::{Operation, Plan, Workload};

const DRAWS: u64 = 4_000_000;

/// The best of five rounds, in nanoseconds per call: what the machine does when left alone.
fn measure(mut call: impl FnMut(u64)) -> f64 {
    (0..5)
        .map(|_| {
            let begin = Instant::now();
            for index in 0..DRAWS {
                call(index);
            }
            begin.elapsed().as_secs_f64() * 1e9 / DRAWS as f64
        })
        .fold(f64::INFINITY, f64::min)
}

fn main() {
    // `cargo bench --bench workload -- zipf`: only what has that in its name.
    let wanted = std::env::args()
        .skip(1)
        .find(|argument| !argument.starts_with('-'));
    let luck = Luck::new(1, 0);
    let stream = luck.stream("bench");
    let floor = measure(|index| {
        black_box(stream.at(index).unit());
    });
    let show = |name: &str, ns: f64| {
        println!("{name:<44} {ns:>7.2} ns {:>6.1} x a bare draw", ns / floor);
    };
    let wants = |name: &str| {
        wanted
            .as_ref()
            .is_none_or(|part| name.contains(part.as_str()))
    };
    show("one uniform draw by index", floor);

    let exact = |result: Result<Distribution, _>| result.expect("parameters are in range");
    for (name, distribution) in [
        ("constant", exact(Distribution::constant(5e6))),
        ("uniform", exact(Distribution::uniform(1e6, 5e6))),
        ("exponential", exact(Distribution::exponential(5e6))),
        ("lognormal", exact(Distribution::lognormal(5e6, 50e6))),
        ("gamma shape 4", exact(Distribution::gamma(4.0, 5e6))),
        ("gamma shape 0.5", exact(Distribution::gamma(0.5, 5e6))),
        ("pareto", exact(Distribution::pareto(1e6, 2.2))),
        (
            "empirical, 5 quantiles",
            exact(Distribution::empirical(&[
                (0.0, 1e6),
                (0.5, 2e6),
                (0.9, 5e6),
                (0.99, 2e7),
                (1.0, 1e8),
            ])),
        ),
    ] {
        let name = format!("distribution {name}");
        if !wants(&name) {
            continue;
        }
        let distribution = black_box(distribution);
        let ns = measure(|index| {
            black_box(distribution.sample_u64(&mut stream.at(index)));
        });
        show(&name, ns);
    }

    for count in [10_000, 100_000, 1_000_000, 10_000_000, 100_000_000] {
        let name = format!("scatter over {count}");
        if !wants(&name) {
            continue;
        }
        let permutation = black_box(Permutation::new(count, &mut stream.at(0)));
        let ns = measure(|index| {
            black_box(permutation.apply(index & 8191));
        });
        show(&name, ns);
    }

    let keys = |result: Result<Keys, _>| result.expect("parameters are in range");
    let million = 1_000_000;
    let zipf = keys(Keys::zipf(million, 0.99));
    let drift = Drift::new(1e9, 0.1).expect("parameters are in range");
    let part = |weight, keys: &Keys| Component {
        weight,
        first_key: 0,
        keys: keys.clone(),
    };
    let mut popularities = vec![
        ("uniform".to_owned(), keys(Keys::uniform(million))),
        ("hotspot".to_owned(), keys(Keys::hotspot(million, 0.1, 0.9))),
        ("latest 0.99".to_owned(), keys(Keys::latest(million, 0.99))),
        ("sequential".to_owned(), keys(Keys::sequential(million))),
        (
            "zipf 0.99, drifting".to_owned(),
            keys(zipf.clone().drifting(drift)),
        ),
        (
            "mix of zipf and uniform".to_owned(),
            keys(Keys::mix(vec![
                part(9.0, &zipf),
                part(1.0, &keys(Keys::uniform(million))),
            ])),
        ),
    ];
    for exponent in [0.0, 0.5, 0.8, 0.99, 1.0, 1.2, 2.0] {
        for count in [million, 100 * million] {
            let plain = keys(Keys::zipf(count, exponent)).scattered(false);
            popularities.push((format!("zipf {exponent} over {count}, in order"), plain));
        }
    }
    popularities.push(("zipf 0.99 over 1000000, scattered".to_owned(), zipf.clone()));
    for (name, keys) in popularities {
        let name = format!("keys {name}");
        if !wants(&name) {
            continue;
        }
        let mut popularity = black_box(Popularity::new(&keys, luck));
        let ns = measure(|index| {
            black_box(popularity.draw(&mut stream.at(index), Operation::Read, index));
        });
        show(&name, ns);
    }

    let open = |result: Result<Open, _>| result.expect("parameters are in range");
    let curve = |result: Result<Curve, _>| result.expect("parameters are in range");
    let second = |seconds: f64| exact(Distribution::exponential(seconds * 1e9));
    let ramps = [(0.0, 0.5), (60e9, 2.0), (120e9, 0.5)];
    for (name, plan) in [
        ("constant", open(Open::constant(1e6))),
        ("poisson", open(Open::poisson(1e6))),
        (
            "on-off",
            open(Open::on_off(1e6, 0.0, second(0.01), second(0.01))),
        ),
        (
            "mmpp",
            open(Open::mmpp(&[(1e6, 1e7), (1e5, 1e7), (5e5, 1e7)])),
        ),
        (
            "poisson on ramps",
            open(Open::poisson(1e6)).with_curve(curve(Curve::ramps(&ramps, Some(120e9)))),
        ),
        (
            "poisson on a sine",
            open(Open::poisson(1e6)).with_curve(curve(Curve::sine(60e9, 0.2, 2.0, 0.0))),
        ),
    ] {
        let name = format!("arrivals {name}");
        if !wants(&name) {
            continue;
        }
        let mut arrivals = black_box(Arrivals::new(&plan, luck));
        let ns = measure(|_| {
            black_box(arrivals.next());
        });
        show(&name, ns);
    }

    let request = "a whole request: operation and zipf key";
    let size = "a value size, lognormal";
    if !wants(request) && !wants(size) {
        return;
    }
    let plan = Plan::new(
        arrivals::Plan::Open(open(Open::poisson(1e6))),
        zipf,
        0.95,
        exact(Distribution::lognormal(1024.0, 20_480.0)),
    )
    .expect("parameters are in range");
    let mut workload = black_box(Workload::new(&plan, luck));
    let ns = measure(|index| {
        black_box(workload.draw(index, index, None));
    });
    show(request, ns);
    let ns = measure(|index| {
        black_box(workload.value_bytes(index & 0xffff, 1));
    });
    show(size, ns);
}
