//! Secrets in what people look at. They are taken out where a payload is read for the screen or
//! the API; the job's own code gets the payload as it was enqueued.

use serde_json::Value;

/// What stands in the place of a secret.
pub const REDACTED: &str = "[redacted]";

/// Fields whose name holds one of these are secrets.
const WITHIN: [&str; 8] = [
    "password",
    "passwd",
    "secret",
    "apikey",
    "authorization",
    "credential",
    "privatekey",
    "cookie",
];
/// Fields whose name ends so are secrets; `max_tokens` is none.
const AT_THE_END: [&str; 2] = ["token", "passphrase"];

/// `value` without its secrets: fields are known by their names, however deep they lie and however
/// they are spelled (`api_key`, `apiKey`, `API-Key`).
#[must_use]
pub fn redact(value: Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.into_iter().map(redact).collect()),
        Value::Object(fields) => Value::Object(
            fields
                .into_iter()
                .map(|(name, value)| {
                    let hides = is_secret(&name) && !value.is_null();
                    let value = if hides { REDACTED.into() } else { redact(value) };
                    (name, value)
                })
                .collect(),
        ),
        plain => plain,
    }
}

fn is_secret(name: &str) -> bool {
    let name: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    WITHIN.iter().any(|part| name.contains(part))
        || AT_THE_END.iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn secrets_are_known_by_their_names_and_nothing_else_is_touched() {
        let payload = json!({
            "topic": "Token rings", "max_tokens": 800, "password": null,
            "wordpress": { "user": "ada", "appPassword": "x", "API-Key": 7 },
            "accounts": [{ "access_token": { "value": "y" } }, "password"],
        });
        assert_eq!(
            redact(payload),
            json!({
                "topic": "Token rings", "max_tokens": 800, "password": null,
                "wordpress": { "user": "ada", "appPassword": REDACTED, "API-Key": REDACTED },
                "accounts": [{ "access_token": REDACTED }, "password"],
            })
        );
    }
}
