use super::paths;
use std::fmt;

/// The page after sign-in: always a path on this site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Next(String);

impl Next {
    const MAX_BYTES: usize = 2048;

    /// The requested path if it is on this site, else the account page.
    ///
    /// Browsers read `//host`, `/\host` and `/<tab>/host` as other sites (URL Standard, section 4.4, "relative state"),
    /// so only visible ASCII without a backslash passes, and no second slash.
    #[must_use]
    pub fn or_account(path: Option<&str>) -> Self {
        path.and_then(Self::own).unwrap_or_else(|| Self(paths::ACCOUNT.to_owned()))
    }

    /// The same, else the home page.
    #[must_use]
    pub fn or_home(path: Option<&str>) -> Self {
        path.and_then(Self::own).unwrap_or_else(|| Self(paths::HOME.to_owned()))
    }

    /// A path of this site; `None` for anything else.
    #[must_use]
    pub fn own(path: &str) -> Option<Self> {
        is_own_path(path).then(|| Self(path.to_owned()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Next {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_own_path(path: &str) -> bool {
    path.len() <= Next::MAX_BYTES
        && path.starts_with('/')
        && !path.starts_with("//")
        && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
        && !has_dot_segment(path)
        // A link must not make a user who signs in perform an action, and these paths are no pages.
        && ![paths::API, paths::SIGN_OUT, paths::LANGUAGE].iter().any(|group| paths::is_below(path_of(path), group))
}

fn path_of(path: &str) -> &str {
    path.split(['?', '#']).next().unwrap_or_default()
}

/// Browsers resolve `.` and `..`, also percent-encoded, so that `/..//host` would be `//host` to software that resolves
/// twice.
fn has_dot_segment(path: &str) -> bool {
    path_of(path).split('/').any(|segment| {
        let dots = segment.to_ascii_lowercase().replace("%2e", ".");
        dots == "." || dots == ".."
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_this_site_is_kept() {
        for path in ["/", "/account", "/account?tab=2#x", "/a//b", "/@x:y", "/apiary"] {
            assert_eq!(Next::or_account(Some(path)).as_str(), path);
        }
    }

    #[test]
    fn anything_that_could_leave_the_site_becomes_the_account_page() {
        for path in [
            "",
            "account",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "https://evil.example",
            "javascript:alert(1)",
            "/\t/evil.example",
            "/\n/evil.example",
            " /account",
            "/acc ount",
            "/ä",
            "/..//evil.example",
            "/a/%2E%2e//evil.example",
            "/./x",
            "/api",
            "/sign-out",
            "/language?x",
            "/api/account/export",
            "/api?x",
            "/a\u{0}",
            &format!("/{}", "x".repeat(2048)),
        ] {
            assert_eq!(Next::or_account(Some(path)).as_str(), "/account", "{path:?}");
        }
        assert_eq!(Next::or_account(None).as_str(), "/account");
    }
}
