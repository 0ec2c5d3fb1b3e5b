//! Reading what a wheel says it needs.
//!
//! The torch wheel that pip serves for Linux is the CUDA one. Even its CPU library is linked against
//! the CUDA runtime and profiler, so the loader wants those two small packages, while a build of
//! torch for the CPU alone wants none. Rather than knowing this, set-up reads it from the wheel: the
//! `Requires-Dist` lines of its METADATA name the packages, in one of two styles.
//!
//! ```text
//! Requires-Dist: nvidia-cuda-runtime-cu12==12.8.90; platform_system == "Linux"     older: direct
//! Requires-Dist: cuda-toolkit[cudart,cupti,..]==13.0.2; platform_system == "Linux" newer: behind
//!     a package without content, whose own METADATA says, per extra in the brackets:
//! Requires-Dist: nvidia-cuda-runtime==13.0.96.*; .. and extra == 'cudart'
//! ```

/// One `Requires-Dist` line, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Requirement {
    /// Package name.
    pub(crate) name: String,
    /// The words in brackets.
    pub(crate) extras: Vec<String>,
    /// `==13.0.2`, or empty.
    version: String,
    /// Everything behind the semicolon.
    marker: String,
}

impl Requirement {
    /// What to ask pip for.
    pub(crate) fn spec(&self) -> String {
        format!("{}{}", self.name, self.version)
    }

    /// A requirement for exactly one version.
    pub(crate) fn pinned(name: &str, version: &str) -> Self {
        Self { name: name.to_owned(), extras: Vec::new(), version: format!("=={version}"), marker: String::new() }
    }

    /// Whether a wheel of this file name would do, as `nvidia_cuda_runtime-13.0.96-py3-none-any.whl`.
    pub(crate) fn matches_file(&self, file: &str) -> bool {
        let mut parts = file.strip_suffix(".whl").unwrap_or_default().split('-');
        let (Some(name), Some(version)) = (parts.next(), parts.next()) else {
            return false;
        };
        let normal = |text: &str| text.replace(['-', '.'], "_").to_lowercase();
        let wanted = self.version.trim_start_matches("==");
        let fits = match wanted.strip_suffix(".*") {
            // `13.0.96.*` matches version 13.0.96 itself, too.
            Some(open) => version.strip_prefix(open).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')),
            // A build tag, as in `2.11.0+cpu`, is not part of the version that was asked for.
            None => version.split('+').next() == Some(wanted),
        };
        fits && normal(name) == normal(&self.name)
    }

    fn on_linux(&self) -> bool {
        let about_platform = self.marker.contains("platform_system") || self.marker.contains("sys_platform");
        !about_platform || self.marker.to_lowercase().contains("linux")
    }

    fn extra(&self) -> Option<&str> {
        let (_, after) = self.marker.split_once("extra ==")?;
        after.trim().trim_matches(['"', '\'', ')', ' ']).split(['"', '\'']).next()
    }

    fn is_cuda_runtime(&self) -> bool {
        self.name.starts_with("nvidia-cuda-runtime") || self.name.starts_with("nvidia-cuda-cupti")
    }
}

/// Which packages to fetch beside torch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Only what the loader needs for the CPU library.
    Loader,
    /// Every CUDA library.
    Cuda,
}

/// The package without content that stands for many, if the torch wheel uses it.
pub(crate) fn toolkit(requirements: &[Requirement]) -> Option<&Requirement> {
    requirements.iter().find(|requirement| requirement.name == "cuda-toolkit" && requirement.on_linux())
}

/// Packages with libraries that `requirements` name directly.
pub(crate) fn direct(requirements: &[Requirement], scope: Scope) -> Vec<Requirement> {
    requirements
        .iter()
        .filter(|r| r.on_linux() && r.extra().is_none() && r.name.starts_with("nvidia-"))
        .filter(|r| scope == Scope::Cuda || r.is_cuda_runtime())
        .cloned()
        .collect()
}

/// Packages behind the toolkit for the extras that torch asked of it.
pub(crate) fn behind_toolkit(
    toolkit: &Requirement,
    its_requirements: &[Requirement],
    scope: Scope,
) -> Vec<Requirement> {
    its_requirements
        .iter()
        .filter(|r| r.on_linux())
        .filter(|r| r.extra().is_some_and(|extra| toolkit.extras.iter().any(|e| e == extra)))
        .filter(|r| scope == Scope::Cuda || r.is_cuda_runtime())
        .cloned()
        .collect()
}

/// All requirements of a METADATA text that can be understood.
///
/// A name or version becomes an argument of pip, so anything but plain package characters is left
/// out; what is missing in the end is noticed when the loader is asked.
pub(crate) fn requirements(metadata: &str) -> Vec<Requirement> {
    metadata
        .lines()
        .take_while(|line| !line.is_empty()) // the description follows the first empty line
        .filter_map(|line| parse(line.strip_prefix("Requires-Dist:")?))
        .collect()
}

