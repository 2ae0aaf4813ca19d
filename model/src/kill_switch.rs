//! The kill switch (OP-4): stops every job, everywhere, at once.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// The longest reason, in characters.
pub const REASON_CHARS_BOUND: usize = 500;

/// The kill switch's position.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KillSwitch {
    /// No job starts while it is on.
    pub active: bool,
    /// Why it was turned last.
    pub reason: Option<String>,
    /// Who turned it last.
    pub changed_by: Option<String>,
    /// When it was turned last.
    pub changed_at: Option<Timestamp>,
}

/// The reason an operator gave, trimmed, or what is wrong with it.
///
/// # Errors
/// A sentence for the form when it is empty or longer than [`REASON_CHARS_BOUND`].
pub fn reason(text: &str) -> Result<&str, &'static str> {
    let text = text.trim();
    if text.is_empty() {
        Err("is required: say why, for those who find it later")
    } else if text.chars().count() > REASON_CHARS_BOUND {
        Err("must be at most 500 characters")
    } else if text.contains('\0') {
        Err("must not contain the character U+0000")
    } else {
        Ok(text)
    }
}
