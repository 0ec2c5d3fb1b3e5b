//! Several data sets, each with tasks of its own: what the tables `[data.<name>]` say.
//!
//! ```toml
//! [data.reviews]                        # a source: a whole data set
//! kind = "parallel-text"
//! dir = "reviews"
//! ..
//! [data.customers]                      # another, of other samples
//! kind = "csv"
//! train = "customers.csv"
//! ..
//! ```
//! **Tasks.** Each source has the tasks that it has labels of, and no two have the same one: a task is judged on one validation split. Two
//! data sets of one task are one source whose files were put together.
//!
//! **Inputs.** Those of one name are one input for the network where sources describe them alike and mean the same: codes stand for the same
//! texts (equal vocabularies), numbers and pixels have the same names and shape, each source's own scale making them comparable. All other
//! inputs whose name occurs twice get the source's name before theirs (`customers_numeric`): two tables with different columns are two
//! inputs. So a model of sources that share no input can take over what was learned from one of them alone (`[init]`).
//!
//! **Splits.** Each source is cut by its own settings; the parts of all are one after the other. Sources come in the order of their
//! names, since configurations pass through maps that keep no other.
//!
//! What the network makes of inputs that do not come together, the encoder decides
//! ([`InputSpec::sets`](mtl_core::input::InputSpec::sets)); which source a batch comes from, a [mixer](crate::mix).

use std::{collections::BTreeMap, sync::Arc};

use mtl_core::{answer::AnswerTag, task::TaskName};
use serde::{Deserialize, Serialize};

use super::{DatasetConfig, DatasetPart, Origin, Splits};
use crate::{
    error::{Error, Result},
    finding::Finding,
    info::DataInfo,
    kept::{Cut, Loading, Part, Provenance},
    preprocess::{Preprocessing, SourceReading, mean_the_same},
    rng::mix,
    source::{Joined, Member, Source},
    split::Dealt,
};

/// Several data sets by name.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub struct Sources(pub BTreeMap<String, DatasetConfig>);

/// One of several sources, loaded.
#[derive(Debug, Clone)]
pub struct LoadedSource {
    /// Its name.
    pub name: String,
    /// Its splits, as they would be without the others.
    pub splits: Splits,
}

/// A source's name, and its tasks with the kind of their answers.
pub type SourceTasks<'a> = (&'a str, Vec<(TaskName, AnswerTag)>);

impl Sources {
    /// Checks names, and that each is a data set of its own.
    ///
    /// # Errors
    /// `InvalidConfig` for fewer than two sources, for a name that is none, and for sources of sources.
    pub fn validate(&self) -> Result<()> {
        let refuse = |expected: &str, found: String| Err(Error::config("data", "sources", expected, found));
        if self.0.len() < 2 {
            let found = self.0.keys().next().map_or_else(|| "none".to_owned(), |name| format!("{name} alone"));
            return refuse("at least two tables [data.<name>], or the keys of one data set under [data]", found);
        }
        for (name, config) in &self.0 {
            let fits = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
            if name.is_empty() || !name.chars().all(fits) || name == "kind" {
                return refuse("named by letters, digits, - and _", format!("{name:?}"));
            }
            if matches!(config, DatasetConfig::Sources(_)) {
                return refuse("data sets, none of them of sources again", name.clone());
            }
        }
        Ok(())
    }

