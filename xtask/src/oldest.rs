//! The oldest compiler that the manifests promise (`rust-version`), held to that promise.
//!
//! Three questions, of which the first needs no other compiler: does each crate that the lock file names build with it, by its
//! own word? Do all members promise the same? And does the workspace compile with exactly that version: where the running
//! compiler is that version, every other stage says so; else rustup may have it, and all is checked with it in a target folder
//! of its own. Where it is not there, nobody has looked, which counts as skipped. (Clippy's `incompatible_msrv` looks for items
//! of the standard library that are younger, whatever runs.)

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::libtorch::Libtorch;
use crate::metadata::{self, Package};
use crate::process;
use crate::skip::{Lacking, Note};

/// What the stage found.
pub(crate) enum Verdict {
    /// The promise is kept.
    Good,
    /// It is broken, and why is printed.
    Broken,
    /// The compiler is not on this machine.
    Unknown(Note),
}

/// Runs the stage.
pub(crate) fn check(root: &Path, libtorch: &Libtorch) -> Result<Verdict> {
    let packages = metadata::all(root)?;
    let promised = match promise(&packages) {
        Ok(promised) => promised,
        Err(complaints) => {
            println!("{}", complaints.join("\n"));
            return Ok(Verdict::Broken);
        }
    };
    let running = process::first_line("rustc", &["--version"]).context("rustc does not say its version")?;
    if numbers(running.split(' ').nth(1).unwrap_or_default())[..2] == numbers(&promised)[..2] {
        println!("rust-version {promised} is what runs here ({running}): every stage is built with it");
        return Ok(Verdict::Good);
    }
    if process::first_line("rustup", &["run", &promised, "rustc", "--version"]).is_none() {
        let note = Note {
            lacking: Lacking::Compiler,
            what: format!("rust-{promised}"),
            test: "oldest compiler".into(),
            place: "Cargo.toml".into(),
            reason: format!("rustup toolchain install {promised} --profile minimal"),
        };
        println!("{note}");
        return Ok(Verdict::Unknown(note));
    }
    let mut command = Command::new("rustup");
    command.current_dir(root).env("LIBTORCH", libtorch.env_value()).args(["run", &promised, "cargo", "check"]);
    // Rustup's cargo must look for its own rustc.
    command.env_remove("CARGO").env_remove("RUSTC").args([
        "--workspace",
        "--all-targets",
        "--all-features",
        "--locked",
    ]);
    command.args(["--target-dir", "target/oldest"]);
    let good = process::run(&mut command, "install rustup")?.success();
    Ok(if good { Verdict::Good } else { Verdict::Broken })
}

/// The one version that all members promise and that nothing which they depend on contradicts; else what is wrong.
fn promise(packages: &[Package]) -> std::result::Result<String, Vec<String>> {
    let (members, others): (Vec<&Package>, Vec<&Package>) = packages.iter().partition(|p| p.source.is_none());
    let Some(promised) = members.iter().find_map(|member| member.rust_version.clone()) else {
        return Err(vec!["no member of the workspace says its rust-version".to_owned()]);
    };
    let differs = members.iter().filter(|member| member.rust_version.as_ref() != Some(&promised));
    let differs = differs.map(|member| format!("{}: rust-version is not the others' {promised}", member.name));
    let wants = |package: &&&Package| {
        package.rust_version.as_deref().is_some_and(|wanted| numbers(wanted) > numbers(&promised))
    };
    let younger = others.iter().filter(wants).map(|package| {
        let wanted = package.rust_version.as_deref().unwrap_or_default();
        format!("{} {} wants rust {wanted}, rust-version promises {promised}", package.name, package.version)
    });
    let complaints: Vec<String> = differs.chain(younger).collect();
    if complaints.is_empty() { Ok(promised) } else { Err(complaints) }
}

/// `1.95` as `[1, 95, 0]`.
fn numbers(version: &str) -> [u32; 3] {
    let mut parts = version.split(['.', '-']).map(|part| part.parse().unwrap_or(0));
    [(); 3].map(|()| parts.next().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, rust_version: Option<&str>, source: Option<&str>) -> Package {
        let [rust_version, source] = [rust_version, source].map(|text| text.map(str::to_owned));
        Package { name: name.into(), version: "2.0.0".into(), rust_version, source, ..Package::default() }
    }

    #[test]
    fn a_promise_is_one_version_that_dependencies_keep() {
        let (a, b) = (package("a", Some("1.95"), None), package("b", Some("1.95"), None));
        let others = [package("c", Some("1.95.0"), Some("registry")), package("d", None, Some("registry"))];
        let with = |more: Package| promise(&[vec![a.clone(), b.clone(), more], others.to_vec()].concat());
        assert_eq!(with(package("e", Some("1.70"), Some("registry"))), Ok("1.95".to_owned()));
        let complaints = with(package("e", Some("1.96"), Some("registry"))).unwrap_err();
        assert_eq!(complaints, ["e 2.0.0 wants rust 1.96, rust-version promises 1.95"]);
        let complaints = with(package("e", Some("1.90"), None)).unwrap_err();
        assert_eq!(complaints, ["e: rust-version is not the others' 1.95"]);
        assert!(promise(&others).is_err());
    }

    #[test]
    fn versions_compare_by_their_numbers() {
        assert_eq!(numbers("1.95"), [1, 95, 0]);
        assert_eq!(numbers("1.96.0-nightly"), [1, 96, 0]);
        assert!(numbers("1.9") < numbers("1.10.1"));
    }
}
