//! Server functions of the materialized views.

use leptos::server;
use serde::{Deserialize, Serialize};
use signalbox_model::matview::Matviews;
use signalbox_model::system_log::SystemLog;

use crate::error::AppError;
use crate::notice::Notice;

/// What the page shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct MatviewsFacts {
    /// How they stand.
    pub matviews: Matviews,
    /// What was done with them, the newest first.
    pub history: Vec<SystemLog>,
}

/// How the materialized views stand.
#[server(prefix = "/api/fn", endpoint = "matviews", output = crate::codec::Json)]
pub(crate) async fn read_matviews() -> Result<MatviewsFacts, AppError> {
    use crate::request::{answer, ctx};
    use signalbox_engine::{logs, matviews};

    let ctx = ctx()?;
    let history = logs::search(&ctx, Some("matviews_"), None, None, Some(20)).await;
    Ok(MatviewsFacts {
        matviews: answer(matviews::status(&ctx).await)?,
        history: answer(history)?.items,
    })
}

/// Turns reading from them on or off.
#[server(prefix = "/api/fn", endpoint = "switch_matviews", output = crate::codec::Json)]
pub(crate) async fn switch_matviews(on: bool) -> Result<Notice, AppError> {
    use crate::request::{ctx, finish};
    use signalbox_engine::matviews;

    let result = matviews::switch(&ctx()?, on).await;
    let word = if on { "the materialized views" } else { "the plain views" };
    let result = result.map(|()| Notice::done(format!("Pages read {word} from now on.")));
    finish(result, "/admin/matviews", &[]).await
}

/// Has them refreshed now.
#[server(prefix = "/api/fn", endpoint = "refresh_matviews", output = crate::codec::Json)]
pub(crate) async fn refresh_matviews() -> Result<Notice, AppError> {
    use crate::request::{ctx, finish, state};
    use signalbox_engine::matviews;

    let result = matviews::refresh_now(&ctx()?, &state()?.registry).await;
    let result = result.map(|job| {
        Notice::done(format!("They are refreshed by job {job}."))
            .link(format!("/admin/jobs/{job}"), "See the job")
    });
    finish(result, "/admin/matviews", &[]).await
}
