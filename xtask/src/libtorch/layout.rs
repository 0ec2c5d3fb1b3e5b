//! What makes a folder a libtorch that this workspace can build against.
//!
//! torch-sys compiles against `include/` and `include/torch/csrc/api/include/`, links `-ltorch_cpu
//! -ltorch -lc10` from `lib/` (and `-ltorch_cuda` when that file is there), and checks the version in
//! `build-version` only if the file exists. The version is read here from the headers as well, so that
//! a Python package, which has no such file, is checked too.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::process;

use super::VERSION;

/// The parts of a libtorch folder that set-up and `doctor` talk about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Version without build tag.
    pub(crate) version: String,
    /// Whether the CUDA library is there.
    pub(crate) cuda: bool,
}

impl Layout {
    /// Whether this folder will do; if not, why, in words.
    pub(crate) fn satisfies(&self, cuda: bool) -> Result<(), String> {
        if cuda && !self.cuda {
            return Err("it has no CUDA libraries".to_owned());
        }
        Ok(())
    }
}

const FILES: [&str; 5] = [
    "lib/libtorch_cpu.so",
    "lib/libc10.so",
    "lib/libtorch.so",
    "include/ATen/ATen.h",
    "include/torch/csrc/api/include/torch/torch.h",
];

/// Checks a folder; an error says in words what is wrong with it.
pub(crate) fn inspect(dir: &Path) -> Result<Layout, String> {
    for file in FILES {
        // `is_file` follows links, so a link into the void counts as missing.
        if !dir.join(file).is_file() {
            return Err(format!("{file} is missing"));
        }
    }
    let version = version_of(dir).ok_or("it does not say which version it is")?;
    if version != VERSION {
        return Err(format!("it holds libtorch {version}, expected {VERSION}"));
    }
    Ok(Layout { version, cuda: dir.join("lib/libtorch_cuda.so").is_file() })
}

/// Libraries that the loader cannot find for `lib/<library>`, comma separated.
///
/// None also when `ldd` is not there to ask.
pub(crate) fn unresolved(dir: &Path, library: &str) -> Option<String> {
    let path = dir.join("lib").join(library);
    let output = process::capture(Command::new("ldd").arg(path), "").ok()?;
    missing(&String::from_utf8_lossy(&output.stdout))
}

fn missing(ldd: &str) -> Option<String> {
    let mut names: Vec<&str> =
        ldd.lines().filter_map(|line| line.trim().strip_suffix("=> not found")).map(str::trim).collect();
    names.dedup();
    (!names.is_empty()).then(|| names.join(", "))
}

/// `2.11.0+cu130` without its build tag.
pub(crate) fn plain_version(version: &str) -> &str {
    version.trim().split('+').next().unwrap_or_default()
}

fn version_of(dir: &Path) -> Option<String> {
    if let Ok(text) = fs::read_to_string(dir.join("build-version")) {
        return Some(plain_version(&text).to_owned());
    }
    ["include/torch/headeronly/version.h", "include/torch/csrc/api/include/torch/version.h"]
        .iter()
        .find_map(|header| version_in_header(&fs::read_to_string(dir.join(header)).ok()?))
}

fn version_in_header(text: &str) -> Option<String> {
    let number = |name: &str| {
        text.lines().find_map(|line| {
            line.strip_prefix("#define TORCH_VERSION_")?.strip_prefix(name)?.trim().parse::<u32>().ok()
        })
    };
    Some(format!("{}.{}.{}", number("MAJOR")?, number("MINOR")?, number("PATCH")?))
}

#[cfg(test)]
pub(crate) mod tests {
    use std::path::PathBuf;

    use super::*;

    /// An empty shell with the right file names, for tests of everything around it.
    pub(crate) fn fake(parent: &Path, version: &str, cuda: bool) -> PathBuf {
        let dir = parent.join(format!("libtorch-{version}"));
        let extra = cuda.then_some("lib/libtorch_cuda.so");
        for file in FILES.into_iter().chain(extra) {
            let path = dir.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        fs::write(dir.join("build-version"), format!("{version}+cpu\n")).unwrap();
        dir
    }

    #[test]
    fn a_whole_folder_passes_and_each_missing_file_is_named() {
        let tmp = tempfile::tempdir().unwrap();
        let dir = fake(tmp.path(), VERSION, true);
        let layout = inspect(&dir).unwrap();
        assert!(layout.cuda && layout.version == VERSION);
        for file in FILES {
            let bytes = fs::read(dir.join(file)).unwrap();
            fs::remove_file(dir.join(file)).unwrap();
            assert_eq!(inspect(&dir).unwrap_err(), format!("{file} is missing"));
            fs::write(dir.join(file), bytes).unwrap();
        }
    }

    #[test]
    fn version_comes_from_the_header_when_no_file_says_it() {
        let tmp = tempfile::tempdir().unwrap();
        let dir = fake(tmp.path(), VERSION, false);
        fs::remove_file(dir.join("build-version")).unwrap();
        assert!(inspect(&dir).unwrap_err().contains("does not say"));
        let header = dir.join("include/torch/headeronly/version.h");
        fs::create_dir_all(header.parent().unwrap()).unwrap();
        fs::write(
            header,
            "#define TORCH_VERSION_MAJOR 2\n#define TORCH_VERSION_MINOR 9\n\
             #define TORCH_VERSION_PATCH 1\n",
        )
        .unwrap();
        assert!(inspect(&dir).unwrap_err().contains("2.9.1"));
    }

    #[test]
    fn cpu_folder_does_not_satisfy_a_cuda_wish() {
        let layout = Layout { version: VERSION.into(), cuda: false };
        assert!(layout.satisfies(false).is_ok());
        assert!(layout.satisfies(true).is_err());
    }

    #[test]
    fn loader_report_is_read() {
        let report = "\tlibc.so.6 => /lib/libc.so.6 (0x1)\n\tlibcupti.so.13 => not found\n";
        assert_eq!(missing(report).as_deref(), Some("libcupti.so.13"));
        assert_eq!(missing("\tlibc.so.6 => /lib/libc.so.6 (0x1)\n"), None);
    }
}
