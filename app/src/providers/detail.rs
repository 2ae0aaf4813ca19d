//! `/admin/providers/:provider`: its switch, its key, the test of it, and what was done to it.

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use signalbox_model::actor::Permission;
use signalbox_model::format;
use signalbox_model::provider::{KeySource, Provider, ProviderChange, ProviderRate};

use super::api::{ProviderFacts, ReadProvider, RemoveProviderKey, SwitchProvider, TestProvider};
use super::key::{KeyFacts, RemoveKey, SetKey};
use super::row::Test;
use crate::components::aspect::of_provider;
use crate::components::command::{Command, CommandForm};
use crate::components::field::Field;
use crate::components::live::{live, page, part};
use crate::components::page_head::{Crumbs, PageHead};
use crate::components::scroll::{Head, Scroll};
use crate::components::submit::Submit;
use crate::components::time::Time;

/// The page.
#[component]
pub(crate) fn ProviderPage() -> impl IntoView {
    let params = use_params_map();
    let name = move || params.with(|p| p.get("provider").unwrap_or_default());
    let remove = Command::of::<RemoveProviderKey>(Permission::ManageProviders);
    let switch = Command::of::<SwitchProvider>(Permission::ManageProviders);
    let test = Command::of::<TestProvider>(Permission::ManageProviders);
    page(
        live(move || ReadProvider { provider: name() }),
        |facts: &ProviderFacts| {
            let (_, word) = of_provider(&facts.provider.breaker);
            (format!("Provider {}: {word}", facts.provider.name), facts.as_of)
        },
        move |facts| {
            let provider = Memo::new(move |_| facts.with(|facts| facts.provider.clone()));
            // What forms depend on: they are drawn anew only when that changes.
            let name = provider.get_untracked().name;
            let is_on = Memo::new(move |_| provider.with(|p| p.breaker.disabled.is_none()));
            let kept = Memo::new(move |_| {
                provider.with(|p| (p.key.source == KeySource::Vault, p.key.variable.clone()))
            });
            let (switched, set, removed, tested) = (name.clone(), name.clone(), name.clone(), name);
            view! {
                {part(move || view! { <ProviderHead provider=provider.get() /> })}
                <div class="columns">
                    <section class="panel" aria-labelledby="the-key">
                        <h2 id="the-key">"Key"</h2>
                        {part(move || {
                            let (key, now) = facts.with(|f| (f.provider.key.clone(), f.as_of));
                            view! { <KeyFacts key now /> }
                        })}
                        <SetKey provider=set />
                        {part(move || {
                            let (in_vault, variable) = kept.get();
                            let provider = removed.clone();
                            in_vault.then(|| view! { <RemoveKey provider variable remove /> })
                        })}
                    </section>
                    <section class="panel" aria-labelledby="the-test">
                        <h2 id="the-test">"Test of the credentials"</h2>
                        <p class="muted">
                            "Real steps, past the breaker and the rates: find the host, connect, \
                             sign in with the key, make one cheap call."
                        </p>
                        <CommandForm action=test>
                            <input type="hidden" name="provider" value=tested />
                            <Submit pending=test.pending()>"Test the credentials"</Submit>
                        </CommandForm>
                        {part(move || match provider.with(|p| p.test.clone()) {
                            Some(test) => view! { <Test test /> }.into_any(),
                            None => {
                                view! { <p class="muted">"Nobody has tested it yet."</p> }.into_any()
                            }
                        })}
                    </section>
                    {part(move || {
                        view! { <Switch provider=switched.clone() is_on=is_on.get() switch /> }
                    })}
                    {part(move || view! { <Rates rates=provider.with(|p| p.rates.clone()) /> })}
                </div>
                {part(move || view! { <Changes changes=facts.with(|f| f.changes.clone()) /> })}
            }
        },
    )
}