    /// The tasks of each source, before a file is read.
    ///
    /// # Errors
    /// As [`DatasetConfig::tasks`]; `InvalidConfig` for a task of two sources.
    pub fn tasks_by_source(&self) -> Result<Vec<SourceTasks<'_>>> {
        let mut found: Vec<SourceTasks<'_>> = Vec::with_capacity(self.0.len());
        for (name, config) in &self.0 {
            let tasks = config.tasks().map_err(|e| e.inside(name))?;
            let taken = |task: &&(TaskName, AnswerTag)| found.iter().any(|(_, own)| own.iter().any(|o| o.0 == task.0));
            if let Some((task, _)) = tasks.iter().find(taken) {
                let expected = "of tasks of their own: put files of one task together in one source, or rename one";
                return Err(Error::config(
                    "data",
                    "sources",
                    expected,
                    format!("{task} in {name} and in one before it"),
                ));
            }
            found.push((name, tasks));
        }
        Ok(found)
    }

    fn read(&self, loading: &mut Loading<'_>, faults: &mut Faults) -> Result<Option<Splits>> {
        self.validate()?;
        self.tasks_by_source()?;
        let mut loaded = Vec::with_capacity(self.0.len());
        for (name, config) in &self.0 {
            let kept = loading.kept_of(name);
            let mut own = loading.of_source(kept.as_ref());
            let (splits, found) = match faults.collect {
                false => (Some(config.load_with(&mut own).map_err(|e| e.inside(name))?), Vec::new()),
                true => config.examine_with(&mut own),
            };
            faults.found.extend(found.into_iter().map(|e| e.inside(name)));
            if let Some(splits) = splits {
                loading.take_over(name, &splits.provenance, own);
                loaded.push(LoadedSource { name: name.clone(), splits });
            }
        }
        if loaded.len() < self.0.len() {
            return Ok(None);
        }
        let cuts = loaded.iter().map(|source| (source.name.clone(), source.splits.provenance.cut.clone())).collect();
        let sum = |part: fn(&Cut) -> &Part| {
            Part::whole(loaded.iter().map(|source| part(&source.splits.provenance.cut).samples).sum())
        };
        let cut = Cut { train: sum(|c| &c.train), validation: sum(|c| &c.validation), test: sum(|c| &c.test) };
        let mut splits = loading.finish(join(loaded)?, cut)?;
        splits.provenance.sources = cuts;
        Ok(Some(splits))
    }
}

/// What is done about faults.
#[derive(Default)]
struct Faults {
    collect: bool,
    found: Vec<Error>,
}

/// Loaded sources as one data set.
fn join(sources: Vec<LoadedSource>) -> Result<Splits> {
    let names = input_names(&sources);
    let part = |of: fn(&Splits) -> &Arc<dyn Source>| -> Result<Arc<dyn Source>> {
        let members = sources.iter().zip(&names).map(|(source, inputs)| Member {
            name: source.name.clone(),
            source: of(&source.splits).clone(),
            inputs: inputs.clone(),
        });
        Ok(Arc::new(Joined::new(members.collect())?))
    };
    let (train, validation, test) = (part(|s| &s.train)?, part(|s| &s.validation)?, part(|s| &s.test)?);
    let mut readings = Vec::with_capacity(sources.len());
    for (source, inputs) in sources.iter().zip(&names) {
        let DataInfo { inputs: own, tasks } = &source.splits.info;
        let renamed = own.iter().zip(inputs).map(|((_, modality), name)| (name.clone(), modality.clone()));
        readings.push(SourceReading {
            name: source.name.clone(),
            tasks: tasks.iter().map(|task| task.name.clone()).collect(),
            inputs: mtl_core::input::InputSpec::new(renamed)?,
            read_as: own.iter().map(|(name, _)| name.to_owned()).collect(),
            raw: source.splits.preprocessing.clone().map(Box::new),
        });
    }
    let is_generated = sources.iter().all(|source| source.splits.origin == Origin::Synthetic);
    let finding =
        |source: &LoadedSource, f: &Finding| Finding { place: format!("{}: {}", source.name, f.place), ..f.clone() };
    let findings =
        sources.iter().flat_map(|source| source.splits.findings.iter().map(|f| finding(source, f)).collect::<Vec<_>>());
    Ok(Splits {
        info: train.info().clone(),
        train,
        validation,
        test,
        preprocessing: Some(Preprocessing::Sources { sources: readings }),
        origin: if is_generated { Origin::Synthetic } else { Origin::Real },
        provenance: Provenance::default(),
        findings: findings.collect(),
        dealt: dealt(&sources),
        sources,
    })
}

