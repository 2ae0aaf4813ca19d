//! Reading a request's input. What cannot be read becomes a problem that names the place.

use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderMap, StatusCode, Uri};
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::error::Category;
use signalbox_app::request::RequestState;
use signalbox_engine::Ctx;
use signalbox_engine::jobs::handler::Registry;
use signalbox_model::problem::FieldError;

use crate::middleware::actor::Identity;
use crate::problem::ApiProblem;

/// The context of the signed-in user, and the job kinds.
pub struct Signed {
    /// The context.
    pub ctx: Ctx,
    /// Every job kind.
    pub registry: Registry,
}

impl<S: Send + Sync> FromRequestParts<S> for Signed {
    type Rejection = ApiProblem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Signed, ApiProblem> {
        if parts.extensions.get() == Some(&Identity::Unavailable) {
            return Err(ApiProblem::unavailable());
        }
        let state: &RequestState = parts.extensions.get().ok_or_else(ApiProblem::internal)?;
        let ctx = state.ctx().map_err(|_| ApiProblem::unauthenticated())?;
        Ok(Signed { ctx, registry: state.registry.clone() })
    }
}

/// A JSON body. 415 without its content type, 413 when too large, 400 when it is not JSON, 422
/// with the field's name when a field is missing, unknown or of the wrong type.
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = ApiProblem;

    async fn from_request(request: Request, state: &S) -> Result<Json<T>, ApiProblem> {
        if !is_json(request.headers()) {
            return Err(ApiProblem::of_status(StatusCode::UNSUPPORTED_MEDIA_TYPE));
        }
        let bytes =
            Bytes::from_request(request, state).await.map_err(|rejection| {
                match rejection.status() {
                    StatusCode::PAYLOAD_TOO_LARGE => {
                        ApiProblem::of_status(StatusCode::PAYLOAD_TOO_LARGE)
                    }
                    _ => ApiProblem::bad_request(Vec::new(), "The body did not arrive as a whole."),
                }
            })?;
        from_json(&bytes).map(Json)
    }
}

/// The value in `bytes`.
///
/// # Errors
/// As [`Json`].
pub fn from_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiProblem> {
    refuse_nul(bytes)?;
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let error = error.into_inner();
        match error.classify() {
            Category::Data => ApiProblem::invalid(vec![field_error(&path, &error.to_string())]),
            _ => malformed(&error),
        }
    })?;
    json.end().map_err(|error| malformed(&error))?;
    Ok(value)
}

/// PostgreSQL's text cannot hold U+0000. In JSON it can only be written `\u0000`; only then is it
/// worth looking for.
fn refuse_nul(bytes: &[u8]) -> Result<(), ApiProblem> {
    if !bytes.windows(NUL_ESCAPED.len()).any(|window| window == NUL_ESCAPED) {
        return Ok(());
    }
    let value = serde_json::from_slice(bytes).map_err(|error| malformed(&error))?;
    let Some(field) = field_with_nul(&value) else { return Ok(()) };
    Err(ApiProblem::invalid(vec![FieldError::new(field, "must not contain the character U+0000")]))
}

const NUL_ESCAPED: &[u8] = b"\\u0000";

/// The outermost field that contains U+0000, in its name or its value.
fn field_with_nul(value: &Value) -> Option<String> {
    let fields = value.as_object()?;
    let found = fields.iter().find(|(name, value)| name.contains('\0') || contains_nul(value))?;
    Some(found.0.replace('\0', "\u{fffd}"))
}

fn contains_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(contains_nul),
        Value::Object(fields) => {
            fields.iter().any(|(name, value)| name.contains('\0') || contains_nul(value))
        }
        _ => false,
    }
}

fn malformed(error: &serde_json::Error) -> ApiProblem {
    ApiProblem::bad_request(Vec::new(), format!("The body is not valid JSON: {error}."))
}

