//! Finding and reading text files, bounded in number and size so that a start stays quick.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Only this much of a file is read.
const MAX_FILE_BYTES: u64 = 64 * 1024;
/// A folder named by the operator is followed this many levels down.
const MAX_DEPTH: usize = 3;

/// The READMEs of the crates in the local cargo registry (`CARGO_HOME`, else `~/.cargo`), sorted by path.
pub fn registry_readmes() -> Vec<PathBuf> {
    let home = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".cargo")));
    let Some(home) = home else { return Vec::new() };
    let mut readmes: Vec<PathBuf> = entries(&home.join("registry").join("src"))
        .iter()
        .flat_map(|index| entries(index))
        .map(|krate| krate.join("README.md"))
        .filter(|readme| readme.is_file())
        .collect();
    readmes.sort();
    readmes
}

/// The `.md` and `.txt` files under `dir`, sorted by path.
pub fn texts_under(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    collect(dir, MAX_DEPTH, &mut found);
    found.sort();
    found
}

fn collect(dir: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    for path in entries(dir) {
        let is_text = path.extension().is_some_and(|ext| ext == "md" || ext == "txt");
        if is_text && path.is_file() {
            found.push(path);
        } else if depth > 1 && path.is_dir() {
            collect(&path, depth - 1, found);
        }
    }
}

/// The start of a file as text; an unreadable file is empty, and bytes that are no UTF-8 are replaced.
pub fn read_start(path: &Path) -> String {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAX_FILE_BYTES).read_to_end(&mut bytes));
    if let Err(error) = read {
        tracing::debug!(path = %path.display(), %error, "unreadable corpus file");
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn entries(dir: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(dir)
        .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
        .unwrap_or_default()
}
