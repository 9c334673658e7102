//! What a variant costs in a month, by the prices of its scenario.
//!
//! A month has 730 hours, as cloud bills have it. Memory is paid as it is provisioned: nodes times
//! capacity; where capacity is counted in entries, an entry is taken to be as large as the resident
//! ones are on average; a tier without limit is paid as it is filled. A tier of app instances is paid for
//! each of them, one of clients by nobody. What flows (queries, bytes sent
//! to clients) is paid as the run measured it, as if the month were like the measured time.
//!
//! Not here: where prices come from (`scenario`).

use crate::metrics::Outcome;
use crate::scenario::Prices;
use crate::simulation::Plan;
use crate::tier::{self, Capacity, Scope};

/// The metric.
pub const METRIC: &str = "cost.monthly";

const MONTH_S: f64 = 730.0 * 3600.0;
const GB: f64 = 1e9;

/// The cost of a month like the run.
#[must_use]
pub fn monthly(prices: &Prices, plan: &Plan, outcome: &Outcome) -> f64 {
    let metric = |name: &str| outcome.metrics.get(name).copied().unwrap_or(f64::NAN);
    // What costs nothing needs no measurement.
    let paid = |price: f64, amount: &dyn Fn() -> f64| {
        if price == 0.0 { 0.0 } else { price * amount() }
    };
    let of_tier = |name: &str, what: &str| metric(&format!("tier.{name}.{what}"));
    // The memory of a client is the client's.
    let is_paid = |tier: &&tier::Plan| tier.scope != Scope::Client;
    let tiers = plan.tiers.iter().map(|layer| &layer.tier).filter(is_paid);
    let population = plan.population();
    let count = |tier: &tier::Plan| f64::from(tier.nodes_in_all(population));
    let memory: f64 = tiers
        .clone()
        .map(|tier| {
            let (bytes, entries) = (of_tier(&tier.name, "bytes"), of_tier(&tier.name, "entries"));
            let nodes = count(tier);
            let provisioned = || match tier.capacity {
                Capacity::Unlimited => bytes,
                Capacity::Bytes(capacity) => nodes * capacity as f64,
                // A tier that nobody filled has no entry to measure.
                Capacity::Entries(_) if entries == 0.0 => 0.0,
                Capacity::Entries(capacity) => nodes * capacity as f64 * bytes / entries,
            };
            paid(prices.memory_gb_month, &|| provisioned() / GB)
        })
        .sum();
    let nodes: f64 = tiers.map(count).sum();
    let connections = plan.database.connections_in_all() as f64;
    let replicas = plan.database.replica_count() as f64;
    let queries = || metric("database.qps.mean") * MONTH_S / 1e6;
    let sent = || metric("goodput.rate") * plan.workload.read_share * value_bytes(plan) * MONTH_S;
    memory
        + prices.node_month * nodes
        + prices.database_connection_month * connections
        + prices.replica_month * replicas
        + paid(prices.database_million_queries, &queries)
        + paid(prices.egress_gb, &|| sent() / GB)
}

