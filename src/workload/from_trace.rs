//! A workload that is a trace: its keys, its operations, its sizes, and its times if they are wanted.
//!
//! The trace is read as the run goes on and never held in memory; what grows is one size per
//! distinct key, where the trace knows sizes. Every replication of every variant reads it anew.
//!
//! Not here: the formats (see `trace`), and when requests arrive if not at the trace's own times
//! (see `arrivals`).

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hashbrown::HashMap;

use super::Operation;
use crate::trace::{self, Fields, ReadOptions, Reader, TraceError};
use crate::units::{Key, KeyHash, NEVER, Nanoseconds, SECOND_NS};

/// A trace that has been read once from its start to its end, without a mistake.
#[derive(Clone, Debug)]
pub struct Plan {
    path: PathBuf,
    /// By what the trace's clock is sped up; `None` if requests arrive at times of another's making.
    speed: Option<f64>,
    requests: u64,
    fields: Fields,
    span_ns: Nanoseconds,
    /// Requests that are earlier than the one before.
    backward: u64,
    /// The most requests at one instant.
    burst: u64,
    /// Whether no time has a part of a second.
    is_in_seconds: bool,
    hottest: Hottest,
}

/// The keys that a trace asks for most often, most first, as far as they were counted, and the first
/// size that it says of each, or 0.
#[derive(Clone, Default)]
struct Hottest {
    keys: Arc<[(Key, u32)]>,
    /// How many were wanted; a trace may have fewer.
    wanted: usize,
}

impl std::fmt::Debug for Hottest {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Which they are follows from the trace.
        self.wanted.fmt(formatter)
    }
}

impl Plan {
    /// Reads the trace at `path` once, to know that it can be read and how long it is.
    ///
    /// # Errors
    /// What the trace's reader reports, and a trace without requests.
    pub fn scan(path: &Path) -> Result<Self, TraceError> {
        const BATCH: usize = 4096;
        let mut reader = trace::open(path, &ReadOptions::default())?;
        let fields = reader.fields();
        let mut batch = Vec::with_capacity(BATCH);
        let (mut requests, mut first_ns, mut latest_ns) = (0, None, 0);
        let (mut previous_ns, mut backward, mut is_in_seconds) = (0, 0, true);
        let (mut at_once, mut burst) = (0, 0);
        loop {
            batch.clear();
            let taken = reader.fill(&mut batch, BATCH)?;
            for request in &batch {
                first_ns.get_or_insert(request.time_ns);
                backward += u64::from(request.time_ns < previous_ns);
                previous_ns = request.time_ns;
                is_in_seconds &= request.time_ns.is_multiple_of(SECOND_NS);
                // A clock that runs backwards stands still instead.
                at_once = if request.time_ns > latest_ns {
                    1
                } else {
                    at_once + 1
                };
                burst = burst.max(at_once);
                latest_ns = latest_ns.max(request.time_ns);
            }
            requests += taken as u64;
            if taken < BATCH {
                break;
            }
        }
        let Some(first_ns) = first_ns else {
            let file = path.display().to_string();
            return Err(TraceError::of_file(&file, "has no requests"));
        };
        Ok(Self {
            path: path.to_owned(),
            speed: None,
            requests,
            fields,
            span_ns: latest_ns - first_ns,
            backward,
            burst,
            is_in_seconds,
            hottest: Hottest::default(),
        })
    }

    /// Reads the trace once more to know so many of the keys that it asks for most often, unless that
    /// many are known. Of keys that are asked for equally often the lower ones come first. While this
    /// goes on it takes some 24 bytes for each distinct key.
    ///
    /// # Errors
    /// What the trace's reader reports.
    pub fn count_hottest(&mut self, how_many: usize) -> Result<(), TraceError> {
        if how_many <= self.hottest.wanted {
            return Ok(());
        }
        let mut reader = trace::open(&self.path, &ReadOptions::default())?;
        let mut counts: HashMap<Key, (u64, u32), KeyHash> = HashMap::default();
        while let Some(request) = reader.next()? {
            let (count, bytes) = counts.entry(request.key).or_default();
            *count += 1;
            if *bytes == 0 {
                *bytes = u32::try_from(request.size).unwrap_or(u32::MAX);
            }
        }
        let mut keys: Vec<_> = counts.into_iter().collect();
        keys.sort_unstable_by_key(|&(key, (count, _))| (std::cmp::Reverse(count), key));
        keys.truncate(how_many);
        self.hottest = Hottest {
            keys: keys
                .into_iter()
                .map(|(key, (_, bytes))| (key, bytes))
                .collect(),
            wanted: how_many,
        };
        Ok(())
    }

    /// Takes over what `other`, a plan of the same trace, has counted for so many keys.
    pub fn know_hottest_of(&mut self, other: &Self, how_many: usize) {
        let keys = &other.hottest.keys;
        self.hottest = Hottest {
            keys: keys[..how_many.min(keys.len())].into(),
            wanted: how_many,
        };
    }

