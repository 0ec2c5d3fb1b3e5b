//! Your own texts in parallel files: a line a sample, words separated by blanks.
//!
//! ```toml
//! [data]
//! kind = "parallel-text"
//! dir = "atis"               # below MTL_DATA_DIR unless it is here
//! train = "train"            # folders; validation and test are cut from it unless they have folders of their own
//! validation = "valid"
//! test = "test"
//! text = "seq.in"
//! tasks = [
//!     { name = "intent", file = "label", kind = "class" },
//!     { name = "slots", file = "seq.out", kind = "tags" },
//! ]
//! ```
//! Every folder has the same files, which have the same number of lines: line `i` of each belongs to sample `i`. Files may be
//! compressed by gzip or zstd under the same name. No text is cut: one with more than `max_length` words is refused.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use mtl_core::{
    answer::{AnswerTag, Labels},
    task::TaskName,
};
use serde::{Deserialize, Serialize};

use super::{DatasetPart, Splits, absent, located};
use crate::{
    error::{Error, Result},
    finding::Finding,
    kept::{Cut, Loading, Part},
    preprocess::Preprocessing,
    source::{Source, Subset, TextSource, Texts},
    split::{FileKeys, Shares, Split},
    text::{FittedText, FittedTexts, Lines, TextLabel, TextTask, Unit, beside},
};

const NAME: &str = "parallel-text";
/// The name of the input of a sample that has one text.
const TEXT: &str = "text";

/// Parallel files of texts and labels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ParallelText {
    /// The folder of the folders; a relative one that is not here is looked for in `MTL_DATA_DIR`; default the current one.
    pub dir: Option<PathBuf>,
    /// The folder of the training files; default `dir` itself.
    pub train: PathBuf,
    /// A folder with the same files for validation; default: a part of the training lines.
    pub validation: Option<PathBuf>,
    /// A folder with the same files for testing; default: a part of the training lines.
    pub test: Option<PathBuf>,
    /// The part of the training lines that validates when there is no validation folder, in `(0, 1)`; default 0.1.
    #[schemars(extend("exclusiveMinimum" = 0.0, "exclusiveMaximum" = 1.0))]
    pub validation_fraction: f64,
    /// The part of the training lines that tests when there is no test folder, in `(0, 1)`; default 0.1.
    #[schemars(extend("exclusiveMinimum" = 0.0, "exclusiveMaximum" = 1.0))]
    pub test_fraction: f64,
    /// What those parts depend on; default 0.
    pub seed: u64,
    /// How those parts are cut: `group` and `time` are files of every folder with a line a sample, `stratify` names tasks of classes;
    /// default line by line at random.
    #[serde(skip_serializing_if = "Split::is_random")]
    pub split: Split,
    /// The file of texts, in every folder: an input named `text`; required unless there are `inputs`.
    pub text: Option<PathBuf>,
    /// Several texts a sample, each in a file of its own and under a name, where no task has tags; default none.
    pub inputs: Vec<TextInput>,
    /// The tasks, in order; at least one, required.
    pub tasks: Vec<TextTaskFile>,
    /// Whether letters of texts are made small; default false.
    pub lowercase: bool,
    /// A word with fewer occurrences in the texts that are learned from is unknown; >= 1, default 1.
    #[schemars(range(min = 1))]
    pub min_count: u64,
    /// The most words that a text may have, >= 1; a longer one is refused; default 256.
    #[schemars(range(min = 1))]
    pub max_length: i64,
    /// Labels that mean "not known": a line of classes or sequences, or a tag; default none.
    pub missing: Vec<String>,
    /// What is done about a label that only validation or test files have; default `refuse`.
    pub new_labels: NewLabels,
}

/// A text of a sample.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TextInput {
    /// The name of the input.
    pub name: String,
    /// The file, in every folder.
    pub file: PathBuf,
}

/// A task and the file of its labels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TextTaskFile {
    /// Its name.
    pub name: TaskName,
    /// The file, in every folder.
    pub file: PathBuf,
    /// What its lines are.
    pub kind: TextLabel,
}

