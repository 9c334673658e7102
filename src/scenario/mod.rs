//! The scenario file as written becomes the checked plan.
//!
//! ```text
//! TOML text --tree--> nodes with places --overrides--> one tree per variant
//!           --shape/format--> values of the right kind, defaults filled in
//!           --plan--> simulation::Plan, in which nothing can be invalid
//! ```
//!
//! All errors of all files are collected and shown together, each with its file, line, column and
//! what to do about it ([`ScenarioErrors`]). An override keeps the place where it was written, so an
//! error in a variant points at the variant. Not here: running anything.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value as Json;

use crate::metrics::Metric;
use crate::simulation;

use problem::Problem;
use shape::{Checked, did_you_mean};
use source::{Sources, Span};
use tree::{Node, Value};

mod bandwidth;
mod empirical;
mod expectation;
mod format;
mod limit;
mod overrides;
mod plan;
mod prices;
mod problem;
mod reference;
mod schema;
mod shape;
mod source;
mod sweep;
mod tree;
pub mod unit;

pub use expectation::{Condition, Expectation};
pub use limit::{Bound, Limit, Side};
pub use prices::Prices;
pub use problem::{ScenarioError, ScenarioErrors};
pub use reference::reference;
pub use schema::schema;
pub use sweep::{Axis, AxisSetting, Grid, ValueUnit};
pub use unit::Misspelt;

/// The name of the variant that is the file as it stands.
pub const BASE: &str = "base";

/// One scenario file, checked.
#[derive(Clone, Debug)]
pub struct Study {
    /// The file, as it was given.
    pub path: PathBuf,
    /// The file's name without its ending: what results are filed under.
    pub name: String,
    /// What it is called in reports; the name, if the file does not say.
    pub title: String,
    /// The question, or empty.
    pub description: String,
    /// Where all randomness comes from.
    pub seed: u64,
    /// Runs of each variant, at least 1.
    pub replications: u64,
    /// The scenario with defaults filled in and quantities in one spelling: itself a scenario that
    /// means the same.
    pub resolved: Json,
    /// `base` and then the others in the order of the file; those that were asked for.
    pub variants: Vec<Variant>,
    /// What must hold, in the order of the file; those about variants that were asked for.
    pub expectations: Vec<Expectation>,
    /// How many more the file has, about variants that were not asked for.
    pub expectations_left_out: usize,
    /// How far metrics may move away from a baseline, in the order of the file.
    pub limits: Vec<Limit>,
    /// The cells of its sweep, each of them checked, if it has one.
    pub grid: Option<Arc<Grid>>,
}

impl Study {
    /// Reads a limit on a metric of this scenario, such as `database.qps.mean > +5%`.
    ///
    /// # Errors
    /// When it is none, or its metric or variant does not exist.
    pub fn limit(&self, text: &str) -> Result<Limit, Misspelt> {
        let (variant, metric, _, _) = limit::parts(text)?;
        if let Some(variant) = variant {
            let names = || self.variants.iter().map(|variant| variant.name.as_str());
            if !names().any(|name| name == variant) {
                return Err(Misspelt {
                    message: format!("there is no variant {}", unit::quoted(variant)),
                    help: did_you_mean(variant, names(), "variants"),
                });
            }
        }
        limit::read(text, self.metric(metric)?)
    }

    /// The metric of that full name that this scenario measures.
    ///
    /// # Errors
    /// When there is none, with what is near.
    pub fn metric(&self, name: &str) -> Result<&'static Metric, Misspelt> {
        let Some(variant) = self.variants.first() else {
            return Err(Misspelt {
                message: "there are no variants".into(),
                help: String::new(),
            });
        };
        expectation::find_metric(name, &variant.plan)
            .map_err(|(message, help)| Misspelt { message, help })
    }
}

