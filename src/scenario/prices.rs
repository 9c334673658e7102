//! What things cost, as the scenario says it.
//!
//! Not here: what a run costs (`experiment`).

use serde::Serialize;

use super::shape::Checked;

/// Prices of a scenario, in one currency.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Prices {
    /// The currency, as it is shown.
    pub currency: String,
    /// Of a gigabyte (10^9 bytes) of a tier's memory for a month.
    pub memory_gb_month: f64,
    /// Of a tier's node for a month, whatever its memory.
    pub node_month: f64,
    /// Of a database connection for a month.
    pub database_connection_month: f64,
    /// Of a replica of the database for a month.
    pub replica_month: f64,
    /// Of a million queries at the database.
    pub database_million_queries: f64,
    /// Of a gigabyte (10^9 bytes) sent to clients.
    pub egress_gb: f64,
}

impl Prices {
    pub(super) fn read(checked: &Checked) -> Self {
        let price = |key| checked.at(key).base();
        Self {
            currency: checked.at("currency").text().to_owned(),
            memory_gb_month: price("memory_gb_month"),
            node_month: price("node_month"),
            database_connection_month: price("database_connection_month"),
            replica_month: price("replica_month"),
            database_million_queries: price("database_million_queries"),
            egress_gb: price("egress_gb"),
        }
    }
}