/// What the inputs of each source are called among those of all.
fn input_names(sources: &[LoadedSource]) -> Vec<Vec<String>> {
    let others_with = |at: usize, name: &str| {
        let others = sources.iter().enumerate().filter(move |(other, _)| *other != at);
        others.filter_map(|(_, other)| Some((other, other.splits.info.inputs.get(name).ok()?))).collect::<Vec<_>>()
    };
    let name = |at: usize, name: &str| {
        let own = &sources[at].splits;
        let alike = others_with(at, name).into_iter().all(|(other, modality)| {
            own.info.inputs.get(name).is_ok_and(|own| own.joined(modality).is_some())
                && mean_the_same(own.preprocessing.as_ref(), other.splits.preprocessing.as_ref(), name)
        });
        if alike { name.to_owned() } else { format!("{}_{name}", sources[at].name) }
    };
    let all = |at: usize| sources[at].splits.info.inputs.iter().map(|(own, _)| name(at, own)).collect();
    (0..sources.len()).map(all).collect()
}

/// Groups stay together within their source; samples of a source without groups are each one of their own.
fn dealt(sources: &[LoadedSource]) -> Dealt {
    let by_time = sources.iter().any(|source| source.splits.dealt.by_time);
    if sources.iter().all(|source| source.splits.dealt.groups.is_none()) {
        return Dealt { groups: None, by_time };
    }
    let mut all = Vec::new();
    for (at, source) in sources.iter().enumerate() {
        let of_source = mix(at as u64 + 1);
        match source.splits.dealt.groups.as_deref() {
            Some(groups) => all.extend(groups.iter().map(|group| mix(group ^ of_source))),
            None => all.extend((0..source.splits.train.len()).map(|sample| mix(sample ^ mix(of_source)))),
        }
    }
    Dealt { groups: Some(all.into()), by_time }
}

impl DatasetPart for Sources {
    fn tasks(&self) -> Result<Vec<(TaskName, AnswerTag)>> {
        Ok(self.tasks_by_source()?.into_iter().flat_map(|(_, tasks)| tasks).collect())
    }

    fn load(&self, loading: &mut Loading<'_>) -> Result<Splits> {
        let splits = self.read(loading, &mut Faults::default())?;
        splits.ok_or_else(|| Error::config("data", "sources", "that can be read", "one that cannot"))
    }

    fn examine(&self, loading: &mut Loading<'_>) -> (Option<Splits>, Vec<Error>) {
        let mut faults = Faults { collect: true, ..Faults::default() };
        match self.read(loading, &mut faults) {
            Ok(splits) => (splits, faults.found),
            Err(e) => (None, faults.found.into_iter().chain([e]).collect()),
        }
    }

    fn forget_places(&mut self) {
        self.0.values_mut().for_each(|config| *config = config.without_places());
    }

    fn has_pictures(&self) -> bool {
        self.0.values().all(DatasetConfig::has_pictures)
    }

