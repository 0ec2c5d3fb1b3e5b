//! Pairs of Fashion-MNIST garments, from the four idx files.
//!
//! Garments are split into training and validation before they are paired, so no garment is seen in both.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use mtl_core::{answer::AnswerTag, task::TaskName};
use serde::{Deserialize, Serialize};

use super::{DatasetPart, Origin, Splits, dataset_dir, named};
use crate::{
    error::{Error, Result},
    idx::{self, Idx},
    kept::{Content, Cut, Loading, Part, Provenance},
    preprocess::{Preprocessing, RawPictures},
    rng::mix,
    source::{FashionPairs, Garments, Scaling, Source, split},
    split::Dealt,
};

const NAME: &str = "fashion-pairs";
/// The folder holds the data set as it was published.
const FILES: &str = "fashion-mnist";

/// The composed pictures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FashionPairsConfig {
    /// The folder with the four idx files, compressed or not; default `data/fashion-mnist` in the cache.
    pub dir: Option<PathBuf>,
    /// The part of the training garments that is held out for validation, in `(0, 1)`; default 0.1.
    #[schemars(extend("exclusiveMinimum" = 0.0, "exclusiveMaximum" = 1.0))]
    pub validation: f64,
    /// Pairs per garment of each split; > 0, default 1.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub pairs_per_garment: f64,
    /// Whether pixels are scaled to mean 0 and deviation 1 of the training pairs; default false: `[0, 1]`.
    pub standardize: bool,
    /// What the split and the pairs depend on; default 0.
    pub seed: u64,
}

impl Default for FashionPairsConfig {
    fn default() -> Self {
        Self { dir: None, validation: 0.1, pairs_per_garment: 1.0, standardize: false, seed: 0 }
    }
}

impl FashionPairsConfig {
    /// Reads the garments; pictures are composed when batches are built.
    ///
    /// # Errors
    /// [`Error::NoFile`]; [`Error::Idx`] for a file that is cut short or of another format; [`Error::LabelRange`];
    /// `InvalidConfig` for a setting out of range.
    pub fn load(&self) -> Result<Splits> {
        self.load_with(&mut Loading::default())
    }

    fn load_with(&self, loading: &mut Loading<'_>) -> Result<Splits> {
        let dir = dataset_dir(self.dir.as_deref(), FILES)?;
        let (train, test) = rayon::join(|| files(&dir, "train"), || files(&dir, "t10k"));
        let mut compared = |part: &str, files: Files| -> Result<Arc<Garments>> {
            let mut admit = |what: &str, Read { path, idx }: Read, learned_from: bool| -> Result<(PathBuf, Idx)> {
                let idx = idx.map_err(|e| loading.unreadable(&path, e))?;
                loading.admit(&format!("{part} {what}"), &path, Content::of_idx(&idx), learned_from)?;
                Ok((path, idx))
            };
            let (picture_path, pictures) = admit("pictures", files.pictures, part == "train")?;
            let (label_path, labels) = admit("labels", files.labels, false)?;
            Ok(Arc::new(Garments::new((&picture_path, pictures), (&label_path, labels))?))
        };
        let (train, test) = (compared("train", train)?, compared("test", test)?);
        let (learn, held_out) = split(train.len() as u64, self.validation, self.seed)?;
        if held_out.is_empty() {
            return Err(Error::config(NAME, "validation", "a fraction in (0, 1)", self.validation.to_string()));
        }
        let all = (0..test.len() as u64).collect();
        let scaling = loading.scaling(RawPictures::INPUT, "train pictures", || match self.standardize {
            true => Ok(self.pairs(&train, learn.clone(), 0, Scaling::default())?.measure()),
            false => Ok(Scaling::default()),
        })?;
        let cut =
            Cut { train: Part::at(&learn), validation: Part::at(&held_out), test: Part::whole(test.len() as u64) };
        let pairs = |garments, members, part| -> Result<Arc<dyn Source>> {
            Ok(Arc::new(self.pairs(garments, members, part, scaling)?))
        };
        let (train, validation, test) = (pairs(&train, learn, 0)?, pairs(&train, held_out, 1)?, pairs(&test, all, 2)?);
        let info = train.info().clone();
        let provenance = Provenance::default();
        let findings = Vec::new();
        let preprocessing = Some(Preprocessing::Pictures { image: FashionPairs::pictures(scaling) });
        let (origin, dealt, sources) = (Origin::Real, Dealt::default(), Vec::new());
        let splits =
            Splits { train, validation, test, info, preprocessing, origin, provenance, findings, dealt, sources };
        loading.finish(splits, cut)
    }

    fn pairs(&self, garments: &Arc<Garments>, members: Vec<u64>, part: u64, scaling: Scaling) -> Result<FashionPairs> {
        let rate = self.pairs_per_garment;
        if !(rate > 0.0 && rate <= 1e6) {
            return Err(Error::config(NAME, "pairs_per_garment", "in (0, 1e6]", rate.to_string()));
        }
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked"
        )]
        let n_pairs = ((members.len() as f64 * rate).round() as u64).max(1);
        FashionPairs::new(garments.clone(), members, n_pairs, mix(self.seed ^ mix(part)), scaling)
    }
}

impl DatasetPart for FashionPairsConfig {
    fn tasks(&self) -> Result<Vec<(TaskName, AnswerTag)>> {
        named(&["left", "right"], AnswerTag::Class)
    }

    fn load(&self, loading: &mut Loading<'_>) -> Result<Splits> {
        self.load_with(loading)
    }

    fn places(&self) -> &'static [&'static str] {
        &["dir"]
    }

    fn has_pictures(&self) -> bool {
        true
    }
}

/// A file, and what it holds or why it cannot be read.
struct Read {
    path: PathBuf,
    idx: Result<Idx>,
}

/// The two files of a part.
struct Files {
    pictures: Read,
    labels: Read,
}

fn files(dir: &Path, part: &str) -> Files {
    let read = |kind: &str, rank: usize| match either(dir, &format!("{part}-{kind}-idx{rank}-ubyte")) {
        Ok(path) => Read { idx: idx::read(&path, rank), path },
        Err(e) => Read { path: dir.to_owned(), idx: Err(e) },
    };
    Files { pictures: read("images", 3), labels: read("labels", 1) }
}

/// The file as it is published or unpacked.
fn either(dir: &Path, name: &str) -> Result<PathBuf> {
    let (packed, plain) = (dir.join(format!("{name}.gz")), dir.join(name));
    match (packed.is_file(), plain.is_file()) {
        (true, _) => Ok(packed),
        (_, true) => Ok(plain),
        _ => Err(Error::NoFile { path: packed, dataset: FILES }),
    }
}