/// Labels that training does not have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NewLabels {
    /// They are refused, with their line.
    #[default]
    Refuse,
    /// They are answers that no training sample has: the model cannot learn them, and each counts as its error.
    Add,
}

impl Default for ParallelText {
    fn default() -> Self {
        Self {
            dir: None,
            train: PathBuf::new(),
            validation: None,
            test: None,
            validation_fraction: 0.1,
            test_fraction: 0.1,
            seed: 0,
            split: Split::default(),
            text: None,
            inputs: Vec::new(),
            tasks: Vec::new(),
            lowercase: false,
            min_count: 1,
            max_length: 256,
            missing: Vec::new(),
            new_labels: NewLabels::Refuse,
        }
    }
}

/// The files of a folder.
struct Folder {
    texts: Vec<Lines>,
    labels: Vec<Lines>,
}

impl Folder {
    fn len(&self) -> u64 {
        self.texts.first().map_or(0, |text| text.len() as u64)
    }
}

impl ParallelText {
    /// Reads the files.
    ///
    /// # Errors
    /// `InvalidConfig` for a missing or wrong setting; [`Error::Absent`] for a file that is not there; [`Error::Line`] with the
    /// place of what is wrong in a file, or does not fit the file beside it.
    pub fn load(&self) -> Result<Splits> {
        self.load_with(&mut Loading::default())
    }

    fn load_with(&self, loading: &mut Loading<'_>) -> Result<Splits> {
        let inputs = self.checked_inputs()?;
        let train = self.folder("train", &self.train, &inputs, loading)?;
        let shares = Shares {
            validation: self.validation.is_none().then_some(self.validation_fraction),
            test: self.test.is_none().then_some(self.test_fraction),
        };
        let mut keys =
            FileKeys::read(&self.split, train.len(), &self.at(&self.train), || self.classes(&train), loading)?;
        let [learn, validation, test] = keys.cut(NAME, shares, self.seed)?;
        let mut own = |role: &str, dir: &Option<PathBuf>| -> Result<Option<Folder>> {
            dir.as_ref().map(|dir| self.folder(role, dir, &inputs, loading)).transpose()
        };
        let others = [("validation", own("validation", &self.validation)?), ("test", own("test", &self.test)?)];
        for ((role, folder), dir) in others.iter().zip([&self.validation, &self.test]) {
            if let (Some(folder), Some(dir)) = (folder, dir) {
                keys.file(role, folder.len(), &self.at(dir), loading)?;
            }
        }

        let mut findings = keys.findings();
        let fitted = loading.texts(|| self.fit(&inputs, &train, &learn, &others, &mut findings))?;
        let source = |folder: &Folder| -> Result<Arc<dyn Source>> { Ok(Arc::new(self.source(&fitted, folder)?)) };
        let whole = source(&train)?;
        let [validation, test] = [(&others[0], validation), (&others[1], test)].map(|((_, own), positions)| {
            Ok::<_, Error>(match own {
                Some(folder) => (source(folder)?, Part::whole(folder.len())),
                None => {
                    let part = Part::at(&positions);
                    (Arc::new(Subset::new(whole.clone(), positions)?) as Arc<dyn Source>, part)
                }
            })
        });
        let ((validation, validation_part), (test, test_part)) = (validation?, test?);
        let cut = Cut { train: Part::at(&learn), validation: validation_part, test: test_part };
        let splits = Splits::new(&whole, learn, Vec::new(), test, Some(Preprocessing::Text { fitted }))?;
        loading.finish(Splits { validation, findings, dealt: keys.dealt(), ..splits }, cut)
    }

    /// Where a folder is.
    fn at(&self, folder: &Path) -> PathBuf {
        located(self.dir.as_deref()).join(folder)
    }

    /// The label of every line, by number, of the tasks of classes.
    fn classes(&self, folder: &Folder) -> Vec<(&str, Vec<u64>)> {
        let tasks = self.tasks.iter().zip(&folder.labels).filter(|(task, _)| task.kind == TextLabel::Class);
        let numbers = |lines: &Lines| lines.codes.iter().map(|&code| code.into()).collect();
        tasks.map(|(task, lines)| (task.name.as_str(), numbers(lines))).collect()
    }

