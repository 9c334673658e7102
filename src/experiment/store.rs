//! What was simulated once need not be again: a file that keeps the outcome of every finished run.
//!
//! A run is known by everything that determines its outcome: the program (its version and its bytes),
//! the checked plan, the content of the trace that the plan reads, and the replication. One line of
//! the file is one run, with a checksum; a line that is damaged, or was cut short when the program
//! was killed, is left out with a warning and its run is made again. Numbers are kept as their bits,
//! so a result that was read is the result that was computed.
//!
//! Only where each line is stays in memory, so ten thousand kept runs cost little.
//!
//! Not here: which runs are wanted.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;
use std::hash::Hasher as _;
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{Xxh3, xxh3_64, xxh3_128};

use super::Simulate;
use crate::metrics::{Alert, Outcome, Series, TopKey, Unit};
use crate::simulation::{Plan, RunError};
use crate::whole_file::WholeFile;

/// A store, and how runs are had that it does not know.
pub struct Store<'a> {
    path: PathBuf,
    simulate: &'a dyn Simulate,
    /// Whether time series and distributions are kept, or only metrics.
    whole: bool,
    program: u64,
    traces: Mutex<BTreeMap<PathBuf, u64>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    file: Option<File>,
    /// Where each run's line begins, and its length.
    lines: HashMap<u128, (u64, usize)>,
    end: u64,
    /// The runs that were asked for.
    used: BTreeSet<u128>,
    found: u64,
    /// The first reason why a line could not be written.
    unwritable: Option<String>,
}

/// An outcome as it is kept.
#[derive(Serialize, Deserialize)]
struct Record {
    metrics: Vec<(String, u64)>,
    series: Vec<(String, Unit, u64, Vec<u64>)>,
    quantiles: Vec<(u64, u64)>,
    staleness: Vec<(u64, u64)>,
    top_keys: Vec<TopKey>,
    alerts: Vec<Alert>,
    requests: u64,
    events: u64,
}

/// More than any line has.
const LONGEST_LINE: u64 = 64 << 20;

impl<'a> Store<'a> {
    /// Opens the store at `path`, or begins one there, and says how many of its lines are damaged.
    /// `simulate` has the runs that it does not know; with `whole`, time series are kept too.
    ///
    /// # Errors
    /// When the file is there and cannot be read, or cannot be written to.
    pub fn open(path: &Path, whole: bool, simulate: &'a dyn Simulate) -> io::Result<(Self, usize)> {
        let mut file = File::options()
            .read(true)
            .append(true)
            .create(true)
            .open(path)?;
        let (lines, end, damaged, is_cut) = index(&file)?;
        if is_cut {
            // What follows must not become part of a line that was cut short.
            file.write_all(b"\n")?;
        }
        let store = Self {
            path: path.to_owned(),
            simulate,
            whole,
            program: program(),
            traces: Mutex::default(),
            state: Mutex::new(State {
                file: Some(file),
                lines,
                end: end + u64::from(is_cut),
                ..State::default()
            }),
        };
        Ok((store, damaged))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many of the runs asked for were kept from before, and how many were asked for.
    #[must_use]
    pub fn found(&self) -> (u64, u64) {
        let state = self.state();
        (state.found, state.used.len() as u64)
    }

    /// How many runs are kept.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.state().lines.len()
    }

    /// Why runs could not be kept, if they could not.
    #[must_use]
    pub fn unwritable(&self) -> Option<String> {
        self.state().unwritable.clone()
    }

    /// Takes the file away: everything is finished.
    pub fn discard(self) {
        let path = self.path.clone();
        drop(self);
        // A file that stays does no harm.
        let _ = std::fs::remove_file(path);
    }

    /// Writes the file anew with just the runs that were asked for, in an order that does not depend
    /// on which came first; so the file does not grow from sweep to sweep.
    ///
    /// # Errors
    /// When it cannot be written; the old one is then still there.
    pub fn tidy(&self) -> io::Result<()> {
        let mut state = self.state();
        let mut tidied = WholeFile::create(&self.path)?;
        {
            let mut writer = io::BufWriter::new(&mut tidied);
            let used: Vec<u128> = state.used.iter().copied().collect();
            for key in used {
                if let Some(line) = state.line(key)? {
                    writer.write_all(&line)?;
                }
            }
            writer.flush()?;
        }
        state.file = None;
        tidied.finish()
    }

