//! Lays out a figure and draws it: title, legend, axes, lines.
//!
//! The legend stands above the plot, where it can cover no data; it takes as many rows as it needs
//! and the picture grows by them. The label of the vertical axis stands level above it, so that
//! nobody has to tilt their head.

use plotters::backend::DrawingBackend;

use super::{
    axis::Scale,
    canvas::{Align, Canvas, Failed, WIDTH, text_width},
    figure::{Axis, Figure, Line},
    marks,
    style::{self, AXIS, FINE_GRID, GRID, INK, LineStyle, SHADE, SOFT_INK, WHITE},
};

const MARGIN: f64 = 24.0;
const TITLE_SIZE: f64 = 24.0;
const TEXT_SIZE: f64 = 16.0;
const SMALL_SIZE: f64 = 14.0;
const LEGEND_TOP: f64 = 78.0;
const LEGEND_ROW: f64 = 26.0;
/// Length of the piece of line that stands before a name in the legend.
const SAMPLE: f64 = 44.0;
const PLOT_HEIGHT: f64 = 350.0;
/// From so many lines on, the plot is taller, and lines and markers are slighter: they cover each
/// other less.
const MANY_LINES: usize = 7;
const TALL_PLOT_HEIGHT: f64 = 500.0;
const SLIGHTER: f64 = 0.75;
/// Room at the top of the plot for the label of what is shaded.
const STRIP: f64 = 22.0;
/// The height of the lane of something that went on and off.
const LANE: f64 = 19.0;
const LINE_WIDTH: f64 = 2.4;
const MARKER_RADIUS: f64 = 4.6;
/// About so many markers on a line of many points; lines of fewer points have one on each.
const MARKERS: usize = 9;

/// Half of the width of a floor of one point.
const SINGLE_FLOOR: f64 = 30.0;

/// One name in the legend.
struct Entry<'a> {
    name: String,
    /// None for the floor.
    line: Option<(usize, &'a Line)>,
    x: f64,
    row: usize,
}

/// The names in the legend, laid out in rows, and the number of rows.
fn legend(figure: &Figure) -> (Vec<Entry<'_>>, usize) {
    let widest = WIDTH - 2.0 * MARGIN - SAMPLE - 8.0;
    let mut entries: Vec<Entry> = Vec::new();
    let (mut x, mut row) = (MARGIN, 0);
    // One line needs no name to be told from others, unless something else is in the picture.
    let lines = if figure.lines.len() > 1 || figure.floor.is_some() {
        &figure.lines[..]
    } else {
        &[]
    };
    let named = lines
        .iter()
        .enumerate()
        .map(|(index, line)| (line, Some((index, line))))
        .chain(figure.floor.iter().map(|floor| (floor, None)));
    for (line, style) in named {
        let name = fitted(&line.name, TEXT_SIZE, false, widest);
        let width = SAMPLE + 8.0 + text_width(&name, TEXT_SIZE, false);
        if x > MARGIN && x + width > WIDTH - MARGIN {
            x = MARGIN;
            row += 1;
        }
        entries.push(Entry {
            name,
            line: style,
            x,
            row,
        });
        x += width + 28.0;
    }
    let rows = if entries.is_empty() { 0 } else { row + 1 };
    (entries, rows)
}

/// Text that is cut to a width.
pub(super) fn fitted(text: &str, size: f64, bold: bool, width: f64) -> String {
    // Control characters have no glyphs, and SVG does not allow them.
    let text: String = text.chars().filter(|c| !c.is_control()).collect();
    if text_width(&text, size, bold) <= width {
        return text;
    }
    let mut kept: Vec<char> = text.chars().collect();
    while kept.pop().is_some() {
        let cut: String = kept.iter().chain(&['…']).collect();
        if text_width(&cut, size, bold) <= width {
            return cut;
        }
    }
    String::new()
}

fn plot_top(figure: &Figure) -> f64 {
    LEGEND_TOP + legend(figure).1 as f64 * LEGEND_ROW + 36.0
}

/// The picture's height in pixels.
#[must_use]
pub fn height(figure: &Figure) -> f64 {
    plot_top(figure) + strips(figure) + plot_height(figure) + 66.0
}

