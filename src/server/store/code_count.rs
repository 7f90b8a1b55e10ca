use crate::server::Unavailable;
use crate::server::model::ApplicationId;
use crate::server::model::oauth::code_count::CodeCount;
use async_trait::async_trait;

/// Counts of authorization codes.
#[async_trait]
pub trait CodeCounts: Send + Sync {
    /// Adds to an application's counts for a day (days since 1970); does nothing if the application was removed.
    async fn add_code_count(&self, application: &ApplicationId, day: i64, count: CodeCount) -> Result<(), Unavailable>;

    /// Counts of each application since a day, ordered by id; applications without codes are left out.
    async fn code_counts(&self, since: i64) -> Result<Vec<(ApplicationId, CodeCount)>, Unavailable>;

    /// Removes counts of days before `before`, at most `limit`, and returns how many.
    async fn remove_old_code_counts(&self, before: i64, limit: u32) -> Result<u64, Unavailable>;
}