fn parse(text: &str) -> Option<Requirement> {
    let (what, marker) = text.split_once(';').unwrap_or((text, ""));
    let what: String = what.chars().filter(|c| !c.is_whitespace() && !"()".contains(*c)).collect();
    let end = what.find(['[', '=', '<', '>', '!', '~']).unwrap_or(what.len());
    let (name, rest) = what.split_at(end);
    let (extras, version) = match rest.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => ("", rest),
    };
    let plain = |text: &str, more: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c));
    let good = name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && plain(name, "-_.")
        && plain(extras, "-_.,")
        && plain(version, ".*+!,=<>~");
    good.then(|| Requirement {
        name: name.to_owned(),
        extras: extras.split(',').filter(|e| !e.is_empty()).map(str::to_owned).collect(),
        version: version.to_owned(),
        marker: marker.trim().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TORCH: &str = "Metadata-Version: 2.1\nName: torch\n\
        Requires-Dist: filelock\n\
        Requires-Dist: cuda-toolkit[cublas,cudart,cupti]==13.0.2; platform_system == \"Linux\"\n\
        Requires-Dist: nvidia-cudnn-cu13==9.19.0.56; platform_system == \"Linux\"\n\
        Requires-Dist: optree>=0.13.0; extra == \"optree\"\n\
        \nRequires-Dist: nvidia-not-a-header==1\n";
    const TOOLKIT: &str = "Name: cuda-toolkit\n\
        Requires-Dist: nvidia-cublas==13.1.0.3.*; (sys_platform == 'linux' or sys_platform == 'win32') and extra == 'cublas'\n\
        Requires-Dist: nvidia-cublas==13.1.0.3.*; (sys_platform == 'linux') and extra == 'all'\n\
        Requires-Dist: nvidia-cuda-runtime==13.0.96.*; (sys_platform == 'linux') and extra == 'cudart'\n\
        Requires-Dist: nvidia-cuda-cupti==13.0.85.*; (sys_platform == 'linux') and extra == 'cupti'\n\
        Requires-Dist: nvidia-cuda-cupti==13.0.85.*; (sys_platform == 'win32') and extra == 'cupti'\n";

    fn specs(found: &[Requirement]) -> Vec<String> {
        found.iter().map(Requirement::spec).collect()
    }

    #[test]
    fn loader_packages_are_found_behind_the_toolkit() {
        let torch = requirements(TORCH);
        assert_eq!(torch.len(), 4);
        let toolkit = toolkit(&torch).unwrap();
        assert_eq!(toolkit.spec(), "cuda-toolkit==13.0.2");
        assert_eq!(toolkit.extras, ["cublas", "cudart", "cupti"]);
        let behind = requirements(TOOLKIT);
        assert_eq!(
            specs(&behind_toolkit(toolkit, &behind, Scope::Loader)),
            ["nvidia-cuda-runtime==13.0.96.*", "nvidia-cuda-cupti==13.0.85.*"]
        );
        assert_eq!(behind_toolkit(toolkit, &behind, Scope::Cuda).len(), 3);
        assert!(direct(&torch, Scope::Loader).is_empty());
        assert_eq!(specs(&direct(&torch, Scope::Cuda)), ["nvidia-cudnn-cu13==9.19.0.56"]);
    }

    #[test]
    fn older_wheels_name_the_packages_directly() {
        let torch = requirements(
            "Requires-Dist: nvidia-cuda-runtime-cu12 (==12.8.90) ; platform_system == \"Linux\"\n\
             Requires-Dist: nvidia-nccl-cu12==2.27; platform_system == \"Linux\"\n",
        );
        assert_eq!(specs(&direct(&torch, Scope::Loader)), ["nvidia-cuda-runtime-cu12==12.8.90"]);
        assert_eq!(toolkit(&torch), None);
    }

    #[test]
    fn a_requirement_that_could_be_read_as_a_flag_is_dropped() {
        for bad in ["--index-url=x", "a b;", "-r x", "nvidia-x @ file:///y", "$(x)==1"] {
            let found = requirements(&format!("Requires-Dist: {bad}\n"));
            assert!(
                found.iter().all(|r| r.name.starts_with(|c: char| c.is_ascii_alphanumeric())
                    && !r.spec().contains(['@', '/', '$', ' '])),
                "{bad:?} gave {found:?}"
            );
        }
    }

    #[test]
    fn wheel_names_are_recognized() {
        let runtime = parse("nvidia-cuda-runtime==13.0.96.*").unwrap();
        assert!(runtime.matches_file("nvidia_cuda_runtime-13.0.96-py3-none-any.whl"));
        assert!(runtime.matches_file("nvidia_cuda_runtime-13.0.96.1-py3-none-any.whl"));
        assert!(!runtime.matches_file("nvidia_cuda_runtime-13.0.961-py3-none-any.whl"));
        assert!(!runtime.matches_file("nvidia_cuda_runtime_cu12-13.0.96-py3-none-any.whl"));
        let torch = Requirement::pinned("torch", "2.11.0");
        assert!(torch.matches_file("torch-2.11.0-cp311-cp311-linux.whl"));
        assert!(torch.matches_file("torch-2.11.0+cpu-cp311-cp311-linux.whl"));
        assert!(!torch.matches_file("torch-2.11.0.tar.gz"));
        assert!(!torch.matches_file("torch-2.11.01-cp311-cp311-linux.whl"));
    }
}
