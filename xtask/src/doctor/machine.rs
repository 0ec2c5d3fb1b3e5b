//! Checks of the machine itself: toolchain, compiler, C library, threads, memory, disk, GPU.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::Finding;
use crate::cache::Cache;
use crate::libtorch::{self, gigabytes};
use crate::process;

/// Below this the big compilation units of torch-sys run out of memory.
const MEMORY: u64 = 3_000_000_000;
/// Room for libtorch, its archives while unpacking, and the data sets.
const DISK: u64 = 2_000_000_000;
/// The published libtorch binaries are built against this C library.
const GLIBC: (u32, u32) = (2, 28);

/// Compiler and cargo, against the version that the workspace asks for.
pub(super) fn rust(root: &Path) -> Finding {
    let advice = "install Rust from your distribution or with rustup";
    let Some(rustc) = process::first_line("rustc", &["--version"]) else {
        return Finding::fail("rust", "no rustc", advice);
    };
    let cargo = process::first_line("cargo", &["--version"]).unwrap_or_else(|| "no cargo".into());
    let found = format!("{rustc}; {cargo}");
    let wanted = fs::read_to_string(root.join("Cargo.toml"))
        .ok()
        .and_then(|text| text.parse::<toml::Table>().ok())
        .and_then(|manifest| {
            let version = manifest.get("workspace")?.get("package")?.get("rust-version")?;
            two_numbers(version.as_str()?)
        });
    match (wanted, two_numbers(rustc.trim_start_matches("rustc "))) {
        (Some(wanted), Some(have)) if have < wanted => {
            Finding::fail("rust", found, format!("version {}.{} or newer is needed: rustup update", wanted.0, wanted.1))
        }
        _ => Finding::ok("rust", found),
    }
}

/// The C++ compiler, tried on a C++20 file.
pub(super) fn compiler() -> Finding {
    let advice = "install a C++ compiler (Debian: apt-get install g++), or name one in CXX";
    let name = std::env::var("CXX").unwrap_or_else(|_| "c++".to_owned());
    let Some(version) = process::first_line(&name, &["--version"]) else {
        return Finding::fail("c++ compiler", format!("`{name}` does not run"), advice);
    };
    let dir = std::env::temp_dir().join(format!("mtl-doctor-{}", std::process::id()));
    let source = dir.join("probe.cpp");
    let program = "#include <concepts>\n#include <vector>\n\
                   template <std::integral T> T twice(T x) { return x + x; }\n\
                   int main() { return std::vector<int>{twice(1)}.size() == 1 ? 0 : 1; }\n";
    let compiles = fs::create_dir_all(&dir).and_then(|()| fs::write(&source, program)).is_ok_and(|()| {
        let mut command = Command::new(&name);
        command.args(["-std=c++20", "-fsyntax-only"]).arg(&source);
        process::capture(&mut command, advice).is_ok_and(|output| output.status.success())
    });
    // Only debris in the temporary folder if this fails.
    let _ = fs::remove_dir_all(&dir);
    if compiles {
        Finding::ok("c++ compiler", format!("{version} (compiles C++20)"))
    } else {
        let advice = "use g++ 10, clang++ 13 or newer, with its standard library headers";
        Finding::fail("c++ compiler", format!("{version} does not compile C++20"), advice)
    }
}

/// The C library version.
pub(super) fn c_library() -> Finding {
    let Some(line) = process::first_line("getconf", &["GNU_LIBC_VERSION"]) else {
        return Finding::warn(
            "c library",
            "not glibc, or getconf is missing",
            "the published libtorch needs glibc; elsewhere build libtorch and set LIBTORCH",
        );
    };
    match two_numbers(line.trim_start_matches("glibc ")) {
        Some(have) if have < GLIBC => Finding::fail(
            "c library",
            line,
            format!("libtorch needs glibc {}.{} or newer: a newer system", GLIBC.0, GLIBC.1),
        ),
        _ => Finding::ok("c library", line),
    }
}

/// How many threads programs will use.
pub(super) fn threads() -> Finding {
    let count = std::thread::available_parallelism().map_or(1, usize::from);
    let mut found = format!("{count} available");
    for name in ["OMP_NUM_THREADS", "RAYON_NUM_THREADS"] {
        if let Ok(value) = std::env::var(name) {
            found += &format!(", {name}={value}");
        }
    }
    Finding::ok("threads", found)
}

/// Memory that is free now.
pub(super) fn memory() -> Finding {
    let free = fs::read_to_string("/proc/meminfo").ok().and_then(|text| available(&text));
    match free {
        None => Finding::ok("memory", "unknown on this system"),
        Some(free) if free < MEMORY => Finding::warn(
            "memory",
            format!("{:.1} GB available", gigabytes(free)),
            "the first build may be killed: close programs, or build with CARGO_BUILD_JOBS=1",
        ),
        Some(free) => Finding::ok("memory", format!("{:.1} GB available", gigabytes(free))),
    }
}

fn available(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

/// Room in the cache.
pub(super) fn disk(cache: &Cache) -> Finding {
    let place = cache.root().display();
    match cache.free_bytes() {
        None => Finding::warn("cache", format!("{place}: free space unknown"), "install `df`"),
        Some(free) if free < DISK => Finding::warn(
            "cache",
            format!("{place}: {:.1} GB free", gigabytes(free)),
            "a first set-up needs 2 GB: free some, or set MTL_CACHE to another disk",
        ),
        Some(free) => Finding::ok("cache", format!("{place}: {:.1} GB free", gigabytes(free))),
    }
}

/// An NVIDIA device, and whether the libtorch in place could use it.
pub(super) fn cuda(root: &Path) -> Finding {
    let query = ["--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"];
    match process::first_line("nvidia-smi", &query) {
        None => Finding::ok("cuda device", "none: everything runs on the CPU"),
        Some(device) => match libtorch::current(root) {
            Ok(libtorch) if libtorch.layout.cuda => Finding::ok("cuda device", device),
            _ => Finding::warn(
                "cuda device",
                format!("{device}, but this libtorch is for the CPU"),
                "cargo xtask setup --cuda",
            ),
        },
    }
}

/// `1.95.0-nightly` as (1, 95).
fn two_numbers(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split(|c: char| !c.is_ascii_digit());
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    #[test]
    fn versions_compare_as_numbers() {
        assert_eq!(two_numbers("1.95.0 (59807616e 2026-04-14)"), Some((1, 95)));
        assert!(two_numbers("2.9") < two_numbers("2.28"));
        assert_eq!(two_numbers("unknown"), None);
    }

    #[test]
    fn memory_is_read_from_the_kernels_table() {
        let table = "MemTotal:  100 kB\nMemAvailable:    2048 kB\n";
        assert_eq!(available(table), Some(2_097_152));
        assert_eq!(available("MemTotal: 1 kB\n"), None);
    }

    #[test]
    fn a_too_old_rust_fails_with_the_version_to_get() {
        let tmp = tempfile::tempdir().unwrap();
        let manifest = tmp.path().join("Cargo.toml");
        fs::write(&manifest, "[workspace.package]\nrust-version = \"9.1\"\n").unwrap();
        let finding = rust(tmp.path());
        assert_eq!(finding.verdict, Verdict::Fail);
        assert!(finding.advice.unwrap().contains("9.1"));
        fs::write(&manifest, "[workspace.package]\nrust-version = \"1.1\"\n").unwrap();
        assert_eq!(rust(tmp.path()).verdict, Verdict::Ok);
    }
}
