//! `/account/password`.

use leptos::prelude::*;
use leptos::server_fn::ServerFn;

use super::api::{ChangePassword, SignOut};
use crate::components::field::Field;
use crate::components::icon::Mark;
use crate::components::notices::Outcome;
use crate::console::Console;

/// The page. Whoever has a one-time password sees no other until it is changed.
#[component]
pub(crate) fn PasswordPage() -> impl IntoView {
    let console = Console::get();
    console.name("Change password");
    let actor = console.start.with_value(|start| start.actor.clone());
    let email = actor.as_ref().map(|actor| actor.email.clone());
    let must = actor.is_some_and(|actor| actor.must_change_password);
    view! {
        <main class="bare" id="main">
            <header>
                <Mark class="mark" />
                <h1>"Change your password"</h1>
                <p class="muted">
                    {if must {
                        "You signed in with a one-time password. Choose your own to go on."
                    } else {
                        "It takes effect at once."
                    }}
                </p>
            </header>
            <div class="panel">
                <Outcome />
                <form method="post" action=ChangePassword::url()>
                    <input type="text" hidden autocomplete="username" value=email />
                    <Field
                        name="current"
                        label="Current password"
                        kind="password"
                        autocomplete="current-password"
                    />
                    <Field
                        name="new"
                        label="New password"
                        kind="password"
                        autocomplete="new-password"
                        hint="At least 12 characters."
                    />
                    <button class="button primary">"Change password"</button>
                </form>
                <form method="post" action=SignOut::url()>
                    <button class="button small">"Sign out"</button>
                </form>
            </div>
        </main>
    }
    .into_any()
}