    fn has_texts(&self) -> bool {
        self.0.values().all(DatasetConfig::has_texts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Kept, OnChange, laws};

    fn table(dir: &std::path::Path, name: &str, rows: usize) -> String {
        // One text is three times as frequent as the other, so that codes are in the same order whatever is cut.
        let lines: String = (0..rows).map(|i| format!("{i},t{},{}\n", i32::from(i % 4 == 0), i % 2)).collect();
        std::fs::write(dir.join(format!("{name}.csv")), format!("{name}_x,c,{name}\n{lines}")).unwrap();
        format!(
            r#"[{name}]
            kind = "csv"
            dir = {dir:?}
            train = "{name}.csv"
            schema = {{ columns = [{{ name = "{name}_x", kind = "numeric" }}, {{ name = "c", kind = "categorical" }},
                {{ name = "{name}", kind = "label", label = "class" }}] }}
            "#
        )
    }

    fn config(text: &str) -> DatasetConfig {
        toml::from_str(&format!("kind = \"sources\"\n{text}")).unwrap()
    }

    #[test]
    fn sources_are_one_data_set_that_is_kept_and_loaded_again() {
        let dir = tempfile::tempdir().unwrap();
        let two = format!("{}\n{}", table(dir.path(), "b", 40), table(dir.path(), "a", 20));
        let config = config(&two);
        let text = toml::to_string(&config).unwrap();
        assert_eq!(toml::from_str::<DatasetConfig>(&text).unwrap(), config, "{text}");
        let splits = config.load().unwrap();
        let tasks: Vec<_> = splits.info.tasks.iter().map(|task| task.name.as_str()).collect();
        assert_eq!(tasks, ["a", "b"], "in the order of the names");
        // The columns of codes are alike in both; those of numbers are not.
        let inputs: Vec<_> = splits.info.inputs.iter().map(|(name, _)| name).collect();
        assert_eq!(inputs, ["categorical", "a_numeric", "b_numeric"]);
        assert_eq!(splits.info.inputs.sets().len(), 2);
        for part in [&splits.train, &splits.validation, &splits.test] {
            assert_eq!(laws::source::check(part), Ok(()));
            assert_eq!(part.parts().len(), 2);
        }
        assert_eq!(splits.sources[1].splits.train.len(), splits.train.parts()[1].len);

        let kept = Kept::of(&config, &splits);
        let kept: Kept = serde_json::from_str(&serde_json::to_string(&kept).unwrap()).unwrap();
        kept.validate().unwrap();
        let again = kept.load(&config, OnChange::Refuse).unwrap();
        assert!(again.changes.is_empty());
        assert_eq!(Kept::of(&config, &again.splits), kept);
        assert_eq!(kept.provenance.files.iter().map(|f| f.role.as_str()).collect::<Vec<_>>(), ["a: train", "b: train"]);
        let path = dir.path().join("b.csv");
        let whole = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, whole.replace("39,t0", "39,t1")).unwrap();
        let e = kept.load(&config, OnChange::Refuse).unwrap_err().to_string();
        assert!(e.contains("b.csv: content changed since the run was trained"), "{e}");
        assert_eq!(kept.load(&config, OnChange::Allow).unwrap().changes.len(), 1);
        std::fs::remove_file(&path).unwrap();
        assert!(matches!(kept.load(&config, OnChange::Allow), Err(Error::Gone { .. })));
        assert!(!toml::to_string(&config.without_places()).unwrap().contains(dir.path().to_str().unwrap()));
    }

    #[test]
    fn equal_vocabularies_share_an_input_and_others_do_not() {
        let dir = tempfile::tempdir().unwrap();
        let other = table(dir.path(), "b", 40);
        let text = std::fs::read_to_string(dir.path().join("b.csv")).unwrap();
        std::fs::write(dir.path().join("b.csv"), text.replace(",t1,", ",other,")).unwrap();
        let splits = config(&format!("{}\n{other}", table(dir.path(), "a", 20))).load().unwrap();
        let inputs: Vec<_> = splits.info.inputs.iter().map(|(name, _)| name).collect();
        assert_eq!(inputs, ["a_categorical", "a_numeric", "b_categorical", "b_numeric"]);
    }

    #[test]
    fn what_cannot_be_joined_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let generated = |name: &str| format!("[{name}]\nkind = \"synthetic-mmoe\"\ntrain = 9\n");
        let refusal = |text: &str| config(text).load().unwrap_err().to_string();
        let e = refusal(&generated("a"));
        assert_eq!(
            e,
            "data: sources must be at least two tables [data.<name>], or the keys of one data set under [data], found a alone"
        );
        let e = refusal(&[generated("a"), generated("b")].concat());
        assert!(
            e.starts_with("data: sources must be of tasks of their own") && e.ends_with("y1 in b and in one before it"),
            "{e}"
        );
        let e = refusal(&format!("{}\n[\"a b\"]\nkind = \"synthetic-mmoe\"", generated("a")));
        assert!(e.contains("named by letters, digits, - and _, found \"a b\""), "{e}");
        let nested = format!("{}\n[b]\nkind = \"sources\"\n", generated("a"));
        assert!(refusal(&nested).contains("none of them of sources again, found b"));
        let broken = format!("{}\n{}", generated("a"), table(dir.path(), "b", 40).replace("\"b.csv\"", "\"c.csv\""));
        let (splits, faults) = config(&broken).examine();
        assert!(splits.is_none() && faults[0].to_string().contains("c.csv"), "{faults:?}");
    }
}
