//! Observability: logs, metrics and traces.

pub mod meters;
mod traces;

use std::io::IsTerminal;
use traces::Traces;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// The log target of security events, which are logged after their commit.
pub const AUDIT: &str = "latchkey::audit";

/// The format of log lines (setting `LOG_FORMAT`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

/// Flushes the last traces at the end of the program.
pub struct Telemetry {
    traces: Option<Traces>,
}

/// Sends logs to standard error, filtered by `RUST_LOG` (by default `info`). Sends traces to the collector that
/// `OTEL_EXPORTER_OTLP_ENDPOINT` names, if it is set.
///
/// The WebAuthn library logs the data that it verifies at `debug`, so its level is `error`, unless the filter names one
/// of its modules.
#[must_use]
pub fn start(format: LogFormat) -> Telemetry {
    start_with(filter_or(LevelFilter::INFO), format)
}

/// Starts telemetry for a single command: warnings, and audit events, which no filter removes.
#[must_use]
pub fn start_for_command(format: LogFormat) -> Telemetry {
    start_with(filter_or(LevelFilter::WARN).with_target(AUDIT, LevelFilter::INFO), format)
}

/// The filter of `RUST_LOG`, such as `warn,latchkey=debug`, or else this level. Invalid directives are ignored.
fn filter_or(default: LevelFilter) -> Targets {
    let wish = std::env::var("RUST_LOG").unwrap_or_default();
    let directives: Vec<Targets> = wish.split(',').filter_map(|directive| parsed(directive.trim())).collect();
    if directives.is_empty() {
        return Targets::new().with_default(default);
    }
    directives.into_iter().fold(Targets::new(), |filter, directive| match directive.default_level() {
        Some(level) => filter.with_default(level),
        None => filter.with_targets(directive),
    })
}

/// The first part of a filter that is not a directive.
#[must_use]
pub fn invalid_directive(filter: &str) -> Option<&str> {
    filter.split(',').map(str::trim).find(|directive| !directive.is_empty() && parsed(directive).is_none())
}

fn parsed(directive: &str) -> Option<Targets> {
    (!directive.is_empty()).then(|| directive.parse().ok()).flatten()
}

fn start_with(filter: Targets, format: LogFormat) -> Telemetry {
    let filter = filter
        .with_targets(
            ["webauthn_rs", "webauthn_rs_core", "webauthn_rs_proto"].map(|target| (target, LevelFilter::ERROR)),
        )
        .with_target("opentelemetry", LevelFilter::WARN);
    // Colours only on a terminal, and none if `NO_COLOR` is set (https://no-color.org).
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
    /// Sends the remaining traces.
    pub fn stop(self) {
        if let Some(traces) = self.traces {
            traces.stop();
        }
    }
}
