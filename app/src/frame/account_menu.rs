//! Who is signed in, the theme, the way out. Plain forms: each of them loads a new page.

use leptos::prelude::*;
use leptos::server_fn::ServerFn;

use super::api::SetTheme;
use crate::account::api::SignOut;
use crate::components::icon::Icon;
use crate::console::Console;
use crate::theme::Theme;

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
                <p class="hint">"Signed in as " {actor.role.name()}</p>
                <form method="post" action=SetTheme::url() class="inline" aria-label="Theme">
                    <ThemeButton theme=Theme::Light>
                        <Icon name="sun" />
                        "Light"
                    </ThemeButton>
                    <ThemeButton theme=Theme::Dark>
                        <Icon name="moon" />
                        "Dark"
                    </ThemeButton>
                    <ThemeButton theme=Theme::System>"System"</ThemeButton>
                </form>
                <a class="button small" href="/account/password">
                    "Change password"
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

#[component]
fn ThemeButton(theme: Theme, children: Children) -> impl IntoView {
    let chosen = Console::get().start.with_value(|start| start.theme);
    view! {
        <button
            class="button small"
            name="theme"
            value=theme.name()
            aria-pressed=(theme == chosen).to_string()
        >
            {children()}
        </button>
    }
}
