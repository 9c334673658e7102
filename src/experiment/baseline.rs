//! How results compare with those of another time: what moved, and whether a limit is broken.
//!
//! The same scenario under the same seed meets the same luck before and after a change, so where both
//! times say what each replication measured, the two are compared pair by pair, as variants are.
//! Otherwise the difference of two independent means has Welch's interval (B. L. Welch, "The
//! generalization of Student's problem when several different population variances are involved",
//! Biometrika 34, 1947). A limit is broken only if the whole interval is beyond it, so that noise
//! fails no build; with the mean beyond and the interval not, it is said to be unsure.
//!
//! Not here: reading files.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::{Results, VariantResults, Verdict, interval};
use crate::metrics::Unit;
use crate::scenario::{Bound, Limit, Side};

use interval::Interval;

/// The results of another time, as `summary.json` has them; what it says beyond this does not matter.
#[derive(Clone, Debug, Deserialize)]
pub struct Baseline {
    /// The version of the program that made it.
    pub version: String,
    /// The scenario's title.
    #[serde(default)]
    pub title: String,
    /// The seed of all randomness.
    pub seed: u64,
    /// Runs of each variant.
    pub replications: u64,
    /// The variants.
    pub variants: Vec<RecordedVariant>,
}

/// A variant of a [`Baseline`].
#[derive(Clone, Debug, Deserialize)]
pub struct RecordedVariant {
    /// Its name.
    pub name: String,
    /// What was found of each metric.
    pub metrics: IndexMap<String, RecordedMetric>,
}

/// A metric of a [`RecordedVariant`].
#[derive(Clone, Debug, Deserialize)]
pub struct RecordedMetric {
    mean: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
    unit: Unit,
    #[serde(default)]
    samples: Vec<Option<f64>>,
}

impl RecordedMetric {
    fn interval(&self) -> Interval {
        let number = |value: Option<f64>| value.unwrap_or(f64::NAN);
        Interval {
            mean: number(self.mean),
            low: number(self.low),
            high: number(self.high),
            unit: self.unit,
        }
    }

    fn samples(&self) -> Vec<f64> {
        let number = |value: &Option<f64>| value.unwrap_or(f64::NAN);
        self.samples.iter().map(number).collect()
    }
}

/// What `summary.json` or the output of `--format json` holds.
#[derive(Deserialize)]
#[serde(untagged)]
enum Document {
    Several(Vec<Baseline>),
    One(Box<Baseline>),
}

/// Reads one baseline, or a list of them.
///
/// # Errors
/// What is wrong and, where it is no JSON at all, in which line.
pub fn parse(text: &str) -> Result<Vec<Baseline>, String> {
    // Untagged choices forget why none of them fits, so the shape is looked at first.
    let is_list = text.trim_start().starts_with('[');
    let document = if is_list {
        serde_json::from_str(text).map(Document::Several)
    } else {
        serde_json::from_str(text).map(|one| Document::One(Box::new(one)))
    };
    match document {
        Ok(Document::Several(all)) => Ok(all),
        Ok(Document::One(one)) => Ok(vec![*one]),
        Err(error) => Err(error.to_string()),
    }
}

/// Results beside those of another time.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Comparison {
    /// The version of the program that made the baseline.
    pub version: String,
    /// The baseline's seed.
    pub seed: u64,
    /// The baseline's runs of each variant.
    pub replications: u64,
    /// Whether replications were compared pair by pair.
    pub paired: bool,
    /// Variants that the baseline does not have.
    pub new_variants: Vec<String>,
    /// Variants of the baseline that were not run.
    pub gone_variants: Vec<String>,
    /// Every metric of every variant that both have measured, in the order of the report.
    pub changes: Vec<Change>,
    /// Every limit that could be looked at.
    pub limits: Vec<LimitJudgement>,
}