/// Room at the top of the plot for labels: a row for what is shaded, further ones for what happened,
/// and lanes for what went on and off.
fn strips(figure: &Figure) -> f64 {
    let shaded = f64::from(u8::from(figure.shaded.is_some())) * STRIP;
    let marks = figure.marks.len().min(marks::MOST_ROWS) as f64 * STRIP;
    shaded + marks + lanes(figure)
}

/// The height of all lanes.
fn lanes(figure: &Figure) -> f64 {
    figure.spans.len() as f64 * LANE
}

fn has_many_lines(figure: &Figure) -> bool {
    figure.lines.len() >= MANY_LINES
}

fn plot_height(figure: &Figure) -> f64 {
    if has_many_lines(figure) {
        TALL_PLOT_HEIGHT
    } else {
        PLOT_HEIGHT
    }
}

/// The width of lines and the radius of markers.
fn weight(figure: &Figure) -> (f64, f64) {
    let factor = if has_many_lines(figure) {
        SLIGHTER
    } else {
        1.0
    };
    (LINE_WIDTH * factor, MARKER_RADIUS * factor)
}

/// Where the plot is, and its axes.
struct Frame {
    left: f64,
    right: f64,
    /// Of the frame, labels of what is shaded included.
    top: f64,
    /// Of the data.
    data_top: f64,
    bottom: f64,
    x: Scale,
    y: Scale,
}

impl Frame {
    fn x(&self, value: f64) -> f64 {
        self.left + self.x.place(value) * (self.right - self.left)
    }

    fn at_height(&self, place: f64) -> f64 {
        self.bottom - place * (self.bottom - self.data_top)
    }

    fn y(&self, value: f64) -> f64 {
        self.at_height(self.y.place(value))
    }
}

