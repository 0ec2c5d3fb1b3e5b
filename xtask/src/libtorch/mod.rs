//! Bringing libtorch to the machine, and knowing which one is in use.
//!
//! tch is bound to one libtorch version, and building against another one fails late and obscurely.
//! So exactly one version is accepted, from four places tried in this order:
//!
//! 1. the folder in `LIBTORCH`, if the user set it;
//! 2. the torch package of the Python on the path, if it has the right version;
//! 3. the cache, filled by an earlier run;
//! 4. the wheel, fetched through pip and unpacked into the cache ([`install`]).
//!
//! The winner is linked to `<repo>/.libtorch`. torch-sys is rebuilt when the *string* in `LIBTORCH`
//! changes, which costs two minutes of C++; `.cargo/config.toml` therefore always names the link, and
//! moving the link costs nothing. Once the link leads to a valid folder, [`provision`] only looks.

mod fetch;
mod install;
mod layout;
mod wheel;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::cache::Cache;
use crate::manifest::Manifest;
use crate::problem::Problem;
use crate::python::Python;

pub(crate) use install::gigabytes;
pub(crate) use layout::{Layout, inspect, plain_version, unresolved};

/// The libtorch version that the pinned tch builds against. The only place where it is written.
pub(crate) const VERSION: &str = "2.11.0";

/// Name of the link in the repository root; `.cargo/config.toml` points `LIBTORCH` at it.
const LINK: &str = ".libtorch";

/// Where a libtorch came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The user's `LIBTORCH`.
    Environment,
    /// The link was already in place.
    Link,
    /// The torch package of a Python.
    Python,
    /// Unpacked earlier.
    Cache,
    /// Fetched just now.
    Download,
}

/// A libtorch that can be built against.
#[derive(Debug, Clone)]
pub(crate) struct Libtorch {
    /// What `LIBTORCH` has to be for child processes: the link, or the user's own choice.
    env_value: PathBuf,
    /// The folder itself.
    pub(crate) dir: PathBuf,
    /// What was found in it.
    pub(crate) layout: Layout,
    /// How it was found.
    pub(crate) origin: Origin,
}

impl Libtorch {
    /// The value of `LIBTORCH` for children.
    pub(crate) fn env_value(&self) -> &Path {
        &self.env_value
    }
}

/// What the caller wants beyond "any right libtorch".
#[derive(Debug, Clone, Default)]
pub(crate) struct Wish {
    /// Must contain the CUDA libraries.
    pub(crate) cuda: bool,
    /// Take wheels from this folder before asking pip.
    pub(crate) wheels: Option<PathBuf>,
    /// Fill the cache only; leave the link alone.
    pub(crate) no_link: bool,
}

/// Makes sure that the workspace can be built; silent when there is nothing to do.
pub(crate) fn provision(root: &Path) -> Result<Libtorch> {
    ensure(root, &Wish::default())
}

/// The general form of [`provision`].
pub(crate) fn ensure(root: &Path, wish: &Wish) -> Result<Libtorch> {
    let link = root.join(LINK);
    if let Some(dir) = chosen_by_user(&link) {
        let layout =
            layout::inspect(&dir).and_then(|layout| layout.satisfies(wish.cuda).map(|()| layout)).map_err(|fault| {
                Problem::error(
                    format!("LIBTORCH is set to {}, but {fault}", dir.display()),
                    format!("unset LIBTORCH to let set-up provide one, or point it at {VERSION}"),
                )
            })?;
        if !wish.no_link && current(root).is_err() {
            // Editors start cargo without the shell's variables; they use the link.
            relink(&link, &dir)?;
        }
        return Ok(Libtorch { env_value: dir.clone(), dir, layout, origin: Origin::Environment });
    }
    if !wish.no_link
        && let Ok(found) = current(root)
        && found.layout.satisfies(wish.cuda).is_ok()
    {
        return Ok(found);
    }
    let (dir, origin) = find_or_fetch(wish)?;
    let layout =
        layout::inspect(&dir).map_err(|fault| anyhow::anyhow!("{} was set up wrongly: {fault}", dir.display()))?;
    if !wish.no_link {
        relink(&link, &dir)?;
    }
    Ok(Libtorch { env_value: link, dir, layout, origin })
}

/// The libtorch behind the link; an error says in words why it cannot be used.
pub(crate) fn current(root: &Path) -> Result<Libtorch, String> {
    let link = root.join(LINK);
    let dir = fs::canonicalize(&link).map_err(|_| format!("{LINK} leads nowhere"))?;
    let layout = layout::inspect(&dir)?;
    // A folder of ours says what it should contain; a foreign one has no manifest and passes.
    if let Some(manifest) = Manifest::load(&dir).map_err(|error| format!("{error:#}"))?
        && let Some(fault) = manifest.size_fault(&dir)
    {
        return Err(fault);
    }
    Ok(Libtorch { env_value: link, dir, layout, origin: Origin::Link })
}

/// The user's own `LIBTORCH`. Cargo's `[env]` table sets the variable too, to the link.
pub(crate) fn chosen_by_user(link: &Path) -> Option<PathBuf> {
    let value = PathBuf::from(std::env::var_os("LIBTORCH")?);
    (!value.as_os_str().is_empty() && value != link).then_some(value)
}

