use super::Statement;
use crate::server::clock::Timestamp;
use sqlx::query;
use uuid::Uuid;

/// A new row of the queue: an email, or a logout notice.
pub struct QueueRow {
    pub id: Uuid,
    pub kind: &'static str,
    /// The request or the notification that an email is about.
    pub subject: Option<Uuid>,
    /// The data of a row that has no subject, as JSON.
    pub payload: Option<String>,
    pub created_at: Timestamp,
    /// When it stops being useful.
    pub not_after: Timestamp,
}

impl QueueRow {
    /// The statement that adds the row, due at once.
    pub fn insert(self) -> Statement<'static> {
        query(concat!(
            "insert into outbox (",
            outbox_columns!(""),
            ") values (",
            outbox_values!(
                id = "$1",
                kind = "$2",
                subject_id = "$3",
                payload = "$4",
                created_at = "$5",
                not_after = "$6",
                due_at = "$5",
                attempts = "0",
                claim = "null",
                claimed_until = "null",
                handed_over_at = "null",
            ),
            ")"
        ))
        .bind(self.id)
        .bind(self.kind)
        .bind(self.subject)
        .bind(self.payload)
        .bind(self.created_at.unix_millis())
        .bind(self.not_after.unix_millis())
    }
}
