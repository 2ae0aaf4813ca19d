//! The frame around every page of the console: rail, strip, notices.

mod account_menu;
pub(crate) mod api;
mod keyboard;
mod palette;
mod rail;
mod strip;

use leptos::prelude::*;
use leptos_meta::Link;
use leptos_router::components::Outlet;

use crate::components::fault::NotFound;
use crate::components::live::live;
use crate::components::notices::{Outcome, Toasts};
use crate::console::Console;
use api::{Strip, StripFacts};
use keyboard::Keyboard;
use palette::Palette;
use rail::Rail;
use strip::{StopBanners, StripBar};

/// The frame around the page of a route.
#[component]
pub(crate) fn ConsoleFrame() -> impl IntoView {
    view! {
        <Frame>
            <Outlet />
        </Frame>
    }
}

/// The frame around the page for an address that no route has.
#[component]
pub(crate) fn LostFrame() -> impl IntoView {
    view! {
        <Frame>
            <NotFound />
        </Frame>
    }
}

#[component]
fn Frame(children: Children) -> impl IntoView {
    let console = Console::get();
    let facts = live(|| Strip {});
    let top = move || {
        Suspend::new(async move {
            let facts = facts.ready().await.ok().flatten();
            let overall = facts.as_ref().map(StripFacts::overall);
            let icon = overall.as_ref().map(|(aspect, _)| aspect.favicon());
            view! {
                {icon.map(|href| view! { <Link rel="icon" type_="image/svg+xml" href=href /> })}
                {facts.clone().map(|facts| view! { <StopBanners facts /> })}
                <Rail facts=facts.clone() />
                <StripBar facts />
            }
        })
    };
    view! {
        <a class="skip" href="#main" rel="external">
            "Skip to the content"
        </a>
        <div class="shell">
            <Transition>{top}</Transition>
            <main id="main" tabindex="-1">
                <Stale stale=console.stale />
                <Outcome />
                {children()}
            </main>
        </div>
        <Toasts />
        <Keyboard />
        <Palette />
    }
    .into_any()
}

#[component]
fn Stale(stale: RwSignal<bool>) -> impl IntoView {
    move || {
        stale.get().then(|| {
            view! {
                <div class="notice notice-warn" role="status">
                    <div>
                        <strong>"The server cannot be reached."</strong>
                        " What you see is from before; the page goes on by itself."
                    </div>
                </div>
            }
        })
    }
}
