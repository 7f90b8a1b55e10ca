use super::email::{Unwritable, write_notification};
use super::{Branding, DeliveryError, Draft, Email, HandOver, HandOverError, Transport};
use crate::server::Unavailable;
use crate::server::clock::Clock;
use crate::server::keys::Keys;
use crate::server::limiter::{Guessed, Limited, Limiter, Side, Subject};
use crate::server::model::email_request::{Code, EmailRequest, MOST_OPEN, Purpose};
use crate::server::model::limit::EMAILS_TO_ONE;
use crate::server::model::notification::Notification;
use crate::server::model::outbox::{About, Claim, ClaimedEmail, EmailId, pause_after};
use crate::server::model::user::email_key;
use crate::server::model::{Event, EventKind, User};
use crate::server::secret::{Entropy, Token};
use crate::server::store::{EmailSecrets, Store};
use crate::server::telemetry::meters;
use crate::types::{DisplayName, EmailAddress, Identifier, Language};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};

/// Sends what is in the outbox, beside the requests and never within one. Several may work at once, also in several
/// processes.
pub struct EmailWorker {
    pub store: Arc<dyn Store>,
    pub transport: Arc<dyn Transport>,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
    pub keys: Keys,
    pub limiter: Limiter,
    pub branding: Branding,
    /// Rung when a letter was written in this process; those of others are found by looking.
    pub bell: Arc<Notify>,
}

/// How long a letter stays in the hands of a worker that says nothing more, as when its process was killed.
const LEASE: Duration = Duration::from_secs(15);
const RENEW_EVERY: Duration = Duration::from_secs(5);
/// How often the outbox is looked at when nobody rings.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// To whom a letter goes, once that is known.
struct Recipient {
    address: EmailAddress,
    name: Option<DisplayName>,
    /// Their own, where there is an account.
    language: Language,
    /// Whether it carries a code; the link always goes.
    has_code: bool,
}

impl EmailWorker {
    /// Works until it is told to stop; a letter in hand is finished first.
    pub async fn work(&self, mut stopped: watch::Receiver<bool>) {
        while !*stopped.borrow() {
            match self.deliver_next().await {
                Ok(true) => continue,
                Ok(false) => {}
                Err(cause) => tracing::warn!(%cause, "the outbox could not be read"),
            }
            tokio::select! {
                () = self.bell.notified() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
                _ = stopped.changed() => {}
            }
        }
    }

    /// Takes one due letter and does what can be done with it; `false` when none was due.
    ///
    /// # Errors
    /// When the database is away; then the letter is taken up again once its lease is over.
    pub async fn deliver_next(&self) -> Result<bool, Unavailable> {
        let now = self.clock.now();
        let claim = Claim::random(&*self.entropy);
        let Some(letter) = self.store.claim_email(now, claim, LEASE).await? else { return Ok(false) };
        if now >= letter.not_after {
            tracing::warn!(letter = %letter.id.0, "a letter could not be sent while it was of use");
            meters::letter("any", "too_late");
            self.store.finish_email(letter.id, letter.claim).await?;
            return Ok(true);
        }
        match &letter.about {
            About::Security(about) => self.send_security_letter(&letter, about).await?,
            About::Request(open) => {
                if let Some(recipient) = self.recipient(letter.id, &open.request).await? {
                    self.send_asked(&letter, &open.request, &recipient).await?;
                } else {
                    meters::letter(open.request.purpose.name(), "withheld");
                    self.store.finish_email(letter.id, letter.claim).await?;
                }
            }
        }
        Ok(true)
    }

    /// Tells an owner what happened.
    async fn send_security_letter(&self, letter: &ClaimedEmail, about: &Notification) -> Result<(), Unavailable> {
        let link = Token::random(&*self.entropy);
        let written = write_notification(letter.id, about, &link, &self.branding);
        let Some(ready) = self.ready(letter, written).await? else { return Ok(()) };
        let mut unit = self.store.begin().await?;
        if unit.hand_over_notification(letter, about.id, &link.hash(), self.clock.now()).await? {
            unit.commit().await?;
            self.finish(letter, ready, about.occasion.name()).await?;
        }
        Ok(())
    }

