//! `signalbox`: the console, the worker and the scheduler in one binary.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;

#[tokio::main]
async fn main() -> ExitCode {
    match signalbox_server::run(signalbox_server::cli::Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to do where even standard error is closed.
            let _ = writeln!(std::io::stderr(), "signalbox: {error}");
            ExitCode::FAILURE
        }
    }
}
