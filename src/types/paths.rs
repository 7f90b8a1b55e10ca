//! All paths of this site.

pub const HOME: &str = "/";
pub const SIGN_UP: &str = "/sign-up";
pub const SIGN_IN: &str = "/sign-in";
/// The page for the code of an email.
pub const SIGN_IN_CODE: &str = "/sign-in?step=code";
/// The page where the identifier for an email, or the fields of a sign-up by email, can be corrected.
pub const SIGN_IN_CHANGE: &str = "/sign-in?step=change";
pub const SIGN_UP_CHANGE: &str = "/sign-up?step=change";
pub const SIGN_OUT: &str = "/sign-out";
pub const ACCOUNT: &str = "/account";
/// The page that adds a passkey.
pub const ADD_PASSKEY: &str = "/account/passkeys?step=add";
/// The page after a passkey was created: its name and the checklist.
pub const PASSKEY_READY: &str = "/account?step=ready";
/// The applications that the user may use.
pub const APPS: &str = "/apps";
/// Where users confirm their identity before a sensitive action.
pub const CONFIRM: &str = "/confirm";
/// The prefix of the paths of email links.
pub const EMAIL: &str = "/email/";
/// Target of the link in sign-in and sign-up emails.
pub const EMAIL_LINK: &str = "/email/link";
/// Target of the link that confirms an address.
pub const EMAIL_CONFIRM: &str = "/email/confirm";

/// Target of the notification link that restores a former address.
pub const EMAIL_UNDO: &str = "/email/undo";
/// Target of the notification link "This wasn't me".
pub const NOT_ME: &str = "/not-me";

/// The page for a recovery code.
pub const SIGN_IN_RECOVERY: &str = "/sign-in?step=recovery";

/// Where password managers look for the page about passkeys (W3C, "A Well-Known URL for Relying Party Passkey Endpoints").
pub const PASSKEY_ENDPOINTS: &str = "/.well-known/passkey-endpoints";
/// Where researchers look for a contact (RFC 9116).
pub const SECURITY_TXT: &str = "/.well-known/security.txt";

/// Where browsers report violations of the content security policy.
pub const POLICY_REPORTS: &str = "/csp-report";

/// The development mailbox.
pub const MAILBOX: &str = "/dev/mailbox";
/// The HTML of one of its emails, for a frame.
pub const MAILBOX_HTML: &str = "/dev/mailbox/html";
pub const MAILBOX_JSON: &str = "/dev/mailbox.json";

/// The prefix of the JSON API. Server functions repeat it as `prefix = "/api"`, since the macro takes only literals; a
/// test checks that the two agree.
pub const API: &str = "/api";

/// The prefix of the addresses of applications' logos.
pub const LOGOS: &str = "/logos";
pub const APP_LOGO: &str = "/logos/{application}";

/// The prefix of the provider's endpoints.
pub const PROTOCOL: &str = "/oauth";
/// Where applications send users to sign in.
pub const AUTHORIZE: &str = "/oauth/authorize";
/// The same path, as some applications write it.
pub const AUTHORIZE_SLASH: &str = "/oauth/authorize/";
/// The prefix of the pages of a stored authorization request.
pub const CONTINUE: &str = "/oauth/continue";
pub const CONTINUE_REQUEST: &str = "/oauth/continue/{request}";
pub const TOKEN: &str = "/oauth/token";
pub const USERINFO: &str = "/oauth/userinfo";
pub const REVOKE: &str = "/oauth/revoke";
pub const INTROSPECT: &str = "/oauth/introspect";
/// Where applications send users to sign out.
pub const LOGOUT: &str = "/oauth/logout";
/// The prefix of the pages of a stored logout request.
pub const SIGN_OUT_STORED: &str = "/oauth/sign-out";
pub const SIGN_OUT_REQUEST: &str = "/oauth/sign-out/{request}";
/// The public signing keys.
pub const JWKS: &str = "/oauth/jwks";
/// The metadata of the provider, at the addresses of OpenID Connect Discovery and of RFC 8414.
pub const DISCOVERY: &str = "/.well-known/openid-configuration";
pub const OAUTH_METADATA: &str = "/.well-known/oauth-authorization-server";

/// The query that cancels a stored authorization request.
pub const CANCEL: &str = "step=cancel";

/// The logo of an application. The address changes with the logo.
#[must_use]
pub fn app_logo(application: &str, version: &str) -> String {
    format!("{LOGOS}/{application}?v={version}")
}

/// The page of a stored authorization request.
#[must_use]
pub fn continue_with(request: &str) -> String {
    format!("{CONTINUE}/{request}")
}
/// Where reverse proxies ask whether a request is allowed.
pub const FORWARD: &str = "/forward";

/// Whether a path, without its query, is `top` or below it.
#[must_use]
pub fn is_below(path: &str, top: &str) -> bool {
    path.strip_prefix(top).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Where visitors choose a language.
pub const LANGUAGE: &str = "/language";

/// The colours and the logo that the administrator configured.
pub const BRAND_COLOURS: &str = "/brand/colours.css";
pub const BRAND_LOGO: &str = "/brand/logo";
/// The built-in logo.
pub const LOGO: &str = "/favicon.svg";

pub const HEALTH: &str = "/healthz";
pub const READY: &str = "/readyz";

/// The folder of the compiled scripts and styles, whose names depend on their content.
pub const ASSETS: &str = "/pkg";
