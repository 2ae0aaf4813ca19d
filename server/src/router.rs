//! The route table. One list: what is not here does not exist.

use std::any::Any;

use axum::Router;
use axum::extract::{FromRef as _, Request, State};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use http::Uri;
use http::header::CONTENT_SECURITY_POLICY;
use http::request::Parts;
use leptos::nonce::use_nonce;
use leptos::prelude::{LeptosOptions, provide_context, use_context};
use leptos_axum::{LeptosRoutes as _, ResponseOptions, generate_route_list};
use signalbox_app::request::RequestState;
use signalbox_app::{App, shell};
use tower_http::catch_panic::CatchPanicLayer;

use crate::middleware::security_headers::content_security_policy;
use crate::middleware::{
    access_log, actor, body_limit, error_pages, guard, http_metrics, is_api, origin, peer,
    request_id, security_headers, session,
};
use crate::problem::ApiProblem;
use crate::state::{AppParts, AppState};
use crate::{api, assets};

/// The console made of `parts`: every page, every API route, every file.
pub fn app(parts: AppParts) -> Router {
    let session = session::layer(&parts);
    let state = AppState::new(parts);
    let files = assets::routes(&state.assets, &state.parts.site_root);
    // A layer surrounds those above it: a request meets the last one first.
    let with_session = Router::new()
        .merge(api_routes())
        .merge(pages(&state))
        .layer(from_fn(guard::guard))
        .layer(from_fn_with_state(state.clone(), actor::actor))
        .layer(session)
        .layer(from_fn_with_state(state.clone(), peer::peer))
        .layer(from_fn_with_state(state.clone(), origin::origin));
    Router::new()
        .merge(with_session)
        .merge(health_routes())
        .merge(files)
        .layer(from_fn(body_limit::body_limit))
        .layer(CatchPanicLayer::custom(on_panic))
        .layer(from_fn_with_state(state.clone(), error_pages::error_pages))
        .layer(from_fn_with_state(state.clone(), security_headers::security_headers))
        .layer(from_fn_with_state(state.clone(), http_metrics::http_metrics))
        .layer(from_fn(access_log::access_log))
        .layer(from_fn(request_id::request_id))
        .with_state(state)
}

fn health_routes() -> Router<AppState> {
    Router::new()
        .route("/healthz", get(api::health::healthz))
        .route("/readyz", get(api::health::readyz))
        .route("/.well-known/security.txt", get(api::security_txt::read))
}