/// One variant of a scenario, checked.
#[derive(Clone, Debug)]
pub struct Variant {
    /// Its name; [`BASE`] for the file as it stands.
    pub name: String,
    /// What is different, or empty.
    pub description: String,
    /// What to run.
    pub plan: simulation::Plan,
    /// Whether the end of warm-up is to be found (`warmup = "auto"`); the plan then has none.
    pub finds_warmup: bool,
    /// What things cost, if the scenario says it.
    pub prices: Option<Prices>,
    /// This variant as a scenario of its own; see [`Study::resolved`].
    pub resolved: Json,
}

/// What the command line changes.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `PATH=VALUE`, in order. They change the file, so a variant that sets the same path still
    /// differs.
    pub set: Vec<String>,
    /// In place of the scenario's seed.
    pub seed: Option<u64>,
    /// In place of the scenario's number of replications.
    pub replications: Option<u64>,
    /// The variants to keep; all if empty.
    pub variants: Vec<String>,
    /// Axes in place of those of the file: `PATH=VALUES`.
    pub sweep: Vec<String>,
    /// What the option is called by which they were given, for errors; `--sweep` if empty.
    pub sweep_option: &'static str,
    /// Whether there are to be no axes at all.
    pub no_sweep: bool,
    /// The cell of the sweep to make a study of, in place of the file as it stands.
    pub cell: Option<usize>,
}

/// More than this is no scenario.
const LARGEST_FILE: u64 = 64 << 20;

/// Errors beyond so many in one file are only counted: nobody reads them.
const MOST_ERRORS: usize = 50;

/// Variants of one file beyond so many are a mistake.
const MOST_VARIANTS: usize = 1000;

/// Loads files, and the `*.toml` files of folders in the order of their names.
///
/// # Errors
/// Everything that is wrong with any of them; see [`ScenarioErrors`].
pub fn load(paths: &[PathBuf], overrides: &Overrides) -> Result<Vec<Study>, ScenarioErrors> {
    let mut errors = Vec::new();
    let mut studies = Vec::new();
    for found in files(paths) {
        match found.and_then(|path| load_file(&path, overrides)) {
            Ok(study) => studies.push(study),
            Err(mut wrong) => {
                // A mistake on the command line is one mistake, however many files it meets.
                wrong.retain(|error| !errors.contains(error));
                errors.append(&mut wrong);
            }
        }
    }
    if errors.is_empty() {
        Ok(studies)
    } else {
        Err(ScenarioErrors { errors })
    }
}

/// Loads one scenario from its text; `path` is what errors call it and where the files that it
/// names are looked for.
///
/// # Errors
/// Everything that is wrong with it; see [`ScenarioErrors`].
pub fn load_text(path: &Path, text: &str, overrides: &Overrides) -> Result<Study, ScenarioErrors> {
    study(path, text, overrides).map_err(|errors| ScenarioErrors { errors })
}

/// The scenario files that `paths` mean, each of them or why it cannot be had.
pub fn files(paths: &[PathBuf]) -> Vec<Result<PathBuf, Vec<ScenarioError>>> {
    let mut found = Vec::new();
    for path in paths {
        if !path.is_dir() {
            found.push(Ok(path.clone()));
            continue;
        }
        let entries =
            std::fs::read_dir(path).and_then(|entries| entries.collect::<io::Result<Vec<_>>>());
        match entries {
            Err(error) => found.push(Err(vec![unreadable(path, &error)])),
            Ok(entries) => {
                let mut inside: Vec<PathBuf> = entries
                    .into_iter()
                    .map(|entry| entry.path())
                    .filter(|path| {
                        path.extension().is_some_and(|ending| ending == "toml") && path.is_file()
                    })
                    .collect();
                // The order of a folder depends on the file system; results must not.
                inside.sort();
                if inside.is_empty() {
                    let message = format!("the folder {} holds no scenario", path.display());
                    let help = Some("scenarios are files that end in .toml".into());
                    found.push(Err(vec![ScenarioError::about(
                        path.display().to_string(),
                        message,
                        help,
                    )]));
                }
                found.extend(inside.into_iter().map(Ok));
            }
        }
    }
    found
}

