//! The server binary.

#[cfg(feature = "ssr")]
mod program {
    use clap::Parser;
    use latchkey::operator::{self, Arguments, Command};
    use latchkey::router::router;
    use latchkey::serve;
    use latchkey::server::config::Source;
    use latchkey::server::http::assets::{EmbeddedFiles, SiteFiles};
    use latchkey::server::telemetry;
    use latchkey::stderr::{self, fail};
    use rust_embed::RustEmbed;
    use std::process::ExitCode;
    use std::time::Duration;

    /// Changes with the site's files, so that cargo recompiles this file (scripts/build-program).
    const _: Option<&str> = option_env!("LATCHKEY_SITE");

    /// The site files that cargo-leptos built.
    #[derive(RustEmbed)]
    #[folder = "target/embedded"]
    #[allow_missing = true]
    struct Site;

    /// A release build embeds the site files; a debug build serves them from the folder.
    fn site_files() -> SiteFiles {
        if cfg!(debug_assertions) { SiteFiles::in_folder() } else { SiteFiles::Embedded(EmbeddedFiles::of::<Site>()) }
    }

    pub fn main() -> ExitCode {
        let Arguments { config, command } = Arguments::parse();
        let config = match latchkey::bootstrap::settings(&Source::from_process(config.as_deref())) {
            Ok(config) => config,
            Err(problems) => {
                stderr::write(&problems.to_string());
                return ExitCode::from(2);
            }
        };
        let runtime = match tokio::runtime::Runtime::new() {
            Ok(runtime) => runtime,
            Err(cause) => return fail(&format!("the runtime did not start: {cause}")),
        };
        let code = match command.unwrap_or(Command::Serve) {
            Command::Serve if site_files().is_empty() => {
                fail("this program was compiled without its site files; build it with `make build`")
            }
            Command::Serve => {
                let telemetry = telemetry::start(config.log_format);
                let code = runtime.block_on(serve::run(&config, site_files(), router));
                telemetry.stop();
                code
            }
            command => {
                let telemetry = telemetry::start_for_command(config.log_format);
                let done = runtime.block_on(operator::run(command, &config));
                telemetry.stop();
                done.unwrap_or_else(|cause| fail(&cause.to_string()))
            }
        };
        // A pending name lookup, for example, does not delay the exit.
        runtime.shutdown_timeout(Duration::from_secs(1));
        code
    }
}

#[cfg(feature = "ssr")]
fn main() -> std::process::ExitCode {
    program::main()
}

#[cfg(not(feature = "ssr"))]
fn main() {}
