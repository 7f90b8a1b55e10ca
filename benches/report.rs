//! Results as tables and as JSON.

use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// One row: what was measured, and its columns.
pub struct Row {
    pub what: String,
    pub columns: Vec<(&'static str, f64)>,
}

/// All tables of one part.
pub struct Report {
    folder: PathBuf,
    tables: Vec<(String, Vec<Row>)>,
}

impl Report {
    pub fn new(folder: PathBuf) -> Self {
        println!("{}, commit {}", machine(), commit());
        Self { folder, tables: Vec::new() }
    }

    /// Prints a table and keeps it for [`Report::save`].
    pub fn table(&mut self, title: &str, rows: Vec<Row>) {
        let Some(first) = rows.first() else { return };
        let mut lines = vec![first.columns.iter().map(|(name, _)| (*name).to_owned()).collect::<Vec<_>>()];
        lines.extend(rows.iter().map(|row| row.columns.iter().map(|(_, number)| written(*number)).collect()));
        let names: Vec<_> = std::iter::once(title).chain(rows.iter().map(|row| row.what.as_str())).collect();
        let width = |cells: &mut dyn Iterator<Item = &str>| cells.map(|cell| cell.chars().count()).max().unwrap_or(0);
        let first_width = width(&mut names.iter().copied());
        let widths: Vec<_> =
            (0..first.columns.len()).map(|column| width(&mut lines.iter().map(|line| line[column].as_str()))).collect();
        println!();
        for (number, (name, cells)) in names.iter().zip(&lines).enumerate() {
            let cells: Vec<_> = cells.iter().zip(&widths).map(|(cell, width)| format!(" {cell:>width$} |")).collect();
            println!("| {name:first_width$} |{}", cells.concat());
            if number == 0 {
                let rule: Vec<_> = widths.iter().map(|width| format!("-{:->width$}:|", "")).collect();
                println!("|-{:-<first_width$}-|{}", "", rule.concat());
            }
        }
        self.tables.push((title.to_owned(), rows));
    }

    /// Writes every table to `<folder>/<title>.json`.
    pub fn save(&self) {
        std::fs::create_dir_all(&self.folder).unwrap();
        for (title, rows) in &self.tables {
            let rows: Vec<_> = rows.iter().map(json_row).collect();
            let all = json!({ "machine": machine(), "commit": commit(), "table": title, "rows": rows });
            let name = title.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
            let path = self.folder.join(format!("{}.json", name.to_lowercase()));
            std::fs::write(&path, serde_json::to_vec_pretty(&all).unwrap()).unwrap();
            println!("saved as {}", path.display());
        }
    }
}

fn json_row(row: &Row) -> Value {
    let columns = row.columns.iter().map(|(name, number)| ((*name).to_owned(), json!(number)));
    json!({ "what": row.what, "columns": columns.collect::<serde_json::Map<_, _>>() })
}

/// Three significant figures; empty if not measured.
fn written(number: f64) -> String {
    match number.abs() {
        _ if number.is_nan() => String::new(),
        size if size >= 100.0 || size == 0.0 => format!("{number:.0}"),
        size if size >= 10.0 => format!("{number:.1}"),
        size if size >= 1.0 => format!("{number:.2}"),
        _ => format!("{number:.3}"),
    }
}

/// A duration in milliseconds.
pub fn millis(span: Duration) -> f64 {
    span.as_secs_f64() * 1_000.0
}

/// The quantile of sorted times, in milliseconds.
pub fn quantile(sorted: &[Duration], share: f64) -> f64 {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an index"
    )]
    let place = ((sorted.len() as f64 * share).ceil() as usize).clamp(1, sorted.len()) - 1;
    millis(sorted[place])
}

/// The median.
pub fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

fn machine() -> String {
    let model = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = model.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{} cores of {}", cores, model.trim_start_matches([' ', '\t', ':']))
}

fn commit() -> String {
    let asked = Command::new("git").args(["describe", "--always", "--dirty"]).current_dir(Path::new(".")).output();
    asked.ok().map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}
