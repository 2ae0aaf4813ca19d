//! Running: web, worker and scheduler, in one process or apart, and their orderly end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use signalbox_engine::alerts::courier::{Channel, Outside};
use signalbox_engine::auth::users::{FirstAdmin, ensure_first_admin};
use signalbox_engine::changes::Changes;
use signalbox_engine::jobs::handler::Registry;
use signalbox_engine::jobs::worker::{Worker, WorkerOptions};
use signalbox_engine::scheduler::{Scheduler, SchedulerOptions};
use signalbox_engine::{Ctx, backups, matviews, settings};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::config::{Config, Secret};
use crate::database::Database;
use crate::greeting::greet;
use crate::mail::Mail;
use crate::router::app;
use crate::run::RunError;
use crate::signals::Signals;
use crate::state::{AppParts, Readiness};
use crate::webhook::Webhook;

/// How long a start waits for its database.
const START_PATIENCE: Duration = Duration::from_secs(60);
/// How long running jobs may take to finish or hand back when the process ends.
const WORKER_GRACE: Duration = Duration::from_secs(25);
/// How long open requests may take after that.
const WEB_GRACE: Duration = Duration::from_secs(3);
/// The exit code of a process that was told to end three times: 128 + SIGINT.
const EXIT_AT_ONCE: i32 = 130;

/// What this process does.
#[derive(Debug, Clone, Copy)]
pub struct Roles {
    /// The console and the API.
    pub web: bool,
    /// Runs jobs.
    pub worker: bool,
    /// Runs schedules and sweeps, if it is the leader.
    pub scheduler: bool,
}

impl Roles {
    /// All of it.
    pub const ALL: Roles = Roles { web: true, worker: true, scheduler: true };
    /// Nothing.
    pub const NONE: Roles = Roles { web: false, worker: false, scheduler: false };
}

/// Starts `roles`, and returns after they have ended in order.
///
/// # Errors
/// When something needed cannot be started.
pub async fn serve(config: &Config, roles: Roles) -> Result<(), RunError> {
    let mut signals = Signals::listen().map_err(RunError::Signals)?;
    let database = Database::open(config, START_PATIENCE).await?;
    let running = match start(config, roles, &database.system).await {
        Ok(running) => running,
        Err(error) => {
            database.close().await;
            return Err(error);
        }
    };
    let signal = signals.next().await;
    tracing::info!(signal, "stopping; a second signal hands running jobs back at once");
    let at_once = CancellationToken::new();
    let hurry = at_once.clone();
    tokio::spawn(async move {
        signals.next().await;
        hurry.cancel();
        signals.next().await;
        std::process::exit(EXIT_AT_ONCE);
    });
    running.stop(&at_once).await;
    database.close().await;
    tracing::info!("stopped");
    Ok(())
}

/// What has been started.
struct Running {
    readiness: Readiness,
    worker: Option<Worker>,
    scheduler: Option<Scheduler>,
    web: Option<Web>,
}

async fn start(config: &Config, roles: Roles, system: &Ctx) -> Result<Running, RunError> {
    // First what can fail for the operator's reasons, such as a port that is taken.
    let listener = if roles.web { Some(listen(config.addr).await?) } else { None };
    settings::apply_environment(&system.db, &system.clock, &config.initial_settings)
        .await
        .map_err(RunError::Settings)?;
    if let Some(enabled) = config.matviews_enabled {
        matviews::apply_environment(&system.db, &system.clock, enabled)
            .await
            .map_err(|error| RunError::Settings(error.into()))?;
    }
    let vault = config.vault(system.db.clone());
    let vault = if roles.web { vault.with_a_key() } else { vault };
    if let (true, Err(error)) = (roles.web, vault.ready()) {
        tracing::warn!(%error, "keys of providers come from the environment only");
    }
    let registry = signalbox_pipelines::registry(config.providers(), &vault)?
        .with(|kinds| backups::register(kinds, config.backups()));
    let outside = outside(config, system)?;
    let readiness = Readiness::default();
    let worker = if roles.worker { Some(start_worker(config, system, &registry)) } else { None };
    let scheduler =
        if roles.scheduler { Some(start_scheduler(system, &registry, &outside)) } else { None };
    let web = match listener {
        None => None,
        Some(listener) => {
            let admin = first_admin(config, system).await?;
            let parts = parts(config, system, registry, outside, readiness.clone());
            let changes = parts.changes.clone();
            warn_of_plain_http(config);
            let url = url(config, &listener);
            let web = Web::start(listener, app(parts), changes);
            greet(&url, &admin);
            Some(web)
        }
    };
    Ok(Running { readiness, worker, scheduler, web })
}