    fn key(&self, plan: &Plan, replication: u64, whole: bool) -> u128 {
        let trace = plan.workload.trace.as_ref().map_or(0, |trace| {
            let mut traces = self.traces.lock().unwrap_or_else(PoisonError::into_inner);
            let path = trace.path().to_owned();
            *traces
                .entry(path)
                .or_insert_with(|| content(trace.path()).unwrap_or(0))
        });
        // What `Debug` shows of a plan is all that there is in it.
        let text = format!(
            "{}\n{:x}\n{trace:x}\n{whole}\n{replication}\n{plan:?}",
            env!("CARGO_PKG_VERSION"),
            self.program,
        );
        xxh3_128(text.as_bytes())
    }
}

impl State {
    /// The line of a run, with its end.
    fn line(&mut self, key: u128) -> io::Result<Option<Vec<u8>>> {
        let (Some(&(start, length)), Some(file)) = (self.lines.get(&key), &mut self.file) else {
            return Ok(None);
        };
        let mut line = vec![0; length];
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(&mut line)?;
        Ok(Some(line))
    }

    fn keep(&mut self, key: u128, line: &[u8]) {
        let Some(file) = &mut self.file else {
            return;
        };
        match file.write_all(line).and_then(|()| file.flush()) {
            Ok(()) => {
                self.lines.insert(key, (self.end, line.len()));
                self.end += line.len() as u64;
            }
            Err(error) => {
                // A part of a line may have been written: nothing more can follow it.
                self.unwritable.get_or_insert(error.to_string());
                self.file = None;
            }
        }
    }
}

impl Simulate for Store<'_> {
    fn outcome(&self, plan: &Plan, replication: u64) -> Result<Outcome, RunError> {
        self.kept_or(plan, replication, self.whole, || {
            self.simulate.outcome(plan, replication)
        })
    }

    fn pilot(&self, plan: &Plan, replication: u64) -> Result<Outcome, RunError> {
        // Its series are what it is for.
        self.kept_or(plan, replication, true, || {
            self.simulate.pilot(plan, replication)
        })
    }
}

impl Store<'_> {
    /// The outcome that is kept, or that of `make`, which is then kept; with its time series if it is
    /// to be `whole`.
    fn kept_or(
        &self,
        plan: &Plan,
        replication: u64,
        whole: bool,
        make: impl FnOnce() -> Result<Outcome, RunError>,
    ) -> Result<Outcome, RunError> {
        let key = self.key(plan, replication, whole);
        let line = {
            let mut state = self.state();
            state.used.insert(key);
            state.line(key).unwrap_or_default()
        };
        if let Some(outcome) = line.and_then(|line| Some(read(&line)?.1.outcome())) {
            self.state().found += 1;
            return Ok(outcome);
        }
        let outcome = make()?;
        let line = write(key, &Record::of(&outcome, whole));
        self.state().keep(key, &line);
        Ok(outcome)
    }
}

impl Record {
    fn of(outcome: &Outcome, whole: bool) -> Self {
        let bits = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect();
        let series = outcome.series.iter().filter(|_| whole);
        let quantiles = |points: &[(f64, f64)]| -> Vec<(u64, u64)> {
            let points = points.iter().filter(|_| whole);
            points
                .map(|(quantile, seconds)| (quantile.to_bits(), seconds.to_bits()))
                .collect()
        };
        Self {
            metrics: outcome
                .metrics
                .iter()
                .map(|(name, value)| (name.clone(), value.to_bits()))
                .collect(),
            series: series
                .map(|series| {
                    let (name, step) = (series.name.clone(), series.step_s.to_bits());
                    (name, series.unit, step, bits(&series.values))
                })
                .collect(),
            quantiles: quantiles(&outcome.latency_quantiles),
            staleness: quantiles(&outcome.staleness_quantiles),
            top_keys: outcome.top_keys.clone(),
            alerts: outcome.alerts.clone(),
            requests: outcome.requests,
            events: outcome.events,
        }
    }

    fn outcome(self) -> Outcome {
        let numbers = |bits: Vec<u64>| bits.into_iter().map(f64::from_bits).collect();
        let points = |bits: Vec<(u64, u64)>| -> Vec<(f64, f64)> {
            let of = |(quantile, seconds)| (f64::from_bits(quantile), f64::from_bits(seconds));
            bits.into_iter().map(of).collect()
        };
        Outcome {
            metrics: self
                .metrics
                .into_iter()
                .map(|(name, bits)| (name, f64::from_bits(bits)))
                .collect(),
            series: self
                .series
                .into_iter()
                .map(|(name, unit, step, values)| Series {
                    name,
                    unit,
                    step_s: f64::from_bits(step),
                    values: numbers(values),
                })
                .collect(),
            latency_quantiles: points(self.quantiles),
            staleness_quantiles: points(self.staleness),
            top_keys: self.top_keys,
            alerts: self.alerts,
            requests: self.requests,
            events: self.events,
        }
    }
}

