//! Sweeps: settings that take several values, and the grid of scenarios that this makes.
//!
//! An axis is one setting with its values, or several that move together. Axes are written in the
//! file (`[[sweep]]`) or on the command line (`PATH=VALUES`), which then stands in place of the
//! file's. A cell is one value of each axis; the first axis moves slowest. A cell is an override like
//! any other, applied before variants, so errors in a value point at the value.
//!
//! Not here: running anything (`experiment`).

use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::bandwidth::Bandwidth;
use super::plan::Traces;
use super::problem::{Problem, ScenarioErrors};
use super::shape::Checked;
use super::source::{Sources, Span};
use super::tree::{self, Node, Value};
use super::unit::{Count, Duration, Misspelt, Rate, Size, quoted, shown};
use super::{Overrides, Study, overrides};

/// Cells beyond so many are a mistake.
const MOST_CELLS: usize = 100_000;

/// Values of one axis beyond so many are a mistake.
const MOST_VALUES: u64 = 10_000;

/// One axis of a sweep: a setting with its values, or several settings that move together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Axis {
    /// The settings, at least one; all have as many values.
    pub settings: Vec<AxisSetting>,
}

/// A setting of an [`Axis`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AxisSetting {
    /// The path of the setting, as `--set` takes it.
    pub path: String,
    /// Its values, as they would be written.
    pub values: Vec<String>,
}

/// What a value measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueUnit {
    /// A plain number or a count.
    Number,
    /// Entries of a cache.
    Entries,
    /// Bytes.
    Bytes,
    /// Seconds.
    Seconds,
    /// Per second.
    PerSecond,
    /// Bytes per second.
    BytesPerSecond,
    /// A share, written as a percentage.
    Share,
}

impl Axis {
    /// How many values it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.settings.first().map_or(0, |first| first.values.len())
    }

    /// Whether it has none; a checked axis has at least one.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What it is called: its paths.
    #[must_use]
    pub fn name(&self) -> String {
        let paths: Vec<&str> = self.settings.iter().map(|one| one.path.as_str()).collect();
        paths.join(" + ")
    }

    /// Its value number `index`, as it would be written.
    #[must_use]
    pub fn value(&self, index: usize) -> String {
        let values: Vec<&str> = self
            .settings
            .iter()
            .map(|setting| setting.values[index].as_str())
            .collect();
        values.join(" + ")
    }

    /// The values of its first setting in base units, if all are quantities of one unit.
    #[must_use]
    pub fn numbers(&self) -> Option<(ValueUnit, Vec<f64>)> {
        let read: Vec<(f64, ValueUnit)> = self
            .settings
            .first()?
            .values
            .iter()
            .map(|value| quantity(value))
            .collect::<Option<_>>()?;
        let unit = read.first()?.1;
        read.iter()
            .all(|(_, other)| *other == unit)
            .then(|| (unit, read.iter().map(|(number, _)| *number).collect()))
    }
}

/// A value in base units, if it is a quantity.
#[must_use]
pub fn quantity(text: &str) -> Option<(f64, ValueUnit)> {
    let text = text.trim();
    if let Ok(number) = text.parse::<f64>() {
        return number.is_finite().then_some((number, ValueUnit::Number));
    }
    if let Some(count) = text
        .strip_suffix("entries")
        .or_else(|| text.strip_suffix("entry"))
    {
        return Count::parse(count)
            .ok()
            .map(|count| (count.0 as f64, ValueUnit::Entries));
    }
    if let Some(percent) = text.strip_suffix('%') {
        let percent = percent.trim().parse::<f64>().ok()?;
        return percent
            .is_finite()
            .then_some((percent / 100.0, ValueUnit::Share));
    }
    let count = || Some((Count::parse(text).ok()?.0 as f64, ValueUnit::Number));
    let duration = || {
        Some((
            Duration::parse(text).ok()?.0 as f64 / 1e9,
            ValueUnit::Seconds,
        ))
    };
    let rate = || Some((Rate::parse(text).ok()?.0, ValueUnit::PerSecond));
    let size = || Some((Size::parse(text).ok()?.0 as f64, ValueUnit::Bytes));
    let bandwidth = || {
        let bytes = Bandwidth::parse(text).ok()?.0;
        Some((bytes as f64, ValueUnit::BytesPerSecond))
    };
    count()
        .or_else(duration)
        .or_else(rate)
        .or_else(size)
        .or_else(bandwidth)
}

