use crate::server::jose::Members;
use crate::server::model::GroupName;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;

/// A claim rule of an application: members of `group` get `claim` with `value`. The first matching rule wins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimRule {
    pub group: GroupName,
    pub claim: String,
    pub value: String,
}

/// The serialized form of a rule in the database and in `APPLICATIONS_FILE`.
#[derive(Serialize, Deserialize)]
struct Stored {
    group: String,
    claim: String,
    value: String,
}

impl ClaimRule {
    /// Maximum number of rules per application.
    pub const MAX_COUNT: usize = 50;
    const MAX_BYTES: usize = 256;

    /// Parses `GROUP:CLAIM=VALUE`; `None` for any other text, and for a claim that the provider itself sets.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (group, rest) = text.split_once(':')?;
        let (claim, value) = rest.split_once('=')?;
        Self::new(group, claim, value)
    }

    fn new(group: &str, claim: &str, value: &str) -> Option<Self> {
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_-:./".contains(&byte);
        let is_claim = !claim.is_empty() && claim.len() <= Self::MAX_BYTES && claim.bytes().all(is_name);
        let fits = is_claim && !RESERVED.contains(&claim) && value.len() <= Self::MAX_BYTES;
        let rule = |group| Self { group, claim: claim.to_owned(), value: value.to_owned() };
        GroupName::parse(group).filter(|_| fits).map(rule)
    }

    /// Serializes rules for the database.
    ///
    /// # Errors
    /// Never in practice: all members are strings.
    pub fn write(rules: &[Self]) -> Result<String, serde_json::Error> {
        let stored = |rule: &Self| Stored {
            group: rule.group.to_string(),
            claim: rule.claim.clone(),
            value: rule.value.clone(),
        };
        serde_json::to_string(&rules.iter().map(stored).collect::<Vec<_>>())
    }

    /// The inverse of [`ClaimRule::write`]; `None` for invalid text.
    #[must_use]
    pub fn read(text: &str) -> Option<Vec<Self>> {
        let stored: Vec<Stored> = serde_json::from_str(text).ok()?;
        stored.iter().map(|rule| Self::new(&rule.group, &rule.claim, &rule.value)).collect()
    }
}

/// Claims that the provider itself sets; no rule can override them.
const RESERVED: [&str; 25] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "nbf",
    "iat",
    "jti",
    "auth_time",
    "nonce",
    "acr",
    "amr",
    "azp",
    "at_hash",
    "c_hash",
    "s_hash",
    "sid",
    "email",
    "email_verified",
    "name",
    "preferred_username",
    "nickname",
    "updated_at",
    "locale",
    "groups",
    "events",
];

/// The `claims` parameter (OpenID Connect Core, section 5.5): the requested claims, for userinfo and for the ID token.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestedClaims {
    pub userinfo: BTreeSet<String>,
    pub id_token: BTreeSet<String>,
    /// The accepted values of an essential `acr`; the request fails if none of them is met (section 5.5.1.1).
    pub essential_acr: Option<BTreeSet<String>>,
    /// The requested users, by their `sub`; no tokens are issued for other users (sections 5.5.1 and 3.1.2.2).
    #[serde(default)]
    pub subjects: Option<BTreeSet<String>>,
}

impl RequestedClaims {
    /// Maximum number of claims for userinfo, and for the ID token.
    const MAX_COUNT: usize = 50;

    /// Parses the parameter; `None` if it violates the specification.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let members = Members::parse(text.as_bytes()).ok()?;
        let names = |member: &str| match members.get(member) {
            None | Some(Value::Null) => Some(BTreeSet::new()),
            Some(Value::Object(claims)) if claims.len() <= Self::MAX_COUNT => {
                claims.values().all(is_request).then(|| claims.keys().cloned().collect())
            }
            Some(_) => None,
        };
        let acr = members.get("id_token").and_then(|claims| claims.get("acr"));
        let essential_acr = acr.filter(|acr| acr.get("essential") == Some(&Value::Bool(true))).map(values_of);
        let subjects = ["id_token", "userinfo"].into_iter().filter_map(|member| members.get(member)?.get("sub"));
        let subjects = subjects.map(values_of).filter(|values| !values.is_empty());
        let subjects = subjects.reduce(|one, other| one.intersection(&other).cloned().collect());
        Some(Self { userinfo: names("userinfo")?, id_token: names("id_token")?, essential_acr, subjects })
    }
}

fn is_request(claim: &Value) -> bool {
    claim.is_null() || claim.is_object()
}

/// The members `value` and `values` of a claim request.
fn values_of(claim: &Value) -> BTreeSet<String> {
    let one = claim.get("value").into_iter();
    let several = claim.get("values").and_then(Value::as_array).into_iter().flatten();
    one.chain(several).filter_map(Value::as_str).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_round_trip_and_cannot_override_provider_claims() {
        let rule = ClaimRule::parse("admins:role=Admin=yes").unwrap();
        assert_eq!((rule.claim.as_str(), rule.value.as_str()), ("role", "Admin=yes"));
        let rules = vec![rule, ClaimRule::parse("family:https://app.example/role=viewer").unwrap()];
        assert_eq!(ClaimRule::read(&ClaimRule::write(&rules).unwrap()).unwrap(), rules);
        for text in ["", "admins", "admins:role", "admins:=x", ":role=x", "a b:role=x", "admins:sub=x", "admins:iss=x"]
        {
            assert_eq!(ClaimRule::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_claims_parameter_is_parsed_as_specified() {
        let text = r#"{"userinfo":{"name":{"essential":true},"email":null},
                       "id_token":{"acr":{"essential":true,"values":["phr"]},"email":null}}"#;
        let claims = RequestedClaims::parse(text).unwrap();
        assert!(claims.userinfo.contains("name") && claims.id_token.contains("email"));
        assert_eq!(claims.essential_acr, Some(BTreeSet::from(["phr".to_owned()])));
        let subjects = |text| RequestedClaims::parse(text).unwrap().subjects;
        let one = Some(BTreeSet::from(["a".to_owned()]));
        assert_eq!(subjects(r#"{"id_token":{"sub":{"value":"a"}}}"#), one);
        assert_eq!(subjects(r#"{"userinfo":{"sub":{"values":["a","b"]}},"id_token":{"sub":{"value":"a"}}}"#), one);
        assert_eq!(subjects(r#"{"id_token":{"sub":null,"email":{"value":"a"}}}"#), None);
        let voluntary = RequestedClaims::parse(r#"{"id_token":{"acr":{"values":["phr"]}}}"#).unwrap();
        assert_eq!(voluntary.essential_acr, None);
        for wrong in
            ["", "[]", "x", r#"{"userinfo":7}"#, r#"{"userinfo":{"name":7}}"#, r#"{"userinfo":{},"userinfo":{}}"#]
        {
            assert_eq!(RequestedClaims::parse(wrong), None, "{wrong}");
        }
    }
}
