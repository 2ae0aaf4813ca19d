//! `bundle`: the console for the browser, from the `frontend` crate to files the server can send as they are.
//!
//! ```text
//! target/site/            copies of public/
//! target/site/pkg/        frontend.js, frontend_bg.wasm, signalbox.css (style/*.css in the order of their names),
//!                         and the code of `app/src/chunks.rs`: chunks.js, which fetches it, its parts, and a pack for each chunk
//! target/site/pkg/manifest.json   the bundle's version, for URLs that change with the content, and the names of the chunks
//! ```
//! Beside every compressible file lie `.br` and `.gz`.

mod compress;
mod manifest;
mod paths;
mod split;

use std::path::Path;

use wasm_bindgen_cli_support::Bindgen;

use crate::Failure;
use crate::workspace::{at, cargo, files_under, root, target};
use paths::Paths;

const STYLESHEET: &str = "signalbox.css";
/// What WASM, JavaScript and CSS of a first load may come to, brotli, whichever page it is.
const MAX_FIRST_LOAD_KIB: f64 = 350.0;

/// Builds everything, beside the old bundle, and then takes its place. The last thing is to refuse a first load that is too large,
/// so that there is something to look at.
pub fn bundle() -> Result<(), Failure> {
    let paths = Paths::read(&root().join("Trunk.toml"))?;
    let wasm = build_wasm()?;
    let staged = paths.site.with_extension("next");
    let pkg = staged.join(paths.pkg_name());
    let _ = std::fs::remove_dir_all(&staged);
    std::fs::create_dir_all(&pkg).map_err(at(&pkg))?;
    let chunks = split::split(&wasm, &pkg)?;
    bind(&split::main_of(&wasm), &pkg)?;
    copy_public(&staged)?;
    finish(&pkg, &chunks)?;
    let _ = std::fs::remove_dir_all(&paths.site);
    std::fs::rename(&staged, &paths.site).map_err(at(&paths.site))?;
    check_size(&paths.site.join(paths.pkg_name()), &chunks)
}

/// What Trunk does not do: everything but WASM and JavaScript, which lie in `pkg` already, in one piece.
pub fn assets(pkg: &Path) -> Result<(), Failure> {
    let paths = Paths::read(&root().join("Trunk.toml"))?;
    copy_public(&paths.site)?;
    finish(pkg, &[])
}

fn build_wasm() -> Result<std::path::PathBuf, Failure> {
    let status = cargo()
        .args(["rustc", "--package", "signalbox-frontend", "--profile", "wasm-release"])
        .args(["--target", "wasm32-unknown-unknown", "--features", "split"])
        // Without them nothing could be cut out again.
        .args(["--", "-Clink-arg=--emit-relocs"])
        .status()?;
    if !status.success() {
        return Err("the frontend does not build. If it says E0463 (can't find crate for `core` or another one), run `make setup`, \
             and delete target/wasm32-unknown-unknown if the compiler has changed"
            .into());
    }
    Ok(target().join("wasm32-unknown-unknown/wasm-release/frontend.wasm"))
}

/// Writes the JavaScript glue and the WASM that goes with it. The names in it are not needed; `target_features` is kept, and so is
/// what the chunks import.
fn bind(wasm: &Path, pkg: &Path) -> Result<(), Failure> {
    Bindgen::new()
        .input_path(wasm)
        .out_name("frontend")
        .keep_lld_exports(true)
        .web(true)
        .and_then(|bindgen| bindgen.typescript(false).remove_name_section(true).generate(pkg))
        .map_err(|error| format!("wasm-bindgen: {error:#}").into())
}

fn copy_public(site: &Path) -> Result<(), Failure> {
    let public = root().join("public");
    for file in files_under(&public) {
        let target = site.join(file.strip_prefix(&public)?);
        if let Some(dir) = target.parent() {
            std::fs::create_dir_all(dir).map_err(at(dir))?;
        }
        std::fs::copy(&file, &target).map_err(at(&target))?;
        compress::beside(&target)?;
    }
    Ok(())
}

fn finish(pkg: &Path, chunks: &[String]) -> Result<(), Failure> {
    write_stylesheet(&pkg.join(STYLESHEET))?;
    let files = files_under(pkg);
    for file in &files {
        compress::beside(file)?;
    }
    manifest::write(pkg, &files, chunks)
}

fn write_stylesheet(target: &Path) -> Result<(), Failure> {
    let mut css = String::new();
    for file in files_under(&root().join("style")) {
        if file.extension().is_some_and(|extension| extension == "css") {
            css += &std::fs::read_to_string(&file).map_err(at(&file))?;
        }
    }
    std::fs::write(target, css).map_err(at(target))
}

/// Prints what a browser loads for the first page of each chunk, and refuses one that is too large.
fn check_size(pkg: &Path, chunks: &[String]) -> Result<(), Failure> {
    let kib = |name: &str| compress::brotli_size(&pkg.join(name)).unwrap_or(0) as f64 / 1024.0;
    let mut app_kib = 0.0;
    for name in ["frontend.js", "frontend_bg.wasm", split::LOADER, STYLESHEET] {
        println!("{name:>24} {:7.1} KiB brotli", kib(name));
        app_kib += kib(name);
    }
    let mut largest_kib = app_kib;
    for chunk in chunks {
        let chunk_kib = kib(&split::pack_of(chunk));
        println!("{chunk:>24} {chunk_kib:7.1} KiB brotli");
        largest_kib = largest_kib.max(app_kib + chunk_kib);
    }
    println!(
        "{:>24} {largest_kib:7.1} KiB brotli, of {MAX_FIRST_LOAD_KIB} allowed",
        "largest first load"
    );
    if largest_kib > MAX_FIRST_LOAD_KIB && std::env::var_os("SIGNALBOX_ANY_SIZE").is_none() {
        return Err("a first load is too large. `twiggy top` on target/wasm32-unknown-unknown/wasm-release/frontend.wasm shows what \
             grew; another cut of app/src/chunks.rs may help; set SIGNALBOX_ANY_SIZE=1 to go on all the same"
            .into());
    }
    Ok(())
}
