//! The exact texts of emails.

use latchkey::server::clock::Timestamp;
use latchkey::server::config::{Colour, Palette, Source, Tone};
use latchkey::server::mail::{Branding, Draft, write_notification};
use latchkey::server::model::email_queue::EmailId;
use latchkey::server::model::email_request::{Code, Purpose};
use latchkey::server::model::notification::{NewNotification, Notification, Occasion};
use latchkey::server::model::{Client, Issuer, SessionId, UserId};
use latchkey::server::secret::{Entropy, Token};
use latchkey::types::{DisplayName, EmailAddress, Identifier, Language, Username};

/// Returns the same bytes every time, so that emails can be compared.
struct Constant;

impl Entropy for Constant {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(7);
    }
}

fn address() -> EmailAddress {
    EmailAddress::parse("Ada@Bücher.example").unwrap()
}

fn write_english(purpose: &Purpose, name: Option<&str>) -> latchkey::server::mail::Email {
    write_in(Language::English, purpose, name)
}

fn write_in(language: Language, purpose: &Purpose, name: Option<&str>) -> latchkey::server::mail::Email {
    let name = name.map(|name| DisplayName::parse(name).unwrap());
    let draft = Draft {
        id: EmailId(uuid::Uuid::nil()),
        address: &address(),
        name: name.as_ref(),
        purpose,
        client: &Client { browser: Some("Firefox".to_owned()), system: Some("Linux".to_owned()) },
        language,
        link: &Token::random(&Constant),
        code: Some(&Code::random(&Constant)),
    };
    draft.write(&branding()).unwrap()
}

fn branding() -> Branding {
    let config = latchkey::bootstrap::settings(&Source::from_pairs([
        ("PUBLIC_URL", "https://id.example"),
        ("SECRET_KEY", "the key of this test, and of no other"),
        ("EMAIL_SIGN_IN", "off"),
    ]));
    // Fixed colours, so that a style sheet change does not affect these snapshots.
    let tone = |text| Tone::parse(text).unwrap();
    let palette = Palette {
        accent: tone("#1f5f4a,#7fd1b0"),
        on_accent: Tone { light: Colour::parse("#ffffff").unwrap(), dark: Colour::parse("#0b1f18").unwrap() },
        page: Tone { light: Colour::parse("#fbfaf7").unwrap(), dark: Colour::parse("#141614").unwrap() },
        text: tone("#1b1f1d,#ecefec"),
        muted: tone("#59625d,#a3ada7"),
    };
    Branding { palette, ..Branding::new(&config.unwrap()) }
}

fn sign_in() -> Purpose {
    Purpose::SignIn { identifier: Identifier::parse("ada").unwrap(), known: None }
}

fn sign_up() -> Purpose {
    Purpose::SignUp {
        username: Username::parse("typed-name").unwrap(),
        display_name: DisplayName::parse("Typed Words").unwrap(),
        address: address(),
        invitation: None,
    }
}

fn session() -> SessionId {
    SessionId::new(Timestamp::from_unix_millis(1_790_000_000_000), &Constant)
}

fn confirm() -> Purpose {
    Purpose::Confirm { user: UserId::random(&Constant), session: session(), address: address() }
}

fn reauthenticate() -> Purpose {
    let (user, session) = (UserId::random(&Constant), session());
    Purpose::Reauthenticate { user, session, address: address() }
}

#[test]
fn the_emails_match_the_reviewed_snapshots() {
    for (name, purpose, greeted) in [
        ("sign_in", sign_in(), Some("Ada <b>Lovelace</b> {{ 7 * 7 }}")),
        ("sign_up", sign_up(), None),
        ("confirm", confirm(), None),
        ("reauthenticate", reauthenticate(), Some("Ada")),
    ] {
        let email = write_english(&purpose, greeted);
        assert_eq!(email.recipient, "Ada@xn--bcher-kva.example");
        insta::with_settings!({ snapshot_path => "../snapshots", prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(format!("{name}.txt"), format!("{}\n\n{}", email.subject, email.text));
            insta::assert_snapshot!(format!("{name}.html"), email.html);
            let german = write_in(Language::German, &purpose, greeted);
            insta::assert_snapshot!(format!("{name}.de.txt"), format!("{}\n\n{}", german.subject, german.text));
        });
    }
}

