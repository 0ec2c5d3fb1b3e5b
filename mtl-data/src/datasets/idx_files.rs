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
//!
//! A sample may have several pictures, each an input under a name, in the order of the names: picture `i` of every file
//! belongs to sample `i`. An architecture such as `fusion`, or the transformer encoder, reads them:
//! ```toml
//! train = { images = { left = "left.idx", right = "right.idx" }, labels = ["match.idx"] }
//! ```

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use mtl_core::{
    answer::{Answer, AnswerTag, numbered},
    batch::MISSING_CLASS,
    task::TaskName,
};
use serde::{Deserialize, Serialize};

use super::{DatasetPart, Splits, absent, located};
use crate::{
    error::{Error, Result},
    idx::{self, Idx},
    info::TaskInfo,
    kept::{Content, Cut, Loading, Part},
    picture_files::NamedPictures,
    preprocess::{Preprocessing, RawPictures},
    source::{Pictures, Scaling, Source, Subset},
    split::{FileKeys, Shares, Split},
};

const NAME: &str = "idx";
/// The split whose pictures show how they are scaled.
const TRAIN: &str = "train";

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
    #[schemars(extend("exclusiveMinimum" = 0.0, "exclusiveMaximum" = 1.0))]
    pub validation_fraction: f64,
    /// The part of the training files that tests when there are no test files, in `(0, 1)`; default 0.1.
    #[schemars(extend("exclusiveMinimum" = 0.0, "exclusiveMaximum" = 1.0))]
    pub test_fraction: f64,
    /// The label that means "not known"; default none: every label is known.
    pub missing: Option<u8>,
    /// Whether pixels are scaled to mean 0 and deviation 1 of the training pictures; default false: `[0, 1]`.
    pub standardize: bool,
    /// What the parts depend on; default 0.
    pub seed: u64,
    /// How those parts are cut: `group` and `time` are files with a line a picture of the training files, `stratify` names tasks; default
    /// picture by picture at random.
    #[serde(skip_serializing_if = "Split::is_random")]
    pub split: Split,
}

/// A task of idx files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IdxTask {
    /// Its name.
    pub name: TaskName,
    /// The number of classes: labels are 0 up to it; in [2, 256].
    #[schemars(range(min = 2, max = 256))]
    pub classes: usize,
    /// What the classes are called, in the order of their numbers; default their numbers.
    #[serde(default)]
    pub names: Vec<String>,
}

/// The files of one split.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IdxPart {
    /// The file of pictures; or several by the names of the inputs that they become, one picture of each in a sample.
    pub images: IdxImages,
    /// The labels, one file per task.
    pub labels: Vec<PathBuf>,
}

/// The pictures of a split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(untagged, expecting = "a path, or a table of paths by the names of inputs")]
pub enum IdxImages {
    /// One a sample: the input `image`.
    One(PathBuf),
    /// Several a sample: an input each.
    Several(BTreeMap<String, PathBuf>),
}

impl Default for IdxImages {
    fn default() -> Self {
        Self::One(PathBuf::new())
    }
}

impl IdxImages {
    /// Names of inputs and their files, by name.
    fn iter(&self) -> Vec<(&str, &Path)> {
        match self {
            Self::One(path) if path.as_os_str().is_empty() => Vec::new(),
            Self::One(path) => vec![(RawPictures::INPUT, path.as_path())],
            Self::Several(paths) => paths.iter().map(|(name, path)| (name.as_str(), path.as_path())).collect(),
        }
    }

    /// Forgets where files are, and keeps for which inputs.
    fn clear_paths(&mut self) {
        match self {
            Self::One(path) => path.clear(),
            Self::Several(paths) => paths.values_mut().for_each(PathBuf::clear),
        }
    }
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
            split: Split::default(),
        }
    }
}

/// A split as it was read.
struct Read {
    n: usize,
    pictures: Vec<ReadPictures>,
    labels: Vec<Vec<i64>>,
}

/// The pictures of one input.
struct ReadPictures {
    name: String,
    path: PathBuf,
    shape: [usize; 3],
    pixels: Vec<u8>,
}

impl IdxFiles {
    /// Reads the files.
    ///
    /// # Errors
    /// `InvalidConfig` for a missing or wrong setting; [`Error::Absent`] for a file that is not there; [`Error::Idx`] for
    /// one that is cut short or does not fit the others; [`Error::LabelRange`] for a label that is no class of its task.
    pub fn load(&self) -> Result<Splits> {
        self.load_with(&mut Loading::default())
    }

