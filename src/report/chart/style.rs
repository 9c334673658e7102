//! Colours, dashes and markers.
//!
//! The colours are those of Okabe and Ito ("Color Universal Design", 2008), which people with any
//! kind of colour vision tell apart; yellow is left out, as it vanishes on white. They are ordered
//! so that the first four also differ in lightness, and every line has its own dashes and markers,
//! so charts read in grey as well.

/// Red, green, blue.
pub type Colour = (u8, u8, u8);

/// The background.
pub const WHITE: Colour = (255, 255, 255);
/// Titles and numbers.
pub const INK: Colour = (34, 34, 34);
/// Subtitles and labels of axes.
pub const SOFT_INK: Colour = (90, 90, 90);
/// The lines of axes.
pub const AXIS: Colour = (120, 120, 120);
/// Grid lines at numbers.
pub const GRID: Colour = (221, 221, 221);
/// Grid lines between numbers.
pub const FINE_GRID: Colour = (240, 240, 240);
/// What is shaded: warm-up, and what no policy can reach.
pub const SHADE: Colour = (236, 236, 236);

const COLOURS: [Colour; 7] = [
    (0, 114, 178),   // blue
    (230, 159, 0),   // orange
    (0, 158, 115),   // bluish green
    (0, 0, 0),       // black
    (213, 94, 0),    // vermilion
    (86, 180, 233),  // sky blue
    (204, 121, 167), // reddish purple
];

/// On, off, on, off ... in pixels; empty for a solid line.
const DASHES: [&[f64]; 6] = [
    &[],
    &[9.0, 4.0],
    &[3.5, 3.0],
    &[14.0, 4.0, 2.5, 4.0],
    &[5.0, 2.5],
    &[14.0, 4.0, 2.5, 4.0, 2.5, 4.0],
];

/// The shape that marks some points of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marker {
    /// A disc.
    Circle,
    /// A square.
    Square,
    /// A triangle that points up.
    Triangle,
    /// A square on its tip.
    Diamond,
    /// A triangle that points down.
    Wedge,
}

const MARKERS: [Marker; 5] = [
    Marker::Circle,
    Marker::Square,
    Marker::Triangle,
    Marker::Diamond,
    Marker::Wedge,
];

/// How one line looks.
#[derive(Clone, Copy, Debug)]
pub struct LineStyle {
    /// Its colour.
    pub colour: Colour,
    /// Its dashes; see `DASHES`.
    pub dashes: &'static [f64],
    /// Its marker.
    pub marker: Marker,
}

/// The look of line number `index`. The three lists have lengths without a common factor (but for
/// none), so 210 lines differ from each other.
#[must_use]
pub fn of_line(index: usize) -> LineStyle {
    LineStyle {
        colour: COLOURS[index % COLOURS.len()],
        dashes: DASHES[index % DASHES.len()],
        marker: MARKERS[index % MARKERS.len()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_210_lines_all_look_different() {
        let mut seen = std::collections::BTreeSet::new();
        for index in 0..210 {
            let style = of_line(index);
            assert!(seen.insert((style.colour, index % DASHES.len(), style.marker as u8)));
        }
    }

    /// Perceived lightness in 0..100 (CIE L*), from the luminance of sRGB.
    fn lightness((r, g, b): Colour) -> f64 {
        let linear = |channel: u8| {
            let c = f64::from(channel) / 255.0;
            if c <= 0.040_45 {
                c / 12.92
            } else {
                libm::pow((c + 0.055) / 1.055, 2.4)
            }
        };
        let y = 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
        116.0 * libm::cbrt(y.max(0.008_856)) - 16.0
    }

    #[test]
    fn the_first_four_lines_differ_in_grey() {
        let greys: Vec<f64> = (0..4).map(|i| lightness(of_line(i).colour)).collect();
        for (i, a) in greys.iter().enumerate() {
            for b in &greys[..i] {
                assert!((a - b).abs() > 10.0, "{greys:?}");
            }
        }
    }
}
