//! Charts of made-up and of hostile results.

use super::{
    figure::{Axis, Kind, Line, Spacing},
    miss_ratio_curve::{PolicyLine, SizeUnit},
    *,
};
use crate::report::samples;

/// Width and height from a PNG, and the bytes of its pixels, once decoded.
fn decode(file: &[u8]) -> (u32, u32, Vec<u8>) {
    let mut reader = png::Decoder::new(file).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size()];
    let info = reader.next_frame(&mut pixels).unwrap();
    (info.width, info.height, pixels)
}

fn figure(kind: Kind, spacing: Spacing, lines: Vec<Vec<(f64, f64)>>) -> Figure {
    let axis = |kind, spacing| Axis {
        label: "axis".to_owned(),
        kind,
        spacing,
    };
    Figure {
        title: "title".to_owned(),
        x: axis(Kind::Clock, Spacing::Linear),
        y: axis(kind, spacing),
        lines: lines
            .into_iter()
            .map(|points| Line {
                name: "<&\u{1}>".to_owned(),
                points,
            })
            .collect(),
        shaded: Some((0.0, 2.0, "warm-up".to_owned())),
        ..Figure::default()
    }
}

/// The colours of markers and lines that a picture contains.
fn polylines(svg: &str) -> Vec<&str> {
    svg.lines()
        .filter(|line| line.starts_with("<polyline"))
        .collect()
}

#[test]
fn names_of_charts_are_unique_file_names() {
    let names: std::collections::BTreeSet<_> = CHARTS.iter().map(|chart| chart.name).collect();
    assert_eq!(names.len(), CHARTS.len());
    for chart in CHARTS {
        assert!(
            chart
                .name
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        );
        assert!(!chart.summary.is_empty());
    }
}

/// Three variants, of which the second has a circuit breaker.
fn with_a_breaker() -> Results {
    let mut results = samples::stampede(3);
    let mut open = results.variants[1].series[0].clone();
    open.name = "database.breaker.open_ratio".to_owned();
    open.values = vec![0.5; open.values.len()];
    results.variants[1].series.push(open);
    results
}

#[test]
fn every_chart_shows_every_variant_and_is_always_the_same() {
    let results = with_a_breaker();
    let drawn: Vec<_> = figures(&results).collect();
    assert_eq!(drawn.len(), CHARTS.len());
    for (chart, figure) in drawn {
        let picture = svg(&figure);
        for variant in &results.variants {
            assert!(picture.contains(&variant.name), "{}", chart.name);
        }
        assert_eq!(picture, svg(&(chart.figure)(&with_a_breaker())));
    }
}

#[test]
fn png_is_twice_the_size_of_svg_and_always_the_same() {
    let results = samples::stampede(2);
    let (_, figure) = figures(&results).next().unwrap();
    let file = png(&figure);
    let (width, height, pixels) = decode(&file);
    assert_eq!(f64::from(width), 2.0 * canvas::WIDTH);
    assert_eq!(f64::from(height), 2.0 * plot::height(&figure));
    // White is most of it, and the first variant's blue is there.
    let count = |colour: [u8; 3]| pixels.chunks_exact(3).filter(|p| *p == colour).count();
    assert!(count([255; 3]) > pixels.len() / 3 / 2);
    assert!(count([0, 114, 178]) > 1000);
    assert_eq!(file, png(&figure));
}

#[test]
fn a_chart_of_nothing_says_so_and_is_not_written() {
    for lines in [
        vec![],
        vec![vec![]],
        vec![vec![(1.0, f64::NAN), (2.0, f64::NAN)]],
    ] {
        let figure = figure(Kind::Number, Spacing::Automatic, lines);
        assert!(!figure.shows_anything());
        assert!(svg(&figure).contains("nothing was measured"));
    }
    let mut results = samples::stampede(2);
    for variant in &mut results.variants {
        variant.series.clear();
        variant.latency_quantiles.clear();
        variant.staleness_quantiles.clear();
        variant.metrics.clear();
    }
    assert_eq!(figures(&results).count(), 0);
}

