//! What cargo knows of the workspace and of what it depends on.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::process;

/// A package, of the workspace or of a registry.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Package {
    /// Its name.
    pub(crate) name: String,
    /// Its version.
    #[serde(default)]
    pub(crate) version: String,
    /// Its features, each with what it turns on.
    #[serde(default)]
    pub(crate) features: BTreeMap<String, Vec<String>>,
    /// The oldest compiler that it says it builds with.
    #[serde(default)]
    pub(crate) rust_version: Option<String>,
    /// Where it is from; none for members of the workspace.
    #[serde(default)]
    pub(crate) source: Option<String>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

/// The members of the workspace.
pub(crate) fn members(root: &Path) -> Result<Vec<Package>> {
    packages(root, &["--no-deps"])
}

/// The members and all that the lock file names.
pub(crate) fn all(root: &Path) -> Result<Vec<Package>> {
    packages(root, &["--locked"])
}

fn packages(root: &Path, flags: &[&str]) -> Result<Vec<Package>> {
    let mut command = process::cargo(root, None);
    command.args(["metadata", "--format-version", "1"]).args(flags);
    let output = process::capture(&mut command, "install Rust")?;
    if !output.status.success() {
        bail!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let metadata: Metadata = serde_json::from_slice(&output.stdout).context("cannot read what cargo metadata says")?;
    Ok(metadata.packages)
}
