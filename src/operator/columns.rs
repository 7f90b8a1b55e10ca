//! Plain-text tables for the terminal.

use std::fmt;

/// A table whose rows have the same number of cells. Each column is as wide as its longest cell.
pub struct TextTable {
    rows: Vec<Vec<String>>,
}

impl TextTable {
    pub fn new() -> Self {
        Self { rows: Vec::new() }
    }

    pub fn headed<const N: usize>(header: [&str; N]) -> Self {
        let mut columns = Self::new();
        columns.add(header.map(str::to_owned));
        columns
    }

    pub fn add<const N: usize>(&mut self, row: [String; N]) {
        self.rows.push(Vec::from(row));
    }
}

impl fmt::Display for TextTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.rows.first().map_or(0, Vec::len);
        let width = |column: usize| self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
        let widths: Vec<_> = (0..count).map(width).collect();
        for (number, row) in self.rows.iter().enumerate() {
            let cells: Vec<_> = row.iter().zip(&widths).map(|(cell, width)| format!(" {cell:width$}")).collect();
            write!(f, "{}{}", if number == 0 { "" } else { "\n" }, cells.join(" ").trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_longest_cell() {
        let mut columns = TextTable::headed(["name", "passkeys"]);
        columns.add(["ada".to_owned(), "1".to_owned()]);
        columns.add(["Émilie du Châtelet".to_owned(), "12".to_owned()]);
        let lines = [" name                passkeys", " ada                 1", " Émilie du Châtelet  12"];
        assert_eq!(columns.to_string(), lines.join("\n"));
        assert_eq!(TextTable::new().to_string(), "");
    }
}
