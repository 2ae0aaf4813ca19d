//! The queues.

use leptos::prelude::*;
use signalbox_model::queue::{Queue, QueueState};

use super::api::{ListQueues, QueuesFacts};
use super::row::QueueRow;
use crate::components::live::{live, page, part};
use crate::components::page_head::PageHead;
use crate::components::rows::Rows;
use crate::components::scroll::{Head, Scroll};

/// The page.
#[component]
pub(crate) fn QueuesPage() -> impl IntoView {
    page(
        live(|| ListQueues {}),
        |facts: &QueuesFacts| ("Queues".to_owned(), facts.as_of),
        move |facts| {
            view! {
                {part(move || facts.with(|facts| head(&facts.queues)))}
                <Scroll label="Table of queues">
                    <table>
                        <Head columns=&[
                            "Queue",
                            "State",
                            "#Waiting",
                            "#Scheduled",
                            "#Running",
                            "#Failed",
                            "#At most",
                            "Reason",
                        ] />
                        <tbody>
                            <Rows
                                each=move || facts.with(|facts| facts.queues.clone())
                                key=|queue| format!("{queue:?}")
                                let:queue
                            >
                                <QueueRow queue />
                            </Rows>
                        </tbody>
                    </table>
                </Scroll>
            }
        },
    )
}

fn head(queues: &[Queue]) -> impl IntoView + use<> {
    let held = queues.iter().filter(|queue| queue.state != QueueState::Running).count();
    let now = match held {
        0 => "Every queue runs.".to_owned(),
        n => format!("{n} of {} queues are held.", queues.len()),
    };
    view! { <PageHead heading="Queues" now rest="Open one to pause, drain or bound it." /> }
}
