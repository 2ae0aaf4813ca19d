//! The line from top to bottom. Coordinates: the track lies at x = 28, a stage is 132 high.

use leptos::prelude::*;
use signalbox_model::format;

use super::parts::{lamp, lever_words, rail, wagons};
use super::{Departure, Line, Siding, Stage, Terminus};

const STAGE: i64 = 132;
const FIRST: i64 = 128;

/// The whole drawing.
pub(super) fn upright(line: &Line) -> impl IntoView + use<> {
    let stages = i64::try_from(line.stages.len()).unwrap_or(0);
    let end = FIRST + STAGE * stages;
    let terminus = end + 20;
    let height = end + 130;
    let stopped = line.stopped_since.is_some();
    let (title_id, text_id) = (format!("{}-ut", line.id), format!("{}-ud", line.id));
    let labelled_by = format!("{title_id} {text_id}");
    let places = (0..).map(|i| FIRST + STAGE * i);
    let drawn: Vec<_> =
        places.zip(&line.stages).map(|(place, drawn)| stage(place, drawn, stopped)).collect();
    view! {
        <svg
            class="upright"
            viewBox=format!("0 0 288 {height}")
            role="group"
            aria-labelledby=labelled_by
        >
            <title id=title_id>{format!("Track diagram of the {} pipeline", line.name)}</title>
            <desc id=text_id>{line.sentence()}</desc>
            <g class="state-danger">
                <path class=rail(stopped, false) d="M28 54V128" />
            </g>
            {lever(line.stopped_since.as_deref())}
            {stopped.then(|| view! { <rect class="stop" x="6" y="62" width="44" height="7" /> })}
            {departure(&line.departure)}
            {drawn}
            <path class="rail-line" d=format!("M28 {end}V{terminus}") />
            <path
                class="rail-line thin"
                d=format!("M28 {}c0 40 14 86 34 86H250", terminus - 18)
            />
            <path class="post" d=format!("M250 {}v20", terminus + 58) />
            {terminus_at(terminus, &line.terminus)}
            {siding(terminus, &line.siding)}
        </svg>
    }
    .into_any()
}

fn lever(stopped_since: Option<&str>) -> impl IntoView + use<> {
    let on = stopped_since.is_some();
    let class = if on { "pulled state-danger" } else { "state-idle" };
    let word = stopped_since.map_or("Off".to_owned(), |since| format!("On since {since}"));
    let arm = if on { "M28 50 46 22" } else { "M28 50V18" };
    let (x, y) = if on { (48, 18) } else { (28, 13) };
    view! {
        <g>
            <a class=class href="/admin/kill-switch">
                <title>{lever_words(stopped_since)}</title>
                <rect class="hit" x="2" y="2" width="280" height="54" />
                <path class="frame" d="M6 50h44M10 50a18 18 0 0 1 36 0" />
                <path class="arm" d=arm />
                <circle class="grip" cx=x cy=y r="7" />
                <text class="name" x="64" y="26">
                    "Kill switch"
                </text>
                <text class="word" x="64" y="44">
                    {word}
                </text>
            </a>
        </g>
    }
}

fn departure(departure: &Departure) -> impl IntoView + use<> {
    let words = format!("{}, {}", departure.every, departure.next);
    view! {
        <g>
            <a href="/admin/schedules">
                <title>{format!("Schedule: {words}")}</title>
                <rect class="hit" x="12" y="74" width="270" height="40" />
                <circle class="node" cx="28" cy="94" r="10" />
                <path class="frame" d="M28 88v6l4 3" />
                <text class="name" x="64" y="91">
                    "Schedule"
                </text>
                <text x="64" y="108">
                    {words}
                </text>
            </a>
        </g>
    }
}

