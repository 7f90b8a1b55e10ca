use super::assets::SiteFiles;
use super::brand::BrandFiles;
use super::client_address::TrustedProxies;
use super::cookies::Cookies;
use super::health::Readiness;
use super::mailbox_access::MailboxAccess;
use super::policy_report::PolicyReports;
use crate::server::config::PublicUrl;
use crate::server::core::Core;
use crate::server::services::Services;
use crate::types::Site;
use axum::extract::FromRef;
use leptos::prelude::LeptosOptions;
use std::ops::Deref;
use std::sync::Arc;

/// State that all handlers share. It is cloned for every layer of every request, so cloning must be cheap.
#[derive(Clone)]
pub struct AppState(Arc<Shared>);

impl AppState {
    #[must_use]
    pub fn new(shared: Shared) -> Self {
        Self(Arc::new(shared))
    }
}

impl Deref for AppState {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

/// The contents of [`AppState`]. It dereferences to the services: `state.passkeys().remove(…)`.
pub struct Shared {
    pub services: Services,
    pub public_url: PublicUrl,
    pub leptos: LeptosOptions,
    pub files: SiteFiles,
    pub site: Arc<Site>,
    pub brand: BrandFiles,
    pub cookies: Cookies,
    pub mailbox: MailboxAccess,
    pub proxies: TrustedProxies,
    pub reports: PolicyReports,
    pub readiness: Arc<Readiness>,
    /// Setting `SECURITY_CONTACT`.
    pub security_contact: Option<Arc<str>>,
}

impl Deref for Shared {
    type Target = Services;

    fn deref(&self) -> &Services {
        &self.services
    }
}

/// Lets a handler extract a single part of the state.
macro_rules! parts {
    ($($part:ty: $state:ident => $value:expr;)*) => {$(
        impl FromRef<AppState> for $part {
            fn from_ref($state: &AppState) -> Self {
                $value
            }
        }
    )*};
}

parts! {
    Arc<Core>: state => Arc::clone(state.core());
    Arc<Readiness>: state => Arc::clone(&state.readiness);
    BrandFiles: state => state.brand.clone();
    PolicyReports: state => state.reports.clone();
    TrustedProxies: state => state.proxies.clone();
}
