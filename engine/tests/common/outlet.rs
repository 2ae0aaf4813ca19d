//! The provider of the tests, as its pipeline would tell of it.

use futures::FutureExt;
use futures::future::BoxFuture;
use secrecy::ExposeSecret as _;
use signalbox_engine::provider::key::Key;
use signalbox_engine::provider::test::Probe;
use signalbox_engine::provider::{CallFailure, Provider, ProviderSpec};
use signalbox_engine::vault::Vault;
use signalbox_model::provider::{Step, TestStep};

/// A provider that takes keys that begin with `good`, and says others back to whoever sends them.
pub struct Outlet {
    key: Key,
}

impl Outlet {
    pub fn new(vault: &Vault) -> Outlet {
        Outlet { key: Key::new("mcp", vault, None) }
    }

    async fn sign_in(&self) -> Result<((), String), CallFailure> {
        let key = self.key.now().await?;
        match key.as_ref().map(|key| key.expose_secret()) {
            Some(key) if key.starts_with("good") => Ok(((), "it takes the key".to_owned())),
            key => Err(CallFailure::Credentials(format!("wrong key: {key:?}"))),
        }
    }
}

impl Provider for Outlet {
    fn spec(&self) -> ProviderSpec {
        ProviderSpec {
            name: "mcp",
            label: "Posts",
            address_variable: "MCP_BASE_URL",
            key_variable: "MCP_API_KEY",
        }
    }

    fn host(&self) -> Option<String> {
        Some("mcp.example.org".to_owned())
    }

    fn key(&self) -> &Key {
        &self.key
    }

    fn test(&self) -> BoxFuture<'_, Vec<TestStep>> {
        async {
            let mut probe = Probe::default();
            let well = async || Ok(((), "well".to_owned()));
            probe.step(Step::Resolve, well()).await;
            probe.step(Step::Connect, well()).await;
            probe.step(Step::Authenticate, self.sign_in()).await;
            probe.step(Step::Call, well()).await;
            probe.finish()
        }
        .boxed()
    }
}
