//! The table for people: variants side by side, key metrics first, differences against the first
//! variant, and a line for each expectation.
//!
//! Fits any width from 60 columns: variants that do not fit side by side go into further blocks,
//! each with the reference beside them. Colours only repeat what signs and words say already.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr};

use crate::experiment::{
    Comparison, Results,
    baseline::{LimitJudgement, Standing},
};

use super::{
    alerts, baseline,
    chart::axis,
    compared::{Compared, Tone, compare},
    expectation, key_metrics, layers, overview, quantity, sparkline, top_keys, verdict,
};

/// How the table is printed.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Columns at most; at least 60 are used.
    pub width: usize,
    /// Whether colours may be used.
    pub colours: bool,
    /// Every metric instead of the key metrics.
    pub all: bool,
    /// Whether only ASCII can be shown.
    pub ascii: bool,
}

/// Space between two columns.
pub(super) const GAP: usize = 2;
/// A variant's name is wrapped rather than let its column grow wider than this.
const NAME_WIDTH: usize = 14;

impl Look {
    fn paint(self, text: &str, tone: Tone) -> String {
        let code = match tone {
            Tone::Plain => return text.to_owned(),
            _ if !self.colours || text.is_empty() => return text.to_owned(),
            Tone::Strong => "1",
            Tone::Faint => "2",
            Tone::Good => "32",
            Tone::Bad => "31",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

/// The report of one scenario; ends with a newline.
#[must_use]
pub fn render(results: &Results, look: Look) -> String {
    let look = Look {
        width: look.width.max(60),
        ..look
    };
    let mut text = heading(results, look);
    let groups = key_metrics::groups(results, look.all);
    if results.variants.len() == 1 {
        text.push_str(&single(results, &groups, look));
    } else if overview::is_for(results) && !look.all {
        text.push_str(&overview::terminal(results, look));
    } else {
        text.push_str(&side_by_side(results, &groups, look));
    }
    text.push_str(&over_time(results, look));
    text.push_str(&chains(results, look));
    text.push_str(&top_keys(results, look));
    text.push_str(&alerts(results, look));
    text.push_str(&expectations(results, look));
    if let Some(comparison) = &results.comparison {
        text.push_str(&compared(results, comparison, look));
    }
    text
}

/// A text as the terminal can show it.
#[must_use]
pub fn as_shown(text: String, look: Look) -> String {
    match look.ascii {
        true => sparkline::ascii(&text),
        false => text,
    }
}

/// Sparklines are not wider than this: they only say where to look.
const WIDEST_SPARKLINE: usize = 100;

/// The main series, a line of bars for each variant.
fn over_time(results: &Results, look: Look) -> String {
    let is_overview = overview::is_for(results) && !look.all;
    let name_width = if is_overview {
        overview::NAME_WIDTH
    } else {
        NAME_WIDTH
    };
    let name = |index: usize| shorten(&results.variants[index].name, name_width);
    let widths = (0..results.variants.len()).map(|index| name(index).width());
    let name_width = widths.max().unwrap_or(0);
    // How wide ranges are does not depend on the number of bars.
    let range_width = sparkline::range_width(&sparkline::blocks(results, 1));
    let room = look
        .width
        .saturating_sub(2 + name_width + 2 * GAP + range_width);
    let mut blocks = sparkline::blocks(results, room.clamp(8, WIDEST_SPARKLINE));
    if is_overview {
        blocks.truncate(1);
    }
    if blocks.is_empty() {
        return String::new();
    }
    let from = results.variants.iter().map(|variant| variant.warmup_s);
    let from = from.fold(0.0, f64::max);
    let heading = if from > 0.0 {
        format!(
            "over time, from the end of warm-up at {}",
            axis::instant(from)
        )
    } else {
        "over time".to_owned()
    };
    let mut text = format!("\n{}\n", look.paint(&heading, Tone::Strong));
    for block in &blocks {
        text.push_str(&format!("{}\n", look.paint(&block.title, Tone::Faint)));
        for (index, bars, range) in &block.rows {
            let name = name(*index);
            let blanks = " ".repeat(name_width - name.width() + GAP);
            text.push_str(&format!("  {name}{blanks}{bars}  {range}\n"));
        }
    }
    text
}

/// Which layer answers which share of the reads, a chain for each variant.
fn chains(results: &Results, look: Look) -> String {
    let lines = layers::lines(results);
    if lines.is_empty() {
        return String::new();
    }
    let heading = look.paint("share of the reads that each layer answers", Tone::Strong);
    let mut text = format!("\n{heading}\n");
    for (variant, line) in &lines {
        if results.variants.len() > 1 {
            text.push_str(&format!("{}\n", shorten(variant, look.width)));
        }
        for line in wrap(line, look.width - 2) {
            // Blanks within a layer are such that no line breaks there.
            text.push_str(&format!("  {}\n", line.replace('\u{a0}', " ")));
        }
    }
    text
}

/// What moved since the baseline, and the limits.
fn compared(results: &Results, comparison: &Comparison, look: Look) -> String {
    let mut text = String::new();
    if !comparison.version.is_empty() {
        let summary = baseline::summary(results, comparison);
        let heading = format!("against the baseline: {summary}");
        text.push('\n');
        for line in wrap(&heading, look.width) {
            text.push_str(&format!("{}\n", look.paint(&line, Tone::Strong)));
        }
        let rows = baseline::moved(results, comparison, look.all);
        if !rows.is_empty() {
            text.push('\n');
            let header = ["variant", "metric", "baseline", "now", "change"];
            let widest = |index: usize| rows.iter().map(|row| row[index].width()).max();
            let others: usize = [2, 3, 4].into_iter().filter_map(widest).sum();
            let room = look.width.saturating_sub(others + 4 * GAP);
            let variant_width = widest(0).unwrap_or(0).clamp(7, NAME_WIDTH);
            let metric_width = room.saturating_sub(variant_width).max(6);
            let spelled = rows.iter().map(|row| {
                let [variant, metric, before, now, change] = row;
                let (variant, metric) = (
                    shorten(variant, variant_width),
                    shorten(metric, metric_width),
                );
                vec![variant, metric, before.clone(), now.clone(), change.clone()]
            });
            text.push_str(&table(
                &header.map(str::to_owned),
                vec![spelled.collect()],
                look,
            ));
        }
    }
    if comparison.limits.is_empty() {
        return text;
    }
    let broken = |judged: &&LimitJudgement| judged.standing == Standing::Broken;
    let kept = comparison.limits.len() - comparison.limits.iter().filter(broken).count();
    let heading = format!("limits: {kept} of {} kept", comparison.limits.len());
    text.push_str(&format!("\n{}\n", look.paint(&heading, Tone::Strong)));
    for judged in &comparison.limits {
        let tone = match judged.standing {
            Standing::Kept => Tone::Good,
            Standing::Unsure => Tone::Plain,
            Standing::Broken => Tone::Bad,
        };
        let word = format!("{:<5}", baseline::word(judged.standing));
        text.push_str(&marked(
            &look.paint(&word, tone),
            &baseline::sentence(judged),
            look,
        ));
    }
    text
}

/// A sentence after a word of five columns, further lines indented.
fn marked(word: &str, sentence: &str, look: Look) -> String {
    let mut text = String::new();
    for (index, line) in wrap(sentence, look.width - 6).iter().enumerate() {
        let head = if index == 0 { word } else { "     " };
        text.push_str(&format!("{head} {line}\n"));
    }
    text
}

fn heading(results: &Results, look: Look) -> String {
    let mut text = String::new();
    for line in wrap(&results.title, look.width) {
        text.push_str(&look.paint(&line, Tone::Strong));
        text.push('\n');
    }
    let runs = match results.replications {
        1 => "1 run of each variant".to_owned(),
        runs => format!("means of {runs} replications"),
    };
    let mut lines = vec![format!("{}, seed {}, {runs}", results.name, results.seed)];
    lines.extend(super::remarks(results));
    for line in lines.iter().flat_map(|line| wrap(line, look.width)) {
        text.push_str(&look.paint(&line, Tone::Faint));
        text.push('\n');
    }
    text.push('\n');
    text
}

/// One variant: the mean and, with several replications, its interval.
fn single(results: &Results, groups: &[Vec<String>], look: Look) -> String {
    let variant = results.reference();
    let replicated = results.replications > 1;
    let mut header = vec!["metric".to_owned(), variant.name.clone()];
    if replicated {
        header.push("95 % interval".to_owned());
    }
    // The interval takes at most 2 x 9 characters and its dots.
    let metric_width = look.width - if replicated { 38 } else { 16 };
    header[1] = wrap(&variant.name, NAME_WIDTH).join("\n");
    let rows = groups.iter().map(|group| {
        group
            .iter()
            .map(|name| {
                let spell = |value, unit| quantity::of_metric(name, value, unit, 3);
                let mut row = vec![shorten(name, metric_width)];
                match variant.metrics.get(name) {
                    Some(interval) => {
                        row.push(spell(interval.mean, interval.unit));
                        if replicated && interval.is_measured() {
                            let low = spell(interval.low, interval.unit);
                            let high = spell(interval.high, interval.unit);
                            row.push(look.paint(&format!("{low} … {high}"), Tone::Faint));
                        }
                    }
                    None => row.push(quantity::UNMEASURED.to_owned()),
                }
                row
            })
            .collect()
    });
    in_columns(&header, rows.collect(), look)
}

/// Blanks between tables that stand side by side.
const BETWEEN: usize = 6;
/// Fewer rows than this are not worth a table of their own.
const LEAST_ROWS: usize = 8;

/// A table, or several side by side where a terminal is wide enough for them.
fn in_columns(header: &[String], groups: Vec<Vec<Vec<String>>>, look: Look) -> String {
    let whole = table(header, groups.clone(), look);
    let width = whole.lines().map(shown_width).max().unwrap_or(0);
    let rows: usize = groups.iter().map(Vec::len).sum();
    let columns = ((look.width + BETWEEN) / (width + BETWEEN)).min(rows / LEAST_ROWS);
    if columns < 2 {
        return whole;
    }
    // Groups stay whole, and no column has more than its share before another group comes to it.
    let mut parts = vec![Vec::new()];
    let mut used = 0;
    for group in groups {
        let share = rows * parts.len() / columns;
        if used + group.len() / 2 >= share && parts.len() < columns {
            parts.push(Vec::new());
        }
        used += group.len();
        if let Some(part) = parts.last_mut() {
            part.push(group);
        }
    }
    let texts = parts.into_iter().map(|part| table(header, part, look));
    beside(&texts.collect::<Vec<_>>())
}

/// Texts side by side, line by line.
fn beside(texts: &[String]) -> String {
    let lines: Vec<Vec<&str>> = texts.iter().map(|text| text.lines().collect()).collect();
    let tallest = lines.iter().map(Vec::len).max().unwrap_or(0);
    let mut all = String::new();
    for row in 0..tallest {
        let mut line = String::new();
        let mut end = 0;
        for text in &lines {
            let part = text.get(row).copied().unwrap_or("");
            line.push_str(&" ".repeat(end - shown_width(&line).min(end)));
            line.push_str(part);
            end += text.iter().map(|it| shown_width(it)).max().unwrap_or(0) + BETWEEN;
        }
        all.push_str(line.trim_end());
        all.push('\n');
    }
    all
}

/// The columns of a text on a terminal, which colours take none of.
fn shown_width(text: &str) -> usize {
    let mut parts = text.split('\u{1b}');
    let first = parts.next().map_or(0, UnicodeWidthStr::width);
    let others = parts.map(|part| part.split_once('m').map_or(0, |(_, rest)| rest.width()));
    first + others.sum::<usize>()
}

fn side_by_side(results: &Results, groups: &[Vec<String>], look: Look) -> String {
    let reference = results.reference();
    let names: Vec<&String> = groups.iter().flatten().collect();
    let columns: Vec<Vec<Compared>> = results
        .variants
        .iter()
        .enumerate()
        .map(|(index, variant)| {
            names
                .iter()
                .map(|name| compare(name, variant, (index > 0).then_some(reference), results))
                .collect()
        })
        .collect();
    let widest = |column: &[Compared], part: fn(&Compared) -> &str| {
        column
            .iter()
            .map(|cell| part(cell).width())
            .max()
            .unwrap_or(0)
    };
    // (value, difference, whole column)
    let widths: Vec<(usize, usize, usize)> = columns
        .iter()
        .zip(&results.variants)
        .map(|(column, variant)| {
            let value = widest(column, |cell| &cell.value);
            let difference = widest(column, |cell| &cell.difference);
            let cell = value + if difference > 0 { difference + 1 } else { 0 };
            let name = clean(&variant.name).width().min(NAME_WIDTH);
            (value, difference, cell.max(name))
        })
        .collect();
    let widest_variant = widths[1..].iter().map(|width| width.2).max().unwrap_or(0);
    // The metric's name gives way before a value does.
    let metric_width = names
        .iter()
        .map(|name| name.width())
        .max()
        .unwrap_or(0)
        .min(look.width - widths[0].2 - widest_variant - 2 * GAP)
        .max(6);

    let mut text = String::new();
    let mut next = 1;
    while next < columns.len() {
        let mut used = metric_width + GAP + widths[0].2;
        let mut block = vec![0];
        while next < columns.len()
            && (block.len() == 1 || used + GAP + widths[next].2 <= look.width)
        {
            used += GAP + widths[next].2;
            block.push(next);
            next += 1;
        }
        let mut header = vec!["metric".to_owned()];
        header.extend(
            block
                .iter()
                .map(|&v| wrap(&results.variants[v].name, widths[v].2).join("\n")),
        );
        let mut row_number = 0;
        let rows = groups
            .iter()
            .map(|group| {
                group
                    .iter()
                    .map(|name| {
                        let mut row = vec![shorten(name, metric_width)];
                        row.extend(block.iter().map(|&v| {
                            let cell = &columns[v][row_number];
                            let (_, difference_width, _) = widths[v];
                            if difference_width == 0 {
                                return cell.value.clone();
                            }
                            let difference = format!("{:>difference_width$}", cell.difference);
                            format!("{} {}", cell.value, look.paint(&difference, cell.tone))
                        }));
                        row_number += 1;
                        row
                    })
                    .collect()
            })
            .collect();
        text.push_str(&table(&header, rows, look));
        text.push('\n');
    }
    text.push_str(&legend(results, &columns, look));
    text
}

/// What the signs mean that stand in the table, and then what each variant changes.
fn legend(results: &Results, columns: &[Vec<Compared>], look: Look) -> String {
    let differences = || columns[1..].iter().flatten().map(|cell| &cell.difference);
    let any = |sign: &str| differences().any(|difference| difference.contains(sign));
    let name = &results.reference().name;
    let mut said = vec![format!("Differences are against {name}")];
    for (sign, meaning) in [
        ("pp", "pp: percentage points"),
        ("×", "×: so many times as much"),
        ("=", "=: the same in every run"),
        ("≈", "≈: less than 0.005 apart"),
        ("new", "new: 0 there"),
    ] {
        if any(sign) {
            said.push(meaning.to_owned());
        }
    }
    let mut sentence = said.join("; ");
    sentence.push('.');
    if results.replications > 1 {
        sentence.push_str(" ±: half of the 95 % interval.");
        if any("(") {
            sentence.push_str(" (In parentheses): may be luck, the interval includes zero.");
        }
    } else {
        sentence.push_str(" Of one run, any may be luck: --replications 5 tells.");
    }
    let mut text: String = wrap(&sentence, look.width)
        .iter()
        .map(|line| look.paint(line, Tone::Faint) + "\n")
        .collect();
    for variant in &results.variants[1..] {
        let sentences = verdict::sentences(results, variant);
        if sentences.is_empty() {
            continue;
        }
        let heading = format!("{} against {}", clean(&variant.name), clean(name));
        text.push_str(&format!("\n{}\n", look.paint(&heading, Tone::Strong)));
        for sentence in sentences {
            for (index, line) in wrap(&sentence, look.width - 4).iter().enumerate() {
                let indent = if index == 0 { "  " } else { "    " };
                text.push_str(&format!("{indent}{line}\n"));
            }
        }
    }
    text
}

/// The keys that tiers were asked for most, if any are worth telling.
fn top_keys(results: &Results, look: Look) -> String {
    let mut rows = top_keys::rows(results, look.all);
    if overview::is_for(results) && !look.all {
        // Variants of one workload have much the same hot keys.
        rows.retain(|row| row[2] == results.reference().name);
    }
    if rows.is_empty() {
        return String::new();
    }
    let widest = |index: usize| rows.iter().map(|row| row[index].width()).max();
    let others: usize = [1, 2, 3, 4].into_iter().filter_map(widest).sum();
    let room = look.width.saturating_sub(others.min(40) + 4 * GAP);
    let spelled = rows.iter().map(|row| {
        let mut row = row.clone();
        row[0] = shorten(&row[0], room.max(6));
        row[1] = shorten(&row[1], 20);
        row[2] = shorten(&row[2], NAME_WIDTH);
        row
    });
    let heading = look.paint("keys asked for most", Tone::Strong);
    let header = top_keys::HEADER.map(str::to_owned);
    format!(
        "\n{heading}\n{}",
        table(&header, vec![spelled.collect()], look)
    )
}

/// Each alert with what raises it, and below it what came of it in each variant.
fn alerts(results: &Results, look: Look) -> String {
    let groups = alerts::groups(results);
    let rows = || groups.iter().flat_map(|group| &group.rows);
    if rows().next().is_none() {
        return String::new();
    }
    let name = |row: &alerts::Row| shorten(&results.variants[row.variant].name, NAME_WIDTH);
    let width = rows().map(|row| name(row).width()).max().unwrap_or(0);
    let fired = groups
        .iter()
        .filter(|group| group.rows.iter().any(|row| row.fired));
    let heading = format!("alerts: {} of {} fired", fired.count(), groups.len());
    let mut text = format!("\n{}\n", look.paint(&heading, Tone::Strong));
    for group in &groups {
        for line in wrap(&format!("{}: {}", group.name, group.condition), look.width) {
            text.push_str(&format!("{line}\n"));
        }
        for row in &group.rows {
            let lines = wrap(&row.sentence(), look.width - width - 2 - GAP);
            for (index, line) in lines.iter().enumerate() {
                let name = if index == 0 { name(row) } else { String::new() };
                let blanks = " ".repeat(width - name.width() + GAP);
                text.push_str(&format!("  {name}{blanks}{line}\n"));
            }
        }
    }
    text
}

fn expectations(results: &Results, look: Look) -> String {
    if results.expectations.is_empty() {
        return String::new();
    }
    let held = results.expectations.iter().filter(|one| one.held).count();
    let mut text = format!(
        "\n{}\n",
        look.paint(
            &format!(
                "expectations: {held} of {} hold",
                results.expectations.len()
            ),
            Tone::Strong
        )
    );
    for judgement in &results.expectations {
        let (word, tone) = if judgement.held {
            ("pass", Tone::Good)
        } else {
            ("FAIL", Tone::Bad)
        };
        let mut sentence = expectation::sentence(judgement);
        if !judgement.held {
            sentence.push_str(&format!(" (line {})", judgement.expectation.line));
        }
        for (index, line) in wrap(&sentence, look.width - 6).iter().enumerate() {
            if index == 0 {
                text.push_str(&format!("{}  {line}\n", look.paint(word, tone)));
            } else {
                text.push_str(&format!("      {line}\n"));
            }
        }
    }
    text
}

/// Lays out a header and groups of rows, with an empty line between groups.
pub(super) fn table(header: &[String], groups: Vec<Vec<Vec<String>>>, look: Look) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled);
    table.style_mut().header_separator.fill = Some('─');
    table.force_no_tty();
    table.set_header(header.iter().map(|cell| {
        cell.lines()
            .map(|line| look.paint(line, Tone::Strong))
            .collect::<Vec<_>>()
            .join("\n")
    }));
    for (index, group) in groups.into_iter().enumerate() {
        if index > 0 {
            table.add_row(vec![""]);
        }
        for row in group {
            table.add_row(row);
        }
    }
    let last = header.len() - 1;
    for index in 0..header.len() {
        if let Some(column) = table.column_mut(index) {
            let right = if index == last { 0 } else { GAP as u16 };
            column.set_padding((0, right));
            if index > 0 {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
    }
    let mut text = String::new();
    for line in table.lines() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// A text in lines of the look's width, each with its end.
#[must_use]
pub fn paragraph(text: &str, is_title: bool, look: Look) -> String {
    let tone = if is_title { Tone::Strong } else { Tone::Faint };
    wrap(text, look.width.max(60))
        .iter()
        .map(|line| look.paint(line, tone) + "\n")
        .collect()
}

/// Names of columns are wrapped and names in rows cut to this width.
const COLUMN_WIDTH: usize = 20;

/// The width of a table of [`plain_table`].
pub(super) fn width_of(header: &[String], rows: &[Vec<String>]) -> usize {
    (0..header.len())
        .map(|column| {
            let head = wrap(&header[column], NAME_WIDTH);
            let head = head.iter().map(|line| line.width()).max().unwrap_or(0);
            let cells = rows.iter().map(|row| row[column].width().min(COLUMN_WIDTH));
            cells.max().unwrap_or(0).max(head) + GAP
        })
        .sum::<usize>()
        - GAP
}

/// A table of which the first `names` columns are names and the others numbers.
pub(super) fn plain_table(
    header: &[String],
    rows: &[Vec<String>],
    names: usize,
    look: Look,
) -> String {
    let header: Vec<String> = header
        .iter()
        .map(|name| wrap(name, NAME_WIDTH).join("\n"))
        .collect();
    let rows = rows
        .iter()
        .map(|row| {
            let cells = row.iter().enumerate();
            cells
                .map(|(column, cell)| {
                    if column < names {
                        shorten(cell, COLUMN_WIDTH)
                    } else {
                        cell.clone()
                    }
                })
                .collect()
        })
        .collect();
    table(&header, vec![rows], look)
}

/// Titles and names are the user's, and a terminal obeys what it is sent: no control characters.
fn clean(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

/// At most `width` columns: the middle of a longer text gives way, because names differ at their
/// ends.
pub(super) fn shorten(text: &str, width: usize) -> String {
    let text = clean(text);
    if text.width() <= width {
        return text;
    }
    let kept = width.saturating_sub(1);
    let tail = kept * 2 / 3;
    let head = fitting(text.chars(), kept - tail);
    let tail: String = fitting(text.chars().rev(), tail).chars().rev().collect();
    format!("{head}…{tail}")
}

/// As many characters as fit into `width` columns.
fn fitting(characters: impl Iterator<Item = char>, width: usize) -> String {
    let mut used = 0;
    characters
        .take_while(|c| {
            used += c.width().unwrap_or(0);
            used <= width
        })
        .collect()
}

/// Breaks text into lines of at most `width` columns: at a space; where there is none, after a
/// hyphen, an underscore, a dot or a slash; else anywhere.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut rest: Vec<char> = clean(text).chars().collect();
    let mut lines = Vec::new();
    loop {
        // One character at least, or there would be no progress.
        let most = fitting(rest.iter().copied(), width).chars().count().max(1);
        if rest.len() <= most {
            break;
        }
        // A space may fall on the margin, as it is not printed.
        let at_space = (1..=most).rev().find(|&at| rest[at] == ' ');
        let at_sign = (1..=most)
            .rev()
            .find(|&at| matches!(rest[at - 1], '-' | '_' | '.' | '/'));
        let at = at_space.or(at_sign).unwrap_or(most);
        let line: String = rest.drain(..at).collect();
        lines.push(line.trim_end().to_owned());
        while rest.first() == Some(&' ') {
            rest.remove(0);
        }
    }
    lines.push(rest.into_iter().collect());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    const PLAIN: Look = Look {
        width: 80,
        colours: false,
        all: false,
        ascii: false,
    };

    #[test]
    fn alerts_are_told_rule_by_rule_and_variant_by_variant() {
        insta::assert_snapshot!(alerts(&samples::with_alerts(2, 1), PLAIN), @r"
        alerts: 2 of 2 fired
        stampedes: stampede.events above 10 per 1m, for 30s
          base        never
          undefended  5 times: 1:20 to 1:45, 2:20 to 2:45, 3:20 to 3:45, and 2 more, at
                      worst 31
        low hit ratio: hit_ratio below 80.0 % per 1m
          base        never
          undefended  once: 2:02 to the end, at worst 63.0 %
        ");
    }

    #[test]
    fn the_metrics_of_one_variant_stand_in_several_columns_where_there_is_room() {
        let results = samples::stampede(1);
        let names = key_metrics::groups(&results, false).concat();
        for width in [120, 200] {
            let wide = render(&results, Look { width, ..PLAIN });
            let header = wide.lines().find(|line| line.starts_with("metric"));
            assert!(header.unwrap().matches("metric").count() > 1, "{wide}");
            assert!(wide.lines().all(|line| line.width() <= width), "{wide}");
            let table = wide.split("\nover time").next().unwrap();
            for name in &names {
                let is_it = |word: &str| word == name;
                assert_eq!(
                    table.split_whitespace().filter(|it| is_it(it)).count(),
                    1,
                    "{name}"
                );
            }
        }
        let coloured = Look {
            width: 120,
            colours: true,
            ..PLAIN
        };
        let plain = render(
            &results,
            Look {
                width: 120,
                ..PLAIN
            },
        );
        let painted = render(&results, coloured);
        assert!(painted.contains('\u{1b}'));
        let codes = ["[1m", "[2m", "[31m", "[32m", "[0m"];
        let stripped = codes.iter().fold(painted, |text, code| {
            text.replace(&format!("\u{1b}{code}"), "")
        });
        assert_eq!(stripped, plain);
    }

    #[test]
    fn one_variant_is_a_plain_list() {
        insta::assert_snapshot!(render(&samples::stampede(1), PLAIN), @r"
        Stampede on a hot key
        stampede, seed 7, 1 run of each variant

        metric                             base
        ───────────────────────────────────────
        requests.rate                  10.0 k/s
        goodput.rate                   10.0 k/s
        requests.failed                       0
        deadline.missed                       7
        retries.amplification            3.05 %
        hedges.sent                           7
        degraded.seconds                 975 µs
        unavailable.seconds              982 µs
        recovery.time                   1.01 ms

        latency.mean                    1.03 ms
        latency.p50                     1.01 ms
        latency.p99                     1.00 ms
        latency.p999                     983 µs
        latency.max                     3.95 ms

        hit_ratio                        97.9 %

        tier.redis.hit_ratio             96.9 %
        tier.redis.delayed_hit_ratio    0.430 %
        tier.redis.stale_hit_ratio       2.97 %
        tier.redis.negative_hit_ratio    3.06 %
        tier.redis.miss_ratio            2.27 %
        tier.redis.bypassed                   6
        tier.redis.evictions.rate        210 /s
        tier.redis.utilization           2.94 %
        tier.redis.imbalance               1.34

        database.qps.mean                215 /s
        database.qps.max                 849 /s
        database.utilization             3.04 %
        database.wait.p99                998 µs
        database.queue.max                   28
        database.rejected                     6

        stampede.events                       0
        stampede.peak                         7

        staleness.ratio                  2.94 %
        staleness.p99                    998 µs

        cost.monthly                       1010

        over time, from the end of warm-up at 30 s
        database queries per second
          base  ▁▁▁▁▁▁▄▁▁▁▁▁▁▁▁▁▁██▅▅▆▁▁▁▁▁▁▁▄▁▁▁▁▁▁▁▁▁▁▁▄▁▁▁▁▁▁▁▁▁▁▁  180 /s … 4.50 k/s
        hit ratio
          base  ██████▅██████████▁▁▄▄▄███████▅███████████▅███████████  58.0 % … 98.0 %
        latency, 99th percentile
          base  ▁▁▁▁▁▁▄▁▁▁▁▁▁▁▁▁▁▇█▆▅▅▁▁▁▁▁▁▁▄▁▁▁▁▁▁▁▁▁▁▁▄▁▁▁▁▁▁▁▁▁▁▁  3.61 ms … 91.3 ms

        expectations: 0 of 1 hold
        FAIL  base: database.qps.max is 849 /s, expected below 400 /s (line 31)
        ");
    }

    #[test]
    fn replications_bring_intervals() {
        insta::assert_snapshot!(render(&samples::replicated(1, 5), PLAIN), @r"
        Stampede on a hot key
        stampede, seed 7, means of 5 replications

        metric                             base        95 % interval
        ────────────────────────────────────────────────────────────
        requests.rate                  10.0 k/s  10.0 k/s … 10.0 k/s
        goodput.rate                   10.0 k/s  10.0 k/s … 10.0 k/s
        requests.failed                       0                0 … 0
        deadline.missed                    6.60          5.92 … 7.28
        retries.amplification            3.02 %      2.95 % … 3.08 %
        hedges.sent                        6.60          5.92 … 7.28
        degraded.seconds                1.00 ms     978 µs … 1.03 ms
        unavailable.seconds              987 µs     973 µs … 1.00 ms
        recovery.time                   1.00 ms     984 µs … 1.02 ms

        latency.mean                    1.00 ms     983 µs … 1.02 ms
        latency.p50                     1.00 ms     985 µs … 1.02 ms
        latency.p99                      993 µs     976 µs … 1.01 ms
        latency.p999                    1.00 ms     983 µs … 1.02 ms
        latency.max                     4.00 ms    3.92 ms … 4.07 ms

        hit_ratio                        97.9 %      97.8 % … 97.9 %

        tier.redis.hit_ratio             96.9 %      96.9 % … 96.9 %
        tier.redis.delayed_hit_ratio    0.430 %    0.430 % … 0.430 %
        tier.redis.stale_hit_ratio       3.00 %      2.93 % … 3.07 %
        tier.redis.negative_hit_ratio    3.02 %      2.97 % … 3.07 %
        tier.redis.miss_ratio            2.27 %      2.27 % … 2.27 %
        tier.redis.bypassed                6.60          5.92 … 7.28
        tier.redis.evictions.rate        212 /s      208 /s … 216 /s
        tier.redis.utilization           2.98 %      2.93 % … 3.02 %
        tier.redis.imbalance               1.34          1.34 … 1.34

        database.qps.mean                214 /s      211 /s … 217 /s
        database.qps.max                 851 /s      838 /s … 865 /s
        database.utilization             3.02 %      2.97 % … 3.07 %
        database.wait.p99               1.00 ms     982 µs … 1.03 ms
        database.queue.max                 27.2          26.6 … 27.8
        database.rejected                  6.80          6.24 … 7.36

        stampede.events                       0                0 … 0
        stampede.peak                      6.60          5.92 … 7.28

        staleness.ratio                  2.99 %      2.92 % … 3.06 %
        staleness.p99                    993 µs     980 µs … 1.01 ms

        cost.monthly                       1010          1010 … 1010

        over time, from the end of warm-up at 30 s
        database queries per second
          base  ▁▁▁▁▁▁▄▁▁▁▁▁▁▁▁▁▁██▅▆▅▁▁▁▁▁▁▁▄▁▁▁▁▁▁▁▁▁▁▁▄▁▁▁▁▁▁▁▁▁▁▁  182 /s … 4.34 k/s
        hit ratio
          base  ██████▅██████████▁▁▄▄▄███████▅███████████▅███████████  58.0 % … 98.0 %
        latency, 99th percentile
          base  ▁▁▁▁▁▁▄▁▁▁▁▁▁▁▁▁▁██▅▅▅▁▁▁▁▁▁▁▄▁▁▁▁▁▁▁▁▁▁▁▄▁▁▁▁▁▁▁▁▁▁▁  3.68 ms … 88.4 ms

        expectations: 0 of 1 hold
        FAIL  base: database.qps.max is 851 /s, expected below 400 /s (line 31)
        ");
    }

    #[test]
    fn variants_stand_side_by_side() {
        insta::assert_snapshot!(render(&samples::stampede(3), PLAIN), @r"
        Stampede on a hot key
        stampede, seed 7, 1 run of each variant

        metric                             base         undefended              lock
        ────────────────────────────────────────────────────────────────────────────
        requests.rate                  10.0 k/s  10.0 k/s        =  10.0 k/s       =
        goodput.rate                   10.0 k/s  10.0 k/s  -0.05 %  10.0 k/s       =
        requests.failed                       0      1234      new         0       =
        deadline.missed                       7        85    ×12.1        10 +42.9 %
        retries.amplification            3.05 %    36.8 % +33.8 pp    4.27 % +1.2 pp
        hedges.sent                           7        85    ×12.1         9 +28.6 %
        degraded.seconds                 975 µs   11.8 ms    ×12.1   1.37 ms +40.0 %
        unavailable.seconds              982 µs   11.8 ms    ×12.0   1.38 ms +40.4 %
        recovery.time                   1.01 ms   12.1 ms    ×11.9   1.41 ms +39.2 %

        latency.mean                    1.03 ms   12.3 ms    ×12.0   1.43 ms +39.1 %
        latency.p50                     1.01 ms   12.2 ms    ×12.0   1.42 ms +39.7 %
        latency.p99                     1.00 ms   12.1 ms    ×12.0   1.41 ms +39.9 %
        latency.p999                     983 µs   11.8 ms    ×12.0   1.38 ms +40.6 %
        latency.max                     3.95 ms   47.5 ms    ×12.0   5.54 ms +40.4 %

        hit_ratio                        97.9 %    74.4 % -23.5 pp    97.0 % -0.9 pp

        tier.redis.hit_ratio             96.9 %    85.9 % -11.0 pp    96.5 % -0.4 pp
        tier.redis.delayed_hit_ratio    0.430 %    5.16 %  +4.7 pp   0.602 % +0.2 pp
        tier.redis.stale_hit_ratio       2.97 %    35.8 % +32.8 pp    4.19 % +1.2 pp
        tier.redis.negative_hit_ratio    3.06 %    36.5 % +33.4 pp    4.27 % +1.2 pp
        tier.redis.miss_ratio            2.27 %    8.54 %  +6.3 pp    2.50 % +0.2 pp
        tier.redis.bypassed                   6        82    ×13.7         9 +50.0 %
        tier.redis.evictions.rate        210 /s  2.53 k/s    ×12.0    295 /s +39.9 %
        tier.redis.utilization           2.94 %    35.1 % +32.2 pp    4.12 % +1.2 pp
        tier.redis.imbalance               1.34      1.34        =      1.34       =

        database.qps.mean                215 /s  2.59 k/s    ×12.0    301 /s +40.2 %
        database.qps.max                 849 /s  10.2 k/s    ×12.0  1.19 k/s +40.0 %
        database.utilization             3.04 %    36.4 % +33.3 pp    4.26 % +1.2 pp
        database.wait.p99                998 µs   12.0 ms    ×12.1   1.39 ms +39.8 %
        database.queue.max                   28       337    ×12.0        39 +39.3 %
        database.rejected                     6        82    ×13.7         9 +50.0 %

        stampede.events                       0        17      new         0       =
        stampede.peak                         7        84    ×12.0         9 +28.6 %

        staleness.ratio                  2.94 %    35.3 % +32.3 pp    4.14 % +1.2 pp
        staleness.p99                    998 µs   12.0 ms    ×12.1   1.39 ms +39.8 %

        cost.monthly                       1010      1120  +10.9 %      1014  +0.4 %

        Differences are against base; pp: percentage points; ×: so many times as much;
        =: the same in every run; new: 0 there. Of one run, any may be luck:
        --replications 5 tells.

        over time, from the end of warm-up at 30 s
        database queries per second
          base        ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁  180 /s … 4.50 k/s
          undefended  ▁▁▁▁▁█▁▁▁▁▁▁▁▁▁██▂▂▁▁▁▁▁▁▁█▁▁▁▁▁▁▁▁▁▇▁▁▁▁▁▁▁▁▁▁  378 /s … 43.0 k/s
          lock        ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁  187 /s … 5.07 k/s
        hit ratio
          base        █████▇█████████▅▅▇▇▇██████▇█████████▇██████████  58.0 % … 98.0 %
          undefended  █████▁█████████▁▁▄▄▄██████▁█████████▁██████████  0 % … 95.8 %
          lock        █████▇█████████▅▅▆▆▆██████▇█████████▇██████████  49.7 % … 97.9 %
        latency, 99th percentile
          base        ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁  3.61 ms … 91.3 ms
          undefended  ▁▁▁▁▁▇▁▁▁▁▁▁▁▁▁▇█▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▇▁▁▁▁▁▁▁▁▁▁  11.6 ms … 1.50 s
          lock        ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁  3.89 ms … 114 ms

        expectations: 2 of 3 hold
        FAIL  base: database.qps.max is 849 /s, expected below 400 /s (line 31)
        pass  undefended: latency.p99 is 12.1 ms, expected below 50.0 ms
        pass  lock: tier.redis.hit_ratio is 96.5 %, expected above 0.9 × base (87.2 %)
        ");
    }

    #[test]
    fn differences_that_may_be_luck_are_in_parentheses() {
        let mut results = samples::replicated(2, 5);
        let lucky = &mut results.variants[1].differences["latency.p99"];
        (lucky.mean, lucky.low, lucky.high) = (0.000_01, -0.000_01, 0.000_03);
        let text = render(&results, PLAIN);
        let line = text.lines().find(|line| line.starts_with("latency.p99 "));
        assert_eq!(line.map(|line| line.contains(" (+1.0 ±")), Some(true));
        insta::assert_snapshot!(text, @r"
        Stampede on a hot key
        stampede, seed 7, means of 5 replications

        metric                                      base              undefended
        ────────────────────────────────────────────────────────────────────────
        requests.rate                  10.0 k/s           10.0 k/s             =
        goodput.rate                   10.0 k/s           10.0 k/s    -0.05 ±0 %
        requests.failed                       0               1234           new
        deadline.missed                    6.60    ±10 %      83.4    ×12.6 ±1.0
        retries.amplification            3.02 % ±0.06 pp    36.1 % +33.1 ±0.8 pp
        hedges.sent                        6.60    ±10 %        84    ×12.7 ±1.1
        degraded.seconds                1.00 ms   ±2.4 %   12.1 ms   ×12.0 ±0.03
        unavailable.seconds              987 µs   ±1.4 %   11.9 ms   ×12.0 ±0.04
        recovery.time                   1.00 ms   ±1.6 %   12.0 ms   ×12.0 ±0.09

        latency.mean                    1.00 ms   ±1.9 %   12.0 ms   ×12.0 ±0.02
        latency.p50                     1.00 ms   ±1.8 %   12.1 ms   ×12.0 ±0.05
        latency.p99                      993 µs   ±1.8 %   12.0 ms (+1.0 ±7.9 %)
        latency.p999                    1.00 ms   ±1.9 %   12.0 ms   ×12.0 ±0.06
        latency.max                     4.00 ms   ±1.9 %   48.0 ms   ×12.0 ±0.05

        hit_ratio                        97.9 % ±0.04 pp    74.5 % -23.3 ±0.4 pp

        tier.redis.hit_ratio             96.9 %             85.9 %   -11.0 ±0 pp
        tier.redis.delayed_hit_ratio    0.430 %             5.16 %    +4.7 ±0 pp
        tier.redis.stale_hit_ratio       3.00 % ±0.07 pp    36.0 % +33.0 ±0.8 pp
        tier.redis.negative_hit_ratio    3.02 % ±0.05 pp    36.2 % +33.2 ±0.6 pp
        tier.redis.miss_ratio            2.27 %             8.54 %    +6.3 ±0 pp
        tier.redis.bypassed                6.60    ±10 %      83.6    ×12.7 ±1.1
        tier.redis.evictions.rate        212 /s   ±1.9 %  2.55 k/s   ×12.0 ±0.05
        tier.redis.utilization           2.98 % ±0.05 pp    35.6 % +32.6 ±0.7 pp
        tier.redis.imbalance               1.34               1.34             =

        database.qps.mean                214 /s   ±1.3 %  2.57 k/s   ×12.0 ±0.06
        database.qps.max                 851 /s   ±1.6 %  10.2 k/s   ×12.0 ±0.03
        database.utilization             3.02 % ±0.05 pp    36.2 % +33.2 ±0.5 pp
        database.wait.p99               1.00 ms   ±2.2 %   12.1 ms   ×12.0 ±0.09
        database.queue.max                 27.2   ±2.0 %       332    ×12.2 ±0.1
        database.rejected                  6.80   ±8.2 %      84.2    ×12.4 ±0.8

        stampede.events                       0                 17           new
        stampede.peak                      6.60    ±10 %        84    ×12.7 ±1.0

        staleness.ratio                  2.99 % ±0.07 pp    35.9 % +32.9 ±0.7 pp
        staleness.p99                    993 µs   ±1.4 %   12.0 ms   ×12.0 ±0.02

        cost.monthly                       1010               1120    +10.9 ±0 %

        Differences are against base; pp: percentage points; ×: so many times as much;
        =: the same in every run; new: 0 there. ±: half of the 95 % interval. (In
        parentheses): may be luck, the interval includes zero.

        undefended against base
          1103 % more database queries, 95 % interval 1097 to 1108 %
          hit ratio 23.34 pp lower, 95 % interval 22.98 to 23.70 pp
          p99 latency: no difference shown, 95 % interval 1098 to +1113 %
          32.9 pp more stale answers, 95 % interval 32.2 to 33.6 pp
          monthly cost 10.9 % higher

        over time, from the end of warm-up at 30 s
        database queries per second
          base        ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁  182 /s … 4.34 k/s
          undefended  ▁▁▁▁▁█▁▁▁▁▁▁▁▁▁██▁▁▁▁▁▁▁▁▁█▁▁▁▁▁▁▁▁▁▇▁▁▁▁▁▁▁▁▁▁  391 /s … 46.4 k/s
        hit ratio
          base        █████▇█████████▅▅▇▇▇██████▇█████████▇██████████  58.0 % … 98.0 %
          undefended  █████▁█████████▁▁▄▄▄██████▁█████████▁██████████  0 % … 95.8 %
        latency, 99th percentile
          base        ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁  3.68 ms … 88.4 ms
          undefended  ▁▁▁▁▁▇▁▁▁▁▁▁▁▁▁██▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▇▁▁▁▁▁▁▁▁▁▁  11.9 ms … 1.44 s

        expectations: 1 of 2 hold
        FAIL  base: database.qps.max is 851 /s, expected below 400 /s (line 31)
        pass  undefended: latency.p99 is 12.0 ms, expected below 50.0 ms
        ");
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        for variants in 1..=6 {
            for replications in [1, 4] {
                for width in [60, 80, 132] {
                    for all in [false, true] {
                        let results = samples::replicated(variants, replications);
                        let look = Look {
                            width,
                            all,
                            ..PLAIN
                        };
                        let text = render(&results, look);
                        for line in text.lines() {
                            assert!(
                                line.width() <= width,
                                "{variants} variants, {width} columns: {line}"
                            );
                        }
                        for variant in &results.variants {
                            let start: String = variant.name.chars().take(6).collect();
                            assert!(text.contains(&start), "{}", variant.name);
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn colours_change_nothing_but_colours() {
        for variants in [1, 3] {
            let results = samples::replicated(variants, 4);
            let coloured = render(
                &results,
                Look {
                    colours: true,
                    ..PLAIN
                },
            );
            assert!(coloured.contains("\u{1b}[32m") || variants == 1);
            let mut stripped = String::new();
            let mut inside = false;
            for c in coloured.chars() {
                match c {
                    '\u{1b}' => inside = true,
                    'm' if inside => inside = false,
                    c if !inside => stripped.push(c),
                    _ => {}
                }
            }
            assert_eq!(stripped, render(&results, PLAIN));
        }
    }

    #[test]
    fn long_words_are_wrapped_where_they_may_be_broken() {
        assert_eq!(
            wrap("single-flight-with-lock", 14),
            ["single-flight-", "with-lock"]
        );
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrap("two words", 3), ["two", "wor", "ds"]);
        assert_eq!(wrap("", 3), [""]);
        assert_eq!(shorten("tier.redis.hit_ratio", 12), "tier…t_ratio");
    }

    #[test]
    fn wide_characters_take_two_columns() {
        assert_eq!(wrap("缓存缓存", 4), ["缓存", "缓存"]);
        assert_eq!(shorten("缓存缓存缓存", 7), "缓…缓存");
        assert_eq!(wrap("缓", 1), ["缓"]);
    }

    #[test]
    fn no_control_character_reaches_the_terminal() {
        let mut results = samples::stampede(2);
        results.title = "a\u{1b}[2Jb\n".to_owned();
        results.variants[1].name = "c\u{7}d".to_owned();
        results.expectations[0].expectation.variant = "e\u{1b}f".to_owned();
        let text = render(&results, PLAIN);
        assert!(text.chars().all(|c| c == '\n' || !c.is_control()));
    }
}