    fn load_with(&self, loading: &mut Loading<'_>) -> Result<Splits> {
        let tasks = self.task_infos()?;
        if self.train.images.iter().is_empty() {
            return Err(Error::config(NAME, "train", "the paths of files", "none"));
        }
        let train = self.read(TRAIN, &self.train, loading)?;
        let shares = Shares {
            validation: self.validation.is_none().then_some(self.validation_fraction),
            test: self.test.is_none().then_some(self.test_fraction),
        };
        let classes = || {
            let numbers = |labels: &Vec<i64>| labels.iter().map(|label| label.cast_unsigned()).collect();
            tasks.iter().zip(&train.labels).map(|(task, labels)| (task.name.as_str(), numbers(labels))).collect()
        };
        let mut keys = FileKeys::read(&self.split, train.n as u64, &self.path(Path::new("")), classes, loading)?;
        let [learn, validation, test] = keys.cut(NAME, shares, self.seed)?;
        let mut images: Vec<NamedPictures> = Vec::with_capacity(train.pictures.len());
        for ReadPictures { name, shape, pixels, .. } in &train.pictures {
            let role = role_of_pictures(TRAIN, &self.train.images, name);
            let scaling = loading.scaling(name, &role, || match self.standardize {
                true => Ok(Pictures::measure(pixels, shape.iter().product(), &learn)),
                false => Ok(Scaling::default()),
            })?;
            images.push(NamedPictures { name: name.clone(), image: RawPictures::new(*shape, scaling) });
        }
        let source = |read: Read| -> Result<Arc<dyn Source>> {
            let pixels = read.pictures.into_iter().map(|pictures| pictures.pixels);
            let pictures = images.iter().cloned().zip(pixels).collect();
            Ok(Arc::new(Pictures::new(pictures, tasks.clone(), read.labels)?))
        };
        let shapes: Vec<(String, [usize; 3])> = train.pictures.iter().map(|p| (p.name.clone(), p.shape)).collect();
        let whole = source(train)?;
        let mut other = |role, part: &Option<IdxPart>, positions: Vec<u64>| -> Result<(Arc<dyn Source>, Part)> {
            let Some(part) = part else {
                let cut = Part::at(&positions);
                return Ok((Arc::new(Subset::new(whole.clone(), positions)?), cut));
            };
            let read = self.read(role, part, loading)?;
            let names = |all: &mut dyn Iterator<Item = &String>| all.map(String::as_str).collect::<Vec<_>>().join(", ");
            let (expected, found) =
                (names(&mut shapes.iter().map(|(name, _)| name)), names(&mut read.pictures.iter().map(|p| &p.name)));
            if expected != found {
                return Err(Error::config(NAME, "images", format!("of {expected}, as for training"), found));
            }
            for (pictures, (_, shape)) in read.pictures.iter().zip(&shapes) {
                if pictures.shape != *shape {
                    let expected = format!("pictures of {shape:?} as in the training file");
                    let found = format!("{:?}", pictures.shape);
                    return Err(Error::Idx { path: pictures.path.clone(), expected, found });
                }
            }
            let read = source(read)?;
            let cut = Part::whole(read.len());
            Ok((read, cut))
        };
        let (validation, validation_part) = other("validation", &self.validation, validation)?;
        let (test, test_part) = other("test", &self.test, test)?;
        let cut = Cut { train: Part::at(&learn), validation: validation_part, test: test_part };
        let preprocessing = match (&self.train.images, images.as_slice()) {
            (IdxImages::One(_), [only]) => Preprocessing::Pictures { image: only.image },
            _ => Preprocessing::PictureFiles { images },
        };
        let splits = Splits::new(&whole, learn, Vec::new(), test, Some(preprocessing))?;
        loading.finish(Splits { validation, dealt: keys.dealt(), ..splits }, cut)
    }

    fn task_infos(&self) -> Result<Vec<TaskInfo>> {
        if self.tasks.is_empty() {
            return Err(Error::config(NAME, "tasks", "at least one task", "none"));
        }
        let mut tasks: Vec<TaskInfo> = Vec::with_capacity(self.tasks.len());
        for (at, task) in self.tasks.iter().enumerate() {
            let here = |e: Error| Err(e.inside(format!("tasks[{at}]")));
            if !(2..=256).contains(&task.classes) {
                return here(Error::config(NAME, "classes", "in [2, 256]", task.classes.to_string()));
            }
            if !task.names.is_empty() && task.names.len() != task.classes {
                let expected = format!("{} names, one per class of task {}", task.classes, task.name);
                return here(Error::config(NAME, "names", expected, task.names.len().to_string()));
            }
            if tasks.iter().any(|t| t.name == task.name) {
                let twice = mtl_core::Error::Duplicate { what: "task", name: task.name.to_string() };
                return here(Error::from(twice).inside("name"));
            }
            let classes = if task.names.is_empty() { numbered(task.classes) } else { task.names.clone() };
            tasks.push(TaskInfo { name: task.name.clone(), answer: Answer::class(classes) });
        }
        Ok(tasks)
    }

