//! What is wrong with a configuration as a whole: file, data, model, training, comparison.
//!
//! ```text
//! the file against its keys -> data -> every part built, one batch through all of them -> settings against sizes
//!                                                       -> every model of [compare], the folds of [cv_weights]
//! ```
//! A file with `[stream]` is looked at as its run would begin: the table is not read to its end, which it may not have.
//!
//! Nothing here knows how a part is checked: the parts are built as a run builds them, and what they say is collected. After
//! a complaint about a setting the setting is left out, so that its default counts, and the rest is looked at again: a
//! file with five faults is told of five.

use mtl_data::Splits;

use super::{Finding, Level, examine, selection, settings};
use crate::{
    analysis::dry_run::DryRun,
    config::{ConfigFault, ConfigSource, KeyPath, RunConfig, Step},
    error::Error,
    run::session::Session,
    stream,
    study::{compare::Plan, cv_weights},
};

/// What was found.
#[derive(Debug, Default)]
pub struct Examination {
    /// What would stop a run or a study, each with its line of the file where it has one.
    pub faults: Vec<Error>,
    /// What else is to be said, of data and settings; the worst first.
    pub findings: Vec<Finding>,
}

/// So many faults are told; a file with more is not the one that was meant.
const TOLD: usize = 20;

impl Examination {
    /// Looks at everything that a file describes.
    #[must_use]
    pub fn new(source: &ConfigSource) -> Self {
        let mut found = Self::default();
        found.file(source.clone());
        found.findings.sort_by_key(|finding| finding.level);
        found
    }

    /// Faults and findings in one list.
    #[must_use]
    pub fn all(&self) -> Vec<Finding> {
        let faults = self.faults.iter().map(|e| match e {
            Error::Config { path, line, message, .. } => {
                let line = if *line == 0 { String::new() } else { format!(":{line}") };
                (format!("{}{line}", path.display()), message.clone())
            }
            other => ("configuration".to_owned(), other.to_string()),
        });
        let faults = faults.map(|(place, message)| Finding { level: Level::Error, place, message });
        faults.chain(self.findings.iter().cloned()).collect()
    }

    /// Whether something would stop a run, or make its result worthless.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        !self.faults.is_empty() || self.findings.iter().any(|finding| finding.level == Level::Error)
    }

    fn fault(&mut self, e: Error) {
        self.is_new(e);
    }

    /// Tells a fault; whether it was not told before, and there is room for more.
    fn is_new(&mut self, e: Error) -> bool {
        let is_new = !self.faults.iter().any(|known| known.to_string() == e.to_string());
        if is_new {
            self.faults.push(e);
        }
        is_new && self.faults.len() < TOLD
    }

    fn file(&mut self, mut source: ConfigSource) {
        let config = loop {
            let faults = source.faults();
            if faults.is_empty() {
                match source.config() {
                    Ok(config) => break config,
                    Err(e) => return self.fault(e),
                }
            }
            match self.without(&source, faults) {
                Some(less) => source = less,
                None => return,
            }
        };
        if config.stream.is_some() {
            return self.stream(&source, config);
        }
        let splits = match examine(&config.data) {
            Ok((splits, findings)) => {
                self.findings.extend(findings);
                splits
            }
            Err(e) => return self.fault(source.explain(e)),
        };
        let Some(splits) = splits else { return };
        let Some((source, config)) = self.run(source, config, &splits) else { return };
        self.study(&source, &config, &splits);
    }

    /// The file without what is wrong in it; `None` when nothing sensible would be left.
    fn without(&mut self, source: &ConfigSource, faults: Vec<ConfigFault>) -> Option<ConfigSource> {
        let mut is_new = false;
        let mut paths = Vec::with_capacity(faults.len());
        for ConfigFault { path, error } in faults {
            is_new |= self.is_new(*error);
            paths.push(path);
        }
        // From the end to the start, so that the items of a list keep their numbers.
        let rest = |less: ConfigSource, path: &KeyPath| leave_out(&less, path).unwrap_or(less);
        is_new.then(|| paths.iter().rev().fold(source.clone(), rest))
    }

    /// Builds the run and takes one batch through it.
    fn run(
        &mut self,
        mut source: ConfigSource,
        mut config: RunConfig,
        splits: &Splits,
    ) -> Option<(ConfigSource, RunConfig)> {
        loop {
            let tried = Session::new(&config, splits).and_then(|mut session| {
                let dry = DryRun::of(&mut session)?;
                Ok((dry, session))
            });
            let e = match tried {
                Ok((dry, session)) => {
                    self.findings.extend(dry.findings);
                    self.findings.extend(selection(&dry.left_out));
                    self.findings.extend(settings::check(&config, splits, &session));
                    return Some((source, config));
                }
                Err(e) => e,
            };
            let path = source.place_of(&e);
            let goes_on = self.is_new(source.explain(e));
            source = leave_out(&source, &path.filter(|_| goes_on)?)?;
            match source.config() {
                Ok(less) => config = less,
                Err(e) => {
                    self.fault(e);
                    return None;
                }
            }
        }
    }

    /// A table without end: its first rows, a batch of them through the model.
    fn stream(&mut self, source: &ConfigSource, config: RunConfig) {
        match stream::examine(config) {
            Ok(findings) => self.findings.extend(findings),
            Err(e) => self.fault(source.explain(e)),
        }
        for section in ["compare", "cv_weights"].into_iter().filter(|section| source.has_section(section)) {
            let words = "a study trains on splits: mtl compare refuses a file with [stream]";
            self.findings.push(Finding { level: Level::Error, place: section.into(), message: words.into() });
        }
    }

    /// The sections of `mtl compare`, where the file has them.
    fn study(&mut self, source: &ConfigSource, config: &RunConfig, splits: &Splits) {
        let study = match source.study() {
            Ok(study) => study,
            Err(e) => return self.fault(e),
        };
        if source.has_section("compare") {
            let cells = Plan::new(study.run.clone(), &study.compare).and_then(|plan| plan.cells(&splits.info));
            match cells.map_err(|e| source.explain(e.in_section("compare"))) {
                Ok(cells) => {
                    let seed = cells.first().map(|cell| cell.seed);
                    for cell in cells.iter().filter(|cell| Some(cell.seed) == seed) {
                        if let Err(e) = Session::new(&cell.config, splits) {
                            let place = format!("compare, {}", cell.title);
                            self.findings.push(Finding { level: Level::Error, place, message: e.to_string() });
                        }
                    }
                }
                Err(e) => self.fault(e),
            }
        }
        if source.has_section("cv_weights")
            && let Err(e) = cv_weights::check(config, &study.cv_weights, splits)
        {
            self.fault(source.explain(e.in_section("cv_weights")));
        }
    }
}

