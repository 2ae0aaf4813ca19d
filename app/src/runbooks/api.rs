//! Server functions of the runbooks.

use leptos::server;
use serde::{Deserialize, Serialize};
use signalbox_model::Timestamp;
use signalbox_model::runbook::{Incident, Runbook};

use crate::error::AppError;
use crate::notice::Notice;

/// How one incident stands, as the list shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RunbookLine {
    /// Which.
    pub incident: Incident,
    /// What is not in order.
    pub shows: Vec<String>,
    /// Who has taken it on, and when.
    pub taken_on: Option<(String, Timestamp)>,
}

/// What the list shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RunbooksFacts {
    /// Every runbook.
    pub lines: Vec<RunbookLine>,
    /// When this was read.
    pub as_of: Timestamp,
}

/// Every runbook.
#[server(prefix = "/api/fn", endpoint = "list_runbooks", output = crate::codec::Json)]
pub(crate) async fn list_runbooks() -> Result<RunbooksFacts, AppError> {
    use crate::request::{answer, ctx, state};
    use signalbox_engine::runbooks;

    let ctx = ctx()?;
    let line = |runbook: Runbook| RunbookLine {
        incident: runbook.incident,
        shows: runbook.detection.iter().filter(|f| !f.ok).map(|f| f.line()).collect(),
        taken_on: runbook.run.map(|run| (run.started_by, run.started_at)),
    };
    let all = answer(runbooks::list(&ctx, &state()?.registry).await)?;
    Ok(RunbooksFacts { lines: all.into_iter().map(line).collect(), as_of: ctx.now() })
}

/// One runbook as it stands now.
#[server(prefix = "/api/fn", endpoint = "runbook", output = crate::codec::Json)]
pub(crate) async fn read_runbook(incident: String) -> Result<Runbook, AppError> {
    use crate::request::{answer, ctx, state};
    use signalbox_engine::runbooks;

    let incident = answer(known(&incident))?;
    answer(runbooks::read(&ctx()?, &state()?.registry, incident).await)
}

/// Takes an incident on.
#[server(prefix = "/api/fn", endpoint = "start_runbook", output = crate::codec::Json)]
pub(crate) async fn start_runbook(incident: String, severity: String) -> Result<Notice, AppError> {
    use crate::request::{answer, ctx, finish, state};
    use signalbox_engine::runbooks;
    use signalbox_model::runbook::Severity;

    let incident = answer(known(&incident))?;
    let severity = Severity::from_name(&severity)
        .ok_or_else(|| AppError::field("severity", "must be P1, P2, P3 or P4"));
    let result = runbooks::start(&ctx()?, &state()?.registry, incident, answer(severity)?).await;
    let done = "You have taken it on. What shows it is written down.";
    finish(result.map(|_| Notice::done(done)), &page(incident), &[]).await
}

/// Pulls a lever.
#[server(prefix = "/api/fn", endpoint = "pull_lever", output = crate::codec::Json)]
pub(crate) async fn pull_lever(
    incident: String,
    lever: String,
    #[server(default)] target: String,
    reason: String,
) -> Result<Notice, AppError> {
    use crate::request::{answer, ctx, finish, state};
    use signalbox_engine::runbooks;
    use signalbox_model::runbook::Lever;

    let incident = answer(known(&incident))?;
    let lever = Lever::from_name(&lever).ok_or_else(|| AppError::field("lever", "is unknown"));
    let pulled = (answer(lever)?, target.as_str());
    let result = runbooks::pull(&ctx()?, &state()?.registry, incident, pulled, &reason).await;
    finish(result.map(Notice::done), &page(incident), &[("reason", &reason)]).await
}

/// Writes a note into the run under way.
#[server(prefix = "/api/fn", endpoint = "note_in_runbook", output = crate::codec::Json)]
pub(crate) async fn note_in_runbook(incident: String, note: String) -> Result<Notice, AppError> {
    use crate::request::{answer, ctx, finish};
    use signalbox_engine::runbooks;

    let incident = answer(known(&incident))?;
    let result = runbooks::note(&ctx()?, incident, &note).await;
    finish(result.map(|()| Notice::done("Noted.")), &page(incident), &[("note", &note)]).await
}

/// Ends the run under way.
#[server(prefix = "/api/fn", endpoint = "end_runbook", output = crate::codec::Json)]
pub(crate) async fn end_runbook(incident: String, note: String) -> Result<Notice, AppError> {
    use crate::request::{answer, ctx, finish, state};
    use signalbox_engine::runbooks;

    let incident = answer(known(&incident))?;
    let result = runbooks::end(&ctx()?, &state()?.registry, incident, &note).await;
    let result = result.map(|id| {
        let export = format!("/api/admin/runbooks/runs/{id}/export");
        Notice::done("The run has ended.").link(export, "Download its record")
    });
    finish(result, &page(incident), &[("note", &note)]).await
}

#[cfg(feature = "ssr")]
fn known(name: &str) -> Result<Incident, AppError> {
    let detail = "There is no such runbook.".to_owned();
    Incident::from_name(name).ok_or(AppError::NotFound { detail })
}

#[cfg(feature = "ssr")]
fn page(incident: Incident) -> String {
    format!("/admin/runbooks/{}", incident.name())
}
