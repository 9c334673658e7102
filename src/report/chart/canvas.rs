//! A surface to draw on, in pixels of the finished picture, with one set of strokes for SVG and PNG.
//!
//! `plotters` draws at whole pixels. So SVG is drawn ten times as large and shown at its size
//! through the view box, and PNG is drawn four times as large and averaged down to twice its size:
//! smooth lines in both, and slides on large screens stay sharp.

use std::sync::LazyLock;

use ab_glyph::{Font, FontRef, GlyphId, PxScale, ScaleFont};
use plotters::{
    backend::{BitMapBackend, DrawingBackend, SVGBackend},
    coord::Shift,
    drawing::{DrawingArea, IntoDrawingArea},
    element::{Circle, PathElement, Polygon, Rectangle},
    style::{
        Color, FontStyle, RGBColor, ShapeStyle, TextStyle,
        text_anchor::{HPos, Pos, VPos},
    },
};

use super::{
    figure::Figure,
    plot,
    style::{Colour, INK, Marker, WHITE},
};

/// Width of a picture in pixels; its height depends on the length of the legend.
pub const WIDTH: f64 = 960.0;

/// The embedded font first, so that who has it sees the same as in PNG; then what browsers have.
const FONT_FAMILY: &str = "Open Sans, Helvetica Neue, Arial, sans-serif";
/// What `plotters` divides sizes by when it writes SVG.
const SVG_SIZE: f64 = 1.24;
/// How far above the baseline `plotters` takes the top of a text to be when it writes SVG, in sizes.
const SVG_TOP: f64 = 0.76;
/// SVG is drawn so many times as large.
const SVG_SCALE: f64 = 10.0;
/// PNG is drawn so many times as large, ...
const BITMAP_SCALE: usize = 4;
/// ... and averaged over squares of so many pixels.
const BITMAP_SQUARE: usize = 2;

/// Why a stroke could not be drawn; there is no way in which this happens on memory.
pub type Failed = Box<dyn std::error::Error>;

/// Where the text is, seen from the point that is given for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Right of the point.
    Left,
    /// On both sides.
    Centre,
    /// Left of it.
    Right,
}

/// A surface.
pub struct Canvas<'a, Backend: DrawingBackend> {
    area: &'a DrawingArea<Backend, Shift>,
    scale: f64,
    bitmap: bool,
}

/// The embedded fonts: regular and semibold.
static FONTS: LazyLock<[FontRef<'static>; 2]> = LazyLock::new(|| {
    [
        &include_bytes!("../../../assets/OpenSans-Regular.ttf")[..],
        &include_bytes!("../../../assets/OpenSans-Semibold.ttf")[..],
    ]
    .map(|bytes| FontRef::try_from_slice(bytes).expect("the embedded fonts are fonts"))
});

/// What can be drawn on a surface.
pub trait Picture {
    /// What is to be seen, and of what.
    fn titles(&self) -> (&str, &str);

    /// Its height in pixels.
    fn height(&self) -> f64;

    /// Draws all of it.
    ///
    /// # Errors
    /// See [`Failed`].
    fn draw<Backend>(&self, canvas: &Canvas<'_, Backend>) -> Result<(), Failed>
    where
        Backend: DrawingBackend,
        Backend::ErrorType: 'static;
}

impl Picture for Figure {
    fn titles(&self) -> (&str, &str) {
        (&self.title, &self.subtitle)
    }

    fn height(&self) -> f64 {
        plot::height(self)
    }

