//! The code of the pages apart from the app's own, as `app/src/chunks.rs` says.
//!
//! What several chunks share is in parts of their own, dozens of them. So that a first page is not dozens of requests, each chunk also
//! has a pack: one file with all the parts it needs.

use std::path::{Path, PathBuf};

use regex::Regex;
use walrus::{Module, ModuleConfig, RawCustomSection};
use wasm_split_cli_support::Options;

use crate::Failure;
use crate::workspace::at;

/// The JavaScript that fetches the chunks.
pub const LOADER: &str = "chunks.js";

/// Cuts `wasm` up: writes the parts, the packs and their loader into `pkg`, and [`main_of`] it beside it. Says which chunks there are.
pub fn split(wasm: &Path, pkg: &Path) -> Result<Vec<String>, Failure> {
    let bytes = std::fs::read(wasm).map_err(at(wasm))?;
    let main = main_of(wasm);
    let (link_name, main_module) = (format!("./{LOADER}"), "./frontend.js");
    let mut options = Options::new(&bytes);
    options.output_dir = pkg;
    options.main_out_path = &main;
    options.link_name = &link_name;
    options.main_module = main_module;
    let split = wasm_split_cli_support::transform(options)
        .map_err(|error| format!("splitting the bundle: {error:#}"))?;
    for part in &split.split_modules {
        slim(part)?;
    }
    for (chunk, parts) in &split.prefetch_map {
        pack(pkg, chunk, parts)?;
    }
    fetch_from_packs(&pkg.join(LOADER))?;
    let mut chunks: Vec<String> = split.prefetch_map.into_keys().collect();
    chunks.sort();
    Ok(chunks)
}

/// What stays of `wasm` when the chunks are cut off.
pub fn main_of(wasm: &Path) -> PathBuf {
    wasm.with_extension("main.wasm")
}

/// The file with all that `chunk` needs.
pub fn pack_of(chunk: &str) -> String {
    format!("pack_{chunk}.wasm")
}

/// Drops what a part does not need: the names of its functions, which are half of its bytes, and every type and import of the whole.
fn slim(part: &Path) -> Result<(), Failure> {
    let mut config = ModuleConfig::new();
    config.generate_name_section(false).generate_producers_section(false);
    let mut module =
        config.parse_file(part).map_err(|error| format!("{}: {error:#}", part.display()))?;
    module.customs.remove_raw("target_features");
    walrus::passes::gc::run(&mut module);
    std::fs::write(part, module.emit_wasm()).map_err(at(part))
}

/// Writes a module that has nothing but a custom section for each of `parts`.
fn pack(pkg: &Path, chunk: &str, parts: &[String]) -> Result<(), Failure> {
    let mut module = Module::default();
    for part in parts {
        let file = pkg.join(format!("{part}.wasm"));
        let data = std::fs::read(&file).map_err(at(&file))?;
        module.customs.add(RawCustomSection { name: part.clone(), data });
    }
    let target = pkg.join(pack_of(chunk));
    std::fs::write(&target, module.emit_wasm()).map_err(at(&target))
}

/// Has the loader look into the page's pack before it asks the server for a part.
fn fetch_from_packs(loader: &Path) -> Result<(), Failure> {
    let js = std::fs::read_to_string(loader).map_err(at(loader))?;
    let fetch = Regex::new(r#"fetch\(new URL\("\./(\w+)\.wasm", import\.meta\.url\)\)"#)?;
    let js = fetch.replace_all(&js, r#"part("$1")"#);
    if !js.contains("part(\"") {
        return Err("wasm_split_cli_support writes its loader differently now: see split.rs".into());
    }
    std::fs::write(loader, js.into_owned() + include_str!("parts.js")).map_err(at(loader))
}
