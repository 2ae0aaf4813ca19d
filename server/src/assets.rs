//! The built browser files: where they are, by their version, and how they are served.

use std::path::Path;

use axum::Router;
use axum::response::Response;
use http::HeaderValue;
use http::header::CACHE_CONTROL;
use serde::Deserialize;
use signalbox_app::request::Assets;
use tower_http::services::{ServeDir, ServeFile};
use tower_http::set_header::{MakeHeaderValue, SetResponseHeaderLayer};

/// What the bundler says about them, relative to the site root.
const MANIFEST: &str = "pkg/manifest.json";

const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const FOR_AN_HOUR: HeaderValue = HeaderValue::from_static("public, max-age=3600");

#[derive(Deserialize)]
struct Manifest {
    version: String,
    chunks: Vec<String>,
}

/// Where the built files are. Without a manifest the pages still work, unhydrated.
pub fn read(site_root: &Path) -> Assets {
    let path = site_root.join(MANIFEST);
    let manifest: Result<Manifest, String> = std::fs::read(&path)
        .map_err(|error| error.to_string())
        .and_then(|bytes| serde_json::from_slice(&bytes).map_err(|error| error.to_string()));
    match manifest {
        Ok(Manifest { version, chunks }) => Assets { base: format!("/pkg/{version}"), chunks },
        Err(error) => {
            let path = path.display();
            tracing::warn!(%path, error, "the browser files are not built; pages work without them");
            Assets { base: "/pkg".to_owned(), ..Assets::default() }
        }
    }
}

/// The routes that serve the files: those of the bundle, and each file that lies in the site root itself. A bundle's version is in
/// its path: a window that was opened before an update asks for files that are gone, never for others of the same name.
pub fn routes<S: Clone + Send + Sync + 'static>(assets: &Assets, site_root: &Path) -> Router<S> {
    let pkg = ServeDir::new(site_root.join("pkg"))
        .append_index_html_on_directories(false)
        .precompressed_br()
        .precompressed_gzip();
    let bundle = Router::new().nest_service(&assets.base, pkg).layer(cached(FOR_EVER));
    let mut others = Router::new();
    for name in file_names(site_root) {
        let file = ServeFile::new(site_root.join(&name));
        others = others.route_service(&format!("/{name}"), file);
    }
    bundle.merge(others.layer(cached(FOR_AN_HOUR)))
}

fn file_names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.path().is_file())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| !name.contains(['{', '}']) && !name.ends_with(".html"))
        .collect()
}

fn cached(value: HeaderValue) -> SetResponseHeaderLayer<impl MakeHeaderValue<Response> + Clone> {
    SetResponseHeaderLayer::overriding(CACHE_CONTROL, move |response: &Response| {
        response.status().is_success().then(|| value.clone())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_manifest_the_addresses_have_no_version() {
        assert_eq!(read(Path::new("/nonexistent")).base, "/pkg");
    }
}
