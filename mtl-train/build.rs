//! Gives our programs a run path to libtorch, so that they start without cargo and without LD_LIBRARY_PATH, and tells them
//! which libtorch they were built against (`mtl doctor`).

use std::{env, fs, path::Path};

fn main() {
    if let Ok(lib_dir) = env::var("DEP_MTL_SHIM_LIBDIR") {
        println!("cargo:rustc-link-arg-bins=-Wl,-rpath,{lib_dir}");
        let header = Path::new(&lib_dir).with_file_name("include").join("torch/headeronly/version.h");
        let text = fs::read_to_string(header).unwrap_or_default();
        // `#define TORCH_VERSION \` and the version in quotes on the next line.
        let version = text.split("define TORCH_VERSION ").nth(1).and_then(|rest| rest.split('"').nth(1));
        println!("cargo:rustc-env=MTL_LIBTORCH_VERSION={}", version.unwrap_or("unknown"));
    }
    println!("cargo:rerun-if-env-changed=DEP_MTL_SHIM_LIBDIR");
    println!("cargo:rerun-if-changed=build.rs");
}
