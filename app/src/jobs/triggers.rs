//! Starting the pipeline by hand (OP-11).

use leptos::form::ActionForm;
use leptos::prelude::*;

use super::api::{TriggerBackfill, TriggerDiscovery};
use crate::components::field::Field;
use crate::components::submit::Submit;

/// The two forms.
#[component]
pub(super) fn Triggers(
    discover: ServerAction<TriggerDiscovery>,
    backfill: ServerAction<TriggerBackfill>,
) -> impl IntoView {
    view! {
        <div class="columns">
            <section class="panel" aria-labelledby="discover">
                <h2 id="discover">"Discovery"</h2>
                <p class="hint">
                    "Searches new posts now; each post found is then harvested. Respects discovery_rpm."
                </p>
                <ActionForm action=discover>
                    <div class="fields">
                        <Field
                            name="limit"
                            id="discovery-limit"
                            label="Posts at most"
                            kind="number"
                            value="20"
                            min=1
                            max=1000
                        />
                        <Submit class="button primary" pending=discover.pending()>
                            "Run discovery"
                        </Submit>
                    </div>
                </ActionForm>
            </section>
            <section class="panel" aria-labelledby="backfill">
                <h2 id="backfill">"Backfill"</h2>
                <p class="hint">
                    "Searches the posts of past days. What is known already is not added twice."
                </p>
                <ActionForm action=backfill>
                    <div class="fields">
                        <Field name="days" label="Days" kind="number" value="7" min=1 max=90 />
                        <Field
                            name="limit"
                            id="backfill-limit"
                            label="Posts at most"
                            kind="number"
                            value="100"
                            min=1
                            max=1000
                        />
                        <Submit pending=backfill.pending()>"Run backfill"</Submit>
                    </div>
                </ActionForm>
            </section>
        </div>
    }
    .into_any()
}
