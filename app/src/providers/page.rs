//! `/admin/providers`: all of them, and the vault.

use leptos::prelude::*;
use signalbox_model::format;
use signalbox_model::secret::VaultStatus;

use super::api::{ListProviders, ProvidersFacts};
use super::key::of_key;
use super::row::ProviderRow;
use crate::components::aspect::{Aspect, State, of_provider};
use crate::components::live::{live, page, part};
use crate::components::page_head::PageHead;
use crate::components::scroll::{Head, Scroll};

/// The page.
#[component]
pub(crate) fn ProvidersPage() -> impl IntoView {
    page(
        live(|| ListProviders {}),
        |facts: &ProvidersFacts| ("Providers".to_owned(), facts.as_of),
        |facts| part(move || view! { <Providers facts=facts.get() /> }),
    )
}

/// "1 of 3 providers held; 1 key needs a look."
fn said(facts: &ProvidersFacts) -> (String, String) {
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    let all = count(facts.providers.len());
    let clear = |aspect| matches!(aspect, Aspect::Clear);
    let held = facts.providers.iter().filter(|p| !clear(of_provider(&p.breaker).0)).count();
    let keys = facts.providers.iter().filter(|p| !clear(of_key(&p.key, facts.as_of).0)).count();
    let now = match held {
        0 => "Calls go out to every provider.".to_owned(),
        n => format!("{n} of {} held.", format::plural(all, "provider", "providers")),
    };
    let rest = match keys {
        0 => "Every key is there.".to_owned(),
        n => format!("{} a look.", format::plural(count(n), "key needs", "keys need")),
    };
    (now, rest)
}

#[component]
fn Providers(facts: ProvidersFacts) -> impl IntoView {
    let (now, rest) = said(&facts);
    let as_of = facts.as_of;
    let rows: Vec<_> = facts
        .providers
        .into_iter()
        .map(|provider| view! { <ProviderRow provider now=as_of /> })
        .collect();
    let (aspect, word) = match facts.vault.status {
        VaultStatus::Ok => (Aspect::Clear, "in order"),
        VaultStatus::Locked => (Aspect::Caution, "locked"),
        VaultStatus::Broken => (Aspect::Danger, "broken"),
    };
    view! {
        <PageHead heading="Providers" now rest />
        <section class="stack" aria-labelledby="list">
            <h2 id="list">"All providers"</h2>
            <Scroll label="Table of providers">
                <table>
                    <Head columns=&["Provider", "Status", "Key", "Rate", "Last test", "Host"] />
                    <tbody>{rows}</tbody>
                </table>
            </Scroll>
        </section>
        <section class="panel" aria-labelledby="vault">
            <h2 id="vault">"Vault"</h2>
            <p>
                <State of=aspect word />
            </p>
            <p>{facts.vault.words()}</p>
            {facts
                .vault
                .key_id
                .map(|id| {
                    view! { <p class="muted">"Master key " <span class="id">{id}</span></p> }
                })}
        </section>
    }
    .into_any()
}
