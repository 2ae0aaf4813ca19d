//! How many passwords may be tried within an hour. A try is spent before the password is looked at
//! and given back when it was right, so that no number of requests at once gets past the bound.

use std::net::IpAddr;

use chrono::TimeDelta;
use sha2::{Digest as _, Sha256};
use signalbox_model::Timestamp;
use sqlx::{PgPool, Row};

use crate::{CommandError, Ctx};

/// Tries count for this long.
const WINDOW: TimeDelta = TimeDelta::hours(1);

/// What tries are counted of. Accounts count whether they exist or not, so that nobody learns which
/// do.
#[derive(Debug, Clone, Copy)]
pub(super) enum Budget<'a> {
    /// An account, as anybody tries it.
    Account(&'a str),
    /// An account, as one of its own devices, or somebody at one of its own addresses, tries it.
    Own(&'a str, &'a [u8]),
    /// Everything that comes from one address.
    Address(IpAddr),
}

impl Budget<'_> {
    /// Tries an hour. Strangers and one own device together stay below the 100 that OWASP ASVS
    /// 2.2.1 allows an account.
    const fn tries(self) -> i32 {
        match self {
            Budget::Account(_) => 80,
            Budget::Own(..) => 10,
            Budget::Address(_) => 300,
        }
    }

    fn subject(self) -> Vec<u8> {
        let mut hash = Sha256::new();
        match self {
            Budget::Account(email) => hash.update(["account ", email].concat()),
            Budget::Own(email, device) => {
                hash.update(["own ", email, " "].concat());
                hash.update(device);
            }
            Budget::Address(address) => hash.update(format!("address {}", network(address))),
        }
        hash.finalize().to_vec()
    }

    /// Spends a try. When none is left: the seconds until there are again.
    pub(super) async fn spend(
        self,
        db: &PgPool,
        now: Timestamp,
    ) -> Result<Option<u64>, sqlx::Error> {
        let row = sqlx::query(
            "INSERT INTO sign_in_budgets AS b (subject, tries, window_from) VALUES ($1, 1, $2)
             ON CONFLICT (subject) DO UPDATE SET
                 tries = CASE WHEN b.window_from <= $3 THEN 1 ELSE least(b.tries + 1, $4 + 1) END,
                 window_from = CASE WHEN b.window_from <= $3 THEN $2 ELSE b.window_from END
             RETURNING tries, window_from",
        )
        .bind(self.subject())
        .bind(now)
        .bind(now - WINDOW)
        .bind(self.tries())
        .fetch_one(db)
        .await?;
        let (tries, from): (i32, Timestamp) = (row.try_get("tries")?, row.try_get("window_from")?);
        let left_s = (from + WINDOW - now).num_seconds().max(1).unsigned_abs();
        Ok((tries > self.tries()).then_some(left_s))
    }

    /// Spends a try of what is typed into `field` by somebody who is signed in.
    ///
    /// # Errors
    /// For the field, when none is left; when the database does not answer.
    pub(super) async fn spend_on(self, ctx: &Ctx, field: &str) -> Result<(), CommandError> {
        let Some(left_s) = self.spend(&ctx.db, ctx.now()).await? else { return Ok(()) };
        let minutes = left_s.div_ceil(60);
        let detail = format!("was wrong too often; try again in {minutes} min");
        Err(CommandError::invalid(field, detail))
    }

    /// Gives a try back: the password was right.
    pub(super) async fn refund(self, db: &PgPool) -> Result<(), sqlx::Error> {
        sqlx::query("UPDATE sign_in_budgets SET tries = greatest(tries - 1, 0) WHERE subject = $1")
            .bind(self.subject())
            .execute(db)
            .await
            .map(drop)
    }
}

/// What one customer of a provider has: an IPv4 address, or the first 64 bits of an IPv6 address.
fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => format!("{:x}/64", u128::from(v6) >> 64),
    }
}

/// Forgets budgets that count no more. Returns how many.
///
/// # Errors
/// When the database does not answer.
pub(super) async fn forget(db: &PgPool, now: Timestamp) -> Result<u64, sqlx::Error> {
    let forgotten = sqlx::query("DELETE FROM sign_in_budgets WHERE window_from <= $1")
        .bind(now - WINDOW)
        .execute(db)
        .await?;
    Ok(forgotten.rows_affected())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_network_is_what_one_customer_has() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("192.0.2.7"), of("::ffff:192.0.2.7"));
        assert_ne!(of("192.0.2.7"), of("192.0.2.8"));
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
    }

    #[test]
    fn what_is_counted_apart_has_subjects_of_its_own() {
        let subjects = [
            Budget::Account("a@b").subject(),
            Budget::Own("a@b", b"1").subject(),
            Budget::Own("a@b", b"2").subject(),
            Budget::Own("a@b 1", b"").subject(),
            Budget::Address(IpAddr::from([127, 0, 0, 1])).subject(),
        ];
        for (place, subject) in subjects.iter().enumerate() {
            assert!(!subjects[..place].contains(subject));
        }
    }
}
