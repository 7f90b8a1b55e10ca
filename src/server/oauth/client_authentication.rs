//! Client authentication at the token endpoint (RFC 6749, section 2.3; OpenID Connect Core, section 9).

use super::error::{ErrorCode, Refusal};
use super::parameters::{Found, Parameters};
use crate::server::Unavailable;
use crate::server::core::Core;
use crate::server::limiter::Subject;
use crate::server::model::oauth::{Client, Scopes};
use crate::server::model::{Application, ClientAddress, SessionId, limit};
use crate::server::store::{ClientWithSecrets, SessionFacts};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;

/// A request from an application, with the header that may authenticate it.
pub struct ClientRequest<'a> {
    pub parameters: &'a Parameters,
    /// The value of the `Authorization` header.
    pub authorization: Option<&'a str>,
    pub from: ClientAddress,
}

/// An application after client authentication. A public client has only stated its id.
#[derive(Clone, Debug)]
pub struct AuthenticatedClient {
    pub application: Application,
    pub client: Client,
    /// The session that was read together with the client.
    pub session: Option<SessionFacts>,
    /// The scopes that the user of the session allowed the application.
    pub consent: Option<Scopes>,
}

const WRONG: Refusal = Refusal::new(ErrorCode::InvalidClient, "client authentication failed");

/// The client credentials in a request.
struct Credentials {
    /// Pairs of id and secret, in the order in which they are tried.
    candidates: Vec<(String, Option<String>)>,
}

/// Authenticates the application that sent a request, and reads a session with it. Only failures count against the rate
/// limit.
///
/// # Errors
/// `invalid_client`, `invalid_request` for two methods at once, or an unavailable backend.
pub async fn authenticate(
    core: &Core,
    request: &ClientRequest<'_>,
    session: Option<SessionId>,
) -> Result<AuthenticatedClient, Refusal> {
    let credentials = credentials(request)?;
    for (client_id, secret) in &credentials.candidates {
        if let Some(client) = try_one(core, (client_id, secret.as_deref()), session).await? {
            return Ok(client);
        }
    }
    let named = credentials.candidates.first().map_or("", |(client_id, _)| client_id.as_str());
    fail(core, request, named, WRONG).await
}

/// Counts a failure of a client against the rate limit, and returns `refusal`, or that of the limit.
///
/// # Errors
/// Always.
pub async fn fail<T>(
    core: &Core,
    request: &ClientRequest<'_>,
    client_id: &str,
    refusal: Refusal,
) -> Result<T, Refusal> {
    core.limiter.draw(&limit::CLIENT_FAILURES, Subject::Client(request.from)).await?;
    tracing::info!(client_id, error = refusal.code.name(), why = refusal.description, "application refused");
    Err(refusal)
}

async fn try_one(
    core: &Core,
    (client_id, secret): (&str, Option<&str>),
    session: Option<SessionId>,
) -> Result<Option<AuthenticatedClient>, Unavailable> {
    let found = core.store.client_with_secrets(client_id, session).await?;
    let Some(ClientWithSecrets { application, client, secrets, session, consent }) = found else { return Ok(None) };
    let is_proven = match (client.is_public, secret) {
        (true, None) => true,
        (true, Some(_)) | (false, None) => false,
        (false, Some(secret)) => {
            let now = core.now();
            secrets.iter().any(|known| known.admits(secret, now))
        }
    };
    Ok(is_proven.then_some(AuthenticatedClient { application, client, session, consent }))
}

fn credentials(request: &ClientRequest<'_>) -> Result<Credentials, Refusal> {
    let (id, secret) = (request.parameters.find("client_id"), request.parameters.find("client_secret"));
    if id == Found::Several || secret == Found::Several {
        return Err(Refusal::invalid_request("a parameter is repeated"));
    }
    let basic = request.authorization.and_then(|value| {
        let (scheme, value) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("basic").then_some(value)
    });
    let has_assertion = request.parameters.find("client_assertion") != Found::Absent;
    let methods = [secret != Found::Absent, request.authorization.is_some(), has_assertion];
    if methods.into_iter().filter(|is_used| *is_used).count() > 1 {
        return Err(Refusal::invalid_request("more than one client authentication method"));
    }
    let Some(basic) = basic else {
        let id = id.one().ok_or(WRONG)?.to_owned();
        return Ok(Credentials { candidates: vec![(id, secret.one().map(str::to_owned))] });
    };
    let decoded = STANDARD.decode(basic.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok()).ok_or(WRONG)?;
    let (user, password) = decoded.split_once(':').ok_or(WRONG)?;
    if id.one().is_some_and(|id| id != user && percent_decoded(user).as_deref() != Some(id)) {
        return Err(Refusal::invalid_request("client_id differs from the Authorization header"));
    }
    // Percent-encoded, as RFC 6749, section 2.3.1, requires, or raw, as many libraries send it.
    let decoded = percent_decoded(user).zip(percent_decoded(password));
    let raw = (user.to_owned(), password.to_owned());
    let candidates = decoded.into_iter().filter(|decoded| *decoded != raw).chain([raw.clone()]);
    Ok(Credentials { candidates: candidates.map(|(id, secret)| (id, Some(secret))).collect() })
}

/// Decodes `application/x-www-form-urlencoded` text, in which a plus sign is a space.
fn percent_decoded(text: &str) -> Option<String> {
    let text = text.replace('+', " ");
    percent_decode_str(&text).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}
