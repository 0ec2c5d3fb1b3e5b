//! Unpacking wheels into a libtorch folder.
//!
//! The torch wheel holds far more than a CPU build needs. Kept are the headers, the CPU libraries
//! and, from two NVIDIA wheels, the runtime and profiler that even the CPU library is linked against.
//! `lib/libtorch.so`, an empty stub in the wheel whose dependencies include CUDA, becomes a one-line
//! linker script, so that `-ltorch` means exactly the libraries that are there.
//!
//! With [`Wish::cuda`] every library is kept, the CUDA packages that the wheel names are put beside
//! them (their search path includes `$ORIGIN`), and the script gains an anchor object that refers to
//! the CUDA library: Rust links with `--as-needed`, which would drop a library that only registers
//! itself. A linker script cannot switch that off, and its `EXTERN` is not enough for bfd nor lld
//! (both tried). That variant downloads 2.5 GB and keeps 3.6 GB. It has been fetched, linked and
//! loaded, but **not run on a GPU** so far.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::archive;
use crate::cache::{Cache, Partial};
use crate::manifest::{FileEntry, Manifest};
use crate::problem::Problem;
use crate::process;

use super::fetch::Fetcher;
use super::wheel::{self, Requirement, Scope};
use super::{VERSION, Wish, layout};

/// Bytes needed at the worst moment, with the wheels still there: measured, rounded up.
const CPU_PEAK: u64 = 1_200_000_000;
const CUDA_PEAK: u64 = 9_000_000_000;

/// Fetches and unpacks libtorch into `dir`. The caller holds the cache lock.
pub(crate) fn install(cache: &Cache, dir: &Path, wish: &Wish) -> Result<()> {
    if std::env::consts::OS != "linux" {
        return Err(Problem::error(
            format!("set-up can fetch libtorch on Linux only, this is {}", std::env::consts::OS),
            format!("install libtorch {VERSION} yourself and set LIBTORCH to its folder"),
        ));
    }
    let (scope, peak) = if wish.cuda { (Scope::Cuda, CUDA_PEAK) } else { (Scope::Loader, CPU_PEAK) };
    check_space(cache, peak)?;
    let mut fetcher = Fetcher::new(cache, wish.wheels.as_deref());
    let size = if wish.cuda { "2.5 GB" } else { "540 MB" };
    eprintln!("[1/4] torch {VERSION} ({size} in all, once per machine)");
    let torch = fetcher.wheel(&Fetcher::torch())?;
    eprintln!("[2/4] libraries it is linked against");
    let companions = companions(&mut fetcher, &torch, scope)?;
    eprintln!("[3/4] unpacking to {}", dir.display());
    let partial = Partial::begin(dir)?;
    unpack(&torch, &companions, scope, partial.path())?;
    eprintln!("[4/4] checking");
    check_loader(partial.path(), scope)?;
    manifest(partial.path(), &fetcher, scope)?.save(partial.path())?;
    partial.commit()?;
    fetcher.clear()
}

fn check_space(cache: &Cache, peak: u64) -> Result<()> {
    match cache.free_bytes() {
        Some(free) if free < peak => Err(Problem::error(
            format!(
                "{} has {:.1} GB free, set-up needs {:.1} GB",
                cache.root().display(),
                gigabytes(free),
                gigabytes(peak)
            ),
            "free some space, or set MTL_CACHE to a folder on another disk",
        )),
        _ => Ok(()),
    }
}

/// For display.
pub(crate) fn gigabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e9
}

/// The wheels beside torch: which they are is read from its metadata.
fn companions(fetcher: &mut Fetcher<'_>, torch: &Path, scope: Scope) -> Result<Vec<PathBuf>> {
    let requirements = metadata(torch)?;
    let mut wanted = wheel::direct(&requirements, scope);
    if let Some(toolkit) = wheel::toolkit(&requirements) {
        let its = metadata(&fetcher.wheel(toolkit)?)?;
        wanted.extend(wheel::behind_toolkit(toolkit, &its, scope));
    }
    wanted.iter().map(|requirement| fetcher.wheel(requirement)).collect()
}

