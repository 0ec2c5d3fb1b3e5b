//! A crate outside the workspace that depends on ours by path builds and runs with only `LIBTORCH` set.
#![allow(clippy::unwrap_used, clippy::panic, clippy::float_cmp, reason = "helpers of tests; exact values on purpose")]

use std::{fs, path::Path, process::Command};

#[test]
fn a_foreign_crate_builds_and_runs_without_a_library_path() {
    let core = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = core.parent().unwrap();
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("src")).unwrap();
    // Profiles as the workspace has them: crates of others are built already then.
    let ours = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let profiles = &ours[ours.find("[profile.dev]").unwrap()..];
    let manifest = format!(
        "[package]\nname = \"foreign\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[dependencies]\nmtl-core = {{ path = {core:?} }}\n\
         tch = \"=0.24.0\"\n\n[workspace]\n\n{profiles}"
    );
    fs::write(dir.path().join("Cargo.toml"), manifest).unwrap();
    // The same versions as ours, so that the shared build folder already holds the bindings.
    fs::copy(root.join("Cargo.lock"), dir.path().join("Cargo.lock")).unwrap();
    fs::write(
        dir.path().join("src/main.rs"),
        r#"
        use mtl_core::{balance::{BalancerConfig, Evidence, Gramian}, task::{Task, TaskSet}};

        fn main() -> Result<(), mtl_core::Error> {
            let tasks = TaskSet::new(vec![Task::new("a")?, Task::new("b")?])?;
            let mut upgrad = BalancerConfig::by_name("upgrad")?.build(&tasks)?;
            let gramian = Gramian::new(2, vec![1.0, -2.0, -2.0, 4.25])?;
            let mut weights = [0.0; 2];
            upgrad.weigh(&Evidence { tasks: &[0, 1], gramian: Some(&gramian), ..Evidence::default() }, &mut weights)?;
            let sum = tch::Tensor::from_slice(&weights).sum(tch::Kind::Double).double_value(&[]);
            assert!((sum - weights.iter().sum::<f64>()).abs() < 1e-12);
            println!("weights {weights:?}");
            Ok(())
        }
        "#,
    )
    .unwrap();
    let libtorch = std::env::var_os("LIBTORCH").unwrap_or_else(|| root.join(".libtorch").into());
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), Into::into);
    let out = Command::new(env!("CARGO"))
        .args(["run", "--quiet"])
        .current_dir(dir.path())
        .env("LIBTORCH", libtorch)
        .env("CARGO_TARGET_DIR", target)
        .env_remove("LD_LIBRARY_PATH")
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    assert!(String::from_utf8_lossy(&out.stdout).contains("weights"));
}