fn stage(y: i64, stage: &Stage, stopped: bool) -> impl IntoView + use<> {
    let shut = stage.is_shut(stopped);
    let waiting = match &stage.oldest {
        Some(oldest) => format!("waiting, oldest {oldest}"),
        None => "waiting".to_owned(),
    };
    let places = (0..super::wagons(stage.waiting)).map(|i| (10, 34 - 9 * i)).collect();
    view! {
        <g transform=format!("translate(28 {y})")>
            <g class="state-danger">
                <path class=rail(shut, false) d="M0 0V66" />
            </g>
            <g class="state-danger">
                <path class=rail(stopped, stage.running > 0) d="M0 66V132" />
            </g>
            <a href=stage.href("available")>
                <title>{format!("{}: {} {waiting}", stage.name, stage.waiting)}</title>
                <rect class="hit" x="6" y="6" width="246" height="40" />
                <text class="count" x="36" y="24">
                    {format::count(stage.waiting)}
                </text>
                <text x="36" y="40">
                    {waiting.clone()}
                </text>
                {wagons(places, 7)}
            </a>
            {signal(stage, stopped)}
            {running(stage)}
        </g>
    }
    .into_any()
}

fn signal(stage: &Stage, stopped: bool) -> Option<impl IntoView + use<>> {
    let signal = stage.shown_signal(stopped)?;
    Some(view! {
        <g>
            <a class=signal.aspect.class() href="/admin/jobs#breakers">
                <title>{format!("Signal of {}: {}", signal.provider, signal.word)}</title>
                <rect class="hit" x="6" y="50" width="246" height="32" />
                <path class="post" d="M3 66H22M3 60v12" />
                <rect class="head" x="22" y="52" width="30" height="28" rx="14" />
                <g transform="translate(37 66)">{lamp(signal.aspect)}</g>
                <text x="62" y="70">
                    {signal.provider}
                </text>
                <text class="word" x="96" y="70">
                    {signal.word}
                </text>
            </a>
        </g>
    })
}

fn running(stage: &Stage) -> impl IntoView + use<> {
    let title = format!("{}: {}", stage.name, stage.running_words());
    let train = (stage.running > 0).then(|| {
        view! {
            <g>
                <path class="train" d="M-13 90h26v22l-13 12-13-12z" />
                <text class="on-train" x="0" y="108">
                    {stage.running}
                </text>
            </g>
        }
    });
    view! {
        <g>
            <a href=stage.href("running")>
                <title>{title}</title>
                <rect class="hit" x="-16" y="86" width="268" height="40" />
                {train}
                <text class="name" x="36" y="103">
                    {stage.name}
                </text>
                <text x="36" y="120">
                    {stage.running_words()}
                </text>
            </a>
        </g>
    }
}

fn terminus_at(y: i64, terminus: &Terminus) -> impl IntoView + use<> {
    let Terminus { name, total, today, href } = terminus.clone();
    let words = format!("{total}, {today}");
    view! {
        <g>
            <a href=href>
                <title>{format!("{name}: {words}")}</title>
                <rect class="hit" x="10" y=y - 4 width="272" height="34" />
                <rect class="node" x="18" y=y width="20" height="26" rx="2" />
                <text class="name" x="64" y=y + 11>
                    {name}
                </text>
                <text x="64" y=y + 27>
                    {words}
                </text>
            </a>
        </g>
    }
}

fn siding(terminus: i64, siding: &Siding) -> impl IntoView + use<> {
    let places = (0..super::wagons(siding.count)).map(|i| (228 - 18 * i, terminus + 56)).collect();
    let words = siding.words();
    view! {
        <g>
            <a class=(siding.count > 0).then_some("dead") href="/admin/dead-letter-queue">
                <title>{format!("Dead letter queue: {words}")}</title>
                <rect class="hit" x="58" y=terminus + 42 width="224" height="48" />
                {wagons(places, 10)}
                <text class="end" x="250" y=terminus + 86>
                    {format!("Dead letters: {words}")}
                </text>
            </a>
        </g>
    }
}
