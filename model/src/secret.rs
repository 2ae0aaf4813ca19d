//! Secrets as people see them: never the value. The vault that keeps them is the engine's.

use chrono::{NaiveDate, NaiveTime};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::format;

/// The longest key of a provider, in bytes.
pub const KEY_BYTES_BOUND: usize = 4096;

/// A key shows its last four characters only if it has this many: of a shorter one they are too much.
pub const SHOWN_FROM_CHARS: usize = 12;

/// From so many days before it expires, a key is said to expire soon (CP-5).
pub const EXPIRES_SOON_DAYS: i64 = 14;

/// The key of a provider as it was typed, without the white space around it, or what is wrong with it.
/// The words never hold the key.
///
/// # Errors
/// A sentence for the form when it is empty, longer than [`KEY_BYTES_BOUND`], or has characters that
/// no HTTP header carries (RFC 9110, 5.5).
pub fn check(text: &str) -> Result<&str, &'static str> {
    let text = text.trim();
    if text.is_empty() {
        Err("is required")
    } else if text.len() > KEY_BYTES_BOUND {
        Err("must be at most 4096 bytes")
    } else if !text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
        Err("must be of letters, digits and punctuation of ASCII only")
    } else {
        Ok(text)
    }
}

/// What may be shown of a key: its last four characters, if it is long enough.
pub fn last4(key: &str) -> Option<String> {
    let chars = key.chars().count();
    (chars >= SHOWN_FROM_CHARS).then(|| key.chars().skip(chars - 4).collect())
}

/// The moment at which the day `text` ends in UTC; none for an empty text.
///
/// # Errors
/// A sentence for the form when it is no day.
pub fn end_of_day(text: &str) -> Result<Option<Timestamp>, &'static str> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let next = text.parse::<NaiveDate>().ok().and_then(|day| day.succ_opt());
    next.map(|next| Some(next.and_time(NaiveTime::MIN).and_utc()))
        .ok_or("must be a day, such as 2026-12-31")
}

/// A key that the vault holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretInfo {
    /// Its last four characters; absent for a short key.
    pub last4: Option<String>,
    /// Rises with every change of any key.
    pub version: i64,
    /// Who set it.
    pub updated_by: String,
    /// When.
    pub updated_at: Timestamp,
    /// When its provider stops taking it, if anybody knows.
    pub expires_at: Option<Timestamp>,
    /// The master key that it is encrypted with.
    pub key_id: String,
}

/// How near the end of a key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Expiry {
    /// Nobody has said when it ends.
    Unknown,
    /// It is far.
    Far,
    /// It is less than [`EXPIRES_SOON_DAYS`] away.
    Soon,
    /// It is past.
    Past,
}

impl SecretInfo {
    /// How near its end is at `now`.
    pub fn expiry(&self, now: Timestamp) -> Expiry {
        match self.expires_at {
            None => Expiry::Unknown,
            Some(at) if at <= now => Expiry::Past,
            Some(at) if at - now < chrono::Duration::days(EXPIRES_SOON_DAYS) => Expiry::Soon,
            Some(_) => Expiry::Far,
        }
    }

    /// `…3f9a`, or that it is hidden.
    pub fn shown(&self) -> String {
        self.last4.as_ref().map_or_else(|| "hidden".to_owned(), |last4| format!("…{last4}"))
    }
}

/// How the vault is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VaultStatus {
    /// Every key that it holds can be read.
    Ok,
    /// This process has no master key, or not the one that a key is encrypted with.
    Locked,
    /// A row is not what was written.
    Broken,
}

/// The vault's health (ST-3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VaultHealth {
    /// In a word.
    pub status: VaultStatus,
    /// The master key that keys are encrypted with now; absent without one.
    pub key_id: Option<String>,
    /// Why there is no master key.
    pub no_key: Option<String>,
    /// How many keys it holds.
    pub secrets: i64,
    /// Providers whose rows are not what was written.
    pub broken: Vec<String>,
    /// Providers whose keys are encrypted with a master key that this process does not have.
    pub locked: Vec<String>,
    /// Providers whose keys are still encrypted with an old master key.
    pub outdated: Vec<String>,
    /// Providers whose keys have expired, or will soon.
    pub expiring: Vec<String>,
}

impl VaultHealth {
    /// The same in a sentence.
    pub fn words(&self) -> String {
        if !self.broken.is_empty() {
            let names = self.broken.join(", ");
            return format!(
                "The vault is BROKEN: what it holds for {names} is not what was written. Set the key again."
            );
        }
        if let Some(reason) = &self.no_key {
            return format!("The vault is locked: {reason}.");
        }
        if !self.locked.is_empty() {
            let names = self.locked.join(", ");
            return format!(
                "The vault is locked for {names}: this process lacks the master key. Give it SIGNALBOX_VAULT_KEY."
            );
        }
        let held = format::plural(self.secrets, "key", "keys");
        match self.outdated.len() {
            0 => format!("The vault holds {held}; every one can be read."),
            n => format!(
                "The vault holds {held}; {n} still under an old master key: run signalbox rotate-vault-key."
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cp_5_a_key_is_what_a_header_can_carry() {
        assert_eq!(check("  abcd efgh \n"), Ok("abcd efgh"));
        for bad in ["", "  ", "a\nb", "schlüssel", "a\0b", &"k".repeat(KEY_BYTES_BOUND + 1)] {
            assert!(check(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_last_four_characters_are_shown_of_long_keys_only() {
        assert_eq!(last4("sk-0123456789"), Some("6789".to_owned()));
        assert_eq!(last4("sk-01234567"), None);
    }

    #[test]
    fn cp_5_a_key_works_to_the_end_of_its_last_day() {
        let end = end_of_day(" 2026-12-31 ").map(|at| at.map(format::exact));
        assert_eq!(end, Ok(Some("2027-01-01T00:00:00Z".to_owned())));
        assert_eq!(end_of_day(""), Ok(None));
        assert!(end_of_day("soon").is_err());
    }

    #[test]
    fn cp_5_a_key_expires_soon_14_days_before() {
        let now = Timestamp::default();
        let expiry = |hours: Option<i64>| {
            SecretInfo {
                last4: None,
                version: 1,
                updated_by: "ada".into(),
                updated_at: now,
                expires_at: hours.map(|hours| now + chrono::Duration::hours(hours)),
                key_id: "k".into(),
            }
            .expiry(now)
        };
        assert_eq!(expiry(None), Expiry::Unknown);
        assert_eq!(expiry(Some(24 * 14)), Expiry::Far);
        assert_eq!(expiry(Some(24 * 14 - 1)), Expiry::Soon);
        assert_eq!(expiry(Some(0)), Expiry::Past);
    }
}
