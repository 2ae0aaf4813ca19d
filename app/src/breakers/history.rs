//! The moves of a breaker.

use leptos::prelude::*;
use signalbox_model::breaker::BreakerTransition;
use signalbox_model::format;
use signalbox_model::page::Page;

use crate::components::aspect::{State, of_breaker};
use crate::components::empty::Empty;
use crate::components::pager::pager;
use crate::components::query::Query;
use crate::components::scroll::{Head, Scroll};
use crate::components::time::Time;

/// The moves, the newest first.
#[component]
pub(super) fn History(history: Page<BreakerTransition>, query: Query) -> impl IntoView {
    if history.items.is_empty() {
        return view! {
            <Empty title="It has never moved" why="Every opening, trial and hold appears here." />
        }
        .into_any();
    }
    let pages = pager(&history, "move", "moves", query);
    let rows: Vec<_> = history.items.into_iter().map(row).collect();
    view! {
        <Scroll label="Table of moves">
            <table>
                <Head columns=&["When", "To", "Why", "Who", "Detail"] />
                <tbody>{rows}</tbody>
            </table>
        </Scroll>
        {pages}
    }
    .into_any()
}

fn row(made: BreakerTransition) -> impl IntoView {
    let (aspect, word) = of_breaker(made.to);
    view! {
        <tr>
            <th scope="row" class="nowrap">
                <Time at=made.at />
            </th>
            <td>
                <State of=aspect word />
            </td>
            <td>{made.cause.describe()}</td>
            <td>{made.actor.unwrap_or_else(|| "–".to_owned())}</td>
            <td class="wide">{format::shorten(&made.detail.unwrap_or_default(), 200)}</td>
        </tr>
    }
    .into_any()
}
