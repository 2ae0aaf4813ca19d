//! A backup's file and its manifest on the disk: complete or not there, and for nobody else's eyes.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use signalbox_model::backup::Manifest;

use super::BackupError;

const READ_AT_ONCE: usize = 1 << 20;

/// Makes an empty file that only its owner may read: pg_dump writes into it.
pub(super) fn create(path: &Path) -> Result<(), BackupError> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .map(drop)
        .map_err(BackupError::file("make", path))
}

/// Size and SHA-256 of a file. Missing it is an error of its own.
pub(super) async fn digest(path: &Path) -> Result<(i64, String), BackupError> {
    let path = path.to_path_buf();
    let failed = BackupError::file("read", &path);
    tokio::task::spawn_blocking(move || read_digest(&path))
        .await
        .map_err(|error| failed(std::io::Error::other(error)))?
}

fn read_digest(path: &Path) -> Result<(i64, String), BackupError> {
    let mut file = File::open(path).map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound => BackupError::Missing { path: path.to_path_buf() },
        _ => BackupError::file("open", path)(source),
    })?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; READ_AT_ONCE];
    let mut bytes = 0;
    loop {
        let read = file.read(&mut buffer).map_err(BackupError::file("read", path))?;
        if read == 0 {
            return Ok((bytes, hex(&hash.finalize())));
        }
        bytes += i64::try_from(read).unwrap_or(i64::MAX);
        hash.update(&buffer[..read]);
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Goes on only if the file is what was written.
pub(super) async fn check(path: &Path, expected: &str) -> Result<(), BackupError> {
    let (_, found) = digest(path).await?;
    if found == expected {
        return Ok(());
    }
    Err(BackupError::Tampered { path: path.to_path_buf(), expected: expected.to_owned(), found })
}

/// Where a file's manifest is.
pub(super) fn manifest_of(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".json");
    PathBuf::from(name)
}

/// Gives the complete dump `part` its name, its manifest beside it; both survive a crash from then
/// on.
pub(super) fn complete(part: &Path, file: &Path, manifest: &Manifest) -> Result<(), BackupError> {
    let beside = manifest_of(file);
    create(&beside)?;
    let text = serde_json::to_vec_pretty(manifest)
        .map_err(|source| BackupError::Manifest { path: beside.clone(), source })?;
    let mut written =
        OpenOptions::new().write(true).open(&beside).map_err(BackupError::file("open", &beside))?;
    written
        .write_all(&text)
        .and_then(|()| written.sync_all())
        .map_err(BackupError::file("write", &beside))?;
    File::open(part).and_then(|file| file.sync_all()).map_err(BackupError::file("write", part))?;
    std::fs::rename(part, file).map_err(BackupError::file("name", file))?;
    let dir = file.parent().unwrap_or(file);
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(BackupError::file("write", dir))
}

/// What stands beside a file, if anything does.
pub(super) fn manifest(file: &Path) -> Result<Option<Manifest>, BackupError> {
    let path = manifest_of(file);
    match std::fs::read(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(BackupError::file("read", &path)(error)),
        Ok(text) => serde_json::from_slice(&text)
            .map(Some)
            .map_err(|source| BackupError::Manifest { path, source }),
    }
}

/// Removes a file and its manifest, if they are here. Returns whether the file was.
pub(super) fn remove(file: &Path) -> bool {
    // A manifest that stays behind hurts nobody.
    let _ = std::fs::remove_file(manifest_of(file));
    std::fs::remove_file(file).is_ok()
}
