//! Results of several runs put side by side, as if all their variants were those of one scenario.
//!
//! Two runs under the same seed met the same luck, so they are compared replication by replication;
//! others by the interval of Welch, as with a baseline of other luck (see `baseline`).
//!
//! Not here: reading what another time has written (see `report`).

use super::{Interval, Results, VariantResults, baseline::welch};

/// The results of `runs`, each with the label that tells it from the others, side by side. The first
/// variant of the first run is the one that the others are compared with.
///
/// A run of one variant is called by its label alone; variants of others by both.
#[must_use]
pub fn side_by_side(runs: &[(String, Results)]) -> Results {
    let [(_, first), others @ ..] = runs else {
        return Results::default();
    };
    if others.is_empty() {
        return first.clone();
    }
    let mut all = Results {
        title: titles(runs),
        description: String::new(),
        resolved: serde_json::Value::Null,
        // The fewest tell how sure comparisons can be.
        replications: runs
            .iter()
            .map(|(_, run)| run.replications)
            .min()
            .unwrap_or(1),
        variants: Vec::new(),
        expectations: Vec::new(),
        comparison: None,
        ..first.clone()
    };
    for (label, run) in runs {
        let named = |name: &str| match run.variants.len() {
            1 => label.clone(),
            _ => format!("{label}: {name}"),
        };
        for variant in &run.variants {
            let mut own = VariantResults {
                name: named(&variant.name),
                ..variant.clone()
            };
            own.differences.clear();
            own.relative.clear();
            if let Some(reference) = all.variants.first() {
                compare(&mut own, run, reference, first);
            }
            all.variants.push(own);
        }
        for judgement in &run.expectations {
            let mut own = judgement.clone();
            own.expectation.variant = named(&own.expectation.variant);
            all.expectations.push(own);
        }
    }
    all
}

/// One title if all have the same, else all of them.
fn titles(runs: &[(String, Results)]) -> String {
    let mut titles: Vec<&str> = Vec::new();
    for (_, run) in runs {
        if !titles.contains(&run.title.as_str()) {
            titles.push(&run.title);
        }
    }
    titles.join(" | ")
}

/// Fills in the differences of `variant`, of `run`, to `reference`, of `first`.
fn compare(
    variant: &mut VariantResults,
    run: &Results,
    reference: &VariantResults,
    first: &Results,
) {
    for (name, now) in &variant.metrics {
        let Some(base) = reference.metrics.get(name) else {
            continue;
        };
        if !now.is_measured() || !base.is_measured() {
            continue;
        }
        let (new, old) = (&variant.samples[name], &reference.samples[name]);
        let is_paired = run.seed == first.seed && run.replications == first.replications;
        let (difference, relative) = if is_paired && new.len() == old.len() {
            let differences: Vec<f64> = new.iter().zip(old).map(|(new, old)| new - old).collect();
            (
                Interval::of(differences.iter().copied(), now.unit),
                Interval::of_ratio(&differences, old),
            )
        } else {
            welch((base, first.replications), (now, run.replications))
        };
        variant.differences.insert(name.clone(), difference);
        if relative.is_measured() && base.mean != 0.0 {
            variant.relative.insert(name.clone(), relative);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Unit;

    fn run(seed: u64, variants: &[(&str, &[f64])]) -> Results {
        let variants = variants.iter().map(|(name, samples)| VariantResults {
            name: (*name).to_owned(),
            metrics: [(
                "latency.mean".to_owned(),
                Interval::of(samples.iter().copied(), Unit::Seconds),
            )]
            .into(),
            samples: [("latency.mean".to_owned(), samples.to_vec())].into(),
            ..VariantResults::default()
        });
        let variants: Vec<VariantResults> = variants.collect();
        Results {
            title: "Title".to_owned(),
            seed,
            replications: variants[0].samples["latency.mean"].len() as u64,
            variants,
            ..Results::default()
        }
    }

    fn beside(first: Results, second: Results) -> Results {
        side_by_side(&[("before".to_owned(), first), ("after".to_owned(), second)])
    }

    #[test]
    fn one_run_alone_stays_what_it_is() {
        let alone = side_by_side(&[("x".to_owned(), run(1, &[("base", &[1.0])]))]);
        assert_eq!(alone.variants[0].name, "base");
    }

    #[test]
    fn a_run_of_several_variants_keeps_their_names_behind_its_label() {
        let all = beside(
            run(1, &[("base", &[1.0]), ("lock", &[2.0])]),
            run(1, &[("base", &[1.0])]),
        );
        let names: Vec<&str> = all.variants.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["before: base", "before: lock", "after"]);
        assert_eq!(all.title, "Title");
    }

    #[test]
    fn the_same_luck_is_compared_pair_by_pair_and_other_luck_is_not() {
        let samples: (&[f64], &[f64]) = (&[1.0, 2.0, 3.0], &[1.5, 2.5, 3.5]);
        let paired = beside(
            run(1, &[("base", samples.0)]),
            run(1, &[("base", samples.1)]),
        );
        let difference = paired.variants[1].differences["latency.mean"];
        assert_eq!((difference.mean, difference.half_width()), (0.5, 0.0));
        let other = beside(
            run(1, &[("base", samples.0)]),
            run(2, &[("base", samples.1)]),
        );
        let difference = other.variants[1].differences["latency.mean"];
        assert_eq!(difference.mean, 0.5);
        assert!(difference.half_width() > 1.0);
    }
}
