//! One setting: what it is, what another value would do, and how it came to be what it is.

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use signalbox_model::actor::Permission;
use signalbox_model::format;
use signalbox_model::limit_preview::LimitPreview;
use signalbox_model::setting::{EXPIRY_MINUTES_BOUND, Setting};
use signalbox_model::throttle::Throttled;

use super::api::{ChangeSetting, KeepSetting, ReadSetting, RevertSetting, SettingFacts};
use super::preview::Comparison;
use super::row::Lowered;
use crate::components::command::{Command, CommandForm};
use crate::components::facts_panel::FactsPanel;
use crate::components::field::Field;
use crate::components::live::{live, page, part};
use crate::components::log_table::LogTable;
use crate::components::page_head::{Crumbs, PageHead};
use crate::components::query::Query;
use crate::components::submit::Submit;
use crate::components::time::{MaybeTime, Time};

/// The page.
#[component]
pub(crate) fn SettingPage() -> impl IntoView {
    let params = use_params_map();
    let key = move || params.with(|params| params.get("key").unwrap_or_default());
    let query = Query::current(&["value"], "#change");
    let change = Command::of::<ChangeSetting>(Permission::ChangeSettings);
    let revert = Command::of::<RevertSetting>(Permission::ChangeSettings);
    let keep = Command::of::<KeepSetting>(Permission::ChangeSettings);
    page(
        live(move || ReadSetting { key: key(), value: query.get().text("value") }),
        |facts: &SettingFacts| (facts.setting.key.clone(), facts.as_of),
        move |facts| {
            let history = Signal::derive(move || facts.with(|facts| facts.history.clone()));
            let setting = move || facts.with(|facts| facts.setting.clone());
            view! {
                {part(move || view! { <SettingHead setting=setting() /> })}
                <div class="columns aside">
                    <div class="stack">
                        {part(move || {
                            setting().expiry.map(|_| view! { <Ending setting=setting() revert keep /> })
                        })}
                        {part(move || {
                            let SettingFacts { setting, preview, .. } = facts.get();
                            if setting.bound().is_some() {
                                view! { <LimitPanel setting preview change /> }.into_any()
                            } else {
                                view! { <ChangePanel setting change /> }.into_any()
                            }
                        })}
                        <LogTable caption="History" logs=history />
                    </div>
                    {part(move || {
                        let SettingFacts { setting, throttled, .. } = facts.get();
                        view! { <Facts setting throttled /> }
                    })}
                </div>
            }
        },
    )
}

#[component]
fn SettingHead(setting: Setting) -> impl IntoView {
    let now = format!("It is {} {}.", format::count(setting.value), setting.unit);
    let rest = format!("{}.", setting.description.trim_end_matches('.'));
    view! {
        <Crumbs href="/admin/config" label="Config" here=setting.key.clone() />
        <PageHead heading=setting.key now rest />
    }
}

/// A change that ends by itself, and what can be decided before.
#[component]
fn Ending(setting: Setting, revert: Command, keep: Command) -> impl IntoView {
    let Setting { key, value, unit, expiry, updated_by, .. } = setting;
    let by = updated_by.unwrap_or_default();
    let to_keep = key.clone();
    expiry.map(|expiry| {
        view! {
            <section class="panel" aria-labelledby="ending">
                <h2 id="ending">"For a while"</h2>
                <p>
                    {format!("{by} set it to {}. It is {} again ", format::count(value), format::count(expiry.reverts_to))}
                    <Time at=expiry.at /> ", on every worker, whoever is looking."
                </p>
                <div class="inline">
                    <CommandForm action=revert>
                        <input type="hidden" name="key" value=key />
                        <Submit pending=revert.pending()>
                            {format!("Revert to {} now", format::count(expiry.reverts_to))}
                        </Submit>
                    </CommandForm>
                    <CommandForm action=keep>
                        <input type="hidden" name="key" value=to_keep />
                        <Submit pending=keep.pending()>
                            {format!("Keep {} {unit}", format::count(value))}
                        </Submit>
                    </CommandForm>
                </div>
            </section>
        }
    })
}

