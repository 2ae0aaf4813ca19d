//! What the server must know of the bundle.

use std::path::{Path, PathBuf};

use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::Failure;
use crate::workspace::at;

/// Hex digits of the version in a URL.
const DIGITS: usize = 16;

/// Writes `manifest.json`: the version, which is the hash of all `files`, and the names of the chunks.
pub fn write(pkg: &Path, files: &[PathBuf], chunks: &[String]) -> Result<(), Failure> {
    let mut all = Sha256::new();
    for file in files {
        all.update(std::fs::read(file).map_err(at(file))?);
    }
    let version = &hex(&all.finalize())[..DIGITS];
    let target = pkg.join("manifest.json");
    let json = serde_json::to_string_pretty(&json!({ "version": version, "chunks": chunks }))?;
    std::fs::write(&target, json + "\n").map_err(at(&target))
}

/// SHA-256 in hex.
pub fn hash(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
