//! Taking chosen files out of zip and tar archives, and nothing else.
//!
//! An archive comes from outside, so its names are not trusted: an entry is written only if the
//! caller's `select` maps its name to a relative destination, and any chosen name that is absolute,
//! climbs with `..` or hides a backslash aborts the whole extraction. Only plain files are written
//! (no links, no devices), never over an existing file, and never more bytes than the entry declares.

use std::fs::{self, File};
use std::io::{self, Read, Seek};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

/// Extracts the entries of a zip archive for which `select` names a destination below `dest`.
///
/// Returns the destinations, in archive order.
pub(crate) fn unzip(
    archive: impl Read + Seek,
    dest: &Path,
    select: impl Fn(&str) -> Option<String>,
) -> Result<Vec<PathBuf>> {
    let mut archive = zip::ZipArchive::new(archive).context("not a readable zip archive")?;
    let mut written = Vec::new();
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).context("damaged zip archive")?;
        let name = entry.name().to_owned();
        let Some(target) = select(&name) else {
            continue;
        };
        if entry.is_dir() {
            continue;
        }
        ensure!(entry.is_file(), "archive entry {name:?} is not a plain file");
        checked(&name)?;
        let target = checked(&target)?;
        let size = entry.size();
        write_file(&mut entry, size, &dest.join(&target)).with_context(|| format!("cannot unpack {name:?}"))?;
        written.push(target);
    }
    Ok(written)
}

/// The same for a tar stream (already decompressed).
pub(crate) fn untar(stream: impl Read, dest: &Path, select: impl Fn(&str) -> Option<String>) -> Result<Vec<PathBuf>> {
    let mut archive = tar::Archive::new(stream);
    let mut written = Vec::new();
    for entry in archive.entries().context("not a readable tar archive")? {
        let mut entry = entry.context("damaged tar archive")?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let Some(target) = select(&name) else {
            continue;
        };
        if entry.header().entry_type().is_dir() {
            continue;
        }
        ensure!(entry.header().entry_type().is_file(), "archive entry {name:?} is not a plain file");
        // Debian writes every member as `./usr/..`; that prefix is harmless.
        checked(name.strip_prefix("./").unwrap_or(&name))?;
        let target = checked(&target)?;
        let size = entry.size();
        write_file(&mut entry, size, &dest.join(&target)).with_context(|| format!("cannot unpack {name:?}"))?;
        written.push(target);
    }
    Ok(written)
}

/// The one text file of a zip archive whose name `wanted` accepts.
pub(crate) fn read_text(archive: impl Read + Seek, wanted: impl Fn(&str) -> bool) -> Result<Option<String>> {
    let mut archive = zip::ZipArchive::new(archive).context("not a readable zip archive")?;
    let Some(name) = archive.file_names().find(|name| wanted(name)).map(str::to_owned) else {
        return Ok(None);
    };
    let mut text = String::new();
    archive
        .by_name(&name)
        .context("damaged zip archive")?
        // Metadata files have a few dozen kilobytes; the bound keeps a bad archive from eating memory.
        .take(16 << 20)
        .read_to_string(&mut text)
        .with_context(|| format!("archive entry {name:?} is not text"))?;
    Ok(Some(text))
}

/// `name` as a relative path of plain components, or an error.
fn checked(name: &str) -> Result<PathBuf> {
    let path = Path::new(name);
    let plain = path.components().all(|part| matches!(part, Component::Normal(_)));
    if name.is_empty() || !plain || name.contains(['\\', '\0']) {
        bail!("archive entry {name:?} does not stay inside its folder");
    }
    Ok(path.to_path_buf())
}

fn write_file(source: &mut impl Read, size: u64, path: &Path) -> Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut file = File::create_new(path)?;
    // One byte more than declared is enough to notice a liar.
    let copied = io::copy(&mut source.take(size.saturating_add(1)), &mut file)?;
    ensure!(copied == size, "{copied} bytes found, {size} declared");
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use super::*;

    fn zip_with(names: &[&str]) -> Cursor<Vec<u8>> {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for name in names {
            writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
            writer.write_all(b"content").unwrap();
        }
        writer.finish().unwrap()
    }

    /// A one-entry tar whose name is written raw, as an attacker would.
    fn tar_with(name: &str, kind: tar::EntryType) -> Vec<u8> {
        let mut header = tar::Header::new_gnu();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(if kind.is_file() { 7 } else { 0 });
        header.set_entry_type(kind);
        header.set_cksum();
        let mut builder = tar::Builder::new(Vec::new());
        let content: &[u8] = if kind.is_file() { b"content" } else { b"" };
        builder.append(&header, content).unwrap();
        builder.into_inner().unwrap()
    }

    #[test]
    fn unzip_writes_the_chosen_entries_only() {
        let tmp = tempfile::tempdir().unwrap();
        let written = unzip(zip_with(&["torch/lib/a.so", "torch/b.py"]), tmp.path(), |name| {
            name.strip_prefix("torch/lib/").map(|rest| format!("lib/{rest}"))
        })
        .unwrap();
        assert_eq!(written, [PathBuf::from("lib/a.so")]);
        assert_eq!(fs::read(tmp.path().join("lib/a.so")).unwrap(), b"content");
        assert!(!tmp.path().join("b.py").exists());
    }

    #[test]
    fn names_that_leave_the_folder_are_refused() {
        for name in ["../evil", "/etc/evil", "a/../../evil", "a\\..\\evil", ""] {
            assert!(checked(name).is_err(), "{name:?} was accepted");
        }
        let outer = tempfile::tempdir().unwrap();
        let inner = outer.path().join("inner");
        fs::create_dir(&inner).unwrap();
        for name in ["../evil", "x/../../evil"] {
            assert!(unzip(zip_with(&[name]), &inner, |n| Some(n.to_owned())).is_err());
            let tar = tar_with(name, tar::EntryType::Regular);
            assert!(untar(&tar[..], &inner, |n| Some(n.to_owned())).is_err());
        }
        assert_eq!(fs::read_dir(outer.path()).unwrap().count(), 1);
        assert_eq!(fs::read_dir(&inner).unwrap().count(), 0);
    }

    #[test]
    fn tar_links_are_refused_and_debian_prefixes_accepted() {
        let tmp = tempfile::tempdir().unwrap();
        let link = tar_with("./usr/link", tar::EntryType::Symlink);
        assert!(untar(&link[..], tmp.path(), |_| Some("x".into())).is_err());
        let file = tar_with("./usr/share/x.gz", tar::EntryType::Regular);
        let written = untar(&file[..], tmp.path(), |_| Some("x.gz".into())).unwrap();
        assert_eq!(written, [PathBuf::from("x.gz")]);
    }

    #[test]
    fn a_file_is_never_overwritten() {
        let tmp = tempfile::tempdir().unwrap();
        assert!(unzip(zip_with(&["a", "b"]), tmp.path(), |_| Some("same".into())).is_err());
    }

    #[test]
    fn text_is_found_by_name() {
        let zip = zip_with(&["x-1.dist-info/METADATA"]);
        let found = read_text(zip.clone(), |n| n.ends_with("/METADATA")).unwrap();
        assert_eq!(found.as_deref(), Some("content"));
        assert_eq!(read_text(zip, |n| n == "other").unwrap(), None);
    }

    #[test]
    fn garbage_is_an_error_not_a_panic() {
        let tmp = tempfile::tempdir().unwrap();
        assert!(unzip(Cursor::new(b"no zip".to_vec()), tmp.path(), |_| None).is_err());
        assert!(untar(&[7_u8; 600][..], tmp.path(), |_| Some("x".into())).is_err());
    }
}
