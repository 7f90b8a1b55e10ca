use super::Client;
use crate::types::Language;
use uuid::{Uuid, uuid};

/// The provider of a passkey, from the AAGUID that the provider publishes. The AAGUID is not attested, so this is for
/// display only.
#[must_use]
pub fn provider(aaguid: Uuid) -> Option<&'static str> {
    PROVIDERS.iter().find(|(known, _)| *known == aaguid).map(|(_, name)| *name)
}

/// The name of a passkey until its owner chooses one: its provider, or else the browser and system that created it.
#[must_use]
pub fn default_name(aaguid: Uuid, client: &Client, language: Language) -> String {
    provider(aaguid).map(str::to_owned).or_else(|| client.describe(language)).unwrap_or_else(|| "Passkey".to_owned())
}

/// The same name with a number if it is taken by another passkey of the account, such as "Chrome on Linux 2".
#[must_use]
pub fn distinct_name(name: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let numbered = (2..).map(|number| format!("{name} {number}"));
    std::iter::once(name.to_owned()).chain(numbered).find(|name| !is_taken(name)).unwrap_or_default()
}

const PROVIDERS: [(Uuid, &str); 24] = [
    (uuid!("fbfc3007-154e-4ecc-8c0b-6e020557d7bd"), "Apple Passwords"),
    (uuid!("dd4ec289-e01d-41c9-bb89-70fa845d4bf2"), "iCloud Keychain (managed)"),
    (uuid!("ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4"), "Google Password Manager"),
    (uuid!("adce0002-35bc-c60a-648b-0b25f1f05503"), "Chrome on Mac"),
    (uuid!("b5397666-4885-aa6b-cebf-e52262a439a2"), "Chromium"),
    (uuid!("771b48fd-d3d4-4f74-9232-fc157ab0507a"), "Edge on Mac"),
    (uuid!("08987058-cadc-4b81-b6e1-30de50dcbe96"), "Windows Hello"),
    (uuid!("9ddd1817-af5a-4672-a2b9-3e3dd95000a9"), "Windows Hello"),
    (uuid!("6028b017-b1d4-4c02-b4b3-afcdafc96bb2"), "Windows Hello"),
    (uuid!("d3452668-01fd-4c12-926c-83a4204853aa"), "Microsoft Password Manager"),
    (uuid!("53414d53-554e-4700-0000-000000000000"), "Samsung Pass"),
    (uuid!("bada5566-a7aa-401f-bd96-45619a55120d"), "1Password"),
    (uuid!("d548826e-79b4-db40-a3d8-11116f7e8349"), "Bitwarden"),
    (uuid!("531126d6-e717-415c-9320-3d9aa6981239"), "Dashlane"),
    (uuid!("b84e4048-15dc-4dd0-8640-f4f60813c8af"), "NordPass"),
    (uuid!("0ea242b4-43c4-4a1b-8b17-dd6d0b6baec6"), "Keeper"),
    (uuid!("f3809540-7f14-49c1-a8b3-8f813b225541"), "Enpass"),
    (uuid!("50726f74-6f6e-5061-7373-50726f746f6e"), "Proton Pass"),
    (uuid!("b78a0a55-6ef8-d246-a042-ba0f6d55050c"), "LastPass"),
    (uuid!("fdb141b2-5d84-443e-8a35-4698c205a502"), "KeePassXC"),
    (uuid!("eaecdef2-1c31-5634-8639-f1cbd9c00a08"), "KeePassDX"),
    (uuid!("b35a26b2-8f6e-4697-ab1d-d44db4da28c6"), "Zoho Vault"),
    (uuid!("fa37f553-f9b6-4adb-ac53-8bbb57ebdf0d"), "Norton Password Manager"),
    (uuid!("a10c6dd9-465e-4226-8198-c7c44b91c555"), "Kaspersky Password Manager"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_providers_are_named_and_others_are_not() {
        let chrome = Client { browser: Some("Chrome".to_owned()), system: Some("Linux".to_owned()) };
        assert_eq!(
            default_name(uuid!("fbfc3007-154e-4ecc-8c0b-6e020557d7bd"), &chrome, Language::German),
            "Apple Passwords"
        );
        assert_eq!(default_name(Uuid::nil(), &chrome, Language::English), "Chrome on Linux");
        assert_eq!(default_name(Uuid::nil(), &chrome, Language::German), "Chrome unter Linux");
        assert_eq!(default_name(Uuid::nil(), &Client::UNKNOWN, Language::English), "Passkey");
        assert_eq!(provider(Uuid::from_u128(1)), None);
    }

    #[test]
    fn a_default_name_is_numbered_if_it_is_taken() {
        let taken = |name: &str| distinct_name(name, |other| ["Chrome on Linux", "Chrome on Linux 2"].contains(&other));
        assert_eq!(taken("Firefox on Linux"), "Firefox on Linux");
        assert_eq!(taken("Chrome on Linux"), "Chrome on Linux 3");
    }
}
