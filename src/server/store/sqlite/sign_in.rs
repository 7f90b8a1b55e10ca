//! A sign-in with a passkey: one insertion into a view, whose trigger does the rest. It costs one exchange with the thread
//! that SQLite runs on, where ten statements cost ten, and those who wait for each other share a commit.

use super::BUSY_TIMEOUT;
use super::dialect::Database;
use sqlx::error::ErrorKind;
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions, SqliteRow};
use sqlx::{Connection, Execute, SqliteConnection, query, query_with, raw_sql};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedMutexGuard, Semaphore, oneshot};
use tokio::time::timeout;

/// The connection for sign-ins. SQLite has one writer: other writers hold this meanwhile, since the file's own
/// lock is waited for by asking again and again, and the one who asks most often gets it.
///
/// Group commit: sign-ins that arrive during a write wait together and are written together, in one transaction
/// and with one wait for the disk.
#[derive(Clone)]
pub struct SignInWriter {
    options: SqliteConnectOptions,
    /// Nothing before the first sign-in, and after one that failed: the next one makes another.
    connection: Arc<tokio::sync::Mutex<Option<SqliteConnection>>>,
    waiting: Arc<Mutex<Vec<Waiting>>>,
    /// One at a time; closed with the store.
    checkpoints: Arc<Semaphore>,
}

/// No sign-in is written while this is held.
pub type Turn = OwnedMutexGuard<Option<SqliteConnection>>;

type Answer = Result<Option<SqliteRow>, sqlx::Error>;

struct Waiting {
    values: SqliteArguments,
    answer: oneshot::Sender<Answer>,
}

impl SignInWriter {
    pub fn on(options: SqliteConnectOptions) -> Self {
        Self { options, connection: Arc::default(), waiting: Arc::default(), checkpoints: Arc::new(Semaphore::new(1)) }
    }

    /// First come, first served.
    ///
    /// # Errors
    /// When it is not free for as long as a connection is waited for.
    pub async fn turn(&self) -> Result<Turn, sqlx::Error> {
        let turn = Arc::clone(&self.connection).lock_owned();
        timeout(BUSY_TIMEOUT, turn).await.map_err(|_| sqlx::Error::PoolTimedOut)
    }

    /// Answers when the admission, and the group that it went in with, is on the disk. Its text is [`RECORD`], or that
    /// with the begin or the end of the group's transaction. A sign-in that is dropped before its group's turn leaves
    /// nothing.
    ///
    /// # Errors
    /// As the query; as the group, when the file is to blame; when there is no answer for as long as a connection is waited for.
    pub async fn run(&self, mut query: Query<'_, Database, SqliteArguments>) -> Answer {
        let values = query.take_arguments().map_err(sqlx::Error::Encode)?.unwrap_or_default();
        let (answer, answered) = oneshot::channel();
        if self.enqueue(Waiting { values, answer }) == 1 {
            // In a task of its own: the one who came first may give up, and the others still go in.
            let sign_in_writer = self.clone();
            tokio::spawn(async move { sign_in_writer.let_in().await });
        }
        let answered = timeout(BUSY_TIMEOUT, answered).await.map_err(|_| sqlx::Error::PoolTimedOut)?;
        answered.unwrap_or(Err(sqlx::Error::WorkerCrashed))
    }

    /// The pools count theirs; this one is not of theirs.
    #[expect(clippy::unused_self, reason = "the signature is that of the other database")]
    pub fn resting(&self) -> usize {
        0
    }

    /// Held while a checkpoint is made; closed with the store.
    pub fn checkpoints(&self) -> &Semaphore {
        &self.checkpoints
    }

    /// Waits for writers and checkpoints; afterwards there are none.
    pub async fn close(&self) {
        let checkpoint = self.checkpoints.acquire().await;
        self.checkpoints.close();
        drop(checkpoint);
        let Ok(mut turn) = self.turn().await else { return };
        if let Some(connection) = turn.take()
            && let Err(cause) = connection.close().await
        {
            tracing::warn!(%cause, "database not closed");
        }
    }

    /// Whether the caller is the last one to have it.
    pub fn is_last(&self) -> bool {
        Arc::strong_count(&self.connection) == 1
    }

    /// Tells how many wait now.
    fn enqueue(&self, newcomer: Waiting) -> usize {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.push(newcomer);
        waiting.len()
    }

    /// Lets in all who still wait when the turn has come. Each of them has patience of their own, so that it is waited for.
    async fn let_in(&self) {
        let mut turn = Arc::clone(&self.connection).lock_owned().await;
        let mut group = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        group.retain(|one| !one.answer.is_closed());
        let (group, told): (Vec<_>, Vec<_>) = group.into_iter().map(|one| (one.values, one.answer)).unzip();
        let answers = self.write(&mut turn, group).await.unwrap_or_else(|cause| {
            // One cause for all; what kind it is of makes no difference here.
            let cause = Arc::new(cause);
            told.iter().map(|_| Err(sqlx::Error::Io(std::io::Error::other(Arc::clone(&cause))))).collect()
        });
        drop(turn);
        for (one, answer) in told.into_iter().zip(answers) {
            drop(one.send(answer));
        }
    }

