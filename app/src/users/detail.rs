//! One user: what they may do, where they are signed in, and what can be done about that.

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use signalbox_model::actor::Permission;
use signalbox_model::user::{User, UserAction};

use super::api::{ActOnUser, ReadUser, UserFacts};
use super::page::RoleField;
use super::row::standing;
use crate::account::SessionTable;
use crate::components::aspect::State;
use crate::components::command::{Command, CommandForm};
use crate::components::facts_panel::FactsPanel;
use crate::components::field::Field;
use crate::components::live::{live, page, part};
use crate::components::page_head::{Crumbs, PageHead};
use crate::components::submit::Submit;
use crate::components::time::{MaybeTime, Time};

/// The page.
#[component]
pub(crate) fn UserPage() -> impl IntoView {
    let params = use_params_map();
    let email = move || params.with(|params| params.get("email").unwrap_or_default());
    let act = Command::of::<ActOnUser>(Permission::ManageUsers);
    page(
        live(move || ReadUser { email: email() }),
        |facts: &UserFacts| (format!("User {}", facts.user.email), facts.as_of),
        move |facts| {
            let user = Memo::new(move |_| facts.with(|facts| facts.user.clone()));
            let sessions = Signal::derive(move || facts.with(|facts| facts.sessions.clone()));
            view! {
                {part(move || user.with(head))}
                <div class="columns aside">
                    <div class="stack">
                        <SessionTable sessions page=format!("/admin/users/{}", user.get_untracked().email) />
                        {part(move || view! { <Acts user=user.get() act /> })}
                    </div>
                    {part(move || user.with(facts_of))}
                </div>
            }
        },
    )
}

fn head(user: &User) -> impl IntoView + use<> {
    let now = format!("{} {}.", user.role.label(), standing(user).1.to_lowercase());
    view! {
        <Crumbs href="/admin/users" label="Users" here=user.email.clone() />
        <PageHead heading=user.email.clone() now />
    }
}

fn facts_of(user: &User) -> impl IntoView + use<> {
    let User { role, second_factor, created_at, last_sign_in_at, .. } = *user;
    let (aspect, word) = standing(user);
    let may: Vec<_> = Permission::ALL
        .into_iter()
        .filter(|permission| role.may(*permission))
        .map(|permission| view! { <li>{permission.describe()}</li> })
        .collect();
    let nothing = may.is_empty().then_some("nothing in this console");
    view! {
        <FactsPanel label="Facts of this user">
            <dl class="facts">
                <dt>"State"</dt>
                <dd>
                    <State of=aspect word />
                </dd>
                <dt>"Role"</dt>
                <dd>{role.label()}</dd>
                <dt>"Second factor"</dt>
                <dd>{if second_factor { "Yes" } else { "No" }}</dd>
                <dt>"Invited"</dt>
                <dd>
                    <Time at=created_at />
                </dd>
                <dt>"Last sign-in"</dt>
                <dd>
                    <MaybeTime at=last_sign_in_at />
                </dd>
                <dt>"May"</dt>
                <dd>{nothing} <ul>{may}</ul></dd>
            </dl>
        </FactsPanel>
    }
    .into_any()
}

/// What can be done: each says what it comes to, and asks why.
#[component]
fn Acts(user: User, act: Command) -> impl IntoView {
    let email = user.email.clone();
    let form = move |action: UserAction, summary: &'static str, effect: &'static str| {
        view! { <Act email=email.clone() action summary effect act /> }
    };
    let out = if user.disabled {
        form(UserAction::Enable, "Enable…", "They can sign in again, with their role and password.")
    } else {
        form(
            UserAction::Disable,
            "Disable…",
            "They are signed out everywhere, and their tokens stop working.",
        )
    };
    view! {
        <section class="panel" aria-labelledby="acts">
            <h2 id="acts">"What you can do"</h2>
            <div class="stack">
                <details class="confirm">
                    <summary class="button">"Change role…"</summary>
                    <CommandForm action=act>
                        <input type="hidden" name="email" value=user.email.clone() />
                        <input type="hidden" name="action" value=UserAction::ChangeRole.name() />
                        <RoleField chosen=user.role />
                        <Field name="reason" id="role-reason" label="Reason" autocomplete="off" />
                        <Submit pending=act.pending()>"Change the role"</Submit>
                    </CommandForm>
                </details>
                {form(
                    UserAction::ResetPassword,
                    "Reset password…",
                    "You get a password for them that works once. They are signed out everywhere.",
                )}
                {form(
                    UserAction::EndSessions,
                    "Sign out everywhere…",
                    "Their sessions end. They can sign in again.",
                )}
                {user
                    .second_factor
                    .then(|| {
                        form(
                            UserAction::RemoveSecondFactor,
                            "Remove second factor…",
                            "For somebody who has lost it. They can sign in with their password alone.",
                        )
                    })} {out}
            </div>
        </section>
    }
    .into_any()
}

#[component]
fn Act(
    email: String,
    action: UserAction,
    summary: &'static str,
    effect: &'static str,
    act: Command,
) -> impl IntoView {
    view! {
        <details class="confirm">
            <summary class="button">{summary}</summary>
            <CommandForm action=act>
                <input type="hidden" name="email" value=email />
                <input type="hidden" name="action" value=action.name() />
                <p>{effect}</p>
                <Field
                    name="reason"
                    id=format!("{}-reason", action.name())
                    label="Reason"
                    autocomplete="off"
                />
                <Submit pending=act.pending()>{summary.trim_end_matches('…')}</Submit>
            </CommandForm>
        </details>
    }
    .into_any()
}