    /// The inputs, one or several.
    fn checked_inputs(&self) -> Result<Vec<TextInput>> {
        let refuse = |field, expected: &str, found: String| Err(Error::config(NAME, field, expected, found));
        let inputs = match (&self.text, self.inputs.as_slice()) {
            (Some(file), []) => vec![TextInput { name: TEXT.into(), file: file.clone() }],
            (None, inputs) if !inputs.is_empty() => inputs.to_vec(),
            (None, _) => return refuse("text", "the name of a file of texts, such as \"seq.in\"", "none".into()),
            (Some(_), _) => return refuse("text", "left out where there are inputs", "both".into()),
        };
        if self.tasks.is_empty() {
            return refuse("tasks", "at least one task", "none".into());
        }
        // Files have their roles by these names, so that no two may be alike.
        for (at, input) in inputs.iter().enumerate() {
            if inputs[..at].iter().any(|other| other.name == input.name) {
                let twice = mtl_core::Error::Duplicate { what: "input", name: input.name.clone() };
                return Err(twice.inside(format!("inputs[{at}].name")).into());
            }
        }
        for (at, task) in self.tasks.iter().enumerate() {
            if self.tasks[..at].iter().any(|other| other.name == task.name) {
                let twice = mtl_core::Error::Duplicate { what: "task", name: task.name.to_string() };
                return Err(twice.inside(format!("tasks[{at}].name")).into());
            }
            if task.kind == TextLabel::Tags && inputs.len() > 1 {
                let expected = "one text where a task has tags (no encoder keeps several texts' words apart yet)";
                return refuse("inputs", expected, format!("{} with the tags of task {}", inputs.len(), task.name));
            }
        }
        if self.max_length < 1 || self.min_count < 1 {
            let (field, found) = match self.max_length < 1 {
                true => ("max_length", self.max_length.to_string()),
                false => ("min_count", self.min_count.to_string()),
            };
            return refuse(field, ">= 1", found);
        }
        Ok(inputs)
    }

    /// Reads the files of a folder and holds them against each other.
    fn folder(&self, role: &str, dir: &Path, inputs: &[TextInput], loading: &mut Loading<'_>) -> Result<Folder> {
        let dir = self.at(dir);
        let mut read = |what: &str, file: &Path, unit, lowercase, learned_from| -> Result<Lines> {
            let path = dir.join(file);
            let lines = Lines::read(&path, unit, lowercase).map_err(|e| loading.unreadable(&path, absent(e)))?;
            loading.admit(&format!("{role} {what}"), &path, lines.content.clone(), learned_from)?;
            Ok(lines)
        };
        let mut texts: Vec<Lines> = Vec::with_capacity(inputs.len());
        for (at, input) in inputs.iter().enumerate() {
            let learned_from = role == "train" && at == 0;
            texts.push(read(&format!("text {}", input.name), &input.file, Unit::Word, self.lowercase, learned_from)?);
        }
        let mut labels: Vec<Lines> = Vec::with_capacity(self.tasks.len());
        for task in &self.tasks {
            labels.push(read(&format!("labels of {}", task.name), &task.file, task.kind.unit(), false, false)?);
        }
        if let Some(first) = texts.first() {
            texts.iter().skip(1).chain(&labels).try_for_each(|lines| as_long(lines, first))?;
            let tags = self.tasks.iter().zip(&labels).filter(|(task, _)| task.kind == TextLabel::Tags);
            tags.map(|(_, tags)| tags).try_for_each(|tags| beside(tags, first))?;
        }
        Ok(Folder { texts, labels })
    }