/// The line of a run: its key, the checksum of key and record, the record.
fn write(key: u128, record: &Record) -> Vec<u8> {
    let json = serde_json::to_string(record).unwrap_or_default();
    let checked = format!("{key:032x} {json}");
    let checksum = xxh3_64(checked.as_bytes());
    format!("{checksum:016x} {checked}\n").into_bytes()
}

/// Reads a line, if it is whole.
fn read(line: &[u8]) -> Option<(u128, Record)> {
    let line = std::str::from_utf8(line).ok()?.strip_suffix('\n')?;
    let (checksum, checked) = line.split_once(' ')?;
    if u64::from_str_radix(checksum, 16).ok()? != xxh3_64(checked.as_bytes()) {
        return None;
    }
    let (key, json) = checked.split_once(' ')?;
    let key = u128::from_str_radix(key, 16).ok()?;
    Some((key, serde_json::from_str(json).ok()?))
}

/// Where the line of each run is; the length of the file; how many lines are damaged; and whether the
/// last one has no end.
type Index = (HashMap<u128, (u64, usize)>, u64, usize, bool);

fn index(file: &File) -> io::Result<Index> {
    let mut reader = BufReader::new(file);
    reader.seek(SeekFrom::Start(0))?;
    let mut lines = HashMap::new();
    let (mut start, mut damaged, mut is_cut) = (0, 0, false);
    let mut line = Vec::new();
    loop {
        line.clear();
        let length = (&mut reader)
            .take(LONGEST_LINE)
            .read_until(b'\n', &mut line)?;
        if length == 0 {
            break;
        }
        match read(&line) {
            Some((key, _)) => {
                lines.insert(key, (start, length));
            }
            None if line == b"\n" => {}
            None => damaged += 1,
        }
        is_cut = !line.ends_with(b"\n");
        start += length as u64;
    }
    Ok((lines, start, damaged, is_cut))
}

/// What tells this program from another one of the same version: its bytes. A program that cannot be
/// read is told by its version alone.
fn program() -> u64 {
    std::env::current_exe()
        .and_then(|path| content(&path))
        .unwrap_or(0)
}

