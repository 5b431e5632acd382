//! Charts as SVG: lines over two axes, and bars.

use plotters::coord::ranged1d::{AsRangedCoord, ValueFormatter};
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use std::path::Path;

const SIZE: (u32, u32) = (860, 440);
const FONT: (&str, i32) = ("sans-serif", 14);
/// Height of a line of the key, and where it begins.
const KEY_LINE: u32 = 18;
const KEY_LEFT: i32 = 80;

/// Points that belong together.
pub struct Series {
    pub name: String,
    pub points: Vec<(f64, f64)>,
}

/// What a chart of lines shows.
pub struct Lines<'a> {
    pub title: &'a str,
    pub x: &'a str,
    pub y: &'a str,
    pub series: &'a [Series],
    /// Whether the vertical axis is logarithmic; the horizontal one always is.
    pub is_log: bool,
}

impl Lines<'_> {
    /// Draws it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn draw(&self, path: &Path) -> Result<(), String> {
        let points = || self.series.iter().flat_map(|series| &series.points);
        let bounds = |value: fn(&(f64, f64)) -> f64| {
            let least = points().map(value).fold(f64::INFINITY, f64::min);
            let most = points().map(value).fold(f64::NEG_INFINITY, f64::max);
            (least, most)
        };
        let (left, right) = bounds(|point| point.0);
        let (bottom, top) = bounds(|point| point.1);
        let x = (left.max(1e-3)..right).log_scale();
        if self.is_log {
            self.plot(path, x, (bottom.max(1e-3) / 1.3..top * 1.3).log_scale())
        } else {
            self.plot(path, x, 0.0..top * 1.05)
        }
        .map_err(|error| format!("{}: {error}", path.display()))
    }

    fn plot<X, Y>(
        &self,
        path: &Path,
        x: X,
        y: Y,
    ) -> Result<(), DrawingAreaErrorKind<std::io::Error>>
    where
        X: AsRangedCoord<Value = f64>,
        Y: AsRangedCoord<Value = f64>,
        X::CoordDescType: Ranged<ValueType = f64> + ValueFormatter<f64>,
        Y::CoordDescType: Ranged<ValueType = f64> + ValueFormatter<f64>,
    {
        let key = 12 + KEY_LINE * self.series.len() as u32;
        let area = SVGBackend::new(path, (SIZE.0, SIZE.1 + key)).into_drawing_area();
        area.fill(&WHITE)?;
        let (upper, lower) = area.split_vertically(SIZE.1);
        let mut chart = ChartBuilder::on(&upper)
            .caption(self.title, ("sans-serif", 18))
            .margin(14)
            .x_label_area_size(44)
            .y_label_area_size(64)
            .build_cartesian_2d(x, y)?;
        chart
            .configure_mesh()
            .x_desc(self.x)
            .y_desc(self.y)
            .label_style(FONT)
            .axis_desc_style(FONT)
            .light_line_style(BLACK.mix(0.05))
            .bold_line_style(BLACK.mix(0.15))
            // On a logarithmic axis more of them would lie upon each other.
            .x_labels(6)
            .x_label_formatter(&|value| axis(*value))
            .y_label_formatter(&|value| axis(*value))
            .draw()?;
        for (index, series) in self.series.iter().enumerate() {
            let style = color(index).stroke_width(2);
            chart.draw_series(LineSeries::new(series.points.iter().copied(), style))?;
            // Below the plot: there it hides no line.
            let y = KEY_LINE as i32 * index as i32 + 6;
            let line = [(KEY_LEFT, y), (KEY_LEFT + 18, y)];
            lower.draw(&PathElement::new(line, color(index).stroke_width(3)))?;
            let name = Text::new(series.name.clone(), (KEY_LEFT + 26, y - 5), ("sans-serif", 12));
            lower.draw(&name)?;
        }
        area.present()
    }
}

/// One bar, with the interval of its value where there is one.
pub struct Bar {
    pub name: String,
    pub value: f64,
    pub interval: Option<(f64, f64)>,
}

/// Bars from the left, one below the other, each with its value behind it.
///
/// # Errors
/// If they cannot be written.
pub fn bars(path: &Path, title: &str, unit: &str, bars: &[Bar]) -> Result<(), String> {
    draw_bars(path, title, unit, bars).map_err(|error| format!("{}: {error}", path.display()))
}