/// The link of the repository at `root`.
pub(crate) fn link_of(root: &Path) -> PathBuf {
    root.join(LINK)
}

fn find_or_fetch(wish: &Wish) -> Result<(PathBuf, Origin)> {
    if let Some(dir) = python_torch(wish) {
        return Ok((dir, Origin::Python));
    }
    let cache = Cache::locate()?;
    let dir = cache.root().join(format!("libtorch-{VERSION}-{}", if wish.cuda { "cuda" } else { "cpu" }));
    if cached(&dir) {
        return Ok((dir, Origin::Cache));
    }
    let _lock = cache.lock()?;
    // Whoever held the lock may have done the work meanwhile.
    if cached(&dir) {
        return Ok((dir, Origin::Cache));
    }
    install::install(&cache, &dir, wish)?;
    Ok((dir, Origin::Download))
}

/// A cached folder counts only with its manifest: without one nobody knows whether it is whole.
fn cached(dir: &Path) -> bool {
    layout::inspect(dir).is_ok()
        && matches!(Manifest::load(dir), Ok(Some(manifest)) if manifest.size_fault(dir).is_none())
}

fn python_torch(wish: &Wish) -> Option<PathBuf> {
    // Asking for wheels is asking for an own copy.
    if wish.wheels.is_some() {
        return None;
    }
    let torch = Python::find()?.torch?;
    if layout::plain_version(&torch.version) != VERSION {
        return None;
    }
    let fault = match layout::inspect(&torch.dir) {
        Err(fault) => Some(fault),
        Ok(layout) => layout
            .satisfies(wish.cuda)
            .err()
            .or_else(|| unresolved(&torch.dir, "libtorch_cpu.so").map(|libs| format!("the loader misses {libs}"))),
    };
    match fault {
        None => Some(torch.dir),
        Some(fault) => {
            eprintln!("not using the torch of Python: {fault}");
            None
        }
    }
}

/// Points the link at `dir`, in one step: a build that runs meanwhile sees the old or the new one.
fn relink(link: &Path, dir: &Path) -> Result<()> {
    match fs::symlink_metadata(link) {
        Ok(meta) if !meta.file_type().is_symlink() => {
            return Err(Problem::error(
                format!("{} is in the way: it is not a link", link.display()),
                format!("move it away, or set LIBTORCH to a libtorch {VERSION}"),
            ));
        }
        _ => {}
    }
    let fresh = link.with_extension(format!("new{}", std::process::id()));
    symlink(dir, &fresh)
        .and_then(|()| fs::rename(&fresh, link))
        .with_context(|| format!("cannot link {} to {}", link.display(), dir.display()))
}

#[cfg(unix)]
fn symlink(target: &Path, link: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(target, link)
}

#[cfg(not(unix))]
fn symlink(_target: &Path, _link: &Path) -> std::io::Result<()> {
    Err(std::io::Error::new(
        std::io::ErrorKind::Unsupported,
        "set LIBTORCH to a libtorch folder; set-up makes links on Unix only",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_link_is_made_moved_and_never_replaces_a_folder() {
        let tmp = tempfile::tempdir().unwrap();
        let link = tmp.path().join(LINK);
        for name in ["one", "two"] {
            let dir = tmp.path().join(name);
            fs::create_dir(&dir).unwrap();
            relink(&link, &dir).unwrap();
            assert_eq!(fs::read_link(&link).unwrap(), dir);
        }
        fs::remove_file(&link).unwrap();
        fs::create_dir(&link).unwrap();
        let error = relink(&link, &tmp.path().join("one")).unwrap_err();
        assert!(error.to_string().contains("not a link"), "{error}");
    }

    #[test]
    fn a_link_to_the_wrong_version_is_not_current() {
        let tmp = tempfile::tempdir().unwrap();
        assert_eq!(current(tmp.path()).unwrap_err(), ".libtorch leads nowhere");
        let dir = layout::tests::fake(tmp.path(), "2.10.0", false);
        relink(&tmp.path().join(LINK), &dir).unwrap();
        let fault = current(tmp.path()).unwrap_err();
        assert_eq!(fault, format!("it holds libtorch 2.10.0, expected {VERSION}"));
        let dir = layout::tests::fake(tmp.path(), VERSION, false);
        relink(&tmp.path().join(LINK), &dir).unwrap();
        let found = current(tmp.path()).unwrap();
        assert_eq!(found.origin, Origin::Link);
        assert_eq!(found.env_value(), tmp.path().join(LINK));
    }

    #[test]
    fn a_folder_without_manifest_is_not_trusted_in_the_cache() {
        let tmp = tempfile::tempdir().unwrap();
        let dir = layout::tests::fake(tmp.path(), VERSION, false);
        assert!(!cached(&dir));
        let manifest = Manifest {
            content: "libtorch".into(),
            sources: vec![],
            files: vec![crate::manifest::FileEntry::of(&dir, "lib/libc10.so").unwrap()],
        };
        manifest.save(&dir).unwrap();
        assert!(cached(&dir));
        fs::write(dir.join("lib/libc10.so"), "truncated or grown").unwrap();
        assert!(!cached(&dir));
    }
}
