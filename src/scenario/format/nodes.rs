//! The keys of `[[tier]]` that say what happens among its nodes: copies, failures, stand-ins.

use crate::tier::{COPY_READS, DETECTION, GUTTER, REPLICATION, WHILE_DOWN};

use super::super::shape::{Field, Need, Shape, Table};
use super::parts::{chosen_by, field, parameters_table, words};

/// What can be said, in order.
pub(super) fn fields() -> Vec<Field> {
    let or_none = |none: &str, table: Table| {
        Shape::Either(vec![words(&[("none", none)]), Shape::Table(table)])
    };
    vec![
        field(
            "replication",
            or_none("each key is on one node", replication()),
            Need::Default("\"none\""),
            "{ factor = 2, reads = \"any\", lag = \"1ms\" }",
            "replicas of each node, which follow it a little later and take over when it fails",
        ),
        field(
            "detection",
            or_none(
                "nobody watches: requests find out by themselves, each anew",
                parameters_table(&DETECTION),
            ),
            Need::Default("\"none\""),
            "{ interval = \"100ms\", timeout = \"400ms\" }",
            "how nodes notice that another is down; from then on no request waits for it",
        ),
        field(
            "while_down",
            Shape::Short(
                "kind",
                Box::new(Shape::Choice(chosen_by(
                    "kind",
                    "what the request does",
                    WHILE_DOWN,
                ))),
            ),
            Need::Default("\"fall-through\""),
            "{ kind = \"timeout\", notice = \"1s\" }",
            "what a request does that meets a node that is down",
        ),
        field(
            "gutter",
            or_none("nobody stands in", parameters_table(&GUTTER)),
            Need::Default("\"none\""),
            "{ nodes = 1, ttl = \"10s\" }",
            "nodes that are asked in place of one that is down, and keep what they are given for a short time, because nobody invalidates it",
        ),
    ]
}

fn replication() -> Table {
    let mut table = parameters_table(&REPLICATION);
    let reads: Vec<(&str, &str)> = (COPY_READS.iter())
        .map(|row| (row.name, row.summary))
        .collect();
    let reads = field(
        "reads",
        words(&reads),
        Need::Default("\"primary\""),
        "\"any\"",
        "which copy a read asks",
    );
    table.fields.insert(1, reads);
    table
}
