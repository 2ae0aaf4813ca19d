//! The key of a provider: what is told of it, and the form for another one.

use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use signalbox_model::Timestamp;
use signalbox_model::actor::Permission;
use signalbox_model::provider::{KeySource, ProviderKey};
use signalbox_model::secret::{Expiry, SecretInfo};

use super::api::SetProviderKey;
use crate::components::aspect::{Aspect, State};
use crate::components::command::{Command, CommandForm};
use crate::components::field::Field;
use crate::components::submit::Submit;
use crate::components::time::Time;
use crate::console::Console;

/// A key's aspect and word at `now`.
pub(super) fn of_key(key: &ProviderKey, now: Timestamp) -> (Aspect, &'static str) {
    let expiry = key.secret.as_ref().map(|secret| secret.expiry(now));
    match (key.source, expiry) {
        _ if key.fault.is_some() => (Aspect::Danger, "cannot be read"),
        (KeySource::None, _) => (Aspect::Caution, "none"),
        (KeySource::Environment, _) => (Aspect::Clear, "from the environment"),
        (KeySource::Vault, Some(Expiry::Past)) => (Aspect::Danger, "expired"),
        (KeySource::Vault, Some(Expiry::Soon)) => (Aspect::Caution, "expires soon"),
        (KeySource::Vault, _) => (Aspect::Clear, "in the vault"),
    }
}

/// What is told of the key.
#[component]
pub(super) fn KeyFacts(key: ProviderKey, now: Timestamp) -> impl IntoView {
    let (aspect, word) = of_key(&key, now);
    let fallback = match key.source {
        KeySource::Vault => None,
        KeySource::Environment => {
            Some(format!("{} is read, while the vault has none.", key.variable))
        }
        KeySource::None => Some(format!("Neither the vault nor {} has one.", key.variable)),
    };
    view! {
        <p>
            <State of=aspect word />
        </p>
        {key.fault.map(|fault| view! { <p class="error">{format!("{fault}.")}</p> })}
        {fallback.map(|words| view! { <p class="muted">{words}</p> })}
        {key.secret.map(|secret| view! { <Secret secret /> })}
    }
    .into_any()
}

#[component]
fn Secret(secret: SecretInfo) -> impl IntoView {
    let expires = match secret.expires_at {
        Some(at) => view! { <Time at /> }.into_any(),
        None => "nobody has said".into_any(),
    };
    view! {
        <dl class="facts">
            <dt>"Key"</dt>
            <dd class="id">{secret.shown()}</dd>
            <dt>"Set"</dt>
            <dd>
                <Time at=secret.updated_at />
                {format!(" by {}", secret.updated_by)}
            </dd>
            <dt>"Expires"</dt>
            <dd>{expires}</dd>
            <dt>"Master key"</dt>
            <dd class="id">{secret.key_id}</dd>
        </dl>
    }
    .into_any()
}

/// The form for another key. A plain one: what is typed into it is kept nowhere.
#[component]
pub(super) fn SetKey(provider: String) -> impl IntoView {
    let refusal = Console::get().refuses(Permission::ManageProviders);
    let refused = refusal.is_some();
    view! {
        <form method="post" action=SetProviderKey::url() autocomplete="off">
            <fieldset class=refused.then_some("locked") disabled=refused>
                <input type="hidden" name="provider" value=provider />
                <Field
                    name="key"
                    label="New key"
                    kind="password"
                    autocomplete="off"
                    hint="Nobody sees it again: only its last four characters are shown."
                />
                <Field
                    name="expiresAt"
                    label="Last day on which it works (UTC), if you know"
                    kind="date"
                    required=false
                    hint="From 14 days before, the console warns of it."
                />
                <p class="actions">
                    <button class="button primary">"Set the key"</button>
                </p>
                {refusal.map(|reason| view! { <p class="hint">{reason}</p> })}
            </fieldset>
        </form>
    }
    .into_any()
}

/// The form that takes the key out of the vault.
#[component]
pub(super) fn RemoveKey(provider: String, variable: String, remove: Command) -> impl IntoView {
    view! {
        <details>
            <summary>"Remove the key"</summary>
            <p class="muted">
                {format!("Calls take that of {variable} again, if there is one.")}
            </p>
            <CommandForm action=remove>
                <input type="hidden" name="provider" value=provider />
                <Field name="reason" label="Reason" id="remove-reason" />
                <Submit class="button danger" pending=remove.pending()>
                    "Remove the key"
                </Submit>
            </CommandForm>
        </details>
    }
    .into_any()
}
