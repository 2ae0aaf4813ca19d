//! The statements that take the most time.

use leptos::prelude::*;
use signalbox_model::database::{Statement, Statements};
use signalbox_model::format;

use crate::components::scroll::{Head, Scroll};
use crate::components::time::Time;

/// The statements, or how to have them counted.
#[component]
pub(super) fn StatementTable(statements: Statements) -> impl IntoView {
    match statements {
        Statements::Missing { remedy } => {
            view! { <p class="notice notice-warn">{remedy}</p> }.into_any()
        }
        Statements::Counted { since, top } => {
            let since = since.map(|at| view! { ", since " <Time at /> });
            let rows: Vec<_> = top.into_iter().map(row).collect();
            view! {
                <p class="hint">
                    "Those that took the most time in all, in this database" {since} "."
                </p>
                <Scroll label="Table of statements">
                    <table>
                        <Head columns=&[
                            "Statement",
                            "#Share",
                            "#Time",
                            "#Runs",
                            "#On average",
                            "#Longest",
                            "#Rows",
                        ] />
                        <tbody>{rows}</tbody>
                    </table>
                </Scroll>
            }
            .into_any()
        }
    }
}

fn row(statement: Statement) -> impl IntoView {
    view! {
        <tr>
            <td class="wide">
                <code>{statement.text}</code>
            </td>
            <td class="num">{format!("{} %", statement.share_percent)}</td>
            <td class="num">{format::duration_ms(statement.total_ms)}</td>
            <td class="num">{format::count(statement.calls)}</td>
            <td class="num">{format::duration_us(statement.mean_us)}</td>
            <td class="num">{format::duration_us(statement.max_us)}</td>
            <td class="num">{format::count(statement.rows)}</td>
        </tr>
    }
}
