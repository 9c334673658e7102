//! What is wrong with a scenario, and how that is shown: file, line, column, a caret and advice.
//!
//! Not here: finding out what is wrong.

use std::fmt;

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError,
    MietteSpanContents, SourceCode, SourceSpan, SpanContents,
};
use serde::Serialize;

use super::source::{Sources, Span};

/// Something that is wrong at one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) span: Span,
    pub(super) message: String,
    pub(super) help: Option<String>,
}

impl Problem {
    pub(super) fn new(span: Span, message: impl Into<String>) -> Self {
        Self {
            span,
            message: message.into(),
            help: None,
        }
    }

    /// Adds advice; an empty one is none.
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        let help = help.into();
        self.help = (!help.is_empty()).then_some(help);
        self
    }
}

/// One error of a scenario, as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ScenarioError {
    /// The file as given, or the setting of the command line.
    pub file: String,
    /// The line, from 1; 0 if it is about the file as a whole.
    pub line: usize,
    /// The column in characters, from 1; 0 if it is about the file as a whole.
    pub column: usize,
    /// The column after the last one that is meant, on the same line.
    pub end_column: usize,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    #[serde(skip)]
    excerpt: Option<Excerpt>,
}

/// The line of an error and its neighbours, cut to what fits a screen and free of control
/// characters: a file may have lines of megabytes, and a terminal obeys what it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Excerpt {
    name: String,
    text: String,
    first_line: usize,
    /// Byte range of the error in `text`.
    label: (usize, usize),
    /// Column of the error in the file, from 0.
    column: usize,
}

/// How many characters of a line are shown before and after the place of an error.
const BEFORE: usize = 60;
const AFTER: usize = 100;

impl ScenarioError {
    /// An error about `file` as a whole: it is missing, for example.
    pub(super) fn about(
        file: impl Into<String>,
        message: impl Into<String>,
        help: Option<String>,
    ) -> Self {
        Self {
            file: file.into(),
            line: 0,
            column: 0,
            end_column: 0,
            message: message.into(),
            help,
            excerpt: None,
        }
    }

    pub(super) fn at(problem: Problem, sources: &Sources) -> Self {
        let source = sources.get(problem.span.source);
        let text: &str = &source.text;
        let start = floor(text, problem.span.start);
        let line_start = text[..start].rfind('\n').map_or(0, |end| end + 1);
        let line_end = text[start..]
            .find('\n')
            .map_or(text.len(), |end| start + end);
        // What spans lines is marked on its first one.
        let end = floor(text, problem.span.end.clamp(start, line_end));
        let number = text[..start].bytes().filter(|byte| *byte == b'\n').count();
        let column = text[line_start..start].chars().count();

        let mut excerpt = Excerpt {
            name: source.name.clone(),
            text: String::new(),
            first_line: number,
            label: (0, 0),
            column,
        };
        if line_start > 0 {
            let before = text[..line_start - 1].rfind('\n').map_or(0, |end| end + 1);
            append(
                &mut excerpt.text,
                clip_end(&text[before..line_start - 1], AFTER),
            );
            excerpt.text.push('\n');
            excerpt.first_line -= 1;
        }
        let shown_start = clip_start(&text[line_start..start], BEFORE);
        append(&mut excerpt.text, shown_start);
        let label_start = excerpt.text.len();
        append(&mut excerpt.text, clip_end(&text[start..end], AFTER));
        excerpt.label = (label_start, excerpt.text.len());
        append(&mut excerpt.text, clip_end(&text[end..line_end], AFTER));
        if let Some(after) = text.get(line_end + 1..).filter(|after| !after.is_empty()) {
            excerpt.text.push('\n');
            let next_end = after.find('\n').unwrap_or(after.len());
            append(&mut excerpt.text, clip_end(&after[..next_end], AFTER));
        }
        Self {
            file: source.name.clone(),
            line: number + 1,
            column: column + 1,
            end_column: column + 1 + text[start..end].chars().count(),
            message: problem.message,
            help: problem.help,
            excerpt: Some(excerpt),
        }
    }
}

/// The nearest character boundary at or below `at`.
fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn clip_end(text: &str, most: usize) -> &str {
    text.char_indices()
        .nth(most)
        .map_or(text, |(end, _)| &text[..end])
}

fn clip_start(text: &str, most: usize) -> &str {
    text.char_indices()
        .rev()
        .nth(most)
        .map_or(text, |(start, letter)| &text[start + letter.len_utf8()..])
}

/// Appends `text` with control characters replaced, which keeps its columns.
fn append(target: &mut String, text: &str) {
    target.extend(text.chars().filter(|c| *c != '\r').map(|c| match c {
        '\t' => ' ',
        c if c.is_control() => '\u{fffd}',
        c => c,
    }));
}

impl SourceCode for Excerpt {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let inner = self.text.as_str().read_span(span, before, after)?;
        // The place itself is asked for without neighbours; its column is the one in the file.
        let column = if before == 0 {
            self.column
        } else {
            inner.column()
        };
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.clone(),
            inner.data(),
            *inner.span(),
            inner.line() + self.first_line,
            column,
            inner.line_count(),
        )))
    }
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ScenarioError {}

impl Diagnostic for ScenarioError {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help
            .as_ref()
            .map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.excerpt
            .as_ref()
            .map(|excerpt| excerpt as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let (start, end) = self.excerpt.as_ref()?.label;
        let label = LabeledSpan::new_primary_with_span(None, start..end);
        Some(Box::new(std::iter::once(label)))
    }
}

/// Everything that is wrong with the scenarios that were asked for, in the order of files and
/// lines. Never empty.
#[derive(Clone, Debug)]
pub struct ScenarioErrors {
    /// The errors.
    pub errors: Vec<ScenarioError>,
}

impl ScenarioErrors {
    /// All errors as plain text, without colours and without line drawing characters: the same on
    /// every terminal.
    #[must_use]
    pub fn plain(&self) -> String {
        let handler = GraphicalReportHandler::new_themed(GraphicalTheme::none())
            .with_width(100)
            .with_links(false);
        let mut text = String::new();
        for error in &self.errors {
            // Writing to a string does not fail, and an excerpt contains its own label.
            let _ = handler.render_report(&mut text, error);
        }
        text
    }
}

impl fmt::Display for ScenarioErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut files: Vec<&str> = self
            .errors
            .iter()
            .map(|error| error.file.as_str())
            .collect();
        files.dedup();
        match (self.errors.len(), files.as_slice()) {
            (1, [file]) => write!(f, "an error in {file}"),
            (count, [file]) => write!(f, "{count} errors in {file}"),
            (count, files) => write!(f, "{count} errors in {} files", files.len()),
        }
    }
}

impl std::error::Error for ScenarioErrors {}

impl Diagnostic for ScenarioErrors {
    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        Some(Box::new(
            self.errors.iter().map(|error| error as &dyn Diagnostic),
        ))
    }
}
