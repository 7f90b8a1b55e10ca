use super::super::dialect::Dialect;
use super::email_queue::queue;
use super::row::{DatabaseRow, client, get, hash, invalid, language, maybe_address, maybe_hash, maybe_user, required};
use super::row::{get_u32, time};
use super::transaction::Transaction;
use super::{SqlStore, Statement};
use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::model::email_queue::{Kind, OutgoingEmail};
use crate::server::model::email_request::{EmailRequest, OpenRequest, Purpose, PurposeKind, RequestId, TRIES};
use crate::server::model::user::email_key;
use crate::server::model::{SessionId, UserId};
use crate::server::secret::TokenHash;
use crate::server::store::{EmailRequestReads, EmailRequestWrites, MAX_LISTED};
use crate::types::{DisplayName, EmailAddress, Identifier, Next, Username};
use async_trait::async_trait;
use sqlx::query;
use uuid::Uuid;

pub const REMOVE_OF_USER: &str =
    "delete from letter_requests where id in (select id from letter_requests where user_id = $1 limit $2)";

/// Reads the requests that match a condition.
macro_rules! select_request {
    ($condition:literal) => {
        concat!("select ", request_columns!(""), " from letter_requests where ", $condition)
    };
}

/// Reads a request with its current state.
pub fn request(row: &DatabaseRow) -> Result<OpenRequest, Unavailable> {
    let (user, address) = (maybe_user(row, "user_id")?, maybe_address(row, "address")?);
    let code_hash = get::<Option<Vec<u8>>>(row, "code_hash")?.map(TryFrom::try_from).transpose();
    Ok(OpenRequest {
        request: EmailRequest {
            id: RequestId(get(row, "id")?),
            purpose: purpose(row, user, address.as_ref())?,
            browser: hash(row, "browser_hash")?,
            next: Next::or_account(Some(get(row, "next")?)),
            client: client(row)?,
            language: language(row, "language")?,
            created_at: time(row, "created_at")?,
            expires_at: time(row, "expires_at")?,
        },
        recipient: user.zip(address),
        code_hash: code_hash.map_err(|_| invalid("code_hash"))?,
        tries_left: get_u32(row, "tries_left")?,
    })
}

fn purpose(row: &DatabaseRow, user: Option<UserId>, address: Option<&EmailAddress>) -> Result<Purpose, Unavailable> {
    let address = || address.cloned().ok_or_else(|| invalid("address"));
    let user = || user.ok_or_else(|| invalid("user_id"));
    let session = || Ok::<_, Unavailable>(SessionId(required(row, "session_id")?));
    Ok(match PurposeKind::parse(get(row, "purpose")?).ok_or_else(|| invalid("purpose"))? {
        PurposeKind::SignIn => Purpose::SignIn {
            identifier: Identifier::parse(required(row, "identifier")?).map_err(|_| invalid("identifier"))?,
            known: maybe_user(row, "known_user_id")?,
        },
        PurposeKind::SignUp => Purpose::SignUp {
            username: Username::parse(required(row, "username")?).map_err(|_| invalid("username"))?,
            display_name: DisplayName::parse(required(row, "display_name")?).map_err(|_| invalid("display_name"))?,
            address: address()?,
            invitation: maybe_hash(row, "invitation_hash")?,
        },
        PurposeKind::BreakGlass => Purpose::BreakGlass { user: user()? },
        PurposeKind::Reauthenticate => {
            Purpose::Reauthenticate { user: user()?, session: session()?, address: address()? }
        }
        PurposeKind::Confirm => Purpose::Confirm { user: user()?, session: session()?, address: address()? },
    })
}

/// The column values of a purpose.
#[derive(Default)]
struct Columns<'a> {
    session: Option<Uuid>,
    user: Option<Uuid>,
    known: Option<Uuid>,
    identifier: Option<&'a Identifier>,
    username: Option<&'a Username>,
    display_name: Option<&'a DisplayName>,
    address: Option<&'a EmailAddress>,
    invitation: Option<&'a TokenHash>,
}

