//! The database now: connections, who waits for whom, what takes the time, the last backup.

use leptos::prelude::*;
use signalbox_model::actor::Permission;
use signalbox_model::backup::STALE_HOURS;
use signalbox_model::database::{CONNECTIONS_PERCENT, Database};
use signalbox_model::format;

use super::api::{CloseConnection, DatabaseFacts, ReadDatabase};
use super::sessions::{Blockades, ClosePanel, Sessions};
use super::statements::StatementTable;
use crate::components::command::Command;
use crate::components::live::{live, page, part};
use crate::components::page_head::PageHead;
use crate::components::query::Query;

/// The page. `?close=` names the connection whose form is shown.
#[component]
pub(super) fn DatabasePage() -> impl IntoView {
    let query = Query::current(&["close"], "#close");
    let close = Command::of::<CloseConnection>(Permission::OperateDatabase);
    page(
        live(|| ReadDatabase {}),
        |facts: &DatabaseFacts| ("Database".to_owned(), facts.database.as_of),
        move |facts| {
            // The form is drawn anew only for another connection: what is being typed stays.
            let chosen = Memo::new(move |_| {
                let key = query.get().text("close")?;
                facts.with(|facts| {
                    let mut sessions = facts.database.sessions.iter();
                    let session = sessions.find(|session| session.key() == key)?;
                    Some((key, session.pid, session.application.clone(), session.own))
                })
            });
            let sessions = Signal::derive(move || facts.with(|f| f.database.sessions.clone()));
            view! {
                {part(move || facts.with(|facts| head(&facts.database)))}
                {part(move || view! { <Figures facts=facts.get() /> })}
                {part(move || {
                    chosen
                        .get()
                        .map(|(key, pid, application, own)| {
                            view! { <ClosePanel key_=key pid application own close /> }
                        })
                })}
                {part(move || {
                    view! { <Blockades blocked=facts.with(|f| f.database.blocked.clone()) /> }
                })}
                <section class="stack" aria-labelledby="connections">
                    <h2 id="connections">"Connections"</h2>
                    <Sessions sessions />
                </section>
                <section class="stack" aria-labelledby="statements">
                    <h2 id="statements">"Statements"</h2>
                    {part(move || {
                        let statements = facts.with(|f| f.database.statements.clone());
                        view! { <StatementTable statements /> }
                    })}
                </section>
            }
        },
    )
}

fn head(database: &Database) -> impl IntoView + use<> {
    let waiting = i64::try_from(database.blocked.len()).unwrap_or(i64::MAX);
    let long = i64::try_from(database.long_transactions().count()).unwrap_or(i64::MAX);
    let used = &database.connections;
    let now = if used.percent() >= CONNECTIONS_PERCENT {
        format!("{} % of the connections are in use.", used.percent())
    } else if waiting > 0 {
        format!("{} for a lock.", format::plural(waiting, "statement waits", "statements wait"))
    } else if long > 0 {
        let long = format::plural(long, "transaction is", "transactions are");
        format!("{long} open for more than 5 min: vacuum cannot clean up behind it.")
    } else {
        "In order.".to_owned()
    };
    let rest = format!(
        "PostgreSQL {}, database {}, {}.",
        database.version,
        database.name,
        format::bytes(database.bytes)
    );
    view! {
        <PageHead heading="Database" now rest>
            <a class="button" href="/admin/database/tables">
                "Tables and maintenance"
            </a>
            <a class="button" href="/admin/database/backups">
                "Backups"
            </a>
            <a class="button" href="/admin/runbooks/database">
                "Runbook"
            </a>
        </PageHead>
    }
}

#[component]
fn Figures(facts: DatabaseFacts) -> impl IntoView {
    let DatabaseFacts { database, last_backup, last_verified } = facts;
    let as_of = database.as_of;
    let used = &database.connections;
    let doing = format!(
        "of {}: {} active, {} idle, {} in a transaction",
        format::count(used.max),
        used.active,
        used.idle,
        used.idle_in_transaction
    );
    let pool = &database.pool;
    let oldest = database.sessions.iter().filter_map(|session| session.transaction_since).min();
    let (age, whose) = match (oldest, &database.oldest_xmin) {
        (Some(at), Some(xmin)) => (
            format::duration_ms((as_of - at).num_milliseconds()),
            format!(
                "{} holds vacuum back: {} since",
                xmin.holder,
                format::count(xmin.transactions)
            ),
        ),
        (Some(at), None) => {
            let age = format::duration_ms((as_of - at).num_milliseconds());
            (age, "holds no vacuum back".to_owned())
        }
        (None, Some(xmin)) => ("–".to_owned(), format!("{} holds vacuum back", xmin.holder)),
        (None, None) => ("–".to_owned(), "none is open".to_owned()),
    };
    let verified = last_verified.and_then(|backup| backup.started_at);
    let verified_age = verified.map_or("never".to_owned(), |at| format::relative(at, as_of));
    let stale = verified.is_none_or(|at| (as_of - at).num_hours() > STALE_HOURS);
    let taken = match last_backup.and_then(|backup| backup.started_at) {
        None => "no backup yet: take one".to_owned(),
        Some(at) if stale => format!("the last backup: {}; verify it", format::relative(at, as_of)),
        Some(at) => format!("the last backup: {}", format::relative(at, as_of)),
    };
    view! {
        <dl class="figures">
            <div>
                <dt>"Connections"</dt>
                <dd>{format::count(used.used())}</dd>
                <dd class="note">{doing}</dd>
            </div>
            <div>
                <dt>"This console’s pool"</dt>
                <dd>{format::count(pool.in_use)}<span class="unit">"in use"</span></dd>
                <dd class="note">{format!("{} idle, at most {}", pool.idle, pool.max)}</dd>
            </div>
            <div>
                <dt>"Oldest transaction"</dt>
                <dd>{age}</dd>
                <dd class="note">{whose}</dd>
            </div>
            <div>
                <dt>"Verified backup"</dt>
                <dd>
                    <a href="/admin/database/backups">{verified_age}</a>
                </dd>
                <dd class="note">{taken}</dd>
            </div>
        </dl>
    }
    .into_any()
}