    /// Sends what somebody asked for.
    async fn send_asked(
        &self,
        letter: &ClaimedEmail,
        request: &EmailRequest,
        recipient: &Recipient,
    ) -> Result<(), Unavailable> {
        let (link, code) = (Token::random(&*self.entropy), Code::random(&*self.entropy));
        let draft = Draft {
            id: letter.id,
            address: &recipient.address,
            name: recipient.name.as_ref(),
            purpose: &request.purpose,
            client: &request.client,
            language: recipient.language,
            link: &link,
            code: Some(&code).filter(|_| recipient.has_code),
        };
        let Some(ready) = self.ready(letter, draft.write(&self.branding)).await? else { return Ok(()) };
        let code_hash = recipient.has_code.then(|| code.hash(&self.keys, request.id));
        let secrets = EmailSecrets { link_hash: link.hash(), code_hash };
        let mut unit = self.store.begin().await?;
        if unit.hand_over(letter, request.id, &secrets, self.clock.now()).await? {
            unit.commit().await?;
            self.finish(letter, ready, request.purpose.name()).await?;
        }
        // Voided, or taken by another worker: dropping what is ready sends nothing.
        Ok(())
    }

    /// A letter at the point of no return; `None` when it was given up, or put back for another time.
    async fn ready(
        &self,
        letter: &ClaimedEmail,
        written: Result<Email, Unwritable>,
    ) -> Result<Option<Box<dyn HandOver>>, Unavailable> {
        let prepared = match written {
            Ok(written) => self.prepared(letter, written).await,
            Err(cause) => Err(DeliveryError::Never(cause.into())),
        };
        match prepared {
            Ok(ready) => Ok(Some(ready)),
            Err(cause) => self.put_back(letter, cause).await.map(|()| None),
        }
    }

    async fn finish(
        &self,
        letter: &ClaimedEmail,
        ready: Box<dyn HandOver>,
        about: &'static str,
    ) -> Result<(), Unavailable> {
        match ready.finish().await {
            Ok(()) => {
                tracing::info!(letter = %letter.id.0, about, "a letter was sent");
                meters::letter(about, "sent");
                self.store.finish_email(letter.id, letter.claim).await
            }
            Err(HandOverError::Refused(cause)) => self.put_back(letter, cause).await,
            Err(HandOverError::Unknown(cause)) => {
                tracing::warn!(letter = %letter.id.0, %cause, "a letter may or may not have arrived; it is not sent again");
                meters::letter(about, "unknown");
                self.store.finish_email(letter.id, letter.claim).await
            }
        }
    }

    /// Speaks to the mail server while holding on to the letter.
    async fn prepared(&self, letter: &ClaimedEmail, written: Email) -> Result<Box<dyn HandOver>, DeliveryError> {
        let mut preparing = self.transport.prepare(written);
        loop {
            tokio::select! {
                prepared = &mut preparing => return prepared,
                () = tokio::time::sleep(RENEW_EVERY) => {
                    let until = self.clock.now().plus(LEASE);
                    match self.store.renew_claim(letter.id, letter.claim, until).await {
                        Ok(true) => {}
                        Ok(false) => return Err(DeliveryError::NotOurs),
                        Err(cause) => return Err(DeliveryError::Later(cause.into())),
                    }
                }
            }
        }
    }

    /// What becomes of a letter that certainly reached nobody.
    async fn put_back(&self, letter: &ClaimedEmail, cause: DeliveryError) -> Result<(), Unavailable> {
        match cause {
            DeliveryError::Never(cause) => {
                tracing::warn!(letter = %letter.id.0, cause = chain(&*cause), "a letter cannot be sent");
                meters::letter("any", "refused");
                self.store.finish_email(letter.id, letter.claim).await
            }
            DeliveryError::NotOurs => {
                tracing::info!(letter = %letter.id.0, "a letter was voided, or taken by another worker, while it was being sent");
                Ok(())
            }
            DeliveryError::Later(cause) => {
                let pause = pause_after(letter.attempts, letter.not_after.since(letter.created_at));
                let seconds = pause.as_secs();
                tracing::warn!(letter = %letter.id.0, cause = chain(&*cause), seconds, "email not sent; trying again");
                meters::letter("any", "put_back");
                let due_at = self.clock.now().plus(pause);
                self.store.release_email(letter.id, letter.claim, due_at).await
            }
        }
    }

