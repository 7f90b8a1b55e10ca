use super::extract::form;
use super::redirect;
use crate::server::http::RequestContext;
use crate::types::{ApiError, Language, Next};
use axum::extract::Request;
use axum::response::Response;
use serde::Deserialize;

#[derive(Deserialize)]
struct LanguageForm {
    #[serde(default)]
    language: String,
    next: Option<String>,
}

/// `POST /language`: sets the language of this browser and, for a signed-in user, of emails; redirects back.
pub async fn post(context: RequestContext, request: Request) -> Result<Response, ApiError> {
    let (form, _) = form::<LanguageForm>(request).await?;
    let language = Language::parse(&form.language).ok_or(ApiError::BadRequest)?;
    if let Some(current) = context.current_user().await? {
        context.state.profile().set_language(&current, language).await?;
    }
    let next = Next::or_home(form.next.as_deref());
    Ok(redirect::to(next.as_str(), context.state.cookies.set_language(language)))
}
