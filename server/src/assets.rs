//! The built browser files: their addresses with content hashes, and how they are served.

use std::collections::HashMap;
use std::path::Path;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use http::HeaderValue;
use http::header::CACHE_CONTROL;
use signalbox_app::request::Assets;
use tower_http::services::{ServeDir, ServeFile};

/// The list of built files with their hashes, relative to the site root.
const MANIFEST: &str = "pkg/manifest.json";

const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const FOR_AN_HOUR: HeaderValue = HeaderValue::from_static("public, max-age=3600");

/// The addresses of the built files. Without a manifest the pages still work, unhydrated.
pub fn read(site_root: &Path) -> Assets {
    let path = site_root.join(MANIFEST);
    let manifest: Result<HashMap<String, String>, String> = std::fs::read(&path)
        .map_err(|error| error.to_string())
        .and_then(|bytes| serde_json::from_slice(&bytes).map_err(|error| error.to_string()));
    let manifest = manifest.unwrap_or_else(|error| {
        let path = path.display();
        tracing::warn!(%path, error, "the browser files are not built; pages work without them");
        HashMap::new()
    });
    let address = |name: &str| match manifest.get(name) {
        Some(hash) => format!("/pkg/{name}?v={hash}"),
        None => format!("/pkg/{name}"),
    };
    Assets {
        js: address("frontend.js"),
        wasm: address("frontend_bg.wasm"),
        css: address("signalbox.css"),
    }
}

/// The routes that serve the files: `/pkg/*`, and each file that lies in the site root itself.
pub fn routes<S: Clone + Send + Sync + 'static>(site_root: &Path) -> Router<S> {
    let pkg = ServeDir::new(site_root.join("pkg"))
        .append_index_html_on_directories(false)
        .precompressed_br()
        .precompressed_gzip();
    let mut router = Router::new().nest_service("/pkg", pkg);
    for name in file_names(site_root) {
        let file = ServeFile::new(site_root.join(&name));
        router = router.route_service(&format!("/{name}"), file);
    }
    router.layer(from_fn(cache))
}

fn file_names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.path().is_file())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| !name.contains(['{', '}']) && !name.ends_with(".html"))
        .collect()
}

/// A file that was asked for by its hash never changes.
async fn cache(request: Request, next: Next) -> Response {
    let by_hash = request.uri().query().is_some_and(|query| query.starts_with("v="));
    let mut response = next.run(request).await;
    if response.status().is_success() {
        let value = if by_hash { FOR_EVER } else { FOR_AN_HOUR };
        response.headers_mut().insert(CACHE_CONTROL, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_manifest_the_addresses_have_no_hash() {
        assert_eq!(read(Path::new("/nonexistent")).css, "/pkg/signalbox.css");
    }
}