/// A limit: first what another value would do, then the button that makes it so.
#[component]
fn LimitPanel(
    setting: Setting,
    preview: Option<Result<LimitPreview, String>>,
    change: Command,
) -> impl IntoView {
    let value = match &preview {
        Some(Ok(preview)) => preview.proposed.value,
        _ => setting.value,
    };
    let answer = preview.map(|preview| match preview {
        Ok(preview) => view! { <Apply preview change /> }.into_any(),
        Err(error) => view! {
            <div class="notice notice-danger" role="alert">
                {error}
            </div>
        }
        .into_any(),
    });
    let action = format!("/admin/config/{}", setting.key);
    view! {
        <section class="panel" id="change" aria-labelledby="change-heading">
            <h2 id="change-heading">"Change it"</h2>
            <form method="get" action=action>
                <div class="fields">
                    <NewValue value setting />
                    <button class="button">"Preview"</button>
                </div>
            </form>
            {answer}
        </section>
    }
    .into_any()
}

#[component]
fn Apply(preview: LimitPreview, change: Command) -> impl IntoView {
    let (key, value) = (preview.key.clone(), preview.proposed.value);
    let label = format!("Change to {} {}", format::count(value), preview.unit);
    view! {
        <Comparison preview />
        <CommandForm action=change>
            <input type="hidden" name="key" value=key />
            <input type="hidden" name="value" value=value />
            <HowLongAndWhy />
            <p class="actions">
                <Submit class="button primary" pending=change.pending()>
                    {label}
                </Submit>
            </p>
        </CommandForm>
    }
    .into_any()
}

/// A setting that is no limit is changed at once.
#[component]
fn ChangePanel(setting: Setting, change: Command) -> impl IntoView {
    view! {
        <section class="panel" id="change" aria-labelledby="change-heading">
            <h2 id="change-heading">"Change it"</h2>
            <CommandForm action=change>
                <input type="hidden" name="key" value=setting.key.clone() />
                <NewValue value=setting.value setting />
                <HowLongAndWhy />
                <p class="actions">
                    <Submit class="button primary" pending=change.pending()>
                        "Save"
                    </Submit>
                </p>
            </CommandForm>
        </section>
    }
    .into_any()
}

#[component]
fn NewValue(value: i64, setting: Setting) -> impl IntoView {
    view! {
        <Field
            name="value"
            label=format!("New value, {}", setting.unit)
            kind="number"
            value=value.to_string()
            min=setting.min
            max=setting.max
        />
    }
    .into_any()
}

#[component]
fn HowLongAndWhy() -> impl IntoView {
    view! {
        <Field
            name="expiresInMinutes"
            kind="number"
            label="Minutes"
            required=false
            min=1
            max=EXPIRY_MINUTES_BOUND
            hint="It goes back by itself then. Empty: for good."
        />
        <Field name="description" label="Reason (optional)" required=false />
    }
    .into_any()
}

#[component]
fn Facts(setting: Setting, throttled: Option<Throttled>) -> impl IntoView {
    view! {
        <FactsPanel label="Facts of this setting">
            <dl class="facts">
                <dt>"Value"</dt>
                <dd>
                    {format!("{} {}", format::count(setting.value), setting.unit)}
                    <Lowered throttled />
                </dd>
                <dt>"Default"</dt>
                <dd>{format::count(setting.default)}</dd>
                <dt>"Allowed"</dt>
                <dd>
                    {format!("{} to {}", format::count(setting.min), format::count(setting.max))}
                </dd>
                <dt>"Ends"</dt>
                <dd>
                    <MaybeTime at=setting.expiry.map(|expiry| expiry.at) />
                </dd>
                <dt>"Changed by"</dt>
                <dd>{setting.updated_by.unwrap_or_else(|| "–".to_owned())}</dd>
                <dt>"Changed"</dt>
                <dd>
                    <MaybeTime at=setting.updated_at />
                </dd>
            </dl>
        </FactsPanel>
    }
    .into_any()
}