/// Loads one file.
///
/// # Errors
/// Everything that is wrong with it.
pub fn load_file(path: &Path, overrides: &Overrides) -> Result<Study, Vec<ScenarioError>> {
    let name = path.display().to_string();
    let size = std::fs::metadata(path)
        .map_err(|error| vec![unreadable(path, &error)])?
        .len();
    if size > LARGEST_FILE {
        let message = format!("{name} is no scenario: it has {size} bytes");
        return Err(vec![ScenarioError::about(name, message, None)]);
    }
    // A device or a pipe has no size to look at beforehand.
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(LARGEST_FILE + 1).read_to_end(&mut bytes))
        .map_err(|error| vec![unreadable(path, &error)])?;
    if bytes.len() as u64 > LARGEST_FILE {
        let message = format!("{name} is no scenario: it has more than {LARGEST_FILE} bytes");
        return Err(vec![ScenarioError::about(name, message, None)]);
    }
    match String::from_utf8(bytes) {
        Ok(text) => study(path, &text, overrides),
        Err(error) => {
            let valid = error.utf8_error().valid_up_to();
            let mut sources = Sources::default();
            let source = sources.add(name, String::from_utf8_lossy(error.as_bytes()));
            let span = Span {
                source,
                start: valid,
                end: valid + '\u{fffd}'.len_utf8(),
            };
            let problem =
                Problem::new(span, "this is not UTF-8 text").help("save the file as UTF-8");
            Err(vec![ScenarioError::at(problem, &sources)])
        }
    }
}

/// What the operating system said, in lower case and without its number.
fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".into(),
        io::ErrorKind::PermissionDenied => "no permission".into(),
        _ => crate::whole_file::readable(error),
    }
}

fn unreadable(path: &Path, error: &io::Error) -> ScenarioError {
    let name = path.display().to_string();
    let help = near_file(path).map(|near| format!("did you mean {}?", near.display()));
    ScenarioError::about(
        name.clone(),
        format!("cannot read {name}: {}", reason(error)),
        help,
    )
}

/// The file beside a missing one whose name is most like its.
fn near_file(path: &Path) -> Option<PathBuf> {
    let wanted = path.file_name()?.to_str()?;
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let mut names: Vec<String> = std::fs::read_dir(folder.unwrap_or(Path::new(".")))
        .ok()?
        .take(1000)
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name != wanted && name.ends_with(".toml"))
        .collect();
    names.sort();
    let near = unit::nearest(wanted, names.iter().map(String::as_str)).or_else(|| {
        names
            .iter()
            .map(String::as_str)
            .find(|name| *name == format!("{wanted}.toml"))
    })?;
    Some(path.with_file_name(near))
}

/// A file being made into a study.
struct Loader<'a> {
    path: &'a Path,
    sources: Sources,
    problems: Vec<Problem>,
    /// Traces that were looked through already: variants share them.
    traces: plan::Traces,
}

fn study(path: &Path, text: &str, overrides: &Overrides) -> Result<Study, Vec<ScenarioError>> {
    study_with(path, text, overrides, plan::Traces::default())
}

/// As [`study`], with traces that were looked through already.
fn study_with(
    path: &Path,
    text: &str,
    overrides: &Overrides,
    traces: plan::Traces,
) -> Result<Study, Vec<ScenarioError>> {
    let mut loader = Loader {
        path,
        sources: Sources::default(),
        problems: Vec::new(),
        traces,
    };
    let study = loader.study(text, overrides);
    match study {
        Some(study) if loader.problems.is_empty() => Ok(study),
        _ => Err(loader.errors()),
    }
}

/// One variant on its way from tree to plan.
struct Draft {
    name: String,
    description: String,
    checked: Option<Checked>,
    plan: Option<simulation::Plan>,
}