/// The file without a value. A table without its kind or its name is none, so it goes as a whole.
fn leave_out(source: &ConfigSource, path: &KeyPath) -> Option<ConfigSource> {
    let is_what_it_is = matches!(path.steps().last(), Some(Step::Key(key)) if key == "kind" || key == "name");
    let mut path = if is_what_it_is { path.parent()? } else { path.clone() };
    loop {
        if let Some(less) = source.without(&path) {
            return Some(less);
        }
        path = path.parent()?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: &str = "[data]\nkind = \"synthetic-mmoe\"\ntrain = 100\nvalidation = 20\ntest = 20\n\
        [encoder]\nkind = \"tabular\"\ntoken_width = 2\nhidden = [4]\n[train]\nepochs = 2\nbatch_size = 32\n\
        [device]\nthreads = 1\n";

    fn examined(text: &str) -> Examination {
        Examination::new(&ConfigSource::new(text, "run.toml".as_ref(), &[]).unwrap())
    }

    #[test]
    fn a_right_file_has_no_faults() {
        let found = examined(RUN);
        assert!(!found.is_broken() && found.all().is_empty(), "{found:?}");
    }

    #[test]
    fn every_fault_of_a_file_is_told_with_its_line() {
        let text = RUN.replace("epochs = 2", "epohcs = 2").replace("hidden = [4]", "hidden = [4, 0]\ndropout = 2.0")
            + "[balancer]\nkind = \"cagrad\"\nc = -1.0\n[[task]]\nname = \"y1\"\nprimary = \"r3\"\n[[task]]\nname = \"z\"\n";
        let found = examined(&text);
        let told: Vec<String> = found.faults.iter().map(ToString::to_string).collect();
        for part in [
            "\"epohcs\"",
            "encoder.hidden[1] must be >= 1",
            "dropout",
            "balancer.c must be",
            "\"r3\"",
            "unknown task \"z\"",
        ] {
            assert!(told.iter().any(|e| e.contains(part) && e.starts_with("run.toml:")), "{part}: {told:#?}");
        }
        assert!(found.is_broken());
    }

    #[test]
    fn sections_of_a_study_are_built_too() {
        let text =
            format!("{RUN}[compare]\nsharing = [\"hard\", {{ kind = \"branch\", at = \"nowhere\" }}]\nseeds = 1\n");
        let found = examined(&text);
        let errors: Vec<&Finding> = found.findings.iter().filter(|f| f.level == Level::Error).collect();
        assert!(
            matches!(errors[..], [e] if e.place == "compare, branch + equal, seed 0" && e.message.contains("nowhere")),
            "{found:?}"
        );
        let text = format!("{RUN}[cv_weights]\nfolds = 2\ncandidates = {{ kind = \"grid\", steps = 1 }}\n");
        assert!(examined(&text).faults[0].to_string().contains("steps must be >= 2"));
    }
}
