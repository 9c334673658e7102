//! Reports: what an experiment has found, as text for people and for programs, and as charts.
//!
//! One file per output. Each is a pure function from [`crate::experiment::Results`] to text or
//! bytes; [`folder`] alone touches the file system.

pub mod alerts;
pub mod baseline;
pub mod blocks;
pub mod chart;
pub mod compared;
pub mod csv;
pub mod expectation;
pub mod events;
pub mod folder;
pub mod html;
pub mod json;
pub mod key_metrics;
pub mod layers;
pub mod junit;
pub mod markdown;
pub mod metrics_reference;
pub mod openmetrics;
pub mod overview;
pub mod perfetto;
pub mod quantity;
pub mod reading;
pub mod sparkline;
pub mod sweep;
pub mod sweep_summary;
pub mod terminal;
pub mod top_keys;
pub mod verdict;

#[cfg(test)]
mod samples;

/// What is to be known about how the results were found, a sentence each: where warm-up was found to
/// end, and how sure the metrics have become that were to be sure.
#[must_use]
pub fn remarks(results: &crate::experiment::Results) -> Vec<String> {
    let mut remarks = Vec::new();
    if let Some(warmup) = &results.warmup {
        let cut = quantity::quantity(warmup.cut_s, crate::metrics::Unit::Seconds);
        let runs = match warmup.pilots {
            1 => "1 run".to_owned(),
            runs => format!("{runs} runs"),
        };
        remarks.push(if warmup.settled {
            format!("warm-up: the first {cut} are cut (MSER-5 over {runs} of each variant)")
        } else {
            format!("warm-up: the first {cut} are cut, but nothing had settled by then: raise `duration`")
        });
    }
    if let Some(currency) = &results.currency {
        remarks.push(format!(
            "cost.monthly is in {currency}, for 730 hours like the measured time"
        ));
    }
    for one in &results.sureness {
        let share = |share: f64| format!("±{} %", quantity::significant(100.0 * share, 2));
        let (metric, wanted) = (&one.metric, share(one.wanted));
        remarks.push(if one.is_reached() {
            format!(
                "{metric} is sure to {}, as wanted ({wanted})",
                share(one.reached)
            )
        } else if one.reached.is_nan() {
            format!("{metric} was not measured, so it cannot be sure to {wanted}")
        } else {
            format!(
                "{metric} is sure to {} only, not to {wanted}: raise --max-replications",
                share(one.reached)
            )
        });
    }
    remarks
}