    /// Learns vocabularies from the lines at `learn`, and which labels there are.
    fn fit(
        &self,
        inputs: &[TextInput],
        train: &Folder,
        learn: &[u64],
        others: &[(&str, Option<Folder>)],
        findings: &mut Vec<Finding>,
    ) -> Result<FittedTexts> {
        let named = inputs.iter().zip(&train.texts);
        let texts = named.map(|(input, lines)| FittedText::fit(&input.name, lines, learn, self.min_count));
        let fitted = FittedTexts {
            lowercase: self.lowercase,
            max_length: self.max_length,
            inputs: texts.collect::<Result<_>>()?,
            tasks: Vec::new(),
        };
        let mut tasks = Vec::with_capacity(self.tasks.len());
        for (at, (task, lines)) in self.tasks.iter().zip(&train.labels).enumerate() {
            let mut own = TextTask::fit(&task.name, task.kind, lines, learn, &self.missing)?;
            if self.new_labels == NewLabels::Add {
                for (split, folder) in others.iter().filter_map(|(split, f)| Some((split, f.as_ref()?))) {
                    let before = own.known.len();
                    let n = folder.labels.get(at).map_or(0, |lines| own.add(lines, &self.missing));
                    if n > 0 {
                        let names = crate::error::list(&own.known[before..]);
                        let words = if n == 1 {
                            "label that training does not have"
                        } else {
                            "labels that training does not have"
                        };
                        let message = format!("{n} {words}: {names}; no model can learn them, each counts as an error");
                        findings.push(Finding::note(format!("{split}, task {}", task.name), message));
                    }
                }
            }
            tasks.push(own);
        }
        Ok(FittedTexts { tasks, ..fitted })
    }

    fn source(&self, fitted: &FittedTexts, folder: &Folder) -> Result<TextSource> {
        let mut texts = Vec::with_capacity(folder.texts.len());
        for (input, lines) in fitted.inputs.iter().zip(&folder.texts) {
            for at in 0..lines.len() {
                if let Some((expected, found)) = fitted.too_long(lines.line(at).len()) {
                    return Err(lines.fault(at, expected, found));
                }
            }
            texts.push(Texts::new(input.ids(lines), lines.offsets.clone())?);
        }
        let labels =
            fitted.tasks.iter().zip(&folder.labels).map(|(task, lines)| fitted.labels(task, lines, &self.missing));
        TextSource::new(fitted.info()?, texts, labels.collect::<Result<Vec<Labels>>>()?)
    }
}

impl DatasetPart for ParallelText {
    fn tasks(&self) -> Result<Vec<(TaskName, AnswerTag)>> {
        Ok(self.tasks.iter().map(|task| (task.name.clone(), task.kind.tag())).collect())
    }

    fn load(&self, loading: &mut Loading<'_>) -> Result<Splits> {
        self.load_with(loading)
    }

    fn places(&self) -> &'static [&'static str] {
        &["dir"]
    }

    fn forget_places(&mut self) {
        let folders = [Some(&mut self.train), self.validation.as_mut(), self.test.as_mut()];
        let files = self.text.as_mut().into_iter().chain(self.inputs.iter_mut().map(|input| &mut input.file));
        let labels = self.tasks.iter_mut().map(|task| &mut task.file);
        folders.into_iter().flatten().chain(files).chain(labels).for_each(PathBuf::clear);
    }

    fn has_texts(&self) -> bool {
        true
    }
}

