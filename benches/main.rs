//! `make bench`: speed, size, and the distance from the floor. Each part prints a table and saves it as JSON.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a measurement that cannot continue fails")]

#[path = "../tests/suite/authenticator.rs"]
mod authenticator;
mod client;
#[path = "../tests/suite/counting_proxy.rs"]
mod counting_proxy;
mod floor;
mod growth;
mod load;
mod node;
mod population;
#[path = "../tests/suite/ports.rs"]
mod ports;
mod report;
#[expect(dead_code, reason = "tests stop and freeze them")]
#[path = "../tests/suite/servers.rs"]
mod servers;
mod sign_on;
mod start;
mod workload;

use clap::{Args, Parser, Subcommand};
use report::Report;
use std::path::PathBuf;

/// Measures a release build of Latchkey.
#[derive(Parser)]
struct Command {
    #[command(subcommand)]
    part: Part,
    /// The program to measure.
    #[arg(long, global = true, default_value = "target/release/latchkey")]
    program: PathBuf,
    /// Folder for the results as JSON.
    #[arg(long, global = true, default_value = "target/bench")]
    results: PathBuf,
}

#[derive(Subcommand)]
enum Part {
    /// Sign-ups, sign-ins, session look-ups and page views, on both sets of backends or against any address
    Load(Load),
    /// The floor of a sign-in, part by part
    Floor,
    /// Silent sign-ons of applications: authorize, token and userinfo
    SignOn,
    /// The same work on databases of 1,000 to 1,000,000 accounts
    Growth(Growth),
    /// From the start of the process to the first answer
    Start,
    /// An empty axum server, for `floor`
    #[command(hide = true)]
    Empty { port: u16 },
}

#[derive(Args)]
struct Load {
    /// An address to load, instead of programs started here.
    #[arg(long)]
    url: Option<String>,
    /// Number of connections.
    #[arg(long, default_value_t = 8)]
    connections: usize,
    /// Sign-ins in each run.
    #[arg(long, default_value_t = 5_000)]
    sign_ins: usize,
    /// Number of runs, whose median is reported.
    #[arg(long, default_value_t = 3)]
    runs: usize,
}

#[derive(Args)]
struct Growth {
    /// Numbers of accounts, each in its own database.
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 100_000, 1_000_000])]
    accounts: Vec<u32>,
}

#[tokio::main]
async fn main() {
    let command = Command::parse();
    if let Part::Empty { port } = command.part {
        return floor::serve_nothing(port).await;
    }
    let mut report = Report::new(command.results);
    match command.part {
        Part::Load(load) => match &load.url {
            Some(url) => load::load_running_server(url, &load, &mut report).await,
            None => load::load_both_backends(&command.program, &load, &mut report).await,
        },
        Part::Floor => floor::measure(&command.program, &mut report).await,
        Part::Growth(growth) => growth::measure(&command.program, growth.accounts, &mut report).await,
        Part::SignOn => sign_on::measure(&command.program, &mut report).await,
        Part::Start => start::measure(&command.program, &mut report).await,
        Part::Empty { .. } => {}
    }
    report.save();
}
