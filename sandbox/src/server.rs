//! Starting and stopping a sandbox, in a process of its own or inside a test.

use std::future::IntoFuture;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::{Router, middleware};
use chrono::Utc;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::calls::{CallCounts, Calls};
use crate::corpus::{Corpus, CorpusError, CorpusSource, DEFAULT_POSTS};
use crate::faults::{self, Dial, Fault, Lane};
use crate::limits::{Limiter, Standing};
use crate::provider::Provider;
use crate::{control, mcp};

/// After this long a stop no longer waits for clients.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// How to start a sandbox. The default is for tests: any free port, the committed corpus, seed 1.
#[derive(Debug, Clone)]
pub struct SandboxOptions {
    /// Where to listen; port 0 takes any free one.
    pub addr: SocketAddr,
    /// Where the text comes from.
    pub corpus: CorpusSource,
    /// What the corpus and the faults are drawn by.
    pub seed: u64,
    /// How many posts, 1 to 10 000.
    pub posts: usize,
}

impl Default for SandboxOptions {
    fn default() -> Self {
        Self {
            addr: (Ipv4Addr::LOCALHOST, 0).into(),
            corpus: CorpusSource::Fixture,
            seed: 1,
            posts: DEFAULT_POSTS,
        }
    }
}

/// Why a sandbox did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// There is no text to answer with.
    #[error(transparent)]
    Corpus(#[from] CorpusError),
    /// The address cannot be listened on.
    #[error("cannot listen on {addr}: {source}")]
    Listen {
        /// The address as given.
        addr: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
}

/// What the routes share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) corpus: Arc<Corpus>,
    mcp: Arc<Lane>,
}

impl Shared {
    pub(crate) fn lane(&self, provider: Provider) -> &Arc<Lane> {
        match provider {
            Provider::Mcp => &self.mcp,
        }
    }
}

/// A running sandbox. Dropping it stops it.
#[derive(Debug)]
pub struct Sandbox {
    addr: SocketAddr,
    shared: Arc<Shared>,
    stopped: CancellationToken,
    task: JoinHandle<()>,
}

impl Sandbox {
    /// Loads the corpus, listens and serves in a task of the current runtime.
    ///
    /// # Errors
    /// [`StartError`]: no text, or an address that cannot be listened on.
    pub async fn start(options: SandboxOptions) -> Result<Self, StartError> {
        let corpus = Arc::new(Corpus::load(&options.corpus, options.seed, options.posts)?);
        let listen_error = |source| StartError::Listen { addr: options.addr, source };
        let listener = TcpListener::bind(options.addr).await.map_err(listen_error)?;
        let addr = listener.local_addr().map_err(listen_error)?;
        let stopped = CancellationToken::new();
        let lane = |provider| {
            let (dial, calls, stopped) =
                (Dial::new(options.seed), Arc::new(Calls::new()), stopped.clone());
            Arc::new(Lane { provider, dial, limiter: Limiter::default(), calls, stopped })
        };
        let shared = Arc::new(Shared { corpus, mcp: lane(Provider::Mcp) });
        let serve = axum::serve(listener, routes(&shared))
            .with_graceful_shutdown(stopped.clone().cancelled_owned());
        let task = tokio::spawn(async move {
            if let Err(error) = serve.into_future().await {
                tracing::error!(%error, "sandbox stopped serving");
            }
        });
        tracing::info!(%addr, seed = options.seed, corpus = shared.corpus.name(), posts = shared.corpus.posts().len(), "sandbox listening");
        Ok(Self { addr, shared, stopped, task })
    }

    /// The address it listens on.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// `http://127.0.0.1:<port>`, without a slash at the end.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// The MCP endpoint, for `MCP_BASE_URL`. Any non-empty key is accepted.
    #[must_use]
    pub fn mcp_url(&self) -> String {
        format!("{}/mcp", self.base_url())
    }

    /// The posts and comments it answers with.
    #[must_use]
    pub fn corpus(&self) -> &Corpus {
        &self.shared.corpus
    }

    /// Turns a provider's dial; requests that hang are let go.
    pub fn set_fault(&self, provider: Provider, fault: Fault) {
        self.shared.lane(provider).dial.set(fault);
    }

    /// A provider's setting.
    #[must_use]
    pub fn fault(&self, provider: Provider) -> Fault {
        self.shared.lane(provider).dial.get()
    }

    /// Gives a provider a limit of so many requests a minute, or lifts it; a new minute begins.
    pub fn set_limit(&self, provider: Provider, per_minute: Option<u64>) {
        self.shared.lane(provider).limiter.set(per_minute);
    }

    /// How a provider's limit stands, if it has one.
    #[must_use]
    pub fn limit(&self, provider: Provider) -> Option<Standing> {
        self.shared.lane(provider).limiter.standing()
    }

    /// Moves on the clock of a provider's limit, for tests whose time is not the machine's.
    pub fn advance_limit(&self, provider: Provider, by: Duration) {
        self.shared.lane(provider).limiter.advance(by);
    }

    /// What has been asked of a provider since the last reset.
    #[must_use]
    pub fn calls(&self, provider: Provider) -> CallCounts {
        self.shared.lane(provider).calls.counts(None)
    }

    /// The same, with the most arrivals of each operation within any span of this length.
    #[must_use]
    pub fn calls_in_window(&self, provider: Provider, window: Duration) -> CallCounts {
        self.shared.lane(provider).calls.counts(Some(window))
    }

    /// The most arrivals of these operations together within any span of this length.
    #[must_use]
    pub fn most_together(
        &self,
        provider: Provider,
        operations: &[&str],
        window: Duration,
    ) -> usize {
        self.shared.lane(provider).calls.most_together(operations, window)
    }

    /// Forgets a provider's counts.
    pub fn reset_calls(&self, provider: Provider) {
        self.shared.lane(provider).calls.reset();
    }

    /// Returns once at least so many requests have reached a provider since the last reset, so that a test need not sleep.
    pub async fn until_calls(&self, provider: Provider, at_least: u64) {
        self.shared.lane(provider).calls.until(at_least).await;
    }

    /// Stops: no new connections, hanging requests are let go, the rest is waited for, at most 5 s.
    pub async fn stop(mut self) {
        self.stopped.cancel();
        if tokio::time::timeout(STOP_LIMIT, &mut self.task).await.is_err() {
            tracing::warn!("clients still connected, stopping without them");
            self.task.abort();
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.stopped.cancel();
    }
}

fn routes(shared: &Arc<Shared>) -> Router {
    let mcp = mcp::routes(Arc::clone(&shared.corpus), Utc::now());
    let faulty =
        middleware::from_fn_with_state(Arc::clone(shared.lane(Provider::Mcp)), faults::apply);
    control::routes(Arc::clone(shared)).merge(mcp.layer(faulty))
}
