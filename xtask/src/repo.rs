//! Where the repository is.
//!
//! Cargo runs this program in the directory the user stands in, which may be any folder of the
//! workspace, so the root is found by walking up. The compiled-in manifest path is not used: it
//! would go stale when a checkout moves.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::problem::Problem;

/// The workspace root above the current directory.
pub(crate) fn root() -> Result<PathBuf> {
    let here = std::env::current_dir().context("cannot read the current directory")?;
    root_above(&here).ok_or_else(|| {
        Problem::error(
            format!("no workspace found at or above {}", here.display()),
            "run `cargo xtask` from inside the checkout",
        )
    })
}

fn root_above(start: &Path) -> Option<PathBuf> {
    start
        .ancestors()
        .find(|dir| {
            dir.join("xtask").is_dir()
                && fs::read_to_string(dir.join("Cargo.toml")).is_ok_and(|manifest| manifest.contains("[workspace]"))
        })
        .map(Path::to_path_buf)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_found_from_a_nested_folder_and_nowhere_else() {
        let tmp = tempfile::tempdir().unwrap();
        let nested = tmp.path().join("mtl-core/src");
        fs::create_dir_all(&nested).unwrap();
        assert_eq!(root_above(&nested), None);
        fs::create_dir(tmp.path().join("xtask")).unwrap();
        fs::write(tmp.path().join("Cargo.toml"), "[workspace]\n").unwrap();
        assert_eq!(root_above(&nested).as_deref(), Some(tmp.path()));
    }
}
