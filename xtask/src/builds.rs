//! In which ways the workspace is built: with everything, and with each set of features that somebody may choose.
//!
//! ```text
//! all             every crate, program, test and example, with every feature
//! default         every crate and program as most people build it
//! a feature set   of one crate: none, or one feature alone, unless that is one of the two above
//! ```
//! All but the first are built without tests: what must not break without a feature is the library and its programs. The sets
//! are read from the manifests, so a feature that is added is built in CI from that day on. Pairs of features are not built:
//! with more than two in a crate, `all` is what speaks for them. The first two ask for the whole workspace, so that cargo
//! builds what they have in common once.

use std::collections::BTreeSet;

use crate::metadata::Package;

/// Crates that are built together with a crate when it lacks its default features, because they want it so.
const BESIDE: [(&str, &str); 1] = [("mtl-core", "mtl-metrics")];

/// Arguments of cargo for each build, the largest first.
pub(crate) fn builds(members: &[Package]) -> Vec<Vec<String>> {
    let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
    let mut builds = vec![words(&["--workspace", "--all-targets", "--all-features"])];
    if members.iter().any(|package| default_set(package) != all_features(package)) {
        builds.push(words(&["--workspace", "--lib", "--bins"]));
    }
    for package in members {
        for set in further_sets(package) {
            let mut build = words(&["--package", &package.name]);
            let beside = BESIDE.iter().filter(|(name, _)| *name == package.name && set.is_empty());
            build.extend(beside.flat_map(|(_, other)| words(&["--package", other])));
            build.extend(words(&["--lib", "--bins", "--no-default-features"]));
            if !set.is_empty() {
                build.extend(["--features".to_owned(), set.into_iter().collect::<Vec<_>>().join(",")]);
            }
            builds.push(build);
        }
    }
    builds
}

/// No feature and each alone, without those sets that are the default or all of them, and none twice.
fn further_sets(package: &Package) -> Vec<BTreeSet<String>> {
    let built = [all_features(package), default_set(package)];
    let mut sets = Vec::new();
    let alone = package.features.keys().filter(|name| *name != "default").map(|name| closure(package, [name]));
    for set in std::iter::once(BTreeSet::new()).chain(alone) {
        if !built.contains(&set) && !sets.contains(&set) {
            sets.push(set);
        }
    }
    sets
}

fn all_features(package: &Package) -> BTreeSet<String> {
    closure(package, package.features.keys())
}

fn default_set(package: &Package) -> BTreeSet<String> {
    closure(package, package.features.get_key_value("default").map(|(name, _)| name))
}

/// The features that these turn on, themselves among them; `default` is only a name for others.
fn closure<'a>(package: &'a Package, names: impl IntoIterator<Item = &'a String>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open: Vec<&String> = names.into_iter().collect();
    while let Some(name) = open.pop() {
        if let Some(more) = package.features.get(name)
            && found.insert(name.clone())
        {
            open.extend(more);
        }
    }
    found.remove("default");
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, features: &[(&str, &[&str])]) -> Package {
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        let features = features.iter().map(|(name, on)| ((*name).to_owned(), words(on))).collect();
        Package { name: name.into(), features, ..Package::default() }
    }

    #[test]
    fn each_set_of_features_is_built_once() {
        let core = package("mtl-core", &[("default", &["torch"]), ("torch", &["dep:tch"])]);
        let train = package("mtl-train", &[("tui", &["dep:ratatui"])]);
        let plain = package("mtl-data", &[]);
        let builds: Vec<String> = builds(&[core, plain, train]).iter().map(|build| build.join(" ")).collect();
        assert_eq!(
            builds,
            [
                "--workspace --all-targets --all-features",
                "--workspace --lib --bins",
                "--package mtl-core --package mtl-metrics --lib --bins --no-default-features",
            ]
        );
    }

    #[test]
    fn of_several_features_each_is_built_alone() {
        let three = package("x", &[("default", &["a"]), ("a", &[]), ("b", &["c"]), ("c", &["dep:y"])]);
        let sets: Vec<Vec<String>> = further_sets(&three).into_iter().map(|set| set.into_iter().collect()).collect();
        assert_eq!(sets, [vec![], vec!["b", "c"], vec!["c"]], "`a` alone is the default");
        assert!(further_sets(&package("y", &[])).is_empty());
    }
}
