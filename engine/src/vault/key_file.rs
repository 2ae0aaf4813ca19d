//! Master keys in a file of the data directory, for those who give none in the environment: one a
//! line, in base64, the one that encrypts first. Nobody but its owner may read it.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret as _, SecretString};

use super::keyring::{Keyring, MasterKey};

/// What is done about it, whatever went wrong.
const ADVICE: &str = "or set SIGNALBOX_VAULT_KEY";

/// The keys in `file`; a new one in a new file, if there is none.
pub(super) fn open(file: &Path) -> Result<Keyring, String> {
    if !file.exists() {
        create(file, &[MasterKey::generate()]).map_err(|error| {
            format!("cannot write {}: {error}; mend that, {ADVICE}", file.display())
        })?;
    }
    read(file)
}

/// The keys in `file`.
pub(super) fn read(file: &Path) -> Result<Keyring, String> {
    let place = file.display();
    let unread =
        |error: std::io::Error| format!("cannot read {place}: {error}; mend that, {ADVICE}");
    let mode = fs::metadata(file).map_err(unread)?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(format!("others may read {place}: chmod 600 it, {ADVICE}"));
    }
    let text = SecretString::from(fs::read_to_string(file).map_err(unread)?);
    let lines = text.expose_secret().lines().map(str::trim).filter(|line| !line.is_empty());
    let keys: Result<Vec<_>, _> = lines.map(MasterKey::from_base64).collect();
    let mut keys =
        keys.map_err(|error| format!("{place} is no file of keys: {error}"))?.into_iter();
    let current = keys.next().ok_or_else(|| format!("{place} is empty: remove it, {ADVICE}"))?;
    Ok(Keyring::new(current, keys.collect()))
}

/// Puts `key` before those in `file`.
pub(super) fn add(file: &Path, key: MasterKey) -> Result<Keyring, String> {
    let unwritten = |error: std::io::Error| format!("cannot write {}: {error}", file.display());
    let mut keys = open(file)?.into_keys();
    keys.insert(0, key);
    let new = draft(file, &keys).map_err(unwritten)?;
    fs::rename(&new, file).map_err(unwritten)?;
    read(file)
}

/// Makes `file`, whole or not at all. Leaves one that another process has made meanwhile.
fn create(file: &Path, keys: &[MasterKey]) -> std::io::Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let new = draft(file, keys)?;
    let linked = fs::hard_link(&new, file);
    fs::remove_file(&new)?;
    match linked {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    }
}

/// A file beside `file` with these keys, on the disk.
fn draft(file: &Path, keys: &[MasterKey]) -> std::io::Result<PathBuf> {
    let new = file.with_extension(format!("new-{}", std::process::id()));
    let mut written: File =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    written.set_permissions(Permissions::from_mode(0o600))?;
    for key in keys {
        writeln!(written, "{}", key.to_base64().expose_secret())?;
    }
    written.sync_all()?;
    Ok(new)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Folder {
            let folder =
                std::env::temp_dir().join(format!("signalbox-{name}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&folder);
            Folder(folder)
        }

        fn file(&self) -> PathBuf {
            self.0.join("vault.key")
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn id(keys: &Keyring) -> String {
        keys.current().unwrap().id().to_owned()
    }

    #[test]
    fn av_7_the_file_is_made_once_for_its_owner_alone_and_keeps_old_keys() {
        let folder = Folder::new("vault-made");
        let first = open(&folder.file()).unwrap();
        assert_eq!(fs::metadata(folder.file()).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(id(&open(&folder.file()).unwrap()), id(&first));
        let second = add(&folder.file(), MasterKey::generate()).unwrap();
        assert_ne!(id(&second), id(&first));
        assert!(second.find(&id(&first)).is_some());
        assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn av_7_a_file_that_others_may_read_or_that_holds_no_keys_is_refused_with_what_to_do() {
        let folder = Folder::new("vault-refused");
        open(&folder.file()).unwrap();
        fs::set_permissions(folder.file(), Permissions::from_mode(0o640)).unwrap();
        assert!(open(&folder.file()).unwrap_err().contains("chmod 600"));
        fs::set_permissions(folder.file(), Permissions::from_mode(0o600)).unwrap();
        fs::write(folder.file(), "hunter2").unwrap();
        let refused = open(&folder.file()).unwrap_err();
        assert!(refused.contains("32 bytes") && !refused.contains("hunter2"), "{refused}");
    }
}
