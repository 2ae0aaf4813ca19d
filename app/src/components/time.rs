//! Points in time: relative words, with the exact time in the title. In UTC or as on the clock of
//! whoever looks, as they chose.

use chrono::Duration;
use leptos::prelude::*;
use signalbox_model::{Timestamp, format};

use crate::console::Console;
use crate::display::Zone;
use crate::edge;

/// How far the clock of whoever looks is ahead of UTC at `at`, in minutes; none where UTC is shown.
fn ahead_min(at: Timestamp) -> Option<i64> {
    match Console::get().zone.get() {
        Zone::Utc => None,
        Zone::Local => Some(edge::ahead_of_utc_min(at.timestamp_millis())),
    }
}

/// `at` in the form of ISO 8601, as the clock shows it.
///
/// All times are cut out of this form: a formatter of its own would cost the browser 20 KB.
fn shown(at: Timestamp) -> String {
    let ahead = Duration::minutes(ahead_min(at).unwrap_or(0));
    format::exact(at.checked_add_signed(ahead).unwrap_or(at))
}

/// The zone of what [`minute`] and [`second`] show: `UTC`, `UTC+1`, `UTC-3:30`.
pub(crate) fn zone(at: Timestamp) -> String {
    zone_word(ahead_min(at).unwrap_or(0))
}

fn zone_word(ahead: i64) -> String {
    let sign = if ahead < 0 { '-' } else { '+' };
    match (ahead.abs() / 60, ahead.abs() % 60) {
        (0, 0) => "UTC".to_owned(),
        (hours, 0) => format!("UTC{sign}{hours}"),
        (hours, minutes) => format!("UTC{sign}{hours}:{minutes:02}"),
    }
}

/// The time of day of `at`, to the minute: `22:53`.
pub(crate) fn minute(at: Timestamp) -> String {
    shown(at).get(11..16).unwrap_or_default().to_owned()
}

/// The same with its zone: `22:53 UTC`.
pub(crate) fn clock(at: Timestamp) -> String {
    format!("{} {}", minute(at), zone(at))
}

/// Day and time of `at`, to the minute: `01-31 22:53`.
pub(crate) fn day_and_minute(at: Timestamp) -> String {
    shown(at).get(5..16).unwrap_or_default().replace('T', " ")
}

/// The time of day of `at`, to the second, with its zone: `22:53:07 UTC`.
pub(crate) fn second(at: Timestamp) -> String {
    format!("{} {}", shown(at).get(11..19).unwrap_or_default(), zone(at))
}

/// `at` to the second, with its day and zone.
fn title(at: Timestamp) -> String {
    match ahead_min(at) {
        None => format::exact(at),
        Some(ahead) => format!("{} {}", shown(at).trim_end_matches('Z'), zone_word(ahead)),
    }
}

/// `at`, relative to the moment at which the page's data was read.
#[component]
pub(crate) fn Time(at: Timestamp) -> impl IntoView {
    let as_of = Console::get().as_of;
    view! {
        <time datetime=format::exact(at) title=move || title(at)>
            {move || format::relative(at, as_of.get().unwrap_or(at))}
        </time>
    }
}

/// `at`, or a dash.
#[component]
pub(crate) fn MaybeTime(at: Option<Timestamp>) -> impl IntoView {
    match at {
        Some(at) => view! { <Time at /> }.into_any(),
        None => view! { <span class="muted">"–"</span> }.into_any(),
    }
}

/// `at` as a time of day, the date in the title.
#[component]
pub(crate) fn ClockTime(at: Timestamp) -> impl IntoView {
    view! {
        <time datetime=format::exact(at) title=move || title(at)>
            {move || second(at)}
        </time>
    }
}

#[cfg(test)]
mod tests {
    use super::zone_word;

    #[test]
    fn a_zone_is_named_by_its_distance_from_utc() {
        for (ahead, word) in [(0, "UTC"), (60, "UTC+1"), (-210, "UTC-3:30"), (345, "UTC+5:45")] {
            assert_eq!(zone_word(ahead), word);
        }
    }
}
