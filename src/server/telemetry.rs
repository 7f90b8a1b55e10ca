use super::config::LogFormat;
use tracing_subscriber::filter::{Directive, EnvFilter, LevelFilter};

/// Sends logs to standard error; `RUST_LOG` filters, `info` when it is unset.
///
/// The WebAuthn library logs what it verifies at `debug`, so it is held at `error`, unless the filter names one of its modules.
pub fn start(format: LogFormat) {
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).from_env_lossy();
    let quiet = ["webauthn_rs=error", "webauthn_rs_core=error", "webauthn_rs_proto=error"];
    let filter = quiet
        .into_iter()
        .filter_map(|directive| directive.parse::<Directive>().ok())
        .fold(filter, EnvFilter::add_directive);
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        LogFormat::Text => subscriber.init(),
        LogFormat::Json => subscriber.json().init(),
    }
}
