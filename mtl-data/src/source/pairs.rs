//! Two garments in one picture: a two-task data set made from a one-task one.
//!
//! The first garment fills the top left of a 36 x 36 picture, the second the bottom right; where they overlap the
//! brighter pixel wins. Task `left` names the first, task `right` the second, out of ten classes each. Pictures are
//! composed when they are asked for, so any number of pairs costs no memory.
//!
//! ```text
//! pair i: left = garments[i mod n], right = garments[draw(seed, i) in 0..n]
//! ```
//!
//! Every garment is on the left equally often, and pair `i` is the same in every epoch, batch and thread.
//!
//! **Reference**: X. Lin, H. Zhen, Z. Li, Q. Zhang, S. Kwong, "Pareto Multi-Task Learning", NeurIPS 2019 (MultiFashion);
//! H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST", arXiv:1708.07747.
//! **Differs from** that: their pairs were drawn once without a published seed; scores compare within one seed only.

use std::{path::Path, sync::Arc};

use mtl_core::{
    answer::Answer,
    batch::{Batch, Target},
    task::TaskName,
};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Source, indices};
use crate::{
    error::{Error, Result},
    idx::Idx,
    info::{DataInfo, TaskInfo},
    preprocess::RawPictures,
    rng::{Rng, Stream},
};

/// Height and width of a composed picture.
pub const PAIR_SIDE: usize = 36;
const SIDE: usize = 28;
const PIXELS: usize = PAIR_SIDE * PAIR_SIDE;
const SHIFT: usize = PAIR_SIDE - SIDE;
const CLASSES: [&str; 10] =
    ["t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle-boot"];

/// How pixels in `[0, 1]` are scaled: `(pixel - mean) / std`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scaling {
    /// What is subtracted.
    pub mean: f32,
    /// What it is divided by; > 0.
    pub std: f32,
}

impl Default for Scaling {
    fn default() -> Self {
        Self { mean: 0.0, std: 1.0 }
    }
}

/// Pictures of one garment each, with their classes.
#[derive(Debug)]
pub(crate) struct Garments {
    pixels: Vec<u8>,
    labels: Vec<u8>,
}

impl Garments {
    /// Checks that pictures are 28 x 28 and that there is one label in `0..10` for each.
    ///
    /// # Errors
    /// [`Error::Idx`] naming `images` or `labels`, [`Error::LabelRange`], [`Error::NoRows`].
    pub(crate) fn new(images: (&Path, Idx), labels: (&Path, Idx)) -> Result<Self> {
        let ((image_path, images), (label_path, labels)) = (images, labels);
        let wrong =
            |path: &Path, expected: String, found: String| Err(Error::Idx { path: path.to_owned(), expected, found });
        if images.dims.get(1..) != Some(&[SIDE, SIDE]) {
            return wrong(image_path, format!("pictures of {SIDE} x {SIDE}"), format!("sizes {:?}", images.dims));
        }
        let n = images.dims[0];
        if n == 0 {
            return Err(Error::NoRows { path: image_path.to_owned() });
        }
        if labels.data.len() != n {
            return wrong(label_path, format!("{n} labels, one per picture"), labels.data.len().to_string());
        }
        if let Some(item) = labels.data.iter().position(|&label| usize::from(label) >= CLASSES.len()) {
            return Err(Error::LabelRange {
                path: label_path.to_owned(),
                item: item as u64,
                task: "left".into(),
                n_classes: CLASSES.len(),
                found: labels.data[item].into(),
            });
        }
        Ok(Self { pixels: images.data, labels: labels.data })
    }

    /// The number of garments.
    pub(crate) fn len(&self) -> usize {
        self.labels.len()
    }

    fn pixels(&self, at: usize) -> &[u8] {
        &self.pixels[at * SIDE * SIDE..(at + 1) * SIDE * SIDE]
    }
}

/// Pairs of garments, composed on the fly.
///
/// # Shapes
/// One picture, `[b, 1, 36, 36]` of `Float`, named [`RawPictures::INPUT`]; targets `left` and `right`: `[b]` of `Int64`
/// in `0..10`.
#[derive(Debug, Clone)]
pub struct FashionPairs {
    garments: Arc<Garments>,
    /// The garments of this split.
    members: Vec<u64>,
    n_pairs: u64,
    seed: u64,
    info: DataInfo,
    raw: RawPictures,
    /// The scaled value of each pixel value.
    values: [f32; 256],
}