fn api_routes() -> Router<AppState> {
    use api::{
        admin_jobs, alerts, audit, auth, batch, breakers, bulk_operations, changes, database,
        dead_letters, exports, fleet, health, jobs, kill_switch, logs, matviews, metrics,
        ops_queues, queues, runbooks, schedules, settings, sweeps, system, trends, users,
    };
    Router::new()
        .route("/health", get(health::health))
        .route("/api/health", get(health::health))
        .route("/metrics", get(metrics::metrics))
        .route("/v1/admin/system", get(system::system))
        .route("/api/ops/queues", get(ops_queues::triage))
        .route("/api/auth/login", post(auth::login))
        .route("/api/auth/logout", post(auth::logout))
        .route("/api/auth/me", get(auth::me))
        .route("/api/auth/password", post(auth::password))
        .route("/api/jobs", get(jobs::list).post(jobs::enqueue))
        .route("/api/jobs/batch", post(batch::enqueue_batch))
        .route("/api/jobs/bulk", post(jobs::bulk))
        .route("/api/jobs/bulk/preview", post(jobs::preview_bulk))
        .route("/api/jobs/{id}", get(jobs::detail))
        .route("/api/jobs/{id}/why", get(jobs::why))
        .route("/api/jobs/{id}/cancel", post(jobs::cancel))
        .route("/api/jobs/{id}/retry", post(jobs::retry))
        .route("/api/jobs/{id}/run-next", post(jobs::run_next))
        .route("/api/jobs/{id}/hold", post(jobs::hold))
        .route("/api/jobs/{id}/release", post(jobs::release))
        .route("/api/admin/workers", get(fleet::read))
        .route("/api/ops/workers/{part}/stop", post(fleet::stop))
        .route("/api/ops/workers/{part}/start", post(fleet::start))
        .route("/api/admin/queues", get(queues::list))
        .route("/api/ops/queues/{name}/pause", post(queues::pause))
        .route("/api/ops/queues/{name}/resume", post(queues::resume))
        .route("/api/ops/queues/{name}/drain", post(queues::drain))
        .route("/api/ops/queues/{name}/limit", post(queues::limit))
        .route("/api/ops/queues/{name}/clear-failed", post(queues::clear_failed))
        .route("/api/admin/jobs", get(admin_jobs::read).post(admin_jobs::trigger))
        .route("/api/admin/jobs/backfill", get(admin_jobs::backfills))
        .route("/api/admin/config", get(settings::list).post(settings::change))
        .route("/api/admin/config/preview", get(settings::preview))
        .route("/api/admin/config/{key}/revert", post(settings::revert))
        .route("/api/admin/config/{key}/keep", post(settings::keep))
        .route(
            "/api/admin/kill-switch",
            get(kill_switch::read).post(kill_switch::activate).delete(kill_switch::deactivate),
        )
        .route(
            "/api/admin/dead-letter-queue",
            get(dead_letters::list).post(dead_letters::retry).delete(dead_letters::delete),
        )
        .route(
            "/api/admin/dead-letter-queue/groups",
            get(dead_letters::groups).post(dead_letters::mark),
        )
        .route(
            "/api/admin/dead-letter-queue/bulk",
            get(bulk_operations::list).post(bulk_operations::start),
        )
        .route("/api/admin/dead-letter-queue/bulk/preview", post(bulk_operations::preview))
        .route("/api/admin/dead-letter-queue/bulk/{id}", get(bulk_operations::read))
        .route("/api/admin/dead-letter-queue/bulk/{id}/abort", post(bulk_operations::abort))
        .route("/api/admin/breakers", get(breakers::list))
        .route("/api/admin/breakers/{provider}", post(breakers::act))
        .route("/api/admin/breakers/{provider}/history", get(breakers::moves))
        .route("/api/admin/breakers/{provider}/back-test", get(breakers::try_out))
        .route("/api/admin/schedules", get(schedules::list))
        .route("/api/admin/schedules/preview", get(schedules::preview))
        .route("/api/admin/schedules/{name}", get(schedules::read).post(schedules::command))
        .route("/api/admin/runbooks", get(runbooks::list))
        .route("/api/admin/runbooks/runs/{id}", get(runbooks::run))
        .route("/api/admin/runbooks/runs/{id}/export", get(runbooks::export))
        .route("/api/admin/runbooks/{incident}", get(runbooks::read).post(runbooks::command))
        .route("/api/admin/alerts", get(alerts::list))
        .route("/api/admin/alerts/history", get(alerts::history))
        .route("/api/admin/alerts/{id}/acknowledge", post(alerts::acknowledge))
        .route("/api/admin/alerts/rules/{name}", get(alerts::rule).post(alerts::command))
        .route("/api/admin/alerts/rules/{name}/back-test", get(alerts::try_out))
        .route("/api/admin/test-alert", post(alerts::test))
        .route("/api/admin/sweeps", get(sweeps::list))
        .route("/api/admin/matviews", get(matviews::status).post(matviews::command))
        .route("/api/admin/logs", get(logs::search))
        .route("/api/admin/audit", get(audit::search))
        .route("/api/admin/audit/verify", get(audit::verify))
        .route("/api/admin/audit/export", get(audit::export))
        .route("/api/admin/database", get(database::read).post(database::command))
        .route("/api/admin/database/backups", get(database::list_backups))
        .route("/api/admin/trends", get(trends::read))
        .route("/api/admin/changes", get(changes::stream))
        .route("/api/admin/users", get(users::list).post(users::invite))
        .route("/api/admin/users/{email}", get(users::read).post(users::act))
        .route("/api/admin/sessions", get(users::sessions).delete(users::revoke_everything))
        .route("/api/admin/tokens", get(users::tokens).post(users::make_token))
        .route("/api/admin/tokens/{id}/revoke", post(users::revoke_token))
        .route("/api/account/sessions", get(users::own_sessions))
        .route("/api/account/sessions/{handle}", delete(users::end_session))
        .route("/api/domains/export", get(exports::domains))
        .route("/api/domains/{id}/mentions/export", get(exports::mentions))
}

/// Every page of the console and every server function (`/api/fn/<name>`); the console's own "not
/// found" page for the rest.
fn pages(state: &AppState) -> Router<AppState> {
    let routes = generate_route_list(App);
    let options = LeptosOptions::from_ref(state);
    let not_found = leptos_axum::file_and_error_handler_with_context(provide_request, shell);
    Router::new()
        .leptos_routes_with_context(state, routes, provide_request, move || shell(options.clone()))
        .fallback(|uri: Uri, state: State<AppState>, request: Request| async move {
            match request.uri().path() {
                path if is_api(path) => nothing_here(),
                _ => not_found(uri, state, request).await,
            }
        })
}

fn nothing_here() -> Response {
    ApiProblem::of_status(http::StatusCode::NOT_FOUND).into_response()
}

/// Gives Leptos what the layers have put into the request, and the response the policy that the
/// page's nonce belongs to.
fn provide_request() {
    let state =
        use_context::<Parts>().and_then(|parts| parts.extensions.get::<RequestState>().cloned());
    if let Some(state) = state {
        provide_context(state);
    }
    let policy = use_nonce().and_then(|nonce| content_security_policy(&nonce));
    if let (Some(policy), Some(options)) = (policy, use_context::<ResponseOptions>()) {
        options.insert_header(CONTENT_SECURITY_POLICY, policy);
    }
}

/// A defect. Its message goes to the log, never to the caller.
fn on_panic(panic: Box<dyn Any + Send>) -> Response {
    let message = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("unknown");
    tracing::error!(message, "a request panicked");
    ApiProblem::internal().into_response()
}
