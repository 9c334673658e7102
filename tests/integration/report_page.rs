//! `report.html` in a browser, and the formats that other programs read, read by those programs. Where
//! a program is not installed, its test says so and passes; CI installs both (see `.ci/run`).

use std::{
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use crate::program::cachesim;

/// Words that would be markup if they were not escaped, and something that happens.
const SCENARIO: &str = r#"
title    = "</title><script>alert('title')</script> & <b>\"quoted\"</b>"
description = "<img src=x onerror=alert(1)>"
seed     = 3
duration = "20s"
warmup   = "2s"
[workload]
arrivals = { process = "poisson", rate = "200/s" }
keys     = { distribution = "zipf", count = 1000, exponent = 0.9 }
reads    = 0.9
[[tier]]
name     = "redis"
capacity = "200 entries"
ttl      = { base = "5s" }
[database]
connections  = 10
service_time = { distribution = "exponential", mean = "5ms" }
[[event]]
at     = "10s"
action = "purge"
target = "tier.redis"
[[alert]]
name   = "low hit ratio"
metric = "hit_ratio"
below  = "60%"
per    = "2s"
[[variant]]
name = "tiny"
set  = { "tier.redis.capacity" = "10 entries", "event.0.at" = "12s" }
[[expect]]
metric = "hit_ratio"
above  = 0.01
[[expect]]
metric = "hit_ratio"
above  = 0.999
"#;

/// Put before everything else on the page: notes what goes wrong.
const BEFORE: &str = r#"<script>
window.wrong = [];
window.addEventListener("error", (event) => wrong.push(event.message));
window.addEventListener("securitypolicyviolation", (event) => wrong.push("loads " + event.blockedURI));
console.error = (...words) => wrong.push(words.join(" "));
window.alert = (text) => wrong.push("alert " + text);
</script>"#;

/// Put at the end of the page: does what a reader does, and writes down what came of it.
const AFTER: &str = r##"<script>
(() => {
  const lines = [];
  const check = (what, holds) => lines.push((holds ? "holds: " : "FAILS: ") + what);
  const shown = (element) => getComputedStyle(element).display !== "none";
  const all = (selector) => [...document.querySelectorAll(selector)];
  const root = document.documentElement;

  check("switches are there", all(".toolbar input").length === 2 && shown(document.querySelector(".toolbar")));
  const second = document.querySelector("[data-variant='1']");
  const parts = all(".v1");
  check("there is something of the variant in charts, cards and tables", all("svg.figure .v1, .card .v1, td.v1").length > 10);
  second.click();
  check("a variant that is switched off is gone", parts.every((part) => !shown(part)));
  check("the other one stays", all(".v0").every(shown));
  second.click();
  check("and comes back", parts.every(shown));

  const before = getComputedStyle(document.body).backgroundColor;
  document.getElementById("theme").click();
  const after = getComputedStyle(document.body).backgroundColor;
  check("light and dark look different", before !== after);
  document.getElementById("theme").click();
  check("and back", getComputedStyle(document.body).backgroundColor === before);

  const row = document.querySelector("tr.other");
  check("further metrics are hidden", !shown(row));
  document.getElementById("all-metrics").click();
  check("and shown when asked for", shown(row));
  document.getElementById("all-metrics").click();

  const figure = document.querySelector("svg.figure[tabindex]");
  figure.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight" }));
  const tip = figure.parentElement.querySelector(".tip");
  check("the numbers of a point are shown", shown(tip) && tip.textContent.length > 5);
  figure.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape" }));
  check("and put away", !shown(tip));

  window.dispatchEvent(new Event("beforeprint"));
  check("what is folded is printed", all("details:not(.data)").every((one) => one.open));
  window.dispatchEvent(new Event("afterprint"));
  check("and folded again", all("details:not(.data)").every((one) => !one.open));

  check("the events are marked on charts over time", all("#chart-database-qps .mark path").length === 2);
  check("with the colour of the variant that has them", all("#chart-database-qps .mark.v1 path").length === 1);
  check("an alert has a lane", all("#chart-hit-ratio .span.v1 rect").length > 0);
  check("and a row", all("#alerts tbody tr.v1").length === 1);
  check("every chart has a table", all("figure.chart").every((one) => one.querySelector("details.data table")));
  check("nothing is wider than the page", root.scrollWidth <= root.clientWidth);
  check("nobody's words became elements", !document.querySelector("main img, main script, main b:not(.tip b), main i:not(.bar i, .absorbed i)"));
  check("no errors: " + wrong.join("; "), wrong.length === 0);
  const result = document.createElement("pre");
  result.id = "checks";
  result.textContent = lines.join("\n") + "\nall checked\n";
  document.body.append(result);
})();
</script></body>"##;

/// As [`AFTER`], on the page of a sweep.
const AFTER_SWEEP: &str = r##"<script>
(() => {
  const lines = [];
  const check = (what, holds) => lines.push((holds ? "holds: " : "FAILS: ") + what);
  const shown = (element) => getComputedStyle(element).display !== "none";
  const all = (selector) => [...document.querySelectorAll(selector)];
  const root = document.documentElement;

  check("the verdict is over all cells", document.querySelector(".banner").textContent.includes("of 6 cells"));
  check("there is a map for each metric and variant", all("table.heat").length === 6);
  check("with a cell for each pair", all("table.heat")[0].querySelectorAll("tbody td").length === 6);
  const colours = new Set(all("table.heat")[0].querySelectorAll("tbody td").values().map((cell) => getComputedStyle(cell).backgroundColor));
  check("which differ in colour", colours.size > 1);
  check("the table has a row for each cell and variant", all("table.cells tbody tr").length === 12);
  const second = document.querySelector("[data-variant='1']");
  second.click();
  check("a variant that is switched off is gone", all("table.cells .v1, figure.v1").length === 9 && all("table.cells .v1, figure.v1").every((row) => !shown(row)));
  second.click();
  check("every metric leads to its meaning", all("a.metric").every((link) => document.querySelector(link.getAttribute("href"))));
  check("the command has the axes", document.querySelector("pre.command").textContent.includes("--sweep"));
  check("nothing is wider than the page", root.scrollWidth <= root.clientWidth);
  check("nobody's words became elements", !document.querySelector("main img, main script, main b"));
  check("no errors: " + wrong.join("; "), wrong.length === 0);
  const result = document.createElement("pre");
  result.id = "checks";
  result.textContent = lines.join("\n") + "\nall checked\n";
  document.body.append(result);
})();
</script></body>"##;

/// The first of these programs that is installed.
fn installed(names: &[&str]) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    let found = std::env::split_paths(&folders)
        .flat_map(|folder| names.iter().map(move |name| folder.join(name)))
        .find(|path| path.is_file());
    if found.is_none() {
        eprintln!("skipped: none of {names:?} is installed");
    }
    found
}