impl<'a> Columns<'a> {
    fn of(purpose: &'a Purpose) -> Self {
        match purpose {
            Purpose::SignIn { identifier, known } => {
                Self { identifier: Some(identifier), known: known.map(|user| user.0), ..Self::default() }
            }
            Purpose::BreakGlass { user } => Self { user: Some(user.0), ..Self::default() },
            Purpose::SignUp { username, display_name, address, invitation } => Self {
                invitation: invitation.as_ref(),
                username: Some(username),
                display_name: Some(display_name),
                address: Some(address),
                ..Self::default()
            },
            Purpose::Confirm { user, session, address } | Purpose::Reauthenticate { user, session, address } => {
                Self { user: Some(user.0), session: Some(session.0), address: Some(address), ..Self::default() }
            }
        }
    }
}

/// Inserts a request; `link` is set if no email contains it.
fn insert<'q>(request: &'q EmailRequest, link: Option<&'q TokenHash>) -> Statement<'q> {
    let columns = Columns::of(&request.purpose);
    query(concat!(
        "insert into letter_requests (",
        request_columns!(""),
        ") values (",
        request_values!(
            id = "$1",
            purpose = "$2",
            browser_hash = "$3",
            session_id = "$4",
            user_id = "$5",
            known_user_id = "$6",
            identifier = "$7",
            username = "$8",
            display_name = "$9",
            address = "$10",
            address_key = "$11",
            next = "$12",
            browser = "$13",
            system = "$14",
            link_hash = "$15",
            code_hash = "null",
            tries_left = "$16",
            created_at = "$17",
            expires_at = "$18",
            invitation_hash = "$19",
            language = "$20",
        ),
        ")"
    ))
    .bind(request.id.0)
    .bind(request.purpose.name())
    .bind(&request.browser.0[..])
    .bind(columns.session)
    .bind(columns.user)
    .bind(columns.known)
    .bind(columns.identifier.map(Identifier::as_str))
    .bind(columns.username.map(Username::as_str))
    .bind(columns.display_name.map(DisplayName::as_str))
    .bind(columns.address.map(EmailAddress::as_str))
    .bind(columns.address.and_then(email_key))
    .bind(request.next.as_str())
    .bind(request.client.browser.as_deref())
    .bind(request.client.system.as_deref())
    .bind(link.map(|hash| &hash.0[..]))
    .bind(i64::from(TRIES))
    .bind(request.created_at.unix_millis())
    .bind(request.expires_at.unix_millis())
    .bind(columns.invitation.map(|hash| &hash.0[..]))
    .bind(request.language.tag())
}

impl SqlStore {
    pub(super) async fn request(&self, id: RequestId) -> Result<Option<OpenRequest>, Unavailable> {
        self.one_request(query(select_request!("id = $1")).bind(id.0)).await
    }

    async fn one_request(&self, statement: Statement<'_>) -> Result<Option<OpenRequest>, Unavailable> {
        self.one(statement).await?.map(|row| request(&row)).transpose()
    }
}

#[async_trait]
impl EmailRequestReads for SqlStore {
    async fn request_by_link(&self, link: &TokenHash) -> Result<Option<OpenRequest>, Unavailable> {
        self.one_request(query(select_request!("link_hash = $1")).bind(&link.0[..])).await
    }

    async fn request_of_browser(&self, browser: &TokenHash) -> Result<Option<OpenRequest>, Unavailable> {
        let text =
            select_request!("browser_hash = $1 and purpose in ('sign-in', 'sign-up') order by created_at desc limit 1");
        self.one_request(query(text).bind(&browser.0[..])).await
    }

    async fn newest_request(&self, user: UserId, purpose: PurposeKind) -> Result<Option<OpenRequest>, Unavailable> {
        let text = select_request!("user_id = $1 and purpose = $2 order by created_at desc limit 1");
        self.one_request(query(text).bind(user.0).bind(purpose.name())).await
    }

