//! The app: what all pages share, and the table of routes.

use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::components::{ParentRoute, Redirect, Route, Router, Routes};
use leptos_router::{SsrMode, path};

use crate::account::{LoginPage, PasswordPage};
use crate::backfills::BackfillsPage;
use crate::breakers::{BackTestPage, BreakerPage, BreakersPage};
use crate::bulk_operations::{BulkOperationPage, BulkPreviewPage};
use crate::components::live::keep_live;
use crate::console::Console;
use crate::dead_letters::DeadLettersPage;
use crate::domains::{DomainPage, DomainsPage};
use crate::exports::ExportsPage;
use crate::fleet::WorkersPage;
use crate::frame::{ConsoleFrame, LostFrame};
use crate::jobs::{JobPage, JobsPage};
use crate::kill_switch::KillSwitchPage;
use crate::logs::LogsPage;
use crate::matviews::MatviewsPage;
use crate::overview::OverviewPage;
use crate::queues::{QueuePage, QueuesPage};
use crate::schedules::{SchedulePage, SchedulesPage};
use crate::settings::{SettingPage, SettingsPage};

/// How every page is rendered: whole, before the first byte is sent, so that its status is right
/// and that it is complete where JavaScript is off.
const WHOLE: SsrMode = SsrMode::Async;

/// The console. The server renders it, the browser hydrates it.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    let console = Console::provide();
    keep_live(console);
    view! {
        <Title text=move || console.title.get() />
        <Router>
            <Routes fallback=|| view! { <LostFrame /> }>
                <Route path=path!("/") view=|| view! { <Redirect path="/admin" /> } ssr=WHOLE />
                <Route path=path!("/login") view=LoginPage ssr=WHOLE />
                <Route path=path!("/account/password") view=PasswordPage ssr=WHOLE />
                <ParentRoute path=path!("") view=ConsoleFrame ssr=WHOLE>
                    <Route path=path!("/admin") view=OverviewPage ssr=WHOLE />
                    <Route path=path!("/admin/jobs") view=JobsPage ssr=WHOLE />
                    <Route path=path!("/admin/jobs/backfill") view=BackfillsPage ssr=WHOLE />
                    <Route path=path!("/admin/jobs/:id") view=JobPage ssr=WHOLE />
                    <Route
                        path=path!("/admin/dead-letter-queue")
                        view=DeadLettersPage
                        ssr=WHOLE
                    />
                    <Route
                        path=path!("/admin/dead-letter-queue/bulk")
                        view=BulkPreviewPage
                        ssr=WHOLE
                    />
                    <Route
                        path=path!("/admin/dead-letter-queue/operations/:id")
                        view=BulkOperationPage
                        ssr=WHOLE
                    />
                    <Route path=path!("/admin/breakers") view=BreakersPage ssr=WHOLE />
                    <Route path=path!("/admin/breakers/:provider") view=BreakerPage ssr=WHOLE />
                    <Route
                        path=path!("/admin/breakers/:provider/back-test")
                        view=BackTestPage
                        ssr=WHOLE
                    />
                    <Route path=path!("/admin/queues") view=QueuesPage ssr=WHOLE />
                    <Route path=path!("/admin/queues/:name") view=QueuePage ssr=WHOLE />
                    <Route path=path!("/admin/workers") view=WorkersPage ssr=WHOLE />
                    <Route path=path!("/admin/kill-switch") view=KillSwitchPage ssr=WHOLE />
                    <Route path=path!("/admin/exports") view=ExportsPage ssr=WHOLE />
                    <Route path=path!("/admin/config") view=SettingsPage ssr=WHOLE />
                    <Route path=path!("/admin/config/:key") view=SettingPage ssr=WHOLE />
                    <Route path=path!("/admin/logs") view=LogsPage ssr=WHOLE />
                    <Route path=path!("/admin/schedules") view=SchedulesPage ssr=WHOLE />
                    <Route path=path!("/admin/schedules/:name") view=SchedulePage ssr=WHOLE />
                    <Route path=path!("/admin/matviews") view=MatviewsPage ssr=WHOLE />
                    <Route path=path!("/domains") view=DomainsPage ssr=WHOLE />
                    <Route path=path!("/domains/:id") view=DomainPage ssr=WHOLE />
                </ParentRoute>
            </Routes>
        </Router>
    }
}
