//! `signalbox-sandbox`: the stand-in providers as a process.

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use signalbox_sandbox::{CorpusSource, DEFAULT_POSTS, Sandbox, SandboxOptions};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// What is logged unless `RUST_LOG` says otherwise; the MCP library would log every request.
const DEFAULT_LOG: &str = "info,rmcp=warn";

/// Stand-in providers that speak the real protocols, with a fault dial.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    /// Where to listen.
    #[arg(long, env = "SANDBOX_ADDR", default_value = "127.0.0.1:4000")]
    addr: SocketAddr,
    /// What posts, comments and faults are drawn by; the same seed gives the same ones.
    #[arg(long, env = "SANDBOX_SEED", default_value_t = 1)]
    seed: u64,
    /// How many posts there are.
    #[arg(long, env = "SANDBOX_POSTS", default_value_t = DEFAULT_POSTS)]
    posts: usize,
    /// A folder of .md and .txt files to take the text from, instead of the local cargo registry's READMEs.
    #[arg(long, env = "SANDBOX_CORPUS_DIR")]
    corpus_dir: Option<PathBuf>,
}

impl From<Cli> for SandboxOptions {
    fn from(cli: Cli) -> Self {
        // An empty variable is an unset one.
        let dir = cli.corpus_dir.filter(|dir| !dir.as_os_str().is_empty());
        let corpus = dir.map_or(CorpusSource::Machine, CorpusSource::Dir);
        Self { addr: cli.addr, corpus, seed: cli.seed, posts: cli.posts }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT_LOG));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
    match run(Cli::parse().into()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "sandbox did not start");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: SandboxOptions) -> Result<(), Box<dyn std::error::Error>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let sandbox = Sandbox::start(options).await?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = terminate.recv() => {}
    }
    tracing::info!("stopping");
    sandbox.stop().await;
    Ok(())
}