/// A quantity as it would be written.
fn written(number: f64, unit: ValueUnit, whole: bool) -> String {
    match unit {
        ValueUnit::Number if whole => format!("{:.0}", number.round()),
        ValueUnit::Number => shown(number),
        ValueUnit::Share => shown(number),
        ValueUnit::Entries => format!("{:.0} entries", number.round().max(1.0)),
        ValueUnit::Bytes => Size(number.round() as u64).to_string(),
        ValueUnit::Seconds => Duration((number * 1e9).round() as u64).to_string(),
        ValueUnit::PerSecond => Rate(number).to_string(),
        ValueUnit::BytesPerSecond => Bandwidth(number.round() as u64).to_string(),
    }
}

/// So many values from the first to the last, evenly spaced or by equal factors; those that fall
/// together count once.
fn spread(from: &str, to: &str, points: u64, by_factors: bool) -> Result<Vec<String>, Misspelt> {
    let wrong = |message: String, help: &str| Misspelt {
        message,
        help: help.into(),
    };
    let read =
        |text: &str| {
            quantity(text).ok_or_else(|| {
            wrong(
                format!("{} is no quantity, so it cannot be the end of a range", quoted(text)),
                "write numbers with the same unit at both ends, for example \"1k/s\" and \"20k/s\"",
            )
        })
        };
    let ((low, unit), (high, other)) = (read(from)?, read(to)?);
    if unit != other {
        return Err(wrong(
            format!(
                "{} and {} do not measure the same",
                quoted(from),
                quoted(to)
            ),
            "write both ends with the same unit",
        ));
    }
    if by_factors && (low <= 0.0 || high <= 0.0) {
        return Err(wrong(
            format!(
                "a logarithmic range from {} to {} never starts",
                quoted(from),
                quoted(to)
            ),
            "both ends must be above 0, or the spacing linear",
        ));
    }
    let whole = low.fract() == 0.0 && high.fract() == 0.0;
    let mut values: Vec<String> = (0..points)
        .map(|point| {
            let share = point as f64 / (points - 1) as f64;
            // The ends are themselves, whatever rounding does in between.
            let number = if point == 0 {
                low
            } else if point + 1 == points {
                high
            } else if by_factors {
                libm::exp(libm::log(low) + share * (libm::log(high) - libm::log(low)))
            } else {
                low + share * (high - low)
            };
            // Factors between whole numbers are no round numbers: four digits are enough.
            let number = if by_factors && point > 0 && point + 1 < points {
                to_four_digits(number)
            } else {
                number
            };
            written(number, unit, whole)
        })
        .collect();
    values.dedup();
    Ok(values)
}

fn to_four_digits(number: f64) -> f64 {
    let magnitude = libm::floor(libm::log10(number));
    let step = libm::pow(10.0, magnitude - 3.0);
    libm::round(number / step) * step
}

/// An axis on its way: its settings with their values as nodes, and where each is written.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    settings: Vec<DraftSetting>,
}

#[derive(Clone, Debug)]
struct DraftSetting {
    path: String,
    span: Span,
    values: Vec<Node>,
}

impl Draft {
    fn len(&self) -> usize {
        self.settings.first().map_or(0, |first| first.values.len())
    }

    pub(super) fn axis(&self) -> Axis {
        let setting = |draft: &DraftSetting| AxisSetting {
            path: draft.path.clone(),
            values: draft.values.iter().map(spelled).collect(),
        };
        Axis {
            settings: self.settings.iter().map(setting).collect(),
        }
    }
}

/// A value as it would be written on the command line.
fn spelled(node: &Node) -> String {
    match &node.value {
        Value::Text(text) => text.clone(),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => shown(*number),
        Value::Flag(flag) => flag.to_string(),
        _ => node.json().to_string(),
    }
}

