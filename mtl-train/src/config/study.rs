//! A study: a run's configuration with the sections of `mtl compare` beside it.
//!
//! ```toml
//! [compare]                                                # every key of CompareConfig
//! sharing  = ["hard", { kind = "mmoe", experts = 4 }]      # names, or tables with settings
//! balancer = ["equal", "upgrad"]
//! seeds    = 5                                             # or a list
//!
//! [cv_weights]                                             # every key of CvWeightsConfig
//! folds      = 5
//! candidates = { kind = "grid", steps = 8 }
//! ```
//!
//! The other sections are those of a run, and hold for all cells of the grid.

use std::path::Path;

use super::{ConfigSource, RunConfig};
use crate::{
    error::Result,
    study::{compare::CompareConfig, cv_weights::CvWeightsConfig},
};

/// A run's configuration, and what to vary.
#[derive(Debug, Clone, PartialEq)]
pub struct StudyConfig {
    /// What all runs have in common.
    pub run: RunConfig,
    /// The grid of `mtl compare`.
    pub compare: CompareConfig,
    /// The search of `mtl compare --cv-weights`.
    pub cv_weights: CvWeightsConfig,
}

impl StudyConfig {
    /// Reads a file; a run's configuration without further sections is one too.
    ///
    /// # Errors
    /// As [`RunConfig::load`].
    pub fn load(path: &Path) -> Result<Self> {
        ConfigSource::read(path, &[])?.study()
    }

    /// Reads the text of a file; `path` is for messages.
    ///
    /// # Errors
    /// As [`RunConfig::parse`].
    pub fn parse(text: &str, path: &Path) -> Result<Self> {
        ConfigSource::new(text, path, &[])?.study()
    }
}

/// The file as a whole, for its schema: both parts side by side.
#[derive(schemars::JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) struct StudyFile {
    #[serde(flatten)]
    run: RunConfig,
    /// The grid of `mtl compare`; other verbs leave it alone.
    #[schemars(default)]
    compare: CompareConfig,
    /// The search of `mtl compare --cv-weights`; other verbs leave it alone.
    #[schemars(default)]
    cv_weights: CvWeightsConfig,
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: &str = "[data]\nkind = \"synthetic-mmoe\"\n[encoder]\nkind = \"tabular\"\n";

    fn refused(more: &str) -> String {
        StudyConfig::parse(&format!("{RUN}{more}"), "s.toml".as_ref()).unwrap_err().to_string()
    }

    #[test]
    fn sections_beside_a_run() {
        let plain = StudyConfig::parse(RUN, "s.toml".as_ref()).unwrap();
        assert_eq!(plain.run, RunConfig::parse(RUN, "s.toml".as_ref()).unwrap());
        assert_eq!(plain.compare, CompareConfig::default());
        let more = "[compare]\nsharing = [\"hard\", { kind = \"mmoe\", experts = 4 }]\nseeds = [3, 4]\n[cv_weights]\nfolds = 3\n";
        let study = StudyConfig::parse(&format!("{RUN}{more}"), "s.toml".as_ref()).unwrap();
        assert_eq!(study.compare.sharing.len(), 2);
        assert_eq!(study.cv_weights.folds, 3);
    }

    #[test]
    fn mistakes_are_found_with_their_line() {
        let e = refused("[compare]\nsedes = 3\n");
        assert!(e.starts_with("s.toml:6: [compare]") && e.contains("did you mean \"seeds\""), "{e}");
        let e = refused("[compare]\nbalancer = [\"upgrd\"]\n");
        assert!(e.starts_with("s.toml:6: [compare]") && e.contains("did you mean \"upgrad\""), "{e}");
        let e = refused("[compare]\nseeds = 0\n");
        assert!(e.starts_with("s.toml:6: ") && e.contains("seeds must be"), "{e}");
        let e = refused("[cv_weights]\nfolds = 1\n");
        assert!(e.starts_with("s.toml:6: ") && e.contains("folds must be >= 2, found 1"), "{e}");
        let e = refused("[compair]\nseeds = 1\n");
        assert!(e.contains("did you mean \"compare\""), "{e}");
    }

    /// One file serves all verbs: a run leaves the sections of a study alone, but misspelt keys in them are still told.
    #[test]
    fn a_run_reads_a_file_with_the_sections_of_a_study() {
        let both = format!("{RUN}[compare]\nseeds = 2\n[cv_weights]\nfolds = 3\n");
        let run = RunConfig::parse(&both, "s.toml".as_ref()).unwrap();
        assert_eq!(run, RunConfig::parse(RUN, "s.toml".as_ref()).unwrap());
        let e = RunConfig::parse(&format!("{RUN}[compare]\nsedes = 2\n"), "s.toml".as_ref()).unwrap_err().to_string();
        assert!(e.starts_with("s.toml:6: [compare] key \"sedes\" is unknown"), "{e}");
    }
}
