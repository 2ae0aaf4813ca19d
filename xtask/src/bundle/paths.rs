//! Where the bundle goes: as `Trunk.toml` says, so that both ways of bundling agree.

use std::path::{Path, PathBuf};

use crate::Failure;
use crate::workspace::{at, root};

/// The folders of the bundle.
pub struct Paths {
    /// What the server sends files from.
    pub site: PathBuf,
    /// The folder in it for WASM, JavaScript and CSS: Trunk's `dist`.
    pkg: PathBuf,
}

impl Paths {
    pub fn read(trunk_toml: &Path) -> Result<Self, Failure> {
        let text = std::fs::read_to_string(trunk_toml).map_err(at(trunk_toml))?;
        let dist = dist(&text).map_err(at(trunk_toml))?;
        let pkg = root().join(dist);
        let site = pkg.parent().ok_or("`dist` in Trunk.toml has no parent folder")?.to_path_buf();
        Ok(Self { site, pkg })
    }

    pub fn pkg_name(&self) -> &Path {
        self.pkg.file_name().map_or(Path::new("pkg"), Path::new)
    }
}

fn dist(toml: &str) -> Result<String, String> {
    let table: toml::Table = toml.parse().map_err(|error: toml::de::Error| error.to_string())?;
    let dist =
        table.get("build").and_then(|build| build.get("dist")).and_then(|dist| dist.as_str());
    dist.map(str::to_owned).ok_or_else(|| "[build] has no `dist`".to_owned())
}

#[cfg(test)]
mod tests {
    use super::dist;

    #[test]
    fn the_folder_is_trunks() {
        assert_eq!(dist("[build]\ndist = \"target/site/pkg\"").as_deref(), Ok("target/site/pkg"));
        assert!(dist("[watch]").is_err());
    }
}