/// How many cells there are; none without axes.
pub(super) fn cells(axes: &[Draft]) -> usize {
    if axes.is_empty() {
        return 0;
    }
    axes.iter().map(Draft::len).fold(1, usize::saturating_mul)
}

/// The number of the value of each axis in a cell; the first axis moves slowest.
fn indexes(lengths: &[usize], mut cell: usize) -> Vec<usize> {
    let mut indexes = vec![0; lengths.len()];
    for (index, length) in indexes.iter_mut().zip(lengths).rev() {
        *index = cell % length.max(&1);
        cell /= length.max(&1);
    }
    indexes
}

/// Applies a cell to a scenario.
pub(super) fn apply(axes: &[Draft], cell: usize, root: &mut Node, problems: &mut Vec<Problem>) {
    let lengths: Vec<usize> = axes.iter().map(Draft::len).collect();
    for (axis, index) in axes.iter().zip(indexes(&lengths, cell)) {
        for setting in &axis.settings {
            let Some(value) = setting.values.get(index) else {
                continue;
            };
            let value = with_unit(root, &setting.path, value.clone());
            let grammar = super::format::grammar();
            if let Err(problem) = overrides::set(grammar, root, &setting.path, setting.span, value)
            {
                problems.push(problem);
            }
        }
    }
}

/// A capacity without a unit takes that of the file's own: `tier.redis.capacity=10k,100k`.
fn with_unit(root: &Node, path: &str, mut value: Node) -> Node {
    if !path.ends_with(".capacity") {
        return value;
    }
    let bare = match &value.value {
        Value::Text(text) if Count::parse(text).is_ok() => text.trim().to_owned(),
        Value::Integer(number) => number.to_string(),
        _ => return value,
    };
    let own = overrides::get(root, path).and_then(Node::text);
    match own.and_then(quantity) {
        Some((_, ValueUnit::Entries)) => value.value = Value::Text(format!("{bare} entries")),
        Some((_, ValueUnit::Bytes)) => {
            if let Ok(Count(bytes)) = Count::parse(&bare) {
                value.value = Value::Text(format!("{bytes}B"));
            }
        }
        _ => {}
    }
    value
}

/// The axes of a file, checked as far as they can be without running it: `written` is what the check
/// of its shape made of it, `root` the tree.
pub(super) fn of_file(written: &Checked, root: &Node, problems: &mut Vec<Problem>) -> Vec<Draft> {
    let nodes = root.get("sweep").map_or(&[][..], Node::list);
    let mut axes: Vec<(Option<String>, Draft)> = Vec::new();
    for (checked, node) in written.at("sweep").list().iter().zip(nodes) {
        let Some(setting) = of_table(checked, node, problems) else {
            continue;
        };
        let group = checked.get("zip").map(|zip| zip.text().to_owned());
        let same = |(other, _): &&mut (Option<String>, Draft)| other.is_some() && *other == group;
        match axes.iter_mut().find(same) {
            Some((_, draft)) => {
                zip(draft, setting, problems);
            }
            None => axes.push((
                group,
                Draft {
                    settings: vec![setting],
                },
            )),
        }
    }
    axes.into_iter().map(|(_, draft)| draft).collect()
}

fn zip(draft: &mut Draft, setting: DraftSetting, problems: &mut Vec<Problem>) {
    if draft.len() == setting.values.len() {
        draft.settings.push(setting);
        return;
    }
    let message = format!(
        "settings that move together have equally many values: `{}` has {}, `{}` has {}",
        draft.settings[0].path,
        draft.len(),
        setting.path,
        setting.values.len()
    );
    problems.push(Problem::new(setting.span, message).help("add or remove values"));
}

