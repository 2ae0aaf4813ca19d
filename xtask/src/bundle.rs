//! `bundle`: the console for the browser, from the `frontend` crate to files the server can send as they are.
//!
//! ```text
//! target/site/            copies of public/
//! target/site/pkg/        frontend.js, frontend_bg.wasm, signalbox.css (style/*.css in the order of their names)
//! target/site/pkg/manifest.json   {"frontend.js": "<16 hex digits of its SHA-256>", …} for URLs that change with the content
//! ```
//! Beside every compressible file lie `.br` and `.gz`.

mod compress;
mod manifest;
mod paths;

use std::path::Path;

use wasm_bindgen_cli_support::Bindgen;

use crate::Failure;
use crate::workspace::{at, cargo, files_under, root, target};
use paths::Paths;

const STYLESHEET: &str = "signalbox.css";
/// What WASM, JavaScript and CSS of a first load should come to, brotli.
const GOAL_FIRST_LOAD_KIB: f64 = 350.0;
/// What they may come to: what the pages weigh now. To be lowered as it shrinks, until it meets the goal.
const MAX_FIRST_LOAD_KIB: f64 = 520.0;

/// Builds everything, beside the old bundle, and then takes its place. The last thing is to refuse a first load that is too large,
/// so that there is something to look at.
pub fn bundle() -> Result<(), Failure> {
    let paths = Paths::read(&root().join("Trunk.toml"))?;
    let wasm = build_wasm()?;
    let staged = paths.site.with_extension("next");
    let pkg = staged.join(paths.pkg_name());
    let _ = std::fs::remove_dir_all(&staged);
    std::fs::create_dir_all(&pkg).map_err(at(&pkg))?;
    bind(&wasm, &pkg)?;
    copy_public(&staged)?;
    finish(&pkg)?;
    let _ = std::fs::remove_dir_all(&paths.site);
    std::fs::rename(&staged, &paths.site).map_err(at(&paths.site))?;
    check_size(&files_under(&paths.site.join(paths.pkg_name())))
}

/// What Trunk does not do: everything but WASM and JavaScript, which lie in `pkg` already.
pub fn assets(pkg: &Path) -> Result<(), Failure> {
    let paths = Paths::read(&root().join("Trunk.toml"))?;
    copy_public(&paths.site)?;
    finish(pkg)?;
    check_size(&files_under(pkg))
}

fn build_wasm() -> Result<std::path::PathBuf, Failure> {
    let status = cargo()
        .args(["build", "--package", "signalbox-frontend", "--profile", "wasm-release"])
        .args(["--target", "wasm32-unknown-unknown"])
        .status()?;
    if !status.success() {
        return Err("the frontend does not build. If it says E0463 (can't find crate for `core` or another one), run `make setup`, \
             and delete target/wasm32-unknown-unknown if the compiler has changed"
            .into());
    }
    Ok(target().join("wasm32-unknown-unknown/wasm-release/frontend.wasm"))
}

/// Writes the JavaScript glue and the WASM that goes with it. The names in it are not needed; `target_features` is kept.
fn bind(wasm: &Path, pkg: &Path) -> Result<(), Failure> {
    Bindgen::new()
        .input_path(wasm)
        .out_name("frontend")
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

fn finish(pkg: &Path) -> Result<(), Failure> {
    write_stylesheet(&pkg.join(STYLESHEET))?;
    let files = files_under(pkg);
    for file in &files {
        compress::beside(file)?;
    }
    manifest::write(pkg, &files)
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

fn check_size(files: &[std::path::PathBuf]) -> Result<(), Failure> {
    let mut total_kib = 0.0;
    for file in files {
        if let Some(bytes) = compress::brotli_size(file) {
            let kib = bytes as f64 / 1024.0;
            total_kib += kib;
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            println!("{name:>24} {kib:7.1} KiB brotli");
        }
    }
    println!(
        "{:>24} {total_kib:7.1} KiB brotli, of {MAX_FIRST_LOAD_KIB} allowed; the goal is {GOAL_FIRST_LOAD_KIB}",
        "first load"
    );
    if total_kib > MAX_FIRST_LOAD_KIB && std::env::var_os("SIGNALBOX_ANY_SIZE").is_none() {
        return Err("the first load is too large. `twiggy top` on \
             target/wasm32-unknown-unknown/wasm-release/frontend.wasm shows what grew; set \
             SIGNALBOX_ANY_SIZE=1 to go on all the same"
            .into());
    }
    Ok(())
}
