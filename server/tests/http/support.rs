//! A console on a free port, and people who use it.

use std::net::SocketAddr;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};
use signalbox_engine::Ctx;
use signalbox_engine::auth::users::ensure_first_admin;
use signalbox_engine::clock::SystemClock;
use signalbox_engine::jobs::handler::Registry;
use signalbox_engine::testing::TestDb;
use signalbox_engine::vault::Vault;
use signalbox_engine::vault::keyring::{Keyring, MasterKey};
use signalbox_model::actor::Actor;
use signalbox_pipelines::ProviderConfig;
use signalbox_pipelines::mcp::ApiKey;
use signalbox_server::{AppParts, Readiness, app};

/// The admin that every console has.
pub const ADMIN: &str = "admin@example.com";
/// The admin's password.
pub const PASSWORD: &str = "correct horse battery staple";

/// A running console.
pub struct Console {
    /// Where it is.
    pub base: String,
    /// Its switch.
    pub readiness: Readiness,
    /// Its context.
    pub system: Ctx,
    /// Its job kinds.
    pub registry: Registry,
    /// Its database; last, so that it is dropped last.
    pub db: TestDb,
}

impl Console {
    /// A console with its admin.
    pub async fn start() -> Console {
        Console::start_with(|_| {}).await
    }

    /// A console with its admin, and parts changed by `change`.
    pub async fn start_with(change: impl FnOnce(&mut AppParts)) -> Console {
        Console::start_at(None, change).await
    }

    /// A console whose MCP provider is at `mcp`, called with the key `from-the-environment`.
    pub async fn start_at(mcp: Option<String>, change: impl FnOnce(&mut AppParts)) -> Console {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let db = TestDb::new().await;
        let system = Ctx::new(db.pool.clone(), SystemClock::shared(), Actor::system("test"));
        ensure_first_admin(&system.db, &system.clock, Some(ADMIN), Some(PASSWORD)).await.unwrap();
        let key = mcp.is_some().then(|| ApiKey::new("from-the-environment"));
        let config = ProviderConfig {
            mcp_base_url: mcp,
            mcp_api_key: key,
            mcp_timeout: Duration::from_secs(1),
        };
        let keys = Keyring::new(MasterKey::generate(), Vec::new());
        let vault = Vault::new(db.pool.clone(), keys);
        let registry = signalbox_pipelines::registry(config, &vault).unwrap();
        let mut parts = AppParts::new(system.clone(), registry.clone());
        change(&mut parts);
        let readiness = parts.readiness.clone();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let service = app(parts).into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
        Console { base, readiness, system, registry, db }
    }

    /// Someone who is not signed in.
    pub fn visitor(&self) -> Person {
        let client = Client::builder().cookie_store(true).redirect(Policy::none()).build().unwrap();
        Person { client, base: self.base.clone() }
    }

    /// The admin, signed in.
    pub async fn admin(&self) -> Person {
        let person = self.visitor();
        assert_eq!(person.sign_in(ADMIN, PASSWORD).await.status(), 204);
        person
    }

    /// Gives the admin another role.
    pub async fn set_role(&self, role: &str) {
        sqlx::query("UPDATE users SET role = $1 WHERE email = $2")
            .bind(role)
            .bind(ADMIN)
            .execute(&self.db.pool)
            .await
            .unwrap();
    }

    /// Makes the admin's password one that works once.
    pub async fn must_change_password(&self) {
        sqlx::query("UPDATE users SET must_change_password = true WHERE email = $1")
            .bind(ADMIN)
            .execute(&self.db.pool)
            .await
            .unwrap();
    }

    /// The one number that `sql` gives.
    pub async fn number(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.db.pool).await.unwrap()
    }
}

/// A client with its own cookies, which does not follow redirects.
pub struct Person {
    client: Client,
    base: String,
}

impl Person {
    /// A request, to be changed and sent.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base))
    }

    /// `GET path`.
    pub async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().await.unwrap()
    }

    /// `POST path` with a JSON body.
    pub async fn post(&self, path: &str, body: Value) -> Response {
        self.request(Method::POST, path).json(&body).send().await.unwrap()
    }

    /// `DELETE path` with a JSON body.
    pub async fn delete(&self, path: &str, body: Value) -> Response {
        self.request(Method::DELETE, path).json(&body).send().await.unwrap()
    }

    /// Signs in by API.
    pub async fn sign_in(&self, email: &str, password: &str) -> Response {
        self.post("/api/auth/login", json!({ "email": email, "password": password })).await
    }
}

/// The problem that `response` must be, with `status`.
pub async fn problem(response: Response, status: u16) -> Value {
    let (got, path) = (response.status(), response.url().path().to_owned());
    let media_type = response.headers().get("content-type").map(|v| v.to_str().unwrap().to_owned());
    let request_id = response.headers().contains_key("x-request-id");
    let text = response.text().await.unwrap();
    assert_eq!(got, status, "{path}: {text}");
    assert_eq!(media_type.as_deref(), Some("application/problem+json"), "{path}: {text}");
    assert!(request_id, "{path} has no x-request-id");
    let problem: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(problem["status"], status, "{problem}");
    for member in ["type", "title", "detail"] {
        assert!(problem[member].is_string(), "{member} is missing: {problem}");
    }
    problem
}

/// What `problem` says about `field`.
#[track_caller]
pub fn about(problem: &Value, field: &str) -> String {
    let errors = problem["errors"].as_array().cloned().unwrap_or_default();
    let error = errors.iter().find(|error| error["field"] == field);
    let error = error.unwrap_or_else(|| panic!("{field} is not named: {problem}"));
    error["detail"].as_str().unwrap().to_owned()
}

/// The JSON that `response` must be, with `status`.
pub async fn json_of(response: Response, status: u16) -> Value {
    let got = response.status();
    let text = response.text().await.unwrap();
    assert_eq!(got, status, "{text}");
    serde_json::from_str(&text).unwrap()
}
