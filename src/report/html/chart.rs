//! Charts of the page, drawn from the same figures as the files, but so that styles decide on colours
//! (light or dark), that a variant can be hidden, and with the numbers in a table below each.
//!
//! Not here: what a chart shows (see `report::chart`).

use crate::{
    metrics::Unit,
    report::{
        chart::{
            self, axis,
            axis::Scale,
            canvas::text_width,
            figure::{Figure, Kind, Line},
            marks, style,
        },
        quantity,
    },
};

use super::{
    Page, Part,
    text::{dashes, escape, marker, number, variant},
};

pub(super) const PART: Part = Part {
    id: "charts",
    heading: "Charts",
    body,
};

/// So many colours follow each other; the style sheet has them as `--c0`, `--c1`, ...
pub(super) const COLOURS: usize = 7;

const WIDTH: f64 = 520.0;
const PLOT_HEIGHT: f64 = 210.0;
const TEXT: f64 = 13.0;
const SMALL: f64 = 12.0;
const MARGIN: f64 = 6.0;
/// A row of labels of what happened.
const STRIP: f64 = 16.0;
/// A reader's own font may be so much wider than the one that is measured with.
const OTHER_FONTS: f64 = 1.15;
/// Points on a line, at most, for each of them to have a marker.
const MARKED: usize = 18;
/// Rows of the table below a chart, and its cells, at most.
const MOST_ROWS: usize = 150;
const MOST_CELLS: usize = 1500;

fn body(page: &Page<'_>) -> String {
    let figures: String = chart::figures(page.results)
        .map(|(chart, figure)| article(chart.name, chart.summary, &figure))
        .collect();
    if figures.is_empty() {
        return figures;
    }
    format!("<div class=\"charts\">\n{figures}</div>\n")
}

/// A chart with its legend, and its numbers below.
pub(super) fn article(name: &str, summary: &str, figure: &Figure) -> String {
    let legend = if figure.lines.len() > 1 {
        let items: String = figure
            .lines
            .iter()
            .enumerate()
            .map(|(index, line)| {
                format!("<li class=\"v{index}\">{}</li>", variant(index, &line.name))
            })
            .collect();
        format!("<ul class=\"legend\">{items}</ul>\n")
    } else {
        String::new()
    };
    format!(
        "<figure class=\"chart\" id=\"chart-{name}\"><figcaption><h3>{title}</h3><p>{label}</p></figcaption>\n{legend}<div class=\"plot\">{svg}<div class=\"tip\" hidden></div></div>\n{table}</figure>\n",
        title = escape(&figure.title),
        label = escape(&figure.y.label),
        svg = svg(name, summary, figure),
        table = table(figure),
    )
}

/// Where the plot is, and its axes.
struct Frame {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
    /// Of the whole picture.
    height: f64,
    x: Scale,
    y: Scale,
}

impl Frame {
    fn x(&self, value: f64) -> f64 {
        self.left + self.x.place(value) * (self.right - self.left)
    }

    fn y(&self, value: f64) -> f64 {
        // What leaves the plot is cut there; far beyond it, coordinates would only be long.
        let place = self.y.place_beyond(value).clamp(-0.5, 1.5);
        self.bottom - place * (self.bottom - self.top)
    }
}

/// The rows of labels above the plot: what is shaded, then what happened, then the lanes of what went on
/// and off.
fn strips(figure: &Figure) -> f64 {
    let shaded = figure.shaded.is_some() && figure.marks.is_empty();
    let rows = figure.marks.len().min(marks::MOST_ROWS);
    STRIP * (rows + usize::from(shaded)) as f64 + lanes(figure)
}

/// The height of all lanes.
fn lanes(figure: &Figure) -> f64 {
    STRIP * figure.spans.len() as f64
}

