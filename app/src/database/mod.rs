//! `/admin/database` (JS-5), `/admin/database/tables` and `/admin/database/backups` (JS-7, CP-8).

mod api;
mod backup_row;
mod backups;
mod indexes;
mod maintain;
mod page;
mod sessions;
mod statements;
mod tables;

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use crate::components::fault::NotFound;

/// The three pages as one: each more that the table of routes knows weighs on every first load.
#[component]
pub(crate) fn DatabasePages() -> impl IntoView {
    let params = use_params_map();
    let part = Memo::new(move |_| params.with(|params| params.get("part")));
    move || match part.get().as_deref() {
        None => view! { <page::DatabasePage /> }.into_any(),
        Some("tables") => view! { <tables::TablesPage /> }.into_any(),
        Some("backups") => view! { <backups::BackupsPage /> }.into_any(),
        Some(_) => view! { <NotFound /> }.into_any(),
    }
}
