//! Starting the pipeline by hand (OP-11).

use leptos::prelude::*;
use signalbox_model::backfill::LIMIT_BOUND;

use crate::components::command::{Command, CommandForm};
use crate::components::field::Field;
use crate::components::submit::Submit;

/// The form of the discovery, and the way to the backfills.
#[component]
pub(super) fn Triggers(discover: Command) -> impl IntoView {
    view! {
        <div class="columns">
            <section class="panel" aria-labelledby="discover">
                <h2 id="discover">"Discovery"</h2>
                <p class="hint">
                    "Searches new posts now; each post found is then harvested. Respects discovery_rpm."
                </p>
                <CommandForm action=discover>
                    <div class="fields">
                        <Field
                            name="limit"
                            id="discovery-limit"
                            label="Posts at most"
                            kind="number"
                            value="20"
                            min=1
                            max=LIMIT_BOUND
                        />
                        <Submit class="button primary" pending=discover.pending()>
                            "Run discovery"
                        </Submit>
                    </div>
                </CommandForm>
            </section>
            <section class="panel" aria-labelledby="backfill">
                <h2 id="backfill">"Backfill"</h2>
                <p class="hint">
                    "Searches the posts of past days, for hours if need be; can be held, released and cancelled."
                </p>
                <p class="actions">
                    <a class="button" href="/admin/jobs/backfill">
                        "Start or watch a backfill"
                    </a>
                </p>
            </section>
        </div>
    }
    .into_any()
}
