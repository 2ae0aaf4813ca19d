//! The pipelines: one folder each, with the same rooms: `provider.rs` (clients of outside
//! services), `jobs.rs` (kinds), `store.rs` (SQL), `mod.rs` (registration).

mod allowance;
pub mod domains;
pub mod egress;
pub mod mcp;

use std::time::Duration;

use signalbox_engine::jobs::Registry;
use signalbox_engine::schedules::ScheduleSpec;
use signalbox_engine::upkeep;
use signalbox_engine::vault::Vault;

/// Where the outside providers are. A provider without an address makes its jobs park.
#[derive(Debug, Clone)]
pub struct ProviderConfig {
    /// The MCP server, such as `https://mcp.brightdata.com/mcp`.
    pub mcp_base_url: Option<String>,
    /// Its key, for as long as the vault has none.
    pub mcp_api_key: Option<mcp::ApiKey>,
    /// How long one call may take.
    pub mcp_timeout: Duration,
}

/// Why a provider's configuration makes no sense.
#[derive(Debug, thiserror::Error)]
pub enum ProviderConfigError {
    /// The address is not a URL.
    #[error("MCP_BASE_URL is not a URL: {0}")]
    Url(#[from] url::ParseError),
    /// The client cannot be made of it.
    #[error("MCP_BASE_URL: {0}")]
    Mcp(#[from] mcp::McpConfigError),
}

/// Every kind of job there is, and every provider, whose keys `vault` keeps.
///
/// # Errors
/// When a provider's configuration makes no sense.
pub fn registry(config: ProviderConfig, vault: &Vault) -> Result<Registry, ProviderConfigError> {
    let mut builder = Registry::builder();
    builder.vault(vault);
    domains::register(&mut builder, &config, vault)?;
    Ok(builder.build())
}

/// Every schedule there is (OP-16).
pub fn schedules() -> Vec<ScheduleSpec> {
    [domains::schedules(), upkeep::schedules()].concat()
}