/// How a metric of a variant has changed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Change {
    /// The variant.
    pub variant: String,
    /// The metric.
    pub metric: String,
    /// Its unit.
    pub unit: Unit,
    /// Its mean in the baseline.
    #[serde(deserialize_with = "interval::number_or_null")]
    pub before: f64,
    /// Its mean now.
    #[serde(deserialize_with = "interval::number_or_null")]
    pub now: f64,
    /// Now minus before.
    pub difference: Interval,
    /// The same as a share of what it was; none where that was 0.
    pub relative: Option<Interval>,
    /// What the difference shows.
    pub verdict: Verdict,
}

/// A limit and how it stands.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LimitJudgement {
    /// The limit.
    pub limit: Limit,
    /// The variant that was looked at.
    pub variant: String,
    /// The unit of the metric.
    pub unit: Unit,
    /// What was held against the bound: a change, relative or not, or the metric itself. Not
    /// measured if either time has not measured it.
    pub observed: Interval,
    /// How it stands.
    pub standing: Standing,
}

/// How a limit stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// The mean keeps it.
    Kept,
    /// The mean is beyond it, but the interval is not wholly so: more replications would tell.
    Unsure,
    /// The whole interval is beyond it, or there is nothing to hold against it.
    Broken,
}

impl Comparison {
    /// Whether no limit is broken.
    #[must_use]
    pub fn all_kept(&self) -> bool {
        self.limits
            .iter()
            .all(|judged| judged.standing != Standing::Broken)
    }
}

/// Compares results with a baseline, if there is one, and holds them against limits. Without a
/// baseline only the limits that need none are looked at.
#[must_use]
pub fn compare(results: &Results, baseline: Option<&Baseline>, limits: &[Limit]) -> Comparison {
    let mut comparison = Comparison::default();
    let recorded = |name: &str| {
        let variants = &baseline?.variants;
        variants.iter().find(|variant| variant.name == name)
    };
    if let Some(baseline) = baseline {
        comparison.version = baseline.version.clone();
        comparison.seed = baseline.seed;
        comparison.replications = baseline.replications;
        let gone = |old: &&RecordedVariant| results.variants.iter().all(|new| new.name != old.name);
        comparison.gone_variants = baseline
            .variants
            .iter()
            .filter(gone)
            .map(|variant| variant.name.clone())
            .collect();
        for variant in &results.variants {
            let Some(recorded) = recorded(&variant.name) else {
                comparison.new_variants.push(variant.name.clone());
                continue;
            };
            for name in variant.metrics.keys() {
                if let Some((change, paired)) = change(results, variant, recorded, baseline, name) {
                    comparison.paired |= paired;
                    comparison.changes.push(change);
                }
            }
        }
    }
    for limit in limits {
        if limit.bound.needs_baseline() && baseline.is_none() {
            continue;
        }
        for variant in &results.variants {
            let wanted = match &limit.variant {
                Some(name) => *name == variant.name,
                // What is new has nothing to be compared with.
                None => !comparison.new_variants.contains(&variant.name),
            };
            if wanted {
                let judged = judge(limit, variant, &comparison.changes);
                comparison.limits.push(judged);
            }
        }
    }
    comparison
}

/// The change of one metric, and whether it was found pair by pair.
fn change(
    results: &Results,
    variant: &VariantResults,
    recorded: &RecordedVariant,
    baseline: &Baseline,
    name: &str,
) -> Option<(Change, bool)> {
    let old = recorded.metrics.get(name)?;
    let (before, now) = (old.interval(), variant.metrics[name]);
    if !before.is_measured() || !now.is_measured() {
        return None;
    }
    let new_samples = variant.samples.get(name).map_or(&[][..], Vec::as_slice);
    let old_samples = old.samples();
    let pairs = new_samples.len().min(old_samples.len());
    let paired = pairs >= 2 && baseline.seed == results.seed;
    let replications = baseline.replications.min(results.replications);
    let (difference, relative) = if paired {
        let (new, old) = (&new_samples[..pairs], &old_samples[..pairs]);
        let differences: Vec<f64> = new.iter().zip(old).map(|(new, old)| new - old).collect();
        (
            Interval::of(differences.iter().copied(), now.unit),
            Interval::of_ratio(&differences, old),
        )
    } else {
        welch(
            (&before, baseline.replications),
            (&now, results.replications),
        )
    };
    let relative = (relative.is_measured() && before.mean != 0.0).then_some(relative);
    let change = Change {
        variant: variant.name.clone(),
        metric: name.to_owned(),
        unit: now.unit,
        before: before.mean,
        now: now.mean,
        verdict: Verdict::of(&difference, relative.as_ref(), replications),
        difference,
        relative,
    };
    Some((change, paired))
}

