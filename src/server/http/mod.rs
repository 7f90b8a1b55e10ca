//! The HTTP layer: cookies, request context, and the checks and headers that apply to every request and response.

pub mod api_gate;
pub mod assets;
pub mod body;
pub mod brand;
pub mod client;
pub mod client_address;
pub mod cookies;
pub mod edge;
pub mod health;
pub mod language;
pub mod limits;
pub mod loopback;
pub mod mailbox_access;
pub mod media_type;
pub mod metrics;
pub mod oauth;
pub mod peers;
pub mod policy_report;
mod quality;
pub mod refusal;
pub mod request;
pub mod same_origin;
pub mod security_headers;
pub mod serve;
pub mod state;
mod syn_filter;
pub mod trace;
pub mod well_known;

pub use request::RequestContext;
pub use state::{AppState, Shared};
