//! The HTML document around the app. The server alone writes it.

use leptos::WasmSplitManifest;
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
                {assets.as_deref().map(tags)}
                <MetaTags />
            </head>
            <body>
                <App />
            </body>
        </html>
    }
}

fn tags(assets: &Assets) -> impl IntoView {
    let (css, js) = (assets.address("signalbox.css"), assets.address("frontend.js"));
    let wasm = assets.address("frontend_bg.wasm");
    // The addresses are made by the server from file names and hashes: nothing to escape.
    // A click before the page is hydrated must not reach the router, which would take the page
    // away from under the hydration: the browser follows the link itself. When it is over, the
    // document says so: pages begin to follow what happens then, and tests to use them.
    let start = format!(
        "import init, {{ hydrate }} from \"{js}\";\n\
         const keep = (event) => event.stopImmediatePropagation();\n\
         addEventListener(\"click\", keep, true);\n\
         init({{ module_or_path: \"{wasm}\" }}).then(hydrate)\n\
         .finally(() => {{\n\
             removeEventListener(\"click\", keep, true);\n\
             document.body.dataset.hydrated = \"\";\n\
             dispatchEvent(new Event(\"hydrated\"));\n\
         }});"
    );
    // From this the framework announces the page's own chunk in the head.
    let packs = assets.chunks.iter().map(|chunk| (chunk.clone(), vec![format!("pack_{chunk}")]));
    let chunks = (assets.base.clone(), packs.collect(), "chunks.js".to_owned());
    provide_context(WasmSplitManifest(ArcStoredValue::new(chunks)));
    view! {
        <link rel="stylesheet" href=css />
        <link rel="modulepreload" href=js />
        <link
            rel="preload"
            href=wasm
            r#as="fetch"
            type="application/wasm"
            crossorigin="anonymous"
        />
        <script type="module" nonce=use_nonce()>
            {start}
        </script>
    }
}
