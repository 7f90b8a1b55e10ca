use super::forms::{on_to, read};
use super::render::context;
use crate::server::http::AppState;
use crate::server::http::refusal::refuse;
use crate::types::{ApiError, Language, Next};
use axum::extract::{Request, State};
use axum::response::Response;
use serde::Deserialize;

#[derive(Deserialize)]
pub struct LanguageForm {
    #[serde(default)]
    language: String,
    next: Option<String>,
}

/// Chooses a language for this browser and, for who is signed in, for letters to them; leads back.
pub async fn choose(State(state): State<AppState>, request: Request) -> Response {
    let (form, request) = match read::<LanguageForm>(request).await {
        Ok(read) => read,
        Err(error) => return refuse(error),
    };
    let Some(language) = Language::parse(&form.language) else { return refuse(ApiError::BadRequest) };
    let context = context(&state, &request);
    let chosen = match context.current_user().await {
        Ok(Some(current_user)) => state.auth.set_language(&current_user, language).await,
        Ok(None) => Ok(()),
        Err(cause) => Err(cause),
    };
    match chosen {
        Ok(()) => on_to(Next::or_home(form.next.as_deref()).as_str(), state.cookies.set_language(language)),
        Err(cause) => refuse(cause.into()),
    }
}