/// Refuses a file with another number of lines than the first.
fn as_long(lines: &Lines, first: &Lines) -> Result<()> {
    let (expected, found) = (first.len(), lines.len());
    if expected == found {
        return Ok(());
    }
    let place = first.path.display();
    let said = match found < expected {
        true => (format!("a line, as in {place}, which has {expected}"), format!("the end of the file after {found}")),
        false => (format!("the end of the file, as in {place}, which has {expected} lines"), format!("{found} lines")),
    };
    Err(lines.fault(found.min(expected), said.0, said.1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn write(dir: &Path, folder: &str, text: &str, label: &str, tags: &str) {
        fs::create_dir_all(dir.join(folder)).unwrap();
        for (name, content) in [("seq.in", text), ("label", label), ("seq.out", tags)] {
            fs::write(dir.join(folder).join(name), content).unwrap();
        }
    }

    fn config(dir: &Path) -> ParallelText {
        let config: ParallelText = toml::from_str(
            r#"train = "train"
            test = "test"
            text = "seq.in"
            tasks = [{ name = "intent", file = "label", kind = "class" }, { name = "slots", file = "seq.out", kind = "tags" }]"#,
        )
        .unwrap();
        ParallelText { dir: Some(dir.to_owned()), ..config }
    }

    /// Ten training lines, two of testing.
    fn place() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let line = |at: usize| format!("fly to city{at}\n");
        let text: String = (0..10).map(line).collect();
        let label: String = (0..10).map(|at| ["go\n", "stay\n"][at % 2]).collect();
        write(dir.path(), "train", &text, &label, &"O O B\n".repeat(10));
        write(dir.path(), "test", "go to city1\nfly\n", "go\nstay\n", "O O B\nO\n");
        dir
    }

    #[test]
    fn vocabularies_are_of_what_is_learned_from_and_labels_of_the_file() {
        let dir = place();
        let splits = config(dir.path()).load().unwrap();
        assert_eq!((splits.train.len(), splits.validation.len(), splits.test.len()), (9, 1, 2));
        let text = splits.test.batch(&[0, 1]).unwrap();
        let text = Vec::<i64>::try_from(text.inputs.get("text").unwrap().view([-1])).unwrap();
        // "go" is no word of training, "fly" and "to" are its most frequent ones.
        assert_eq!((text[0], text[1], text[3], text[5]), (1, 3, 2, 0));
        let Some(Preprocessing::Text { fitted }) = &splits.preprocessing else { panic!() };
        assert_eq!(fitted.inputs[0].vocabulary.words().len(), 2 + 9, "the city of the validation line is unknown");
        assert_eq!(fitted.tasks[1].known, ["B", "O"]);
        let lower = ParallelText { min_count: 2, ..config(dir.path()) }.load().unwrap();
        assert_eq!(lower.info.inputs.describe(), "text (text of tokens in 0..4, at most 256 long)");
    }

    #[test]
    fn what_is_wrong_is_said_in_one_line_with_its_place() {
        let refusal = |folder: &str, text: &str, label: &str, tags: &str| {
            let dir = place();
            write(dir.path(), folder, text, label, tags);
            let e = config(dir.path()).load().unwrap_err().to_string();
            assert!(e.starts_with(&dir.path().display().to_string()) && e.lines().count() == 1, "{e}");
            e.replace(&format!("{}/", dir.path().display()), "")
        };
        let e = refusal("test", "a\nb\n", "go\n", "O\nO\n");
        assert_eq!(
            e,
            "test/label:2: expected a line, as in test/seq.in, which has 2, found the end of the file after 1"
        );
        let e = refusal("test", "a\nb\n", "go\ngo\n", "O\nO\nO\n");
        assert_eq!(
            e,
            "test/seq.out:3: expected the end of the file, as in test/seq.in, which has 2 lines, found 3 lines"
        );
        let e = refusal("test", "a b\nb\n", "go\ngo\n", "O O\nO O\n");
        assert_eq!(e, "test/seq.out:2: expected 1 tags, one for each word of test/seq.in:2, found 2");
        let e = refusal("test", "a\n\n", "go\ngo\n", "O\nO\n");
        assert!(e.starts_with("test/seq.in:2: expected a sample, found an empty line"), "{e}");
        let e = refusal("test", "a\nb\n", "go\nleave\n", "O\nO\n");
        assert!(
            e.starts_with(r#"test/label:2: expected a class of task intent, one of "go", "stay", found "leave", "#),
            "{e}"
        );
        assert!(e.contains("new_labels = \"add\""), "{e}");
        let long = "w ".repeat(257);
        let e = refusal("test", &format!("a\n{long}\n"), "go\ngo\n", &format!("O\n{}\n", "O ".repeat(257)));
        assert!(e.starts_with("test/seq.in:2: expected at most 256 words, found 257 (raise max_length"), "{e}");
        let dir = place();
        fs::remove_file(dir.path().join("test/label")).unwrap();
        let e = config(dir.path()).load().unwrap_err().to_string();
        assert!(e.contains("test/label: there is no such file") && e.contains("MTL_DATA_DIR"), "{e}");
    }

    #[test]
    fn new_labels_count_where_that_is_said() {
        let dir = place();
        write(dir.path(), "test", "a\nb\n", "leave\ngo\n", "O\nI\n");
        let splits = ParallelText { new_labels: NewLabels::Add, ..config(dir.path()) }.load().unwrap();
        assert_eq!(splits.info.tasks[0].answer.names(), ["go", "stay", "leave"]);
        let notes: Vec<String> = splits.findings.iter().map(ToString::to_string).collect();
        assert_eq!(
            notes[0],
            "note: test, task intent: 1 label that training does not have: \"leave\"; no model can learn them, each counts as an error"
        );
        assert_eq!(notes.len(), 2);
        assert_eq!(splits.test.targets(&[0]).unwrap()[0].as_ref().unwrap().max_label(), Some(2));
    }

    #[test]
    fn missing_labels_several_texts_and_sequences() {
        let dir = tempfile::tempdir().unwrap();
        let lines = |line: &dyn Fn(usize) -> String| (0..10).map(|at| line(at) + "\n").collect::<String>();
        let files = [
            ("q", lines(&|at| format!("who is {at}"))),
            ("a", lines(&|at| format!("he is {at} years"))),
            ("said", lines(&|at| ["yes yes", "no", "?"][at % 3].to_owned())),
            ("kind", lines(&|at| ["old", "?", "young"][at % 3].to_owned())),
            ("tags", lines(&|at| ["O O O O", "O ? B O"][at % 2].to_owned())),
        ];
        for (name, content) in files {
            fs::write(dir.path().join(name), content).unwrap();
        }
        let text = r#"inputs = [{ name = "question", file = "q" }, { name = "answer", file = "a" }]
            missing = ["?"]
            tasks = [{ name = "said", file = "said", kind = "sequence" },
                     { name = "kind", file = "kind", kind = "class" }]"#;
        let config: ParallelText = toml::from_str(text).unwrap();
        let config = ParallelText { dir: Some(dir.path().to_owned()), ..config };
        let splits = config.load().unwrap();
        assert_eq!(splits.info.inputs.len(), 2);
        assert_eq!(splits.info.tasks[0].answer.names(), ["yes", "no"]);
        let all: Vec<u64> = (0..splits.train.len()).collect();
        let missing = |splits: &Splits| {
            let targets = splits.train.targets(&all).unwrap();
            targets.iter().flatten().all(|target| !target.is_complete() && target.known() > 0.0)
        };
        assert!(missing(&splits));
        // Tags may be missing word by word.
        let (one, of_one) = ("text = \"a\"", r#"{ name = "kind", file = "tags", kind = "tags" }"#);
        let tags =
            text.replace(r#"inputs = [{ name = "question", file = "q" }, { name = "answer", file = "a" }]"#, one);
        let tags = tags.replace(r#"{ name = "kind", file = "kind", kind = "class" }"#, of_one);
        let tagged: ParallelText = toml::from_str(&tags).unwrap();
        assert!(missing(&ParallelText { dir: Some(dir.path().to_owned()), ..tagged }.load().unwrap()));
        let refusal = |text: String| {
            let config: ParallelText = toml::from_str(&text).unwrap();
            ParallelText { dir: Some(dir.path().to_owned()), ..config }.load().unwrap_err().to_string()
        };
        let e = refusal(text.replace(r#"file = "kind", kind = "class""#, r#"file = "tags", kind = "tags""#));
        assert!(e.starts_with("parallel-text: inputs must be one text where a task has tags (no encoder keeps"), "{e}");
        assert!(e.ends_with("found 2 with the tags of task kind"), "{e}");
        let e = refusal(text.replace(r#"name = "answer""#, r#"name = "question""#));
        assert_eq!(e, r#"input "question" is given twice"#);
        assert!(refusal(format!("text = \"q\"\n{text}")).contains("left out where there are inputs"));
        assert!(refusal(text.replace("name = \"kind\"", "name = \"said\"")).contains("given twice"));
        assert!(refusal("tasks = []".into()).contains("text must be the name of a file"));
        assert!(refusal("text = \"q\"".into()).contains("at least one task"));
        assert!(refusal(format!("{text}\nmax_length = 0")).contains("max_length must be >= 1"));
        assert!(refusal(format!("{text}\nmin_count = 0")).contains("min_count must be >= 1"));
    }
}
