use crate::server::model::{Client, ClientAddress};
use crate::server::secret::Token;
use crate::types::Language;

/// The browser or program behind a request, as far as ceremonies care.
#[derive(Clone, Debug)]
pub struct Caller {
    pub client: Client,
    pub language: Language,
    pub address: ClientAddress,
    /// Names the browser, for ceremonies.
    pub browser: Option<Token>,
    /// Opens the email request of this browser; it ends when a session begins.
    pub email: Option<Token>,
    /// Names the user who signed in with this browser last.
    pub known: Option<Token>,
    /// The session of this browser; it ends when another one begins.
    pub session: Option<Token>,
}
