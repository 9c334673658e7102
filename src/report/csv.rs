//! CSV for spreadsheets and data frames: long form, one number in one row, base units, every digit.
//! What was not measured is an empty field.

use crate::{experiment::Results, report::expectation::unit_json};

/// `scenario,variant,metric,unit,mean,low,high` for every metric of every variant.
#[must_use]
pub fn summary<'a>(all: impl IntoIterator<Item = &'a Results>) -> String {
    let mut rows = vec![
        [
            "scenario", "variant", "metric", "unit", "mean", "low", "high",
        ]
        .map(str::to_owned)
        .to_vec(),
    ];
    for results in all {
        for variant in &results.variants {
            for (name, interval) in &variant.metrics {
                rows.push(vec![
                    results.name.clone(),
                    variant.name.clone(),
                    name.clone(),
                    unit_json(interval.unit).as_str().unwrap_or("").to_owned(),
                    number(interval.mean),
                    number(interval.low),
                    number(interval.high),
                ]);
            }
        }
    }
    write(&rows)
}

/// `variant,series,time_s,value` for every point; `time_s` is where the point's interval begins.
#[must_use]
pub fn series(results: &Results) -> String {
    let mut rows = vec![
        ["variant", "series", "time_s", "value"]
            .map(str::to_owned)
            .to_vec(),
    ];
    for variant in &results.variants {
        for series in &variant.series {
            for (point, &value) in series.values.iter().enumerate() {
                rows.push(vec![
                    variant.name.clone(),
                    series.name.clone(),
                    number(point as f64 * series.step_s),
                    number(value),
                ]);
            }
        }
    }
    write(&rows)
}

/// The shortest spelling that reads back as the same number.
pub(super) fn number(value: f64) -> String {
    if value.is_nan() {
        return String::new();
    }
    // As JSON spells it, so that the two files agree to the letter; JSON has no infinity.
    serde_json::Number::from_f64(value).map_or_else(|| value.to_string(), |n| n.to_string())
}

fn write(rows: &[Vec<String>]) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer
            .write_record(row)
            .expect("rows of equal length always fit in memory");
    }
    let bytes = writer
        .into_inner()
        .expect("writing to memory does not fail");
    String::from_utf8(bytes).expect("CSV of text is text")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn summary_is_one_number_in_one_row() {
        let mut results = samples::stampede(1);
        for variant in &mut results.variants {
            variant
                .metrics
                .retain(|name, _| ["latency.p99", "staleness.max"].contains(&name.as_str()));
        }
        insta::assert_snapshot!(summary([&results]), @r"
        scenario,variant,metric,unit,mean,low,high
        stampede,base,latency.p99,seconds,0.0010046868993378924,0.0010046868993378924,0.0010046868993378924
        stampede,base,staleness.max,seconds,,,
        ");
    }

    #[test]
    fn series_begin_at_zero_and_gaps_are_empty() {
        let mut results = samples::stampede(1);
        results.variants.truncate(1);
        results.variants[0].series.truncate(1);
        results.variants[0].series[0].values.truncate(3);
        results.variants[0].series[0].values[1] = f64::NAN;
        insta::assert_snapshot!(series(&results), @r"
        variant,series,time_s,value
        base,database.qps,0.0,10694.000807454626
        base,database.qps,1.0,
        base,database.qps,2.0,6430.523348162539
        ");
    }

    #[test]
    fn names_with_commas_and_quotes_are_quoted() {
        let mut results = samples::stampede(1);
        results.variants.truncate(1);
        results.variants[0].name = "a,\"b\"".to_owned();
        let text = summary([&results]);
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        assert!(reader.records().all(|row| &row.unwrap()[1] == "a,\"b\""));
    }
}
