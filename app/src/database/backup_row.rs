//! One backup, and the form that has it verified.

use leptos::prelude::*;
use signalbox_model::backup::{Backup, Stage, Verification};
use signalbox_model::format;
use signalbox_model::job::JobId;

use crate::components::aspect::{Aspect, State};
use crate::components::command::{Command, CommandForm};
use crate::components::field::Field;
use crate::components::submit::Submit;
use crate::components::time::{MaybeTime, Time};

const fn standing(stage: Stage) -> (Aspect, &'static str) {
    match stage {
        Stage::Waiting => (Aspect::Idle, "Waiting"),
        Stage::Running => (Aspect::Running, "Running"),
        Stage::Done => (Aspect::Clear, "Complete"),
        Stage::Failed => (Aspect::Danger, "Failed"),
    }
}

fn verdict(verification: &Verification) -> (Aspect, &'static str) {
    match verification.stage {
        Stage::Done if verification.is_good() => (Aspect::Clear, "Verified"),
        Stage::Done => (Aspect::Danger, "Not the same"),
        Stage::Failed => (Aspect::Danger, "Could not be verified"),
        stage => standing(stage),
    }
}

fn job_link(job: JobId) -> impl IntoView {
    view! {
        <span class="sub">
            <a href=format!("/admin/jobs/{job}")>{format!("job {job}")}</a>
        </span>
    }
}

/// The row.
#[component]
pub(super) fn BackupRow(backup: Backup) -> impl IntoView {
    let id = backup.id;
    let (of, word) = standing(backup.stage);
    let because = match &backup.reason {
        Some(reason) => format!("by {}: {reason}", backup.requested_by),
        None => format!("by {}", backup.requested_by),
    };
    let moment = backup.started_at.unwrap_or(backup.requested_at);
    let took = backup.ended_at.map(|at| format::duration_ms((at - moment).num_milliseconds()));
    let took = took.map(|took| view! { <span class="sub">{format!("took {took}")}</span> });
    let error = backup.error.clone().map(|error| view! { <span class="sub">{error}</span> });
    let action = backup.can_be_verified().then(|| {
        view! {
            <a class="button" href=format!("/admin/database/backups?verify={id}#verify")>
                "Verify…"
                <span class="unseen">{format!(" backup {id}")}</span>
            </a>
        }
    });
    let count = |n: Option<i64>| n.map_or_else(|| "–".to_owned(), format::count);
    view! {
        <tr>
            <th scope="row">
                {id}
                <span class="sub">{because}</span>
            </th>
            <td class="nowrap">
                <Time at=moment />
                {took}
            </td>
            <td>
                <State of word />
                {job_link(backup.job_id)}
                {error}
            </td>
            <td class="wide">{verified(backup.verification)}</td>
            <td class="num">
                {backup.bytes.map_or_else(|| "–".to_owned(), format::bytes)}
            </td>
            <td class="num">{count(backup.rows)}</td>
            <td class="wide">{file(backup.file, backup.sha256, backup.removed_at.is_some())}</td>
            <td class="row-actions">{action}</td>
        </tr>
    }
    .into_any()
}

fn verified(verification: Option<Verification>) -> AnyView {
    let Some(verification) = verification else {
        return view! { <span class="muted">"not verified"</span> }.into_any();
    };
    let (of, word) = verdict(&verification);
    let why: Vec<_> = verification
        .differences
        .into_iter()
        .chain(verification.error)
        .map(|why| view! { <span class="sub">{why}</span> })
        .collect();
    view! {
        <State of word />
        <span class="sub">
            <MaybeTime at=verification.ended_at />
        </span>
        {job_link(verification.job_id)}
        {why}
    }
    .into_any()
}

fn file(file: Option<String>, sha256: Option<String>, removed: bool) -> AnyView {
    let Some(file) = file else {
        return view! { <span class="muted">"–"</span> }.into_any();
    };
    let (folder, name) = file.rsplit_once('/').unwrap_or(("", &file));
    let folder = format!("in {folder}");
    let note = match (removed, sha256) {
        (true, _) => "removed: newer ones are kept".to_owned(),
        (false, Some(sha256)) => format!("SHA-256 {}", format::shorten(&sha256, 17)),
        (false, None) => String::new(),
    };
    view! {
        <code>{name.to_owned()}</code>
        <span class="sub">{folder}</span>
        <span class="sub">{note}</span>
    }
    .into_any()
}

/// The form that has one verified.
#[component]
pub(super) fn VerifyPanel(id: i64, verify: Command) -> impl IntoView {
    view! {
        <section class="panel" aria-labelledby="verify">
            <h2 id="verify">{format!("Verify backup {id}")}</h2>
            <p class="hint">
                "A job restores it into a database of its own on the same server, compares the rows \
                 of every table with what they were at the backup’s moment, and drops it again. It \
                 needs as much space once more."
            </p>
            <CommandForm action=verify>
                <input type="hidden" name="backup" value=id />
                <Field
                    name="reason"
                    id="verify-reason".to_owned()
                    label="Reason to verify"
                    hint="Kept in the audit log."
                />
                <p class="actions">
                    <Submit class="button primary" pending=verify.pending()>
                        {format!("Verify backup {id}")}
                    </Submit>
                </p>
            </CommandForm>
        </section>
    }
    .into_any()
}
