//! What was looked at, and how it stands.

use leptos::prelude::*;
use signalbox_model::runbook::Finding;

use crate::components::aspect::{Aspect, State};

/// One finding a line.
#[component]
pub(super) fn Findings(
    findings: Vec<Finding>,
    /// What one that is not in order means: a fault, or only a fact to know.
    #[prop(default = Aspect::Danger)]
    bad: Aspect,
) -> impl IntoView {
    let lines: Vec<_> = findings
        .into_iter()
        .map(|Finding { what, ok, detail, link }| {
            let (of, word) = if ok { (Aspect::Clear, "In order") } else { (bad, "Not in order") };
            let what = match link {
                Some(href) => view! { <a href=href>{what}</a> }.into_any(),
                None => what.into_any(),
            };
            view! {
                <li>
                    <State of word />
                    <span>
                        <strong>{what}</strong>
                        " "
                        {detail}
                    </span>
                </li>
            }
        })
        .collect();
    view! { <ul class="findings">{lines}</ul> }.into_any()
}
