//! Builds the C++ shim against the libtorch that torch-sys found, and makes dependants link and run without
//! LD_LIBRARY_PATH.
//!
//! cargo puts a native search path into the loader path of `cargo run` and `cargo test` only when it lies inside the
//! build output of the profile. So the library folder is linked into OUT_DIR and *that* path is given to the linker.
//! Programs that are started without cargo need an rpath: `DEP_MTL_SHIM_LIBDIR` tells a direct dependant's build script
//! where the libraries are (see mtl-train/build.rs).

use std::{env, fs, path::PathBuf, process::exit};

/// What is compiled together: libtorch's headers take half a minute to read, our lines a second. Apart is what needs the headers of
/// functorch, since those and the older ones of the rest declare the same names.
const BUNDLES: &[&[&str]] = &[
    &["autocast.cpp", "grad.cpp", "gram.cpp", "mask.cpp", "optim.cpp", "rows.cpp", "runtime.cpp", "script.cpp"],
    &["lookup.cpp", "ranks.cpp", "vmap.cpp"],
];

fn main() {
    println!("cargo:rerun-if-changed=cpp");
    // For shared libraries, see src/shim/wait.rs.
    println!("cargo:rustc-check-cfg=cfg(mtl_no_preinit)");
    println!("cargo:rerun-if-env-changed=MTL_NO_PREINIT");
    if env::var_os("MTL_NO_PREINIT").is_some_and(|value| value != "0") {
        println!("cargo:rustc-cfg=mtl_no_preinit");
    }
    if env::var_os("CARGO_FEATURE_TORCH").is_none() {
        return;
    }
    let lib_dir = match env::var_os("DEP_TCH_LIBTORCH_LIB") {
        Some(dir) => PathBuf::from(dir),
        None => stop("torch-sys did not say where libtorch is; run `cargo xtask setup`, or set LIBTORCH"),
    };
    let lib_dir = lib_dir.canonicalize().unwrap_or(lib_dir);
    let include = lib_dir.with_file_name("include");
    if !include.join("ATen/ATen.h").is_file() {
        stop(&format!("no libtorch headers in {}; run `cargo xtask setup`", include.display()));
    }

    let mut build = cc::Build::new();
    build
        .cpp(true)
        .std("c++20")
        .warnings(false)
        // The kernels here are the point: optimized in every profile.
        .opt_level(3)
        // Of libtorch's templates it would be 50 MB in every program.
        .debug(false)
        .include("cpp")
        .include("cpp/stub")
        .include(&include)
        .include(include.join("torch/csrc/api/include"));
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    for (idx, sources) in BUNDLES.iter().enumerate() {
        let bundle = out.join(format!("bundle_{idx}.cpp"));
        let text: String = sources.iter().map(|source| format!("#include \"{source}\"\n")).collect();
        if let Err(e) = fs::write(&bundle, text) {
            stop(&format!("cannot write {}: {e}", bundle.display()));
        }
        build.file(bundle);
    }
    build.compile("mtl_shim");

    let link = out.join("libtorch");
    let _ = fs::remove_file(&link);
    #[cfg(unix)]
    if let Err(e) = std::os::unix::fs::symlink(&lib_dir, &link) {
        stop(&format!("cannot link {} to {}: {e}", link.display(), lib_dir.display()));
    }
    println!("cargo:rustc-link-search=native={}", link.display());
    println!("cargo:rustc-link-lib=dylib=torch_cpu");
    println!("cargo:rustc-link-lib=dylib=c10");
    println!("cargo:libdir={}", lib_dir.display());
    println!("cargo:rerun-if-changed={}", lib_dir.join("libtorch_cpu.so").display());
}

fn stop(message: &str) -> ! {
    eprintln!("error: mtl-core: {message}");
    exit(1)
}
