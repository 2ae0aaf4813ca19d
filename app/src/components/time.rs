//! Points in time: relative words, with the exact time in the title.

use leptos::prelude::*;
use signalbox_model::{Timestamp, format};

use crate::console::Console;

/// The time of day of `at`, to the minute: `22:53`.
///
/// Cut out of the ISO form: a formatter of its own would cost the browser 20 KB.
pub(crate) fn minute(at: Timestamp) -> String {
    format::exact(at).get(11..16).unwrap_or_default().to_owned()
}

/// The time of day of `at`, to the second: `22:53:07`.
pub(crate) fn second(at: Timestamp) -> String {
    format::exact(at).get(11..19).unwrap_or_default().to_owned()
}

/// `at`, relative to the moment at which the page's data was read.
#[component]
pub(crate) fn Time(at: Timestamp) -> impl IntoView {
    let as_of = Console::get().as_of;
    let exact = format::exact(at);
    view! {
        <time datetime=exact.clone() title=exact>
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
    let exact = format::exact(at);
    view! {
        <time datetime=exact.clone() title=exact>
            {second(at)}
            " UTC"
        </time>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    #[test]
    fn times_of_day_are_cut_from_the_iso_form() {
        let at = DateTime::UNIX_EPOCH + chrono::Duration::seconds(3_723);
        assert_eq!((minute(at).as_str(), second(at).as_str()), ("01:02", "01:02:03"));
    }
}