    fn draw<Backend>(&self, canvas: &Canvas<'_, Backend>) -> Result<(), Failed>
    where
        Backend: DrawingBackend,
        Backend::ErrorType: 'static,
    {
        plot::draw(self, canvas)
    }
}

/// The picture as an SVG document.
///
/// # Panics
/// Never: memory does not refuse strokes.
#[must_use]
pub fn svg(figure: &impl Picture) -> String {
    let height = figure.height();
    let size = ((WIDTH * SVG_SCALE) as u32, (height * SVG_SCALE) as u32);
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, size).into_drawing_area();
        let canvas = Canvas {
            area: &area,
            scale: SVG_SCALE,
            bitmap: false,
        };
        figure.draw(&canvas).expect("memory takes every stroke");
        area.present().expect("memory takes every stroke");
    }
    // The large coordinates are shown at the picture's size, and screen readers get a title.
    let body = text
        .split_once('\n')
        .map_or("", |(_, body)| body)
        .trim_end();
    let (title, subtitle) = figure.titles();
    let title = escape(&if subtitle.is_empty() {
        title.to_owned()
    } else {
        format!("{title}: {subtitle}")
    });
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
         viewBox=\"0 0 {} {}\" role=\"img\" stroke-linejoin=\"round\">\n<title>{title}</title>\n\
         {body}\n",
        size.0, size.1
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// The picture as a PNG file, two pixels for each of the picture's.
///
/// # Panics
/// Never: memory does not refuse strokes.
#[must_use]
pub fn png(figure: &impl Picture) -> Vec<u8> {
    let height = figure.height() as usize;
    let (wide, high) = (WIDTH as usize * BITMAP_SCALE, height * BITMAP_SCALE);
    let mut large = vec![255; 3 * wide * high];
    {
        let area =
            BitMapBackend::with_buffer(&mut large, (wide as u32, high as u32)).into_drawing_area();
        let canvas = Canvas {
            area: &area,
            scale: BITMAP_SCALE as f64,
            bitmap: true,
        };
        figure.draw(&canvas).expect("memory takes every stroke");
        area.present().expect("memory takes every stroke");
    }
    let small = average(&large, wide);
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(
        &mut file,
        (wide / BITMAP_SQUARE) as u32,
        (high / BITMAP_SQUARE) as u32,
    );
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    // Large areas of one colour compress best as they are.
    encoder.set_compression(png::Compression::Default);
    encoder.set_filter(png::FilterType::NoFilter);
    encoder
        .write_header()
        .and_then(|mut writer| writer.write_image_data(&small))
        .expect("memory takes every byte");
    file
}

/// Averages squares of pixels: rows of `wide` pixels of three bytes.
fn average(large: &[u8], wide: usize) -> Vec<u8> {
    let row = 3 * wide;
    let pixels = BITMAP_SQUARE * BITMAP_SQUARE;
    large
        .chunks_exact(row * BITMAP_SQUARE)
        .flat_map(|rows| {
            (0..row / BITMAP_SQUARE).map(move |byte| {
                let (pixel, channel) = (byte / 3, byte % 3);
                let sum: usize = (0..BITMAP_SQUARE)
                    .flat_map(|y| (0..BITMAP_SQUARE).map(move |x| (x, y)))
                    .map(|(x, y)| {
                        usize::from(rows[y * row + 3 * (pixel * BITMAP_SQUARE + x) + channel])
                    })
                    .sum();
                ((sum + pixels / 2) / pixels) as u8
            })
        })
        .collect()
}

fn rgb((red, green, blue): Colour) -> RGBColor {
    RGBColor(red, green, blue)
}

impl<Backend> Canvas<'_, Backend>
where
    Backend: DrawingBackend,
    Backend::ErrorType: 'static,
{
    fn at(&self, (x, y): (f64, f64)) -> (i32, i32) {
        (
            libm::round(x * self.scale) as i32,
            libm::round(y * self.scale) as i32,
        )
    }

    /// A filled rectangle between two corners.
    ///
    /// # Errors
    /// See [`Failed`].
    pub fn rectangle(
        &self,
        from: (f64, f64),
        to: (f64, f64),
        colour: Colour,
    ) -> Result<(), Failed> {
        self.area.draw(&Rectangle::new(
            [self.at(from), self.at(to)],
            rgb(colour).filled(),
        ))?;
        Ok(())
    }

    /// A filled area.
    ///
    /// # Errors
    /// See [`Failed`].
    pub fn area(&self, points: &[(f64, f64)], colour: Colour) -> Result<(), Failed> {
        let points: Vec<(i32, i32)> = points.iter().map(|&point| self.at(point)).collect();
        self.area
            .draw(&Polygon::new(points, rgb(colour).filled()))?;
        Ok(())
    }

    /// A line through points.
    ///
    /// # Errors
    /// See [`Failed`].
    pub fn line(&self, points: &[(f64, f64)], colour: Colour, width: f64) -> Result<(), Failed> {
        let mut points: Vec<(i32, i32)> = points.iter().map(|&point| self.at(point)).collect();
        points.dedup();
        if points.len() < 2 {
            return Ok(());
        }
        let stroke = (width * self.scale).max(1.0);
        if !self.bitmap {
            let style = ShapeStyle {
                color: rgb(colour).to_rgba(),
                filled: false,
                stroke_width: stroke as u32,
            };
            self.area.draw(&PathElement::new(points, style))?;
            return Ok(());
        }
        // The bitmaps of `plotters` have wrong corners at sharp turns: each stretch is drawn as a
        // rectangle, and each corner is made round by a disc.
        for (index, pair) in points.windows(2).enumerate() {
            let (from, to) = (pair[0], pair[1]);
            let (dx, dy) = (f64::from(to.0 - from.0), f64::from(to.1 - from.1));
            let length = (dx * dx + dy * dy).sqrt();
            let across = (-dy / length * stroke / 2.0, dx / length * stroke / 2.0);
            let corner = |point: (i32, i32), side: f64| {
                (
                    libm::round(f64::from(point.0) + side * across.0) as i32,
                    libm::round(f64::from(point.1) + side * across.1) as i32,
                )
            };
            let corners = vec![
                corner(from, 1.0),
                corner(to, 1.0),
                corner(to, -1.0),
                corner(from, -1.0),
            ];
            if corners[0] == corners[3] {
                // Thinner than a pixel.
                self.area
                    .draw(&PathElement::new(vec![from, to], rgb(colour)))?;
                continue;
            }
            self.area
                .draw(&Polygon::new(corners, rgb(colour).filled()))?;
            if index > 0 && stroke >= 4.0 {
                let radius = (stroke / 2.0) as i32;
                self.area
                    .draw(&Circle::new(from, radius, rgb(colour).filled()))?;
            }
        }
        Ok(())
    }

    /// A line through points, in dashes (on, off, ... in pixels; none for a solid line).
    ///
    /// # Errors
    /// See [`Failed`].
    pub fn dashed_line(
        &self,
        points: &[(f64, f64)],
        dashes: &[f64],
        colour: Colour,
        width: f64,
    ) -> Result<(), Failed> {
        if dashes.is_empty() {
            return self.line(points, colour, width);
        }
        for dash in cut(points, dashes) {
            self.line(&dash, colour, width)?;
        }
        Ok(())
    }

    /// A marker with a thin white edge, so that it stands out from its own line.
    ///
    /// # Errors
    /// See [`Failed`].
    pub fn marker(
        &self,
        marker: Marker,
        centre: (f64, f64),
        radius: f64,
        colour: Colour,
    ) -> Result<(), Failed> {
        self.shape(marker, centre, radius + 1.2, WHITE)?;
        self.shape(marker, centre, radius, colour)
    }

    fn shape(
        &self,
        marker: Marker,
        (x, y): (f64, f64),
        radius: f64,
        colour: Colour,
    ) -> Result<(), Failed> {
        // Sizes that make the shapes look equally large.
        let corners: &[(f64, f64)] = match marker {
            Marker::Circle => {
                self.area.draw(&Circle::new(
                    self.at((x, y)),
                    (radius * self.scale) as i32,
                    rgb(colour).filled(),
                ))?;
                return Ok(());
            }
            Marker::Square => &[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)],
            Marker::Triangle => &[(0.0, -1.25), (1.15, 0.8), (-1.15, 0.8)],
            Marker::Diamond => &[(0.0, -1.3), (1.3, 0.0), (0.0, 1.3), (-1.3, 0.0)],
            Marker::Wedge => &[(0.0, 1.25), (1.15, -0.8), (-1.15, -0.8)],
        };
        let corners: Vec<(f64, f64)> = corners
            .iter()
            .map(|(dx, dy)| (x + dx * radius, y + dy * radius))
            .collect();
        self.area(&corners, colour)
    }