/// One `[[sweep]]`.
fn of_table(checked: &Checked, node: &Node, problems: &mut Vec<Problem>) -> Option<DraftSetting> {
    let path = checked.at("path");
    let span = path.span;
    let ends = (node.get("from"), node.get("to"));
    let values = match (node.get("values"), ends) {
        (Some(values), (None, None)) => {
            for extra in ["points", "spacing"] {
                if let Some(extra_value) = node.get(extra) {
                    let message = format!("`{extra}` is of a range, and `values` is a list");
                    problems.push(
                        Problem::new(extra_value.span, message)
                            .help("write `from` and `to` in place of `values`, or remove it"),
                    );
                }
            }
            if values.list().is_empty() {
                problems.push(
                    Problem::new(values.span, "the sweep has no values").help("add at least one"),
                );
                return None;
            }
            values.list().to_vec()
        }
        (None, (Some(from), Some(to))) => {
            let points = checked.get("points").map_or(5, Checked::whole);
            let by_factors = checked.get("spacing").is_some_and(|it| it.is("log"));
            match spread(&spelled(from), &spelled(to), points, by_factors) {
                Ok(values) => values
                    .iter()
                    .map(|value| value_node(value, from.span))
                    .collect(),
                Err(wrong) => {
                    problems.push(Problem::new(from.span, wrong.message).help(wrong.help));
                    return None;
                }
            }
        }
        _ => {
            problems.push(
                Problem::new(span, "a sweep has either `values` or `from` and `to`")
                    .help("for example `values = [\"10k entries\", \"100k entries\"]`"),
            );
            return None;
        }
    };
    checked_setting(path.text(), span, values, problems)
}

/// A value that was computed, as if it stood at `span`.
fn value_node(text: &str, span: Span) -> Node {
    // `100` is a number and `100 entries` a text, as on the command line.
    tree::parse_value(text, span.source, 0).map_or(
        Node {
            span,
            value: Value::Text(text.into()),
        },
        |node| node.moved(span),
    )
}

fn checked_setting(
    path: &str,
    span: Span,
    values: Vec<Node>,
    problems: &mut Vec<Problem>,
) -> Option<DraftSetting> {
    if let Some(key) = overrides::belongs_to_the_file(path) {
        let message = format!("`{key}` belongs to the file and cannot be swept");
        problems.push(Problem::new(span, message).help("sweep a setting of what is simulated"));
        return None;
    }
    Some(DraftSetting {
        path: path.to_owned(),
        span,
        values,
    })
}

/// The axes of the command line. Each text is one axis: `PATH=VALUES`, or several of them with `;`
/// between them that move together. VALUES is a list with commas, or a range `FROM..TO:POINTS`
/// (`FROM..TO:logPOINTS` by equal factors).
pub(super) fn of_command_line(
    texts: &[String],
    option: &str,
    sources: &mut Sources,
    problems: &mut Vec<Problem>,
) -> Vec<Draft> {
    let mut axes = Vec::new();
    for text in texts {
        let source = sources.add(option, text.as_str());
        let mut draft: Option<Draft> = None;
        for (start, part) in split(text, ';') {
            let Some(setting) = of_text(part, start, source, option, problems) else {
                continue;
            };
            match &mut draft {
                None => {
                    draft = Some(Draft {
                        settings: vec![setting],
                    });
                }
                Some(draft) => zip(draft, setting, problems),
            }
        }
        axes.extend(draft);
    }
    axes
}

