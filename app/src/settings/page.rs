//! The settings as a table.

use leptos::prelude::*;
use signalbox_model::actor::Permission;
use signalbox_model::format;
use signalbox_model::setting::Setting;
use signalbox_model::throttle::Throttled;

use super::api::{ChangeSetting, ListSettings, SettingsFacts};
use super::row::SettingRow;
use crate::components::command::Command;
use crate::components::live::{live, page, part};
use crate::components::page_head::PageHead;
use crate::components::rows::Rows;
use crate::components::scroll::{Head, Scroll};

/// The page.
#[component]
pub(crate) fn SettingsPage() -> impl IntoView {
    let change = Command::of::<ChangeSetting>(Permission::ChangeSettings);
    page(
        live(|| ListSettings {}),
        |facts: &SettingsFacts| ("Config".to_owned(), facts.as_of),
        move |facts| {
            view! {
                {part(move || facts.with(|facts| head(&facts.settings)))}
                <Scroll label="Table of settings">
                    <table>
                        <Head columns=&["Key", "What it does", "Value", "Allowed", "Default", "Last change"] />
                        <tbody>
                            <Rows
                                each=move || facts.with(rows)
                                key=|row| format!("{row:?}")
                                let:row
                            >
                                <SettingRow setting=row.0 throttled=row.1 change />
                            </Rows>
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
    let temporary = settings.iter().filter(|setting| setting.expiry.is_some()).count();
    let ends = match i64::try_from(temporary).unwrap_or(i64::MAX) {
        0 => String::new(),
        n => format!("{} by itself. ", format::plural(n, "change ends", "changes end")),
    };
    view! {
        <PageHead
            heading="Config"
            now
            rest=format!(
                "{ends}A change takes effect on every worker within 2 s, without a restart. Open a setting to change it for a while.",
            )
        />
    }
}

/// Every setting, and how far it is lowered.
fn rows(facts: &SettingsFacts) -> Vec<(Setting, Option<Throttled>)> {
    let throttled = |setting: &Setting| {
        facts.throttled.iter().find(|throttled| throttled.rate == setting.key).cloned()
    };
    facts.settings.iter().map(|setting| (setting.clone(), throttled(setting))).collect()
}
