//! Starting a backfill: first what it costs, then the button. Both work without JavaScript.

use leptos::prelude::*;
use signalbox_model::backfill::{
    DAYS_BOUND, DAYS_DEFAULT, Estimate, LIMIT_BOUND, LIMIT_DEFAULT, within,
};
use signalbox_model::format;

use crate::components::command::{Command, CommandForm};
use crate::components::field::Field;
use crate::components::query::Query;
use crate::components::submit::Submit;

/// What the address may carry.
pub(super) const KNOWN: [&str; 2] = ["days", "limit"];

/// Days, and posts of each.
pub(super) fn asked(query: &Query) -> (i64, i64) {
    let number = |name, default| match query.get(name) {
        Some(text) => text.parse().unwrap_or(0),
        None => default,
    };
    (number("days", DAYS_DEFAULT), number("limit", LIMIT_DEFAULT))
}

/// The form that asks what it costs, the answer, and the button.
#[component]
pub(super) fn StartPanel(
    asked: (i64, i64),
    /// Searches a minute.
    rate: i64,
    start: Command,
) -> impl IntoView {
    let (days, limit) = asked;
    view! {
        <section class="panel" aria-labelledby="start">
            <h2 id="start">"Start a backfill"</h2>
            <form method="get" action="/admin/jobs/backfill">
                <div class="fields">
                    <Field
                        name="days"
                        label="Days, today included"
                        kind="number"
                        value=days.to_string()
                        min=1
                        max=DAYS_BOUND
                    />
                    <Field
                        name="limit"
                        label="Posts of a day at most"
                        kind="number"
                        value=limit.to_string()
                        min=1
                        max=LIMIT_BOUND
                    />
                    <button class="button">"Estimate"</button>
                </div>
            </form>
            <Answer asked rate start />
        </section>
    }
    .into_any()
}

#[component]
fn Answer(asked: (i64, i64), rate: i64, start: Command) -> impl IntoView {
    let (days, limit) = asked;
    let wrong = [("Days", days, DAYS_BOUND), ("Posts of a day", limit, LIMIT_BOUND)]
        .into_iter()
        .find_map(|(field, value, bound)| within(field, value, bound).err());
    if let Some(wrong) = wrong {
        let sentence = format!("{} {}.", wrong.field, wrong.detail);
        return view! {
            <div class="notice notice-danger" role="alert">
                {sentence}
            </div>
        }
        .into_any();
    }
    let Estimate { searches, least_ms } = Estimate::of(days, limit, rate);
    let cost = format!(
        "About {}: at least {} at {} a minute.",
        format::plural(searches, "search", "searches"),
        format::duration_ms(least_ms),
        format::count(rate)
    );
    let label = format!("Start backfill of {}", format::plural(days, "day", "days"));
    view! {
        <CommandForm action=start>
            <input type="hidden" name="days" value=days />
            <input type="hidden" name="limit" value=limit />
            <p>
                <strong>{cost}</strong>
                " "
                <span class="muted">
                    "The rate is " <a href="/admin/config">"discovery_rpm"</a>
                    ", and discovery shares it. The posts found are then harvested."
                </span>
            </p>
            <p class="actions">
                <Submit class="button primary" pending=start.pending()>
                    {label}
                </Submit>
            </p>
        </CommandForm>
    }
    .into_any()
}
