//! Rows into values. A row that does not parse was not written by this program: an outage with its cause, not a guess.

use super::super::Database;
use super::unavailable;
use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::model::email_request::{EmailRequest, OpenRequest, Purpose, RequestId};
use crate::server::model::notification::{Notification, NotificationId, Occasion, SentNotification};
use crate::server::model::outbox::{About, Claim, ClaimedEmail, EmailId};
use crate::server::model::session::Method;
use crate::server::model::{
    AddedWith, CredentialId, Event, EventId, EventKind, Invitation, InvitationId, KnownBrowser, Lockdown, Passkey,
    Session, SessionId, User, UserId,
};
use crate::server::secret::TokenHash;
use crate::server::store::{AccountSummary, MailboxEmail};
use crate::types::{DisplayName, EmailAddress, Identifier, Language, Next, Username, views};
use sqlx::{ColumnIndex, Database as _, Decode, Row, Type};
use std::time::Duration;
use uuid::Uuid;

pub type DatabaseRow = <Database as sqlx::Database>::Row;

pub fn get<'r, T>(row: &'r DatabaseRow, column: &'static str) -> Result<T, Unavailable>
where
    T: Decode<'r, Database> + Type<Database>,
    &'static str: ColumnIndex<DatabaseRow>,
{
    row.try_get(column).map_err(unavailable)
}

fn broken(column: &'static str) -> Unavailable {
    Unavailable::new("database", format!("{} column {column} holds what it cannot hold", Database::NAME))
}

fn time(row: &DatabaseRow, column: &'static str) -> Result<Timestamp, Unavailable> {
    get(row, column).map(Timestamp::from_unix_millis)
}

fn maybe_time(row: &DatabaseRow, column: &'static str) -> Result<Option<Timestamp>, Unavailable> {
    Ok(get::<Option<i64>>(row, column)?.map(Timestamp::from_unix_millis))
}

/// Reads the owner from columns named as in the queries of this module.
pub fn user(row: &DatabaseRow) -> Result<User, Unavailable> {
    let email = get::<Option<&str>>(row, "email")?.map(EmailAddress::parse);
    Ok(User {
        id: UserId(get(row, "user_id")?),
        username: Username::parse(get(row, "username")?).map_err(|_| broken("username"))?,
        display_name: DisplayName::parse(get(row, "display_name")?).map_err(|_| broken("display_name"))?,
        email: email.transpose().map_err(|_| broken("email"))?,
        email_verified: get(row, "email_verified")?,
        created_at: time(row, "user_created_at")?,
        username_changed_at: maybe_time(row, "username_changed_at")?,
        lockdown: lockdown(row)?,
        disabled_at: maybe_time(row, "disabled_at")?,
        language: language(row)?,
    })
}

fn lockdown(row: &DatabaseRow) -> Result<Option<Lockdown>, Unavailable> {
    let ends_at = maybe_time(row, "lockdown_ends_at")?;
    Ok(maybe_time(row, "guarded_since")?.map(|since| Lockdown { since, ends_at }))
}

pub fn passkey(credential_id: CredentialId, row: &DatabaseRow) -> Result<Passkey, Unavailable> {
    Ok(Passkey {
        credential_id,
        user_id: UserId(get(row, "user_id")?),
        rp_id: get(row, "rp_id")?,
        name: get(row, "name")?,
        record: get(row, "record")?,
        record_version: get(row, "record_version")?,
        aaguid: get(row, "aaguid")?,
        transports: get(row, "transports")?,
        backup_eligible: get(row, "backup_eligible")?,
        backed_up: get(row, "backed_up")?,
        sign_count: whole(row, "sign_count")?,
        created_at: time(row, "passkey_created_at")?,
        last_used_at: maybe_time(row, "last_used_at")?,
        last_used_on: views::Client { browser: get(row, "last_used_browser")?, system: get(row, "last_used_system")? },
        added_with: AddedWith::parse(get(row, "added_with")?).ok_or_else(|| broken("added_with"))?,
        suspended_at: maybe_time(row, "suspended_at")?,
    })
}

/// As [`passkey`], where the row also holds its name.
pub fn passkey_with_id(row: &DatabaseRow) -> Result<Passkey, Unavailable> {
    let id = CredentialId::new(get(row, "credential_id")?).ok_or_else(|| broken("credential_id"))?;
    passkey(id, row)
}

/// A method as its two columns hold it.
pub fn method_columns(method: &Method) -> (&'static str, Option<&[u8]>) {
    let id = match method {
        Method::Passkey(id) => Some(id.as_bytes()),
        Method::Email | Method::Recovery | Method::BreakGlass => None,
    };
    (method.name(), id)
}