#[test]
fn gaps_break_lines_and_lone_points_are_marked() {
    let solid = |points| {
        let figure = figure(Kind::Number, Spacing::Linear, vec![points]);
        let picture = svg(&figure);
        let blue = |line: &&str| line.contains("#0072B2");
        (
            polylines(&picture).into_iter().filter(blue).count(),
            picture
                .lines()
                .filter(|line| line.starts_with("<circle"))
                .filter(blue)
                .count(),
        )
    };
    let nan = f64::NAN;
    assert_eq!(
        solid(vec![(1.0, 1.0), (2.0, 2.0), (3.0, 3.0), (4.0, 4.0)]),
        (1, 0)
    );
    assert_eq!(
        solid(vec![
            (1.0, 1.0),
            (2.0, 2.0),
            (2.5, nan),
            (3.0, 3.0),
            (4.0, 4.0)
        ]),
        (2, 0)
    );
    assert_eq!(
        solid(vec![(1.0, 1.0), (2.0, 2.0), (2.5, nan), (3.0, 3.0)]),
        (1, 1)
    );
}

#[test]
fn hostile_values_are_drawn_without_a_panic() {
    let values = [
        vec![],
        vec![5.0],
        vec![0.0, 0.0, 0.0],
        vec![3.0; 4],
        vec![f64::NAN, 1.0, f64::NAN],
        vec![f64::MAX, 0.0, f64::MIN_POSITIVE],
        vec![f64::MIN, f64::MAX],
        vec![f64::INFINITY, f64::NEG_INFINITY, 2.0],
        vec![5e-324, 1.0],
        vec![-1.0, 1e300],
    ];
    for values in values {
        for kind in [
            Kind::Number,
            Kind::Seconds,
            Kind::Share,
            Kind::Bytes,
            Kind::Clock,
            Kind::Nines,
        ] {
            for spacing in [Spacing::Linear, Spacing::Logarithmic, Spacing::Automatic] {
                let points = values.iter().enumerate().map(|(x, &y)| (x as f64, y));
                let figure = figure(kind, spacing, vec![points.collect(), vec![]]);
                let picture = svg(&figure);
                assert!(!picture.contains("NaN"));
                assert!(!picture.contains('\u{1}') && picture.contains("&lt;&amp;&gt;"));
                // All coordinates are inside the picture, give or take the width of a stroke.
                for line in polylines(&picture) {
                    let points = line
                        .split("points=\"")
                        .nth(1)
                        .unwrap()
                        .split('"')
                        .next()
                        .unwrap();
                    for point in points.split_whitespace() {
                        let (x, y) = point.split_once(',').unwrap();
                        let x: f64 = x.parse().unwrap();
                        let y: f64 = y.parse().unwrap();
                        assert!((0.0..=10.0 * canvas::WIDTH).contains(&x), "{line}");
                        assert!((0.0..=10.0 * plot::height(&figure)).contains(&y), "{line}");
                    }
                }
            }
        }
    }
    let huge = figure(
        Kind::Number,
        Spacing::Linear,
        vec![vec![(0.0, f64::MAX), (1e308, -1.0)]],
    );
    decode(&png(&huge));
}

/// A made-up replay for the charts of miss ratios.
pub fn replayed() -> (Vec<PolicyLine>, PolicyLine) {
    let line = |name: &str, factor: f64| PolicyLine {
        name: name.to_owned(),
        points: (0..9)
            .map(|step| {
                let size = 100.0 * libm::pow(2.0, f64::from(step));
                (size, (factor * libm::pow(size / 100.0, -0.35)).min(1.0))
            })
            .collect(),
    };
    let policies = [
        ("fifo", 0.92),
        ("lru", 0.88),
        ("clock", 0.86),
        ("sieve", 0.8),
        ("s3-fifo", 0.78),
        ("w-tinylfu", 0.76),
    ];
    (
        policies
            .into_iter()
            .map(|(name, factor)| line(name, factor))
            .collect(),
        line(miss_ratio_curve::BELADY_AREA, 0.6),
    )
}

