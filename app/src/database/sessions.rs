//! Connections, closing one, and who waits for whom.

use leptos::prelude::*;
use signalbox_model::database::{Blocked, Session};

use crate::components::aspect::{Aspect, State};
use crate::components::command::{Command, CommandForm};
use crate::components::empty::EmptyRow;
use crate::components::field::Field;
use crate::components::rows::Rows;
use crate::components::scroll::{Head, Scroll};
use crate::components::submit::Submit;
use crate::components::time::{MaybeTime, Time};

/// A connection's aspect and word.
fn standing(session: &Session) -> (Aspect, &str) {
    match session.state.as_str() {
        "active" => (Aspect::Running, "Active"),
        "idle" => (Aspect::Idle, "Idle"),
        "idle in transaction" => (Aspect::Caution, "Idle in a transaction"),
        "idle in transaction (aborted)" => (Aspect::Caution, "Idle in a failed transaction"),
        other => (Aspect::Idle, other),
    }
}

/// The connections to this database.
#[component]
pub(super) fn Sessions(sessions: Signal<Vec<Session>>) -> impl IntoView {
    let none = Memo::new(move |_| sessions.with(Vec::is_empty));
    view! {
        <p class="hint">
            "To this database, this page’s own aside; those in a transaction first, then those that \
             have done nothing for the longest."
        </p>
        <Scroll label="Table of connections">
            <table>
                <Head columns=&[
                    "Connection",
                    "Whose",
                    "State",
                    "Since",
                    "In transaction",
                    "Last statement",
                    "!Actions",
                ] />
                <tbody>
                    <Rows
                        each=move || sessions.get()
                        key=|session| {
                            let since = session.state_since.map(|at| at.timestamp_micros());
                            format!("{} {} {since:?}", session.key(), session.state)
                        }
                        let:session
                    >
                        <SessionRow session />
                    </Rows>
                    <EmptyRow none columns="7" says="Nobody else is connected." />
                </tbody>
            </table>
        </Scroll>
    }
    .into_any()
}

#[component]
fn SessionRow(session: Session) -> impl IntoView {
    let (of, word) = standing(&session);
    let word = word.to_owned();
    let href = format!("/admin/database?close={}#close", session.key());
    let whose = match (session.own, session.application.is_empty()) {
        (true, _) => "Signalbox’s own".to_owned(),
        (false, true) => "unnamed".to_owned(),
        (false, false) => session.application,
    };
    view! {
        <tr>
            <th scope="row" class="id nowrap">
                {session.pid}
            </th>
            <td>
                {whose}
                <span class="sub">{format!("{} from {}", session.user, session.client)}</span>
            </td>
            <td>
                <State of word />
            </td>
            <td class="nowrap">
                <MaybeTime at=session.state_since />
            </td>
            <td class="nowrap">
                <MaybeTime at=session.transaction_since />
            </td>
            <td class="wide">
                <code>{session.statement}</code>
            </td>
            <td class="row-actions">
                <a class="button" href=href>
                    "Close…"
                    <span class="unseen">{format!(" connection {}", session.pid)}</span>
                </a>
            </td>
        </tr>
    }
    .into_any()
}

/// The form that closes one.
#[component]
pub(super) fn ClosePanel(
    key_: String,
    pid: i32,
    application: String,
    own: bool,
    close: Command,
) -> impl IntoView {
    let effect = if own {
        "It is one of Signalbox’s own: what it does breaks off and is done again, on another \
         connection."
    } else {
        "What it has begun and not committed is undone. Whoever uses it sees an error, and may \
         connect again."
    };
    let confirm = own.then(|| {
        view! {
            <label class="check">
                <input type="checkbox" name="own" value="true" required />
                "Close it though it is Signalbox’s own"
            </label>
        }
    });
    let whose = if application.is_empty() { String::new() } else { format!(" of {application}") };
    view! {
        <section class="panel" aria-labelledby="close">
            <h2 id="close">{format!("Close connection {pid}{whose}")}</h2>
            <p class="hint">{effect}</p>
            <CommandForm action=close>
                <input type="hidden" name="connection" value=key_ />
                {confirm}
                <Field name="reason" label="Reason to close it" hint="Kept in the audit log." />
                <p class="actions">
                    <Submit class="button danger" pending=close.pending()>
                        {format!("Close connection {pid}")}
                    </Submit>
                    <a class="button" href="/admin/database">
                        "Leave it open"
                    </a>
                </p>
            </CommandForm>
        </section>
    }
    .into_any()
}

/// What waits for a lock, if anything does.
#[component]
pub(super) fn Blockades(blocked: Vec<Blocked>) -> impl IntoView {
    if blocked.is_empty() {
        return ().into_any();
    }
    let rows: Vec<_> = blocked
        .into_iter()
        .map(|blocked| {
            let by: Vec<_> = blocked.blocked_by.iter().map(ToString::to_string).collect();
            let since = blocked.since.map(|at| view! { <Time at /> });
            view! {
                <tr>
                    <th scope="row" class="id nowrap">
                        {blocked.pid}
                    </th>
                    <td class="nowrap">{since}</td>
                    <td class="wide">
                        <code>{blocked.statement}</code>
                    </td>
                    <td class="id nowrap">{by.join(", ")}</td>
                    <td class="wide">
                        <code>{blocked.blocking_statement}</code>
                    </td>
                </tr>
            }
        })
        .collect();
    view! {
        <section class="stack" aria-labelledby="locks">
            <h2 id="locks">"Waiting for a lock"</h2>
            <Scroll label="Table of statements that wait for a lock">
                <table>
                    <Head columns=&[
                        "Connection",
                        "Since",
                        "Wants to",
                        "Waits for",
                        "Which does, or did last",
                    ] />
                    <tbody>{rows}</tbody>
                </table>
            </Scroll>
        </section>
    }
    .into_any()
}
