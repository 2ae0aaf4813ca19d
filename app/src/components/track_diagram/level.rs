//! The line from left to right. Coordinates: the track lies at y = 130, a stage is 222 wide.

use leptos::prelude::*;
use signalbox_model::format;

use super::parts::{lamp, lever_words, rail, wagons};
use super::{Departure, Line, Siding, Stage, Terminus};

const STAGE: i64 = 222;
const FIRST: i64 = 226;

/// The whole drawing.
pub(super) fn level(line: &Line) -> impl IntoView + use<> {
    let stages = i64::try_from(line.stages.len()).unwrap_or(0);
    let end = FIRST + STAGE * stages;
    let terminus = end + 44;
    let width = terminus + 104;
    let stopped = line.stopped_since.is_some();
    let (title_id, text_id) = (format!("{}-t", line.id), format!("{}-d", line.id));
    let labelled_by = format!("{title_id} {text_id}");
    let places = (0..).map(|i| FIRST + STAGE * i);
    let drawn: Vec<_> =
        places.zip(&line.stages).map(|(place, drawn)| stage(place, drawn, stopped)).collect();
    view! {
        <svg
            class="level"
            viewBox=format!("0 0 {width} 236")
            role="group"
            aria-labelledby=labelled_by
        >
            <title id=title_id>{format!("Track diagram of the {} pipeline", line.name)}</title>
            <desc id=text_id>{line.sentence()}</desc>
            {lever(line.stopped_since.as_deref())}
            <g class="state-danger">
                <path class=rail(stopped, false) d="M112 130H226" />
            </g>
            {departure(&line.departure)}
            {drawn}
            <g class="state-danger">
                <path class=rail(stopped, false) d=format!("M{end} 130H{terminus}") />
            </g>
            {terminus_at(terminus, &line.terminus)}
            {siding(terminus, width, &line.siding)}
            {line.stopped_since.as_deref().map(|since| stop(width, since))}
        </svg>
    }
    .into_any()
}

fn lever(stopped_since: Option<&str>) -> impl IntoView + use<> {
    let on = stopped_since.is_some();
    let (class, word) = if on { ("pulled state-danger", "On") } else { ("state-idle", "Off") };
    let arm = if on { "M52 150 92 92" } else { "M52 150V74" };
    let (x, y) = if on { (96, 86) } else { (52, 66) };
    view! {
        <g>
            <a class=class href="/admin/kill-switch">
                <title>{lever_words(stopped_since)}</title>
                <rect class="hit" x="0" y="46" width="112" height="160" />
                <path class="frame" d="M12 150h80M20 150a32 32 0 0 1 64 0" />
                <path class="arm" d=arm />
                <circle class="grip" cx=x cy=y r="9" />
                <text class="name" x="12" y="174">
                    "Kill switch"
                </text>
                <text class="word" x="12" y="192">
                    {word}
                </text>
            </a>
        </g>
    }
}

fn departure(departure: &Departure) -> impl IntoView + use<> {
    let Departure { every, next } = departure.clone();
    view! {
        <g>
            <a href="/admin/schedules">
                <title>{format!("Schedule: {every}, {next}")}</title>
                <rect class="hit" x="124" y="72" width="98" height="118" />
                <circle class="node" cx="158" cy="130" r="11" />
                <path class="frame" d="M158 124v6l4 3" />
                <text class="name" x="132" y="166">
                    "Schedule"
                </text>
                <text x="132" y="183">
                    {every}
                </text>
                <text x="132" y="105">
                    {next.split(" UTC").next().unwrap_or_default().to_owned()}
                </text>
            </a>
        </g>
    }
}

fn stage(x: i64, stage: &Stage, stopped: bool) -> impl IntoView + use<> {
    let shut = stage.is_shut(stopped);
    let waiting = format!(
        "{}: {} waiting, {}",
        stage.name,
        format::plural(stage.waiting, "job", "jobs"),
        stage.waiting_words()
    );
    let places = (0..super::wagons(stage.waiting)).map(|i| (76 - 18 * i, -18)).collect();
    view! {
        <g transform=format!("translate({x} 130)")>
            <g class="state-danger">
                <path class=rail(shut, false) d="M0 0H108" />
            </g>
            <g class="state-danger">
                <path class=rail(stopped, stage.running > 0) d="M108 0H222" />
            </g>
            <path class="rail-line thin" d="M196 0c14 0 14 74 34 74" />
            <a href=stage.href("available")>
                <title>{waiting}</title>
                <rect class="hit" x="2" y="-72" width="96" height="80" />
                <text class="count" x="6" y="-52">
                    {format::count(stage.waiting)}
                </text>
                <text x="6" y="-35">
                    {stage.waiting_words()}
                </text>
                {wagons(places, 11)}
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
                <rect class="hit" x="100" y="-112" width="110" height="104" />
                <path class="post" d="M108-3V-74M101-3h14" />
                <rect class="head" x="94" y="-104" width="28" height="30" rx="14" />
                <g transform="translate(108 -89)">{lamp(signal.aspect)}</g>
                <text x="130" y="-92">
                    {signal.provider}
                </text>
                <text class="word" x="130" y="-76">
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
                <path class="train" d="M122-13h44l13 13-13 13h-44z" />
                <text class="on-train" x="146" y="4.5">
                    {stage.running}
                </text>
            </g>
        }
    });
    view! {
        <g>
            <a href=stage.href("running")>
                <title>{title}</title>
                <rect class="hit" x="104" y="-18" width="92" height="78" />
                {train}
                <text class="name" x="108" y="36">
                    {stage.name}
                </text>
                <text x="108" y="53">
                    {stage.running_words()}
                </text>
            </a>
        </g>
    }
}

fn terminus_at(x: i64, terminus: &Terminus) -> impl IntoView + use<> {
    let Terminus { name, total, today, href } = terminus.clone();
    view! {
        <g>
            <a href=href>
                <title>{format!("{name}: {total}, {today}")}</title>
                <rect class="hit" x=x - 10 y="66" width="100" height="106" />
                <text class="count" x=x y="88">
                    {total}
                </text>
                <text x=x y="105">
                    {today}
                </text>
                <rect class="node" x=x y="121" width="30" height="18" rx="2" />
                <text class="name" x=x y="166">
                    {name}
                </text>
            </a>
        </g>
    }
}

fn siding(terminus: i64, width: i64, siding: &Siding) -> impl IntoView + use<> {
    let places = (0..super::wagons(siding.count)).map(|i| (width - 34 - 18 * i, 192)).collect();
    let words = siding.words();
    view! {
        <g>
            <a class=(siding.count > 0).then_some("dead") href="/admin/dead-letter-queue">
                <title>{format!("Dead letter queue: {words}")}</title>
                <rect
                    class="hit"
                    x=terminus - 230
                    y="190"
                    width=width - terminus + 230
                    height="44"
                />
                <path class="rail-line thin" d=format!("M430 204H{}", width - 8) />
                <path class="post" d=format!("M{} 194v20", width - 8) />
                {wagons(places, 10)}
                <text class="end" x=width - 8 y="228">
                    {format!("Dead letters: {words}")}
                </text>
            </a>
        </g>
    }
}

fn stop(width: i64, since: &str) -> impl IntoView + use<> {
    view! {
        <g>
            <rect class="stop" x="124" y="2" width=width - 124 height="22" rx="2" />
            <text class="on-stop" x="136" y="17">
                {format!("Stopped by the kill switch since {since}. No job starts.")}
            </text>
            <rect class="stop" x="214" y="104" width="8" height="52" />
        </g>
    }
}
