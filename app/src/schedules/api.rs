//! Server functions of the schedules.

use leptos::server;
use serde::{Deserialize, Serialize};
use signalbox_model::Timestamp;
use signalbox_model::schedule::{Preview, Schedule};
use signalbox_model::system_log::SystemLog;

use crate::error::AppError;
use crate::notice::Notice;

/// What the list shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SchedulesFacts {
    /// Every schedule.
    pub schedules: Vec<Schedule>,
    /// Every sweep.
    pub sweeps: Vec<SweepLine>,
    /// When this was read.
    pub as_of: Timestamp,
}

/// How a sweep stands, in words: the browser need not know what each sweep counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SweepLine {
    /// Its stable name.
    pub name: String,
    /// What it does, and when.
    pub description: String,
    /// Its last run.
    pub run_at: Option<Timestamp>,
    /// How long that took, in milliseconds.
    pub duration_ms: Option<i64>,
    /// What that did; absent if it failed.
    pub did: Option<String>,
    /// What the last run did that found anything to do.
    pub effect: Option<(String, Timestamp)>,
    /// The last error.
    pub error: Option<(String, Timestamp)>,
}

#[cfg(feature = "ssr")]
impl From<signalbox_model::sweep::SweepStatus> for SweepLine {
    fn from(sweep: signalbox_model::sweep::SweepStatus) -> SweepLine {
        SweepLine {
            name: sweep.name.name().to_owned(),
            description: sweep.description,
            run_at: sweep.run_at,
            duration_ms: sweep.duration_ms,
            did: sweep.report.map(|report| report.words()),
            effect: sweep.effect.map(|effect| effect.words()).zip(sweep.effect_at),
            error: sweep.error.zip(sweep.error_at),
        }
    }
}

/// What the page of one schedule shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ScheduleFacts {
    /// The schedule.
    pub schedule: Schedule,
    /// The times that the address asks about, if it does.
    pub preview: Option<Result<Preview, String>>,
    /// What was done with it, the newest first.
    pub history: Vec<SystemLog>,
    /// When this was read.
    pub as_of: Timestamp,
}

/// Every schedule and every sweep.
#[server(prefix = "/api/fn", endpoint = "list_schedules", output = crate::codec::Json)]
pub(crate) async fn list_schedules() -> Result<SchedulesFacts, AppError> {
    use crate::request::{answer, ctx};
    use signalbox_engine::{schedules, sweeps};

    let ctx = ctx()?;
    Ok(SchedulesFacts {
        schedules: answer(schedules::list(&ctx).await)?,
        sweeps: answer(sweeps::list(&ctx).await)?.into_iter().map(Into::into).collect(),
        as_of: ctx.now(),
    })
}

/// One schedule, and what other times would mean.
#[server(prefix = "/api/fn", endpoint = "schedule", output = crate::codec::Json)]
pub(crate) async fn read_schedule(
    name: String,
    #[server(default)] cron: Option<String>,
    #[server(default)] zone: Option<String>,
) -> Result<ScheduleFacts, AppError> {
    use crate::request::{answer, ctx};
    use signalbox_engine::{logs, schedules};
    use signalbox_model::schedule::Times;

    let ctx = ctx()?;
    let schedule = answer(schedules::read(&ctx, &name).await)?;
    let preview = cron.map(|cron| {
        let time_zone = zone.unwrap_or_else(|| schedule.time_zone.clone());
        schedules::preview(&ctx, &Times { cron, time_zone }).map_err(|error| error.to_string())
    });
    let history = answer(logs::about(&ctx, "schedule", &name).await)?;
    Ok(ScheduleFacts { schedule, preview, history, as_of: ctx.now() })
}

/// Stops a schedule from ticking.
#[server(prefix = "/api/fn", endpoint = "pause_schedule", output = crate::codec::Json)]
pub(crate) async fn pause_schedule(name: String, reason: String) -> Result<Notice, AppError> {
    use crate::request::{ctx, finish};
    use signalbox_engine::schedules;

    let result = schedules::pause(&ctx()?, &name, &reason).await;
    let result = result.map(|()| Notice::done(format!("{name} is paused: it does not tick.")));
    finish(result, &page_of(&name), &[("reason", &reason)]).await
}

/// Lets a schedule tick again.
#[server(prefix = "/api/fn", endpoint = "resume_schedule", output = crate::codec::Json)]
pub(crate) async fn resume_schedule(name: String) -> Result<Notice, AppError> {
    use crate::request::{ctx, finish};
    use signalbox_engine::schedules;
    use signalbox_model::format::plural;

    let result = schedules::resume(&ctx()?, &name, None).await;
    let result = result.map(|dropped| {
        let dropped = plural(dropped, "tick that passed was", "ticks that passed were");
        Notice::done(format!("{name} ticks again. {dropped} dropped."))
    });
    finish(result, &page_of(&name), &[]).await
}

/// Enqueues a schedule's job now.
#[server(prefix = "/api/fn", endpoint = "run_schedule", output = crate::codec::Json)]
pub(crate) async fn run_schedule(name: String) -> Result<Notice, AppError> {
    use crate::request::{ctx, finish, state};
    use signalbox_engine::schedules;

    let result = schedules::run_now(&ctx()?, &state()?.registry, &name, None).await;
    let result = result.map(|job| {
        Notice::done(format!("{name} runs now, as job {job}. Its next tick stays."))
            .link(format!("/admin/jobs/{job}"), "See the job")
    });
    finish(result, "/admin/schedules", &[]).await
}

/// Gives a schedule other times.
#[server(prefix = "/api/fn", endpoint = "change_schedule", output = crate::codec::Json)]
pub(crate) async fn change_schedule(
    name: String,
    cron: String,
    zone: String,
    #[server(default)] reason: String,
) -> Result<Notice, AppError> {
    use crate::request::{ctx, finish};
    use signalbox_engine::schedules;
    use signalbox_model::schedule::Times;

    let times = Times { cron, time_zone: zone };
    let result = schedules::change(&ctx()?, &name, &times, Some(&reason)).await;
    let result = result.map(|()| {
        Notice::done(format!("{name} ticks at {} ({}) now.", times.cron, times.time_zone))
    });
    finish(result, &page_of(&name), &[("reason", &reason)]).await
}

/// Gives a schedule back the times of the code.
#[server(prefix = "/api/fn", endpoint = "reset_schedule", output = crate::codec::Json)]
pub(crate) async fn reset_schedule(name: String) -> Result<Notice, AppError> {
    use crate::request::{ctx, finish};
    use signalbox_engine::schedules;

    let result = schedules::reset(&ctx()?, &name, None).await;
    let result = result.map(|()| Notice::done(format!("{name} has its default times again.")));
    finish(result, &page_of(&name), &[]).await
}

/// The page of the schedule `name`; the list, for what cannot be the name of one.
#[cfg(feature = "ssr")]
fn page_of(name: &str) -> String {
    if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        format!("/admin/schedules/{name}")
    } else {
        "/admin/schedules".to_owned()
    }
}
