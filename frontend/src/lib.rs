//! Hydration of the console in the browser, and nothing else.

use wasm_bindgen::prelude::wasm_bindgen;

/// Takes over the page that the server rendered, when the page's own code has come. Until then a
/// link has to load its page as a whole, see the shell.
#[wasm_bindgen]
pub async fn hydrate() {
    console_error_panic_hook::set_once();
    if let Some(body) = leptos::prelude::document().body() {
        leptos::mount::hydrate_from_async(body, signalbox_app::App).await.forget();
    }
}