impl FashionPairs {
    /// `n_pairs` pairs of the garments at `members`.
    ///
    /// # Errors
    /// `InvalidConfig` without members or for a scaling that is not finite and positive; [`Error::Position`] for a
    /// member that does not exist.
    pub(crate) fn new(
        garments: Arc<Garments>,
        members: Vec<u64>,
        n_pairs: u64,
        seed: u64,
        scaling: Scaling,
    ) -> Result<Self> {
        if members.is_empty() {
            return Err(Error::config("fashion-pairs", "members", "at least one garment", "none"));
        }
        indices("fashion-pairs", garments.len() as u64, &members)?;
        let raw = Self::pictures(scaling);
        raw.validate()?;
        let task =
            |name| -> Result<TaskInfo> { Ok(TaskInfo { name: TaskName::new(name)?, answer: Answer::class(CLASSES) }) };
        let info = DataInfo { inputs: raw.inputs(), tasks: vec![task("left")?, task("right")?] };
        Ok(Self { garments, members, n_pairs, seed, info, values: raw.values(), raw })
    }

    /// Shape and scaling of its pictures.
    pub(crate) fn pictures(scaling: Scaling) -> RawPictures {
        RawPictures::new([1, PAIR_SIDE, PAIR_SIDE], scaling)
    }

    /// Mean and standard deviation of the pixels of up to 2000 pairs, in `[0, 1]`.
    pub(crate) fn measure(&self) -> Scaling {
        let (mut sum, mut squares, mut picture) = (0u64, 0u64, [0; PIXELS]);
        let n_pairs = self.n_pairs.min(2000);
        for pair in 0..n_pairs {
            let (left, right) = self.pair(pair);
            compose(self.garments.pixels(left), self.garments.pixels(right), &mut picture);
            for &pixel in &picture {
                sum += u64::from(pixel);
                squares += u64::from(pixel) * u64::from(pixel);
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "sums of 2000 pictures stay below 2^53")]
        let (n, sum, squares) = ((n_pairs.max(1) * PIXELS as u64) as f64, sum as f64, squares as f64);
        let mean = sum / n;
        let std = (squares / n - mean * mean).max(0.0).sqrt();
        #[expect(clippy::cast_possible_truncation, reason = "pixels are f32")]
        let scaling = Scaling { mean: (mean / 255.0) as f32, std: (std / 255.0) as f32 };
        if scaling.std > 0.0 { scaling } else { Scaling { std: 1.0, ..scaling } }
    }

    /// The garments of a pair.
    fn pair(&self, pair: u64) -> (usize, usize) {
        let n = self.members.len() as u64;
        let drawn = Rng::new(self.seed, Stream::Pairs, pair).below(n);
        // Both are below the number of members, and members were checked: they are indices.
        let member = |at: u64| usize::try_from(at).ok().and_then(|at| self.members.get(at)).copied().unwrap_or(0);
        let index = |at: u64| usize::try_from(member(at)).unwrap_or(0);
        (index(pair % n), index(drawn))
    }

    fn targets_of(&self, pairs: &[(usize, usize)]) -> Result<Vec<Option<Target>>> {
        let label = |at: usize| i64::from(self.garments.labels[at]);
        let left: Vec<_> = pairs.iter().map(|&(left, _)| label(left)).collect();
        let right: Vec<_> = pairs.iter().map(|&(_, right)| label(right)).collect();
        Ok(vec![Some(Target::class("left", &left)?), Some(Target::class("right", &right)?)])
    }
}

impl Source for FashionPairs {
    fn info(&self) -> &DataInfo {
        &self.info
    }

    fn len(&self) -> u64 {
        self.n_pairs
    }

    fn batch(&self, positions: &[u64]) -> Result<Batch> {
        indices("fashion-pairs", self.n_pairs, positions)?;
        let pairs: Vec<_> = positions.iter().map(|&position| self.pair(position)).collect();
        let mut pixels = vec![0.0; pairs.len() * PIXELS];
        // A picture takes about a microsecond: a few dozen make a task worth handing over.
        pixels.par_chunks_exact_mut(PIXELS).with_min_len(64).zip(&pairs).for_each(|(out, &(left, right))| {
            let mut picture = [0; PIXELS];
            compose(self.garments.pixels(left), self.garments.pixels(right), &mut picture);
            for (value, &pixel) in out.iter_mut().zip(&picture) {
                *value = self.values[usize::from(pixel)];
            }
        });
        let targets = self.targets_of(&pairs)?;
        Ok(Batch::new(self.raw.batch(&pixels)?, targets, positions.to_vec())?)
    }

