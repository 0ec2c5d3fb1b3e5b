//! For a crate of your own (beside its Cargo.toml): the program finds libtorch when it is started without cargo.

fn main() {
    if let Ok(folder) = std::env::var("DEP_MTL_SHIM_LIBDIR") {
        println!("cargo:rustc-link-arg-bins=-Wl,-rpath,{folder}");
    }
}
