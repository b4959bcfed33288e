//! The report: tables as they are measured, and at the end every figure beside its goal and its floor.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use crate::running;

/// Shown at once and kept for the file.
pub(crate) struct Report {
    text: String,
    verdicts: Table,
}

impl Report {
    pub(crate) fn new(is_quick: bool) -> Self {
        let mut report =
            Self { text: String::new(), verdicts: Table::new(&["figure", "measured", "goal", "floor"]) };
        let kind = if is_quick { "quick run: the figures mean little" } else { "full run" };
        report.line(&format!("Indie Status Page {}, {kind}", env!("CARGO_PKG_VERSION")));
        report.line(&running::machine());
        report
    }

    pub(crate) fn title(&mut self, title: &str) {
        self.line(&format!("\n{title}\n{}", "-".repeat(title.chars().count())));
    }

    pub(crate) fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
        let mut out = std::io::stdout().lock();
        // A reader that went away is no error; the file is still written.
        let _ = writeln!(out, "{line}").and_then(|()| out.flush());
    }

    pub(crate) fn table(&mut self, table: &Table) {
        self.line(table.to_string().trim_end());
    }

    /// One figure of performance.md for the summary.
    pub(crate) fn figure(&mut self, figure: &str, measured: String, goal: &str, floor: &str) {
        self.verdicts.row([figure.to_owned(), measured, goal.to_owned(), floor.to_owned()]);
    }

    /// Prints the summary and writes everything to `path`.
    pub(crate) fn finish(mut self, path: &Path) -> anyhow::Result<()> {
        self.title("Summary");
        let verdicts = std::mem::replace(&mut self.verdicts, Table::new(&[]));
        self.table(&verdicts);
        self.line(&running::load());
        std::fs::write(path, &self.text)?;
        self.line(&format!("Written to {}", path.display()));
        Ok(())
    }
}

/// Left column to the left, all others to the right.
pub(crate) struct Table(Vec<Vec<String>>);

impl Table {
    pub(crate) fn new(head: &[&str]) -> Self {
        Self(vec![head.iter().map(|&name| name.to_owned()).collect()])
    }

    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.0.push(Vec::from(cells));
    }
}

impl std::fmt::Display for Table {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let width = |column: usize| {
            self.0
                .iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or(0)
        };
        for row in &self.0 {
            let mut line = String::new();
            for (column, cell) in row.iter().enumerate() {
                let width = width(column);
                if column == 0 {
                    write!(line, "{cell:<width$}")?;
                } else {
                    write!(line, "  {cell:>width$}")?;
                }
            }
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// The middle value; 0 of nothing.
pub(crate) fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

/// The value below which `share` of all lie; 0 of nothing.
pub(crate) fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in a list")]
    let place = (share * float(sorted.len().saturating_sub(1))).round() as usize;
    sorted.get(place).copied().unwrap_or(0.0)
}

/// A count as a number to divide.
#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
pub(crate) const fn float(count: usize) -> f64 {
    count as f64
}

/// `1.23 ×`
pub(crate) fn times(ratio: f64) -> String {
    format!("{ratio:.2} ×")
}