    fn targets(&self, positions: &[u64]) -> Result<Vec<Option<Target>>> {
        indices("fashion-pairs", self.n_pairs, positions)?;
        self.targets_of(&positions.iter().map(|&position| self.pair(position)).collect::<Vec<_>>())
    }
}

/// The brighter pixel of the left garment at the top left and the right one at the bottom right.
fn compose(left: &[u8], right: &[u8], picture: &mut [u8; PIXELS]) {
    picture.fill(0);
    for (row, pixels) in left.chunks_exact(SIDE).enumerate() {
        picture[row * PAIR_SIDE..][..SIDE].copy_from_slice(pixels);
    }
    for (row, pixels) in right.chunks_exact(SIDE).enumerate() {
        let out = &mut picture[(row + SHIFT) * PAIR_SIDE + SHIFT..][..SIDE];
        for (out, &pixel) in out.iter_mut().zip(pixels) {
            *out = (*out).max(pixel);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Garment `i` has all pixels `10 * i` and class `i`.
    fn garments(n: u8) -> Arc<Garments> {
        let pixels = (0..n).flat_map(|i| vec![10 * i; SIDE * SIDE]).collect();
        let images = Idx { dims: vec![n.into(), SIDE, SIDE], data: pixels };
        let labels = Idx { dims: vec![n.into()], data: (0..n).collect() };
        Arc::new(Garments::new(("images".as_ref(), images), ("labels".as_ref(), labels)).unwrap())
    }

    #[test]
    fn the_brighter_pixel_wins() {
        let pairs = FashionPairs::new(garments(3), vec![1, 2], 4, 0, Scaling::default()).unwrap();
        let batch = pairs.batch(&[3, 0]).unwrap();
        let image = batch.inputs.get("image").unwrap();
        assert_eq!(image.size(), [2, 1, 36, 36]);
        for (row, pair) in [(0, 3), (1, 0)] {
            let (left, right) = pairs.pair(pair);
            assert_eq!(left, if pair % 2 == 0 { 1 } else { 2 });
            let at = |y, x| image.double_value(&[row, 0, y, x]) * 255.0;
            let (l, r) = (10.0 * left as f64, 10.0 * right as f64);
            for (y, x, expected) in [(0, 0, l), (35, 35, r), (20, 20, l.max(r)), (0, 35, 0.0), (35, 0, 0.0), (7, 7, l)]
            {
                assert!((at(y, x) - expected).abs() < 1e-4, "pair {pair} at {y}, {x}");
            }
        }
    }

    #[test]
    fn pixels_are_scaled_as_asked() {
        let plain = FashionPairs::new(garments(9), (0..9).collect(), 500, 1, Scaling::default()).unwrap();
        let scaling = plain.measure();
        let scaled = FashionPairs::new(garments(9), (0..9).collect(), 500, 1, scaling).unwrap();
        let all: Vec<u64> = (0..500).collect();
        let batch = scaled.batch(&all).unwrap();
        let image = batch.inputs.get("image").unwrap();
        assert!(image.mean(tch::Kind::Double).double_value(&[]).abs() < 1e-5);
        assert!((image.std(false).double_value(&[]) - 1.0).abs() < 1e-4);
        assert_eq!(scaled.raw.scaling(), scaling);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let refusal = |dims: &[usize], labels: &[u8]| {
            let images = Idx { dims: dims.to_vec(), data: vec![0; dims.iter().product()] };
            let labels = Idx { dims: vec![labels.len()], data: labels.to_vec() };
            Garments::new(("images".as_ref(), images), ("labels".as_ref(), labels)).unwrap_err().to_string()
        };
        assert_eq!(refusal(&[1, 28, 27], &[0]), "images: expected pictures of 28 x 28, found sizes [1, 28, 27]");
        assert_eq!(refusal(&[2, 28, 28], &[0]), "labels: expected 2 labels, one per picture, found 1");
        assert_eq!(refusal(&[2, 28, 28], &[0, 10]), "labels: item 1: label of task left must be in 0..10, found 10");
        assert!(FashionPairs::new(garments(2), vec![2], 1, 0, Scaling::default()).is_err());
        assert!(FashionPairs::new(garments(2), vec![], 1, 0, Scaling::default()).is_err());
    }
}
