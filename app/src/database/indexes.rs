//! The indexes, and whether anybody uses them (CP-8).

use leptos::prelude::*;
use signalbox_model::Timestamp;
use signalbox_model::database::Index;
use signalbox_model::format;

use crate::components::aspect::{Aspect, State};
use crate::components::scroll::{Head, Scroll};
use crate::components::time::Time;

/// All of them, the largest first.
#[component]
pub(super) fn Indexes(indexes: Vec<Index>, since: Option<Timestamp>) -> impl IntoView {
    let idle = indexes.iter().filter(|index| index.is_idle()).count();
    let idle = format::plural(i64::try_from(idle).unwrap_or(i64::MAX), "was", "were");
    let since = match since {
        Some(at) => view! { " since " <Time at /> }.into_any(),
        None => view! { " since the database was made" }.into_any(),
    };
    let rows: Vec<_> = indexes.into_iter().map(row).collect();
    view! {
        <p class="hint">
            {idle} " never used" {since}
            ": only writes pay for those. A week says more than a day."
        </p>
        <Scroll label="Table of indexes">
            <table>
                <Head columns=&["Index", "Of", "State", "#Uses", "#Size"] />
                <tbody>{rows}</tbody>
            </table>
        </Scroll>
    }
    .into_any()
}

fn row(index: Index) -> impl IntoView {
    let (of, word) = match (index.invalid, index.is_idle(), index.keeps_rule) {
        (true, ..) => (Aspect::Danger, "Not usable"),
        (false, true, _) => (Aspect::Caution, "Never used"),
        (false, false, true) => (Aspect::Clear, "Keeps a rule"),
        (false, false, false) => (Aspect::Clear, "Used"),
    };
    view! {
        <tr>
            <th scope="row" class="id nowrap">
                {index.name}
            </th>
            <td class="id">{index.table}</td>
            <td>
                <State of word />
            </td>
            <td class="num">{format::count(index.scans)}</td>
            <td class="num">{format::bytes(index.bytes)}</td>
        </tr>
    }
}
