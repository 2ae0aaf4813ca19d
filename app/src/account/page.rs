//! `/account`: one's own sessions and password.

use leptos::prelude::*;
use signalbox_model::actor::Actor;

use super::api::{AccountFacts, ReadAccount};
use super::second_factor::FactorPanel;
use super::sessions::SessionTable;
use crate::components::live::{live, page, part};
use crate::components::page_head::PageHead;

/// The page.
#[component]
pub(crate) fn AccountPage() -> impl IntoView {
    page(
        live(|| ReadAccount {}),
        |facts: &AccountFacts| ("Your account".to_owned(), facts.as_of),
        move |facts| {
            let sessions = Signal::derive(move || facts.with(|facts| facts.sessions.clone()));
            let factor = Memo::new(move |_| facts.with(|facts| facts.factor.clone()));
            view! {
                {part(move || facts.with(|facts| head(&facts.actor)))}
                <div class="columns aside">
                    <SessionTable sessions page="/account".to_owned() />
                    <FactorPanel factor />
                </div>
            }
        },
    )
}

fn head(actor: &Actor) -> impl IntoView + use<> {
    let now = format!("Signed in as {}, {}.", actor.email, actor.role.with_article());
    view! {
        <PageHead heading="Your account" now rest="A session ends a week after it began.">
            <a class="button" href="/account/password">
                "Change password"
            </a>
        </PageHead>
    }
}