fn metadata(wheel: &Path) -> Result<Vec<Requirement>> {
    let text = archive::read_text(open(wheel)?, |name| name.ends_with(".dist-info/METADATA"))?
        .with_context(|| format!("{} has no METADATA", wheel.display()))?;
    Ok(wheel::requirements(&text))
}

fn open(path: &Path) -> Result<BufReader<File>> {
    File::open(path).map(BufReader::new).with_context(|| format!("cannot open {}", path.display()))
}

fn unpack(torch: &Path, companions: &[PathBuf], scope: Scope, dir: &Path) -> Result<()> {
    archive::unzip(open(torch)?, dir, |name| torch_target(name, scope))
        .with_context(|| format!("cannot unpack {}", torch.display()))?;
    for path in companions {
        archive::unzip(open(path)?, dir, |name| companion_target(name, scope))
            .with_context(|| format!("cannot unpack {}", path.display()))?;
    }
    if scope == Scope::Cuda {
        compile_anchor(&dir.join("lib"))?;
    }
    fs::write(dir.join("lib/libtorch.so"), linker_script(scope))?;
    fs::write(dir.join("build-version"), format!("{VERSION}\n"))?;
    Ok(())
}

/// Where an entry of the torch wheel goes, if it is kept.
fn torch_target(name: &str, scope: Scope) -> Option<String> {
    if let Some(rest) = name.strip_prefix("torch/include/") {
        return Some(format!("include/{rest}"));
    }
    // Some builds keep compiler run-times in a folder beside the package.
    let file = name.strip_prefix("torch/lib/").or_else(|| name.strip_prefix("torch.libs/"))?;
    if file.contains('/') || !file.contains(".so") || file == "libtorch.so" {
        return None;
    }
    let python_only = ["libtorch_python", "libshm", "libtorch_global_deps"];
    let keep = match scope {
        Scope::Cuda => !python_only.iter().any(|prefix| file.starts_with(prefix)),
        Scope::Loader => {
            name.starts_with("torch.libs/")
                || ["libtorch_cpu.so", "libc10.so", "libgomp", "libarm_compute", "libopenblas"]
                    .iter()
                    .any(|prefix| file.starts_with(prefix))
        }
    };
    keep.then(|| format!("lib/{file}"))
}

/// Where an entry of an NVIDIA wheel goes, if it is kept.
fn companion_target(name: &str, scope: Scope) -> Option<String> {
    let (folder, file) = name.rsplit_once('/')?;
    let is_library = folder.ends_with("/lib") && file.starts_with("lib") && file.contains(".so");
    let for_loader = file.starts_with("libcudart.so") || file.starts_with("libcupti.so");
    (is_library && (scope == Scope::Cuda || for_loader)).then(|| format!("lib/{file}"))
}

fn linker_script(scope: Scope) -> &'static str {
    match scope {
        Scope::Loader => "INPUT(libtorch_cpu.so libc10.so)\n",
        Scope::Cuda => "INPUT(mtl_cuda_anchor.o libtorch_cpu.so libc10.so libtorch_cuda.so libc10_cuda.so)\n",
    }
}

/// An object whose constructor mentions one function of the CUDA library, so that it stays linked.
fn compile_anchor(lib: &Path) -> Result<()> {
    let source = lib.join("mtl_cuda_anchor.cpp");
    fs::write(
        &source,
        "namespace at { namespace cuda { int warp_size(); } }\n\
         static int (*volatile keep)();\n\
         __attribute__((constructor)) static void anchor() { keep = &at::cuda::warp_size; }\n",
    )?;
    let compiler = std::env::var_os("CXX").unwrap_or_else(|| "c++".into());
    let mut command = Command::new(compiler);
    command.args(["-c", "-fPIC", "-o"]).arg(lib.join("mtl_cuda_anchor.o")).arg(&source);
    let advice = "install a C++ compiler (Debian: apt-get install g++)";
    if process::run_aside(&mut command, advice)?.success() {
        Ok(())
    } else {
        Err(Problem::error("the C++ compiler cannot make an object file", advice))
    }
}