    async fn requests_of_user(&self, user: UserId, now: Timestamp) -> Result<Vec<OpenRequest>, Unavailable> {
        let text = select_request!(
            "user_id = $1 and expires_at > $2 and tries_left > 0 order by created_at desc, id limit $3"
        );
        let statement = query(text).bind(user.0).bind(now.unix_millis()).bind(i64::from(MAX_LISTED));
        self.all(statement).await?.iter().map(request).collect()
    }

    async fn remove_expired_requests(&self, now: Timestamp, limit: u32) -> Result<u64, Unavailable> {
        let text = "delete from letter_requests where id in \
                    (select id from letter_requests where expires_at <= $1 order by expires_at limit $2)";
        self.remove(text, now.unix_millis(), limit).await
    }
}

#[async_trait]
impl EmailRequestWrites for Transaction {
    async fn add_request_with_email(
        &mut self,
        request: &EmailRequest,
        email: &OutgoingEmail,
    ) -> Result<(), Unavailable> {
        self.run(insert(request, None)).await?;
        self.has_queued = true;
        self.run(queue(Kind::Request, request.id.0, email)).await.map(drop)
    }

    async fn add_request_without_email(&mut self, request: &EmailRequest, link: &TokenHash) -> Result<(), Unavailable> {
        self.run(insert(request, Some(link))).await.map(drop)
    }

    async fn void_requests_of_browser_without_waiting(&mut self, browser: &TokenHash) -> Result<(), Unavailable> {
        let statement =
            query("delete from letter_requests where browser_hash = $1 and purpose in ('sign-in', 'sign-up')");
        self.run(statement.bind(&browser.0[..])).await.map(drop)
    }

    async fn void_requests_of_browser(&mut self, browser: &TokenHash) -> Result<(), Unavailable> {
        let number = browser.0.iter().take(8).fold(0_i64, |number, byte| (number << 8) | i64::from(*byte));
        self.run(query(Dialect::LOCK_NUMBER).bind(number)).await?;
        self.void_requests_of_browser_without_waiting(browser).await
    }

    async fn void_requests(&mut self, user: UserId, purpose: PurposeKind) -> Result<(), Unavailable> {
        let statement = query("delete from letter_requests where user_id = $1 and purpose = $2");
        self.run(statement.bind(user.0).bind(purpose.name())).await.map(drop)
    }

    async fn void_requests_of_user(&mut self, user: UserId) -> Result<(), Unavailable> {
        self.run(query("delete from letter_requests where user_id = $1").bind(user.0)).await.map(drop)
    }

    async fn use_attempt(&mut self, id: RequestId) -> Result<Option<u32>, Unavailable> {
        let statement = query(
            "update letter_requests set tries_left = tries_left - 1 where id = $1 and tries_left > 0 returning tries_left",
        );
        self.one(statement.bind(id.0)).await?.map(|row| get_u32(&row, "tries_left")).transpose()
    }

    async fn take_request(&mut self, id: RequestId) -> Result<bool, Unavailable> {
        Ok(self.run(query("delete from letter_requests where id = $1").bind(id.0)).await? == 1)
    }

    async fn count_open_requests(
        &mut self,
        user: UserId,
        except: RequestId,
        now: Timestamp,
    ) -> Result<u32, Unavailable> {
        let statement = query(
            "select count(*) from letter_requests where user_id = $1 and id <> $2 and expires_at > $3 and tries_left > 0 \
             and purpose in ('sign-in', 'sign-up') and (known_user_id is null or known_user_id <> $1)",
        );
        self.count(statement.bind(user.0).bind(except.0).bind(now.unix_millis())).await
    }

    async fn assign_request(&mut self, id: RequestId, user: UserId, address: &EmailAddress) -> Result<(), Unavailable> {
        let statement = query("update letter_requests set user_id = $2, address = $3, address_key = $4 where id = $1")
            .bind(id.0)
            .bind(user.0)
            .bind(address.as_str())
            .bind(email_key(address));
        self.run(statement).await.map(drop)
    }
}