    /// Whether the whole trace has one time: there is no rate at which its requests come.
    #[must_use]
    pub fn is_one_instant(&self) -> bool {
        self.span_ns == 0
    }

    /// What is odd about the times of the trace, if requests arrive at these: sentences.
    #[must_use]
    pub fn oddities(&self) -> Vec<String> {
        let mut found = Vec::new();
        if !self.has_own_times() {
            return found;
        }
        if self.is_in_seconds && self.burst > 1 {
            found.push(format!(
                "the times of {} are whole seconds, so that up to {} requests arrive at one instant \
                 and the latencies are those of bursts; with `arrivals` they come one by one",
                self.path.display(),
                self.burst
            ));
        }
        if self.backward > 0 {
            found.push(format!(
                "{} requests of {} are earlier than the one before; they arrive when that one does",
                self.backward,
                self.path.display()
            ));
        }
        found
    }

    /// The same, with requests that arrive at the trace's own times, `speed` times as fast.
    #[must_use]
    pub fn at_own_times(mut self, speed: f64) -> Self {
        self.speed = Some(speed);
        self
    }

    /// Whether requests arrive at the trace's own times.
    #[must_use]
    pub fn has_own_times(&self) -> bool {
        self.speed.is_some()
    }

    /// The file that is read.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many requests there are.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.requests
    }

    /// What the requests say beside their keys.
    #[must_use]
    pub fn fields(&self) -> Fields {
        self.fields
    }

    /// When the last request arrives, counted from the first, if at the trace's own times.
    #[must_use]
    pub fn last_arrival_ns(&self) -> Option<Nanoseconds> {
        self.speed.map(|speed| scaled(self.span_ns, speed))
    }
}

/// A span of the trace's clock, on the simulation's.
fn scaled(span_ns: Nanoseconds, speed: f64) -> Nanoseconds {
    if speed == 1.0 {
        span_ns
    } else {
        (span_ns as f64 / speed).round() as Nanoseconds
    }
}

/// The trace as one run reads it.
pub(super) struct Requests {
    reader: Result<Box<dyn Reader>, TraceError>,
    speed: f64,
    fields: Fields,
    first_ns: Option<Nanoseconds>,
    latest_ns: Nanoseconds,
    /// What has arrived and was not drawn yet.
    arrived: VecDeque<trace::Request>,
    left: u64,
    /// The latest size of each key that has one.
    sizes: HashMap<Key, u32, KeyHash>,
    hottest: Hottest,
}

impl std::fmt::Debug for Requests {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Requests")
            .field("left", &self.left)
            .finish_non_exhaustive()
    }
}

impl Requests {
    pub(super) fn new(plan: &Plan) -> Self {
        Self {
            reader: trace::open(&plan.path, &ReadOptions::default()),
            speed: plan.speed.unwrap_or(1.0),
            fields: plan.fields,
            first_ns: None,
            latest_ns: 0,
            arrived: VecDeque::new(),
            left: plan.requests,
            // What is loaded before anybody asks for it has a size as well.
            sizes: (plan.hottest.keys.iter().copied())
                .filter(|&(_, bytes)| plan.fields.size && bytes > 0)
                .collect(),
            hottest: plan.hottest.clone(),
        }
    }

