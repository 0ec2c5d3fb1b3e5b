//! The direction of dependency between the crates.
//!
//! ```text
//!                 mtl-train                xtask (none, and no libtorch)
//!    ________________|________________
//!   |           |          |          |
//! attention   heads     metrics     data
//!   |___________|__________|__________|
//!                    |
//!                 mtl-core
//! ```
//!
//! Arrows point down only, and the four crates of the middle never depend on each other, not even for
//! tests. The table below is that picture; a new crate has to be entered here before it passes.

use super::{Complaint, SourceFile};

/// Each crate with the workspace crates it may depend on.
const ALLOWED: [(&str, &[&str]); 7] = [
    ("mtl-core", &[]),
    ("mtl-attention", &["mtl-core"]),
    ("mtl-heads", &["mtl-core"]),
    ("mtl-metrics", &["mtl-core"]),
    ("mtl-data", &["mtl-core"]),
    ("mtl-train", &["mtl-core", "mtl-attention", "mtl-heads", "mtl-metrics", "mtl-data"]),
    ("xtask", &[]),
];

/// Checks the manifest of a crate.
pub(super) fn direction(file: &SourceFile) -> Vec<Complaint> {
    let Some(folder) = file.path.strip_suffix("/Cargo.toml") else {
        return Vec::new();
    };
    let manifest: toml::Table = match file.text.parse() {
        Ok(manifest) => manifest,
        Err(error) => return vec![Complaint::file(format!("is not TOML: {}", error.message()))],
    };
    let Some((_, allowed)) = ALLOWED.iter().find(|(name, _)| *name == folder) else {
        return vec![Complaint::file("a crate that the dependency table in xtask/src/tidy/crates.rs does not know")];
    };
    dependencies(&manifest)
        .into_iter()
        .filter_map(|name| {
            if name.starts_with("mtl-") && !allowed.contains(&name.as_str()) {
                Some(Complaint::file(format!("{folder} must not depend on {name}")))
            } else if folder == "xtask" && matches!(name.as_str(), "tch" | "torch-sys") {
                Some(Complaint::file("xtask must build before libtorch is there"))
            } else {
                None
            }
        })
        .collect()
}

/// Package names of all dependencies, of every kind and platform.
fn dependencies(manifest: &toml::Table) -> Vec<String> {
    let kinds = ["dependencies", "dev-dependencies", "build-dependencies"];
    let platforms = manifest.get("target").and_then(toml::Value::as_table).into_iter().flatten();
    std::iter::once(manifest)
        .chain(platforms.filter_map(|(_, value)| value.as_table()))
        .flat_map(|table| kinds.iter().filter_map(|kind| table.get(*kind)?.as_table()))
        .flatten()
        .map(|(key, value)| {
            // A renamed dependency says its real name in `package`.
            let package = value.get("package").and_then(toml::Value::as_str);
            package.unwrap_or(key).to_owned()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(folder: &str, text: &str) -> Vec<String> {
        let file = SourceFile { path: format!("{folder}/Cargo.toml"), text: text.to_owned() };
        direction(&file).into_iter().map(|complaint| complaint.message).collect()
    }

    #[test]
    fn arrows_point_down() {
        let core = "[dependencies]\nmtl-core.workspace = true\ntch.workspace = true\n";
        assert!(complaints("mtl-heads", core).is_empty());
        assert!(complaints("mtl-train", "[dependencies]\nmtl-heads.workspace = true\n").is_empty());
        let sibling = "[dev-dependencies]\nmtl-data.workspace = true\n";
        assert_eq!(complaints("mtl-heads", sibling), ["mtl-heads must not depend on mtl-data"]);
        let up = "[target.'cfg(unix)'.dependencies]\nx = { package = \"mtl-train\", path = \"x\" }\n";
        assert_eq!(complaints("mtl-core", up), ["mtl-core must not depend on mtl-train"]);
    }

    #[test]
    fn xtask_stands_alone() {
        assert_eq!(complaints("xtask", "[dependencies]\ntch = \"1\"\n").len(), 1);
        assert_eq!(complaints("xtask", "[dependencies]\nmtl-core.workspace = true\n").len(), 1);
        assert!(complaints("xtask", "[dependencies]\nclap = \"4\"\n").is_empty());
    }

    #[test]
    fn unknown_crates_and_broken_manifests_are_named() {
        assert!(complaints("mtl-extra", "")[0].contains("does not know"));
        assert!(complaints("mtl-core", "[dependencies\n")[0].contains("not TOML"));
    }
}
