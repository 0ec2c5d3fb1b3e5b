//! Your own pictures in idx files: one file of pictures per split, one file of labels per split and task.
//!
//! ```toml
//! [data]
//! kind = "idx"
//! dir = "digits"
//! tasks = [{ name = "digit", classes = 10 }, { name = "even", classes = 2, names = ["odd", "even"] }]
//! train = { images = "train-images.idx", labels = ["train-digit.idx", "train-even.idx"] }
//! test  = { images = "test-images.idx.gz", labels = ["test-digit.idx.gz", "test-even.idx.gz"] }
//! ```
//! Pictures are bytes, `[n, height, width]` or `[n, channels, height, width]`; labels are bytes, `[n]`. Files may be
//! compressed. Validation and test are cut from the training file unless they have files of their own.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use mtl_core::{
    answer::{Answer, numbered},
    batch::MISSING_CLASS,
    task::TaskName,
};
use serde::{Deserialize, Serialize};

use super::{Splits, csv::cut, located};
use crate::{
    error::{Error, Result},
    idx,
    info::TaskInfo,
    kept::{Content, Cut, Loading, Part},
    preprocess::{Preprocessing, RawPictures},
    source::{Pictures, Scaling, Source, Subset},
};

const NAME: &str = "idx";

/// Idx files and what their labels mean.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct IdxFiles {
    /// The folder that relative paths start from; one that is not here is looked for in `MTL_DATA_DIR`; default the current one.
    pub dir: Option<PathBuf>,
    /// The tasks, in the order of the files of labels; at least one, required.
    pub tasks: Vec<IdxTask>,
    /// The training files; required.
    pub train: IdxPart,
    /// Files for validation; default: a part of the training files.
    pub validation: Option<IdxPart>,
    /// Files for testing; default: a part of the training files.
    pub test: Option<IdxPart>,
    /// The part of the training files that validates when there are no validation files, in `(0, 1)`; default 0.1.
    pub validation_fraction: f64,
    /// The part of the training files that tests when there are no test files, in `(0, 1)`; default 0.1.
    pub test_fraction: f64,
    /// The label that means "not known"; default none: every label is known.
    pub missing: Option<u8>,
    /// Whether pixels are scaled to mean 0 and deviation 1 of the training pictures; default false: `[0, 1]`.
    pub standardize: bool,
    /// What the parts depend on; default 0.
    pub seed: u64,
}

/// A task of idx files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IdxTask {
    /// Its name.
    pub name: TaskName,
    /// The number of classes: labels are 0 up to it; in [2, 256].
    pub classes: usize,
    /// What the classes are called, in the order of their numbers; default their numbers.
    #[serde(default)]
    pub names: Vec<String>,
}

/// The files of one split.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IdxPart {
    /// The pictures.
    pub images: PathBuf,
    /// The labels, one file per task.
    pub labels: Vec<PathBuf>,
}

impl Default for IdxFiles {
    fn default() -> Self {
        Self {
            dir: None,
            tasks: Vec::new(),
            train: IdxPart::default(),
            validation: None,
            test: None,
            validation_fraction: 0.1,
            test_fraction: 0.1,
            missing: None,
            standardize: false,
            seed: 0,
        }
    }
}

/// A split as it was read.
struct Read {
    pixels: Vec<u8>,
    shape: [usize; 3],
    labels: Vec<Vec<i64>>,
    /// Which file it is of the split's, where it is, what it held.
    files: Vec<(String, PathBuf, Content)>,
}

impl IdxFiles {
    /// Reads the files.
    ///
    /// # Errors
    /// `InvalidConfig` for a missing or wrong setting; [`Error::Idx`] for a file that is cut short or does not fit the
    /// others; [`Error::LabelRange`] for a label that is no class of its task.
    pub fn load(&self) -> Result<Splits> {
        self.load_with(&mut Loading::default())
    }

