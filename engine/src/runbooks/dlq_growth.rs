//! Jobs have spent their attempts and wait for a person.

use chrono::Duration;
use signalbox_model::format;
use signalbox_model::metrics::DEAD_LETTERS_ALARM;
use signalbox_model::runbook::{Finding, Lever, Remedy};

use super::Steps;
use crate::{CommandError, Ctx, dead_letters};

/// As many groups are shown, and can be retried, from here.
const GROUPS: i64 = 5;

pub(super) async fn look(ctx: &Ctx) -> Result<Steps, CommandError> {
    let mut steps = Steps::default();
    let pending = dead_letters::counts(ctx).await?.undecided();
    let detail = format!(
        "{}; {DEAD_LETTERS_ALARM} are too many",
        format::plural(pending, "is pending", "are pending")
    );
    let count = Finding::new("Dead letters", pending < DEAD_LETTERS_ALARM, detail)
        .at("/admin/dead-letter-queue");
    let fresh: i64 =
        sqlx::query_scalar("SELECT count(*) FROM dead_letter_queue WHERE last_failed_at > $1")
            .bind(ctx.now() - Duration::minutes(10))
            .fetch_one(&ctx.db)
            .await?;
    let growth =
        Finding::new("New in 10 min", fresh == 0, format::plural(fresh, "letter", "letters"));
    steps.check(count);
    steps.verification.push(growth);
    for group in dead_letters::groups::groups(ctx, Some(GROUPS)).await?.groups {
        let detail = format!(
            "{} of class {}",
            format::plural(group.pending, "letter", "letters"),
            group.error_class.name()
        );
        let what = format::shorten(&group.sample_error, 120);
        steps.diagnosis.push(
            Finding::new(&what, group.pending == 0, detail).at("/admin/dead-letter-queue#groups"),
        );
        if group.pending > 0 {
            let effect = format!(
                "“{what}”: a few are retried first; if they end well, twice as many follow, and so \
                 on. If too many fail again it stops by itself."
            );
            let label = format!("Try a few of {}", format::count(group.pending));
            steps.remedies.push(Remedy::new(
                Lever::RedriveCanary,
                group.fingerprint,
                label,
                effect,
            ));
        }
    }
    Ok(steps)
}