    /// Finds out who is meant, and whether they get this letter. Strangers never learn what was found. The letter is counted
    /// once, however often it is tried.
    async fn recipient(&self, letter: EmailId, request: &EmailRequest) -> Result<Option<Recipient>, Unavailable> {
        match &request.purpose {
            Purpose::SignIn { identifier, known } => {
                let Some(user) = self.store.user_with_proven_address(identifier).await? else { return Ok(None) };
                let side = Side::of(*known == Some(user.id));
                self.assigned(letter, request, user, side).await
            }
            Purpose::SignUp { address, .. } => {
                let owner = self.store.user_with_proven_address(&Identifier::Address(address.clone())).await?;
                if let Some(owner) = owner {
                    self.assigned(letter, request, owner, Side::Stranger).await
                } else {
                    let key = email_key(address).unwrap_or_default();
                    let has_code = self.sends_codes(Guessed::Typed(&key)).await?;
                    let (address, language) = (address.clone(), request.language);
                    Ok(Some(Recipient { address, name: None, language, has_code }))
                }
            }
            Purpose::Reauthenticate { user, address, .. } => {
                let has_code = self.sends_codes(Guessed::Account(*user, Side::Known)).await?;
                let user = self.store.user(*user).await?.filter(|user| user.proven_address() == Some(address));
                let recipient = |user: User| Recipient {
                    address: address.clone(),
                    name: Some(user.display_name),
                    language: user.language,
                    has_code,
                };
                Ok(user.map(recipient))
            }
            Purpose::Confirm { user, address, .. } => {
                // Whoever claims an address can have it written to, and must not flood it.
                let key = email_key(address).unwrap_or_default();
                let is_within = self.is_within(letter, &[b"claimed", key.as_bytes()]).await?;
                let has_code = self.sends_codes(Guessed::Account(*user, Side::Known)).await?;
                let language = request.language;
                Ok(is_within.then(|| Recipient { address: address.clone(), name: None, language, has_code }))
            }
            // Its link is handed over by those who made it.
            Purpose::BreakGlass { .. } => Ok(None),
        }
    }

    /// Counts a letter to one account or address.
    async fn is_within(&self, letter: EmailId, subject: &[&[u8]]) -> Result<bool, Unavailable> {
        match self.limiter.draw_once(&EMAILS_TO_ONE, Subject::Named(subject), letter.0.as_bytes()).await {
            Ok(()) => Ok(true),
            Err(Limited::TooMany(_)) => Ok(false),
            Err(Limited::Unavailable(cause)) => Err(cause),
        }
    }

    /// Whether emails carry codes: not after too many wrong ones. Links go on, since nobody guesses those.
    async fn sends_codes(&self, guessed: Guessed<'_>) -> Result<bool, Unavailable> {
        Ok(!self.limiter.pauses_codes(guessed).await?)
    }

    /// Ties the request to the account, unless too many letters went to it, or too many of strangers are open.
    async fn assigned(
        &self,
        letter: EmailId,
        request: &EmailRequest,
        user: User,
        side: Side,
    ) -> Result<Option<Recipient>, Unavailable> {
        if !self.is_within(letter, &[b"account", user.id.0.as_bytes(), side.key()]).await? {
            return Ok(None);
        }
        let has_code = self.sends_codes(Guessed::Account(user.id, side)).await?;
        if !has_code {
            tracing::info!(user = %user.id.0, "sign-in codes paused after wrong codes");
        }
        let is_known = side == Side::Known;
        let now = self.clock.now();
        let mut unit = self.store.begin().await?;
        let may_get_it = |user: &User| user.email_verified && user.disabled_at.is_none();
        let Some(user) = unit.lock_user(user.id).await?.filter(may_get_it) else { return Ok(None) };
        let Some(address) = user.email else { return Ok(None) };
        if !is_known && unit.count_open_requests(user.id, request.id, now).await? >= MOST_OPEN {
            tracing::info!(user = %user.id.0, "too many letters are open; one more was not sent");
            return Ok(None);
        }
        unit.assign_request(request.id, user.id, &address).await?;
        // Strangers may ask as often as they like, and fill one line an hour.
        let event = if is_known {
            Event::new(user.id, EventKind::LetterSent, now, request.client.clone(), None, &*self.entropy)
        } else {
            Event::once_an_hour(user.id, EventKind::LetterSent, now)
        };
        unit.record(&event).await?;
        unit.commit().await?;
        Ok(Some(Recipient { address, name: Some(user.display_name), language: user.language, has_code }))
    }
}

/// An error with its causes on one line.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