    pub(super) fn load_with(&self, loading: &mut Loading<'_>) -> Result<Splits> {
        let tasks = self.tasks()?;
        if self.train.images.as_os_str().is_empty() {
            return Err(Error::config(NAME, "train", "the paths of files", "none"));
        }
        let train = self.compared("train", &self.train, loading)?;
        let size: usize = train.shape.iter().product();
        let n = (train.pixels.len() / size.max(1)) as u64;
        let (rest, test) = cut(NAME, n, self.test.is_none(), "test_fraction", self.test_fraction, self.seed)?;
        let (learn, validation) = cut(
            NAME,
            rest.len() as u64,
            self.validation.is_none(),
            "validation_fraction",
            self.validation_fraction,
            self.seed.wrapping_add(1),
        )?;
        let in_rest = |positions: Vec<u64>| -> Vec<u64> {
            positions.iter().filter_map(|&at| rest.get(usize::try_from(at).ok()?).copied()).collect()
        };
        let (learn, validation) = (in_rest(learn), in_rest(validation));
        let scaling = loading.scaling(|| match self.standardize {
            true => Ok(Pictures::measure(&train.pixels, size, &learn)),
            false => Ok(Scaling::default()),
        })?;
        let (shape, image) = (train.shape, RawPictures::new(train.shape, scaling));
        let source = |read: Read| -> Result<Arc<dyn Source>> {
            Ok(Arc::new(Pictures::new(read.pixels, image, tasks.clone(), read.labels)?))
        };
        let whole = source(train)?;
        let mut other = |role, part: &Option<IdxPart>, positions: Vec<u64>| -> Result<(Arc<dyn Source>, Part)> {
            let Some(part) = part else {
                let cut = Part::at(&positions);
                return Ok((Arc::new(Subset::new(whole.clone(), positions)?), cut));
            };
            let read = self.compared(role, part, loading)?;
            if read.shape != shape {
                let path = self.path(&part.images);
                let expected = format!("pictures of {shape:?} as in the training file");
                return Err(Error::Idx { path, expected, found: format!("{:?}", read.shape) });
            }
            let read = source(read)?;
            let cut = Part::whole(read.len());
            Ok((read, cut))
        };
        let (validation, validation_part) = other("validation", &self.validation, validation)?;
        let (test, test_part) = other("test", &self.test, test)?;
        let cut = Cut { train: Part::at(&learn), validation: validation_part, test: test_part };
        let splits = Splits::new(&whole, learn, Vec::new(), test, Preprocessing::Pictures { image })?;
        loading.finish(Splits { validation, ..splits }, cut)
    }

    /// The files of a split, compared with what a run kept of them.
    fn compared(&self, role: &str, part: &IdxPart, loading: &mut Loading<'_>) -> Result<Read> {
        let mut read = self.read(part).map_err(|e| loading.unreadable(&self.path(&part.images), e))?;
        for (what, path, content) in read.files.drain(..) {
            let learned_from = role == "train" && what == "pictures";
            loading.admit(&format!("{role} {what}"), &path, content, learned_from)?;
        }
        Ok(read)
    }

    fn tasks(&self) -> Result<Vec<TaskInfo>> {
        if self.tasks.is_empty() {
            return Err(Error::config(NAME, "tasks", "at least one task", "none"));
        }
        let mut tasks: Vec<TaskInfo> = Vec::with_capacity(self.tasks.len());
        for task in &self.tasks {
            if !(2..=256).contains(&task.classes) {
                return Err(Error::config(NAME, "classes", "in [2, 256]", task.classes.to_string()));
            }
            if !task.names.is_empty() && task.names.len() != task.classes {
                let expected = format!("{} names, one per class of task {}", task.classes, task.name);
                return Err(Error::config(NAME, "names", expected, task.names.len().to_string()));
            }
            if tasks.iter().any(|t| t.name == task.name) {
                return Err(mtl_core::Error::Duplicate { what: "task", name: task.name.to_string() }.into());
            }
            let classes = if task.names.is_empty() { numbered(task.classes) } else { task.names.clone() };
            tasks.push(TaskInfo { name: task.name.clone(), answer: Answer::class(classes) });
        }
        Ok(tasks)
    }

    fn read(&self, part: &IdxPart) -> Result<Read> {
        let path = self.path(&part.images);
        let wrong = |path: PathBuf, expected: String, found: String| Err(Error::Idx { path, expected, found });
        let rank = idx::rank(&path)?;
        if !(3..=4).contains(&rank) {
            return wrong(path, "[n, height, width] or [n, channels, height, width]".into(), format!("{rank} axes"));
        }
        let images = idx::read(&path, rank)?;
        let (n, shape) = match images.dims[..] {
            [n, height, width] => (n, [1, height, width]),
            [n, channels, height, width] => (n, [channels, height, width]),
            _ => (0, [0; 3]),
        };
        if n == 0 || images.data.is_empty() {
            return Err(Error::NoRows { path });
        }
        if part.labels.len() != self.tasks.len() {
            let expected = format!("{} files, one per task", self.tasks.len());
            return Err(Error::config(NAME, "labels", expected, part.labels.len().to_string()));
        }
        let mut files = vec![("pictures".to_owned(), path, Content::of_idx(&images))];
        let mut labels = Vec::with_capacity(self.tasks.len());
        for (task, path) in self.tasks.iter().zip(&part.labels) {
            let path = self.path(path);
            let bytes = idx::read(&path, 1)?;
            if bytes.data.len() != n {
                return wrong(path, format!("{n} labels, one per picture"), bytes.data.len().to_string());
            }
            labels.push(self.classes_of(task, &path, &bytes.data)?);
            files.push((format!("labels of {}", task.name), path, Content::of_idx(&bytes)));
        }
        Ok(Read { pixels: images.data, shape, labels, files })
    }

