//! The main time series of each variant as a line of bars, for terminals: where a chart would be too much.
//!
//! All variants share one scale, so that bars can be compared. Each bar is the worst of the steps that it
//! stands for: a moment of trouble must not vanish in an average.

use unicode_width::UnicodeWidthStr as _;

use crate::{
    experiment::{Results, VariantResults},
    metrics::{Series, Unit},
};

use super::quantity;

/// A series that is shown.
struct Shown {
    /// Its name.
    series: &'static str,
    /// What it is called.
    title: &'static str,
    /// Whether more of it is worse.
    high_is_worse: bool,
    /// Whether bars stand on zero; else on the least value that there is.
    from_zero: bool,
}

const SHOWN: &[Shown] = &[
    Shown {
        series: "database.qps",
        title: "database queries per second",
        high_is_worse: true,
        from_zero: true,
    },
    Shown {
        series: "hit_ratio",
        title: "hit ratio",
        high_is_worse: false,
        from_zero: false,
    },
    Shown {
        series: "latency.p99",
        title: "latency, 99th percentile",
        high_is_worse: true,
        from_zero: true,
    },
];

/// A series of all variants.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// What is shown.
    pub title: String,
    /// For each variant that has it: its number, its bars, the least and the greatest value.
    pub rows: Vec<(usize, String, String)>,
}

/// The signs of the bars, from the lowest to the highest; the first stands for what is least.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The main series of the measured time, in bars of at most `width` columns.
#[must_use]
pub fn blocks(results: &Results, width: usize) -> Vec<Block> {
    SHOWN
        .iter()
        .filter_map(|one| block(results, one, width))
        .collect()
}

fn block(results: &Results, shown: &Shown, width: usize) -> Option<Block> {
    let measured = |variant: &VariantResults| {
        let series = variant.series.iter().find(|it| it.name == shown.series)?;
        let values = after_warmup(series, variant.warmup_s);
        values
            .iter()
            .any(|it| it.is_finite())
            .then(|| (values.to_vec(), series.unit))
    };
    let all: Vec<(usize, Vec<f64>, Unit)> = results
        .variants
        .iter()
        .enumerate()
        .filter_map(|(index, variant)| {
            let (values, unit) = measured(variant)?;
            Some((index, values, unit))
        })
        .collect();
    let finite = || {
        all.iter()
            .flat_map(|it| &it.1)
            .copied()
            .filter(|it| it.is_finite())
    };
    let (least, most) = (finite().reduce(f64::min)?, finite().reduce(f64::max)?);
    let floor = if shown.from_zero { 0.0 } else { least };
    let rows = all.iter().map(|(index, values, unit)| {
        let bars = worst_of_each(values, width, shown.high_is_worse);
        let bars = bars.iter().map(|value| bar(*value, floor, most));
        let own = || values.iter().copied().filter(|it| it.is_finite());
        let spell = |value: Option<f64>| quantity::quantity(value.unwrap_or(f64::NAN), *unit);
        let (low, high) = (spell(own().reduce(f64::min)), spell(own().reduce(f64::max)));
        let range = if low == high {
            low
        } else {
            format!("{low} … {high}")
        };
        (*index, bars.collect(), range)
    });
    Some(Block {
        title: shown.title.to_owned(),
        rows: rows.collect(),
    })
}

/// The points of whole steps after warm-up.
fn after_warmup(series: &Series, warmup_s: f64) -> &[f64] {
    let first = (warmup_s / series.step_s).ceil() as usize;
    &series.values[first.min(series.values.len())..]
}

/// At most `width` values: of each stretch of equal length the worst; NaN where nothing was measured.
fn worst_of_each(values: &[f64], width: usize, high_is_worse: bool) -> Vec<f64> {
    let bars = values.len().min(width.max(1));
    let stretch = |bar: usize| {
        let (from, to) = (bar * values.len() / bars, (bar + 1) * values.len() / bars);
        let worse = if high_is_worse { f64::max } else { f64::min };
        // Both leave NaN out.
        values[from..to].iter().copied().fold(f64::NAN, worse)
    };
    (0..bars).map(stretch).collect()
}

fn bar(value: f64, floor: f64, most: f64) -> char {
    if !value.is_finite() {
        return ' ';
    }
    if most <= floor {
        return BARS[0];
    }
    let share = (value - floor) / (most - floor);
    let level = (share * BARS.len() as f64)
        .floor()
        .clamp(0.0, BARS.len() as f64 - 1.0);
    BARS[level as usize]
}

/// The same text for a terminal that has ASCII only, sign by sign, so that columns stay in line.
#[must_use]
pub fn ascii(text: &str) -> String {
    const PLAIN: [char; 8] = ['_', '.', '-', '=', '+', '*', '%', '#'];
    let plain = |c: char| match c {
        c if c.is_ascii() => c,
        '─' => '-',
        '×' => 'x',
        'µ' => 'u',
        '…' => '-',
        '±' => '~',
        '\u{a0}' => ' ',
        c => BARS
            .iter()
            .position(|bar| *bar == c)
            .map_or('?', |level| PLAIN[level]),
    };
    text.chars().map(plain).collect()
}

/// The most columns of all ranges.
#[must_use]
pub fn range_width(blocks: &[Block]) -> usize {
    let rows = blocks.iter().flat_map(|block| &block.rows);
    rows.map(|(_, _, range)| range.width()).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn a_bar_is_the_worst_of_its_steps_and_gaps_are_blank() {
        let values = [1.0, 5.0, f64::NAN, f64::NAN, 2.0, f64::NAN];
        let high = worst_of_each(&values, 3, true);
        assert_eq!((high[0], high[2]), (5.0, 2.0));
        assert!(high[1].is_nan());
        assert_eq!(worst_of_each(&values, 3, false)[0], 1.0);
        assert_eq!(worst_of_each(&values[..2], 40, true), [1.0, 5.0]);
        let bars: String = [0.0, 4.9, 10.0, f64::NAN]
            .map(|it| bar(it, 0.0, 10.0))
            .iter()
            .collect();
        assert_eq!(bars, "▁▄█ ");
        assert_eq!(ascii(&bars), "_=# ");
        assert_eq!(ascii("12 µs ×30 ≈"), "12 us x30 ?");
    }

    #[test]
    fn variants_share_a_scale_and_warm_up_is_left_out() {
        let results = samples::stampede(2);
        let blocks = blocks(&results, 30);
        assert_eq!(blocks.len(), 3);
        let (_, base, range) = &blocks[0].rows[0];
        assert_eq!(base.chars().count(), 30);
        assert!(
            !base.contains('█') && blocks[0].rows[1].1.contains('█'),
            "{base}"
        );
        // The first second of the run had 10 694 queries.
        assert!(!range.contains("10.7"), "{range}");
    }
}