fn of_text(
    text: &str,
    start: usize,
    source: usize,
    option: &str,
    problems: &mut Vec<Problem>,
) -> Option<DraftSetting> {
    let span = |from: usize, to: usize| Span {
        source,
        start: start + from,
        end: start + to,
    };
    let Some((path, values)) = text.split_once('=') else {
        let problem = Problem::new(
            span(0, text.len()),
            "an axis has the form PATH=VALUE,VALUE,... or PATH=FROM..TO:POINTS",
        );
        let help = format!(
            "for example {option} 'tier.redis.capacity=10k,100k,1M' or {option} 'workload.arrivals.rate=1k/s..20k/s:5'"
        );
        problems.push(problem.help(help));
        return None;
    };
    let offset = path.len() + 1;
    let values_span = span(offset, text.len());
    let nodes = match range(values) {
        Some((from, to, points, by_factors)) => {
            if !(2..=MOST_VALUES).contains(&points) {
                problems.push(
                    Problem::new(
                        values_span,
                        format!("a range has 2 to {MOST_VALUES} points"),
                    )
                    .help("for example 1k..1M:log7"),
                );
                return None;
            }
            match spread(from, to, points, by_factors) {
                Ok(values) => values
                    .iter()
                    .map(|value| value_node(value, values_span))
                    .collect(),
                Err(wrong) => {
                    problems.push(Problem::new(values_span, wrong.message).help(wrong.help));
                    return None;
                }
            }
        }
        None => split(values, ',')
            .into_iter()
            .map(|(at, value)| {
                let trimmed = value.trim();
                let at = offset + at + (value.len() - value.trim_start().len());
                value_node(trimmed, span(at, at + trimmed.len()))
            })
            .collect(),
    };
    checked_setting(path.trim(), span(0, path.len()), nodes, problems)
}

/// `FROM..TO:POINTS`, `FROM..TO:logPOINTS`.
fn range(text: &str) -> Option<(&str, &str, u64, bool)> {
    let (ends, points) = text.rsplit_once(':')?;
    let (from, to) = ends.split_once("..")?;
    let points = points.trim();
    let (number, by_factors) = match points.strip_prefix("log") {
        Some(number) => (number, true),
        None => (points, false),
    };
    // What is no number is a number out of range, so that it is reported.
    Some((
        from.trim(),
        to.trim(),
        number.trim().parse().unwrap_or(0),
        by_factors,
    ))
}

/// The parts of a text between separators that stand outside of quotes and brackets, and where each
/// begins.
fn split(text: &str, separator: char) -> Vec<(usize, &str)> {
    let mut parts = Vec::new();
    let (mut start, mut depth, mut quote) = (0, 0_usize, None);
    for (at, letter) in text.char_indices() {
        match (quote, letter) {
            (Some(open), letter) if letter == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(letter),
            (None, '[' | '{') => depth += 1,
            (None, ']' | '}') => depth = depth.saturating_sub(1),
            (None, letter) if letter == separator && depth == 0 => {
                parts.push((start, &text[start..at]));
                start = at + letter.len_utf8();
            }
            _ => {}
        }
    }
    parts.push((start, &text[start..]));
    parts
}

/// Problems of the grid as a whole.
pub(super) fn check(axes: &[Draft], problems: &mut Vec<Problem>) {
    let mut paths: Vec<&str> = Vec::new();
    for setting in axes.iter().flat_map(|axis| &axis.settings) {
        if paths.contains(&setting.path.as_str()) {
            let message = format!("`{}` is swept twice", setting.path);
            problems.push(Problem::new(setting.span, message).help("remove one of the two"));
        }
        paths.push(&setting.path);
    }
    let cells = cells(axes);
    if cells > MOST_CELLS
        && let Some(last) = axes.last()
    {
        let message = format!("{cells} cells are more than {MOST_CELLS}");
        problems.push(Problem::new(last.settings[0].span, message).help("sweep fewer values"));
    }
}

/// All cells of a sweep: a study for each, made when it is asked for, because ten thousand of them at
/// once would not fit into memory.
#[derive(Debug)]
pub struct Grid {
    pub(super) path: PathBuf,
    pub(super) text: Arc<str>,
    pub(super) overrides: Overrides,
    /// Traces that were looked through already.
    pub(super) traces: Traces,
    /// The axes, at least one.
    pub axes: Vec<Axis>,
}

