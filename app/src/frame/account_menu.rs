//! Who is signed in, the theme, the way out. Plain forms: each of them loads a new page.

use leptos::prelude::*;
use leptos::server_fn::ServerFn;

use super::api::SetDisplay;
use crate::account::api::SignOut;
use crate::components::icon::Icon;
use crate::console::Console;
use crate::display::{Pace, Theme, Zone};

/// The menu; a link to sign in for strangers.
#[component]
pub(super) fn AccountMenu() -> impl IntoView {
    let actor = Console::get().start.with_value(|start| start.actor.clone());
    let Some(actor) = actor else {
        return view! {
            <a class="button quiet small account" href="/login" rel="external">
                "Sign in"
            </a>
        }
        .into_any();
    };
    view! {
        <details class="menu account">
            <summary class="button quiet small">
                <Icon name="user" />
                {actor.email}
            </summary>
            <div class="sheet">
                <p class="hint">"Signed in as " {actor.role.with_article()}</p>
                <Display />
                <a class="button small" href="/account">
                    "Your account"
                </a>
                <form method="post" action=SignOut::url()>
                    <button class="button small">
                        <Icon name="sign-out" />
                        "Sign out"
                    </button>
                </form>
            </div>
        </details>
    }
    .into_any()
}

/// How this browser shows the console.
#[component]
fn Display() -> impl IntoView {
    let (theme, zone, pace) =
        Console::get().start.with_value(|start| (start.theme, start.zone, start.pace));
    let themes = [
        (Theme::Light.name(), "Light"),
        (Theme::Dark.name(), "Dark"),
        (Theme::System.name(), "System"),
    ];
    view! {
        <Choice name="theme" label="Theme" options=themes.to_vec() chosen=theme.name() />
        <Choice
            name="zone"
            label="Times in"
            options=Zone::ALL.map(|zone| (zone.name(), zone.word())).to_vec()
            chosen=zone.name()
        />
        <Choice
            name="pace"
            label="Updates"
            options=Pace::ALL.map(|pace| (pace.name(), pace.word())).to_vec()
            chosen=pace.name()
        />
    }
}

/// One choice, as buttons.
#[component]
fn Choice(
    name: &'static str,
    label: &'static str,
    options: Vec<(&'static str, &'static str)>,
    chosen: &'static str,
) -> impl IntoView {
    let buttons: Vec<_> = options
        .into_iter()
        .map(|(value, word)| {
            view! {
                <button
                    class="button small"
                    name=name
                    value=value
                    aria-pressed=(value == chosen).to_string()
                >
                    {word}
                </button>
            }
        })
        .collect();
    view! {
        <form method="post" action=SetDisplay::url() class="choice" aria-label=label>
            <span aria-hidden="true">{label}</span>
            <span class="inline">{buttons}</span>
        </form>
    }
    .into_any()
}
