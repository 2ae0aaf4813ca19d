//! Reads a setting of the dial from JSON, naming what is allowed where it is wrong.

use serde_json::{Map, Value};

use super::{Fault, FaultMode};
use crate::problem::FieldError;

const FIELDS: [&str; 9] =
    ["mode", "rate", "status", "latencyMs", "retryAfterS", "operation", "match", "message", "key"];
const MAX_LATENCY_MS: u64 = 600_000;
const MAX_RETRY_AFTER_S: u64 = 86_400;
const MAX_TEXT_CHARS: usize = 1_000;

impl Fault {
    /// Reads `{"mode", "rate"?, "status"?, "latencyMs"?, "retryAfterS"?, "operation"?, "match"?, "message"?, "key"?}`.
    ///
    /// # Errors
    /// One entry for every field that is missing, unknown or out of range.
    pub(crate) fn parse(body: &Value) -> Result<Self, Vec<FieldError>> {
        let Some(object) = body.as_object() else {
            let message = format!("must be an object with the fields {}", FIELDS.join(", "));
            return Err(vec![FieldError { field: "body".to_owned(), message }]);
        };
        let mut reader = Reader { object, errors: Vec::new() };
        reader.reject_unknown();
        let mut fault = Self::new(reader.mode());
        if let Some(rate) = reader.rate() {
            fault.rate = rate;
        }
        if let Some(status) = reader.integer("status", 400, 599) {
            fault.status = u16::try_from(status).unwrap_or(500);
        }
        if let Some(latency_ms) = reader.integer("latencyMs", 0, MAX_LATENCY_MS) {
            fault.latency_ms = latency_ms;
        }
        if let Some(retry_after_s) = reader.integer("retryAfterS", 0, MAX_RETRY_AFTER_S) {
            fault.retry_after_s = retry_after_s;
        }
        if let Some(message) = reader.text("message") {
            fault.message = message;
        }
        fault.operation = reader.text("operation");
        fault.matching = reader.text("match");
        fault.key = reader.text("key");
        if reader.errors.is_empty() { Ok(fault) } else { Err(reader.errors) }
    }
}

struct Reader<'a> {
    object: &'a Map<String, Value>,
    errors: Vec<FieldError>,
}

impl Reader<'_> {
    fn reject_unknown(&mut self) {
        for field in self.object.keys().filter(|field| !FIELDS.contains(&field.as_str())) {
            self.errors.push(FieldError {
                field: field.clone(),
                message: format!("unknown field, allowed: {}", FIELDS.join(", ")),
            });
        }
    }

    fn mode(&mut self) -> FaultMode {
        let given = self.object.get("mode").and_then(Value::as_str);
        let known = FaultMode::ALL.iter().find(|(name, _)| Some(*name) == given);
        match known {
            Some((_, mode)) => *mode,
            None => {
                let names = FaultMode::ALL.map(|(name, _)| name).join(", ");
                self.wrong("mode", format!("required, one of {names}"));
                FaultMode::None
            }
        }
    }

    fn rate(&mut self) -> Option<f64> {
        let rate = self.given("rate")?.as_f64().filter(|rate| (0.0..=1.0).contains(rate));
        if rate.is_none() {
            self.wrong("rate", "must be a number from 0 to 1".to_owned());
        }
        rate
    }

    fn integer(&mut self, field: &str, min: u64, max: u64) -> Option<u64> {
        let value = self.given(field)?.as_u64().filter(|value| (min..=max).contains(value));
        if value.is_none() {
            self.wrong(field, format!("must be a whole number from {min} to {max}"));
        }
        value
    }

    fn text(&mut self, field: &str) -> Option<String> {
        let fits = |text: &&str| !text.is_empty() && text.chars().count() <= MAX_TEXT_CHARS;
        let text = self.given(field)?.as_str().filter(fits).map(str::to_owned);
        if text.is_none() {
            self.wrong(field, format!("must be text of 1 to {MAX_TEXT_CHARS} characters"));
        }
        text
    }

    /// The field's value; absent and `null` are the same.
    fn given(&self, field: &str) -> Option<&Value> {
        self.object.get(field).filter(|value| !value.is_null())
    }

    fn wrong(&mut self, field: &str, message: String) {
        self.errors.push(FieldError { field: field.to_owned(), message });
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use serde_json::json;

    #[test]
    fn every_mode_is_read_by_its_name() {
        for (name, mode) in FaultMode::ALL {
            assert_eq!(Fault::parse(&json!({"mode": name})).unwrap(), Fault::new(mode));
            assert_eq!(serde_json::to_value(mode).unwrap(), name);
        }
    }

    #[test]
    fn all_particulars_are_read() {
        let body = json!({"mode": "error", "rate": 0.25, "status": 503, "latencyMs": 20, "retryAfterS": 7,
                          "operation": "search_engine", "match": "abc", "message": "gone", "key": "k"});
        let fault = Fault::parse(&body).unwrap();
        assert_eq!(serde_json::to_value(&fault).unwrap(), body);
    }

    #[test]
    fn each_wrong_field_is_named_with_what_is_allowed() {
        let body = json!({"mode": "explode", "rate": 1.5, "status": 200, "latencyMs": -1, "retryAfterS": "soon",
                          "operation": "", "match": 3, "colour": "red"});
        let errors = Fault::parse(&body).unwrap_err();
        let fields: Vec<_> = errors.iter().map(|error| error.field.as_str()).collect();
        assert_eq!(
            fields,
            ["colour", "mode", "rate", "status", "latencyMs", "retryAfterS", "operation", "match"]
        );
        assert!(errors[1].message.contains("rate_limit"), "{}", errors[1].message);
        assert!(errors[2].message.contains("0 to 1"));
        assert!(Fault::parse(&json!([])).is_err());
    }
}
