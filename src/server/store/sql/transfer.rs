use super::super::dialect::{Database, Dialect};
use super::SqlStore;
use super::row::{DatabaseRow, get};
use crate::server::Unavailable;
use crate::server::store::{Column, Kind, Line, TABLES, Transfer, Value};
use async_trait::async_trait;
use futures_util::TryStreamExt;
use sqlx::{AssertSqlSafe, query};

fn value(row: &DatabaseRow, column: &Column) -> Result<Value, Unavailable> {
    Ok(match column.kind {
        Kind::Id => Value::Id(get(row, column.name)?),
        Kind::Bytes => Value::Bytes(get(row, column.name)?),
        Kind::Text => Value::Text(get(row, column.name)?),
        Kind::Integer => Value::Integer(get(row, column.name)?),
        Kind::Boolean => Value::Boolean(get(row, column.name)?),
    })
}

#[async_trait]
impl Transfer for SqlStore {
    async fn count_rows(&self) -> Result<u64, Unavailable> {
        let mut all = 0;
        for table in TABLES {
            let text = format!("select count(*) from {}", table.name);
            all += self.count(query(AssertSqlSafe(text))).await?;
        }
        Ok(all)
    }

    async fn export_rows(
        &self,
        take: &mut (dyn FnMut(Line) -> Result<(), Unavailable> + Send),
    ) -> Result<u64, Unavailable> {
        let mut snapshot =
            self.pools.read.begin_with(Dialect::BEGIN_SNAPSHOT).await.map_err(|cause| self.failed(cause))?;
        let mut count = 0;
        for table in TABLES {
            let mut rows = query::<Database>(AssertSqlSafe(table.select())).fetch(&mut *snapshot);
            while let Some(row) = rows.try_next().await.map_err(|cause| self.failed(cause))? {
                let values = table.columns.iter().map(|column| value(&row, column)).collect::<Result<_, _>>()?;
                take(Line { table, values })?;
                count += 1;
            }
        }
        Ok(count)
    }

    async fn import_rows(
        &self,
        give: &mut (dyn FnMut() -> Result<Option<Line>, Unavailable> + Send),
    ) -> Result<u64, Unavailable> {
        let mut transaction = self.pools.write.begin_with(Dialect::BEGIN).await.map_err(|cause| self.failed(cause))?;
        let mut count = 0;
        while let Some(Line { table, values }) = give()? {
            let mut insert = query::<Database>(AssertSqlSafe(table.insert()));
            for value in values {
                insert = match value {
                    Value::Id(value) => insert.bind(value),
                    Value::Bytes(value) => insert.bind(value),
                    Value::Text(value) => insert.bind(value),
                    Value::Integer(value) => insert.bind(value),
                    Value::Boolean(value) => insert.bind(value),
                };
            }
            insert.execute(&mut *transaction).await.map_err(|cause| self.failed(cause))?;
            count += 1;
        }
        transaction.commit().await.map_err(|cause| self.failed(cause))?;
        Ok(count)
    }
}