impl Grid {
    /// How many cells there are.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.axes.iter().map(Axis::len).product()
    }

    /// The number of the value of each axis in a cell; the first axis moves slowest.
    #[must_use]
    pub fn indexes(&self, cell: usize) -> Vec<usize> {
        let lengths: Vec<usize> = self.axes.iter().map(Axis::len).collect();
        indexes(&lengths, cell)
    }

    /// The cell in which each axis has the value of that number.
    #[must_use]
    pub fn cell(&self, indexes: &[usize]) -> usize {
        self.axes
            .iter()
            .zip(indexes)
            .fold(0, |cell, (axis, index)| cell * axis.len() + index)
    }

    /// The scenario of a cell.
    ///
    /// # Errors
    /// None that was not reported when the file was loaded, unless a file that it names has changed.
    pub fn study(&self, cell: usize) -> Result<Study, ScenarioErrors> {
        let overrides = Overrides {
            cell: Some(cell),
            ..self.overrides.clone()
        };
        super::study_with(&self.path, &self.text, &overrides, self.traces.clone())
            .map_err(|errors| ScenarioErrors { errors })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_linear_range_has_even_steps_and_its_own_ends() {
        let range = |from, to, points, log| spread(from, to, points, log).unwrap();
        assert_eq!(
            range("1k/s", "20k/s", 3, false),
            ["1000/s", "10500/s", "20000/s"]
        );
        assert_eq!(range("10ms", "30ms", 3, false), ["10ms", "20ms", "30ms"]);
        assert_eq!(range("1", "4", 4, false), ["1", "2", "3", "4"]);
        assert_eq!(range("0.5", "1.5", 3, false), ["0.5", "1", "1.5"]);
        // What falls together counts once.
        assert_eq!(range("1", "2", 5, false), ["1", "2"]);
    }

    #[test]
    fn a_logarithmic_range_has_equal_factors() {
        let range = |from, to, points| spread(from, to, points, true).unwrap();
        assert_eq!(
            range("10k entries", "1M entries", 3),
            ["10000 entries", "100000 entries", "1000000 entries"]
        );
        assert_eq!(range("1", "1000", 4), ["1", "10", "100", "1000"]);
        assert_eq!(range("1s", "4s", 3), ["1s", "2s", "4s"]);
        // Falling ranges are ranges too: dear first.
        assert_eq!(range("100", "1", 3), ["100", "10", "1"]);
    }

    #[test]
    fn what_cannot_be_a_range_is_refused() {
        for (from, to, log) in [
            ("lru", "fifo", false),
            ("1s", "1k/s", false),
            ("0", "10", true),
            ("-1", "10", true),
        ] {
            assert!(spread(from, to, 3, log).is_err(), "{from} {to}");
        }
    }

    #[test]
    fn lists_are_split_outside_of_brackets_and_quotes() {
        let parts = |text| {
            let parts = split(text, ',');
            parts.into_iter().map(|(_, part)| part).collect::<Vec<_>>()
        };
        assert_eq!(parts("a,b"), ["a", "b"]);
        assert_eq!(
            parts("{ base = \"60s\", jitter = 0.1 },never"),
            ["{ base = \"60s\", jitter = 0.1 }", "never"]
        );
        assert_eq!(parts("[1,[2,3]],'x,y'"), ["[1,[2,3]]", "'x,y'"]);
        assert_eq!(parts(""), [""]);
    }

    #[test]
    fn the_first_axis_moves_slowest() {
        let all: Vec<Vec<usize>> = (0..6).map(|cell| indexes(&[2, 3], cell)).collect();
        assert_eq!(
            all,
            [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2]].map(|it| it.to_vec())
        );
    }

    #[test]
    fn quantities_of_an_axis_are_in_base_units() {
        let axis = |values: &[&str]| Axis {
            settings: vec![AxisSetting {
                path: "x".into(),
                values: values.iter().map(|it| (*it).into()).collect(),
            }],
        };
        let numbers = |values: &[&str]| axis(values).numbers();
        assert_eq!(
            numbers(&["10k entries", "1M entries"]),
            Some((ValueUnit::Entries, vec![10_000.0, 1_000_000.0]))
        );
        assert_eq!(
            numbers(&["5ms", "1s"]),
            Some((ValueUnit::Seconds, vec![0.005, 1.0]))
        );
        assert_eq!(numbers(&["lru", "fifo"]), None);
        assert_eq!(numbers(&["5ms", "1k/s"]), None);
        assert_eq!(
            numbers(&["10k", "100000"]),
            Some((ValueUnit::Number, vec![10_000.0, 100_000.0]))
        );
    }
}
