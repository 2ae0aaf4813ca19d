//! The backups: taken, verified, kept.

use leptos::prelude::*;
use signalbox_model::actor::Permission;
use signalbox_model::backup::{Backups, STALE_HOURS};
use signalbox_model::format;

use super::api::{ListBackups, TakeBackup, VerifyBackup};
use super::backup_row::{BackupRow, VerifyPanel};
use crate::components::command::{Command, CommandForm};
use crate::components::empty::EmptyRow;
use crate::components::field::Field;
use crate::components::live::{live, page, part};
use crate::components::page_head::{Crumbs, PageHead};
use crate::components::query::Query;
use crate::components::rows::Rows;
use crate::components::scroll::{Head, Scroll};
use crate::components::submit::Submit;

/// The page. `?verify=` names the backup whose form is shown.
#[component]
pub(super) fn BackupsPage() -> impl IntoView {
    let query = Query::current(&["verify"], "#verify");
    let take = Command::of::<TakeBackup>(Permission::OperateDatabase);
    let verify = Command::of::<VerifyBackup>(Permission::OperateDatabase);
    page(
        live(|| ListBackups {}),
        |backups: &Backups| ("Backups".to_owned(), backups.as_of),
        move |facts| {
            let none = Memo::new(move |_| facts.with(|facts| facts.backups.is_empty()));
            // The form is drawn anew only for another backup: what is being typed stays.
            let chosen = Memo::new(move |_| {
                let id = query.get().number("verify")?;
                let fits = |facts: &Backups| {
                    facts.backups.iter().any(|b| b.id == id && b.can_be_verified())
                };
                facts.with(fits).then_some(id)
            });
            view! {
                <Crumbs href="/admin/database" label="Database" here="Backups" />
                {part(move || facts.with(head))}
                <div class="columns">
                    <TakePanel take />
                    {part(move || chosen.get().map(|id| view! { <VerifyPanel id verify /> }))}
                </div>
                <Scroll label="Table of backups">
                    <table>
                        <Head columns=&[
                            "Backup",
                            "Of",
                            "State",
                            "Verified",
                            "#Size",
                            "#Rows",
                            "File",
                            "!Actions",
                        ] />
                        <tbody>
                            <Rows
                                each=move || facts.with(|facts| facts.backups.clone())
                                key=|b| {
                                    let v = b.verification.as_ref();
                                    let v = v.map(|v| (v.stage, v.job_id, v.error.is_some()));
                                    format!(
                                        "{} {:?} {v:?} {} {}",
                                        b.id,
                                        b.stage,
                                        b.error.is_some(),
                                        b.removed_at.is_some(),
                                    )
                                }
                                let:backup
                            >
                                <BackupRow backup />
                            </Rows>
                            <EmptyRow
                                none
                                columns="8"
                                says="No backup yet. A schedule takes and verifies one every Sunday at 03:30 UTC."
                            />
                        </tbody>
                    </table>
                </Scroll>
            }
        },
    )
}

fn head(facts: &Backups) -> impl IntoView + use<> {
    let age = |at| format::relative(at, facts.as_of);
    let taken = facts.last().and_then(|backup| backup.started_at);
    let verified = facts.last_verified().and_then(|backup| backup.started_at);
    let now = match (taken, verified) {
        (None, _) => "There is no backup.".to_owned(),
        (Some(taken), None) => {
            format!("The last backup was taken {}; none is verified.", age(taken))
        }
        (Some(_), Some(at)) if (facts.as_of - at).num_hours() > STALE_HOURS => {
            format!("The last verified backup is old: taken {}.", age(at))
        }
        (Some(taken), Some(at)) if taken > at => {
            format!("The last backup was taken {}, the last verified one {}.", age(taken), age(at))
        }
        (Some(taken), Some(_)) => {
            format!("The last backup was taken {}, and is verified.", age(taken))
        }
    };
    let rest = format!(
        "The newest {} and the newest verified one are kept.",
        format::plural(facts.kept, "file", "files")
    );
    view! {
        <PageHead heading="Backups" now rest>
            <a class="button" href="/admin/schedules/backup">
                "Schedule"
            </a>
            <a class="button" href="/admin/config/backups_kept">
                "How many are kept"
            </a>
        </PageHead>
    }
}

#[component]
fn TakePanel(take: Command) -> impl IntoView {
    view! {
        <section class="panel" aria-labelledby="take">
            <h2 id="take">"Back up now"</h2>
            <p class="hint">
                "A job dumps the whole database as it stands at one moment into a file on its \
                 worker’s machine. Everything goes on meanwhile."
            </p>
            <CommandForm action=take>
                <label class="check">
                    <input type="checkbox" name="verify" value="true" checked />
                    "Then restore it beside the database, compare every row, and drop that again"
                </label>
                <Field
                    name="reason"
                    id="take-reason".to_owned()
                    label="Reason to back up"
                    hint="Kept in the audit log."
                />
                <p class="actions">
                    <Submit class="button primary" pending=take.pending()>
                        "Back up now"
                    </Submit>
                </p>
            </CommandForm>
        </section>
    }
    .into_any()
}