fn frame(figure: &Figure) -> Frame {
    let (x, y) = chart::plot::scales(figure, (5, 5));
    let widest = |scale: &Scale| {
        let widths = scale
            .ticks
            .iter()
            .map(|(_, text)| text_width(text, TEXT, false));
        widths.fold(0.0, f64::max)
    };
    let left = MARGIN + widest(&y) + 8.0;
    let overhang = x
        .ticks
        .last()
        .map_or(0.0, |(_, text)| text_width(text, TEXT, false) / 2.0);
    let top = 8.0 + strips(figure);
    Frame {
        left,
        right: WIDTH - MARGIN - overhang.max(6.0),
        top,
        bottom: top + PLOT_HEIGHT,
        height: top + PLOT_HEIGHT + 44.0,
        x,
        y,
    }
}

fn svg(name: &str, summary: &str, figure: &Figure) -> String {
    let frame = frame(figure);
    let Frame {
        left,
        right,
        top,
        bottom,
        height,
        ..
    } = frame;
    let [l, r, t, b] = [left, right, top, bottom].map(number);
    let mut text = format!(
        "<svg class=\"figure\" viewBox=\"0 0 {WIDTH} {h}\" role=\"img\" tabindex=\"0\" aria-label=\"{label}\" data-left=\"{l}\" data-right=\"{r}\" data-top=\"{t}\" data-bottom=\"{b}\">\n\
         <clipPath id=\"clip-{name}\"><rect x=\"{l}\" y=\"{ct}\" width=\"{w}\" height=\"{ch}\"/></clipPath>\n",
        h = number(height),
        label = escape(&format!(
            "{}: {summary}. The numbers are in the table below.",
            figure.title
        )),
        ct = number(top - 2.0),
        w = number(right - left + 2.0),
        ch = number(bottom - top + 4.0),
    );
    if let Some((from, to, label)) = &figure.shaded {
        let (from, to) = (frame.x(*from), frame.x(*to));
        text.push_str(&format!(
            "<rect class=\"shade\" x=\"{}\" y=\"{t}\" width=\"{}\" height=\"{}\"/>\n",
            number(from),
            number(to - from),
            number(bottom - top)
        ));
        if figure.marks.is_empty() {
            text.push_str(&format!(
                "<text class=\"soft\" x=\"{}\" y=\"{}\">{}</text>\n",
                number(from + 2.0),
                number(top - 5.0 - lanes(figure)),
                escape(label)
            ));
        }
    }
    text.push_str(&grid(&frame));
    text.push_str(&axes(&frame, &figure.x.label));
    text.push_str(&happened(figure, &frame));
    text.push_str(&lasted(figure, &frame));
    let lines = figure.lines.iter().enumerate();
    for (index, line) in lines {
        text.push_str(&drawn(name, figure, index, line, &frame));
    }
    text.push_str("<path class=\"cross\" d=\"\"/>\n</svg>");
    text
}

fn grid(frame: &Frame) -> String {
    let [left, right, top, bottom] = [frame.left, frame.right, frame.top, frame.bottom].map(number);
    let rows = frame
        .y
        .ticks
        .iter()
        .map(|(tick, _)| format!("M{left} {}H{right}", number(frame.y(*tick))));
    let columns = frame
        .x
        .ticks
        .iter()
        .map(|(tick, _)| format!("M{} {top}V{bottom}", number(frame.x(*tick))));
    let path: String = rows.chain(columns).collect();
    format!("<path class=\"grid\" d=\"{path}\"/>\n")
}

fn axes(frame: &Frame, label: &str) -> String {
    let [left, right, top, bottom] = [frame.left, frame.right, frame.top, frame.bottom].map(number);
    let mut text = format!("<path class=\"axis\" d=\"M{left} {top}V{bottom}H{right}\"/>\n");
    if let Some(place) = frame.y.break_at() {
        // Two strokes across the axis say that it jumps to zero here.
        let y = frame.bottom - place * (frame.bottom - frame.top);
        let strokes = [y - 3.0, y + 3.0].map(|y| {
            format!(
                "M{} {}L{} {}",
                number(frame.left - 5.0),
                number(y + 2.5),
                number(frame.left + 5.0),
                number(y - 2.5)
            )
        });
        text.push_str(&format!(
            "<path class=\"axis\" d=\"{}\"/>\n",
            strokes.concat()
        ));
    }
    for (tick, spelled) in &frame.y.ticks {
        text.push_str(&format!(
            "<text class=\"tick y\" x=\"{}\" y=\"{}\">{}</text>\n",
            number(frame.left - 6.0),
            number(frame.y(*tick) + 4.5),
            escape(spelled)
        ));
    }
    let mut taken = f64::NEG_INFINITY;
    for (tick, spelled) in &frame.x.ticks {
        let x = frame.x(*tick);
        let half = text_width(spelled, TEXT, false) / 2.0;
        // A number that would touch the one before is left out.
        if x - half < taken + 8.0 {
            continue;
        }
        taken = x + half;
        text.push_str(&format!(
            "<text class=\"tick x\" x=\"{}\" y=\"{}\">{}</text>\n",
            number(x),
            number(frame.bottom + 18.0),
            escape(spelled)
        ));
    }
    text.push_str(&format!(
        "<text class=\"soft x\" x=\"{}\" y=\"{}\">{}</text>\n",
        number(f64::midpoint(frame.left, frame.right)),
        number(frame.bottom + 37.0),
        escape(label)
    ));
    text
}

