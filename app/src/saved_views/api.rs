//! Server functions of saved views. Each list brings its views with its own facts.

use leptos::server;
use signalbox_model::saved_view::ViewedList;

use crate::error::AppError;
use crate::notice::Notice;

/// Keeps the filters of a list under a name.
#[server(prefix = "/api/fn", endpoint = "save_view", output = crate::codec::Json)]
pub(crate) async fn save_view(
    list: ViewedList,
    query: String,
    name: String,
) -> Result<Notice, AppError> {
    use crate::request::{ctx, finish};
    use signalbox_engine::saved_views;

    let saved = saved_views::save(&ctx()?, list, &name, &query).await;
    let saved = saved.map(|view| Notice::done(format!("Saved as “{}”.", view.name)));
    finish(saved, list.address(), &[("name", &name)]).await
}

/// Forgets a view.
#[server(prefix = "/api/fn", endpoint = "remove_view", output = crate::codec::Json)]
pub(crate) async fn remove_view(list: ViewedList, id: i64) -> Result<Notice, AppError> {
    use crate::request::{ctx, finish};
    use signalbox_engine::saved_views;

    let removed = saved_views::remove(&ctx()?, id).await;
    let removed = removed.map(|name| Notice::done(format!("Removed the view “{name}”.")));
    finish(removed, list.address(), &[]).await
}
