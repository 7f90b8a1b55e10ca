use super::SqlStore;
use super::row::{DatabaseRow, application_id, get};
use crate::server::Unavailable;
use crate::server::model::ApplicationId;
use crate::server::model::oauth::code_count::CodeCount;
use crate::server::store::CodeCounts;
use async_trait::async_trait;
use sqlx::query;

#[async_trait]
impl CodeCounts for SqlStore {
    async fn add_code_count(&self, application: &ApplicationId, day: i64, count: CodeCount) -> Result<(), Unavailable> {
        let statement = query(concat!(
            "insert into code_counts (",
            code_count_columns!(""),
            ") select ",
            code_count_values!(application_id = "id", day = "$2", issued = "$3", presented = "$4"),
            " from applications where id = $1 on conflict (application_id, day) do update \
             set issued = code_counts.issued + excluded.issued, presented = code_counts.presented + excluded.presented"
        ));
        let counts = [count.issued, count.presented].map(|count| i64::try_from(count).unwrap_or(i64::MAX));
        self.run(statement.bind(application.as_str()).bind(day).bind(counts[0]).bind(counts[1])).await.map(drop)
    }

    async fn code_counts(&self, since: i64) -> Result<Vec<(ApplicationId, CodeCount)>, Unavailable> {
        let statement = query(
            "select application_id, cast(sum(issued) as bigint) as issued, cast(sum(presented) as bigint) as presented \
             from code_counts where day >= $1 group by application_id order by application_id",
        );
        let count = |row: &DatabaseRow, column| get::<i64>(row, column).map(i64::unsigned_abs);
        let rows = self.all(statement.bind(since)).await?;
        let read = |row| {
            let counted = CodeCount { issued: count(row, "issued")?, presented: count(row, "presented")? };
            Ok((application_id(row)?, counted))
        };
        rows.iter().map(read).collect()
    }

    async fn remove_old_code_counts(&self, before: i64, limit: u32) -> Result<u64, Unavailable> {
        let text = "delete from code_counts where (application_id, day) in \
                    (select application_id, day from code_counts where day < $1 limit $2)";
        self.remove(text, before, limit).await
    }
}
