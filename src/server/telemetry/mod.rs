//! How the running program is seen: logs, meters and traces.

pub mod meters;
mod traces;

use std::io::IsTerminal;
use traces::Traces;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{Directive, EnvFilter, LevelFilter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// The name under which every security event is logged, once it is certain that it happened.
pub const AUDIT: &str = "latchkey::audit";

/// What log lines look like (setting `LOG_FORMAT`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

/// What is to be ended with the program, so that the last traces go out.
pub struct Telemetry {
    traces: Option<Traces>,
}

/// Sends logs to standard error; `RUST_LOG` filters, `info` when it is unset. Traces go to the collector that
/// `OTEL_EXPORTER_OTLP_ENDPOINT` names, if it does.
///
/// The WebAuthn library logs what it verifies at `debug`, so it is held at `error`, unless the filter names one of its
/// modules.
#[must_use]
pub fn start(format: LogFormat) -> Telemetry {
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).from_env_lossy();
    start_with(filter, format)
}

/// The same for a single command: warnings, and what is audited, which no filter takes away.
#[must_use]
pub fn start_for_command(format: LogFormat) -> Telemetry {
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::WARN.into()).from_env_lossy();
    let audited = format!("{AUDIT}=info").parse::<Directive>();
    start_with(audited.into_iter().fold(filter, EnvFilter::add_directive), format)
}

fn start_with(filter: EnvFilter, format: LogFormat) -> Telemetry {
    let quiet = ["webauthn_rs=error", "webauthn_rs_core=error", "webauthn_rs_proto=error", "opentelemetry=warn"];
    let filter = quiet
        .into_iter()
        .filter_map(|directive| directive.parse::<Directive>().ok())
        .fold(filter, EnvFilter::add_directive);
    // Colours are for eyes: a file or a pipe gets none (https://no-color.org for those who want none at all).
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty());
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(colours);
    let lines = match format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().boxed(),
    };
    let traces = Traces::start();
    let (traces, unusable) = match traces {
        Ok(traces) => (traces, None),
        Err(cause) => (None, Some(cause)),
    };
    let spans = traces.as_ref().map(Traces::layer);
    tracing_subscriber::registry().with(filter).with(lines).with(spans).init();
    if let Some(cause) = unusable {
        tracing::warn!(%cause, "traces are not sent: OTEL_EXPORTER_OTLP_ENDPOINT cannot be used");
    }
    Telemetry { traces }
}

impl Telemetry {
    /// Sends what is left.
    pub fn stop(self) {
        if let Some(traces) = self.traces {
            traces.stop();
        }
    }
}
