//! Pipeline `domains` (seed 000): *discovery* searches posts, *harvesting* reads a post's
//! comments, *extraction* finds every link in its texts and stores domains and mentions.

pub mod backfill;
pub mod commands;
pub mod export;
pub mod jobs;
pub mod links;
pub mod provider;
mod search;
pub mod store;

use serde_json::json;
use signalbox_engine::jobs::handler::RegistryBuilder;
use signalbox_engine::schedules::ScheduleSpec;
use signalbox_engine::vault::Vault;

use crate::{ProviderConfig, ProviderConfigError};

/// The queue of all kinds here.
const QUEUE: &str = "domains";

/// Adds the pipeline's kinds, and its provider.
///
/// # Errors
/// When the provider's configuration makes no sense.
pub fn register(
    builder: &mut RegistryBuilder,
    config: &ProviderConfig,
    vault: &Vault,
) -> Result<(), ProviderConfigError> {
    let server = provider::server(config, vault)?;
    let posts = provider::Posts::new(server.clone());
    builder
        .add_provider(server)
        .add::<backfill::Backfill>(posts.clone())
        .add::<jobs::Discovery>(posts.clone())
        .add::<jobs::Harvesting>(posts.clone())
        .add::<jobs::Extraction>(posts);
    Ok(())
}

/// Discovery every 10 minutes (OP-16).
pub(crate) fn schedules() -> Vec<ScheduleSpec> {
    vec![
        ScheduleSpec::new("domains-discovery", "domains.discovery", "*/10 * * * *")
            .with_payload(json!({ "limit": 20 })),
    ]
}