    /// A line of text whose baseline is at the point's height.
    ///
    /// # Errors
    /// See [`Failed`].
    pub fn text(
        &self,
        text: &str,
        (x, y): (f64, f64),
        align: Align,
        size: f64,
        bold: bool,
        colour: Colour,
    ) -> Result<(), Failed> {
        if self.bitmap {
            return self.glyphs(text, (x, y), align, size, bold, colour);
        }
        let weight = if bold {
            FontStyle::Bold
        } else {
            FontStyle::Normal
        };
        let horizontal = match align {
            Align::Left => HPos::Left,
            Align::Centre => HPos::Center,
            Align::Right => HPos::Right,
        };
        let colour = rgb(colour);
        let style = TextStyle::from((FONT_FAMILY, size * SVG_SIZE * self.scale, weight))
            .pos(Pos::new(horizontal, VPos::Top))
            .color(&colour);
        self.area
            .draw_text(text, &style, self.at((x, y - SVG_TOP * size)))?;
        Ok(())
    }

    /// Text on bitmaps. That of `plotters` leaves out the space that belongs to the left of each
    /// glyph, which makes words hard to tell apart.
    fn glyphs(
        &self,
        text: &str,
        (x, y): (f64, f64),
        align: Align,
        size: f64,
        bold: bool,
        colour: Colour,
    ) -> Result<(), Failed> {
        let (placed, width) = lay_out(text, size * self.scale, bold);
        let left = self.scale * x
            - match align {
                Align::Left => 0.0,
                Align::Centre => width / 2.0,
                Align::Right => width,
            };
        let font = &FONTS[usize::from(bold)];
        let (wide, high) = self.area.dim_in_pixel();
        for (glyph, advance) in placed {
            let position =
                ab_glyph::point((left + advance) as f32, libm::round(y * self.scale) as f32);
            let glyph = glyph.with_scale_and_position(pixels(font, size * self.scale), position);
            let Some(outline) = font.outline_glyph(glyph) else {
                continue;
            };
            let corner = outline.px_bounds().min;
            let mut drawn = Ok(());
            outline.draw(|dx, dy, cover| {
                let (x, y) = (corner.x as i32 + dx as i32, corner.y as i32 + dy as i32);
                let inside = x >= 0 && y >= 0 && x < wide as i32 && y < high as i32;
                if inside && drawn.is_ok() {
                    let ink = rgb(colour).mix(f64::from(cover.min(1.0)));
                    drawn = self.area.draw_pixel((x, y), &ink);
                }
            });
            drawn?;
        }
        Ok(())
    }

