//! The tables: how large, how dead, how well kept; and what maintains them.

use leptos::prelude::*;
use signalbox_model::actor::Permission;
use signalbox_model::database::{Table, Tables};
use signalbox_model::format;

use super::api::{MaintainTable, ReadTables, TablesFacts};
use super::indexes::Indexes;
use super::maintain::{Lately, MaintainPanel};
use crate::components::command::Command;
use crate::components::live::{live, page, part};
use crate::components::page_head::{Crumbs, PageHead};
use crate::components::query::Query;
use crate::components::rows::Rows;
use crate::components::scroll::{Head, Scroll};
use crate::components::time::MaybeTime;

/// A table with a larger share of dead rows than this, in percent, is named.
const DEAD_PERCENT: i64 = 20;
/// Below so many dead rows nobody needs to hear of it.
const DEAD_ROWS: i64 = 10_000;

/// The page. `?table=` chooses the table in the form.
#[component]
pub(super) fn TablesPage() -> impl IntoView {
    let query = Query::current(&["table"], "#maintain");
    let maintain = Command::of::<MaintainTable>(Permission::OperateDatabase);
    page(
        live(|| ReadTables {}),
        |facts: &TablesFacts| ("Tables".to_owned(), facts.tables.as_of),
        move |facts| {
            // The form is drawn anew only when there are other tables: what is being typed stays.
            let names = Memo::new(move |_| {
                let mut names: Vec<_> =
                    facts.with(|f| f.tables.tables.iter().map(|t| t.name.clone()).collect());
                names.sort();
                names
            });
            let tables = Signal::derive(move || facts.with(|f| f.tables.tables.clone()));
            view! {
                <Crumbs href="/admin/database" label="Database" here="Tables" />
                {part(move || facts.with(|facts| head(&facts.tables)))}
                <div class="columns">
                    {part(move || {
                        let chosen = query.get().text("table").unwrap_or_default();
                        view! { <MaintainPanel names=names.get() chosen maintain /> }
                    })}
                    <section class="panel" aria-labelledby="lately">
                        <h2 id="lately">"Lately"</h2>
                        {part(move || view! { <Lately jobs=facts.with(|f| f.jobs.clone()) /> })}
                    </section>
                </div>
                <section class="stack" aria-labelledby="tables">
                    <h2 id="tables">"Tables"</h2>
                    <TableList tables />
                </section>
                <section class="stack" aria-labelledby="indexes">
                    <h2 id="indexes">"Indexes"</h2>
                    {part(move || {
                        let (indexes, since) = facts
                            .with(|f| (f.tables.indexes.clone(), f.tables.counted_since));
                        view! { <Indexes indexes since /> }
                    })}
                </section>
            }
        },
    )
}

fn is_bloated(table: &Table) -> bool {
    table.dead_rows > DEAD_ROWS && table.dead_percent() > DEAD_PERCENT
}

fn head(tables: &Tables) -> impl IntoView + use<> {
    let bloated: Vec<_> =
        tables.tables.iter().filter(|t| is_bloated(t)).map(|t| t.name.as_str()).collect();
    let broken = tables.indexes.iter().filter(|index| index.invalid).count();
    let now = if broken > 0 {
        let broken = i64::try_from(broken).unwrap_or(i64::MAX);
        format!("{} not usable: rebuild them.", format::plural(broken, "index is", "indexes are"))
    } else if bloated.is_empty() {
        "No table is full of dead rows.".to_owned()
    } else {
        format!("Full of dead rows: {}. Vacuum them.", bloated.join(", "))
    };
    let bytes: i64 = tables.tables.iter().map(|table| table.bytes + table.index_bytes).sum();
    let count = i64::try_from(tables.tables.len()).unwrap_or(i64::MAX);
    let rest = format!("{}, {}.", format::plural(count, "table", "tables"), format::bytes(bytes));
    view! { <PageHead heading="Tables" now rest /> }
}

#[component]
fn TableList(tables: Signal<Vec<Table>>) -> impl IntoView {
    view! {
        <p class="hint">
            "Rows, dead rows and bloat are the server’s estimates, as good as the last ANALYZE. \
             A partitioned table stands in one line."
        </p>
        <Scroll label="Table of tables">
            <table>
                <Head columns=&[
                    "Table",
                    "#Size",
                    "#Indexes",
                    "#Rows",
                    "#Dead",
                    "#Bloat",
                    "Vacuumed",
                    "Analyzed",
                    "#Read whole",
                    "#Read by index",
                    "!Actions",
                ] />
                <tbody>
                    <Rows
                        each=move || tables.get()
                        key=|table| {
                            let at = table.vacuumed_at.max(table.analyzed_at);
                            let at = at.map(|at| at.timestamp_micros());
                            format!(
                                "{} {} {} {} {} {} {at:?}",
                                table.name,
                                table.bytes,
                                table.rows,
                                table.dead_rows,
                                table.whole_reads,
                                table.index_reads,
                            )
                        }
                        let:table
                    >
                        <TableRow table />
                    </Rows>
                </tbody>
            </table>
        </Scroll>
    }
    .into_any()
}

#[component]
fn TableRow(table: Table) -> impl IntoView {
    let dead = format!("{} ({} %)", format::count(table.dead_rows), table.dead_percent());
    let parts = (table.partitions > 0)
        .then(|| format::plural(table.partitions, "partition", "partitions"))
        .map(|parts| view! { <span class="sub">{parts}</span> });
    let href = format!("/admin/database/tables?table={}#maintain", encoded(&table.name));
    let label = format!(" {}", table.name);
    view! {
        <tr>
            <th scope="row" class="id nowrap">
                {table.name}
                {parts}
            </th>
            <td class="num">{format::bytes(table.bytes)}</td>
            <td class="num">{format::bytes(table.index_bytes)}</td>
            <td class="num">{format::count(table.rows)}</td>
            <td class="num">{dead}</td>
            <td class="num">{format::bytes(table.bloat_bytes)}</td>
            <td class="nowrap">
                <MaybeTime at=table.vacuumed_at />
            </td>
            <td class="nowrap">
                <MaybeTime at=table.analyzed_at />
            </td>
            <td class="num">{format::count(table.whole_reads)}</td>
            <td class="num">{format::count(table.index_reads)}</td>
            <td class="row-actions">
                <a class="button" href=href>
                    "Maintain…"
                    <span class="unseen">{label}</span>
                </a>
            </td>
        </tr>
    }
    .into_any()
}

/// A name as it stands in a query.
fn encoded(name: &str) -> String {
    let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    name.bytes()
        .map(|byte| if safe(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
