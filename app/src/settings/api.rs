//! Server functions of the settings.

use leptos::server;
use serde::{Deserialize, Serialize};
use signalbox_model::Timestamp;
use signalbox_model::limit_preview::LimitPreview;
use signalbox_model::setting::Setting;
use signalbox_model::system_log::SystemLog;
use signalbox_model::throttle::Throttled;

use crate::error::AppError;
use crate::notice::Notice;

/// What the list shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SettingsFacts {
    /// Every setting.
    pub settings: Vec<Setting>,
    /// The rates that are lowered now.
    pub throttled: Vec<Throttled>,
    /// When this was read.
    pub as_of: Timestamp,
}

/// What the page of one setting shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SettingFacts {
    /// The setting.
    pub setting: Setting,
    /// How far it is lowered now, if it is.
    pub throttled: Option<Throttled>,
    /// What the value that was asked about would do, or why it is not allowed.
    pub preview: Option<Result<LimitPreview, String>>,
    /// What was done with it, the newest first.
    pub history: Vec<SystemLog>,
    /// When this was read.
    pub as_of: Timestamp,
}

/// Every setting.
#[server(prefix = "/api/fn", endpoint = "list_settings", output = crate::codec::Json)]
pub(crate) async fn list_settings() -> Result<SettingsFacts, AppError> {
    use crate::request::{answer, ctx, state};
    use signalbox_engine::{settings, throttle};

    let ctx = ctx()?;
    Ok(SettingsFacts {
        settings: answer(settings::list(&ctx).await)?,
        throttled: answer(throttle::list(&ctx, &state()?.registry).await)?,
        as_of: ctx.now(),
    })
}

/// One setting; and, of a limit, what it would do with another value.
#[server(prefix = "/api/fn", endpoint = "setting", output = crate::codec::Json)]
pub(crate) async fn read_setting(
    key: String,
    #[server(default)] value: Option<String>,
) -> Result<SettingFacts, AppError> {
    use crate::request::{answer, ctx, state, whole_number};
    use signalbox_engine::{CommandError, logs, settings, throttle};

    let ctx = ctx()?;
    let setting = answer(settings::read(&ctx, &key).await)?;
    let registry = state()?.registry;
    let throttled = answer(throttle::list(&ctx, &registry).await)?;
    let throttled = throttled.into_iter().find(|throttled| throttled.rate == key);
    let value = value.filter(|value| setting.bound().is_some() && !value.trim().is_empty());
    let preview = match value.map(|value| whole_number("value", &value)) {
        Some(Ok(Some(value))) => {
            match settings::preview(&ctx, &registry, &key, value).await {
                Ok(preview) => Some(Ok(preview)),
                // The form is still there to be corrected.
                Err(error @ CommandError::Invalid(_)) => Some(Err(error.to_string())),
                Err(error) => return answer(Err(error)),
            }
        }
        Some(Err(error)) => Some(Err(error.to_string())),
        Some(Ok(None)) | None => None,
    };
    let history = answer(logs::about(&ctx, "setting", &key).await)?;
    Ok(SettingFacts { setting, throttled, preview, history, as_of: ctx.now() })
}

/// Changes one setting. No minutes, or an empty field: for good.
#[server(prefix = "/api/fn", endpoint = "change_setting", output = crate::codec::Json)]
pub(crate) async fn change_setting(
    key: String,
    value: i64,
    #[server(default)]
    #[server(rename = "expiresInMinutes")]
    expires_in_minutes: String,
    #[server(default)] description: String,
) -> Result<Notice, AppError> {
    use crate::request::{ctx, finish, whole_number};
    use signalbox_engine::{settings, wanted};
    use signalbox_model::format::plural;

    let ctx = ctx()?;
    let reason = wanted(Some(&description));
    let minutes = whole_number("expiresInMinutes", &expires_in_minutes);
    let result = match minutes {
        Ok(None) => settings::change(&ctx, &key, value, reason).await,
        Ok(Some(minutes)) => settings::change_for(&ctx, &key, value, minutes, reason).await,
        Err(error) => Err(error),
    };
    let result = result.map(|setting| {
        let now = format!("{} is {} {} now", setting.key, setting.value, setting.unit);
        let until = setting.expiry.map(|expiry| {
            let minutes = (expiry.at - ctx.now()).num_minutes();
            format!(", and {} again in {}", expiry.reverts_to, plural(minutes, "minute", "minutes"))
        });
        Notice::done(format!("{now}, on every worker within 2 s{}.", until.unwrap_or_default()))
    });
    let input = [("expiresInMinutes", &*expires_in_minutes), ("description", &*description)];
    let page = page_of(&key);
    // The form stands below the preview of the value that it was for.
    let page = if result.is_ok() { page } else { format!("{page}?value={value}") };
    finish(result, &page, &input).await
}

/// Ends a temporary change now.
#[server(prefix = "/api/fn", endpoint = "revert_setting", output = crate::codec::Json)]
pub(crate) async fn revert_setting(key: String) -> Result<Notice, AppError> {
    use crate::request::{ctx, finish};
    use signalbox_engine::settings;

    let result = settings::revert(&ctx()?, &key).await;
    let result = result.map(|setting| {
        Notice::done(format!("{} is {} {} again.", setting.key, setting.value, setting.unit))
    });
    finish(result, &page_of(&key), &[]).await
}

/// Makes a temporary change a lasting one.
#[server(prefix = "/api/fn", endpoint = "keep_setting", output = crate::codec::Json)]
pub(crate) async fn keep_setting(key: String) -> Result<Notice, AppError> {
    use crate::request::{ctx, finish};
    use signalbox_engine::settings;

    let result = settings::keep(&ctx()?, &key).await;
    let result = result.map(|setting| {
        Notice::done(format!("{} stays at {} {}.", setting.key, setting.value, setting.unit))
    });
    finish(result, &page_of(&key), &[]).await
}

/// The page of the setting `key`; the list, for what is none.
#[cfg(feature = "ssr")]
fn page_of(key: &str) -> String {
    match signalbox_model::setting::setting(key) {
        Some(spec) => format!("/admin/config/{}", spec.key),
        None => "/admin/config".to_owned(),
    }
}
