//! What holds for every page, whatever is on it.

use super::*;
use crate::report::{json, reading, samples};

const HOSTILE: &str =
    "</title></script><script>alert(1)</script><img src=x onerror='alert(2)' a=\"b\">";

#[test]
fn what_somebody_wrote_is_never_markup() {
    let mut results = samples::with_alerts(3, 1);
    results.title = HOSTILE.to_owned();
    results.description = HOSTILE.to_owned();
    results.command = HOSTILE.to_owned();
    results.variants[1].name = HOSTILE.to_owned();
    results.variants[1].alerts[0].name = HOSTILE.to_owned();
    results.expectations[1].expectation.variant = HOSTILE.to_owned();
    results.resolved = serde_json::json!({
        "duration": HOSTILE,
        "variant": [{ "name": HOSTILE, "description": HOSTILE, "set": { HOSTILE: HOSTILE } }],
        "event": [{ "at": "1s", "action": HOSTILE, "target": HOSTILE, HOSTILE: HOSTILE }],
    });
    let page = render(&results);
    assert!(!page.contains("<script>alert") && !page.contains("<img"));
    assert_eq!(page.matches("</script>").count(), 1);
    assert_eq!(
        page.matches("</title>").count() - page.matches("<title>").count(),
        0
    );
}

#[test]
fn the_page_loads_nothing() {
    for page in [
        render(&samples::replicated(3, 3)),
        of_sweep(&samples::sweep(2), &[]),
    ] {
        for sign in ["http://", "https://", "src=", "@import", "url(http"] {
            assert!(!page.contains(sign), "{sign}");
        }
        assert!(page.contains("default-src 'none'"));
    }
}

#[test]
fn what_is_read_back_makes_the_same_page() {
    let all = [
        samples::stampede(2),
        samples::replicated(3, 3),
        samples::with_alerts(2, 2),
    ];
    for results in all {
        let mut results = results;
        results.resolved["description"] = results.description.clone().into();
        let read = reading::parse(&json::summary(&results)).unwrap();
        assert_eq!(render(&read), render(&results));
    }
}

#[test]
fn every_link_within_the_page_leads_somewhere_and_names_are_unique() {
    links_lead_somewhere(&render(&samples::replicated(4, 2)));
    links_lead_somewhere(&of_sweep(&samples::sweep(3), &[]));
}

#[track_caller]
fn links_lead_somewhere(page: &str) {
    let ids: Vec<&str> = page
        .split(" id=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    let unique: std::collections::BTreeSet<&&str> = ids.iter().collect();
    assert_eq!(unique.len(), ids.len());
    for link in page.split("href=\"#").skip(1) {
        let target = link.split('"').next().unwrap();
        assert!(ids.contains(&target), "{target}");
    }
}

#[test]
fn the_verdict_is_the_first_thing_said() {
    let page = render(&samples::stampede(3));
    assert!(page.contains("1 of 3 expectations does not hold"));
    assert!(page.find("id=\"verdict\"").unwrap() < page.find("id=\"charts\"").unwrap());
    let mut results = samples::stampede(3);
    results.expectations.remove(0);
    assert!(render(&results).contains("All 2 expectations hold"));
    results.expectations.clear();
    assert!(render(&results).contains("Nothing was expected"));
}

#[test]
fn a_page_of_many_variants_stays_small_and_says_what_is_left_out() {
    let mut results = samples::stampede(6);
    let all = results.variants.clone();
    results.variants = (0..200).map(|index| all[index % 6].clone()).collect();
    let page = render(&results);
    assert!(page.contains("176 more variants"));
    assert!(page.len() < 4_000_000, "{}", page.len());
    assert!(render(&samples::stampede(1)).len() < 400_000);
}

#[test]
fn the_colours_of_light_pages_are_those_of_the_other_charts() {
    use crate::report::chart::style;
    for index in 0..chart::COLOURS {
        let (red, green, blue) = style::of_line(index).colour;
        let rule = format!("--c{index}:#{red:02x}{green:02x}{blue:02x}");
        assert!(STYLE.contains(&rule), "{rule}");
    }
    assert_eq!(
        style::of_line(0).colour,
        style::of_line(chart::COLOURS).colour
    );
}

#[test]
fn several_runs_are_side_by_side_on_one_page() {
    let runs = [
        ("before".to_owned(), samples::stampede(1)),
        ("after".to_owned(), samples::stampede(1)),
    ];
    let page = of_runs(&runs);
    assert!(page.contains(">before</span>") && page.contains(">after</span>"));
    assert_eq!(page.matches("Everything that was resolved").count(), 2);
}

#[test]
fn the_page_of_a_sweep_says_what_broke_where_the_best_is_and_how_to_run_it_again() {
    let mut results = samples::sweep(2);
    let page = of_sweep(&results, &[]);
    assert!(page.contains("Expectations do not hold in 1 of 6 cells"));
    assert!(page.contains("The first, at 1k entries, 1s: base: database.qps.max is 849 /s"));
    // The first cell has the most hits, and is not to be taken.
    assert!(
        page.contains("is highest at 1k entries, 10s, base"),
        "{page}"
    );
    assert!(page.contains("is lowest at 10k entries, never, base"));
    assert!(page.contains("cachesim run stampede.toml"));
    // A map for each of four metrics and two variants, and a row for each cell and variant.
    assert_eq!(page.matches("class=\"heat\"").count(), 8);
    assert_eq!(page.matches("<span class=\"pill good\">hold").count(), 10);
    results.axes.push(results.axes[0].clone());
    for cell in &mut results.cells {
        cell.indexes.push(0);
    }
    let page = of_sweep(&results, &["latency.mean".to_owned()]);
    assert!(page.contains("Of three axes and more there is no chart"));
    assert!(page.contains("latency.<wbr>mean") && !page.contains("latency.<wbr>p99</a></th>"));
}

#[test]
fn words_of_a_sweep_are_never_markup() {
    let mut results = samples::sweep(2);
    results.title = HOSTILE.to_owned();
    results.description = HOSTILE.to_owned();
    results.command = HOSTILE.to_owned();
    results.axes[0].settings[0].path = HOSTILE.to_owned();
    results.axes[0].settings[0].values[0] = HOSTILE.to_owned();
    for cell in &mut results.cells {
        cell.variants[1].name = HOSTILE.into();
    }
    let page = of_sweep(&results, &[]);
    assert!(!page.contains("<script>alert") && !page.contains("<img"));
    assert_eq!(page.matches("</script>").count(), 1);
}