/// A folder in which the scenario has been run; what was printed on stdout in `format`.
fn place(format: &str) -> (tempfile::TempDir, Output) {
    let place = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(place.path().join("small.toml"), SCENARIO).expect("a file in it");
    let output = cachesim(
        place.path(),
        &["run", "small.toml", "--quiet", "--format", format],
    );
    assert_eq!(
        output.status.code(),
        Some(1),
        "one expectation does not hold"
    );
    (place, output)
}

/// Runs the browser, without a window and without a network.
fn browse(browser: &Path, folder: &Path, arguments: &[&str], page: &Path) -> Output {
    let profile = folder.join("profile");
    Command::new(browser)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--virtual-time-budget=5000",
        ])
        .arg(format!("--user-data-dir={}", profile.display()))
        .args(arguments)
        .arg(format!("file://{}", page.display()))
        .stdin(Stdio::null())
        .output()
        .expect("the browser starts")
}

#[test]
fn a_browser_shows_the_page_without_errors_and_its_switches_work() {
    let Some(browser) = installed(&["chromium", "chromium-browser", "google-chrome"]) else {
        return;
    };
    let (place, _) = place("json");
    watch(&browser, place.path(), AFTER);
}

/// Opens the page in that folder, on a large window and a small one, and does on it what `after` says.
#[track_caller]
fn watch(browser: &Path, place: &Path, after: &str) {
    let page = std::fs::read_to_string(place.join("results/small/report.html")).unwrap();
    let watched = page
        .replacen("<head>", &format!("<head>{BEFORE}"), 1)
        .replace("</body>", after);
    let path = place.join("watched.html");
    std::fs::write(&path, watched).unwrap();
    for size in ["--window-size=1280,900", "--window-size=500,900"] {
        let output = browse(browser, place, &["--dump-dom", size], &path);
        let page = String::from_utf8_lossy(&output.stdout);
        let checks = page.split("<pre id=\"checks\">").nth(1);
        let checks = checks.unwrap_or_else(|| {
            panic!(
                "{size}: nothing was checked: {}",
                String::from_utf8_lossy(&output.stderr)
            )
        });
        let checks = checks.split("</pre>").next().unwrap_or_default();
        assert!(checks.contains("all checked"), "{size}: {checks}");
        assert!(!checks.contains("FAILS"), "{size}: {checks}");
    }
}

