//! Open sessions, each with the way to end it.

use leptos::prelude::*;
use signalbox_model::user::OpenSession;

use super::api::EndSession;
use crate::components::command::{Command, CommandForm};
use crate::components::live::part;
use crate::components::rows::Rows;
use crate::components::scroll::{Head, Scroll};
use crate::components::submit::Submit;
use crate::components::time::Time;

/// The table.
#[component]
pub(crate) fn SessionTable(sessions: Signal<Vec<OpenSession>>, page: String) -> impl IntoView {
    let end = Command::for_everybody::<EndSession>();
    let page = StoredValue::new(page);
    let none = Memo::new(move |_| sessions.with(Vec::is_empty));
    view! {
        <section aria-labelledby="sessions">
            <h2 id="sessions">"Open sessions"</h2>
            {part(move || {
                if none.get() {
                    return view! { <p class="muted">"Signed in nowhere."</p> }.into_any();
                }
                view! {
                    <Scroll label="Table of open sessions">
                        <table>
                            <Head columns=&[
                                "Browser",
                                "Address",
                                "Signed in",
                                "Last seen",
                                "Ends",
                                "!Actions",
                            ] />
                            <tbody>
                                <Rows
                                    each=move || sessions.get()
                                    key=|session| format!("{} {}", session.handle, session.seen_at)
                                    let:session
                                >
                                    <SessionRow session page=page.get_value() end />
                                </Rows>
                            </tbody>
                        </table>
                    </Scroll>
                }
                .into_any()
            })}
        </section>
    }
    .into_any()
}

#[component]
fn SessionRow(session: OpenSession, page: String, end: Command) -> impl IntoView {
    let agent = session.agent.unwrap_or_else(|| "unknown".to_owned());
    let button = if session.is_this { "Sign out here" } else { "End" };
    view! {
        <tr>
            <th scope="row" class="wide">
                {agent}
                {session.is_this.then(|| view! { <span class="sub">"This one"</span> })}
            </th>
            <td class="id">{session.address.unwrap_or_else(|| "unknown".to_owned())}</td>
            <td>
                <Time at=session.began_at />
            </td>
            <td>
                <Time at=session.seen_at />
            </td>
            <td>
                <Time at=session.expires_at />
            </td>
            <td class="row-actions">
                <CommandForm action=end>
                    <input type="hidden" name="handle" value=session.handle.clone() />
                    <input type="hidden" name="next" value=page />
                    <Submit pending=end.pending()>
                        {button} <span class="unseen">{format!(" session {}", session.handle)}</span>
                    </Submit>
                </CommandForm>
            </td>
        </tr>
    }
    .into_any()
}
