use crate::server::model::{Client, ClientAddress};
use crate::server::secret::Token;
use crate::types::Language;

/// The browser or program that sent a request.
#[derive(Clone, Debug)]
pub struct Caller {
    pub client: Client,
    pub language: Language,
    pub address: ClientAddress,
    /// Identifies the browser in ceremonies.
    pub browser: Option<Token>,
    /// Identifies this browser's email request, which ends when a session begins.
    pub email: Option<Token>,
    /// Identifies the user who last signed in with this browser.
    pub known: Option<Token>,
    /// This browser's session, which ends when another one begins.
    pub session: Option<Token>,
}
