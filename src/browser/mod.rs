//! The browser's side of a ceremony: a facade over `navigator.credentials`, with stubs on the server.

use leptos::server_fn::ServerFn;

#[cfg(not(feature = "hydrate"))]
mod absent;
#[cfg(feature = "hydrate")]
mod web;

#[cfg(not(feature = "hydrate"))]
pub use absent::*;
#[cfg(feature = "hydrate")]
pub use web::*;

/// Calls a server function by its path and the names of its arguments; returns its response or its refusal ([`post`]).
///
/// It replaces the generated client, which every visitor would have to download (docs/adr/0004).
macro_rules! call {
    ($function:ident { $($name:ident: $value:expr),* $(,)? }) => {{
        // The compiler checks the names against those of the server function.
        let _ = |_known: &$function| { $(let _ = &_known.$name;)* };
        let arguments = [$((stringify!($name), $crate::browser::Argument::from($value))),*];
        $crate::browser::post(<$function as leptos::server_fn::ServerFn>::PATH, arguments)
    }};
}
pub(crate) use call;

/// The status of a response of a server function without arguments; `None` without a response.
pub async fn status_of<F: ServerFn>() -> Option<u16> {
    status_of_path(F::PATH).await
}

/// Hints at the kind of device to use (WebAuthn Level 3, section 5.8.7).
pub const THIS_DEVICE: &str = "client-device";
pub const SECURITY_KEY: &str = "security-key";

/// How a sign-in asks for a passkey.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mediation {
    /// In the suggestions of the username field, silently until the user chooses one.
    Autofill,
    /// The system's dialog.
    Dialog,
    /// The system's dialog only if there is a passkey on this device, else an immediate refusal.
    Immediate,
}

/// Why the browser returned no response: the DOMExceptions of WebAuthn Level 3, sections 5.1.3 and 5.1.4, grouped by
/// what the user can do about them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BrowserError {
    /// The user closed the dialog, waited too long, or has no passkey here (`NotAllowedError`).
    Cancelled,
    /// We ended the request ourselves (`AbortError`).
    Aborted,
    /// This device already has a passkey of the account (`InvalidStateError`).
    AlreadyRegistered,
    /// The authenticator cannot store a passkey or cannot verify its user (`ConstraintError`, `NotSupportedError`).
    Incapable,
    /// The page's address does not match the passkey's site (`SecurityError`).
    WrongSite,
    /// The browser does not support passkeys.
    Unsupported,
    /// The device or password manager returned something that is not a credential.
    Unreadable,
    /// Anything else.
    Failed,
}

impl BrowserError {
    /// The message for a user who wanted to create a passkey. Browsers do not distinguish a security key that cannot
    /// store one from a closed dialog (WebAuthn Level 3, section 14.5.1), so the message fits both.
    #[must_use]
    pub fn message_on_create(self) -> Option<&'static str> {
        match self {
            Self::Cancelled => Some("No passkey was created. You can try again."),
            other => other.message(),
        }
    }

    /// The message for the user; `None` if there is nothing to say.
    #[must_use]
    pub fn message(self) -> Option<&'static str> {
        match self {
            Self::Aborted => None,
            Self::Cancelled => Some("No passkey was used. You can try again."),
            Self::AlreadyRegistered => {
                Some("This device already has a passkey for this account. Use another device or a security key.")
            }
            Self::Incapable => {
                Some("This device or security key can't store a passkey. Try another one, such as your phone.")
            }
            Self::WrongSite => Some("Passkeys don't work at this address. Open the site at its usual address."),
            Self::Unsupported => Some("This browser can't use passkeys. Try another browser."),
            Self::Unreadable => Some("Your device or password manager sent an invalid response. Try another one."),
            Self::Failed => Some("Your device couldn't complete this. Please try again."),
        }
    }
}
