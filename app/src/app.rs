//! The app: what all pages share, and the table of routes.

use std::sync::Arc;

use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::components::{ParentRoute, Redirect, Route, Router, Routes};
use leptos_router::{PossibleRouteMatch, SsrMode, path};

use crate::chunks;
use crate::components::live::keep_live;
use crate::console::Console;
use crate::frame::{ConsoleFrame, LostFrame};

/// The path of a route. All paths have this one type, so that the router's code is compiled once.
fn at(
    path: impl PossibleRouteMatch + Send + Sync + 'static,
) -> Arc<dyn PossibleRouteMatch + Send + Sync> {
    Arc::new(path)
}

/// How every page is rendered: whole, before the first byte is sent, so that its status is right
/// and that it is complete where JavaScript is off.
const WHOLE: SsrMode = SsrMode::Async;

/// The console. The server renders it, the browser hydrates it.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    let console = Console::provide();
    keep_live(console);
    // The server writes the title when nothing belongs to this page's owner any more, on whatever
    // thread that is: the signal itself is read, and not its place in the owner's arena.
    let title: ArcRwSignal<String> = console.title.into();
    view! {
        <Title text=move || title.get() />
        <Router>
            <Routes fallback=|| view! { <LostFrame /> }>
                <Route path=at(path!("/")) view=|| view! { <Redirect path="/admin" /> } ssr=WHOLE />
                <Route path=at(path!("/login")) view=chunks::LOGIN ssr=WHOLE />
                <Route path=at(path!("/account/password")) view=chunks::PASSWORD ssr=WHOLE />
                <ParentRoute path=at(path!("")) view=ConsoleFrame ssr=WHOLE>
                    <Route path=at(path!("/admin")) view=chunks::OVERVIEW ssr=WHOLE />
                    <Route path=at(path!("/admin/jobs")) view=chunks::JOBS ssr=WHOLE />
                    <Route path=at(path!("/admin/jobs/backfill")) view=chunks::BACKFILLS ssr=WHOLE />
                    <Route path=at(path!("/admin/jobs/bulk")) view=chunks::JOBS_BULK ssr=WHOLE />
                    <Route path=at(path!("/admin/jobs/:id")) view=chunks::JOB ssr=WHOLE />
                    <Route
                        path=at(path!("/admin/dead-letter-queue"))
                        view=chunks::DEAD_LETTERS
                        ssr=WHOLE
                    />
                    <Route
                        path=at(path!("/admin/dead-letter-queue/bulk"))
                        view=chunks::BULK_PREVIEW
                        ssr=WHOLE
                    />
                    <Route
                        path=at(path!("/admin/dead-letter-queue/operations/:id"))
                        view=chunks::BULK_OPERATION
                        ssr=WHOLE
                    />
                    <Route path=at(path!("/admin/breakers")) view=chunks::BREAKERS ssr=WHOLE />
                    <Route path=at(path!("/admin/breakers/:provider")) view=chunks::BREAKER ssr=WHOLE />
                    <Route
                        path=at(path!("/admin/breakers/:provider/back-test"))
                        view=chunks::BACK_TEST
                        ssr=WHOLE
                    />
                    <Route path=at(path!("/admin/providers")) view=chunks::PROVIDERS ssr=WHOLE />
                    <Route
                        path=at(path!("/admin/providers/:provider"))
                        view=chunks::PROVIDER
                        ssr=WHOLE
                    />
                    <Route path=at(path!("/admin/queues")) view=chunks::QUEUES ssr=WHOLE />
                    <Route path=at(path!("/admin/queues/:name")) view=chunks::QUEUE ssr=WHOLE />
                    <Route path=at(path!("/admin/workers")) view=chunks::WORKERS ssr=WHOLE />
                    <Route path=at(path!("/admin/kill-switch")) view=chunks::KILL_SWITCH ssr=WHOLE />
                    <Route path=at(path!("/admin/exports")) view=chunks::EXPORTS ssr=WHOLE />
                    <Route path=at(path!("/admin/config")) view=chunks::SETTINGS ssr=WHOLE />
                    <Route path=at(path!("/admin/config/:key")) view=chunks::SETTING ssr=WHOLE />
                    <Route path=at(path!("/admin/runbooks")) view=chunks::RUNBOOKS ssr=WHOLE />
                    <Route
                        path=at(path!("/admin/runbooks/:incident"))
                        view=chunks::RUNBOOK
                        ssr=WHOLE
                    />
                    <Route path=at(path!("/admin/alerts")) view=chunks::ALERTS ssr=WHOLE />
                    <Route path=at(path!("/admin/alerts/:rule")) view=chunks::ALERT_RULE ssr=WHOLE />
                    <Route
                        path=at(path!("/admin/alerts/:rule/back-test"))
                        view=chunks::ALERT_BACK_TEST
                        ssr=WHOLE
                    />
                    <Route path=at(path!("/admin/audit")) view=chunks::AUDIT ssr=WHOLE />
                    <Route path=at(path!("/admin/logs")) view=chunks::LOGS ssr=WHOLE />
                    <Route path=at(path!("/admin/schedules")) view=chunks::SCHEDULES ssr=WHOLE />
                    <Route path=at(path!("/admin/schedules/:name")) view=chunks::SCHEDULE ssr=WHOLE />
                    <Route path=at(path!("/admin/matviews")) view=chunks::MATVIEWS ssr=WHOLE />
                    <Route path=at(path!("/admin/users")) view=chunks::USERS ssr=WHOLE />
                    <Route path=at(path!("/admin/users/:email")) view=chunks::USER ssr=WHOLE />
                    <Route path=at(path!("/admin/tokens")) view=chunks::TOKENS ssr=WHOLE />
                    <Route path=at(path!("/account")) view=chunks::ACCOUNT ssr=WHOLE />
                    <Route path=at(path!("/admin/database")) view=chunks::DATABASE ssr=WHOLE />
                    <Route path=at(path!("/admin/database/:part")) view=chunks::DATABASE ssr=WHOLE />
                    <Route path=at(path!("/domains")) view=chunks::DOMAINS ssr=WHOLE />
                    <Route path=at(path!("/domains/:id")) view=chunks::DOMAIN ssr=WHOLE />
                </ParentRoute>
            </Routes>
        </Router>
    }
}
