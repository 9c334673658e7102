//! Finds the cheapest setting under which every expectation of a scenario holds.
//!
//! Axes of quantities are taken to be monotone: listed from the cheapest to the dearest, and once the
//! expectations hold they go on holding. So the least value is found by bisection; with several such
//! axes, the last is bisected for each combination of the others, within bounds that the smaller
//! combinations have set. From the least value that is enough, the cost may first fall and then rise, as
//! memory costs money and saves queries: the bottom is found by bisection too. Axes of names have no order. Their combinations are arms of successive
//! halving (Jamieson and Talwalkar, "Non-stochastic best arm identification and hyperparameter
//! optimization", AISTATS 2016): all are tried with one replication, the better half goes on with
//! twice as many, until one is left or all have as many as the scenario asks for.
//!
//! Everything that was tried is kept as evidence, and if it contradicts the order of an axis, that is
//! said.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use super::sweep::{CellResults, SweepError, run_cells};
use super::{Simulate, Wanted};
use crate::scenario::{Axis, Grid};

/// What a search has found.
#[derive(Clone, Debug)]
pub struct Tuned {
    /// The cell with the cheapest setting; none if the expectations hold nowhere.
    pub best: Option<usize>,
    /// Every cell that was tried, with as many replications as it got, in the order of the grid.
    pub tried: BTreeMap<usize, CellResults>,
    /// Pairs of cells, the cheaper first, where the cheaper one holds and the dearer does not: the
    /// axes are not monotone.
    pub contradictions: Vec<(usize, usize)>,
}

/// A search under way.
struct Search<'a> {
    grid: &'a Grid,
    wanted: &'a Wanted,
    simulate: &'a dyn Simulate,
    /// The metric that is to be least; the place on the only axis if none.
    objective: Option<&'a str>,
    tried: Mutex<BTreeMap<(u64, usize), CellResults>>,
}

/// The cheapest setting of an arm: its cell and what it costs.
type Cheapest = Option<(usize, f64)>;

/// Whether the values of an axis are quantities in one direction, so that it can be bisected.
#[must_use]
pub fn is_monotone(axis: &Axis) -> bool {
    axis.numbers().is_some_and(|(_, numbers)| {
        let rising = numbers.windows(2).all(|pair| pair[0] < pair[1]);
        let falling = numbers.windows(2).all(|pair| pair[0] > pair[1]);
        rising || falling
    })
}

/// Searches the grid. `objective` is the metric that is to be least where several axes leave a choice;
/// `replications` how many the scenario asks for.
///
/// # Errors
/// As of a sweep.
pub fn tune(
    grid: &Grid,
    objective: Option<&str>,
    replications: u64,
    wanted: &Wanted,
    simulate: &dyn Simulate,
) -> Result<Tuned, SweepError> {
    let search = Search {
        grid,
        wanted,
        simulate,
        objective,
        tried: Mutex::default(),
    };
    let (ordered, named): (Vec<usize>, Vec<usize>) =
        (0..grid.axes.len()).partition(|&axis| is_monotone(&grid.axes[axis]));
    let mut arms = combinations(grid, &named);
    let mut round = if arms.len() > 1 { 1 } else { replications };
    let best = loop {
        let found: Vec<Result<Cheapest, SweepError>> = arms
            .par_iter()
            .with_max_len(1)
            .map(|arm| search.cheapest(arm, &ordered, round))
            .collect();
        let mut ranked = Vec::new();
        for (number, cheapest) in found.into_iter().enumerate() {
            ranked.push((number, cheapest?));
        }
        // Those that hold first, the cheapest of them first; then in the order of the grid.
        ranked.sort_by(|(a, one), (b, other)| {
            let cost = |cheapest: &Cheapest| cheapest.map_or(f64::INFINITY, |found| found.1);
            let holds = |cheapest: &Cheapest| cheapest.is_none();
            (holds(one).cmp(&holds(other)))
                .then(cost(one).total_cmp(&cost(other)))
                .then(a.cmp(b))
        });
        if round >= replications {
            break ranked[0].1.map(|(cell, _)| cell);
        }
        let kept = arms.len().div_ceil(2);
        arms = ranked
            .iter()
            .take(kept)
            .map(|(number, _)| arms[*number].clone())
            .collect();
        // The last one is judged with all replications.
        round = if arms.len() == 1 {
            replications
        } else {
            (2 * round).min(replications)
        };
    };
    Ok(search.finish(best, &ordered))
}

