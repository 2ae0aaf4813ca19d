//! One's own second factor: set up with a code of the authenticator, taken away with another.

use leptos::prelude::*;

use super::api::{BeginFactor, ConfirmFactor, Factor, RemoveFactor, ShownFactor};
use crate::components::aspect::{Aspect, State};
use crate::components::command::{Command, CommandForm};
use crate::components::field::Field;
use crate::components::live::part;
use crate::components::submit::Submit;

/// The panel.
#[component]
pub(super) fn FactorPanel(factor: Memo<Factor>) -> impl IntoView {
    let begin = Command::for_everybody::<BeginFactor>();
    let confirm = Command::for_everybody::<ConfirmFactor>();
    let remove = Command::for_everybody::<RemoveFactor>();
    view! {
        <section class="panel" aria-labelledby="factor">
            <h2 id="factor">"Second factor"</h2>
            {part(move || match factor.get() {
                Factor::None => view! { <Begin begin /> }.into_any(),
                Factor::Begun(shown) => view! { <Confirm shown confirm /> }.into_any(),
                Factor::Locked(why) => view! { <p class="hint">{why}</p> }.into_any(),
                Factor::Confirmed => view! { <Remove remove /> }.into_any(),
            })}
        </section>
    }
    .into_any()
}

#[component]
fn Begin(begin: Command) -> impl IntoView {
    view! {
        <p>
            <State of=Aspect::Caution word="Not set up" />
        </p>
        <p class="hint">
            "With a code of an authenticator besides your password, a password alone lets nobody in."
        </p>
        <CommandForm action=begin>
            <Submit pending=begin.pending()>"Set up"</Submit>
        </CommandForm>
    }
}

#[component]
fn Confirm(shown: ShownFactor, confirm: Command) -> impl IntoView {
    let side = shown.qr_modules + 8;
    view! {
        <p>"Scan this with your authenticator, or type the secret into it."</p>
        <svg
            class="qr"
            role="img"
            aria-label="QR code of the secret below"
            viewBox=format!("-4 -4 {side} {side}")
        >
            <rect x="-4" y="-4" width=side height=side fill="white" />
            <path d=shown.qr_path fill="black" />
        </svg>
        <p class="id">{shown.secret}</p>
        <CommandForm action=confirm>
            <Field
                name="code"
                label="Code that it shows now"
                autocomplete="one-time-code"
                hint="Six digits. You then get codes for the day that you lose it."
            />
            <div class="actions">
                <Submit pending=confirm.pending() class="button primary">
                    "Confirm"
                </Submit>
            </div>
        </CommandForm>
    }
}

#[component]
fn Remove(remove: Command) -> impl IntoView {
    view! {
        <p>
            <State of=Aspect::Clear word="Asked for at every sign-in" />
        </p>
        <details class="confirm">
            <summary class="button">"Remove…"</summary>
            <CommandForm action=remove>
                <p>"You sign in with your password alone from then on."</p>
                <Field
                    name="code"
                    label="Code that it shows now, or a recovery code"
                    autocomplete="one-time-code"
                />
                <Submit pending=remove.pending() class="button danger">
                    "Remove the second factor"
                </Submit>
            </CommandForm>
        </details>
    }
}
