//! A heat map: a value for each pair of two settings, by colour and, where there is room, in digits.
//!
//! One hue from light to dark: lightness alone carries the value, so it reads in grey and with any
//! kind of colour vision.

use plotters::backend::DrawingBackend;

use super::{
    canvas::{Align, Canvas, Failed, Picture, WIDTH, text_width},
    plot::fitted,
    style::{Colour, GRID, INK, SOFT_INK, WHITE},
};

/// A heat map, as plain data.
#[derive(Clone, Debug, Default)]
pub struct HeatMap {
    /// What is to be seen, with its unit in the digits.
    pub title: String,
    /// Of what.
    pub subtitle: String,
    /// What stands along the columns.
    pub x: String,
    /// What stands along the rows.
    pub y: String,
    /// Names of the columns, from left to right.
    pub columns: Vec<String>,
    /// Names of the rows, from the bottom up.
    pub rows: Vec<String>,
    /// For each row, a value for each column; NaN where nothing was measured.
    pub values: Vec<Vec<f64>>,
    /// Values that are not in it and that its colours are to be compared with.
    pub compared: Vec<f64>,
    /// Spells a value.
    pub spell: Spell,
}

/// How the values of a heat map are spelled.
#[derive(Clone, Debug, Default)]
pub struct Spell {
    /// The metric.
    pub metric: String,
    /// Its unit.
    pub unit: Option<crate::metrics::Unit>,
}

impl Spell {
    /// A value.
    #[must_use]
    pub fn text(&self, value: f64) -> String {
        let unit = self.unit.unwrap_or(crate::metrics::Unit::Count);
        crate::report::quantity::of_metric(&self.metric, value, unit, 3)
    }
}

const MARGIN: f64 = 24.0;
const TITLE_SIZE: f64 = 24.0;
const TEXT_SIZE: f64 = 16.0;
const SMALL_SIZE: f64 = 13.0;
/// Where the bar of colours begins.
const BAR_TOP: f64 = 80.0;
const BAR_HEIGHT: f64 = 16.0;
const BAR_WIDTH: f64 = 300.0;
const TOP: f64 = 150.0;
/// Names of rows are cut to this width.
const ROW_NAMES: f64 = 220.0;
const HIGHEST_ROW: f64 = 48.0;
const LOWEST_ROW: f64 = 4.0;
const MOST_HEIGHT: f64 = 620.0;

/// From light to dark, evenly in lightness.
const RAMP: [Colour; 6] = [
    (247, 251, 255),
    (208, 225, 242),
    (148, 196, 223),
    (74, 152, 201),
    (23, 100, 171),
    (8, 48, 107),
];

/// From this place on, what stands in a cell is white.
pub const DARK: f64 = 0.55;

/// The colour of a place in 0..1.
#[must_use]
pub fn colour(place: f64) -> Colour {
    let place = place.clamp(0.0, 1.0) * (RAMP.len() - 1) as f64;
    let low = (place.floor() as usize).min(RAMP.len() - 2);
    let share = place - low as f64;
    let (from, to) = (RAMP[low], RAMP[low + 1]);
    let blend = |from: u8, to: u8| {
        (f64::from(from) + share * (f64::from(to) - f64::from(from))).round() as u8
    };
    (
        blend(from.0, to.0),
        blend(from.1, to.1),
        blend(from.2, to.2),
    )
}

/// From values to places in 0..1.
#[derive(Clone, Copy, Debug)]
pub struct Ramp {
    /// The least value.
    pub low: f64,
    /// The greatest.
    pub high: f64,
    /// By their logarithms.
    pub logarithmic: bool,
}

impl Ramp {
    /// From the least to the greatest of the values of a map and those that it is compared with; none
    /// where nothing was measured.
    #[must_use]
    pub fn of(map: &HeatMap) -> Option<Self> {
        Self::over(map.values.iter().flatten().chain(&map.compared))
    }

    fn over<'a>(values: impl Iterator<Item = &'a f64> + Clone) -> Option<Self> {
        let all = || values.clone().copied().filter(|x| x.is_finite());
        let (low, high) = (
            all().fold(f64::INFINITY, f64::min),
            all().fold(f64::NEG_INFINITY, f64::max),
        );
        (low <= high).then_some(Self {
            low,
            high,
            // More than two decades would be one light and one dark patch.
            logarithmic: low > 0.0 && high / low > 100.0,
        })
    }

    /// The place of a value.
    #[must_use]
    pub fn place(&self, value: f64) -> f64 {
        if self.low == self.high {
            return 0.5;
        }
        if self.logarithmic {
            return libm::log(value / self.low) / libm::log(self.high / self.low);
        }
        (value - self.low) / (self.high - self.low)
    }
}

