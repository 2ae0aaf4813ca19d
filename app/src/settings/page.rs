//! The settings as a table, a form in each row.

use leptos::form::ActionForm;
use leptos::prelude::*;
use signalbox_model::format;
use signalbox_model::setting::Setting;

use super::api::{ChangeSetting, SettingsFacts, list_settings};
use crate::components::live::{live, page, part};
use crate::components::page_head::PageHead;
use crate::components::scroll::{Head, Scroll};
use crate::components::submit::Submit;
use crate::components::time::Time;
use crate::console::Console;

/// The page.
#[component]
pub(crate) fn SettingsPage() -> impl IntoView {
    let console = Console::get();
    let change = ServerAction::<ChangeSetting>::new();
    console.announce(change);
    page(
        live(|| (), |()| list_settings()),
        |facts: &SettingsFacts| ("Config".to_owned(), facts.as_of),
        move |facts| {
            view! {
                {part(move || facts.with(|facts| head(&facts.settings)))}
                <Scroll label="Table of settings">
                    <table>
                        <Head columns=&["Key", "What it does", "Value", "Allowed", "Default", "Last change"] />
                        <tbody>
                            <For
                                each=move || facts.with(|facts| facts.settings.clone())
                                key=key
                                let:setting
                            >
                                <SettingRow setting change />
                            </For>
                        </tbody>
                    </table>
                </Scroll>
            }
        },
    )
}

fn head(settings: &[Setting]) -> impl IntoView + use<> {
    let changed = settings.iter().filter(|setting| setting.value != setting.default).count();
    let now = match changed {
        0 => "Every setting is at its default.".to_owned(),
        n => format!("{n} of {} settings differ from their default.", settings.len()),
    };
    view! {
        <PageHead
            heading="Config"
            now
            rest="A change takes effect on every worker within 2 s, without a restart."
        />
    }
}

fn key(setting: &Setting) -> String {
    format!("{} {} {:?}", setting.key, setting.value, setting.updated_at)
}

#[component]
fn SettingRow(setting: Setting, change: ServerAction<ChangeSetting>) -> impl IntoView {
    let last = match setting.updated_at {
        Some(at) => view! {
            <Time at />
            <span class="sub">{setting.updated_by}</span>
        }
        .into_any(),
        None => view! { <span class="muted">"never"</span> }.into_any(),
    };
    let label = format!("{}, {}", setting.key, setting.unit);
    view! {
        <tr>
            <th scope="row">
                <span class="id">{setting.key.clone()}</span>
            </th>
            <td class="wide">{setting.description}</td>
            <td>
                <ActionForm action=change attr:class="inline">
                    <input type="hidden" name="key" value=setting.key.clone() />
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
                    <Submit class="button small" pending=change.pending()>
                        "Save"
                        <span class="unseen">" " {setting.key.clone()}</span>
                    </Submit>
                </ActionForm>
            </td>
            <td class="nowrap">
                {format!("{} to {}", format::count(setting.min), format::count(setting.max))}
            </td>
            <td class="num">{format::count(setting.default)}</td>
            <td class="nowrap">{last}</td>
        </tr>
    }
    .into_any()
}
