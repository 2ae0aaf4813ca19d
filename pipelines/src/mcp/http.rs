//! One HTTP exchange with an MCP server: a POST, its status, its bounded body.

use futures::StreamExt;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, StatusCode};
use reqwest::Response;
use serde::Serialize;
use signalbox_engine::clock::{Clock, SystemClock};
use signalbox_engine::provider::note_allowance;
use signalbox_model::redact::REDACTED;
use sse_stream::SseStream;
use url::Url;

use super::body::{bounded, broken_stream, read_bounded, read_refusal, unreachable};
use super::error::parse_retry_after;
use super::message::{Incoming, Meaning, Reply, Request, RpcError};
use super::{ApiKey, McpConfig, McpConfigError, McpError};
use crate::allowance::allowance;
use crate::egress::{self, describe};

const SESSION_ID: &str = "mcp-session-id";
const PROTOCOL_VERSION: &str = "mcp-protocol-version";

/// The most characters of a provider's own words kept in an error.
const MAX_DETAIL_CHARS: usize = 500;

/// What a server gave us at `initialize`.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) id: Option<HeaderValue>,
    pub(super) protocol_version: HeaderValue,
}

/// Why an exchange failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// The server has forgotten the session: start another.
    SessionExpired,
    /// Anything else.
    Mcp(McpError),
}

impl From<McpError> for Failure {
    fn from(error: McpError) -> Self {
        Self::Mcp(error)
    }
}

/// The HTTP side of a client.
pub(super) struct Http {
    client: reqwest::Client,
    url: Url,
    headers: HeaderMap,
    secrets: Vec<String>,
    max_body_bytes: usize,
}

impl Http {
    pub(super) fn new(config: &McpConfig) -> Result<Self, McpConfigError> {
        if !matches!(config.base_url.scheme(), "http" | "https") || !config.base_url.has_host() {
            return Err(McpConfigError::Url);
        }
        let client = egress::to(config.base_url.host_str().unwrap_or_default())
            .build()
            .map_err(|error| McpConfigError::Http(describe(error)))?;
        Ok(Self {
            client,
            url: config.base_url.clone(),
            headers: headers(config.api_key.as_ref())?,
            secrets: secrets(config),
            max_body_bytes: config.max_body_bytes,
        })
    }

    /// Sends a request and waits for its reply; with the reply comes the session id, where the server set one.
    pub(super) async fn exchange(
        &self,
        request: &Request,
        session: Option<&Session>,
    ) -> Result<(Reply, Option<HeaderValue>), Failure> {
        let response = match self.post(request, session).await? {
            Posted::Accepted(response) => response,
            Posted::Refused(error) => return Ok((Err(error), None)),
        };
        let session_id = response.headers().get(SESSION_ID).cloned();
        let reply = match media_type(&response).as_deref() {
            Some("application/json") => self.json_reply(response, request.id).await?,
            Some("text/event-stream") => {
                self.event_stream_reply(response, request.id, session).await?
            }
            other => {
                let other = other.unwrap_or("nothing");
                return Err(McpError::bad_answer(
                    self.tame(&format!("neither JSON nor events but {other}")),
                )
                .into());
            }
        };
        Ok((reply, session_id))
    }

    /// Sends a message that wants no reply.
    pub(super) async fn notify(
        &self,
        message: &impl Serialize,
        session: &Session,
    ) -> Result<(), Failure> {
        match self.post(message, Some(session)).await? {
            Posted::Accepted(_) => Ok(()),
            Posted::Refused(error) => Err(McpError::bad_answer(
                self.tame(&format!("notification refused: {}", error.message)),
            )
            .into()),
        }
    }

    async fn post(
        &self,
        message: &impl Serialize,
        session: Option<&Session>,
    ) -> Result<Posted, Failure> {
        let mut request =
            self.client.post(self.url.clone()).headers(self.headers.clone()).json(message);
        if let Some(session) = session {
            request = request.header(PROTOCOL_VERSION, session.protocol_version.clone());
            if let Some(id) = &session.id {
                request = request.header(SESSION_ID, id.clone());
            }
        }
        let response = request.send().await.map_err(unreachable)?;
        if let Some(allowance) = allowance(response.headers(), SystemClock.now()) {
            note_allowance(allowance);
        }
        if response.status().is_success() {
            return Ok(Posted::Accepted(response));
        }
        let had_session = session.is_some_and(|session| session.id.is_some());
        self.refusal(response, had_session).await.map(Posted::Refused)
    }

