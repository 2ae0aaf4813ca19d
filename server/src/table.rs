//! The route table of the API. One list: what is not here does not exist, and what is here is guarded
//! and documented. Pages and server functions are Leptos's own.

use signalbox_model::actor::Permission::*;

use crate::api::{
    admin_jobs, alerts, audit, auth, batch, breakers, bulk_operations, changes, database,
    dead_letters, docs, exports, fleet, health, jobs, kill_switch, logs, matviews, metrics,
    ops_queues, providers, queues, runbooks, schedules, security_txt, settings, sweeps, system,
    trends, users,
};
use crate::routes::Access::*;
use crate::routes::{Routes, routes};

/// What answers whoever asks, without looking for a session.
pub fn probes() -> Routes {
    routes! { Routes::default();
        get "/healthz" Open, health::healthz, "The process is alive.";
        get "/.well-known/security.txt" Open, security_txt::read, "Whom to tell of a hole in this installation.";
        get "/readyz" Open, health::readyz, "Whether work can be taken; 503 with the failing part named.";
    }
}

/// What may depend on who asks. Where a command's action decides what it takes, the table asks for the
/// least, and the engine for the rest.
pub fn api(before: Routes) -> Routes {
    routes! { before;
        get "/health" Open, health::health, "Strangers see `status` alone; those who may see the console, and addresses on HEALTH_ALLOWLIST, how the providers are.";
        get "/api/health" Open, health::health, "The same as /health.";
        get "/metrics" Open, metrics::metrics, "Figures for Prometheus, for those who may see the console and for addresses on HEALTH_ALLOWLIST.";
        get "/v1/admin/system" May(ReadConsole), system::system, "Memory, connections, queues, providers and rates.";
        get "/api/docs" Open, docs::page, "This documentation.";
        get "/api/docs/openapi.json" Open, docs::openapi, "This documentation, as OpenAPI.";

        post "/api/auth/login" Open, auth::login, "Signs in: 204 and the session cookie.";
        post "/api/auth/logout" Open, auth::logout, "Signs out, signed in or not.";
        get "/api/auth/me" SignedIn, auth::me, "Who is signed in.";
        post "/api/auth/password" SignedIn, auth::password, "Changes one's own password.";

        get "/api/jobs" May(ReadConsole), jobs::list, "Jobs, the newest first, by state, kind, queue, provider, class of error, time and text.";
        post "/api/jobs" May(RunJobs), jobs::enqueue, "Enqueues a job; 200 with the first one's id for a repeated idempotency key.";
        post "/api/jobs/batch" May(RunJobs), batch::enqueue_batch, "Enqueues many jobs, one JSON object a line.";
        post "/api/jobs/bulk" May(RunJobs), jobs::bulk, "Cancels, holds or releases the oldest 1000 that match: all of them or none.";
        post "/api/jobs/bulk/preview" May(ReadConsole), jobs::preview_bulk, "How many jobs that would touch.";
        get "/api/jobs/{id}" May(ReadConsole), jobs::detail, "A job with its payload, attempts and progress.";
        get "/api/jobs/{id}/why" May(ReadConsole), jobs::why, "Why it is not running.";
        post "/api/jobs/{id}/cancel" May(RunJobs), jobs::cancel, "Cancels it; a running job stops when its code notices.";
        post "/api/jobs/{id}/retry" May(WorkDeadLetters), jobs::retry, "Retries a dead job.";
        post "/api/jobs/{id}/run-next" May(OperateQueues), jobs::run_next, "Runs it before all others, even from a paused queue.";
        post "/api/jobs/{id}/hold" May(RunJobs), jobs::hold, "Holds it until it is released.";
        post "/api/jobs/{id}/release" May(RunJobs), jobs::release, "Releases a held job.";

        get "/api/admin/workers" May(ReadConsole), fleet::read, "The workers, the scheduler, and what is stopped.";
        post "/api/ops/workers/{part}/stop" May(OperateWorkers), fleet::stop, "Stops `workers`, `scheduler` or the worker with this id.";
        post "/api/ops/workers/{part}/start" May(OperateWorkers), fleet::start, "Lets it go on.";

        get "/api/admin/queues" May(ReadConsole), queues::list, "Every queue.";
        get "/api/ops/queues" May(ReadConsole), ops_queues::triage, "Queues, workers, scheduler and vault as they stand, for whoever is on OPS_ADMIN_EMAILS, where it is set.";
        post "/api/ops/queues/{name}/pause" May(OperateQueues), queues::pause, "Starts none of its jobs any more.";
        post "/api/ops/queues/{name}/resume" May(OperateQueues), queues::resume, "Ends a pause or a drain.";
        post "/api/ops/queues/{name}/drain" May(OperateQueues), queues::drain, "Works off what it holds now; newer jobs wait.";
        post "/api/ops/queues/{name}/limit" May(OperateQueues), queues::limit, "Bounds how many of its jobs run at once.";
        post "/api/ops/queues/{name}/clear-failed" May(WorkDeadLetters), queues::clear_failed, "Removes its dead letters, after an undo window.";

        get "/api/admin/jobs" May(ReadConsole), admin_jobs::read, "Metrics by kind, queues, dead letters, logs and breakers.";
        post "/api/admin/jobs" May(RunJobs), admin_jobs::trigger, "Starts `trigger_discovery`, `trigger_harvesting` or `trigger_backfill`.";
        get "/api/admin/jobs/backfill" May(ReadConsole), admin_jobs::backfills, "The backfills that wait, run, or have ended lately.";

        get "/api/admin/config" May(ReadConsole), settings::list, "Every setting, and the rates that are lowered now.";
        post "/api/admin/config" May(ChangeSettings), settings::change, "Changes a setting, for good or for a while.";
        get "/api/admin/config/preview" May(ReadConsole), settings::preview, "What a limit would do with another value.";
        post "/api/admin/config/{key}/revert" May(ChangeSettings), settings::revert, "Ends a temporary change now.";
        post "/api/admin/config/{key}/keep" May(ChangeSettings), settings::keep, "Makes a temporary change a lasting one.";

        get "/api/admin/kill-switch" May(ReadConsole), kill_switch::read, "Its position.";
        post "/api/admin/kill-switch" May(OperateKillSwitch), kill_switch::activate, "No job starts from now on.";
        delete "/api/admin/kill-switch" May(OperateKillSwitch), kill_switch::deactivate, "Jobs start again.";

        get "/api/admin/dead-letter-queue" May(ReadConsole), dead_letters::list, "Dead letters, the newest first.";
        post "/api/admin/dead-letter-queue" May(WorkDeadLetters), dead_letters::retry, "Retries a letter's job.";
        delete "/api/admin/dead-letter-queue" May(WorkDeadLetters), dead_letters::delete, "Deletes a letter for good.";
        get "/api/admin/dead-letter-queue/groups" May(ReadConsole), dead_letters::groups, "The largest groups of the same error.";
        post "/api/admin/dead-letter-queue/groups" May(WorkDeadLetters), dead_letters::mark, "Marks an error resolved, ignored, or neither.";
        get "/api/admin/dead-letter-queue/bulk" May(ReadConsole), bulk_operations::list, "Operations on many letters, the newest first.";
        post "/api/admin/dead-letter-queue/bulk" May(WorkDeadLetters), bulk_operations::start, "Retries, deletes or redrives many letters, after an undo window.";
        post "/api/admin/dead-letter-queue/bulk/preview" May(ReadConsole), bulk_operations::preview, "How many letters that would touch.";
        get "/api/admin/dead-letter-queue/bulk/{id}" May(ReadConsole), bulk_operations::read, "How far an operation is.";
        post "/api/admin/dead-letter-queue/bulk/{id}/abort" May(WorkDeadLetters), bulk_operations::abort, "Undoes or stops an operation.";

        get "/api/admin/breakers" May(ReadConsole), breakers::list, "Every circuit breaker.";
        post "/api/admin/breakers/{provider}" May(OperateBreakers), breakers::act, "Holds a breaker open or closed, or lets go of it.";
        get "/api/admin/breakers/{provider}/history" May(ReadConsole), breakers::moves, "Its moves, the newest first.";
        get "/api/admin/breakers/{provider}/back-test" May(ReadConsole), breakers::try_out, "What it would have done in the last 24 h with other settings.";
        get "/api/admin/providers" May(ReadConsole), providers::list, "Every provider, and the vault.";
        get "/api/admin/providers/{provider}" May(ReadConsole), providers::read, "A provider, and what was done to it last.";
        post "/api/admin/providers/{provider}" May(ManageProviders), providers::act, "Sets or removes its key, switches it on or off, or tests its credentials.";
        get "/api/admin/vault" May(ReadConsole), providers::vault, "How the vault is that keeps the providers' keys.";

        get "/api/admin/schedules" May(ReadConsole), schedules::list, "Every schedule.";
        get "/api/admin/schedules/preview" May(ReadConsole), schedules::preview, "The next ticks that a cron expression would have.";
        get "/api/admin/schedules/{name}" May(ReadConsole), schedules::read, "A schedule.";
        post "/api/admin/schedules/{name}" May(OperateSchedules), schedules::command, "Pauses, resumes, runs, changes or resets it.";

        get "/api/admin/runbooks" May(ReadConsole), runbooks::list, "Every runbook as it stands now.";
        get "/api/admin/runbooks/runs/{id}" May(ReadConsole), runbooks::run, "A run with its record.";
        get "/api/admin/runbooks/runs/{id}/export" May(ReadConsole), runbooks::export, "The same as a Markdown file.";
        get "/api/admin/runbooks/{incident}" May(ReadConsole), runbooks::read, "A runbook as it stands now.";
        post "/api/admin/runbooks/{incident}" May(ReadConsole), runbooks::command, "Takes an incident on, pulls a lever, writes a note, or ends it.";

        get "/api/admin/alerts" May(ReadConsole), alerts::list, "What fires, every rule, and what people were told.";
        get "/api/admin/alerts/history" May(ReadConsole), alerts::history, "What has fired, the newest first.";
        post "/api/admin/alerts/{id}/acknowledge" May(OperateAlerts), alerts::acknowledge, "The caller takes care of it.";
        get "/api/admin/alerts/rules/{name}" May(ReadConsole), alerts::rule, "A rule.";
        post "/api/admin/alerts/rules/{name}" May(OperateAlerts), alerts::command, "Changes, resets, silences or unsilences a rule.";
        get "/api/admin/alerts/rules/{name}/back-test" May(ReadConsole), alerts::try_out, "What a rule would have found in the last 24 h with other values.";
        post "/api/admin/test-alert" May(OperateAlerts), alerts::test, "Sends a test message by every channel.";

        get "/api/admin/sweeps" May(ReadConsole), sweeps::list, "How the last run of each sweep went.";
        get "/api/admin/matviews" May(ReadConsole), matviews::status, "The materialized views, and their age.";
        post "/api/admin/matviews" May(ReadConsole), matviews::command, "Enables, disables or refreshes them.";
        get "/api/admin/logs" May(ReadConsole), logs::search, "The system log, the newest first.";
        get "/api/admin/audit" May(ReadConsole), audit::search, "The audit log, the newest first.";
        get "/api/admin/audit/verify" May(ReadConsole), audit::verify, "Whether every entry is what it was when it was written.";
        get "/api/admin/audit/export" May(ReadConsole), audit::export, "All of it as CSV, with its seals.";
        get "/api/admin/database" May(ReadConsole), database::read, "Connections, locks, statements, tables and indexes of the database.";
        post "/api/admin/database" May(OperateDatabase), database::command, "Closes a connection; analyzes, vacuums or reindexes; backs up, or verifies a backup.";
        get "/api/admin/database/backups" May(ReadConsole), database::list_backups, "The backups, the newest first.";
        get "/api/admin/trends" May(ReadConsole), trends::read, "What the overview's charts draw.";
        get "/api/admin/changes" May(ReadConsole), changes::stream, "Server-sent events: something has changed.";

        get "/api/admin/users" May(ManageUsers), users::list, "Every user.";
        post "/api/admin/users" May(ManageUsers), users::invite, "Invites somebody, with a one-time password that is told once.";
        get "/api/admin/users/{email}" May(ManageUsers), users::read, "A user.";
        post "/api/admin/users/{email}" May(ManageUsers), users::act, "Changes a user's role, disables or enables them, ends their sessions, or gives them a new password.";
        get "/api/admin/sessions" May(ManageUsers), users::sessions, "Every open session.";
        delete "/api/admin/sessions" May(ManageUsers), users::revoke_everything, "Ends every session but this one, and every token.";
        get "/api/admin/tokens" May(ManageUsers), users::tokens, "Every API token.";
        post "/api/admin/tokens" May(ManageUsers), users::make_token, "Makes an API token, which is told once.";
        post "/api/admin/tokens/{id}/revoke" May(ManageUsers), users::revoke_token, "Revokes a token.";
        get "/api/account/sessions" SignedIn, users::own_sessions, "One's own sessions.";
        delete "/api/account/sessions/{handle}" SignedIn, users::end_session, "Ends one of one's own sessions, or, for an admin, anybody's.";

        get "/api/domains/export" May(ReadResults), exports::domains, "Domains as CSV.";
        get "/api/domains/{id}/mentions/export" May(ReadResults), exports::mentions, "A domain's mentions as CSV.";
    }
}
