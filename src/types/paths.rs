//! Every address of this site in one place.

pub const HOME: &str = "/";
pub const SIGN_UP: &str = "/sign-up";
pub const SIGN_IN: &str = "/sign-in";
pub const SIGN_OUT: &str = "/sign-out";
pub const ACCOUNT: &str = "/account";

/// Everything below it speaks JSON. Server functions name it as `prefix = "/api"`, since the macro takes only literals;
/// a test holds the two together.
pub const API: &str = "/api";

pub const HEALTH: &str = "/healthz";
pub const READY: &str = "/readyz";

/// The folder of the compiled pages' files; what stands below it is named after its content.
pub const ASSETS: &str = "/pkg";