impl HeatMap {
    fn row_height(&self) -> f64 {
        let rows = self.rows.len().max(1) as f64;
        (MOST_HEIGHT / rows).clamp(LOWEST_ROW, HIGHEST_ROW)
    }

    fn bottom(&self) -> f64 {
        TOP + self.row_height() * self.rows.len() as f64
    }

    fn left(&self) -> f64 {
        let widest = self
            .rows
            .iter()
            .map(|row| text_width(row, TEXT_SIZE, false))
            .fold(0.0, f64::max);
        MARGIN + widest.min(ROW_NAMES) + 10.0
    }

    fn draw_bar<Backend>(&self, ramp: &Ramp, canvas: &Canvas<'_, Backend>) -> Result<(), Failed>
    where
        Backend: DrawingBackend,
        Backend::ErrorType: 'static,
    {
        const STEPS: usize = 100;
        let low = self.spell.text(ramp.low);
        let left = MARGIN + text_width(&low, TEXT_SIZE, false) + 10.0;
        let base = BAR_TOP + BAR_HEIGHT - 2.5;
        canvas.plain_text(&low, (MARGIN, base), Align::Left, TEXT_SIZE)?;
        for step in 0..STEPS {
            let x = |step: usize| left + BAR_WIDTH * step as f64 / STEPS as f64;
            let place = (step as f64 + 0.5) / STEPS as f64;
            canvas.rectangle(
                (x(step), BAR_TOP),
                (x(step + 1), BAR_TOP + BAR_HEIGHT),
                colour(place),
            )?;
        }
        let mut high = self.spell.text(ramp.high);
        if ramp.logarithmic {
            high.push_str("  (by factors)");
        }
        let right = left + BAR_WIDTH + 10.0;
        canvas.plain_text(&high, (right, base), Align::Left, TEXT_SIZE)
    }

    fn draw_cells<Backend>(&self, ramp: &Ramp, canvas: &Canvas<'_, Backend>) -> Result<(), Failed>
    where
        Backend: DrawingBackend,
        Backend::ErrorType: 'static,
    {
        let (left, bottom, height) = (self.left(), self.bottom(), self.row_height());
        let width = (WIDTH - MARGIN - left) / self.columns.len().max(1) as f64;
        let texts: Vec<Vec<String>> = self
            .values
            .iter()
            .map(|row| row.iter().map(|&value| self.spell.text(value)).collect())
            .collect();
        let widest = texts
            .iter()
            .flatten()
            .map(|text| text_width(text, SMALL_SIZE, false))
            .fold(0.0, f64::max);
        let in_digits = widest + 6.0 <= width && height >= 18.0;
        for (row, values) in self.values.iter().enumerate() {
            let y = bottom - height * (row + 1) as f64;
            for (column, &value) in values.iter().enumerate() {
                let x = left + width * column as f64;
                let place = ramp.place(value);
                let fill = if value.is_finite() {
                    colour(place)
                } else {
                    WHITE
                };
                // A gap of one pixel shows where one cell ends, unless cells are as small.
                let gap = if width > 6.0 && height > 6.0 {
                    1.0
                } else {
                    0.0
                };
                canvas.rectangle((x, y), (x + width - gap, y + height - gap), fill)?;
                if in_digits {
                    let ink = if place > DARK { WHITE } else { INK };
                    let middle = (x + width / 2.0, y + height / 2.0 + 4.5);
                    let text = &texts[row][column];
                    canvas.text(text, middle, Align::Centre, SMALL_SIZE, false, ink)?;
                }
            }
        }
        Ok(())
    }

    fn draw_names<Backend>(&self, canvas: &Canvas<'_, Backend>) -> Result<(), Failed>
    where
        Backend: DrawingBackend,
        Backend::ErrorType: 'static,
    {
        let (left, bottom, height) = (self.left(), self.bottom(), self.row_height());
        let width = (WIDTH - MARGIN - left) / self.columns.len().max(1) as f64;
        // As many names as there is room for, the first of them always.
        let every = (20.0 / height).ceil().max(1.0) as usize;
        for (row, name) in self.rows.iter().enumerate().step_by(every) {
            let y = bottom - height * (row as f64 + 0.5) + 5.5;
            let name = fitted(name, TEXT_SIZE, false, ROW_NAMES);
            canvas.plain_text(&name, (left - 10.0, y), Align::Right, TEXT_SIZE)?;
        }
        let widest = self
            .columns
            .iter()
            .map(|name| text_width(name, TEXT_SIZE, false))
            .fold(0.0, f64::max)
            .min(160.0);
        let every = ((widest + 12.0) / width).ceil().max(1.0) as usize;
        for (column, name) in self.columns.iter().enumerate().step_by(every) {
            let x = left + width * (column as f64 + 0.5);
            canvas.line(&[(x, bottom), (x, bottom + 4.0)], GRID, 1.4)?;
            let room = 160.0_f64.max(width - 4.0);
            let name = fitted(name, TEXT_SIZE, false, room);
            // The outermost names must not leave the picture.
            let half = text_width(&name, TEXT_SIZE, false) / 2.0;
            let x = x.clamp(half + 4.0, WIDTH - half - 4.0);
            canvas.plain_text(&name, (x, bottom + 23.0), Align::Centre, TEXT_SIZE)?;
        }
        let label = |text: &str| fitted(text, TEXT_SIZE, false, WIDTH - 2.0 * MARGIN);
        canvas.text(
            &label(&self.y),
            (MARGIN, TOP - 14.0),
            Align::Left,
            TEXT_SIZE,
            false,
            SOFT_INK,
        )?;
        let middle = f64::midpoint(left, WIDTH - MARGIN);
        canvas.text(
            &label(&self.x),
            (middle, bottom + 48.0),
            Align::Centre,
            TEXT_SIZE,
            false,
            SOFT_INK,
        )
    }
}

impl Picture for HeatMap {
    fn titles(&self) -> (&str, &str) {
        (&self.title, &self.subtitle)
    }

    fn height(&self) -> f64 {
        self.bottom() + 66.0
    }

    fn draw<Backend>(&self, canvas: &Canvas<'_, Backend>) -> Result<(), Failed>
    where
        Backend: DrawingBackend,
        Backend::ErrorType: 'static,
    {
        canvas.rectangle((0.0, 0.0), (WIDTH, self.height()), WHITE)?;
        let room = WIDTH - 2.0 * MARGIN;
        let title = fitted(&self.title, TITLE_SIZE, true, room);
        canvas.text(&title, (MARGIN, 38.0), Align::Left, TITLE_SIZE, true, INK)?;
        let subtitle = fitted(&self.subtitle, TEXT_SIZE, false, room);
        canvas.text(
            &subtitle,
            (MARGIN, 63.0),
            Align::Left,
            TEXT_SIZE,
            false,
            SOFT_INK,
        )?;
        let Some(ramp) = Ramp::of(self) else {
            let middle = (WIDTH / 2.0, TOP + 20.0);
            let text = "nothing was measured";
            return canvas.text(text, middle, Align::Centre, 20.0, false, SOFT_INK);
        };
        self.draw_bar(&ramp, canvas)?;
        self.draw_cells(&ramp, canvas)?;
        self.draw_names(canvas)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::chart::{png, svg};

    fn map(rows: usize, columns: usize) -> HeatMap {
        let names = |count: usize| (0..count).map(|i| format!("value {i}")).collect();
        HeatMap {
            title: "title".into(),
            rows: names(rows),
            columns: names(columns),
            values: (0..rows)
                .map(|row| {
                    (0..columns)
                        .map(|column| (row * columns + column) as f64)
                        .collect()
                })
                .collect(),
            ..HeatMap::default()
        }
    }

    #[test]
    fn the_ramp_falls_in_lightness_all_the_way() {
        let luminance = |place: f64| {
            let (red, green, blue) = colour(place);
            0.2126 * f64::from(red) + 0.7152 * f64::from(green) + 0.0722 * f64::from(blue)
        };
        let all: Vec<f64> = (0..=50)
            .map(|step| luminance(f64::from(step) / 50.0))
            .collect();
        assert!(all.windows(2).all(|pair| pair[0] > pair[1]));
    }

    #[test]
    fn small_maps_carry_digits_and_large_ones_stay_bounded() {
        assert!(svg(&map(2, 3)).contains("\n5\n"));
        let large = map(100, 100);
        assert!(large.height() < 1000.0);
        assert_eq!(png(&large), png(&map(100, 100)));
    }

    #[test]
    fn values_over_many_decades_are_told_apart_by_factors() {
        let ramp = Ramp::over([1.0, 10.0, 1000.0, f64::NAN].iter()).unwrap();
        assert!((ramp.place(10.0) - 1.0 / 3.0).abs() < 1e-12);
        assert!(Ramp::over([f64::NAN].iter()).is_none());
        // One value is neither light nor dark.
        assert_eq!(Ramp::over([2.0].iter()).unwrap().place(2.0), 0.5);
    }

    #[test]
    fn nothing_measured_is_said_so() {
        let mut empty = map(1, 1);
        empty.values = vec![vec![f64::NAN]];
        assert!(svg(&empty).contains("nothing was measured"));
    }
}
