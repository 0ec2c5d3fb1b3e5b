//! Gives our programs a run path to libtorch, so that they start without cargo and without LD_LIBRARY_PATH.

use std::env;

fn main() {
    if let Ok(lib_dir) = env::var("DEP_MTL_SHIM_LIBDIR") {
        println!("cargo:rustc-link-arg-bins=-Wl,-rpath,{lib_dir}");
    }
    println!("cargo:rerun-if-changed=build.rs");
}