#[test]
fn a_miss_ratio_curve_shades_what_is_out_of_reach() {
    let (policies, best) = replayed();
    let figure = miss_ratio_curve("made-up.csv", SizeUnit::Entries, &policies, Some(&best));
    let picture = svg(&figure);
    assert!(picture.contains("below Belady&apos;s MIN"));
    assert!(picture.contains("<polygon"));
    let without = miss_ratio_curve("made-up.csv", SizeUnit::Entries, &policies, None);
    assert!(!svg(&without).contains("which admits everything"));
}

/// `LOOK=folder cargo test --lib chart::tests::look` writes pictures of made-up results.
#[test]
fn look() {
    let Some(folder) = std::env::var_os("LOOK") else {
        return;
    };
    let folder = std::path::PathBuf::from(folder);
    for variants in [1, 2, 4, 6] {
        for (chart, figure) in figures(&samples::stampede(variants)) {
            let name = format!("{}-{variants}", chart.name);
            std::fs::write(folder.join(format!("{name}.svg")), svg(&figure)).unwrap();
            std::fs::write(folder.join(format!("{name}.png")), png(&figure)).unwrap();
        }
    }
    let (policies, best) = replayed();
    let curve = miss_ratio_curve("made-up.csv", SizeUnit::Entries, &policies, Some(&best));
    std::fs::write(folder.join("curve.png"), png(&curve)).unwrap();
    std::fs::write(folder.join("curve.svg"), svg(&curve)).unwrap();
    let bytes = miss_ratio_curve("made-up.csv", SizeUnit::Bytes, &policies, Some(&best));
    std::fs::write(folder.join("curve-bytes.png"), png(&bytes)).unwrap();
    let time: Vec<PolicyLine> = policies
        .iter()
        .enumerate()
        .map(|(index, policy)| PolicyLine {
            name: policy.name.clone(),
            points: (0..200)
                .map(|x| {
                    let wave = libm::sin(f64::from(x) / 20.0);
                    (
                        f64::from(x) * 50_000.0,
                        0.5 - 0.03 * index as f64 + 0.05 * wave,
                    )
                })
                .collect(),
        })
        .collect();
    std::fs::write(
        folder.join("over-time.png"),
        png(&miss_ratio_over_time("made-up.csv, 1000 entries", &time)),
    )
    .unwrap();
}

#[test]
fn a_single_size_stands_in_the_middle_and_is_the_only_number_on_its_axis() {
    let axis = Axis {
        label: "cache size in entries".to_owned(),
        kind: Kind::Number,
        spacing: Spacing::Logarithmic,
    };
    let scale = axis::Scale::fit(&axis, [343.0, 343.0].into_iter(), 8, true);
    assert!((scale.place(343.0) - 0.5).abs() < 1e-9);
    let ticks: Vec<f64> = scale.ticks.iter().map(|(value, _)| *value).collect();
    assert_eq!((ticks, scale.fine_ticks), (vec![343.0], vec![]));
}

#[test]
fn windows_have_a_marker_each_or_none() {
    let markers = |windows: usize| {
        let line = |name: &str, height: f64| PolicyLine {
            name: name.to_owned(),
            points: (0..windows).map(|it| (it as f64, height)).collect(),
        };
        let lines = [line("lru", 0.2), line("fifo", 0.6)];
        let with = svg(&miss_ratio_over_time("subject", &lines));
        // Drawn with a white edge of its own each.
        (with.matches("<circle").count() + with.matches("<polygon").count()) / 2
    };
    assert_eq!(markers(12), markers(5) + 2 * 7);
    assert_eq!(markers(40), markers(30));
    assert!(markers(40) < markers(5));
}
