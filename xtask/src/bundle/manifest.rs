//! The hash of each file, for URLs that may be cached for ever.

use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::Failure;
use crate::workspace::at;

/// Hex digits of a hash in a URL.
const DIGITS: usize = 16;

/// Writes `manifest.json`: path under `pkg` → hash.
pub fn write(pkg: &Path, files: &[PathBuf]) -> Result<(), Failure> {
    let mut hashes = serde_json::Map::new();
    for file in files {
        let bytes = std::fs::read(file).map_err(at(file))?;
        let name = file.strip_prefix(pkg)?.to_string_lossy().into_owned();
        hashes.insert(name, hash(&bytes)[..DIGITS].into());
    }
    let target = pkg.join("manifest.json");
    let json = serde_json::to_string_pretty(&hashes)?;
    std::fs::write(&target, json + "\n").map_err(at(&target))
}

/// SHA-256 in hex.
pub fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