    /// Text in [`INK`], not bold.
    ///
    /// # Errors
    /// See [`Failed`].
    pub fn plain_text(
        &self,
        text: &str,
        point: (f64, f64),
        align: Align,
        size: f64,
    ) -> Result<(), Failed> {
        self.text(text, point, align, size, false, INK)
    }
}

/// How wide a text is.
#[must_use]
pub fn text_width(text: &str, size: f64, bold: bool) -> f64 {
    lay_out(text, size, bold).1
}

/// The scale at which the letter M is `size` pixels wide and high.
fn pixels(font: &FontRef<'_>, size: f64) -> PxScale {
    let em = font.units_per_em().unwrap_or(2048.0);
    PxScale::from(size as f32 * font.height_unscaled() / em)
}

/// The glyphs of a text, each with its distance from the left, and the width of all.
fn lay_out(text: &str, size: f64, bold: bool) -> (Vec<(GlyphId, f64)>, f64) {
    let font = &FONTS[usize::from(bold)];
    let scaled = font.as_scaled(pixels(font, size));
    let mut placed: Vec<(GlyphId, f64)> = Vec::new();
    let mut advance = 0.0;
    for c in text.chars() {
        let glyph = scaled.glyph_id(c);
        if let Some(&(before, _)) = placed.last() {
            advance += f64::from(scaled.kern(before, glyph));
        }
        placed.push((glyph, advance));
        advance += f64::from(scaled.h_advance(glyph));
    }
    (placed, advance)
}

/// Cuts a line into dashes: on, off, on, off ... along its length.
fn cut(points: &[(f64, f64)], dashes: &[f64]) -> Vec<Vec<(f64, f64)>> {
    let mut pieces = Vec::new();
    let mut index = 0;
    let mut left = dashes[0];
    let mut piece: Vec<(f64, f64)> = points.first().copied().into_iter().collect();
    for pair in points.windows(2) {
        let (mut from, to) = (pair[0], pair[1]);
        loop {
            let (dx, dy) = (to.0 - from.0, to.1 - from.1);
            let length = (dx * dx + dy * dy).sqrt();
            if length <= left {
                left -= length;
                if index % 2 == 0 {
                    piece.push(to);
                }
                break;
            }
            from = (from.0 + dx * left / length, from.1 + dy * left / length);
            if index % 2 == 0 {
                piece.push(from);
                pieces.push(std::mem::take(&mut piece));
            } else {
                piece = vec![from];
            }
            index = (index + 1) % dashes.len();
            left = dashes[index];
        }
    }
    if piece.len() > 1 {
        pieces.push(piece);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashes_follow_the_line_around_corners() {
        let corner = [(0.0, 0.0), (3.0, 0.0), (3.0, 4.0)];
        assert_eq!(
            cut(&corner, &[2.0, 2.0]),
            [vec![(0.0, 0.0), (2.0, 0.0)], vec![(3.0, 1.0), (3.0, 3.0)]]
        );
        assert_eq!(
            cut(&corner, &[4.0, 2.0]),
            [
                vec![(0.0, 0.0), (3.0, 0.0), (3.0, 1.0)],
                vec![(3.0, 3.0), (3.0, 4.0)]
            ]
        );
        assert!(cut(&[], &[1.0, 1.0]).is_empty());
    }

    #[test]
    fn longer_texts_are_wider() {
        let width = text_width("iii", 16.0, false);
        assert!(width > 0.0 && width < text_width("mmm", 16.0, false));
        assert!(text_width("mmm", 16.0, false) < text_width("mmm", 16.0, true));
        let ratio = text_width("mmm", 32.0, false) / text_width("mmm", 16.0, false);
        assert!((ratio - 2.0).abs() < 1e-5);
    }

    #[test]
    fn averaging_takes_the_mean_of_each_square() {
        // Two squares side by side, in red only: 0 1 / 2 3 and 100 100 / 104 104.
        let row = |values: [u8; 4]| values.into_iter().flat_map(|red| [red, 9, 0]);
        let large: Vec<u8> = row([0, 1, 100, 100]).chain(row([2, 3, 104, 104])).collect();
        assert_eq!(average(&large, 4), [2, 9, 0, 102, 9, 0]);
    }
}