    /// The keys that the trace asks for most often, most first, as far as they were counted.
    pub(super) fn hottest(&self) -> impl Iterator<Item = Key> + '_ {
        self.hottest.keys.iter().map(|&(key, _)| key)
    }

    /// Why the trace could not be read to its end: it has changed since it was checked.
    pub(super) fn failure(&self) -> Option<&TraceError> {
        self.reader.as_ref().err()
    }

    fn read(&mut self) -> Option<trace::Request> {
        let reader = self.reader.as_mut().ok()?;
        self.left = self.left.checked_sub(1)?;
        match reader.next() {
            Ok(Some(request)) => Some(request),
            Ok(None) => {
                let message = "is shorter than when it was checked";
                self.reader = Err(TraceError::of_file("the trace", message));
                None
            }
            Err(error) => {
                self.reader = Err(error);
                None
            }
        }
    }

    /// When the next request arrives; it will be drawn in its turn. A clock that runs backwards
    /// stands still instead.
    pub(super) fn next_arrival_ns(&mut self) -> Option<Nanoseconds> {
        let request = self.read()?;
        let first_ns = *self.first_ns.get_or_insert(request.time_ns);
        let span_ns = request.time_ns.saturating_sub(first_ns);
        self.latest_ns = self
            .latest_ns
            .max(scaled(span_ns, self.speed))
            .min(NEVER - 1);
        self.arrived.push_back(request);
        Some(self.latest_ns)
    }

    /// What the next request asks for; `operation` is for a trace that does not say.
    pub(super) fn draw(&mut self, operation: Operation) -> (Key, Operation) {
        let next = self.arrived.pop_front().or_else(|| self.read());
        // Nobody asks for more than the trace has, and a failure ends the run.
        let request = next.unwrap_or_default();
        if self.fields.size && request.size > 0 {
            let bytes = u32::try_from(request.size).unwrap_or(u32::MAX);
            self.sizes.insert(request.key, bytes);
        }
        let operation = match request.operation {
            _ if !self.fields.operation => operation,
            of_trace if of_trace.is_read() => Operation::Read,
            // To take a value out changes its row as well.
            _ => Operation::Write,
        };
        (request.key, operation)
    }

    /// The size of the row of `key`, where the trace says it.
    #[inline]
    pub(super) fn value_bytes(&self, key: Key) -> Option<u32> {
        self.sizes.get(&key).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::Builder::new().suffix(".csv").tempfile().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    /// Time, key, size and operation of five requests; the clock runs backwards once.
    const FIVE: &str =
        "time,key,size,op\n100,7,10,get\n101,8,20,set\n101,7,30,get\n100,9,0,delete\n104,8,0,get\n";

    #[test]
    fn times_count_from_the_first_request_and_never_run_backwards() {
        let file = written(FIVE);
        for (speed, wanted) in [(1.0, [0, 1, 1, 1, 4]), (2.0, [0, 500, 500, 500, 2000])] {
            let plan = Plan::scan(file.path()).unwrap().at_own_times(speed);
            let unit = if speed == 1.0 {
                1_000_000_000
            } else {
                1_000_000
            };
            assert_eq!(plan.last_arrival_ns(), Some(wanted[4] * unit));
            let mut requests = Requests::new(&plan);
            let times: Vec<_> = std::iter::from_fn(|| requests.next_arrival_ns()).collect();
            assert_eq!(times, wanted.map(|time| time * unit));
            assert!(requests.failure().is_none());
        }
    }

    #[test]
    fn bursts_and_times_that_run_backwards_are_told() {
        let file = written(FIVE);
        let plan = Plan::scan(file.path()).unwrap();
        assert_eq!(plan.oddities(), [""; 0], "its times are not used");
        let found = plan.at_own_times(1.0).oddities();
        // At 101 there are three: the one at 100 comes too late.
        assert!(
            found[0].contains("up to 3 requests arrive at one instant"),
            "{found:?}"
        );
        assert!(found[1].starts_with("1 requests of "), "{found:?}");
        let file = written("time,key\n0.5,1\n0.5,2\n1,3\n");
        let plan = Plan::scan(file.path()).unwrap().at_own_times(1.0);
        assert_eq!(plan.oddities(), [""; 0]);
    }

    #[test]
    fn keys_operations_and_sizes_come_in_the_order_of_the_trace() {
        let file = written(FIVE);
        let plan = Plan::scan(file.path()).unwrap();
        assert_eq!((plan.requests(), plan.last_arrival_ns()), (5, None));
        let mut requests = Requests::new(&plan);
        let mut drawn = Vec::new();
        for _ in 0..5 {
            let (key, operation) = requests.draw(Operation::Read);
            drawn.push((key, operation, requests.value_bytes(key)));
        }
        use Operation::{Read, Write};
        let wanted = [
            (7, Read, Some(10)),
            (8, Write, Some(20)),
            (7, Read, Some(30)),
            (9, Write, None),
            // No size is no news.
            (8, Read, Some(20)),
        ];
        assert_eq!(drawn, wanted);
    }

    #[test]
    fn the_hottest_keys_are_those_with_most_requests_and_have_their_first_size() {
        let file = written(FIVE);
        let mut plan = Plan::scan(file.path()).unwrap();
        let hottest = |plan: &Plan| Requests::new(plan).hottest().collect::<Vec<_>>();
        assert_eq!(hottest(&plan), [0; 0]);
        plan.count_hottest(2).unwrap();
        // Two of 7 and 8 each, one of 9.
        assert_eq!(hottest(&plan), [7, 8]);
        let requests = Requests::new(&plan);
        assert_eq!(requests.value_bytes(7), Some(10));
        plan.count_hottest(10).unwrap();
        assert_eq!(hottest(&plan), [7, 8, 9]);
        assert_eq!(Requests::new(&plan).value_bytes(9), None);
    }

    #[test]
    fn a_trace_that_was_cut_since_it_was_checked_is_a_failure() {
        let file = written(FIVE);
        let plan = Plan::scan(file.path()).unwrap();
        std::fs::write(file.path(), &FIVE[..FIVE.len() - 30]).unwrap();
        let mut requests = Requests::new(&plan);
        for _ in 0..5 {
            requests.draw(Operation::Read);
        }
        assert!(requests.failure().is_some());
    }
}
