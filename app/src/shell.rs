//! The HTML document around the app. The server alone writes it.

use leptos::nonce::use_nonce;
use leptos::prelude::*;
use leptos_meta::MetaTags;

use crate::app::App;
use crate::request::{Assets, state, theme};

/// The whole document.
///
/// The framework's own hydration tags are not used: their preload carries the nonce as its
/// `crossorigin`, which breaks hydration in Firefox (leptos#4843).
pub fn shell(_options: LeptosOptions) -> impl IntoView {
    let assets = state().ok().map(|state| state.assets);
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=theme().attribute()>
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <link rel="icon" type="image/svg+xml" href="/favicon-clear.svg" />
                {assets.map(tags)}
                <MetaTags />
            </head>
            <body>
                <App />
            </body>
        </html>
    }
}

fn tags(assets: Assets) -> impl IntoView {
    let Assets { js, wasm, css } = assets;
    // The addresses are made by the server from file names and hashes: nothing to escape.
    let start = format!(
        "import init, {{ hydrate }} from \"{js}\";\n\
         init({{ module_or_path: \"{wasm}\" }}).then(hydrate);"
    );
    view! {
        <link rel="stylesheet" href=css />
        <link rel="modulepreload" href=js />
        <script type="module" nonce=use_nonce()>
            {start}
        </script>
    }
}