/// The mean size of what a read gives. A trace's own sizes are taken to be as the scenario's, which the report's
/// reader is told in the documentation of the price.
fn value_bytes(plan: &Plan) -> f64 {
    let page = plan.workload.page.as_ref();
    let keys = page.map_or(1.0, |page| page.keys.mean().max(1.0));
    keys * plan.workload.value_size.mean()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use indexmap::IndexMap;

    use super::*;
    use crate::scenario::{self, Overrides};

    fn plan(capacity: &str) -> Plan {
        let text = format!(
            "duration = \"10s\"\n[workload]\narrivals = \"10/s\"\nvalue_size = \"2KB\"\nreads = 0.5\n\
             keys = {{ distribution = \"uniform\", count = 10 }}\n\
             [[tier]]\nname = \"redis\"\nnodes = 3\ncapacity = \"{capacity}\"\n\
             [database]\nservice_time = \"1ms\"\nconnections = 20\n"
        );
        let study = scenario::load_text(Path::new("x.toml"), &text, &Overrides::default());
        study.unwrap().variants.remove(0).plan
    }

    fn outcome() -> Outcome {
        let metrics = [
            ("tier.redis.bytes", 5e9),
            ("tier.redis.entries", 1e6),
            ("database.qps.mean", 100.0),
            ("goodput.rate", 1000.0),
        ];
        let metrics = metrics.map(|(name, value)| (name.to_owned(), value));
        Outcome {
            metrics: IndexMap::from(metrics),
            ..Outcome::default()
        }
    }

    const FREE: Prices = Prices {
        currency: String::new(),
        memory_gb_month: 0.0,
        node_month: 0.0,
        database_connection_month: 0.0,
        replica_month: 0.0,
        database_million_queries: 0.0,
        egress_gb: 0.0,
    };

    #[test]
    fn memory_is_paid_as_provisioned() {
        let prices = Prices {
            memory_gb_month: 10.0,
            ..FREE
        };
        let cost = |capacity| monthly(&prices, &plan(capacity), &outcome());
        // Three nodes of 4 GB.
        assert_eq!(cost("4GB"), 120.0);
        // Three nodes of 2 million entries of 5 kB each.
        assert_eq!(cost("2M entries"), 300.0);
        // As filled: 5 GB.
        assert_eq!(cost("unlimited"), 50.0);
    }

    #[test]
    fn who_does_not_share_pays_for_each_and_clients_pay_themselves() {
        let prices = Prices {
            node_month: 1.0,
            ..FREE
        };
        let cost = |scope: Scope| {
            let mut plan = plan("4GB");
            plan.instances = 20;
            plan.tiers[0].tier.scope = scope;
            monthly(&prices, &plan, &outcome())
        };
        assert_eq!(cost(Scope::Global), 3.0);
        assert_eq!(cost(Scope::Instance), 60.0);
        assert_eq!(cost(Scope::Client), 0.0);
    }

    #[test]
    fn each_price_is_of_its_own_amount() {
        let plan = plan("4GB");
        let cost = |prices: Prices| monthly(&prices, &plan, &outcome());
        let nodes = Prices {
            node_month: 7.0,
            ..FREE
        };
        assert_eq!(cost(nodes), 21.0);
        let connections = Prices {
            database_connection_month: 2.0,
            ..FREE
        };
        assert_eq!(cost(connections), 40.0);
        // 100 /s x 2 628 000 s = 262.8 million.
        let queries = Prices {
            database_million_queries: 0.5,
            ..FREE
        };
        assert!((cost(queries) - 131.4).abs() < 1e-9);
        // 1000 /s x 0.5 reads x 2000 B x 2 628 000 s = 2628 GB.
        let egress = Prices {
            egress_gb: 0.1,
            ..FREE
        };
        assert!((cost(egress) - 262.8).abs() < 1e-9);
    }

    #[test]
    fn a_replica_is_paid_with_its_connections() {
        let mut plan = plan("4GB");
        plan.database.replicas = Some(crate::database::replication::Plan {
            homes: vec![None; 2],
            connections: 5,
            lag: plan.database.network.clone(),
            acks: 0,
            reads: crate::database::Reads::Any,
            failover_ns: None,
        });
        let cost = |prices: Prices| monthly(&prices, &plan, &outcome());
        let replicas = Prices {
            replica_month: 200.0,
            ..FREE
        };
        assert_eq!(cost(replicas), 400.0);
        let connections = Prices {
            database_connection_month: 2.0,
            ..FREE
        };
        assert_eq!(cost(connections), 60.0);
    }

    #[test]
    fn what_was_not_measured_has_no_price_unless_it_is_free() {
        let prices = Prices {
            database_million_queries: 1.0,
            ..FREE
        };
        let nothing = Outcome::default();
        assert!(monthly(&prices, &plan("4GB"), &nothing).is_nan());
        assert_eq!(monthly(&FREE, &plan("4GB"), &nothing), 0.0);
    }
}
