//! What the strip shows on every page.

use leptos::server;
use serde::{Deserialize, Serialize};
use signalbox_model::Timestamp;
use signalbox_model::alert::AlertCounts;
use signalbox_model::breaker::BreakerState;
use signalbox_model::fleet::Stop;
use signalbox_model::kill_switch::KillSwitch;
use signalbox_model::metrics::DeadLetterCounts;

use crate::components::aspect::Aspect;
use crate::error::AppError;

/// The state of the whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StripFacts {
    /// When this was read.
    pub as_of: Timestamp,
    /// The kill switch.
    pub kill_switch: KillSwitch,
    /// How many workers take jobs.
    pub at_work: usize,
    /// Whether a scheduler is at work.
    pub scheduling: bool,
    /// That all workers were stopped.
    pub workers: Option<Stop>,
    /// That the scheduler was stopped.
    pub scheduler: Option<Stop>,
    /// The provider whose breaker needs attention most, and that breaker's state; the first one while all are closed.
    pub worst_breaker: Option<(String, BreakerState)>,
    /// What alerts fire.
    pub alerts: AlertCounts,
    /// How many dead letters there are.
    pub dead_letters: DeadLetterCounts,
}

impl StripFacts {
    /// The whole in one word.
    pub(crate) fn overall(&self) -> (Aspect, &'static str) {
        let breaker = self.worst_breaker.as_ref().map(|(_, state)| *state);
        if self.kill_switch.active || self.workers.is_some() {
            (Aspect::Held, "Stopped")
        } else if self.at_work == 0 {
            (Aspect::Danger, "No worker")
        } else if breaker == Some(BreakerState::Open) {
            (Aspect::Danger, "Blocked")
        } else if breaker == Some(BreakerState::HalfOpen)
            || self.dead_letters.undecided() > 0
            || !self.scheduling
        {
            (Aspect::Caution, "Caution")
        } else {
            (Aspect::Clear, "Clear")
        }
    }
}

/// The state of the whole; nothing for those who may not see the console.
#[server(prefix = "/api/fn", endpoint = "strip", output = crate::codec::Json)]
pub(crate) async fn strip() -> Result<Option<StripFacts>, AppError> {
    use signalbox_engine::{alerts, breaker, dead_letters, fleet, kill_switch};
    use signalbox_model::actor::Permission;

    let ctx = match crate::request::state()?.ctx() {
        Ok(ctx) => ctx,
        Err(error) if error.is_outage() => return crate::request::answer(Err(error)),
        Err(_) => return Ok(None),
    };
    if !ctx.actor.may(Permission::ReadConsole) {
        return Ok(None);
    }
    let weight = |(_, state): &(String, BreakerState)| match state {
        BreakerState::Closed => 0,
        BreakerState::HalfOpen => 1,
        BreakerState::Open => 2,
    };
    let breakers = breaker::store::list(&ctx).await?.into_iter();
    let worst = breakers.map(|breaker| (breaker.provider, breaker.state)).max_by_key(weight);
    let fleet = fleet::read(&ctx).await?;
    Ok(Some(StripFacts {
        as_of: ctx.now(),
        kill_switch: kill_switch::read(&ctx).await?,
        at_work: fleet.at_work(),
        scheduling: fleet.scheduler.leads_since.is_some() && fleet.scheduler.stop.is_none(),
        workers: fleet.stop,
        scheduler: fleet.scheduler.stop,
        worst_breaker: worst,
        alerts: alerts::counts(&ctx).await?,
        dead_letters: dead_letters::counts(&ctx).await?,
    }))
}

/// Keeps how this browser shows the console, and goes back to the page.
#[server(prefix = "/api/fn", endpoint = "set_display", output = crate::codec::Json)]
pub(crate) async fn set_display(
    theme: Option<String>,
    zone: Option<String>,
    pace: Option<String>,
) -> Result<(), AppError> {
    use crate::display::{Pace, Theme, Zone};
    use crate::request::{answer, go_back, keep_choice};

    let choices = [
        ("theme", Theme::COOKIE, theme, Theme::ALL.map(Theme::name).to_vec()),
        ("zone", Zone::COOKIE, zone, Zone::ALL.map(Zone::name).to_vec()),
        ("pace", Pace::COOKIE, pace, Pace::ALL.map(Pace::name).to_vec()),
    ];
    for (field, cookie, value, allowed) in choices {
        let Some(value) = value else { continue };
        let known = allowed.contains(&value.as_str());
        let refusal = || AppError::field(field, &format!("must be one of {}", allowed.join(", ")));
        answer(known.then_some(()).ok_or_else(refusal))?;
        keep_choice(cookie, &value);
    }
    go_back();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    fn facts() -> StripFacts {
        StripFacts {
            as_of: DateTime::UNIX_EPOCH,
            kill_switch: KillSwitch::default(),
            at_work: 1,
            scheduling: true,
            workers: None,
            scheduler: None,
            worst_breaker: None,
            alerts: AlertCounts::default(),
            dead_letters: DeadLetterCounts::default(),
        }
    }

    #[test]
    fn what_stops_the_work_outweighs_everything() {
        let mut strip = facts();
        assert_eq!(strip.overall(), (Aspect::Clear, "Clear"));
        strip.dead_letters.pending = 1;
        assert_eq!(strip.overall(), (Aspect::Caution, "Caution"));
        strip.dead_letters.pending = 0;
        let by = "admin@example.org".to_owned();
        let stop = Stop { reason: "new machines".to_owned(), by, at: DateTime::UNIX_EPOCH };
        strip.scheduling = false;
        assert_eq!(strip.overall(), (Aspect::Caution, "Caution"));
        strip.workers = Some(stop);
        assert_eq!(strip.overall(), (Aspect::Held, "Stopped"));
        strip.workers = None;
        strip.at_work = 0;
        assert_eq!(strip.overall(), (Aspect::Danger, "No worker"));
        strip.kill_switch.active = true;
        assert_eq!(strip.overall(), (Aspect::Held, "Stopped"));
    }
}