impl Loader<'_> {
    fn study(&mut self, text: &str, overrides: &Overrides) -> Option<Study> {
        let source = self.sources.add(self.path.display().to_string(), text);
        let mut root = tree::parse_file(text, source, &mut self.problems);
        if !self.problems.is_empty() {
            return None;
        }
        self.change(&mut root, overrides);
        let axes = self.axes(&root, overrides);
        if let Value::Table(entries) = &mut root.value {
            entries.shift_remove("sweep");
        }
        if let Some(cell) = overrides.cell {
            sweep::apply(&axes, cell, &mut root, &mut self.problems);
            return self.build(&root, overrides);
        }
        let mut study = self.build(&root, overrides);
        // Each cell is checked before anything is computed; the first that is wrong tells enough.
        for cell in 0..sweep::cells(&axes) {
            if study.is_none() || !self.problems.is_empty() {
                break;
            }
            let mut own = root.clone();
            sweep::apply(&axes, cell, &mut own, &mut self.problems);
            self.build(&own, overrides);
        }
        if let Some(study) = &mut study
            && !axes.is_empty()
        {
            study.grid = Some(Arc::new(Grid {
                path: self.path.to_owned(),
                text: text.into(),
                overrides: overrides.clone(),
                // Those that were looked through once need not be again, cell by cell.
                traces: self.traces.clone(),
                axes: axes.iter().map(sweep::Draft::axis).collect(),
            }));
        }
        study
    }

    /// The axes of the sweep: those of the command line, or else of the file.
    fn axes(&mut self, root: &Node, overrides: &Overrides) -> Vec<sweep::Draft> {
        if overrides.no_sweep {
            return Vec::new();
        }
        let axes = if overrides.sweep.is_empty() {
            // The whole file is checked again below; what is wrong with it is reported once.
            let before = self.problems.len();
            let written = format::grammar().check(root, &mut self.problems);
            if self.problems.len() > before {
                return Vec::new();
            }
            written.map_or_else(Vec::new, |written| {
                sweep::of_file(&written, root, &mut self.problems)
            })
        } else {
            let option = match overrides.sweep_option {
                "" => "--sweep",
                option => option,
            };
            sweep::of_command_line(
                &overrides.sweep,
                option,
                &mut self.sources,
                &mut self.problems,
            )
        };
        sweep::check(&axes, &mut self.problems);
        if self.problems.is_empty() {
            axes
        } else {
            Vec::new()
        }
    }

    /// Makes a study of a scenario without a sweep.
    fn build(&mut self, root: &Node, overrides: &Overrides) -> Option<Study> {
        let grammar = format::grammar();
        let checked = grammar.check(root, &mut self.problems);
        let base = self.draft(BASE.into(), String::new(), checked.clone());
        let mut drafts = vec![base];
        self.variants(root, &mut drafts);

        let names: Vec<_> = drafts
            .iter()
            .map(|draft| (draft.name.as_str(), draft.plan.as_ref()))
            .collect();
        let mut expectations = Vec::new();
        for expect in checked
            .as_ref()
            .map_or(&[][..], |checked| checked.at("expect").list())
        {
            let place = expect
                .get("metric")
                .map_or(expect.span, |metric| metric.span);
            let line = self.sources.get(place.source).text[..place.start]
                .bytes()
                .filter(|byte| *byte == b'\n')
                .count()
                + 1;
            expectations.extend(expectation::read(expect, &names, line, &mut self.problems));
            let metric = expect.at("metric");
            if metric.is("cost.monthly")
                && checked
                    .as_ref()
                    .is_some_and(|it| it.get("prices").is_none())
            {
                let message = "`cost.monthly` is not measured, because there are no prices";
                self.problems
                    .push(Problem::new(metric.span, message).help("add [prices] to the scenario"));
            }
        }
        for wanted in &overrides.variants {
            if !names.iter().any(|(name, _)| name == wanted) {
                let source = self.sources.add("--variant", wanted.as_str());
                let span = Span {
                    source,
                    start: 0,
                    end: wanted.len(),
                };
                let message = format!(
                    "there is no variant {} in {}",
                    unit::quoted(wanted),
                    self.path.display()
                );
                let help = did_you_mean(wanted, names.iter().map(|(name, _)| *name), "variants");
                self.problems.push(Problem::new(span, message).help(help));
            }
        }
        let checked = checked?;
        let kept = |name: &str| {
            overrides.variants.is_empty() || overrides.variants.iter().any(|wanted| wanted == name)
        };
        let written = expectations.len();
        expectations.retain(|expectation| {
            kept(&expectation.variant) && expectation.condition.other_variant().is_none_or(kept)
        });
        let expectations_left_out = written - expectations.len();
        let variants = drafts
            .into_iter()
            .filter(|draft| kept(&draft.name))
            .map(|draft| {
                Some(Variant {
                    finds_warmup: draft.checked.as_ref()?.at("warmup").is("auto"),
                    prices: draft.checked.as_ref()?.get("prices").map(Prices::read),
                    resolved: draft.checked.as_ref().map(resolved)?,
                    name: draft.name,
                    description: draft.description,
                    plan: draft.plan?,
                })
            });
        let name = self
            .path
            .file_stem()
            .map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
        Some(Study {
            path: self.path.to_owned(),
            title: checked
                .get("title")
                .map_or_else(|| name.clone(), |title| title.text().into()),
            name,
            description: checked.at("description").text().into(),
            seed: checked.at("seed").whole(),
            replications: checked.at("replications").whole(),
            variants: variants.collect::<Option<_>>()?,
            resolved: resolved(&checked),
            expectations,
            expectations_left_out,
            limits: Vec::new(),
            grid: None,
        })
        .and_then(|study| self.limits(study, &checked))
    }

    /// Reads the limits, which may name any variant and its metrics.
    fn limits(&mut self, mut study: Study, checked: &Checked) -> Option<Study> {
        for limit in checked.at("baseline").at("fail_if").list() {
            match study.limit(limit.text()) {
                Ok(limit) => study.limits.push(limit),
                // Its variant was not asked for.
                Err(_) if is_left_out(limit.text(), &study, checked) => {}
                Err(wrong) => self
                    .problems
                    .push(Problem::new(limit.span, wrong.message).help(wrong.help)),
            }
        }
        Some(study)
    }

    /// Applies what the command line changes.
    fn change(&mut self, root: &mut Node, overrides: &Overrides) {
        for setting in &overrides.set {
            let source = self.sources.add("--set", setting.as_str());
            let span = |start, end| Span { source, start, end };
            let Some((path, value)) = setting.split_once('=') else {
                let problem =
                    Problem::new(span(0, setting.len()), "a setting has the form PATH=VALUE")
                        .help("for example --set tier.redis.ttl=30s");
                self.problems.push(problem);
                continue;
            };
            let value_span = span(path.len() + 1, setting.len());
            // `ttl=30s` is what people type: what is no TOML value is a text, unless it is clearly
            // meant to be one.
            let value = match tree::parse_value(value, source, path.len() + 1) {
                Ok(node) => node,
                Err(_) if !value.trim_start().starts_with(['"', '\'', '[', '{']) => Node {
                    span: value_span,
                    value: Value::Text(value.trim().into()),
                },
                Err(mut problems) => {
                    self.problems.append(&mut problems);
                    continue;
                }
            };
            if let Err(problem) = overrides::set(
                format::grammar(),
                root,
                path.trim(),
                span(0, path.len()),
                value,
            ) {
                self.problems.push(problem);
            }
        }
        for (key, number) in [
            ("seed", overrides.seed),
            ("replications", overrides.replications),
        ] {
            if let Some(number) = number {
                let option = format!("--{key}");
                let source = self.sources.add(option, number.to_string());
                let span = Span {
                    source,
                    start: 0,
                    end: number.to_string().len(),
                };
                let value = Node {
                    span,
                    value: Value::Integer(number.into()),
                };
                if let Err(problem) = overrides::set(format::grammar(), root, key, span, value) {
                    self.problems.push(problem);
                }
            }
        }
    }

    fn draft(&mut self, name: String, description: String, checked: Option<Checked>) -> Draft {
        let folder = self.path.parent().unwrap_or(Path::new(""));
        let plan = checked.as_ref().and_then(|checked| {
            plan::plan(
                checked,
                folder,
                &self.sources,
                &mut self.traces,
                &mut self.problems,
            )
        });
        Draft {
            name,
            description,
            checked,
            plan,
        }
    }

    /// Makes each variant's own tree and checks it whole.
    fn variants(&mut self, root: &Node, drafts: &mut Vec<Draft>) {
        let list = root.get("variant").map_or(&[][..], Node::list);
        if let Some(variant) = list.get(MOST_VARIANTS) {
            let message = format!("{} variants are more than {MOST_VARIANTS}", list.len());
            self.problems.push(Problem::new(variant.span, message));
            return;
        }
        let mut bare = root.clone();
        if let Value::Table(entries) = &mut bare.value {
            for key in ["variant", "expect", "baseline"] {
                entries.shift_remove(key);
            }
        }
        for variant in list {
            // Where the name or the settings have the wrong shape, the check of the file says so.
            let Some(name) = variant.get("name") else {
                continue;
            };
            let Some(text) = name.text() else { continue };
            if drafts.iter().any(|draft| draft.name == text) {
                let (message, help) = if text == BASE {
                    (
                        "a variant cannot be called `base`".into(),
                        "`base` is the file as it stands; choose another name",
                    )
                } else {
                    (
                        format!("two variants are called {}", unit::quoted(text)),
                        "rename one of them",
                    )
                };
                self.problems
                    .push(Problem::new(name.span, message).help(help));
                continue;
            }
            let mut own = bare.clone();
            if let Some(Value::Table(settings)) = variant.get("set").map(|set| &set.value) {
                for (path, entry) in settings {
                    let changed = match overrides::belongs_to_the_file(path) {
                        Some(key) => Err(Problem::new(
                            entry.key,
                            format!("`{key}` belongs to the file and is the same in all variants"),
                        )
                        .help("set it outside of [[variant]]")),
                        None => overrides::set(
                            format::grammar(),
                            &mut own,
                            path,
                            entry.key,
                            entry.node.clone(),
                        ),
                    };
                    if let Err(problem) = changed {
                        self.problems.push(problem);
                    }
                }
            }
            let checked = format::grammar().check(&own, &mut self.problems);
            let description = variant
                .get("description")
                .and_then(Node::text)
                .unwrap_or("")
                .to_owned();
            let draft = self.draft(text.to_owned(), description, checked);
            drafts.push(draft);
        }
    }

    /// The problems as they are shown: in the order of the file, each once.
    fn errors(self) -> Vec<ScenarioError> {
        let mut problems = self.problems;
        problems.sort_by(|a, b| (a.span, &a.message).cmp(&(b.span, &b.message)));
        // Every variant repeats what is wrong with the file.
        problems.dedup();
        let count = problems.len();
        problems.truncate(MOST_ERRORS);
        let mut errors: Vec<_> = problems
            .into_iter()
            .map(|problem| ScenarioError::at(problem, &self.sources))
            .collect();
        if count > MOST_ERRORS {
            let message = format!("and {} more errors", count - MOST_ERRORS);
            errors.push(ScenarioError::about(
                self.path.display().to_string(),
                message,
                None,
            ));
        }
        errors
    }
}

/// Whether a limit is about a variant that the file has and that was not asked for.
fn is_left_out(limit: &str, study: &Study, checked: &Checked) -> bool {
    let Ok((Some(variant), _, _, _)) = limit::parts(limit) else {
        return false;
    };
    if study.variants.iter().any(|kept| kept.name == variant) {
        return false;
    }
    let variants = checked.at("variant").list();
    variant == BASE || variants.iter().any(|one| one.at("name").text() == variant)
}

/// A checked scenario in canonical form.
fn resolved(checked: &Checked) -> Json {
    let mut json = checked.json();
    if let Some(database) = json.get_mut("database").and_then(Json::as_object_mut)
        && !database.contains_key("write_service_time")
        && let Some(time) = database.get("service_time").cloned()
    {
        database.insert("write_service_time".into(), time);
    }
    json
}

#[cfg(test)]
mod tests;