/// Every combination of the values of some axes; the other axes are at their first value.
fn combinations(grid: &Grid, axes: &[usize]) -> Vec<Vec<usize>> {
    let mut all = vec![vec![0; grid.axes.len()]];
    for &axis in axes {
        all = all
            .into_iter()
            .flat_map(|indexes| {
                (0..grid.axes[axis].len()).map(move |value| {
                    let mut indexes = indexes.clone();
                    indexes[axis] = value;
                    indexes
                })
            })
            .collect();
    }
    all
}

impl Search<'_> {
    /// Whether every expectation holds in a cell, and its cost.
    fn look(&self, indexes: &[usize], replications: u64) -> Result<(bool, f64), SweepError> {
        let cell = self.grid.cell(indexes);
        let tried = || self.tried.lock().unwrap_or_else(PoisonError::into_inner);
        let known = tried().get(&(replications, cell)).cloned();
        let results = match known {
            Some(results) => results,
            None => {
                let mut found = run_cells(
                    self.grid,
                    &[cell],
                    Some(replications),
                    self.wanted,
                    self.simulate,
                )?;
                let results = found.remove(0);
                tried().insert((replications, cell), results.clone());
                results
            }
        };
        let cost = match self.objective {
            Some(metric) => objective(&results, metric),
            None => indexes.iter().sum::<usize>() as f64,
        };
        Ok((results.all_held(), cost))
    }

    /// The cheapest setting of the ordered axes that holds, with the others as in `arm`.
    fn cheapest(
        &self,
        arm: &[usize],
        ordered: &[usize],
        replications: u64,
    ) -> Result<Cheapest, SweepError> {
        let Some((&last, others)) = ordered.split_last() else {
            let (held, cost) = self.look(arm, replications)?;
            return Ok(held.then(|| (self.grid.cell(arm), cost)));
        };
        let most = self.grid.axes[last].len() - 1;
        // Where it does not hold with everything at its dearest, it holds nowhere.
        let mut dearest = arm.to_vec();
        for &axis in ordered {
            dearest[axis] = self.grid.axes[axis].len() - 1;
        }
        if !self.look(&dearest, replications)?.0 {
            return Ok(None);
        }
        let mut best: Cheapest = None;
        // The least value of the last axis that holds, for each combination of the others.
        let mut found: Vec<(Vec<usize>, usize)> = Vec::new();
        for combination in combinations(self.grid, others) {
            let mut indexes = arm.to_vec();
            for &axis in others {
                indexes[axis] = combination[axis];
            }
            // What is enough with less of everything else is enough here.
            let is_less = |smaller: &[usize]| {
                others
                    .iter()
                    .all(|&axis| smaller[axis] <= combination[axis])
            };
            let enough = found
                .iter()
                .filter(|(smaller, _)| is_less(smaller))
                .map(|(_, value)| *value)
                .min();
            let at = |value: usize| {
                let mut indexes = indexes.clone();
                indexes[last] = value;
                indexes
            };
            let (mut low, mut high) = (0, enough.unwrap_or(most));
            if enough.is_none() && !self.look(&at(most), replications)?.0 {
                continue;
            }
            while low < high {
                let middle = low + (high - low) / 2;
                if self.look(&at(middle), replications)?.0 {
                    high = middle;
                } else {
                    low = middle + 1;
                }
            }
            found.push((combination, high));
            let cheapest = self.least(high, most, |value| self.look(&at(value), replications))?;
            let (held, cost) = self.look(&at(cheapest), replications)?;
            if held && best.is_none_or(|(_, least)| cost < least) {
                best = Some((self.grid.cell(&at(cheapest)), cost));
            }
        }
        Ok(best)
    }

    /// The value of least cost from `low` to `high`, where the cost may fall before it rises: more
    /// memory costs, but it saves queries.
    fn least(
        &self,
        mut low: usize,
        mut high: usize,
        look: impl Fn(usize) -> Result<(bool, f64), SweepError>,
    ) -> Result<usize, SweepError> {
        // Without an objective, the first value is the cheapest by definition.
        if self.objective.is_none() || low == high {
            return Ok(low);
        }
        // Most costs only rise, so the next value mostly settles it.
        if look(low + 1)?.1 >= look(low)?.1 {
            return Ok(low);
        }
        while low < high {
            let middle = low + (high - low) / 2;
            if look(middle + 1)?.1 < look(middle)?.1 {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    fn finish(self, best: Option<usize>, ordered: &[usize]) -> Tuned {
        let tried = self
            .tried
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        // The keys are in the order of their replications: the most stay.
        let tried: BTreeMap<usize, CellResults> = tried
            .into_iter()
            .map(|((_, cell), results)| (cell, results))
            .collect();
        let is_cheaper = |a: &CellResults, b: &CellResults| {
            a.replications == b.replications
                && a.indexes
                    .iter()
                    .zip(&b.indexes)
                    .enumerate()
                    .all(|(axis, (a, b))| {
                        if ordered.contains(&axis) {
                            a <= b
                        } else {
                            a == b
                        }
                    })
        };
        let mut contradictions = Vec::new();
        for (&cheaper, one) in &tried {
            for (&dearer, other) in &tried {
                if one.all_held() && !other.all_held() && is_cheaper(one, other) {
                    contradictions.push((cheaper, dearer));
                }
            }
        }
        Tuned {
            best,
            tried,
            contradictions,
        }
    }
}

/// The mean of the objective in the first variant; infinite where it was not measured.
#[must_use]
pub fn objective(cell: &CellResults, metric: &str) -> f64 {
    let interval = cell
        .variants
        .first()
        .and_then(|variant| variant.metrics.get(metric));
    interval.map_or(f64::INFINITY, |interval| {
        if interval.mean.is_nan() {
            f64::INFINITY
        } else {
            interval.mean
        }
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use indexmap::IndexMap;

    use super::*;
    use crate::metrics::Outcome;
    use crate::scenario::{self, Overrides};
    use crate::simulation::{Plan, RunError};

    const SCENARIO: &str = r#"
duration = "10s"
[workload]
arrivals = "10/s"
keys = { distribution = "uniform", count = 10 }
[[tier]]
name = "redis"
capacity = "1 entries"
[database]
connections = 1
service_time = "1ms"
[[expect]]
metric = "latency.p99"
below = 1.0
"#;

    fn grid(axes: &[&str]) -> Arc<Grid> {
        let overrides = Overrides {
            sweep: axes.iter().map(|axis| (*axis).to_owned()).collect(),
            ..Overrides::default()
        };
        let study = scenario::load_text(Path::new("x.toml"), SCENARIO, &overrides).unwrap();
        study.grid.unwrap()
    }

    /// Entries, connections and nodes of a plan.
    fn settings(plan: &Plan) -> (u64, u32, u32) {
        let tier = &plan.tiers[0].tier;
        let crate::tier::Capacity::Entries(entries) = tier.capacity else {
            panic!("capacity in entries");
        };
        (entries, plan.database.connections, tier.nodes)
    }

    /// It holds if entries x connections reach `enough`; it costs entries + 10 x connections.
    fn world(enough: u64) -> impl Simulate {
        move |plan: &Plan, _: u64| -> Result<Outcome, RunError> {
            let (entries, connections, _) = settings(plan);
            let holds = entries * u64::from(connections) >= enough;
            Ok(Outcome {
                metrics: IndexMap::from([
                    ("latency.p99".to_owned(), if holds { 0.5 } else { 2.0 }),
                    (
                        "database.qps.mean".to_owned(),
                        entries as f64 + 10.0 * f64::from(connections),
                    ),
                ]),
                ..Outcome::default()
            })
        }
    }

    fn best(axes: &[&str], objective: Option<&str>, enough: u64) -> (Option<String>, usize) {
        let grid = grid(axes);
        let tuned = tune(&grid, objective, 4, &Wanted::default(), &world(enough)).unwrap();
        let text = tuned.best.map(|cell| {
            let values = grid.axes.iter().zip(grid.indexes(cell));
            let values: Vec<String> = values.map(|(axis, index)| axis.value(index)).collect();
            values.join(" ")
        });
        assert!(tuned.contradictions.is_empty());
        (text, tuned.tried.len())
    }

    #[test]
    fn one_axis_is_bisected() {
        let axis = "tier.redis.capacity=1..1000:1000";
        let (found, tried) = best(&[axis], None, 377);
        assert_eq!(found.as_deref(), Some("377"));
        // The dearest, and ten halvings of a thousand.
        assert!(tried <= 12, "{tried}");
        assert_eq!(best(&[axis], None, 1).0.as_deref(), Some("1"));
        assert_eq!(best(&[axis], None, 1000).0.as_deref(), Some("1000"));
        assert_eq!(best(&[axis], None, 1001), (None, 1));
    }

    #[test]
    fn two_axes_give_the_cheapest_of_all_that_hold() {
        let axes = [
            "tier.redis.capacity=1..30:30",
            "database.connections=1..30:30",
        ];
        let objective = Some("database.qps.mean");
        for enough in [1, 17, 100, 377, 900] {
            let (found, tried) = best(&axes, objective, enough);
            // By trying all.
            let all = (1..=30_u64).flat_map(|entries| (1..=30).map(move |it| (entries, it)));
            let cheapest = all
                .filter(|(entries, connections)| entries * connections >= enough)
                .min_by_key(|(entries, connections)| entries + 10 * connections)
                .unwrap();
            let found = found.unwrap();
            let numbers: Vec<u64> = found.split(' ').map(|it| it.parse().unwrap()).collect();
            assert_eq!(
                numbers[0] + 10 * numbers[1],
                cheapest.0 + 10 * cheapest.1,
                "{enough}"
            );
            assert!(tried < 350, "{tried}");
        }
        assert_eq!(best(&axes, objective, 901).0, None);
    }

    #[test]
    fn a_cost_that_falls_before_it_rises_is_followed_to_its_bottom() {
        let grid = grid(&["tier.redis.capacity=1..100:100"]);
        let simulate = |plan: &Plan, _: u64| {
            let entries = settings(plan).0 as f64;
            Ok(Outcome {
                metrics: IndexMap::from([
                    (
                        "latency.p99".to_owned(),
                        if entries >= 10.0 { 0.5 } else { 2.0 },
                    ),
                    (
                        "database.qps.mean".to_owned(),
                        (entries - 63.0) * (entries - 63.0),
                    ),
                ]),
                ..Outcome::default()
            })
        };
        let wanted = Wanted::default();
        let tuned = tune(&grid, Some("database.qps.mean"), 1, &wanted, &simulate).unwrap();
        assert_eq!(grid.axes[0].value(tuned.best.unwrap()), "63");
        assert!(tuned.tried.len() < 25, "{}", tuned.tried.len());
    }

    #[test]
    fn names_are_tried_all_and_the_better_half_goes_on() {
        let grid = grid(&["tier.redis.eviction=lru,fifo,sieve,s3-fifo,random"]);
        let cost_of = |plan: &Plan| match plan.tiers[0].tier.eviction.to_string().as_str() {
            "fifo" => 3.0,
            "sieve" => 1.0,
            "random" => 0.5,
            _ => 2.0,
        };
        let simulate = |plan: &Plan, _: u64| {
            let cost = cost_of(plan);
            Ok(Outcome {
                metrics: IndexMap::from([
                    // The cheapest of all does not hold.
                    ("latency.p99".to_owned(), if cost < 1.0 { 2.0 } else { 0.5 }),
                    ("database.qps.mean".to_owned(), cost),
                ]),
                ..Outcome::default()
            })
        };
        let wanted = Wanted::default();
        let tuned = tune(&grid, Some("database.qps.mean"), 4, &wanted, &simulate).unwrap();
        assert_eq!(grid.axes[0].value(tuned.best.unwrap()), "sieve");
        let replications: Vec<u64> = tuned.tried.values().map(|it| it.replications).collect();
        // lru, fifo, sieve, s3-fifo, random: the worst stop after one replication.
        assert_eq!(replications[1], 1);
        assert_eq!(replications[2], 4);
        assert_eq!(replications[4], 1);
    }

    #[test]
    fn an_axis_that_is_not_monotone_is_found_out() {
        let grid = grid(&["tier.redis.capacity=1..8:8"]);
        let simulate = |plan: &Plan, _: u64| {
            let (entries, _, _) = settings(plan);
            let holds = entries != 4 && entries != 2;
            Ok(Outcome {
                metrics: IndexMap::from([(
                    "latency.p99".to_owned(),
                    if holds { 0.5 } else { 2.0 },
                )]),
                ..Outcome::default()
            })
        };
        let tuned = tune(&grid, None, 1, &Wanted::default(), &simulate).unwrap();
        // 1 and 3 hold too, but bisection has only looked at 8, 4, 6 and 5: nothing odd in sight.
        assert_eq!(
            tuned.best.map(|cell| grid.axes[0].value(cell)).as_deref(),
            Some("5")
        );
        assert!(tuned.contradictions.is_empty());
        let simulate = |plan: &Plan, _: u64| {
            let (entries, connections, _) = settings(plan);
            let holds = entries >= 3 && !(connections == 2 && entries == 3) || entries == 4;
            Ok(Outcome {
                metrics: IndexMap::from([
                    ("latency.p99".to_owned(), if holds { 0.5 } else { 2.0 }),
                    ("database.qps.mean".to_owned(), 1.0),
                ]),
                ..Outcome::default()
            })
        };
        let grid = self::grid(&["database.connections=1,2", "tier.redis.capacity=1..4:4"]);
        let wanted = Wanted::default();
        let tuned = tune(&grid, Some("database.qps.mean"), 1, &wanted, &simulate).unwrap();
        assert!(!tuned.contradictions.is_empty());
    }
}