fn security_email(occasion: Occasion, can_undo: bool) -> Notification {
    let client = Client { browser: Some("Firefox".to_owned()), system: None };
    let notification = NewNotification {
        user_id: (occasion != Occasion::Deleted).then(|| UserId::random(&Constant)),
        occasion,
        detail: Some("My <b>phone</b>".to_owned()),
        address: &address(),
        name: &DisplayName::parse("Ada").unwrap(),
        language: Language::English,
        can_undo,
        client: &client,
    };
    Notification::new(notification, Issuer { now: Timestamp::from_unix_millis(1_795_000_000_123), entropy: &Constant })
}

#[test]
fn the_security_notifications_match_the_reviewed_snapshots() {
    for occasion in Occasion::ALL {
        let about = security_email(occasion, occasion == Occasion::AddressChanged);
        let id = EmailId(uuid::Uuid::nil());
        let email = write_notification(id, &about, &Token::random(&Constant), &branding()).unwrap();
        let is_answerable = email.text.contains("https://id.example/not-me?token=");
        assert_eq!(is_answerable, occasion != Occasion::Deleted, "{}", email.text);
        assert!(!email.html.contains("<b>phone"), "{}", email.html);
        insta::with_settings!({ snapshot_path => "../snapshots", prepend_module_to_snapshot => false }, {
            let name = format!("security_{}.txt", occasion.name());
            insta::assert_snapshot!(name, format!("{}\n\n{}", email.subject, email.text));
        });
        let about = Notification { language: Language::German, ..about };
        let german = write_notification(id, &about, &Token::random(&Constant), &branding()).unwrap();
        insta::with_settings!({ snapshot_path => "../snapshots", prepend_module_to_snapshot => false }, {
            let name = format!("security_{}.de.txt", occasion.name());
            insta::assert_snapshot!(name, format!("{}\n\n{}", german.subject, german.text));
        });
    }
    // With both links, with one, and with none.
    for occasion in [Occasion::AddressChanged, Occasion::NewDevice, Occasion::Deleted] {
        let email = security_email(occasion, occasion == Occasion::AddressChanged);
        let id = EmailId(uuid::Uuid::nil());
        let email = write_notification(id, &email, &Token::random(&Constant), &branding()).unwrap();
        insta::with_settings!({ snapshot_path => "../snapshots", prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(format!("security_{}.html", occasion.name()), email.html);
        });
    }
}

#[test]
fn names_are_text_in_an_email_and_never_markup() {
    let email = write_english(&sign_in(), Some("<b>Ada</b> {{ 7 * 7 }}"));
    assert!(!email.html.contains("<b>Ada") && email.html.contains("{{ 7 * 7 }}"), "{}", email.html);
    assert!(email.text.contains("Hello <b>Ada</b> {{ 7 * 7 }},"), "{}", email.text);
}

#[test]
fn an_email_to_an_unverified_address_contains_no_user_input() {
    for purpose in [sign_up(), confirm()] {
        let email = write_english(&purpose, None);
        for typed in ["typed-name", "Typed Words", "Ada@", "ada@"] {
            assert!(!email.text.contains(typed) && !email.html.contains(typed), "{typed}: {}", email.text);
        }
    }
}

#[test]
fn an_email_needs_no_images_and_supports_dark_mode() {
    let email = write_english(&sign_in(), Some("Ada"));
    assert!(!email.html.contains("<img") && !email.html.contains("url("));
    assert!(email.html.contains("prefers-color-scheme: dark") && email.html.contains("color-scheme: light dark"));
    assert!(email.text.contains(Code::random(&Constant).expose()));
}
