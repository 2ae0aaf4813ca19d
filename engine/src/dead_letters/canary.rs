//! The canary: a careful retry that tries a few letters, waits for how they end, then tries twice
//! as many, and stops by itself when too many fail again.

use signalbox_model::Timestamp;
use signalbox_model::bulk_operation::CanaryStep;
use signalbox_model::job::JobId;
use sqlx::{PgConnection, PgPool};

/// What a canary does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Lets this many more letters of its step out.
    LetOut(i64),
    /// Waits for those that are out.
    Wait,
    /// Goes on to the next step.
    Ramp,
    /// Stops: too many of the step failed again.
    Stop,
    /// Nothing is left.
    Done,
}

/// What to do at `step`, of `planned` letters. `exhausted`: no letter is left to let out.
pub(super) fn next(step: &CanaryStep, planned: i64, stop_percent: i16, exhausted: bool) -> Next {
    let filled = exhausted || step.letters() >= planned;
    let of = if filled { step.letters() } else { planned };
    if step.failed * 100 > i64::from(stop_percent) * of {
        Next::Stop
    } else if !filled {
        Next::LetOut(planned - step.letters())
    } else if step.out > 0 {
        Next::Wait
    } else if exhausted {
        Next::Done
    } else {
        Next::Ramp
    }
}

/// Notes how the trials that were out have ended, whatever became of their operations. Idempotent.
///
/// # Errors
/// When the database does not answer.
pub(super) async fn settle(db: &PgPool) -> Result<(), sqlx::Error> {
    let mut tx = db.begin().await?;
    let of: Vec<i64> = sqlx::query_scalar(
        "WITH judged AS (
             SELECT t.operation_id, t.letter_id, CASE
                 WHEN l.attempts > t.attempts_before THEN 'failed'
                 WHEN l.id IS NOT NULL THEN NULL
                 -- A letter is gone when its job completed or was cancelled, or when it failed again
                 -- and somebody deleted it.
                 ELSE coalesce((SELECT j.state FROM jobs j
                                WHERE j.id = t.job_id AND j.state IN ('completed', 'cancelled')
                                LIMIT 1), 'failed')
             END AS outcome
             FROM canary_trials t LEFT JOIN dead_letter_queue l ON l.id = t.letter_id
             WHERE t.outcome IS NULL
         )
         UPDATE canary_trials t SET outcome = judged.outcome FROM judged
         WHERE t.operation_id = judged.operation_id AND t.letter_id = judged.letter_id
           AND judged.outcome IS NOT NULL
         RETURNING t.operation_id",
    )
    .fetch_all(&mut *tx)
    .await?;
    if !of.is_empty() {
        sqlx::query(
            "UPDATE bulk_operations o SET
                 done = (SELECT count(*) FROM canary_trials t
                         WHERE t.operation_id = o.id AND t.outcome = 'completed'),
                 failed = (SELECT count(*) FROM canary_trials t
                           WHERE t.operation_id = o.id AND t.outcome = 'failed')
             WHERE o.id = ANY($1)",
        )
        .bind(of)
        .execute(&mut *tx)
        .await?;
    }
    tx.commit().await
}

/// How the letters of one step stand.
pub(super) async fn tally(
    tx: &mut PgConnection,
    operation: i64,
    step: i32,
) -> Result<CanaryStep, sqlx::Error> {
    let (completed, failed, cancelled, out) = sqlx::query_as(
        "SELECT count(*) FILTER (WHERE outcome = 'completed'),
                count(*) FILTER (WHERE outcome = 'failed'),
                count(*) FILTER (WHERE outcome = 'cancelled'),
                count(*) FILTER (WHERE outcome IS NULL)
         FROM canary_trials WHERE operation_id = $1 AND step = $2",
    )
    .bind(operation)
    .bind(step)
    .fetch_one(tx)
    .await?;
    Ok(CanaryStep { step, completed, failed, cancelled, out })
}

/// Goes on to the next step, of twice as many letters.
pub(super) async fn ramp(tx: &mut PgConnection, operation: i64) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE bulk_operations SET step = step + 1, step_letters = step_letters * 2 WHERE id = $1",
    )
    .bind(operation)
    .execute(tx)
    .await
    .map(drop)
}

/// Notes that these letters are out.
pub(super) async fn let_out(
    tx: &mut PgConnection,
    (operation, step): (i64, i32),
    letters: &[(i64, JobId)],
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO canary_trials (operation_id, letter_id, job_id, step, attempts_before, started_at)
         SELECT $1, l.id, l.job_id, $2, l.attempts, $3 FROM dead_letter_queue l WHERE l.id = ANY($4)",
    )
    .bind(operation)
    .bind(step)
    .bind(now)
    .bind(letters.iter().map(|(letter, _)| *letter).collect::<Vec<_>>())
    .execute(tx)
    .await
    .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(completed: i64, failed: i64, out: i64) -> CanaryStep {
        CanaryStep { step: 1, completed, failed, cancelled: 0, out }
    }

    #[test]
    fn it_fills_a_step_waits_for_it_and_goes_on() {
        assert_eq!(next(&step(0, 0, 0), 5, 20, false), Next::LetOut(5));
        assert_eq!(next(&step(0, 0, 3), 5, 20, false), Next::LetOut(2));
        assert_eq!(next(&step(2, 0, 3), 5, 20, false), Next::Wait);
        assert_eq!(next(&step(4, 1, 0), 5, 20, false), Next::Ramp);
    }

    #[test]
    fn it_stops_as_soon_as_more_than_the_share_has_failed() {
        assert_eq!(next(&step(0, 1, 4), 5, 20, false), Next::Wait, "20 % is not more than 20 %");
        assert_eq!(next(&step(0, 2, 3), 5, 20, false), Next::Stop, "no need to see the rest");
        assert_eq!(next(&step(0, 1, 0), 5, 0, false), Next::Stop);
        assert_eq!(next(&step(0, 5, 0), 5, 100, false), Next::Ramp, "100 % never stops");
    }

    #[test]
    fn the_last_step_may_be_smaller_than_planned() {
        assert_eq!(next(&step(0, 0, 3), 10, 20, true), Next::Wait);
        assert_eq!(next(&step(2, 1, 0), 10, 20, true), Next::Stop, "a third of three");
        assert_eq!(next(&step(3, 0, 0), 10, 20, true), Next::Done);
        assert_eq!(next(&step(0, 0, 0), 10, 20, true), Next::Done);
    }
}
