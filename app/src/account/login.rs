//! `/login`.

use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_query_map;

use super::api::SignIn;
use crate::components::field::Field;
use crate::components::icon::Mark;
use crate::components::notices::Outcome;
use crate::console::Console;

/// The page. Its form is a plain one: signing in always loads a new page.
#[component]
pub(crate) fn LoginPage() -> impl IntoView {
    let console = Console::get();
    console.name("Sign in");
    let environment = console.start.with_value(|start| start.environment.clone());
    let next = use_query_map().with_untracked(|query| query.get("next")).unwrap_or_default();
    view! {
        <main class="bare" id="main">
            <header>
                <Mark class="mark" />
                <h1>"Sign in to Signalbox"</h1>
                <p class="muted">{environment}</p>
            </header>
            <div class="panel">
                <Outcome />
                <form method="post" action=SignIn::url()>
                    <Field name="email" label="Email" kind="email" autocomplete="username" />
                    <Field
                        name="password"
                        label="Password"
                        kind="password"
                        autocomplete="current-password"
                    />
                    <Field
                        name="code"
                        label="Code"
                        autocomplete="one-time-code"
                        required=false
                        hint="If you have set up a second factor."
                    />
                    <input type="hidden" name="next" value=next />
                    <button class="button primary">"Sign in"</button>
                </form>
            </div>
        </main>
    }
    .into_any()
}