    fn classes_of(&self, task: &IdxTask, path: &Path, bytes: &[u8]) -> Result<Vec<i64>> {
        let class = |(item, &label): (usize, &u8)| match label {
            label if Some(label) == self.missing => Ok(MISSING_CLASS),
            label if usize::from(label) < task.classes => Ok(label.into()),
            label => Err(Error::LabelRange {
                path: path.to_owned(),
                item: item as u64,
                task: task.name.to_string(),
                n_classes: task.classes,
                found: label.into(),
            }),
        };
        bytes.iter().enumerate().map(class).collect()
    }

    fn path(&self, path: &Path) -> PathBuf {
        located(self.dir.as_deref()).join(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn idx(dims: &[u32], data: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0, 0, 8, u8::try_from(dims.len()).unwrap()];
        dims.iter().for_each(|d| bytes.extend(d.to_be_bytes()));
        bytes.extend(data);
        bytes
    }

    fn files(dir: &Path, labels: &[u8]) -> IdxFiles {
        let n = u32::try_from(labels.len()).unwrap();
        let pixels: Vec<u8> = (0..n * 6).map(|i| u8::try_from(i % 251).unwrap()).collect();
        fs::write(dir.join("x"), idx(&[n, 2, 3], &pixels)).unwrap();
        fs::write(dir.join("y"), idx(&[n], labels)).unwrap();
        let task = IdxTask { name: TaskName::new("t").unwrap(), classes: 3, names: Vec::new() };
        let train = IdxPart { images: "x".into(), labels: vec!["y".into()] };
        IdxFiles { dir: Some(dir.to_owned()), tasks: vec![task], train, ..IdxFiles::default() }
    }

    #[test]
    fn parts_are_cut_and_labels_may_be_missing() {
        let dir = tempfile::tempdir().unwrap();
        let labels: Vec<u8> = (0..40).map(|i| if i % 4 == 3 { 255 } else { i % 4 }).collect();
        let config = IdxFiles { missing: Some(255), standardize: true, ..files(dir.path(), &labels) };
        let splits = config.load().unwrap();
        assert_eq!((splits.train.len(), splits.validation.len(), splits.test.len()), (32, 4, 4));
        assert_eq!(splits.info.inputs.describe(), "image (picture of 1 x 2 x 3)");
        let all: Vec<u64> = (0..32).collect();
        let batch = splits.train.batch(&all).unwrap();
        assert!(batch.inputs.get("image").unwrap().mean(tch::Kind::Double).double_value(&[]).abs() < 1e-5);
        assert!(batch.targets[0].as_ref().unwrap().known() < 32.0);
    }

    #[test]
    fn colored_pictures_have_four_axes() {
        let dir = tempfile::tempdir().unwrap();
        let config = files(dir.path(), &[0, 1, 2, 0, 1, 2]);
        fs::write(dir.path().join("x"), idx(&[6, 3, 1, 2], &[9; 36])).unwrap();
        let info = config.load().unwrap().info;
        assert_eq!(info.inputs.describe(), "image (picture of 3 x 1 x 2)");
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let good = files(dir.path(), &[0, 1, 2, 0, 1, 2]);
        let refusal = |config: &IdxFiles| config.load().unwrap_err().to_string();
        assert_eq!(refusal(&IdxFiles::default()), "idx: tasks must be at least one task, found none");
        let empty = IdxFiles { train: IdxPart::default(), ..good.clone() };
        assert_eq!(refusal(&empty), "idx: train must be the paths of files, found none");
        let two = IdxFiles { tasks: vec![IdxTask { classes: 2, ..good.tasks[0].clone() }], ..good.clone() };
        assert!(refusal(&two).ends_with("y: item 2: label of task t must be in 0..2, found 2"), "{}", refusal(&two));
        let names =
            IdxFiles { tasks: vec![IdxTask { names: vec!["a".into()], ..good.tasks[0].clone() }], ..good.clone() };
        assert_eq!(refusal(&names), "idx: names must be 3 names, one per class of task t, found 1");
        let files = IdxPart { labels: Vec::new(), ..good.train.clone() };
        let none = IdxFiles { train: files, ..good.clone() };
        assert_eq!(refusal(&none), "idx: labels must be 1 files, one per task, found 0");
        fs::write(dir.path().join("y"), idx(&[5], &[0; 5])).unwrap();
        assert!(refusal(&good).ends_with("y: expected 6 labels, one per picture, found 5"));
        fs::write(dir.path().join("x"), idx(&[6], &[0; 6])).unwrap();
        assert!(refusal(&good).contains("[n, height, width]"));
    }
}