    /// The files of a split, each compared with what a run kept of it before they are held against each other.
    fn read(&self, split: &str, part: &IdxPart, loading: &mut Loading<'_>) -> Result<Read> {
        let wrong = |path: PathBuf, expected: String, found: String| Err(Error::Idx { path, expected, found });
        let mut pictures: Vec<ReadPictures> = Vec::new();
        let mut n = 0;
        for (name, path) in part.images.iter() {
            let path = self.path(path);
            let images = idx_of_pictures(&path).map_err(|e| loading.unreadable(&path, absent(e)))?;
            let (found, shape) = match images.dims[..] {
                [n, height, width] => (n, [1, height, width]),
                [n, channels, height, width] => (n, [channels, height, width]),
                _ => (0, [0; 3]),
            };
            let role = role_of_pictures(split, &part.images, name);
            loading.admit(&role, &path, Content::of_idx(&images), split == TRAIN)?;
            if let Some(first) = pictures.first()
                && found != n
            {
                return wrong(path, format!("{n} pictures, as many as of {}", first.name), found.to_string());
            }
            n = found;
            pictures.push(ReadPictures { name: name.to_owned(), path, shape, pixels: images.data });
        }
        if part.labels.len() != self.tasks.len() {
            let expected = format!("{} files, one per task", self.tasks.len());
            return Err(Error::config(NAME, "labels", expected, part.labels.len().to_string()));
        }
        let mut labels = Vec::with_capacity(self.tasks.len());
        for (task, path) in self.tasks.iter().zip(&part.labels) {
            let path = self.path(path);
            let bytes = idx::read(&path, 1).map_err(|e| loading.unreadable(&path, absent(e)))?;
            let role = format!("{split} labels of {}", task.name);
            loading.admit(&role, &path, Content::of_idx(&bytes), false)?;
            if bytes.data.len() != n {
                return wrong(path, format!("{n} labels, one per picture"), bytes.data.len().to_string());
            }
            labels.push(self.classes_of(task, &path, &bytes.data)?);
        }
        Ok(Read { n, pictures, labels })
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

impl DatasetPart for IdxFiles {
    fn tasks(&self) -> Result<Vec<(TaskName, AnswerTag)>> {
        Ok(self.tasks.iter().map(|task| (task.name.clone(), AnswerTag::Class)).collect())
    }

    fn load(&self, loading: &mut Loading<'_>) -> Result<Splits> {
        self.load_with(loading)
    }

    fn places(&self) -> &'static [&'static str] {
        &["dir"]
    }

    fn forget_places(&mut self) {
        let parts = [Some(&mut self.train), self.validation.as_mut(), self.test.as_mut()];
        for part in parts.into_iter().flatten() {
            part.images.clear_paths();
            part.labels.iter_mut().for_each(PathBuf::clear);
        }
    }

    fn has_pictures(&self) -> bool {
        true
    }
}

/// A file of pictures; at least one.
fn idx_of_pictures(path: &Path) -> Result<Idx> {
    let rank = idx::rank(path)?;
    if !(3..=4).contains(&rank) {
        let expected = "[n, height, width] or [n, channels, height, width]".into();
        return Err(Error::Idx { path: path.to_owned(), expected, found: format!("{rank} axes") });
    }
    let pictures = idx::read(path, rank)?;
    if pictures.data.is_empty() { Err(Error::NoRows { path: path.to_owned() }) } else { Ok(pictures) }
}

/// What the file of an input's pictures is among those of a run; of several, the name of the input follows.
fn role_of_pictures(split: &str, images: &IdxImages, input: &str) -> String {
    match images {
        IdxImages::One(_) => format!("{split} pictures"),
        IdxImages::Several(_) => format!("{split} pictures {input}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Kept, OnChange, datasets::DatasetConfig};
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
        let train = IdxPart { images: IdxImages::One("x".into()), labels: vec!["y".into()] };
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
    fn several_pictures_are_an_input_each() {
        let dir = tempfile::tempdir().unwrap();
        let labels: Vec<u8> = (0..20).map(|i| i % 3).collect();
        let one = files(dir.path(), &labels);
        let wide: Vec<u8> = (0..20 * 4).map(|i| u8::try_from(i * 3).unwrap()).collect();
        fs::write(dir.path().join("w"), idx(&[20, 1, 4], &wide)).unwrap();
        let paths = [("right", "x"), ("left", "w")].map(|(name, path)| (name.to_owned(), path.into()));
        let images = IdxImages::Several(paths.into_iter().collect());
        let train = IdxPart { images, ..one.train.clone() };
        let two = IdxFiles { train, standardize: true, ..one.clone() };
        let splits = two.load().unwrap();
        assert_eq!(splits.info.inputs.describe(), "left (picture of 1 x 1 x 4), right (picture of 1 x 2 x 3)");
        let (alone, both) = (one.load().unwrap(), splits.test.batch(&[0, 1]).unwrap());
        assert_eq!(alone.test.batch(&[0, 1]).unwrap().ids, both.ids, "the cut depends on their number alone");
        let Some(Preprocessing::PictureFiles { images }) = &splits.preprocessing else { panic!("several files") };
        assert!(images[0].image.mean.to_bits() != images[1].image.mean.to_bits(), "each is scaled by its own pixels");
        let roles: Vec<_> = splits.provenance.files.iter().map(|file| file.role.as_str()).collect();
        assert_eq!(roles, ["train pictures left", "train pictures right", "train labels of t"]);
        let text = toml::to_string(&two).unwrap();
        assert_eq!(toml::from_str::<IdxFiles>(&text).unwrap(), two, "{text}");
        let test = Some(IdxPart { images: IdxImages::One("x".into()), ..one.train.clone() });
        let e = IdxFiles { test, ..two.clone() }.load().unwrap_err().to_string();
        assert_eq!(e, "idx: images must be of left, right, as for training, found image");
        fs::write(dir.path().join("w"), idx(&[19, 1, 4], &wide[4..])).unwrap();
        let e = two.load().unwrap_err().to_string();
        assert!(e.ends_with("x: expected 19 pictures, as many as of left, found 20"), "{e}");
    }

    #[test]
    fn a_changed_file_is_named_with_what_it_would_have_taught() {
        let dir = tempfile::tempdir().unwrap();
        let one = files(dir.path(), &(0..20).map(|i| i % 3).collect::<Vec<u8>>());
        let wide: Vec<u8> = (0..20 * 4).map(|i| i * 3).collect();
        let write = |name: &str, bytes: Vec<u8>| fs::write(dir.path().join(name), bytes).unwrap();
        write("w", idx(&[20, 1, 4], &wide));
        let paths = [("left", "x"), ("right", "w")].map(|(name, path)| (name.to_owned(), path.into()));
        let images = IdxImages::Several(paths.into_iter().collect());
        let train = IdxPart { images, ..one.train.clone() };
        let config = DatasetConfig::Idx(IdxFiles { train, standardize: true, ..one });
        let kept = Kept::of(&config, &config.load().unwrap());
        let refusal = || kept.load(&config, OnChange::Refuse).unwrap_err();
        let of = |e: &Error| match e {
            Error::Changed { path, .. } | Error::Gone { path } => path.strip_prefix(dir.path()).unwrap().to_owned(),
            e => panic!("{e}"),
        };
        // Other pixels of the second input: what they would have done to its own scale.
        write("w", idx(&[20, 1, 4], &wide.iter().map(|pixel| pixel / 2).collect::<Vec<_>>()));
        let e = refusal();
        assert!(of(&e) == Path::new("w") && e.to_string().contains("(mean of pixels "), "{e}");
        // One that cannot be read is not the first one.
        write("w", b"no idx file".to_vec());
        let e = refusal();
        assert!(of(&e) == Path::new("w") && e.to_string().contains("it cannot be read as it was"), "{e}");
        write("w", idx(&[19, 1, 4], &wide[4..]));
        let e = refusal();
        assert!(of(&e) == Path::new("w") && e.to_string().contains("(rows 20 -> 19)"), "{e}");
        write("w", idx(&[20, 1, 4], &wide));
        write("y", b"no idx file".to_vec());
        assert_eq!(of(&refusal()), Path::new("y"));
        fs::remove_file(dir.path().join("y")).unwrap();
        assert_eq!(of(&refusal()), Path::new("y"));
        let e = config.load().unwrap_err().to_string();
        assert!(e.contains("y: there is no such file") && e.contains("MTL_DATA_DIR"), "{e}");
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
