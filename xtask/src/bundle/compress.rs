//! Compressed copies, made once so that the server only sends them.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::manifest::hash;
use crate::Failure;
use crate::workspace::{at, target};

const TEXT: &[&str] = &["css", "html", "js", "json", "svg", "txt", "wasm", "webmanifest", "xml"];

/// Writes `.br` and `.gz` beside a file that is worth it.
pub fn beside(file: &Path) -> Result<(), Failure> {
    let extension = file.extension().unwrap_or_default().to_string_lossy();
    if !TEXT.contains(&extension.as_ref()) {
        return Ok(());
    }
    let bytes = std::fs::read(file).map_err(at(file))?;
    for (suffix, compress) in [("br", brotli as fn(&[u8]) -> _), ("gz", gzip)] {
        let compressed = cached(&bytes, suffix, compress)?;
        let target = with_suffix(file, suffix);
        std::fs::write(&target, compressed).map_err(at(&target))?;
    }
    Ok(())
}

/// Bytes of a file's brotli copy, if it has one.
pub fn brotli_size(file: &Path) -> Option<u64> {
    std::fs::metadata(with_suffix(file, "br")).ok().map(|metadata| metadata.len())
}

fn with_suffix(file: &Path, suffix: &str) -> PathBuf {
    let mut path = file.as_os_str().to_owned();
    path.push(".");
    path.push(suffix);
    PathBuf::from(path)
}

/// The best compression takes seconds: what has been compressed is kept under the hash of its content.
fn cached(
    bytes: &[u8],
    suffix: &str,
    compress: fn(&[u8]) -> std::io::Result<Vec<u8>>,
) -> Result<Vec<u8>, Failure> {
    let dir = target().join("compressed");
    let file = dir.join(format!("{}.{suffix}", hash(bytes)));
    if let Ok(compressed) = std::fs::read(&file) {
        return Ok(compressed);
    }
    let compressed = compress(bytes)?;
    // Renamed into place: one that is there is whole.
    let draft = file.with_extension(format!("{suffix}.{}", std::process::id()));
    std::fs::create_dir_all(&dir).map_err(at(&dir))?;
    std::fs::write(&draft, &compressed).map_err(at(&draft))?;
    std::fs::rename(&draft, &file).map_err(at(&file))?;
    Ok(compressed)
}

fn brotli(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let (buffer_bytes, quality, window) = (1 << 16, 11, 22);
    let mut encoder = ::brotli::CompressorWriter::new(Vec::new(), buffer_bytes, quality, window);
    encoder.write_all(bytes)?;
    encoder.flush()?;
    Ok(encoder.into_inner())
}

fn gzip(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::Read as _;

    #[test]
    fn what_is_compressed_reads_back_the_same() {
        let text = "signalbox ".repeat(1_000).into_bytes();
        let (br, gz) = (super::brotli(&text).unwrap(), super::gzip(&text).unwrap());
        assert!(br.len() < 100 && gz.len() < 100);
        let mut from_br = Vec::new();
        brotli::Decompressor::new(&br[..], 4096).read_to_end(&mut from_br).unwrap();
        let mut from_gz = Vec::new();
        flate2::read::GzDecoder::new(&gz[..]).read_to_end(&mut from_gz).unwrap();
        assert!(from_br == text && from_gz == text);
    }
}
