//! Pages whose code the browser fetches when it first needs them, so that the first page does not wait for all the others.
//!
//! A chunk is a file with the code of the pages named here; what several chunks share lies in further files, and the bundler packs
//! what a first page needs into one (`xtask/src/bundle/split.rs`). On the server, and in a bundle that is not split (Trunk's), opening a page is a plain call.

use std::future::Future;
use std::pin::Pin;

use leptos::prelude::*;
use leptos::wasm_split::SplitLoaderError;
use leptos_router::ChooseView;

use crate::components::fault::Unloaded;

/// The view of a route. All pages have this one type, so that the router's code is compiled once.
#[derive(Clone, Copy)]
pub(crate) struct Page {
    load: fn() -> Loading<()>,
    open: fn() -> Loading<AnyView>,
}

type Loading<T> = Pin<Box<dyn Future<Output = Result<T, SplitLoaderError>>>>;

impl ChooseView for Page {
    async fn choose(self) -> AnyView {
        // What can fail is the network, or a server that was updated since this window was opened.
        (self.open)().await.unwrap_or_else(|_| view! { <Unloaded /> }.into_any())
    }

    async fn preload(&self) {
        // If it fails here, it is tried again when the page is opened, which then says so.
        let _ = (self.load)().await;
    }
}

/// Makes a route's view of each page.
macro_rules! chunk {
    ($chunk:ident: $($room:ident::$page:ident as $name:ident),+ $(,)?) => { $(
        pub(crate) const $name: Page = Page {
            load: || Box::pin($page::load()),
            open: || Box::pin($page::$page()),
        };

        #[allow(non_snake_case, reason = "both are named after the page, so that their names are theirs alone")]
        mod $page {
            use super::*;

            #[cfg(all(target_family = "wasm", feature = "split"))]
            #[leptos::wasm_split::wasm_split(
                $chunk,
                wasm_split_path = ::leptos::wasm_split,
                preload(load),
                fallible
            )]
            pub(super) fn $page() -> Result<AnyView, SplitLoaderError> {
                Ok(crate::$room::$page().into_any())
            }

            #[cfg(not(all(target_family = "wasm", feature = "split")))]
            pub(super) async fn load() -> Result<(), SplitLoaderError> {
                Ok(())
            }

            #[cfg(not(all(target_family = "wasm", feature = "split")))]
            pub(super) async fn $page() -> Result<AnyView, SplitLoaderError> {
                // So that the server announces the chunk in the page's head.
                leptos::prefetch_lazy_fn_on_server(stringify!($chunk));
                Ok(crate::$room::$page().into_any())
            }
        }
    )+ };
}

// Few of them: what any several share becomes a part of its own, and parts cost more than what they save.
chunk!(start: overview::OverviewPage as OVERVIEW, account::LoginPage as LOGIN, account::PasswordPage as PASSWORD);
chunk!(jobs: jobs::JobsPage as JOBS);
chunk!(work: jobs::JobPage as JOB, jobs::JobsBulkPage as JOBS_BULK, backfills::BackfillsPage as BACKFILLS);
chunk!(letters:
    dead_letters::DeadLettersPage as DEAD_LETTERS,
    bulk_operations::BulkPreviewPage as BULK_PREVIEW,
    bulk_operations::BulkOperationPage as BULK_OPERATION,
);
chunk!(levers:
    queues::QueuesPage as QUEUES,
    queues::QueuePage as QUEUE,
    fleet::WorkersPage as WORKERS,
    kill_switch::KillSwitchPage as KILL_SWITCH,
    schedules::SchedulesPage as SCHEDULES,
    schedules::SchedulePage as SCHEDULE,
    matviews::MatviewsPage as MATVIEWS,
);
chunk!(limits:
    breakers::BreakersPage as BREAKERS,
    breakers::BreakerPage as BREAKER,
    breakers::BackTestPage as BACK_TEST,
    settings::SettingsPage as SETTINGS,
    settings::SettingPage as SETTING,
);
chunk!(records:
    exports::ExportsPage as EXPORTS,
    logs::LogsPage as LOGS,
    audit::AuditPage as AUDIT,
    domains::DomainsPage as DOMAINS,
    domains::DomainPage as DOMAIN,
);
chunk!(keys:
    account::AccountPage as ACCOUNT,
    users::UsersPage as USERS,
    users::UserPage as USER,
    tokens::TokensPage as TOKENS,
    providers::ProvidersPage as PROVIDERS,
    providers::ProviderPage as PROVIDER,
);
chunk!(runbooks:
    runbooks::RunbooksPage as RUNBOOKS,
    runbooks::RunbookPage as RUNBOOK,
    alerts::AlertsPage as ALERTS,
    alerts::AlertRulePage as ALERT_RULE,
    alerts::AlertBackTestPage as ALERT_BACK_TEST,
);
chunk!(database: database::DatabasePages as DATABASE);
