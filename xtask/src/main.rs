//! Build steps of Signalbox that are code: `cargo run -p xtask -- help`.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool for developers speaks to its terminal"
)]

mod bundle;
mod postgres;
mod tidy;
mod workspace;

use std::process::ExitCode;

const HELP: &str = "\
xtask: build steps of Signalbox

  bundle                    builds the console for the browser into target/site
  assets PKG_DIR            the part of `bundle` after the WASM, into PKG_DIR (Trunk's hook)
  with-postgres -- CMD...   runs CMD with DATABASE_URL naming a scratch PostgreSQL
  tidy                      checks the invariants of ARCHITECTURE.md
";

/// What a step may fail with: its message is all that is done with it.
type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments.as_slice() {
        ["bundle"] => bundle::bundle().map(|()| ExitCode::SUCCESS),
        ["assets", pkg_dir] => bundle::assets(pkg_dir.as_ref()).map(|()| ExitCode::SUCCESS),
        ["with-postgres", "--", command @ ..] if !command.is_empty() => postgres::run(command),
        ["tidy"] => tidy::run(),
        _ => {
            print!("{HELP}");
            Ok(ExitCode::from(2))
        }
    };
    outcome.unwrap_or_else(|failure| {
        eprintln!("xtask: {failure}");
        ExitCode::FAILURE
    })
}