/// The difference of two independent means and the same as a share of the first, by Welch; without
/// width if either comes from a single run.
pub(super) fn welch(
    (old, olds): (&Interval, u64),
    (new, news): (&Interval, u64),
) -> (Interval, Interval) {
    let around = |mean: f64, half_width: f64, unit: Unit| Interval {
        mean,
        low: mean - half_width,
        high: mean + half_width,
        unit,
    };
    let difference = new.mean - old.mean;
    let share = difference / old.mean;
    if olds < 2 || news < 2 {
        return (
            around(difference, 0.0, new.unit),
            around(share, 0.0, Unit::Ratio),
        );
    }
    let variance = |interval: &Interval, count: u64| {
        let error = interval.half_width() / interval::t_quantile_975(count - 1);
        error * error
    };
    let half_width = |old_variance: f64, new_variance: f64| {
        let sum = old_variance + new_variance;
        if sum == 0.0 {
            return 0.0;
        }
        let (old_freedom, new_freedom) = ((olds - 1) as f64, (news - 1) as f64);
        let freedom = sum * sum
            / (old_variance * old_variance / old_freedom
                + new_variance * new_variance / new_freedom);
        // Rounded down: the wider interval of the two.
        interval::t_quantile_975(freedom as u64) * sum.sqrt()
    };
    let (old_variance, new_variance) = (variance(old, olds), variance(new, news));
    // To first order, new / old varies by new and by old, each as a share.
    let slope = new.mean / (old.mean * old.mean);
    let of_share = half_width(
        slope * slope * old_variance,
        new_variance / (old.mean * old.mean),
    );
    (
        around(difference, half_width(old_variance, new_variance), new.unit),
        around(share, of_share, Unit::Ratio),
    )
}

fn judge(limit: &Limit, variant: &VariantResults, changes: &[Change]) -> LimitJudgement {
    let unit = super::unit_of(&limit.metric);
    let unmeasured = Interval::of([], unit);
    let change = changes
        .iter()
        .find(|change| change.variant == variant.name && change.metric == limit.metric);
    let (observed, bound) = match limit.bound {
        Bound::Value(bound) => {
            let value = variant.metrics.get(&limit.metric).copied();
            (value.unwrap_or(unmeasured), bound)
        }
        Bound::Change(bound) => (change.map_or(unmeasured, |change| change.difference), bound),
        Bound::RelativeChange(bound) => (change.map_or(unmeasured, as_share), bound),
    };
    // What was not measured is beyond every bound: a pass that nobody measured would be worse than
    // a failure.
    let (mean_is_beyond, is_beyond) = match limit.side {
        _ if !observed.is_measured() => (true, true),
        Side::Above => (observed.mean > bound, observed.low > bound),
        Side::Below => (observed.mean < bound, observed.high < bound),
    };
    LimitJudgement {
        limit: limit.clone(),
        variant: variant.name.clone(),
        unit,
        observed,
        standing: match (mean_is_beyond, is_beyond) {
            (_, true) => Standing::Broken,
            (true, false) => Standing::Unsure,
            (false, false) => Standing::Kept,
        },
    }
}