    /// What an unsuccessful status means.
    async fn refusal(&self, response: Response, had_session: bool) -> Result<RpcError, Failure> {
        let status = response.status();
        match status {
            StatusCode::NOT_FOUND if had_session => return Err(Failure::SessionExpired),
            StatusCode::TOO_MANY_REQUESTS => {
                let asked =
                    response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
                let retry_after =
                    asked.and_then(|value| parse_retry_after(value, SystemClock.now()));
                return Err(McpError::RateLimited { retry_after }.into());
            }
            StatusCode::PAYMENT_REQUIRED => return Err(McpError::Quota.into()),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                return Err(McpError::Credentials { status: status.as_u16() }.into());
            }
            _ if status.is_redirection() => {
                return Err(McpError::bad_answer(format!(
                    "a redirect (HTTP {status}), which is not followed"
                ))
                .into());
            }
            _ => {}
        }
        let body = read_refusal(response).await;
        if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT {
            let detail = self.tame(&String::from_utf8_lossy(&body));
            return Err(McpError::Status { status: status.as_u16(), detail }.into());
        }
        match serde_json::from_slice::<Incoming>(&body).ok().and_then(Incoming::into_error) {
            Some(error) if had_session && error.is_unknown_session() => {
                Err(Failure::SessionExpired)
            }
            Some(error) => Ok(error),
            None => {
                let detail = format!("HTTP {status}: {}", String::from_utf8_lossy(&body));
                Err(McpError::bad_answer(self.tame(&detail)).into())
            }
        }
    }

    async fn json_reply(&self, response: Response, request_id: u64) -> Result<Reply, McpError> {
        let body = read_bounded(response, self.max_body_bytes).await?;
        match self.parse(&body)?.meaning_for(request_id) {
            Meaning::Reply(reply) => Ok(reply),
            _ => Err(McpError::bad_answer("a message that does not reply to the request")),
        }
    }

    async fn event_stream_reply(
        &self,
        response: Response,
        request_id: u64,
        session: Option<&Session>,
    ) -> Result<Reply, McpError> {
        let mut events =
            SseStream::from_bytes_stream(bounded(response, self.max_body_bytes)).boxed();
        while let Some(event) = events.next().await {
            let data = event.map_err(broken_stream)?.data.unwrap_or_default();
            if data.trim().is_empty() {
                continue;
            }
            match (self.parse(data.as_bytes())?.meaning_for(request_id), session) {
                (Meaning::Reply(reply), _) => return Ok(reply),
                (Meaning::Asked(answer), Some(session)) => {
                    // The server's own question: a lost answer is its concern, our reply may still come.
                    let _ = self.notify(&answer, session).await;
                }
                _ => {}
            }
        }
        Err(McpError::bad_answer("the event stream ended before the reply"))
    }

    fn parse(&self, json: &[u8]) -> Result<Incoming, McpError> {
        serde_json::from_slice(json).map_err(|error| {
            McpError::bad_answer(self.tame(&format!("not a JSON-RPC message: {error}")))
        })
    }

    /// A provider's words, made fit for logs: short, on one line, without our secrets.
    pub(super) fn tame(&self, words: &str) -> String {
        let one_line = words.split_whitespace().collect::<Vec<_>>().join(" ");
        // What hides a secret from the eye is taken out before it is looked for.
        let mut words: String = one_line.chars().filter(|c| !c.is_control()).collect();
        for secret in &self.secrets {
            words = words.replace(secret.as_str(), REDACTED);
        }
        words.chars().take(MAX_DETAIL_CHARS).collect()
    }
}

/// The outcome of a POST.
enum Posted {
    /// A successful status; the body is still to be read.
    Accepted(Response),
    /// A JSON-RPC error in a 4xx.
    Refused(RpcError),
}

fn headers(api_key: Option<&ApiKey>) -> Result<HeaderMap, McpConfigError> {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
    if let Some(key) = api_key {
        let bearer = format!("Bearer {}", key.expose());
        let mut bearer = HeaderValue::try_from(bearer).map_err(|_| McpConfigError::Key)?;
        bearer.set_sensitive(true);
        headers.insert(AUTHORIZATION, bearer);
    }
    Ok(headers)
}

/// Whatever must never be repeated: the key, and the values in the URL's query and user part.
fn secrets(config: &McpConfig) -> Vec<String> {
    let key = config.api_key.iter().map(|key| key.expose().to_owned());
    let query = config.base_url.query_pairs().map(|(_, value)| value.into_owned());
    let password = config.base_url.password().map(str::to_owned);
    // Replacing a very short value would only garble the text.
    key.chain(query).chain(password).filter(|secret| secret.len() >= 6).collect()
}

fn media_type(response: &Response) -> Option<String> {
    let value = response.headers().get(CONTENT_TYPE)?.to_str().ok()?;
    Some(value.split(';').next()?.trim().to_ascii_lowercase())
}