fn draw_bars(
    path: &Path,
    title: &str,
    unit: &str,
    bars: &[Bar],
) -> Result<(), DrawingAreaErrorKind<std::io::Error>> {
    let area = SVGBackend::new(path, (SIZE.0, 90 + 34 * bars.len() as u32)).into_drawing_area();
    area.fill(&WHITE)?;
    let end = |bar: &Bar| bar.interval.map_or(bar.value, |(_, high)| high.max(bar.value));
    // Behind the longest bar there is room for its value.
    let most = bars.iter().map(end).fold(0.0, f64::max) * 1.2;
    let rows = bars.len() as f64;
    let mut chart = ChartBuilder::on(&area)
        .caption(title, ("sans-serif", 18))
        .margin(14)
        .margin_left(310)
        .x_label_area_size(40)
        .build_cartesian_2d::<std::ops::Range<f64>, std::ops::Range<f64>>(
            0.0..most.max(1e-9),
            rows..0.0,
        )?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .disable_y_axis()
        .x_desc(unit)
        .label_style(FONT)
        .axis_desc_style(FONT)
        .light_line_style(BLACK.mix(0.05))
        .x_label_formatter(&|value| axis(*value))
        .draw()?;
    for (index, bar) in bars.iter().enumerate() {
        let row = index as f64;
        let length = bar.value.max(0.0);
        chart.draw_series([Rectangle::new(
            [(0.0, row + 0.2), (length, row + 0.8)],
            color(0).mix(0.75).filled(),
        )])?;
        if let Some((low, high)) = bar.interval {
            let whisker = [(low.max(0.0), row + 0.5), (high.max(0.0), row + 0.5)];
            chart.draw_series([PathElement::new(whisker, BLACK.stroke_width(2))])?;
        }
        write_beside(&chart, bar, (end(bar), row))?;
    }
    area.present()
}

/// The name of a bar to its left and its value to its right.
fn write_beside(
    chart: &ChartContext<'_, SVGBackend<'_>, Cartesian2d<RangedCoordf64, RangedCoordf64>>,
    bar: &Bar,
    (end, row): (f64, f64),
) -> Result<(), DrawingAreaErrorKind<std::io::Error>> {
    use plotters::style::text_anchor::{HPos, Pos, VPos};
    let area = chart.plotting_area();
    let style = |side| FONT.into_font().color(&BLACK).pos(Pos::new(side, VPos::Center));
    let text = |text: String, side, place: (f64, f64), shift: i32| {
        let mark = EmptyElement::at(place) + Text::new(text, (shift, 0), style(side));
        area.draw(&mark)
    };
    text(bar.name.clone(), HPos::Right, (0.0, row + 0.5), -8)?;
    text(crate::units::short(bar.value), HPos::Left, (end, row + 0.5), 8)
}

/// A number on an axis.
fn axis(value: f64) -> String {
    if value >= 1.0 && value.fract() < 1e-9 {
        crate::units::thousands(value)
    } else {
        format!("{}", (value * 1000.0).round() / 1000.0)
    }
}

/// Colours that stay apart for those who see fewer of them (Okabe and Ito), then others.
fn color(index: usize) -> RGBColor {
    const COLORS: [RGBColor; 10] = [
        RGBColor(0, 114, 178),
        RGBColor(213, 94, 0),
        RGBColor(0, 158, 115),
        RGBColor(204, 121, 167),
        RGBColor(230, 159, 0),
        RGBColor(86, 180, 233),
        RGBColor(120, 120, 120),
        RGBColor(60, 60, 60),
        RGBColor(140, 86, 75),
        RGBColor(128, 180, 40),
    ];
    COLORS[index % COLORS.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charts_are_drawn() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("chart.svg");
        let points = vec![(256.0, 3.0), (65536.0, 700.0)];
        let series = [Series { name: "a field".to_owned(), points }];
        for is_log in [true, false] {
            let lines = Lines { title: "Lines", x: "bytes", y: "ns", series: &series, is_log };
            lines.draw(&path).expect("a chart");
            let svg = std::fs::read_to_string(&path).expect("SVG");
            assert!(svg.contains("a field") && svg.contains("Lines") && svg.contains("bytes"));
        }
        let bar = Bar { name: "grep".to_owned(), value: 0.7, interval: Some((0.6, 0.8)) };
        bars(&path, "Bars", "µs", &[bar]).expect("a chart");
        let svg = std::fs::read_to_string(&path).expect("SVG");
        assert!(svg.contains("grep") && svg.contains("0.70"));
        assert!(bars(Path::new("/nowhere/at/all.svg"), "", "", &[]).is_err());
    }
}