pub fn session(token_hash: TokenHash, row: &DatabaseRow) -> Result<Session, Unavailable> {
    let credential_id = get::<Option<Vec<u8>>>(row, "credential_id")?.and_then(CredentialId::new);
    let method = match (get::<&str>(row, "method")?, credential_id) {
        ("passkey", Some(id)) => Method::Passkey(id),
        ("email", None) => Method::Email,
        ("recovery", None) => Method::Recovery,
        ("sign-in-link", None) => Method::BreakGlass,
        _ => return Err(broken("method")),
    };
    let idle = u64::try_from(get::<i64>(row, "idle_millis")?).map_err(|_| broken("idle_millis"))?;
    Ok(Session {
        id: SessionId(get(row, "id")?),
        user_id: UserId(get(row, "user_id")?),
        token_hash,
        method,
        user_verified: get(row, "user_verified")?,
        authenticated_at: time(row, "authenticated_at")?,
        created_at: time(row, "session_created_at")?,
        last_seen_at: time(row, "last_seen_at")?,
        ends_at: time(row, "ends_at")?,
        idle: Duration::from_millis(idle),
        client: client(row)?,
        offers_passkey: get(row, "offers_passkey")?,
        added_passkey: get(row, "added_passkey")?,
        kept: get(row, "kept")?,
    })
}

/// As [`session`], where the row also holds its hash.
pub fn session_with_hash(row: &DatabaseRow) -> Result<Session, Unavailable> {
    session(TokenHash(hash(row, "token_hash")?), row)
}

pub fn client(row: &DatabaseRow) -> Result<views::Client, Unavailable> {
    Ok(views::Client { browser: get(row, "browser")?, system: get(row, "system")? })
}

fn whole(row: &DatabaseRow, column: &'static str) -> Result<u32, Unavailable> {
    u32::try_from(get::<i64>(row, column)?).map_err(|_| broken(column))
}

fn hash(row: &DatabaseRow, column: &'static str) -> Result<[u8; 32], Unavailable> {
    get::<&[u8]>(row, column)?.try_into().map_err(|_| broken(column))
}

fn language(row: &DatabaseRow) -> Result<Language, Unavailable> {
    Language::parse(get(row, "language")?).ok_or_else(|| broken("language"))
}

fn maybe_hash(row: &DatabaseRow, column: &'static str) -> Result<Option<TokenHash>, Unavailable> {
    let bytes = get::<Option<&[u8]>>(row, column)?.map(TryInto::try_into).transpose().map_err(|_| broken(column))?;
    Ok(bytes.map(TokenHash))
}

/// What the column holds, which this kind of row always has.
fn required<'r, T>(row: &'r DatabaseRow, column: &'static str) -> Result<T, Unavailable>
where
    Option<T>: Decode<'r, Database> + Type<Database>,
{
    get::<Option<T>>(row, column)?.ok_or_else(|| broken(column))
}

/// Reads a request and what became of it.
pub fn request(row: &DatabaseRow) -> Result<OpenRequest, Unavailable> {
    let address = get::<Option<&str>>(row, "address")?.map(EmailAddress::parse);
    let address = address.transpose().map_err(|_| broken("address"))?;
    let user = get::<Option<Uuid>>(row, "user_id")?.map(UserId);
    let code_hash = get::<Option<Vec<u8>>>(row, "code_hash")?.map(TryFrom::try_from).transpose();
    Ok(OpenRequest {
        request: EmailRequest {
            id: RequestId(get(row, "id")?),
            purpose: purpose(row, user, address.as_ref())?,
            browser: TokenHash(hash(row, "browser_hash")?),
            next: Next::or_account(Some(get(row, "next")?)),
            client: client(row)?,
            language: language(row)?,
            created_at: time(row, "created_at")?,
            expires_at: time(row, "expires_at")?,
        },
        recipient: user.zip(address),
        code_hash: code_hash.map_err(|_| broken("code_hash"))?,
        tries_left: whole(row, "tries_left")?,
    })
}

fn purpose(row: &DatabaseRow, user: Option<UserId>, address: Option<&EmailAddress>) -> Result<Purpose, Unavailable> {
    let address = || address.cloned().ok_or_else(|| broken("address"));
    match get::<&str>(row, "purpose")? {
        "sign-in" => Ok(Purpose::SignIn {
            identifier: Identifier::parse(required(row, "identifier")?).map_err(|_| broken("identifier"))?,
            known: get::<Option<Uuid>>(row, "known_user_id")?.map(UserId),
        }),
        "sign-up" => Ok(Purpose::SignUp {
            username: Username::parse(required(row, "username")?).map_err(|_| broken("username"))?,
            display_name: DisplayName::parse(required(row, "display_name")?).map_err(|_| broken("display_name"))?,
            address: address()?,
            invitation: maybe_hash(row, "invitation_hash")?,
        }),
        "break-glass" => Ok(Purpose::BreakGlass { user: user.ok_or_else(|| broken("user_id"))? }),
        "reauthenticate" => Ok(Purpose::Reauthenticate {
            user: user.ok_or_else(|| broken("user_id"))?,
            session: SessionId(required(row, "session_id")?),
            address: address()?,
        }),
        "confirm" => Ok(Purpose::Confirm {
            user: user.ok_or_else(|| broken("user_id"))?,
            session: SessionId(required(row, "session_id")?),
            address: address()?,
        }),
        _ => Err(broken("purpose")),
    }
}

