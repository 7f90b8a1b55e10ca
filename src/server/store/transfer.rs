//! Everything that a database holds, row by row: for the way from one database to another.

use crate::server::Unavailable;
use async_trait::async_trait;
use uuid::Uuid;

/// The type of a column, in either database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Id,
    Bytes,
    Text,
    Whole,
    Truth,
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

/// One value of a row; `None` where the column is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Id(Option<Uuid>),
    Bytes(Option<Vec<u8>>),
    Text(Option<String>),
    Whole(Option<i64>),
    Truth(Option<bool>),
}

/// One row: its table, and a value for each column in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub table: &'static Table,
    pub values: Vec<Value>,
}

/// The whole of a database, out and in.
#[async_trait]
pub trait Transfer: Send + Sync {
    /// How many rows there are in all tables.
    async fn count_rows(&self) -> Result<u64, Unavailable>;

    /// Passes every row of a consistent snapshot to `take`; returns the number of rows.
    ///
    /// # Errors
    /// When the database is away, or `take` failed.
    async fn hand_out(
        &self,
        take: &mut (dyn FnMut(Line) -> Result<(), Unavailable> + Send),
    ) -> Result<u64, Unavailable>;

    /// Writes every row that `give` gives, all of them or none; tells how many.
    ///
    /// # Errors
    /// When the database is away or does not take a row, or `give` failed.
    async fn take_in(
        &self,
        give: &mut (dyn FnMut() -> Result<Option<Line>, Unavailable> + Send),
    ) -> Result<u64, Unavailable>;
}