/// Draws the whole picture.
///
/// # Errors
/// See [`Failed`].
pub fn draw<Backend>(figure: &Figure, canvas: &Canvas<'_, Backend>) -> Result<(), Failed>
where
    Backend: DrawingBackend,
    Backend::ErrorType: 'static,
{
    canvas.rectangle((0.0, 0.0), (WIDTH, height(figure)), WHITE)?;
    draw_heading(figure, canvas)?;
    let frame = frame(figure);
    draw_backdrop(figure, &frame, canvas)?;
    draw_marks(figure, &frame, canvas)?;
    draw_spans(figure, &frame, canvas)?;
    draw_axes(figure, &frame, canvas)?;
    for (index, line) in figure.lines.iter().enumerate() {
        draw_line(figure, index, line, &frame, canvas)?;
    }
    if !figure.shows_anything() {
        let middle = (
            f64::midpoint(frame.left, frame.right),
            f64::midpoint(frame.top, frame.bottom),
        );
        canvas.text(
            "nothing was measured",
            middle,
            Align::Centre,
            20.0,
            false,
            SOFT_INK,
        )?;
    }
    Ok(())
}

/// The axes of a figure, horizontal and vertical, with about so many numbers on each.
#[must_use]
pub fn scales(figure: &Figure, about: (usize, usize)) -> (Scale, Scale) {
    let fitted_y = figure
        .all_points()
        .filter(|&(x, _)| x >= figure.fit_y_from)
        .map(|(_, y)| y);
    let mut y = Scale::fit(&figure.y, fitted_y, about.1, false);
    if !figure.all_points().any(|(x, _)| x >= figure.fit_y_from) {
        let all = figure.all_points().map(|(_, y)| y);
        y = Scale::fit(&figure.y, all, about.1, false);
    }
    let ends = figure.shaded.iter().flat_map(|&(from, to, _)| [from, to]);
    let values = figure.all_points().map(|(x, _)| x);
    let reached = figure.x_reaches.iter().copied();
    let x = Scale::fit(&figure.x, values.chain(ends).chain(reached), about.0, true);
    (x, y)
}

fn frame(figure: &Figure) -> Frame {
    let (x, y) = scales(figure, (8, 5));
    let left = MARGIN + widest_tick(&y) + 10.0;
    // The last number may stand at the very end, half of it beyond.
    let overhang = x
        .ticks
        .last()
        .map_or(0.0, |(_, text)| text_width(text, TEXT_SIZE, false) / 2.0);
    let right = WIDTH - MARGIN - overhang.max(8.0);
    let top = plot_top(figure);
    let data_top = top + strips(figure);
    Frame {
        left,
        right,
        top,
        data_top,
        bottom: data_top + plot_height(figure),
        x,
        y,
    }
}

fn widest_tick(scale: &Scale) -> f64 {
    scale
        .ticks
        .iter()
        .map(|(_, text)| text_width(text, TEXT_SIZE, false))
        .fold(0.0, f64::max)
}

fn draw_heading<Backend>(figure: &Figure, canvas: &Canvas<'_, Backend>) -> Result<(), Failed>
where
    Backend: DrawingBackend,
    Backend::ErrorType: 'static,
{
    let room = WIDTH - 2.0 * MARGIN;
    let title = fitted(&figure.title, TITLE_SIZE, true, room);
    canvas.text(&title, (MARGIN, 38.0), Align::Left, TITLE_SIZE, true, INK)?;
    let subtitle = fitted(&figure.subtitle, TEXT_SIZE, false, room);
    canvas.text(
        &subtitle,
        (MARGIN, 63.0),
        Align::Left,
        TEXT_SIZE,
        false,
        SOFT_INK,
    )?;
    for entry in legend(figure).0 {
        let y = LEGEND_TOP + entry.row as f64 * LEGEND_ROW + 12.0;
        let (from, to) = (entry.x, entry.x + SAMPLE);
        match entry.line {
            Some((index, _)) => {
                let style = style::of_line(index);
                let (width, radius) = weight(figure);
                let sample = [(from, y), (to, y)];
                canvas.dashed_line(&sample, style.dashes, style.colour, width)?;
                let middle = (f64::midpoint(from, to), y);
                if has_markers(figure) {
                    canvas.marker(style.marker, middle, radius, style.colour)?;
                }
            }
            None => {
                canvas.rectangle((from, y - 7.0), (to, y + 7.0), SHADE)?;
                canvas.line(&[(from, y - 7.0), (to, y - 7.0)], SOFT_INK, 1.5)?;
            }
        }
        canvas.plain_text(&entry.name, (to + 8.0, y + 5.5), Align::Left, TEXT_SIZE)?;
    }
    Ok(())
}

/// What lies behind the lines: shading and grid.
fn draw_backdrop<Backend>(
    figure: &Figure,
    frame: &Frame,
    canvas: &Canvas<'_, Backend>,
) -> Result<(), Failed>
where
    Backend: DrawingBackend,
    Backend::ErrorType: 'static,
{
    if let Some((from, to, _)) = &figure.shaded {
        canvas.rectangle(
            (frame.x(*from), frame.top),
            (frame.x(*to), frame.bottom),
            SHADE,
        )?;
    }
    if let Some(floor) = &figure.floor {
        for run in runs(floor) {
            let mut outline = floor_outline(run, frame);
            if let (Some(&first), Some(&last)) = (outline.first(), outline.last()) {
                outline.push((last.0, frame.bottom));
                outline.push((first.0, frame.bottom));
                canvas.area(&outline, SHADE)?;
            }
        }
    }
    for &tick in &frame.y.fine_ticks {
        let y = frame.y(tick);
        canvas.line(&[(frame.left, y), (frame.right, y)], FINE_GRID, 1.0)?;
    }
    for &tick in &frame.x.fine_ticks {
        let x = frame.x(tick);
        canvas.line(&[(x, frame.data_top), (x, frame.bottom)], FINE_GRID, 1.0)?;
    }
    for (tick, _) in &frame.y.ticks {
        let y = frame.y(*tick);
        canvas.line(&[(frame.left, y), (frame.right, y)], GRID, 1.0)?;
    }
    for (tick, _) in &frame.x.ticks {
        let x = frame.x(*tick);
        canvas.line(&[(x, frame.data_top), (x, frame.bottom)], GRID, 1.0)?;
    }
    if let Some(floor) = &figure.floor {
        for run in runs(floor) {
            canvas.line(&floor_outline(run, frame), SOFT_INK, 1.5)?;
        }
    }
    Ok(())
}

/// A line where something happened, with its label above the data where there is room for it.
fn draw_marks<Backend>(
    figure: &Figure,
    frame: &Frame,
    canvas: &Canvas<'_, Backend>,
) -> Result<(), Failed>
where
    Backend: DrawingBackend,
    Backend::ErrorType: 'static,
{
    let placed: Vec<(f64, f64)> = figure
        .marks
        .iter()
        .map(|mark| (frame.x(mark.at), text_width(&mark.label, SMALL_SIZE, false)))
        .collect();
    let rows = marks::rows(&placed, frame.left, frame.right);
    for ((mark, (x, _)), place) in figure.marks.iter().zip(&placed).zip(rows) {
        let mut from = frame.data_top - lanes(figure);
        if let Some(place) = place {
            from -= 4.0 + STRIP * place.number as f64;
            let at = (place.left, from - 2.0);
            canvas.text(&mark.label, at, Align::Left, SMALL_SIZE, false, SOFT_INK)?;
        }
        let line = [(*x, from), (*x, frame.bottom)];
        let colour = mark
            .line
            .map_or(SOFT_INK, |line| style::of_line(line).colour);
        canvas.dashed_line(&line, &[3.0, 3.0], colour, 1.4)?;
    }
    Ok(())
}

/// A lane for each thing that went on and off: a bar while it was on, and its name where there is none.
fn draw_spans<Backend>(
    figure: &Figure,
    frame: &Frame,
    canvas: &Canvas<'_, Backend>,
) -> Result<(), Failed>
where
    Backend: DrawingBackend,
    Backend::ErrorType: 'static,
{
    for (number, span) in figure.spans.iter().enumerate() {
        let top = frame.data_top - lanes(figure) + LANE * number as f64;
        // A moment has to be seen too.
        let placed =
            |&(from, to): &(f64, f64)| (frame.x(from), frame.x(to).max(frame.x(from) + 2.0));
        let stretches: Vec<(f64, f64)> = span.stretches.iter().map(placed).collect();
        let colour = span
            .line
            .map_or(SOFT_INK, |line| style::of_line(line).colour);
        for &(from, to) in &stretches {
            canvas.rectangle((from, top + 4.0), (to, top + LANE - 4.0), colour)?;
        }
        let labels = [&span.label, &span.short];
        let widths = labels.map(|label| text_width(label, SMALL_SIZE, false));
        let place = marks::beside(&stretches, widths, frame.left, frame.right);
        let (label, width) = (
            labels[usize::from(place.is_short)],
            widths[usize::from(place.is_short)],
        );
        let left = place.left;
        if place.covers {
            canvas.rectangle((left - 4.0, top), (left + width + 4.0, top + LANE), WHITE)?;
        }
        let at = (left, top + LANE - 5.0);
        canvas.text(label, at, Align::Left, SMALL_SIZE, false, SOFT_INK)?;
    }
    Ok(())
}

/// Where the upper edge of the floor is. A single point would have no area: it gets a little width.
fn floor_outline(run: &[(f64, f64)], frame: &Frame) -> Vec<(f64, f64)> {
    let placed = run.iter().map(|&(x, y)| (frame.x(x), frame.y(y)));
    match run {
        [_] => placed
            .flat_map(|(x, y)| [(x - SINGLE_FLOOR, y), (x + SINGLE_FLOOR, y)])
            .collect(),
        _ => placed.collect(),
    }
}

/// The stretches of a line between its gaps.
fn runs(line: &Line) -> impl Iterator<Item = &[(f64, f64)]> {
    line.points
        .split(|(x, y)| !x.is_finite() || !y.is_finite())
        .filter(|run| !run.is_empty())
}

fn draw_line<Backend>(
    figure: &Figure,
    index: usize,
    line: &Line,
    frame: &Frame,
    canvas: &Canvas<'_, Backend>,
) -> Result<(), Failed>
where
    Backend: DrawingBackend,
    Backend::ErrorType: 'static,
{
    let style = style::of_line(index);
    let (width, radius) = weight(figure);
    for run in runs(line) {
        let points: Vec<(f64, f64)> = run
            .iter()
            .map(|&(x, y)| (frame.x(x), frame.y.place_beyond(y)))
            .collect();
        for inside in within(&points) {
            let stretch: Vec<(f64, f64)> = inside
                .into_iter()
                .map(|(x, place)| (x, frame.at_height(place)))
                .collect();
            if let [point] = stretch[..] {
                // A point between two gaps would vanish as a line.
                canvas.marker(style.marker, point, radius, style.colour)?;
            }
            canvas.dashed_line(&stretch, style.dashes, style.colour, width)?;
        }
    }
    if figure.lines.len() > 1 && has_markers(figure) {
        draw_markers(figure, index, line, style, frame, canvas)?;
    }
    Ok(())
}

/// Whether lines have markers at all: where each point is to have one, too many would be a blur.
fn has_markers(figure: &Figure) -> bool {
    !figure.marks_all_or_none
        || figure
            .lines
            .iter()
            .all(|line| line.points.len() <= 2 * MARKERS)
}

fn draw_markers<Backend>(
    figure: &Figure,
    index: usize,
    line: &Line,
    style: LineStyle,
    frame: &Frame,
    canvas: &Canvas<'_, Backend>,
) -> Result<(), Failed>
where
    Backend: DrawingBackend,
    Backend::ErrorType: 'static,
{
    let visible: Vec<(f64, f64)> = line
        .points
        .iter()
        .copied()
        .filter(|&(x, y)| {
            x.is_finite() && y.is_finite() && (0.0..=1.0).contains(&frame.y.place_beyond(y))
        })
        .map(|(x, y)| (frame.x(x), frame.y(y)))
        .collect();
    // Evenly along the picture, and each line's a little further to the right than those of the
    // line before, so that they do not hide each other where lines run together.
    let spacing = (frame.right - frame.left) / MARKERS as f64;
    let first = spacing * (index as f64 + 0.5) / figure.lines.len() as f64;
    let mut next = frame.left + first;
    // Of few points of many lines each line marks every third, so that not all stand at one place.
    let thins_out = has_many_lines(figure) && !figure.marks_all_or_none;
    let stride = if thins_out && visible.len() >= 6 {
        3
    } else {
        1
    };
    for (number, &(x, y)) in visible.iter().enumerate() {
        if visible.len() <= 2 * MARKERS {
            if !(number + index).is_multiple_of(stride) {
                continue;
            }
        } else {
            if x < next {
                continue;
            }
            while next <= x {
                next += spacing;
            }
        }
        canvas.marker(style.marker, (x, y), weight(figure).1, style.colour)?;
    }
    Ok(())
}

/// The parts of a line whose heights are in 0..1, cut where it leaves.
fn within(points: &[(f64, f64)]) -> Vec<Vec<(f64, f64)>> {
    let is_inside = |&(_, place): &(f64, f64)| (0.0..=1.0).contains(&place);
    let mut parts: Vec<Vec<(f64, f64)>> = Vec::new();
    let mut part: Vec<(f64, f64)> = Vec::new();
    if let Some(first) = points.first()
        && is_inside(first)
    {
        part.push(*first);
    }
    for pair in points.windows(2) {
        let (from, to) = (pair[0], pair[1]);
        // Where the stretch crosses the two edges, in the order of its direction.
        let mut crossings: Vec<f64> = [0.0, 1.0]
            .into_iter()
            .map(|edge| (edge - from.1) / (to.1 - from.1))
            .filter(|share| *share > 0.0 && *share < 1.0)
            .collect();
        crossings.sort_by(f64::total_cmp);
        for share in crossings {
            let height = from.1 + share * (to.1 - from.1);
            let crossing = (from.0 + share * (to.0 - from.0), height.clamp(0.0, 1.0));
            if part.is_empty() {
                part.push(crossing);
            } else {
                part.push(crossing);
                parts.push(std::mem::take(&mut part));
            }
        }
        if is_inside(&to) {
            part.push(to);
        } else if !part.is_empty() {
            parts.push(std::mem::take(&mut part));
        }
    }
    if !part.is_empty() {
        parts.push(part);
    }
    parts
}

fn draw_axes<Backend>(
    figure: &Figure,
    frame: &Frame,
    canvas: &Canvas<'_, Backend>,
) -> Result<(), Failed>
where
    Backend: DrawingBackend,
    Backend::ErrorType: 'static,
{
    if let Some((from, to, label)) = &figure.shaded {
        let (from, to) = (frame.x(*from), frame.x(*to));
        let width = text_width(label, SMALL_SIZE, false);
        // In the middle of what it names if it fits there, else beginning at its left.
        let (x, align) = if width + 8.0 <= to - from {
            (f64::midpoint(from, to), Align::Centre)
        } else {
            (from + 4.0, Align::Left)
        };
        canvas.text(
            label,
            (x, frame.top + 16.0),
            align,
            SMALL_SIZE,
            false,
            SOFT_INK,
        )?;
    }
    canvas.line(
        &[
            (frame.left, frame.top),
            (frame.left, frame.bottom),
            (frame.right, frame.bottom),
        ],
        AXIS,
        1.4,
    )?;
    if let Some(place) = frame.y.break_at() {
        // Two strokes across the axis say that it jumps to zero here.
        let y = frame.at_height(place);
        canvas.rectangle(
            (frame.left - 2.0, y - 3.0),
            (frame.left + 2.0, y + 3.0),
            WHITE,
        )?;
        for y in [y - 3.0, y + 3.0] {
            canvas.line(
                &[(frame.left - 6.0, y + 3.0), (frame.left + 6.0, y - 3.0)],
                AXIS,
                1.4,
            )?;
        }
    }
    for (tick, text) in &frame.y.ticks {
        let y = frame.y(*tick);
        canvas.line(&[(frame.left - 5.0, y), (frame.left, y)], AXIS, 1.4)?;
        canvas.plain_text(text, (frame.left - 9.0, y + 5.5), Align::Right, TEXT_SIZE)?;
    }
    let mut taken = f64::NEG_INFINITY;
    for (tick, text) in &frame.x.ticks {
        let x = frame.x(*tick);
        canvas.line(&[(x, frame.bottom), (x, frame.bottom + 5.0)], AXIS, 1.4)?;
        let half = text_width(text, TEXT_SIZE, false) / 2.0;
        // A number that would touch the one before is left out; its stroke stays.
        if x - half < taken + 10.0 {
            continue;
        }
        taken = x + half;
        canvas.plain_text(text, (x, frame.bottom + 23.0), Align::Centre, TEXT_SIZE)?;
    }
    let label = |axis: &Axis| fitted(&axis.label, TEXT_SIZE, false, WIDTH - 2.0 * MARGIN);
    canvas.text(
        &label(&figure.y),
        (MARGIN, frame.top - 17.0),
        Align::Left,
        TEXT_SIZE,
        false,
        SOFT_INK,
    )?;
    canvas.text(
        &label(&figure.x),
        (f64::midpoint(frame.left, frame.right), frame.bottom + 48.0),
        Align::Centre,
        TEXT_SIZE,
        false,
        SOFT_INK,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_where_they_leave_the_plot() {
        let line = [(0.0, -1.0), (1.0, 1.0), (2.0, 0.5), (3.0, 1.5), (4.0, 0.5)];
        assert_eq!(
            within(&line),
            [
                vec![(0.5, 0.0), (1.0, 1.0), (2.0, 0.5), (2.5, 1.0)],
                vec![(3.5, 1.0), (4.0, 0.5)]
            ]
        );
        assert_eq!(
            within(&[(0.0, -1.0), (4.0, 3.0)]),
            [vec![(1.0, 0.0), (2.0, 1.0)]]
        );
        assert!(within(&[(0.0, 2.0), (1.0, 3.0)]).is_empty());
        assert_eq!(within(&[(0.0, 0.5)]), [vec![(0.0, 0.5)]]);
    }

    #[test]
    fn a_long_legend_makes_the_picture_higher_and_stays_inside() {
        let figure = |lines: usize| Figure {
            lines: (0..lines)
                .map(|index| Line {
                    name: format!("a variant with a long name {index}"),
                    points: vec![(0.0, 1.0)],
                })
                .collect(),
            ..Figure::default()
        };
        assert!(height(&figure(12)) > height(&figure(2)));
        for entry in legend(&figure(12)).0 {
            let width = SAMPLE + 8.0 + text_width(&entry.name, TEXT_SIZE, false);
            assert!(entry.x + width <= WIDTH - MARGIN);
        }
        assert_eq!(legend(&figure(1)).1, 0);
    }
}