/// What serde said, as an error of one field. serde names a missing or unknown field only in its
/// sentence, and adds a position that means nothing to the caller.
fn field_error(path: &str, sentence: &str) -> FieldError {
    let sentence = sentence.split(" at line ").next().unwrap_or(sentence);
    let quoted = || sentence.split('`').nth(1).unwrap_or("body").to_owned();
    if sentence.starts_with("missing field") {
        FieldError::new(quoted(), "is required")
    } else if sentence.starts_with("unknown field") {
        let expected =
            sentence.split_once(", ").map_or("no field of this name is known", |(_, e)| e);
        FieldError::new(quoted(), format!("unknown field, {expected}"))
    } else {
        let field = if path == "." { "body" } else { path };
        FieldError::new(field, sentence)
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    media_type == "application/json"
        || (media_type.starts_with("application/") && media_type.ends_with("+json"))
}

/// The query's parameters. An empty one counts as absent; 400 with its name when one is unknown
/// or makes no sense.
pub struct Params<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = ApiProblem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Params<T>, ApiProblem> {
        let query = without_empty(parts.uri.query().unwrap_or_default());
        if query.contains("%00") {
            let detail = "The query must not contain the character U+0000.";
            return Err(ApiProblem::bad_request(Vec::new(), detail));
        }
        let uri: Uri = format!("/?{query}").parse().map_err(|_| {
            ApiProblem::bad_request(Vec::new(), "The query is not properly encoded.")
        })?;
        let Query(params) = Query::try_from_uri(&uri).map_err(|rejection| {
            let text = rejection.body_text();
            let sentence = text.rsplit_once("query string: ").map_or(text.as_str(), |(_, s)| s);
            let (path, sentence) = sentence.split_once(": ").unwrap_or((".", sentence));
            let error = field_error(path, sentence);
            let detail = format!("{}: {}", error.field, error.detail);
            ApiProblem::bad_request(vec![error], detail)
        })?;
        Ok(Params(params))
    }
}

fn without_empty(query: &str) -> String {
    let pairs: Vec<_> = query
        .split('&')
        .filter(|pair| pair.split_once('=').is_some_and(|(_, value)| !value.is_empty()))
        .collect();
    pairs.join("&")
}

/// A whole number in the path.
pub struct Id(pub i64);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = ApiProblem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Id, ApiProblem> {
        match Path::<i64>::from_request_parts(parts, state).await {
            Ok(Path(id)) => Ok(Id(id)),
            Err(_) => Err(ApiProblem::bad_parameter("id", "The id must be a whole number.")),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Body {
        #[allow(dead_code)]
        dlq_id: i64,
    }

    fn problem(json: &str) -> (u16, Vec<String>) {
        let problem = from_json::<Body>(json.as_bytes()).unwrap_err().problem;
        (problem.status, problem.errors.into_iter().map(|error| error.field).collect())
    }

    #[test]
    fn what_is_not_json_is_a_bad_request() {
        assert_eq!(problem("{\"dlqId\":").0, 400);
        assert_eq!(problem("").0, 400);
        assert_eq!(problem("{\"dlqId\":1} x").0, 400);
    }

    #[test]
    fn a_wrong_field_is_named() {
        assert_eq!(problem("{}"), (422, vec!["dlqId".to_owned()]));
        assert_eq!(problem("{\"dlqId\":1,\"dlqid\":2}"), (422, vec!["dlqid".to_owned()]));
        assert_eq!(problem("{\"dlqId\":\"one\"}"), (422, vec!["dlqId".to_owned()]));
        assert_eq!(problem("[]").0, 422);
    }

    #[test]
    fn a_nul_character_is_refused_where_it_stands() {
        assert_eq!(problem("{\"dlqId\":\"a\\u0000\"}"), (422, vec!["dlqId".to_owned()]));
        let text: Value = from_json(br#"{"text":"a \\u0000 spelled out"}"#).unwrap();
        assert_eq!(text["text"], "a \\u0000 spelled out");
    }

    #[test]
    fn empty_parameters_are_left_out() {
        assert_eq!(without_empty("state=&kind=a&queue&q=b"), "kind=a&q=b");
    }
}
