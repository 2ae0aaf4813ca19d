//! Server functions of the settings.

use leptos::server;
use serde::{Deserialize, Serialize};
use signalbox_model::Timestamp;
use signalbox_model::setting::Setting;

use crate::error::AppError;
use crate::notice::Notice;

/// What the page shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SettingsFacts {
    /// Every setting.
    pub settings: Vec<Setting>,
    /// When this was read.
    pub as_of: Timestamp,
}

/// Every setting.
#[server(prefix = "/api/fn", endpoint = "list_settings", output = crate::codec::Json)]
pub(crate) async fn list_settings() -> Result<SettingsFacts, AppError> {
    use crate::request::{answer, ctx};
    use signalbox_engine::settings;

    let ctx = ctx()?;
    Ok(SettingsFacts { settings: answer(settings::list(&ctx).await)?, as_of: ctx.now() })
}

/// Changes one setting.
#[server(prefix = "/api/fn", endpoint = "change_setting", output = crate::codec::Json)]
pub(crate) async fn change_setting(key: String, value: i64) -> Result<Notice, AppError> {
    use crate::request::{ctx, finish};
    use signalbox_engine::settings;

    let result = settings::change(&ctx()?, &key, value, None).await;
    let result = result.map(|setting| {
        Notice::done(format!(
            "{} is {} {} now, on every worker within 2 s.",
            setting.key, setting.value, setting.unit
        ))
    });
    finish(result, "/admin/config", &[]).await
}
