//! Everybody who may come in.

use leptos::prelude::*;
use signalbox_model::actor::{Permission, Role};
use signalbox_model::format;

use super::api::{InviteUser, ListUsers, RevokeEverything, UsersFacts};
use super::row::UserRow;
use crate::components::command::{Command, CommandForm};
use crate::components::field::Field;
use crate::components::live::{live, page, part};
use crate::components::page_head::PageHead;
use crate::components::rows::Rows;
use crate::components::scroll::{Head, Scroll};
use crate::components::submit::Submit;

/// The page.
#[component]
pub(crate) fn UsersPage() -> impl IntoView {
    let invite = Command::of::<InviteUser>(Permission::ManageUsers);
    let revoke = Command::of::<RevokeEverything>(Permission::ManageUsers);
    page(
        live(|| ListUsers {}),
        |facts: &UsersFacts| {
            (format!("Users ({})", format::count(facts.users.len() as i64)), facts.as_of)
        },
        move |facts| {
            view! {
                {part(move || facts.with(head))}
                <div class="columns aside">
                    <Scroll label="Table of users">
                        <table>
                            <Head columns=&[
                                "Who",
                                "Role",
                                "State",
                                "Second factor",
                                "Last sign-in",
                                "#Sessions",
                                "#Tokens",
                            ] />
                            <tbody>
                                <Rows
                                    each=move || facts.with(|facts| facts.users.clone())
                                    key=|user| {
                                        format!(
                                            "{} {:?} {} {} {} {} {:?}",
                                            user.email,
                                            user.role,
                                            user.disabled,
                                            user.must_change_password,
                                            user.sessions,
                                            user.tokens,
                                            user.last_sign_in_at,
                                        )
                                    }
                                    let:user
                                >
                                    <UserRow user />
                                </Rows>
                            </tbody>
                        </table>
                    </Scroll>
                    <div class="stack">
                        <Invite invite />
                        <Breach revoke />
                    </div>
                </div>
            }
        },
    )
}

fn head(facts: &UsersFacts) -> impl IntoView + use<> {
    let able = facts.users.iter().filter(|user| !user.disabled);
    let admins = able.clone().filter(|user| user.role == Role::Admin).count() as i64;
    let now = format!(
        "{} can sign in, {} of them as {}.",
        format::plural(able.count() as i64, "person", "people"),
        format::count(admins),
        if admins == 1 { "an admin" } else { "admins" },
    );
    view! {
        <PageHead heading="Users" now>
            <a class="button" href="/admin/tokens">
                "Tokens for scripts"
            </a>
        </PageHead>
    }
}

/// A choice of roles.
#[component]
pub(super) fn RoleField(#[prop(optional)] chosen: Option<Role>) -> impl IntoView {
    let options: Vec<_> = Role::ALL
        .map(|role| {
            view! {
                <option value=role.name() selected=chosen == Some(role)>
                    {role.label()}
                </option>
            }
        })
        .into();
    view! {
        <div class="field">
            <label for="role">"Role"</label>
            <select id="role" name="role" aria-describedby="role-hint">
                {options}
            </select>
            <p class="hint" id="role-hint">
                "Admins do everything, operators all that a person on call does, viewers look. QA leads and technicians do not see the console."
            </p>
        </div>
    }
    .into_any()
}

#[component]
fn Invite(invite: Command) -> impl IntoView {
    view! {
        <section class="panel" aria-labelledby="invite">
            <h2 id="invite">"Invite"</h2>
            <CommandForm action=invite>
                <Field
                    name="email"
                    label="Email"
                    kind="email"
                    autocomplete="off"
                    hint="You get a password for them that works once."
                />
                <RoleField chosen=Role::Viewer />
                <div class="actions">
                    <Submit pending=invite.pending() class="button primary">
                        "Invite"
                    </Submit>
                </div>
            </CommandForm>
        </section>
    }
    .into_any()
}

#[component]
fn Breach(revoke: Command) -> impl IntoView {
    view! {
        <section class="panel" aria-labelledby="breach">
            <h2 id="breach">"After a breach"</h2>
            <p class="hint">
                "Signs everybody out but you, here, and ends every token. Then rotate the providers' keys."
            </p>
            <details class="confirm">
                <summary class="button danger">"Revoke everything…"</summary>
                <CommandForm action=revoke>
                    <Field name="reason" id="revoke-reason" label="Reason" autocomplete="off" />
                    <Submit pending=revoke.pending() class="button danger">
                        "End all sessions and tokens"
                    </Submit>
                </CommandForm>
            </details>
        </section>
    }
    .into_any()
}
