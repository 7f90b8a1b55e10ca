//! Every address of this site in one place.

pub const HOME: &str = "/";
pub const SIGN_UP: &str = "/sign-up";
pub const SIGN_IN: &str = "/sign-in";
/// Where the code of a letter is typed.
pub const SIGN_IN_CODE: &str = "/sign-in?step=code";
pub const SIGN_OUT: &str = "/sign-out";
pub const ACCOUNT: &str = "/account";
/// What the links of letters lead to stands below it.
pub const EMAIL: &str = "/email/";
/// Where the link of a letter leads that signs in or up.
pub const EMAIL_LINK: &str = "/email/link";
/// Where the link of a letter leads that confirms an address.
pub const EMAIL_CONFIRM: &str = "/email/confirm";

/// The development mailbox.
pub const MAILBOX: &str = "/dev/mailbox";
pub const MAILBOX_JSON: &str = "/dev/mailbox.json";

/// Everything below it speaks JSON. Server functions name it as `prefix = "/api"`, since the macro takes only literals;
/// a test holds the two together.
pub const API: &str = "/api";

pub const HEALTH: &str = "/healthz";
pub const READY: &str = "/readyz";

/// The folder of the compiled pages' files; what stands below it is named after its content.
pub const ASSETS: &str = "/pkg";
