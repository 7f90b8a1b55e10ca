use crate::app::{App, Backends};

#[tokio::test]
async fn pages_are_complete_without_javascript() {
    let app = App::start(Backends::Embedded).await;
    for (path, words) in
        [("/", "Sign up"), ("/sign-up", "Create account with a passkey"), ("/sign-in", "Sign in with a passkey")]
    {
        let answer = app.browser().get(path).await;
        assert_eq!(answer.status, 200);
        assert!(answer.text().contains(words), "{path}");
    }
    for path in ["/sign-up", "/sign-in"] {
        assert!(app.browser().get(path).await.text().contains("Passkeys need JavaScript"), "{path}");
    }
}

#[tokio::test]
async fn a_page_without_interactive_parts_loads_no_wasm() {
    let app = App::start(Backends::Embedded).await;
    let mut browser = app.browser();
    browser.sign_up("ada").await;
    for path in ["/", "/apps", "/nothing", "/not-me?token=x", "/email/undo"] {
        let page = browser.get(path).await.text();
        assert!(!page.contains(".wasm") && !page.contains("import("), "{path}: {page}");
    }
}

#[tokio::test]
async fn the_name_of_the_site_is_text_wherever_it_appears() {
    let name = [("SITE_NAME", "A & B </title><i>x</i>")];
    let app = App::start_with_settings(Backends::Embedded, &name).await;
    let page = app.browser().get("/sign-in").await.text();
    assert!(page.contains("· A &amp; B &lt;/title>&lt;i>x&lt;/i></title>"), "{page}");
    assert!(!page.contains("<i>x"), "{page}");
}

#[tokio::test]
async fn navigation_follows_the_session() {
    let app = App::start(Backends::Embedded).await;
    let mut browser = app.browser();
    let stranger = browser.get("/").await.text();
    assert!(stranger.contains("href=\"/sign-in\"") && !stranger.contains("Sign out"));
    browser.sign_up("ada").await;
    assert_eq!(browser.get("/").await.header("location"), "/account", "the home of a signed-in user");
    let page = browser.get("/account").await.text();
    let known = page.split_once("<main").unwrap().0;
    assert!(known.contains("Sign out") && known.contains("href=\"/account\"") && !known.contains("href=\"/sign-in\""));
}

#[tokio::test]
async fn the_account_page_shows_user_data_only_to_that_user() {
    let app = App::start(Backends::Embedded).await;
    let mut browser = app.browser();
    let answer = browser.get("/account").await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/sign-in?next=/account"));
    let passkey = browser.sign_up("ada").await;
    for path in ["/account", "/account/profile"] {
        let page = browser.get(path).await.text();
        for fact in ["ada", "ada@example.org", "Not confirmed"] {
            assert!(page.contains(fact), "{path}: {fact}");
        }
    }
    let profile = browser.get("/account/profile").await.text();
    assert!(profile.contains(&crate::authenticator::encode(passkey.user_handle)), "{profile}");
}

#[tokio::test]
async fn the_sign_in_page_redirects_signed_in_users() {
    let app = App::start(Backends::Embedded).await;
    let mut browser = app.browser();
    browser.sign_up("ada").await;
    for (path, location) in [
        ("/sign-in", "/account"),
        ("/sign-up", "/account"),
        ("/sign-in?next=/x%3Fy", "/x?y"),
        ("/sign-in?next=//evil.example", "/account"),
        ("/sign-in?next=%5C%5Cevil.example", "/account"),
    ] {
        assert_eq!(browser.get(path).await.header("location"), location, "{path}");
    }
}

#[tokio::test]
async fn user_input_is_never_rendered_as_markup() {
    let app = App::start(Backends::Embedded).await;
    let mut browser = app.browser();
    let body =
        serde_json::json!({ "username": "ada", "email": "a@b.example", "display_name": "<script>alert(1)</script>" });
    let options = browser.post("/api/sign-up/start", body).await.json()["publicKey"].clone();
    let passkey = crate::authenticator::SoftPasskey::new(&options);
    let credential = passkey.registration(&options, &app.origin).json();
    browser.post("/api/sign-up/finish", serde_json::json!({ "credential": credential })).await;
    for path in ["/account", "/account/profile"] {
        let page = browser.get(path).await.text();
        assert!(page.contains("&lt;script&gt;") && !page.contains("<script>"), "{page}");
    }
}

#[tokio::test]
async fn unknown_paths_get_an_error_page() {
    let app = App::start(Backends::Embedded).await;
    for path in ["/nothing", "/apiary", "/pkg/x/nothing.js", "/../etc/passwd", "/pkg/..%2f..%2fCargo.toml", "/%00"] {
        let answer = app.browser().get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.text().contains("Page not found"), "{path}");
    }
}

#[tokio::test]
async fn the_question_before_a_passkey_is_removed_names_what_remains() {
    let app = App::start(Backends::Embedded).await;
    let mut browser = app.browser();
    browser.sign_up("ada").await;
    let page = browser.get("/account/passkeys").await.text();
    assert!(page.contains("You can't remove your only sign-in method. Add another passkey first."), "{page}");
    assert!(!page.contains("value=\"remove-passkey\""), "a button that is always refused: {page}");
    // A page that was opened before still has the button.
    let id = browser.get("/api/passkeys").await.json()["passkeys"][0]["id"].as_str().unwrap().to_owned();
    let answer = browser.form("/account", &[("action", "remove-passkey"), ("id", &id)]).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/account/passkeys"));
    assert!(browser.get("/account/passkeys").await.text().contains("role=\"alert\""));

    let token = app.email_to("ada@example.org").await.token();
    browser.post("/api/account/email/confirm", serde_json::json!({ "token": token })).await;
    for question in
        ["You have no other, but you can still sign in by email.", "You have one other.", "You have 2 others."]
    {
        let page = browser.get("/account/passkeys").await.text();
        assert!(page.contains(&format!("Remove this passkey? {question}")), "{question} {page}");
        assert!(page.contains("value=\"remove-passkey\""), "{page}");
        browser.add_passkey().await;
    }
}

#[tokio::test]
async fn forms_say_at_once_what_would_be_refused_or_change_nothing() {
    let app = App::start(Backends::Embedded).await;
    let mut own = app.browser();
    let passkey = own.sign_up_verified(&app, "ada").await;
    let before = app.emails().await.len();
    let same = own.form("/account", &[("action", "address"), ("email", "ADA@example.org")]).await;
    assert_eq!(same.header("location"), "/account/profile");
    assert!(own.get("/account/profile").await.text().contains("Your address is already confirmed."));
    assert_eq!(app.emails().await.len(), before, "no email about an address that stays");

    app.clock.advance(std::time::Duration::from_mins(11));
    let wrong = own.form("/account", &[("action", "delete"), ("name", "bob")]).await;
    assert_eq!(wrong.status, 422, "before the user is asked to confirm their identity");
    let right = own.form("/account", &[("action", "delete"), ("name", "ada")]).await;
    assert!(right.header("location").starts_with("/confirm?continue="));

    assert_eq!(own.form("/account", &[("action", "username"), ("name", "Ada")]).await.status, 303);
    assert!(own.get("/account/profile").await.text().contains("Username saved."));
    assert!(own.get("/account/activity").await.text().contains("ada → Ada"));

    own.form("/sign-out", &[]).await;
    assert_eq!(own.sign_in(&passkey).await.status, 200);
    own.form("/sign-out", &[]).await;
    let page = own.get("/sign-in?step=recovery").await.text();
    assert!(page.contains("value=\"Ada\""), "the remembered user: {page}");
}