    /// One transaction for all; beginning and ending it rides with the first and the last of them.
    async fn write(&self, turn: &mut Turn, group: Vec<SqliteArguments>) -> Result<Vec<Answer>, sqlx::Error> {
        if group.is_empty() {
            return Ok(Vec::new());
        }
        // One that fails is not put back: whatever it left open ends with it.
        let mut connection = match turn.take() {
            Some(connection) => connection,
            None if self.checkpoints.is_closed() => return Err(sqlx::Error::PoolClosed),
            None => self.connect().await?,
        };
        let (mut answers, last) = (Vec::with_capacity(group.len()), group.len() - 1);
        for (place, values) in group.into_iter().enumerate() {
            let text = match (place == 0, place == last) {
                (true, true) | (false, false) => RECORD,
                (true, false) => RECORD_FIRST,
                (false, true) => RECORD_LAST,
            };
            match query_with(text, values).fetch_all(&mut connection).await {
                Err(cause) if !is_its_own(&cause) => return Err(cause),
                rows => answers.push(rows.map(|rows| rows.into_iter().next())),
            }
        }
        if last > 0 && matches!(answers.last(), Some(Err(_))) {
            query(COMMIT).execute(&mut connection).await?;
        }
        **turn = Some(connection);
        Ok(answers)
    }

    async fn connect(&self) -> Result<SqliteConnection, sqlx::Error> {
        let mut connection = SqliteConnection::connect_with(&self.options).await?;
        raw_sql(PREPARE).execute(&mut connection).await?;
        Ok(connection)
    }
}

/// Whether a statement failed by what it wanted to write. It has left nothing then, and its transaction goes on (SQLite,
/// "Response To Errors Within A Transaction").
fn is_its_own(cause: &sqlx::Error) -> bool {
    cause.as_database_error().is_some_and(|cause| !matches!(cause.kind(), ErrorKind::Other))
}

/// Temporary objects of that connection. Nothing of them is stored.
const PREPARE: &str = concat!(
    "create temp view sign_ins as \
    select 0 as credential_id, 0 as user_id, 0 as record, 0 as backup_eligible, 0 as backed_up, 0 as sign_count, \
           0 as at, 0 as browser, 0 as system, 0 as session_id, 0 as token_hash, 0 as method, \
           0 as session_credential_id, 0 as user_verified, 0 as ends_at, 0 as idle_millis, 0 as offers_passkey, \
           0 as kept, 0 as event_id, 0 as kind, 0 as detail, 0 as known, 0 as name, 0 as name_expires_at, \
           0 as previous, 0 as only_recognised; \
    create temp trigger record_sign_in instead of insert on sign_ins begin \
      update passkeys \
      set record = new.record, backup_eligible = new.backup_eligible, backed_up = new.backed_up, \
          sign_count = new.sign_count, last_used_at = new.at, last_used_browser = new.browser, \
          last_used_system = new.system \
      where credential_id = new.credential_id and user_id = new.user_id \
        and exists (select 1 from users where id = new.user_id and guarded_since is null and disabled_at is null \
                    and deleted_at is null) \
        and (not new.only_recognised \
             or exists (select 1 from known_browsers where token_hash = new.known and user_id = new.user_id \
                        and recognised and expires_at > new.at)) and ",
    may_be_used!("new.sign_count", "new.backup_eligible"),
    "; \
      select raise(ignore) where changes() <> 1; \
      insert into sessions (",
    session_columns!(""),
    ") values (",
    session_values!(
        id = "new.session_id",
        user_id = "new.user_id",
        token_hash = "new.token_hash",
        method = "new.method",
        credential_id = "new.session_credential_id",
        user_verified = "new.user_verified",
        authenticated_at = "new.at",
        created_at = "new.at",
        last_seen_at = "new.at",
        ends_at = "new.ends_at",
        idle_millis = "new.idle_millis",
        browser = "new.browser",
        system = "new.system",
        offers_passkey = "new.offers_passkey",
        added_passkey = "false",
        kept = "new.kept",
    ),
    "); \
      insert into events (",
    event_columns!(""),
    ") values (",
    event_values!(
        id = "new.event_id",
        user_id = "new.user_id",
        kind = "new.kind",
        at = "new.at",
        browser = "new.browser",
        system = "new.system",
        detail = "new.detail"
    ),
    "); \
      update known_browsers set token_hash = new.name, expires_at = new.name_expires_at, recognised = true \
      where token_hash = new.known and user_id = new.user_id; \
      insert into known_browsers (",
    browser_columns!(""),
    ") select ",
    browser_values!(
        token_hash = "new.name",
        user_id = "new.user_id",
        expires_at = "new.name_expires_at",
        declined_until = "null",
        recognised = "true"
    ),
    " where changes() = 0; \
      delete from known_browsers where token_hash = new.known and user_id <> new.user_id; \
      delete from sessions where token_hash = new.previous; \
    end"
);

macro_rules! record {
    () => {
        concat!(
            "insert into sign_ins values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, \
                                          $18, $19, $20, $21, $22, $23, $24, $25, $26); \
             select ",
            user_columns!(),
            ", exists (select 1 from sessions where id = $10) as is_in, \
               exists (select 1 from known_browsers where token_hash = $22 and user_id = $2 and recognised \
                       and expires_at > $7) as is_known, \
               (select count(*) from sessions where user_id = $2) as sessions, \
               (select count(*) from known_browsers where user_id = $2) as browsers \
             from users u where u.id = $2 and u.deleted_at is null"
        )
    };
}

pub const RECORD: &str = record!();
const RECORD_FIRST: &str = concat!("begin immediate; ", record!());
const RECORD_LAST: &str = concat!(record!(), "; commit");
const COMMIT: &str = "commit";
