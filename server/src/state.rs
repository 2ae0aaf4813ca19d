//! What every request shares.

use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::FromRef;
use leptos::config::LeptosOptions;
use serde_json::Value;
use signalbox_app::request::Assets;
use signalbox_engine::Ctx;
use signalbox_engine::alerts::courier::Outside;
use signalbox_engine::changes::Changes;
use signalbox_engine::jobs::handler::Registry;
use signalbox_model::Timestamp;

use crate::assets;
use crate::metrics::http::HttpMetrics;
use crate::network::Networks;
use crate::openapi::page::page;
use crate::telemetry::Telemetry;

/// What the console is made from.
#[derive(Clone)]
pub struct AppParts {
    /// The database and the clock. Its actor acts where no user does: sessions, readiness.
    pub system: Ctx,
    /// Every job kind.
    pub registry: Registry,
    /// Whom alerts are told to.
    pub outside: Outside,
    /// Name of this installation, shown in the top strip.
    pub environment: String,
    /// Other origins that may send changes, as browsers write them.
    pub allowed_origins: Vec<String>,
    /// TLS is terminated in front of us: `__Host-` cookie, HSTS.
    pub secure_cookies: bool,
    /// From where health and metrics may be read without signing in.
    pub health_allowlist: Networks,
    /// Proxies whose word on who asks counts.
    pub proxies: Networks,
    /// Who may read the queue triage, in lower case; everybody who may see the console when empty.
    pub ops_admin_emails: Vec<String>,
    /// Whom to tell of a hole in this installation: a URL.
    pub security_contact: Option<String>,
    /// Where the built browser files are.
    pub site_root: PathBuf,
    /// Whether the process takes work; turned off when it begins to stop.
    pub readiness: Readiness,
    /// What tells open pages to read again.
    pub changes: Changes,
}

impl AppParts {
    /// Parts with every option at its default.
    pub fn new(system: Ctx, registry: Registry) -> AppParts {
        AppParts {
            changes: Changes::listen(&system.db),
            system,
            registry,
            outside: Outside::default(),
            environment: "local".to_owned(),
            allowed_origins: Vec::new(),
            secure_cookies: false,
            health_allowlist: Networks::default(),
            proxies: Networks::default(),
            ops_admin_emails: Vec::new(),
            security_contact: None,
            site_root: PathBuf::from("target/site"),
            readiness: Readiness::default(),
        }
    }
}

/// Whether the process takes work.
#[derive(Debug, Clone)]
pub struct Readiness(Arc<AtomicBool>);

impl Default for Readiness {
    fn default() -> Readiness {
        Readiness(Arc::new(AtomicBool::new(true)))
    }
}

impl Readiness {
    /// From now on the process is stopping (AV-2: `/readyz` answers 503).
    pub fn stop(&self) {
        self.0.store(false, Ordering::SeqCst);
    }

    /// Whether the process takes work.
    pub fn is_ready(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// What the router hands to every route; cheap to clone.
#[derive(Clone)]
pub struct AppState(Arc<Inner>);

/// What the API documents of itself, for people and for programs.
pub struct Docs {
    /// As HTML.
    pub page: String,
    /// As OpenAPI.
    pub json: String,
}

/// The contents of [`AppState`].
pub struct Inner {
    /// What the console is made from.
    pub parts: AppParts,
    /// The addresses of the built browser files.
    pub assets: Arc<Assets>,
    /// When the console started.
    pub started_at: Timestamp,
    /// What the API documents of itself.
    pub docs: Docs,
    /// How everything stands.
    pub telemetry: Telemetry,
    /// How requests went.
    pub http_metrics: HttpMetrics,
    leptos: LeptosOptions,
}

impl AppState {
    /// The state made of `parts`; reads the list of built files.
    pub fn new(parts: AppParts, document: &Value) -> AppState {
        // In code, not from LEPTOS_* at compile time: those would change the names of the files.
        let leptos = LeptosOptions::builder()
            .output_name("frontend")
            .site_root(parts.site_root.to_string_lossy().into_owned())
            .site_pkg_dir("pkg")
            .build();
        let assets = Arc::new(assets::read(&parts.site_root));
        let started_at = parts.system.now();
        let docs = Docs {
            page: page(document, &assets.address("signalbox.css")),
            json: document.to_string(),
        };
        let telemetry = Telemetry::new(parts.system.clone(), parts.registry.clone());
        let http_metrics = HttpMetrics::default();
        AppState(Arc::new(Inner {
            parts,
            assets,
            started_at,
            docs,
            telemetry,
            http_metrics,
            leptos,
        }))
    }
}

impl Inner {
    /// How long this process has run, in seconds.
    pub fn uptime_s(&self) -> i64 {
        (self.parts.system.now() - self.started_at).num_seconds()
    }
}

impl Deref for AppState {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl FromRef<AppState> for LeptosOptions {
    fn from_ref(state: &AppState) -> LeptosOptions {
        state.leptos.clone()
    }
}