/// A line at each event, with its label where there is room for it.
fn happened(figure: &Figure, frame: &Frame) -> String {
    let placed: Vec<(f64, f64)> = figure
        .marks
        .iter()
        .map(|mark| (frame.x(mark.at), text_width(&mark.label, SMALL, false)))
        .collect();
    let rows = marks::rows(&placed, frame.left, frame.right);
    let mut text = String::new();
    for ((mark, (x, _)), row) in figure.marks.iter().zip(&placed).zip(rows) {
        let title = format!("{} {}", axis::instant(mark.at), mark.label);
        text.push_str(&format!(
            "<g class=\"mark{}\"><title>{}</title>",
            mark.line.map_or_else(String::new, of_line),
            escape(&title)
        ));
        if let Some(until) = mark.until {
            text.push_str(&format!(
                "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/>",
                number(*x),
                number(frame.top),
                number((frame.x(until) - x).max(0.0)),
                number(frame.bottom - frame.top)
            ));
        }
        let top = frame.top - lanes(figure);
        let from = row
            .as_ref()
            .map_or(top, |row| top - 4.0 - STRIP * row.number as f64);
        text.push_str(&format!(
            "<path d=\"M{} {}V{}\"/>",
            number(*x),
            number(from),
            number(frame.bottom)
        ));
        if let Some(row) = row {
            text.push_str(&format!(
                "<text x=\"{}\" y=\"{}\">{}</text>",
                number(row.left),
                number(top - 5.0 - STRIP * row.number as f64),
                escape(&mark.label)
            ));
        }
        text.push_str("</g>\n");
    }
    text
}

/// The classes of what belongs to one line: its colour, and that it is hidden with it.
fn of_line(index: usize) -> String {
    format!(" v{index} c{}", index % COLOURS)
}

/// A lane for each thing that went on and off: a bar while it was on, and its name where there is none.
fn lasted(figure: &Figure, frame: &Frame) -> String {
    let mut text = String::new();
    for (number_of_lane, span) in figure.spans.iter().enumerate() {
        let top = frame.top - lanes(figure) + STRIP * number_of_lane as f64;
        // A moment has to be seen too.
        let placed =
            |&(from, to): &(f64, f64)| (frame.x(from), frame.x(to).max(frame.x(from) + 1.5));
        let stretches: Vec<(f64, f64)> = span.stretches.iter().map(placed).collect();
        let told = span
            .stretches
            .iter()
            .map(|&(from, to)| format!("{} to {}", axis::instant(from), axis::instant(to)));
        let title = format!("{}: {}", span.label, told.collect::<Vec<_>>().join(", "));
        text.push_str(&format!(
            "<g class=\"span{}\"><title>{}</title>",
            span.line.map_or_else(String::new, of_line),
            escape(&title)
        ));
        for &(from, to) in &stretches {
            text.push_str(&format!(
                "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/>",
                number(from),
                number(top + 3.0),
                number(to - from),
                number(STRIP - 7.0)
            ));
        }
        let labels = [&span.label, &span.short];
        let widths = labels.map(|label| OTHER_FONTS * text_width(label, SMALL, false));
        let place = marks::beside(&stretches, widths, frame.left, frame.right);
        let chosen = usize::from(place.is_short);
        if place.covers {
            text.push_str(&format!(
                "<rect class=\"patch\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/>",
                number(place.left - 3.0),
                number(top),
                number(widths[chosen] + 6.0),
                number(STRIP)
            ));
        }
        text.push_str(&format!(
            "<text x=\"{}\" y=\"{}\">{}</text></g>\n",
            number(place.left),
            number(top + STRIP - 4.5),
            escape(labels[chosen])
        ));
    }
    text
}