/// A letter that was just claimed, with what it is about.
pub fn claimed(claim: Claim, row: &DatabaseRow, about: About) -> Result<ClaimedEmail, Unavailable> {
    Ok(ClaimedEmail {
        id: EmailId(get(row, "id")?),
        claim,
        created_at: time(row, "created_at")?,
        not_after: time(row, "not_after")?,
        attempts: whole(row, "attempts")?,
        about,
    })
}

pub fn mailbox_email(row: &DatabaseRow) -> Result<MailboxEmail, Unavailable> {
    Ok(MailboxEmail {
        id: EmailId(get(row, "id")?),
        recipient: get(row, "recipient")?,
        subject: get(row, "subject")?,
        text: get(row, "text")?,
        html: get(row, "html")?,
        sent_at: time(row, "sent_at")?,
    })
}

pub fn known_browser(token_hash: TokenHash, row: &DatabaseRow) -> Result<KnownBrowser, Unavailable> {
    Ok(KnownBrowser {
        token_hash,
        user_id: UserId(get(row, "user_id")?),
        expires_at: time(row, "expires_at")?,
        declined_until: maybe_time(row, "declined_until")?,
        recognised: get(row, "recognised")?,
    })
}

/// As [`known_browser`], where the row also holds its hash.
pub fn known_browser_with_hash(row: &DatabaseRow) -> Result<KnownBrowser, Unavailable> {
    known_browser(TokenHash(hash(row, "token_hash")?), row)
}

pub fn event(row: &DatabaseRow) -> Result<Event, Unavailable> {
    Ok(Event {
        id: EventId(get(row, "id")?),
        user_id: UserId(get(row, "user_id")?),
        kind: EventKind::parse(get(row, "kind")?).ok_or_else(|| broken("kind"))?,
        at: time(row, "at")?,
        client: client(row)?,
        detail: get(row, "detail")?,
    })
}

pub fn security_letter(row: &DatabaseRow) -> Result<Notification, Unavailable> {
    Ok(Notification {
        id: NotificationId(get(row, "id")?),
        user_id: get::<Option<Uuid>>(row, "user_id")?.map(UserId),
        occasion: Occasion::parse(get(row, "occasion")?).ok_or_else(|| broken("occasion"))?,
        detail: get(row, "detail")?,
        address: EmailAddress::parse(get(row, "address")?).map_err(|_| broken("address"))?,
        name: DisplayName::parse(get(row, "name")?).map_err(|_| broken("name"))?,
        language: language(row)?,
        can_undo: get(row, "can_undo")?,
        client: client(row)?,
        happened_at: time(row, "happened_at")?,
        expires_at: time(row, "expires_at")?,
    })
}

pub fn sent_notification(row: &DatabaseRow) -> Result<SentNotification, Unavailable> {
    Ok(SentNotification {
        letter: security_letter(row)?,
        answered_at: maybe_time(row, "answered_at")?,
        undone_at: maybe_time(row, "undone_at")?,
    })
}

pub fn notification_count(row: &DatabaseRow) -> Result<(Occasion, bool, u32), Unavailable> {
    let occasion = Occasion::parse(get(row, "occasion")?).ok_or_else(|| broken("occasion"))?;
    Ok((occasion, get(row, "can_undo")?, whole(row, "sent")?))
}

pub fn account_summary(row: &DatabaseRow) -> Result<AccountSummary, Unavailable> {
    Ok(AccountSummary {
        user: user(row)?,
        passkeys: whole(row, "passkeys")?,
        sessions: whole(row, "sessions")?,
        last_seen_at: maybe_time(row, "seen_at")?,
    })
}

pub fn invitation(row: &DatabaseRow) -> Result<Invitation, Unavailable> {
    Ok(Invitation {
        id: InvitationId(get(row, "id")?),
        link_hash: TokenHash(hash(row, "link_hash")?),
        note: get(row, "note")?,
        uses_left: whole(row, "uses_left")?,
        created_at: time(row, "created_at")?,
        expires_at: time(row, "expires_at")?,
    })
}

/// A span as its column holds it.
pub fn millis(span: std::time::Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}
