//! Tests of the development mailbox and its access restrictions.

use crate::app::{App, Backends};
use axum::body::Body;
use axum::http::Request;
use serde_json::json;

async fn get(app: &App, path: &str, headers: &[(&str, &str)]) -> crate::app::Answer {
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    app.browser().send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn the_mailbox_shows_sent_emails_newest_first() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        for name in ["ada", "eve"] {
            app.browser().sign_up(name).await;
            app.deliver().await;
        }
        let host = [("host", "localhost:3000")];
        let emails = get(&app, "/dev/mailbox.json", &host).await.json();
        assert_eq!((&emails[0]["to"], &emails[1]["to"]), (&json!("eve@example.org"), &json!("ada@example.org")));
        for member in ["subject", "text", "html", "sent_at"] {
            assert!(emails[0][member].is_string(), "{emails}");
        }
        let page = get(&app, "/dev/mailbox", &host).await.text();
        assert!(page.contains("<a href=\"http://localhost:3000/email/confirm?token="), "the newest is shown: {page}");
        let frame = page.split("<iframe src=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        let html = get(&app, &frame, &host).await;
        assert_eq!(html.status, 200);
        assert!(
            html.text().contains("<base target=\"_top\">") && html.text().contains("/email/confirm?token="),
            "{}",
            html.text()
        );
        let older = page.split("/dev/mailbox?email=").nth(2).unwrap().split('"').next().unwrap();
        let page = get(&app, &format!("/dev/mailbox?email={older}"), &host).await.text();
        assert!(page.contains(&format!("<iframe src=\"/dev/mailbox/html?email={older}\"")), "{page}");
    }
}

#[tokio::test]
async fn the_mailbox_is_hidden_from_other_clients() {
    let app = App::start(Backends::Embedded).await;
    let host = ("host", "localhost:3000");
    assert_eq!(get(&app, "/dev/mailbox/html?email=x", &[host]).await.status, 404, "no such email");
    for path in ["/dev/mailbox", "/dev/mailbox.json"] {
        assert_eq!(get(&app, path, &[host]).await.status, 200);
        for headers in [
            &[][..],
            &[("host", "evil.example")],
            &[("host", "127.0.0.1:3000")],
            &[host, ("x-forwarded-for", "10.0.0.1")],
            &[host, ("forwarded", "for=10.0.0.1")],
            &[host, ("cf-ray", "1")],
            &[host, ("via", "1.1 proxy")],
        ] {
            assert_eq!(get(&app, path, headers).await.refusal(), (404, "not_found".to_owned()), "{headers:?}");
        }
        let public = App::start_with(Backends::Embedded, "https://id.example").await;
        assert_eq!(get(&public, path, &[("host", "id.example")]).await.status, 404);
        let open = App::start_with_settings(Backends::Embedded, &[("LISTEN_ADDR", "0.0.0.0:3000")]).await;
        assert_eq!(get(&open, path, &[host]).await.status, 404);
        let on = [("LISTEN_ADDR", "0.0.0.0:3000"), ("DEV_MAILBOX", "on")];
        assert_eq!(get(&App::start_with_settings(Backends::Embedded, &on).await, path, &[host]).await.status, 200);
    }
}
