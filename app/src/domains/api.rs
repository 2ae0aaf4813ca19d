//! Server functions of the domains.

use leptos::server;
use signalbox_model::domain::{DateFilter, DomainDetail, DomainList};

use crate::error::AppError;

/// The domains first seen in a range whose name contains `q`.
#[server(prefix = "/api/fn", endpoint = "list_domains", output = crate::codec::Json)]
pub(crate) async fn list_domains(
    #[server(default)] range: DateFilter,
    #[server(default)] q: Option<String>,
) -> Result<DomainList, AppError> {
    use crate::request::{answer, ctx};
    use signalbox_pipelines::domains::store;

    answer(store::list(&ctx()?, range, q.as_deref()).await)
}

/// One domain with its mentions.
#[server(prefix = "/api/fn", endpoint = "domain_detail", output = crate::codec::Json)]
pub(crate) async fn read_domain(id: i64) -> Result<DomainDetail, AppError> {
    use crate::request::{answer, ctx};
    use signalbox_pipelines::domains::store;

    answer(store::detail(&ctx()?, id).await)
}
