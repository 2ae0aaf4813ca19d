//! One setting in the list, with a form in its row.

use leptos::prelude::*;
use signalbox_model::format;
use signalbox_model::setting::{Expiry, Setting};
use signalbox_model::throttle::Throttled;

use crate::components::aspect::{Aspect, State};
use crate::components::command::{Command, CommandForm};
use crate::components::submit::Submit;
use crate::components::time::Time;

/// When a temporary change ends, and what comes then.
#[component]
pub(super) fn Ends(expiry: Option<Expiry>) -> impl IntoView {
    expiry.map(|Expiry { at, reverts_to }| {
        view! {
            <span class="sub">
                {format!("{} again ", format::count(reverts_to))}
                <Time at />
            </span>
        }
    })
}

/// How far a rate is lowered, since when and why.
#[component]
pub(super) fn Lowered(throttled: Option<Throttled>) -> impl IntoView {
    throttled.map(|throttled| {
        view! {
            <span class="sub">
                <State of=Aspect::Caution word=throttled.words() />
                " since "
                <Time at=throttled.since />
                {format!(", because {}", throttled.cause())}
            </span>
        }
    })
}

/// The row. A limit is previewed before it is saved, anything else is saved at once.
#[component]
pub(super) fn SettingRow(
    setting: Setting,
    throttled: Option<Throttled>,
    change: Command,
) -> impl IntoView {
    let last = match setting.updated_at {
        Some(at) => view! {
            <Time at />
            <span class="sub">{setting.updated_by.clone()}</span>
        }
        .into_any(),
        None => view! { <span class="muted">"never"</span> }.into_any(),
    };
    let href = format!("/admin/config/{}", setting.key);
    let value = setting.clone();
    let form = if setting.bound().is_some() {
        view! {
            <form method="get" action=href.clone() class="inline">
                <Value setting=value />
                <button class="button small">
                    "Preview" <span class="unseen">" " {setting.key.clone()}</span>
                </button>
            </form>
        }
        .into_any()
    } else {
        let key = setting.key.clone();
        view! {
            <CommandForm action=change class="inline">
                <input type="hidden" name="key" value=key.clone() />
                <Value setting=value />
                <Submit class="button small" pending=change.pending()>
                    "Save"
                    <span class="unseen">" " {key}</span>
                </Submit>
            </CommandForm>
        }
        .into_any()
    };
    view! {
        <tr>
            <th scope="row">
                <a class="id" href=href>
                    {setting.key}
                </a>
            </th>
            <td class="wide">{setting.description}</td>
            <td>{form} <Ends expiry=setting.expiry /> <Lowered throttled /></td>
            <td class="nowrap">
                {format!("{} to {}", format::count(setting.min), format::count(setting.max))}
            </td>
            <td class="num">{format::count(setting.default)}</td>
            <td class="nowrap">{last}</td>
        </tr>
    }
    .into_any()
}

/// The field of the value, and its unit.
#[component]
fn Value(setting: Setting) -> impl IntoView {
    let label = format!("{}, {}", setting.key, setting.unit);
    view! {
        <input
            type="number"
            name="value"
            required
            value=setting.value
            min=setting.min
            max=setting.max
            aria-label=label
        />
        <span class="muted">{setting.unit}</span>
    }
    .into_any()
}
