//! Parts that both layouts draw alike.

use leptos::prelude::*;

use crate::components::aspect::Aspect;

/// The class of a piece of line.
pub(super) fn rail(blocked: bool, occupied: bool) -> &'static str {
    match (blocked, occupied) {
        (true, _) => "rail-line blocked",
        (false, true) => "rail-line occupied",
        (false, false) => "rail-line",
    }
}

/// The lamp of a signal around the origin: its shape is as much the state as its colour is.
pub(super) fn lamp(aspect: Aspect) -> impl IntoView {
    let (class, outline) = match aspect {
        Aspect::Clear => ("lamp", "M-7 0a7 7 0 1 0 14 0a7 7 0 1 0-14 0z"),
        Aspect::Running => ("lamp", "M-5.5-7 7.5 0-5.5 7z"),
        Aspect::Caution => ("lamp", "M0-8.5 8.5 0 0 8.5-8.5 0z"),
        Aspect::Danger => ("lamp", "M-6.5-6.5h13v13h-13z"),
        Aspect::Held => ("lamp", "M-6.5-7h4.5v14h-4.5zM2-7h4.5v14H2z"),
        Aspect::Idle => ("lamp ring", "M-5.5 0a5.5 5.5 0 1 0 11 0a5.5 5.5 0 1 0-11 0z"),
    };
    view! { <path class=class d=outline /> }
}

/// Wagons of the given size at the given places.
pub(super) fn wagons(places: Vec<(i64, i64)>, height: i64) -> Vec<impl IntoView> {
    let draw = |(x, y)| view! { <rect class="wagon" x=x y=y width="14" height=height rx="1" /> };
    places.into_iter().map(draw).collect()
}

/// What the kill switch's lever says on hover.
pub(super) fn lever_words(stopped_since: Option<&str>) -> String {
    match stopped_since {
        Some(since) => format!("Kill switch: on since {since}, no job starts"),
        None => "Kill switch: off, jobs start".to_owned(),
    }
}