fn drawn(name: &str, figure: &Figure, index: usize, line: &Line, frame: &Frame) -> String {
    let look = style::of_line(index);
    let mut path = String::new();
    let mut alone = String::new();
    let runs = line.points.split(|(x, y)| !x.is_finite() || !y.is_finite());
    for run in runs {
        if let [(x, y)] = run {
            // A point between two gaps would vanish as a line.
            alone.push_str(&marker(look.marker, frame.x(*x), frame.y(*y), 3.5));
        }
        for (number_of_point, &(x, y)) in run.iter().enumerate() {
            path.push(if number_of_point == 0 { 'M' } else { 'L' });
            path.push_str(&number(frame.x(x)));
            path.push(' ');
            path.push_str(&number(frame.y(y)));
        }
    }
    if line.points.len() <= MARKED && line.points.len() > 1 {
        for &(x, y) in line
            .points
            .iter()
            .filter(|(x, y)| x.is_finite() && y.is_finite())
        {
            alone.push_str(&marker(look.marker, frame.x(x), frame.y(y), 3.0));
        }
    }
    let title = match line.points[..] {
        [(x, y)] => format!(
            "<title>{}: {}, {}</title>",
            escape(&line.name),
            escape(&spelled(figure.x.kind, x)),
            escape(&spelled(figure.y.kind, y))
        ),
        _ => String::new(),
    };
    format!(
        "<g class=\"v{index} c{}\" clip-path=\"url(#clip-{name})\">{title}<path class=\"line\"{} d=\"{path}\"/><path class=\"marker\" d=\"{alone}\"/></g>\n",
        index % COLOURS,
        dashes(look.dashes)
    )
}

/// The numbers of a figure: where the lines have points in common, a row for each place.
fn table(figure: &Figure) -> String {
    let mut places: Vec<f64> = figure
        .lines
        .iter()
        .flat_map(|line| line.points.iter().map(|point| point.0))
        .filter(|x| x.is_finite())
        .collect();
    places.sort_by(f64::total_cmp);
    places.dedup();
    let longest = figure
        .lines
        .iter()
        .map(|line| line.points.len())
        .max()
        .unwrap_or(0);
    if places.len() > 2 * longest.max(8) || longest == 1 {
        return list(figure);
    }
    let most = (MOST_CELLS / figure.lines.len().max(1)).clamp(20, MOST_ROWS);
    let stride = places.len().div_ceil(most).max(1);
    let frame = frame(figure);
    let heads: String = figure
        .lines
        .iter()
        .enumerate()
        .map(|(index, line)| {
            format!(
                "<th scope=\"col\" class=\"number v{index}\">{}</th>",
                variant(index, &line.name)
            )
        })
        .collect();
    let rows: String = places
        .iter()
        .step_by(stride)
        .map(|&x| {
            let cells: String = figure
                .lines
                .iter()
                .enumerate()
                .map(|(index, line)| {
                    let at = line.points.binary_search_by(|point| point.0.total_cmp(&x));
                    let y = at.map_or(f64::NAN, |at| line.points[at].1);
                    let place = if y.is_finite() {
                        number(frame.y(y))
                    } else {
                        String::new()
                    };
                    format!(
                        "<td class=\"number v{index}\" data-y=\"{place}\">{}</td>",
                        escape(&spelled(figure.y.kind, y))
                    )
                })
                .collect();
            format!(
                "<tr data-x=\"{}\"><th scope=\"row\" class=\"number\">{}</th>{cells}</tr>\n",
                number(frame.x(x)),
                escape(&spelled(figure.x.kind, x))
            )
        })
        .collect();
    let thinned = if stride > 1 {
        format!("<p class=\"note\">One row of {stride}; all are in series.csv.</p>")
    } else {
        String::new()
    };
    format!(
        "<details class=\"data\"><summary>Numbers</summary>\n<div class=\"scroll\"><table><thead><tr><th scope=\"col\" class=\"number\">{}</th>{heads}</tr></thead>\n<tbody>\n{rows}</tbody></table></div>{thinned}</details>\n",
        escape(&figure.x.label)
    )
}

