//! Where an MCP server is and how to call it.

use std::fmt;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use thiserror::Error;
use url::Url;

/// The default bound of an answer's body: 8 MiB.
pub const DEFAULT_MAX_BODY_BYTES: usize = 8 * 1024 * 1024;

/// Where an MCP server is and how to call it.
#[derive(Clone)]
pub struct McpConfig {
    /// The endpoint, path included, such as `https://mcp.example.com/mcp`; http or https.
    pub base_url: Url,
    /// The provider's key, sent as `Authorization: Bearer KEY`. A provider that wants its key in the query
    /// (`?token=KEY`) gets it through `base_url`; query values are kept out of logs and errors like the key.
    pub api_key: Option<ApiKey>,
    /// The deadline of one call as a whole: connecting, `initialize` where one is due, and the answer.
    pub timeout: Duration,
    /// The most bytes of one answer that are read, see [`DEFAULT_MAX_BODY_BYTES`].
    pub max_body_bytes: usize,
}

impl fmt::Debug for McpConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("McpConfig")
            .field("host", &self.base_url.host_str())
            .field("path", &self.base_url.path())
            .field("api_key", &self.api_key)
            .field("timeout", &self.timeout)
            .field("max_body_bytes", &self.max_body_bytes)
            .finish()
    }
}

/// A provider's key. `Debug` does not show it, and it has no `Display`; it is wiped from memory when it goes.
#[derive(Debug, Clone)]
pub struct ApiKey(SecretString);

impl ApiKey {
    /// Wraps a key.
    pub fn new(key: impl Into<String>) -> Self {
        Self(key.into().into())
    }

    /// The key itself, for the request's header.
    pub(super) fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl From<SecretString> for ApiKey {
    fn from(key: SecretString) -> Self {
        Self(key)
    }
}

impl From<ApiKey> for SecretString {
    fn from(key: ApiKey) -> Self {
        key.0
    }
}

/// Why a client cannot be made from its configuration.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum McpConfigError {
    /// The URL is neither http nor https, or has no host.
    #[error("the MCP URL must be http or https and name a host")]
    Url,
    /// The key has characters that an HTTP header cannot carry.
    #[error("the MCP key has characters that an HTTP header cannot carry")]
    Key,
    /// The HTTP client could not be set up, for example because TLS has no certificates.
    #[error("the HTTP client could not be set up: {0}")]
    Http(String),
}
