//! Exports and imports all rows of a database, to move from one database to another.

use crate::server::Unavailable;
use async_trait::async_trait;
use uuid::Uuid;

/// The type of a column, in either database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Id,
    Bytes,
    Text,
    Integer,
    Boolean,
}

/// A column by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    pub name: &'static str,
    pub kind: Kind,
}

/// A table and all of its columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table {
    pub name: &'static str,
    pub columns: &'static [Column],
}

impl Table {
    /// `a, b, c`: constant names, never user input.
    fn list(&self) -> String {
        self.columns.iter().map(|column| column.name).collect::<Vec<_>>().join(", ")
    }

    /// Reads all rows.
    #[must_use]
    pub fn select(&self) -> String {
        format!("select {} from {}", self.list(), self.name)
    }

    /// Writes one row.
    #[must_use]
    pub fn insert(&self) -> String {
        let places = (1..=self.columns.len()).map(|place| format!("${place}")).collect::<Vec<_>>().join(", ");
        format!("insert into {} ({}) values ({places})", self.name, self.list())
    }
}

/// One value of a row; `None` if the column is null.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Id(Option<Uuid>),
    Bytes(Option<Vec<u8>>),
    Text(Option<String>),
    Integer(Option<i64>),
    Boolean(Option<bool>),
}

/// One row: its table, and a value for each column, in column order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub table: &'static Table,
    pub values: Vec<Value>,
}

/// Export and import of a whole database.
#[async_trait]
pub trait Transfer: Send + Sync {
    /// Counts the rows of all tables.
    async fn count_rows(&self) -> Result<u64, Unavailable>;

    /// Passes every row of a consistent snapshot to `take`; returns the number of rows.
    ///
    /// # Errors
    /// When the database is unavailable, or `take` fails.
    async fn export_rows(
        &self,
        take: &mut (dyn FnMut(Line) -> Result<(), Unavailable> + Send),
    ) -> Result<u64, Unavailable>;

    /// Writes all rows that `give` returns, or none; returns the number of rows.
    ///
    /// # Errors
    /// When the database is unavailable or rejects a row, or `give` fails.
    async fn import_rows(
        &self,
        give: &mut (dyn FnMut() -> Result<Option<Line>, Unavailable> + Send),
    ) -> Result<u64, Unavailable>;
}