/// Asks the loader, before the folder is given its name, whether anything is missing.
fn check_loader(dir: &Path, scope: Scope) -> Result<()> {
    let mut missing = layout::unresolved(dir, "libtorch_cpu.so");
    if scope == Scope::Cuda {
        missing = missing.or_else(|| layout::unresolved(dir, "libtorch_cuda.so"));
    }
    match missing {
        None => Ok(()),
        Some(libs) => Err(Problem::error(
            format!("the loader misses {libs}"),
            "the system lacks a library that torch needs (libstdc++ comes with g++); \
             `cargo xtask doctor` shows the rest",
        )),
    }
}

fn manifest(dir: &Path, fetcher: &Fetcher<'_>, scope: Scope) -> Result<Manifest> {
    let mut names: Vec<String> = fs::read_dir(dir.join("lib"))?
        .map(|entry| Ok(format!("lib/{}", entry?.file_name().to_string_lossy())))
        .collect::<Result<_>>()?;
    names.sort(); // folder order is arbitrary
    names.extend(["build-version".to_owned(), "include/ATen/ATen.h".to_owned()]);
    let flavor = if scope == Scope::Cuda { "cuda" } else { "cpu" };
    Ok(Manifest {
        content: format!("libtorch {VERSION} {flavor}"),
        sources: fetcher.sources().to_vec(),
        files: names.iter().map(|name| FileEntry::of(dir, name)).collect::<Result<_>>()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cpu_part_is_kept_and_the_rest_left_in_the_wheel() {
        let kept = |name| torch_target(name, Scope::Loader);
        assert_eq!(kept("torch/lib/libtorch_cpu.so").as_deref(), Some("lib/libtorch_cpu.so"));
        assert_eq!(kept("torch/lib/libgomp.so.1").as_deref(), Some("lib/libgomp.so.1"));
        assert_eq!(kept("torch/include/c10/a.h").as_deref(), Some("include/c10/a.h"));
        for name in [
            "torch/lib/libtorch.so",
            "torch/lib/libtorch_cuda.so",
            "torch/lib/libc10_cuda.so",
            "torch/lib/libtorch_python.so",
            "torch/lib/libshm/core.h",
            "torch/nn/modules/linear.py",
            "torch-2.11.0.dist-info/METADATA",
        ] {
            assert_eq!(kept(name), None, "{name}");
        }
    }

    #[test]
    fn cuda_keeps_every_library_but_those_for_python() {
        let kept = |name| torch_target(name, Scope::Cuda).is_some();
        assert!(kept("torch/lib/libtorch_cuda.so") && kept("torch/lib/libc10_cuda.so"));
        assert!(!kept("torch/lib/libtorch_python.so") && !kept("torch/lib/libtorch.so"));
    }

    #[test]
    fn nvidia_wheels_give_libraries_only() {
        let loader = |name| companion_target(name, Scope::Loader);
        assert_eq!(loader("nvidia/cu13/lib/libcudart.so.13").as_deref(), Some("lib/libcudart.so.13"));
        assert_eq!(loader("nvidia/cu13/lib/libnvperf_host.so"), None);
        assert_eq!(loader("nvidia/cu13/include/cuda.h"), None);
        assert!(companion_target("nvidia/cudnn/lib/libcudnn.so.9", Scope::Cuda).is_some());
    }

    #[test]
    fn anchor_compiles_and_refers_to_the_cuda_library() {
        let tmp = tempfile::tempdir().unwrap();
        compile_anchor(tmp.path()).unwrap();
        let object = fs::read(tmp.path().join("mtl_cuda_anchor.o")).unwrap();
        let symbol = b"_ZN2at4cuda9warp_sizeEv";
        assert!(object.windows(symbol.len()).any(|window| window == symbol));
    }
}
