//! The tokens, and the way to make and to end one.

use leptos::prelude::*;
use signalbox_model::Timestamp;
use signalbox_model::actor::Permission;
use signalbox_model::format;
use signalbox_model::user::ApiToken;

use super::api::{ListTokens, MakeToken, RevokeToken, TokensFacts};
use crate::components::aspect::{Aspect, State};
use crate::components::command::{Command, CommandForm};
use crate::components::empty::Empty;
use crate::components::field::Field;
use crate::components::live::{live, page, part};
use crate::components::page_head::{Crumbs, PageHead};
use crate::components::rows::Rows;
use crate::components::scroll::{Head, Scroll};
use crate::components::submit::Submit;
use crate::components::time::{MaybeTime, Time};

/// The page.
#[component]
pub(crate) fn TokensPage() -> impl IntoView {
    let make = Command::of::<MakeToken>(Permission::ManageUsers);
    let revoke = Command::of::<RevokeToken>(Permission::ManageUsers);
    page(
        live(|| ListTokens {}),
        |facts: &TokensFacts| ("Tokens".to_owned(), facts.as_of),
        move |facts| {
            let none = Memo::new(move |_| facts.with(|facts| facts.tokens.is_empty()));
            view! {
                {part(move || facts.with(head))}
                <div class="columns aside">
                    {part(move || match none.get() {
                        true => view! {
                            <Empty title="No tokens yet" why="Scripts and Prometheus sign in with one, in place of a person." />
                        }
                        .into_any(),
                        false => view! { <TokenTable facts revoke /> }.into_any(),
                    })}
                    <Make make />
                </div>
            }
        },
    )
}

fn works(token: &ApiToken, now: Timestamp) -> bool {
    token.revoked_at.is_none() && token.expires_at > now
}

fn head(facts: &TokensFacts) -> impl IntoView + use<> {
    let working = facts.tokens.iter().filter(|token| works(token, facts.as_of)).count() as i64;
    let now = format!("{}.", format::plural(working, "token works", "tokens work"));
    view! {
        <Crumbs href="/admin/users" label="Users" here="Tokens" />
        <PageHead
            heading="Tokens"
            now
            rest="Each acts for who made it, never may more than they, and ends by itself."
        />
    }
}

#[component]
fn TokenTable(facts: Signal<TokensFacts>, revoke: Command) -> impl IntoView {
    view! {
        <Scroll label="Table of tokens">
            <table>
                <Head columns=&["Name", "State", "Acts for", "May", "Made", "Last used", "Ends", "!Actions"] />
                <tbody>
                    <Rows
                        each=move || {
                            facts
                                .with(|facts| {
                                    let rows = facts.tokens.iter();
                                    rows.map(|one| (works(one, facts.as_of), one.clone())).collect()
                                })
                        }
                        key=|(works, token): &(bool, ApiToken)| {
                            format!("{} {works} {:?}", token.id, token.last_used_at)
                        }
                        let:row
                    >
                        <TokenRow works=row.0 token=row.1 revoke />
                    </Rows>
                </tbody>
            </table>
        </Scroll>
    }
}

#[component]
fn TokenRow(works: bool, token: ApiToken, revoke: Command) -> impl IntoView {
    let (aspect, word) = match (works, token.revoked_at) {
        (true, _) => (Aspect::Clear, "Works"),
        (false, Some(_)) => (Aspect::Held, "Ended"),
        (false, None) => (Aspect::Idle, "Expired"),
    };
    let scopes: Vec<_> = token.scopes.iter().map(|scope| scope.describe()).collect();
    view! {
        <tr>
            <th scope="row">
                {token.name.clone()} <span class="sub id">{format!("sbx_…{}", token.hint)}</span>
            </th>
            <td>
                <State of=aspect word />
            </td>
            <td>{token.owner}</td>
            <td class="wide">{scopes.join("; ")}</td>
            <td>
                <Time at=token.created_at />
            </td>
            <td>
                <MaybeTime at=token.last_used_at />
            </td>
            <td>
                <Time at=token.revoked_at.unwrap_or(token.expires_at) />
            </td>
            <td class="row-actions">
                {works.then(|| view! { <Revoke id=token.id name=token.name revoke /> })}
            </td>
        </tr>
    }
    .into_any()
}

#[component]
fn Revoke(id: i64, name: String, revoke: Command) -> impl IntoView {
    view! {
        <details class="confirm">
            <summary class="button">
                "End…" <span class="unseen">{format!(" token {name}")}</span>
            </summary>
            <CommandForm action=revoke>
                <input type="hidden" name="id" value=id />
                <p>"What signs in with it is turned away from now on."</p>
                <Field
                    name="reason"
                    id=format!("reason-{id}")
                    label="Reason"
                    autocomplete="off"
                />
                <Submit pending=revoke.pending() class="button danger">
                    {format!("End “{name}”")}
                </Submit>
            </CommandForm>
        </details>
    }
    .into_any()
}

#[component]
fn Make(make: Command) -> impl IntoView {
    let scopes: Vec<_> = Permission::ALL
        .into_iter()
        .filter(|permission| *permission != Permission::ManageUsers)
        .enumerate()
        .map(|(place, permission)| {
            view! {
                <label class="choice">
                    <input
                        type="checkbox"
                        name=format!("scopes[{place}]")
                        value=permission.name()
                        checked=permission == Permission::ReadConsole
                    />
                    {permission.describe()}
                </label>
            }
        })
        .collect();
    view! {
        <section class="panel" aria-labelledby="make">
            <h2 id="make">"Make a token"</h2>
            <CommandForm action=make>
                <Field name="name" label="What it is for" autocomplete="off" />
                <Field
                    name="days"
                    label="Days that it works"
                    kind="number"
                    value="90"
                    min=1
                    max=365
                />
                <fieldset>
                    <legend>"It may"</legend>
                    {scopes}
                </fieldset>
                <div class="actions">
                    <Submit pending=make.pending() class="button primary">
                        "Make the token"
                    </Submit>
                </div>
            </CommandForm>
        </section>
    }
    .into_any()
}
