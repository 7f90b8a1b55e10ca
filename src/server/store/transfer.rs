//! Everything that a database holds, row by row: for the way from one database to another.

use crate::server::Unavailable;
use async_trait::async_trait;
use uuid::Uuid;

/// What a column holds, in either database.
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
    /// `a, b, c`: names of our own, and nothing that anybody typed.
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

macro_rules! tables {
    ($($table:ident { $($kind:ident: $($column:ident)*;)* })*) => {
        /// All tables but the development mailbox, in an order in which each row finds what it refers to.
        pub const TABLES: &[Table] = &[$(Table {
            name: stringify!($table),
            columns: &[$($(Column { name: stringify!($column), kind: Kind::$kind },)*)*],
        },)*];
    };
}

tables! {
    users {
        Id: id;
        Text: username username_key display_name email email_key;
        Truth: email_verified;
        Whole: created_at username_changed_at guarded_since lockdown_ends_at disabled_at deleted_at;
        Text: language restored_email_key;
        Whole: restored_change_at;
    }
    passkeys {
        Bytes: credential_id;
        Id: user_id;
        Text: rp_id record;
        Whole: record_version;
        Id: aaguid;
        Text: transports;
        Truth: backup_eligible backed_up;
        Whole: sign_count created_at last_used_at;
        Text: name added_with;
        Whole: suspended_at;
        Text: last_used_browser last_used_system;
    }
    sessions {
        Id: id user_id;
        Bytes: token_hash;
        Text: method;
        Bytes: credential_id;
        Truth: user_verified;
        Whole: authenticated_at created_at last_seen_at ends_at idle_millis;
        Text: browser system;
        Truth: offers_passkey added_passkey kept;
    }
    known_browsers {
        Bytes: token_hash;
        Id: user_id;
        Whole: expires_at declined_until;
        Truth: recognised;
    }
    recovery_codes {
        Bytes: code_hash;
        Id: user_id;
        Whole: created_at;
    }
    held_usernames {
        Bytes: name_hash;
        Id: user_id;
        Whole: held_until;
    }
    invitations {
        Id: id;
        Bytes: link_hash;
        Text: note;
        Whole: uses_left created_at expires_at;
    }
    events {
        Id: id user_id;
        Text: kind;
        Whole: at;
        Text: browser system detail;
    }
    security_letters {
        Id: id user_id;
        Text: occasion detail address address_key name;
        Truth: can_undo;
        Text: browser system;
        Bytes: link_hash;
        Whole: happened_at expires_at answered_at undone_at;
        Text: language;
    }
    letter_requests {
        Id: id;
        Text: purpose;
        Bytes: browser_hash;
        Id: session_id user_id known_user_id;
        Text: identifier username display_name address address_key next browser system;
        Bytes: link_hash code_hash;
        Whole: tries_left created_at expires_at;
        Bytes: invitation_hash;
        Text: language;
    }
    letters {
        Id: id request_id security_letter_id;
        Whole: created_at not_after due_at attempts;
        Id: claim;
        Whole: claimed_until handed_over_at;
    }
}

/// The whole of a database, out and in.
#[async_trait]
pub trait Transfer: Send + Sync {
    /// How many rows there are in all tables.
    async fn count_rows(&self) -> Result<u64, Unavailable>;

    /// Hands over every row, as they all were at one moment; gives how many.
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