/// As [`table`], of lines that have no places in common: a row for each point.
fn list(figure: &Figure) -> String {
    let each = (MOST_ROWS * 2 / figure.lines.len().max(1)).max(4);
    let rows: String = figure
        .lines
        .iter()
        .enumerate()
        .flat_map(|(index, line)| {
            let stride = line.points.len().div_ceil(each).max(1);
            line.points.iter().step_by(stride).map(move |&(x, y)| (index, line, x, y))
        })
        .map(|(index, line, x, y)| {
            format!(
                "<tr class=\"v{index}\"><th scope=\"row\">{}</th><td class=\"number\">{}</td><td class=\"number\">{}</td></tr>\n",
                variant(index, &line.name),
                escape(&spelled(figure.x.kind, x)),
                escape(&spelled(figure.y.kind, y))
            )
        })
        .collect();
    format!(
        "<details class=\"data\"><summary>Numbers</summary>\n<div class=\"scroll\"><table><thead><tr><th scope=\"col\">variant</th><th scope=\"col\" class=\"number\">{}</th><th scope=\"col\" class=\"number\">{}</th></tr></thead>\n<tbody>\n{rows}</tbody></table></div></details>\n",
        escape(&figure.x.label),
        escape(&figure.y.label)
    )
}

/// A number of an axis, in a table.
fn spelled(kind: Kind, value: f64) -> String {
    match kind {
        Kind::Clock if value.is_finite() => axis::instant(value),
        Kind::Seconds | Kind::Clock => quantity::quantity(value, Unit::Seconds),
        Kind::Share | Kind::Nines => quantity::quantity(value, Unit::Ratio),
        Kind::Bytes => quantity::quantity(value, Unit::Bytes),
        Kind::Number => quantity::quantity(value, Unit::Count),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::chart::figure::Axis;

    fn over_time(lines: usize, points: usize) -> Figure {
        let line = |index: usize| Line {
            name: format!("line {index}"),
            points: (0..points)
                .map(|x| (x as f64, (x * index) as f64))
                .collect(),
        };
        Figure {
            x: Axis {
                kind: Kind::Clock,
                ..Axis::default()
            },
            lines: (0..lines).map(line).collect(),
            ..Figure::default()
        }
    }

    #[test]
    fn a_table_has_a_row_for_each_place_until_they_are_too_many() {
        let rows = |figure: &Figure| table(figure).matches("<tr data-x=").count();
        assert_eq!(rows(&over_time(2, 50)), 50);
        assert_eq!(rows(&over_time(2, 300)), 150);
        assert!(rows(&over_time(24, 300)) <= 62);
    }

    #[test]
    fn lines_with_no_places_in_common_are_listed_point_by_point() {
        let mut figure = over_time(3, 1);
        for (index, line) in figure.lines.iter_mut().enumerate() {
            line.points[0].0 = index as f64;
        }
        assert_eq!(table(&figure).matches("<tr class=\"v").count(), 3);
    }

    #[test]
    fn a_gap_breaks_the_line_and_a_point_alone_has_a_marker() {
        let mut figure = over_time(1, 40);
        figure.lines[0].points[10].1 = f64::NAN;
        figure.lines[0].points[12].1 = f64::NAN;
        let drawn = drawn("x", &figure, 0, &figure.lines[0], &frame(&figure));
        let path = drawn
            .split("class=\"line\"")
            .nth(1)
            .unwrap()
            .split('"')
            .nth(1)
            .unwrap();
        assert_eq!(path.matches('M').count(), 3);
        assert!(!drawn.contains("NaN") && !drawn.contains("class=\"marker\" d=\"\""));
    }
}