/// A checksum of a file.
fn content(path: &Path) -> io::Result<u64> {
    let mut file = File::open(path)?;
    let mut hasher = Xxh3::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let length = file.read(&mut buffer)?;
        if length == 0 {
            return Ok(hasher.finish());
        }
        hasher.write(&buffer[..length]);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use indexmap::IndexMap;

    use super::*;
    use crate::metrics::{AlertCondition, Firing};
    use crate::scenario::{self, Overrides};

    fn plan(duration: &str) -> Plan {
        let text = format!(
            "duration = \"{duration}\"\n[workload]\narrivals = \"10/s\"\n\
             keys = {{ distribution = \"uniform\", count = 10 }}\n\
             [database]\nservice_time = \"1ms\"\n"
        );
        let study = scenario::load_text(Path::new("x.toml"), &text, &Overrides::default());
        study.unwrap().variants.remove(0).plan
    }

    fn outcome(value: f64) -> Outcome {
        Outcome {
            metrics: IndexMap::from([
                ("latency.mean".to_owned(), value),
                ("staleness.max".to_owned(), f64::NAN),
                ("odd".to_owned(), f64::NEG_INFINITY),
            ]),
            series: vec![Series {
                name: "hit_ratio".to_owned(),
                unit: Unit::Ratio,
                step_s: 0.1,
                values: vec![value, f64::NAN, -0.0],
            }],
            latency_quantiles: vec![(0.5, value)],
            staleness_quantiles: vec![(0.9, 2.0 * value)],
            top_keys: vec![TopKey {
                tier: "redis".to_owned(),
                key: u64::MAX,
                rate: value,
                share: 0.1,
            }],
            alerts: vec![Alert {
                name: "low".to_owned(),
                metric: "hit_ratio".to_owned(),
                unit: Unit::Ratio,
                condition: AlertCondition::Below(value),
                per_s: 60.0,
                for_s: 0.0,
                firings: vec![Firing {
                    since_s: 1.0,
                    from_s: 1.0 / 3.0,
                    until_s: None,
                    worst: value,
                }],
            }],
            requests: u64::MAX,
            events: 7,
        }
    }

    /// Asks for so many replications, and says how many were simulated.
    fn ask(path: &Path, plan: &Plan, replications: u64) -> (Vec<Outcome>, u64, usize) {
        let runs = AtomicU64::new(0);
        let simulate = |_: &Plan, replication: u64| {
            runs.fetch_add(1, Ordering::Relaxed);
            Ok(outcome(replication as f64 / 3.0))
        };
        let (store, damaged) = Store::open(path, true, &simulate).unwrap();
        let outcomes = (0..replications)
            .map(|replication| store.outcome(plan, replication).unwrap())
            .collect();
        (outcomes, runs.load(Ordering::Relaxed), damaged)
    }

    fn same(a: &[Outcome], b: &[Outcome]) -> bool {
        // Also where it is not a number.
        format!("{a:?}") == format!("{b:?}")
    }

    #[test]
    fn a_finished_run_is_never_made_twice_and_reads_back_to_the_bit() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("cells.log");
        let plan = plan("10s");
        let (first, made, _) = ask(&path, &plan, 3);
        assert_eq!(made, 3);
        let (again, made, damaged) = ask(&path, &plan, 5);
        assert_eq!((made, damaged), (2, 0));
        assert!(same(&first, &again[..3]));
        assert_eq!(
            again[1].metrics["latency.mean"].to_bits(),
            (1.0_f64 / 3.0).to_bits()
        );
        assert!(again[0].series[0].values[2].is_sign_negative());
    }

    #[test]
    fn another_plan_is_another_run() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("cells.log");
        assert_eq!(ask(&path, &plan("10s"), 2).1, 2);
        assert_eq!(ask(&path, &plan("11s"), 2).1, 2);
        assert_eq!(ask(&path, &plan("10s"), 2).1, 0);
    }

    #[test]
    fn damaged_lines_are_counted_and_their_runs_made_again() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("cells.log");
        let plan = plan("10s");
        ask(&path, &plan, 3);
        let whole = std::fs::read(&path).unwrap();
        let second = whole.iter().position(|byte| *byte == b'\n').unwrap() + 60;
        let mut flipped = whole.clone();
        flipped[second] ^= 1;
        std::fs::write(&path, &flipped).unwrap();
        let (outcomes, made, damaged) = ask(&path, &plan, 3);
        assert_eq!((made, damaged), (1, 1));
        assert!(same(&outcomes, &ask(&path, &plan, 3).0));
        // Cut short, as by a crash; what is written next must not be lost with it.
        std::fs::write(&path, &whole[..whole.len() - 40]).unwrap();
        assert_eq!(ask(&path, &plan, 3).1, 1);
        assert_eq!(ask(&path, &plan, 3).1, 0);
        // Not even text.
        std::fs::write(&path, [0xff; 1000]).unwrap();
        let (_, made, damaged) = ask(&path, &plan, 3);
        assert_eq!((made, damaged), (3, 1));
    }

    #[test]
    fn a_pilot_is_kept_with_its_series_and_an_ordinary_run_of_a_sweep_without() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("cells.log");
        let plan = plan("10s");
        let simulate = |_: &Plan, _: u64| Ok(outcome(1.0));
        for _ in 0..2 {
            let (store, _) = Store::open(&path, false, &simulate).unwrap();
            store.outcome(&plan, 0).unwrap();
            assert_eq!(store.pilot(&plan, 0).unwrap().series[0].values.len(), 3);
        }
        let (store, _) = Store::open(&path, false, &simulate).unwrap();
        assert!(store.outcome(&plan, 0).unwrap().series.is_empty());
        assert_eq!(store.kept(), 2);
    }

    #[test]
    fn a_tidy_file_has_just_what_was_asked_for_whatever_came_first() {
        let place = tempfile::tempdir().unwrap();
        let plan = plan("10s");
        let tidied = |order: &[u64]| {
            let path = place.path().join("cells.log");
            let simulate = |_: &Plan, replication: u64| Ok(outcome(replication as f64));
            let (store, _) = Store::open(&path, false, &simulate).unwrap();
            for replication in order {
                store.outcome(&plan, *replication).unwrap();
            }
            store.tidy().unwrap();
            std::fs::read(&path).unwrap()
        };
        let one = tidied(&[0, 1, 2]);
        assert_eq!(one, tidied(&[2, 0, 1]));
        assert_eq!(
            tidied(&[1]).iter().filter(|byte| **byte == b'\n').count(),
            1
        );
        assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 1);
    }
}