/// A change as a share of what was: of nothing, any change is infinitely large.
fn as_share(change: &Change) -> Interval {
    let infinite = |difference: f64| {
        if difference == 0.0 {
            0.0
        } else {
            difference.signum() * f64::INFINITY
        }
    };
    change.relative.unwrap_or(Interval {
        mean: infinite(change.difference.mean),
        low: infinite(change.difference.low),
        high: infinite(change.difference.high),
        unit: Unit::Ratio,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{experiment::combine, metrics::Outcome};

    const METRIC: &str = "database.qps.mean";

    fn results(seed: u64, values: &[f64]) -> Results {
        let run = |&value: &f64| Outcome {
            metrics: IndexMap::from([(METRIC.to_owned(), value)]),
            ..Outcome::default()
        };
        Results {
            seed,
            replications: values.len() as u64,
            variants: combine(vec![(
                "base".to_owned(),
                0.0,
                values.iter().map(run).collect(),
            )]),
            ..Results::default()
        }
    }

    fn baseline(seed: u64, values: &[f64], with_samples: bool) -> Baseline {
        let interval = Interval::of(values.iter().copied(), Unit::PerSecond);
        Baseline {
            version: "0".into(),
            title: String::new(),
            seed,
            replications: values.len() as u64,
            variants: vec![RecordedVariant {
                name: "base".into(),
                metrics: IndexMap::from([(
                    METRIC.to_owned(),
                    RecordedMetric {
                        mean: Some(interval.mean),
                        low: Some(interval.low),
                        high: Some(interval.high),
                        unit: interval.unit,
                        samples: if with_samples {
                            values.iter().map(|&value| Some(value)).collect()
                        } else {
                            Vec::new()
                        },
                    },
                )]),
            }],
        }
    }

    fn limit(side: Side, bound: Bound) -> Limit {
        Limit {
            text: String::new(),
            variant: None,
            metric: METRIC.into(),
            side,
            bound,
        }
    }

    fn standing(old: &Baseline, new: &Results, limit: Limit) -> Standing {
        compare(new, Some(old), &[limit]).limits[0].standing
    }

    const OLD: [f64; 3] = [100.0, 200.0, 300.0];
    const NEW: [f64; 3] = [110.0, 221.0, 329.0];

    #[test]
    fn the_same_luck_is_compared_pair_by_pair() {
        let found = compare(&results(7, &NEW), Some(&baseline(7, &OLD, true)), &[]);
        assert!(found.paired);
        let change = &found.changes[0];
        // Differences 10, 21, 29: mean 20, s = 9.539, standard error 5.508, t(2) = 4.3027.
        assert_eq!(change.difference.mean, 20.0);
        assert!((change.difference.high - 20.0 - 23.697).abs() < 0.01);
        // As a share 0.1 with residuals 0, 1, -1: standard error 1 / sqrt(3) / 200.
        let relative = change.relative.unwrap();
        assert_eq!(relative.mean, 0.1);
        assert!((relative.high - 0.1 - 4.3027 / 3.0_f64.sqrt() / 200.0).abs() < 1e-6);
    }

    #[test]
    fn other_luck_is_compared_by_welch() {
        for (old, seed) in [(baseline(7, &OLD, true), 8), (baseline(7, &OLD, false), 7)] {
            let found = compare(&results(seed, &NEW), Some(&old), &[]);
            assert!(!found.paired);
            let change = &found.changes[0];
            assert!((change.difference.mean - 20.0).abs() < 1e-9);
            // Standard errors 57.7 and 63.2, four degrees of freedom at most: the noise of the luck
            // drowns the difference.
            assert_eq!(change.verdict, Verdict::NotShown);
        }
    }

    #[test]
    fn welch_interval_of_a_textbook_pair() {
        // Means 10 and 13, standard errors 1 each of 11 runs: 20 degrees of freedom, t = 2.086.
        let around = |mean: f64| Interval {
            mean,
            low: mean - interval::t_quantile_975(10),
            high: mean + interval::t_quantile_975(10),
            unit: Unit::Seconds,
        };
        let (difference, share) = welch((&around(10.0), 11), (&around(13.0), 11));
        assert_eq!(difference.mean, 3.0);
        let error = 2.0_f64.sqrt();
        let freedoms = [19, 20].map(|freedom| interval::t_quantile_975(freedom) * error);
        assert!(
            freedoms
                .iter()
                .any(|width| (difference.half_width() - width).abs() < 1e-9)
        );
        assert!((share.mean - 0.3).abs() < 1e-12 && share.half_width() > 0.2);
    }

    #[test]
    fn only_a_whole_interval_beyond_the_limit_breaks_it() {
        let (old, new) = (baseline(7, &OLD, true), results(7, &NEW));
        let more = |share| limit(Side::Above, Bound::RelativeChange(share));
        // 10 % plus or minus 1.24.
        assert_eq!(standing(&old, &new, more(0.05)), Standing::Broken);
        assert_eq!(standing(&old, &new, more(0.09)), Standing::Unsure);
        assert_eq!(standing(&old, &new, more(0.105)), Standing::Kept);
        let less = |share| limit(Side::Below, Bound::RelativeChange(share));
        assert_eq!(standing(&old, &new, less(-0.05)), Standing::Kept);
        assert_eq!(standing(&old, &new, less(0.2)), Standing::Broken);
        // 20 per second plus or minus 23.7: the difference itself is less sure than its share.
        let by = |queries| limit(Side::Above, Bound::Change(queries));
        assert_eq!(standing(&old, &new, by(19.0)), Standing::Unsure);
        assert_eq!(standing(&old, &new, by(-5.0)), Standing::Broken);
    }

    #[test]
    fn one_run_has_no_interval_so_its_value_decides() {
        let old = baseline(7, &[100.0], true);
        let more = limit(Side::Above, Bound::RelativeChange(0.05));
        let broken = standing(&old, &results(7, &[105.1]), more.clone());
        assert_eq!(broken, Standing::Broken);
        assert_eq!(standing(&old, &results(7, &[104.9]), more), Standing::Kept);
    }

    #[test]
    fn a_limit_on_what_nobody_measured_is_broken() {
        let old = baseline(7, &OLD, true);
        let unmeasured = results(7, &[f64::NAN; 3]);
        let more = limit(Side::Above, Bound::RelativeChange(0.05));
        assert_eq!(standing(&old, &unmeasured, more), Standing::Broken);
        let value = limit(Side::Below, Bound::Value(0.0));
        assert_eq!(standing(&old, &unmeasured, value), Standing::Broken);
    }

    #[test]
    fn any_change_from_nothing_is_beyond_every_share() {
        let old = baseline(7, &[0.0, 0.0], true);
        let more = limit(Side::Above, Bound::RelativeChange(1000.0));
        let some = results(7, &[1.0, 1.0]);
        assert_eq!(standing(&old, &some, more.clone()), Standing::Broken);
        let none = results(7, &[0.0, 0.0]);
        assert_eq!(standing(&old, &none, more), Standing::Kept);
    }

    #[test]
    fn without_a_baseline_only_bounds_on_values_are_looked_at() {
        let limits = [
            limit(Side::Above, Bound::RelativeChange(0.0)),
            limit(Side::Above, Bound::Value(150.0)),
        ];
        let found = compare(&results(7, &NEW), None, &limits);
        assert_eq!(found.limits.len(), 1);
        assert_eq!(found.limits[0].standing, Standing::Unsure);
    }

    #[test]
    fn variants_that_are_new_or_gone_are_named_and_not_judged() {
        let mut old = baseline(7, &OLD, true);
        old.variants[0].name = "former".into();
        let more = limit(Side::Above, Bound::RelativeChange(0.05));
        let found = compare(&results(7, &NEW), Some(&old), &[more]);
        assert_eq!(found.new_variants, ["base"]);
        assert_eq!(found.gone_variants, ["former"]);
        assert!(found.limits.is_empty() && found.changes.is_empty());
    }

    #[test]
    fn what_is_no_summary_is_refused() {
        for text in ["", "{}", "[1]", "{\"version\":\"1\"}", "nonsense", "[[]]"] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert_eq!(parse("[]").unwrap().len(), 0);
    }
}
