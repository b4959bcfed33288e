//! The chart of response times, drawn by `partial/chart.html`: columns stacked by phase, lines of two percentiles,
//! outages behind them. All shapes are ready-made path data in a box of `width` × [`HEIGHT`].

/// Height of the box that the paths are drawn in; it is stretched to the height of the chart.
pub const HEIGHT: i64 = 1000;
/// Width of one column with its gap, in the same box.
pub const STEP: i64 = 10;

/// A word on an axis and where it stands, in percent of the axis.
#[derive(Debug, Clone)]
pub struct Tick {
    pub at: String,
    pub text: String,
    /// Left out where there is little room.
    pub is_minor: bool,
}

/// A part of the columns or a line.
#[derive(Debug, Clone)]
pub struct Series {
    /// CSS class: `g1` to `g5` for parts of columns, `p50` and `p95` for lines.
    pub class: &'static str,
    pub name: &'static str,
    /// "118 ms", of the whole time.
    pub value: String,
    pub path: String,
}

/// One hour or day of the table behind the chart; cells that are unknown have "–".
#[derive(Debug, Clone)]
pub struct Row {
    /// "23 Nov, 10:00".
    pub at: String,
    pub cells: Vec<String>,
}

/// Response times over one range of time.
#[derive(Debug, Clone)]
pub struct Chart {
    /// "Response time, last 24 hours".
    pub title: String,
    /// What the picture says, for those who do not see it.
    pub description: String,
    /// "each column is an hour".
    pub grain: &'static str,
    pub width: i64,
    /// From the top down.
    pub heights: Vec<Tick>,
    pub times: Vec<Tick>,
    /// Drawn from the ground up.
    pub columns: Vec<Series>,
    pub lines: Vec<Series>,
    /// Times of outage as path data.
    pub outages: String,
    /// Names of the cells of a row.
    pub heads: Vec<&'static str>,
    pub rows: Vec<Row>,
}