#[component]
fn ProviderHead(provider: Provider) -> impl IntoView {
    let name = provider.name.to_ascii_uppercase();
    let (_, word) = of_provider(&provider.breaker);
    let now = match &provider.breaker.disabled {
        Some(off) => format!("Switched off by {}: {}.", off.by, off.reason.trim_end_matches('.')),
        None => format!("It is on, its breaker {word}."),
    };
    let rest = match &provider.host {
        Some(host) => format!("{}, at {host}.", provider.label),
        None => format!("No address is configured: set {}.", provider.address_variable),
    };
    let breaker = format!("/admin/breakers/{}", provider.name);
    view! {
        <Crumbs href="/admin/providers" label="Providers" here=name.clone() />
        <PageHead heading=format!("Provider {name}") now rest>
            <a class="button" href=breaker>
                "Breaker"
            </a>
        </PageHead>
    }
    .into_any()
}

#[component]
fn Switch(provider: String, is_on: bool, switch: Command) -> impl IntoView {
    let (heading, says, class, label) = if is_on {
        (
            "Switch it off",
            "No call goes out; its jobs park with no attempt spent, and say why. Its breaker stays as it is.",
            "button danger",
            "Switch it off",
        )
    } else {
        (
            "Switch it on",
            "Its jobs go on, as its breaker and its rates allow.",
            "button primary",
            "Switch it on",
        )
    };
    view! {
        <section class="panel" aria-labelledby="switch">
            <h2 id="switch">{heading}</h2>
            <p class="muted">{says}</p>
            <CommandForm action=switch>
                <input type="hidden" name="provider" value=provider />
                <input type="hidden" name="on" value=(!is_on).to_string() />
                <Field name="reason" label="Reason" hint="Shown to everyone whose job it holds, and kept." />
                <Submit class pending=switch.pending()>
                    {label}
                </Submit>
            </CommandForm>
        </section>
    }
    .into_any()
}

#[component]
fn Rates(rates: Vec<ProviderRate>) -> impl IntoView {
    let rows: Vec<_> = rates
        .into_iter()
        .map(|rate| {
            let throttled = (rate.allowed_rpm < rate.set_rpm)
                .then(|| format!("throttled to {}", format::count(rate.allowed_rpm)));
            view! {
                <tr>
                    <th scope="row">
                        <a href=format!("/admin/config/{}", rate.setting)>{rate.setting.clone()}</a>
                    </th>
                    <td class="num">
                        {format::count(rate.set_rpm)} <span class="sub">{throttled}</span>
                    </td>
                </tr>
            }
        })
        .collect();
    view! {
        <section class="stack" aria-labelledby="rates">
            <h2 id="rates">"Rate limits"</h2>
            <Scroll label="Table of rate limits">
                <table>
                    <Head columns=&["Setting", "#Calls/min"] />
                    <tbody>{rows}</tbody>
                </table>
            </Scroll>
        </section>
    }
    .into_any()
}

/// What an entry of the audit log says was done.
fn done(action: &str) -> &str {
    match action {
        "provider.set_key" => "Key set",
        "provider.remove_key" => "Key removed",
        "provider.enable" => "Switched on",
        "provider.disable" => "Switched off",
        "provider.test" => "Credentials tested",
        other => other,
    }
}

#[component]
fn Changes(changes: Vec<ProviderChange>) -> impl IntoView {
    let nothing = changes.is_empty();
    let rows: Vec<_> = changes
        .into_iter()
        .map(|change| {
            view! {
                <tr>
                    <td class="nowrap">
                        <Time at=change.at />
                    </td>
                    <td>{done(&change.action).to_owned()}</td>
                    <td>{change.by}</td>
                    <td class="wide">{change.reason}</td>
                </tr>
            }
        })
        .collect();
    let table = (!nothing).then(|| {
        view! {
            <Scroll label="Table of what was done">
                <table>
                    <Head columns=&["When", "What", "Who", "Reason"] />
                    <tbody>{rows}</tbody>
                </table>
            </Scroll>
        }
    });
    view! {
        <section class="stack" aria-labelledby="changes">
            <h2 id="changes">"What was done"</h2>
            {nothing.then(|| view! { <p class="muted">"Nothing yet."</p> })}
            {table}
            <p class="hint">
                "The last 20 entries. "<a href="/admin/audit?action=provider.">"All in the audit log"</a>
            </p>
        </section>
    }
    .into_any()
}
