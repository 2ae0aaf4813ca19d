//! An MCP server as a provider: a client for the key that it has now, and the test of that key.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use secrecy::{ExposeSecret as _, SecretString};
use signalbox_engine::provider::key::Key;
use signalbox_engine::provider::test::Probe;
use signalbox_engine::provider::{CallFailure, Provider, ProviderSpec};
use signalbox_model::format::plural;
use signalbox_model::provider::{Step, TestStep};
use url::Url;

use super::{ApiKey, DEFAULT_MAX_BODY_BYTES, McpClient, McpConfig, McpConfigError};
use crate::egress;

/// An MCP server. Cheap to clone.
#[derive(Debug, Clone)]
pub struct McpProvider {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    spec: ProviderSpec,
    address: Option<Url>,
    key: Key,
    timeout: Duration,
    /// The client of the last call, and the key that it is for.
    last: Mutex<Option<(Option<SecretString>, McpClient)>>,
}

impl McpProvider {
    /// The server at `address`, which is called with `key` and answers within `timeout`.
    ///
    /// # Errors
    /// When the address, or the environment's key, cannot be used.
    pub fn new(
        spec: ProviderSpec,
        address: Option<Url>,
        key: Key,
        timeout: Duration,
    ) -> Result<McpProvider, McpConfigError> {
        let last = Mutex::new(None);
        let provider = McpProvider { inner: Arc::new(Inner { spec, address, key, timeout, last }) };
        if let Some(address) = &provider.inner.address {
            // So that what is wrong ends the start, and not every call.
            provider.client_for(address, provider.inner.key.environment().cloned())?;
        }
        Ok(provider)
    }

    /// A client for the key that the server has now. Calls with the same key share one, and with it
    /// its session; those under way with another key end with that.
    ///
    /// # Errors
    /// [`CallFailure::NotConfigured`] without an address, or when the key cannot be read here.
    pub async fn client(&self) -> Result<McpClient, CallFailure> {
        let address = self.address()?;
        let key = self.inner.key.now().await?;
        let mut last = self.inner.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, client)) = &*last
            && exposed(of.as_ref()) == exposed(key.as_ref())
        {
            return Ok(client.clone());
        }
        let client = self.client_for(address, key.clone()).map_err(unusable)?;
        *last = Some((key, client.clone()));
        Ok(client)
    }

    fn client_for(
        &self,
        address: &Url,
        key: Option<SecretString>,
    ) -> Result<McpClient, McpConfigError> {
        McpClient::new(McpConfig {
            base_url: address.clone(),
            api_key: key.map(ApiKey::from),
            timeout: self.inner.timeout,
            max_body_bytes: DEFAULT_MAX_BODY_BYTES,
        })
    }

    fn address(&self) -> Result<&Url, CallFailure> {
        self.inner.address.as_ref().ok_or_else(|| {
            let ProviderSpec { label, address_variable, .. } = self.inner.spec;
            CallFailure::NotConfigured(format!(
                "{label}: no address is configured, set {address_variable}"
            ))
        })
    }

    async fn steps(&self) -> Vec<TestStep> {
        let mut probe = Probe::default();
        let found = async {
            let found = egress::resolve(self.address()?).await;
            Ok(((), found.map_err(CallFailure::Unavailable)?))
        };
        probe.step(Step::Resolve, found).await;
        let connected = async {
            let connected = egress::connect(self.address()?).await;
            Ok(((), connected.map_err(CallFailure::Unavailable)?))
        };
        probe.step(Step::Connect, connected).await;
        let client = probe.step(Step::Authenticate, self.signed_in()).await;
        if let Some(client) = client {
            let called = async {
                let tools = client.list_tools().await?.len();
                let tools = plural(i64::try_from(tools).unwrap_or(i64::MAX), "tool", "tools");
                Ok(((), format!("it offers {tools}")))
            };
            probe.step(Step::Call, called).await;
        }
        probe.finish()
    }

    /// A client of its own, in a session that has just begun.
    async fn signed_in(&self) -> Result<(McpClient, String), CallFailure> {
        let key = self.inner.key.now().await?;
        let words = if key.is_some() { "it takes the key" } else { "it asks for no key" };
        let client = self.client_for(self.address()?, key).map_err(unusable)?;
        client.connect().await?;
        Ok((client, words.to_owned()))
    }
}

fn exposed(key: Option<&SecretString>) -> Option<&str> {
    key.map(|key| key.expose_secret())
}

fn unusable(error: McpConfigError) -> CallFailure {
    CallFailure::NotConfigured(error.to_string())
}

impl Provider for McpProvider {
    fn spec(&self) -> ProviderSpec {
        self.inner.spec
    }

    fn host(&self) -> Option<String> {
        let url = self.inner.address.as_ref()?;
        let host = url.host_str()?;
        Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
    }

    fn key(&self) -> &Key {
        &self.inner.key
    }

    fn test(&self) -> BoxFuture<'_, Vec<TestStep>> {
        self.steps().boxed()
    }
}