#[test]
fn a_browser_shows_the_page_of_a_sweep_without_errors() {
    let Some(browser) = installed(&["chromium", "chromium-browser", "google-chrome"]) else {
        return;
    };
    let (place, _) = place("json");
    let sweep = [
        "run",
        "small.toml",
        "--quiet",
        "--sweep",
        "tier.redis.ttl=1s,5s",
        "--sweep",
        "database.connections=5,10,20",
    ];
    assert_eq!(cachesim(place.path(), &sweep).status.code(), Some(1));
    watch(&browser, place.path(), AFTER_SWEEP);
}

#[test]
fn the_page_is_printed_on_paper() {
    let Some(browser) = installed(&["chromium", "chromium-browser", "google-chrome"]) else {
        return;
    };
    let (place, _) = place("json");
    let paper = place.path().join("report.pdf");
    let print = format!("--print-to-pdf={}", paper.display());
    let page = place.path().join("results/small/report.html");
    browse(&browser, place.path(), &[&print], &page);
    let bytes = std::fs::read(&paper).expect("a PDF was printed");
    assert!(
        bytes.starts_with(b"%PDF") && bytes.len() > 20_000,
        "{}",
        bytes.len()
    );
    let Some(reader) = installed(&["pdftotext"]) else {
        return;
    };
    let text = Command::new(reader)
        .arg(&paper)
        .arg("-")
        .output()
        .expect("it starts");
    let text = String::from_utf8_lossy(&text.stdout);
    assert!(text.contains("1 of 2 expectations does not hold"), "{text}");
    assert!(
        text.contains("connections = 10"),
        "the settings are unfolded: {text}"
    );
}

#[test]
fn the_page_made_anew_is_the_page_that_run_wrote() {
    let (place, _) = place("json");
    let page = place.path().join("results/small/report.html");
    let first = std::fs::read(&page).unwrap();
    std::fs::remove_file(&page).unwrap();
    let output = cachesim(place.path(), &["report", "results/small", "--quiet"]);
    assert!(output.status.success());
    assert!(std::fs::read(&page).unwrap() == first);
}

#[test]
fn several_folders_make_one_page_and_a_folder_without_results_is_refused() {
    let (place, _) = place("json");
    let again = [
        "run",
        "small.toml",
        "--quiet",
        "--out",
        "after",
        "--seed",
        "4",
    ];
    cachesim(place.path(), &again);
    let both = [
        "report",
        "results/small",
        "after/small",
        "--out",
        "both.html",
    ];
    let output = cachesim(place.path(), &both);
    assert!(output.status.success());
    let page = std::fs::read_to_string(place.path().join("both.html")).unwrap();
    assert!(page.contains("results: base") && page.contains("after: base"));
    std::fs::create_dir(place.path().join("empty")).unwrap();
    let output = cachesim(place.path(), &["report", "empty"]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("cannot read results from empty/summary.json"),
        "{said}"
    );
}

#[test]
fn prometheus_reads_openmetrics() {
    let Some(promtool) = installed(&["promtool"]) else {
        return;
    };
    let (place, output) = place("openmetrics");
    let file = place.path().join("metrics.txt");
    std::fs::write(&file, &output.stdout).unwrap();
    let read = Command::new(promtool)
        .args(["tsdb", "create-blocks-from", "openmetrics"])
        .args([&file, &place.path().join("blocks")])
        .output()
        .expect("it starts");
    let said = String::from_utf8_lossy(&read.stderr);
    assert!(read.status.success(), "{said}");
    assert!(
        std::fs::read_dir(place.path().join("blocks"))
            .unwrap()
            .count()
            > 0
    );
}

#[test]
fn junit_has_a_test_for_each_expectation() {
    let (_place, output) = place("junit");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains("<testsuites name=\"cachesim\" tests=\"2\" failures=\"1\""),
        "{text}"
    );
    assert_eq!(text.matches("<testcase ").count(), 2);
}