fn start_worker(config: &Config, system: &Ctx, registry: &Registry) -> Worker {
    let options =
        WorkerOptions { concurrency: config.worker_concurrency, ..WorkerOptions::default() };
    Worker::start(system.db.clone(), system.clock.clone(), registry.clone(), options)
}

/// Whom alerts are told to.
fn outside(config: &Config, system: &Ctx) -> Result<Outside, RunError> {
    let mut channels: Vec<Arc<dyn Channel>> = Vec::new();
    if let Some(url) = config.alert_webhook_url.clone() {
        let secret = config.alert_webhook_secret.clone();
        let webhook = Webhook::new(url, secret, system.clock.clone()).map_err(RunError::Webhook)?;
        channels.push(Arc::new(webhook));
    }
    if let Some(options) = config.mail.clone() {
        let mail = Mail::new(options, system.clock.clone()).map_err(RunError::Mail)?;
        channels.push(Arc::new(mail));
    }
    Ok(Outside { environment: config.environment.clone(), url: config.url.clone(), channels })
}

fn start_scheduler(system: &Ctx, registry: &Registry, outside: &Outside) -> Scheduler {
    let options = SchedulerOptions {
        schedules: signalbox_pipelines::schedules(),
        outside: outside.clone(),
        ..SchedulerOptions::default()
    };
    Scheduler::start(system.db.clone(), system.clock.clone(), registry.clone(), options)
}

fn parts(
    config: &Config,
    system: &Ctx,
    registry: Registry,
    outside: Outside,
    readiness: Readiness,
) -> AppParts {
    AppParts {
        system: system.clone(),
        registry,
        outside,
        environment: config.environment.clone(),
        allowed_origins: config.allowed_origins.clone(),
        secure_cookies: config.secure_cookies,
        health_allowlist: config.health_allowlist.clone(),
        proxies: config.trusted_proxies.clone(),
        ops_admin_emails: config.ops_admin_emails.clone(),
        security_contact: config.security_contact.clone(),
        site_root: config.site_root.clone(),
        readiness,
        changes: Changes::listen(&system.db),
    }
}

/// Creates the first admin, if there is no user yet.
///
/// # Errors
/// When the e-mail or the password is refused, or the database does not answer.
pub async fn first_admin(config: &Config, system: &Ctx) -> Result<FirstAdmin, RunError> {
    let password = config.admin_password.as_ref().map(Secret::expose);
    ensure_first_admin(&system.db, &system.clock, config.admin_email.as_deref(), password)
        .await
        .map_err(|error| RunError::FirstAdmin(error.to_string()))
}

async fn listen(addr: SocketAddr) -> Result<TcpListener, RunError> {
    TcpListener::bind(addr).await.map_err(|source| RunError::Listen { addr, source })
}

fn url(config: &Config, listener: &TcpListener) -> String {
    format!("http://{}", listener.local_addr().unwrap_or(config.addr))
}

fn warn_of_plain_http(config: &Config) {
    if !config.secure_cookies && !config.addr.ip().is_loopback() {
        tracing::warn!(
            addr = %config.addr,
            "reachable by others over plain http: put TLS in front, then set SIGNALBOX_SECURE_COOKIES=true"
        );
    }
}

impl Running {
    /// Ends in order: no more work is taken, running work ends or is handed back, and the console
    /// answers until then. Once `at_once` is cancelled, work is handed back without waiting.
    async fn stop(self, at_once: &CancellationToken) {
        self.readiness.stop();
        if let Some(worker) = self.worker {
            let grace = at_once.run_until_cancelled(tokio::time::sleep(WORKER_GRACE));
            worker.shutdown(grace).await;
        }
        if let Some(scheduler) = self.scheduler {
            scheduler.shutdown().await;
        }
        if let Some(web) = self.web {
            web.stop().await;
        }
    }
}

/// The console, listening.
struct Web {
    stop: CancellationToken,
    task: JoinHandle<()>,
    changes: Changes,
}

impl Web {
    fn start(listener: TcpListener, router: Router, changes: Changes) -> Web {
        let stop = CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        let task = tokio::spawn(async move {
            let service = router.into_make_service_with_connect_info::<SocketAddr>();
            let served = axum::serve(listener, service).with_graceful_shutdown(stopped).await;
            if let Err(error) = served {
                tracing::error!(%error, "the console has stopped listening");
            }
        });
        Web { stop, task, changes }
    }

    async fn stop(mut self) {
        // The streams of changes never end by themselves.
        self.changes.end();
        self.stop.cancel();
        if tokio::time::timeout(WEB_GRACE, &mut self.task).await.is_err() {
            tracing::warn!("some requests were still open");
            self.task.abort();
        }
    }
}
