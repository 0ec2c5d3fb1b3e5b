//! Pictures in memory, each with one class label per task.
//!
//! Pixels stay bytes until a batch is built: a data set costs its file size, and scaling is a table of 256 values.

use mtl_core::batch::{Batch, MISSING_CLASS, Target};
use rayon::prelude::*;

use super::{Scaling, Source, indices};
use crate::{
    error::{Error, Result},
    info::{DataInfo, TaskInfo},
    preprocess::RawPictures,
};

/// Pictures and labels.
///
/// # Shapes
/// One picture, `[b, channels, height, width]` of `Float`, named [`RawPictures::INPUT`]; one target per task: `[b]` of
/// `Int64`.
#[derive(Debug, Clone)]
pub struct Pictures {
    pixels: Vec<u8>,
    /// Bytes of one picture.
    size: usize,
    /// Per task, one label per picture.
    labels: Vec<Vec<i64>>,
    info: DataInfo,
    raw: RawPictures,
    values: [f32; 256],
}

impl Pictures {
    /// `pixels` are `[n, channels, height, width]`, last axis fastest; `labels` one list of `n` per task, class numbers
    /// below the task's number of classes or [`MISSING_CLASS`].
    ///
    /// # Errors
    /// `InvalidConfig` when sizes do not agree or the scaling is not finite and positive.
    pub(crate) fn new(pixels: Vec<u8>, raw: RawPictures, tasks: Vec<TaskInfo>, labels: Vec<Vec<i64>>) -> Result<Self> {
        let size = raw.channels * raw.height * raw.width;
        let n = pixels.len().checked_div(size).unwrap_or(0);
        if n * size != pixels.len() || labels.len() != tasks.len() || labels.iter().any(|l| l.len() != n) {
            let found = format!("{} bytes, labels {:?}", pixels.len(), labels.iter().map(Vec::len).collect::<Vec<_>>());
            return Err(Error::config(
                "pictures",
                "labels",
                format!("one per task and picture of {size} bytes"),
                found,
            ));
        }
        raw.validate()?;
        Ok(Self { pixels, size, labels, info: DataInfo { inputs: raw.inputs(), tasks }, values: raw.values(), raw })
    }

    /// Mean and standard deviation, in `[0, 1]`, of the pixels of the pictures at `positions`.
    pub(crate) fn measure(pixels: &[u8], size: usize, positions: &[u64]) -> Scaling {
        let mut counts = [0u64; 256];
        for &position in positions {
            let start = usize::try_from(position).unwrap_or(usize::MAX).saturating_mul(size);
            for &pixel in pixels.get(start..start.saturating_add(size)).unwrap_or_default() {
                counts[usize::from(pixel)] += 1;
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "counts of pixels stay far below 2^52")]
        let sum = |f: fn(f64) -> f64| -> f64 {
            counts.iter().enumerate().map(|(pixel, &n)| n as f64 * f(pixel as f64 / 255.0)).sum()
        };
        let n = sum(|_| 1.0).max(1.0);
        let mean = sum(|x| x) / n;
        let std = (sum(|x| x * x) / n - mean * mean).max(0.0).sqrt();
        #[expect(clippy::cast_possible_truncation, reason = "pixels are f32")]
        let scaling = Scaling { mean: mean as f32, std: std as f32 };
        if scaling.std > 0.0 { scaling } else { Scaling { std: 1.0, ..scaling } }
    }
}

impl Source for Pictures {
    fn info(&self) -> &DataInfo {
        &self.info
    }

    fn len(&self) -> u64 {
        (self.pixels.len() / self.size.max(1)) as u64
    }

    fn batch(&self, positions: &[u64]) -> Result<Batch> {
        let at = indices("pictures", self.len(), positions)?;
        let mut pixels = vec![0.0; at.len() * self.size];
        pixels.par_chunks_exact_mut(self.size).with_min_len(64).zip(&at).for_each(|(out, &at)| {
            for (value, &pixel) in out.iter_mut().zip(&self.pixels[at * self.size..]) {
                *value = self.values[usize::from(pixel)];
            }
        });
        let targets = self.targets(positions)?;
        Ok(Batch::new(self.raw.batch(&pixels)?, targets, positions.to_vec())?)
    }

    fn targets(&self, positions: &[u64]) -> Result<Vec<Option<Target>>> {
        let at = indices("pictures", self.len(), positions)?;
        let mut targets = Vec::with_capacity(self.labels.len());
        for (task, labels) in self.info.tasks.iter().zip(&self.labels) {
            let labels: Vec<i64> = at.iter().map(|&at| labels.get(at).copied().unwrap_or(MISSING_CLASS)).collect();
            targets.push(Some(Target::class(task.name.as_str(), &labels)?));
        }
        Ok(targets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mtl_core::{answer::Answer, task::TaskName};

    fn tasks() -> Vec<TaskInfo> {
        vec![TaskInfo { name: TaskName::new("t").unwrap(), answer: Answer::class(["a", "b"]) }]
    }

    fn raw(scaling: Scaling) -> RawPictures {
        RawPictures::new([1, 2, 2], scaling)
    }

    #[test]
    fn pixels_and_labels_come_as_asked() {
        let pixels = vec![0, 255, 51, 102, 0, 0, 255, 255];
        let source = Pictures::new(pixels, raw(Scaling::default()), tasks(), vec![vec![1, MISSING_CLASS]]).unwrap();
        let batch = source.batch(&[1, 0, 1]).unwrap();
        let image = batch.inputs.get("image").unwrap();
        assert_eq!(image.size(), [3, 1, 2, 2]);
        assert!((image.double_value(&[1, 0, 1, 0]) - 0.2).abs() < 1e-6);
        let target = batch.targets[0].as_ref().unwrap();
        assert!((target.known() - 1.0).abs() < 1e-9);
        assert!(source.batch(&[2]).is_err());
    }

    #[test]
    fn scaling_is_measured_on_the_given_pictures() {
        let scaling = Pictures::measure(&[0, 0, 255, 255, 9, 9], 2, &[0, 1]);
        assert!((scaling.mean - 0.5).abs() < 1e-6 && (scaling.std - 0.5).abs() < 1e-6);
        assert!((Pictures::measure(&[7, 7], 2, &[0]).std - 1.0).abs() < 1e-6);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let new = |labels, scaling| Pictures::new(vec![0; 8], raw(scaling), tasks(), labels);
        assert!(new(vec![vec![0]], Scaling::default()).is_err());
        assert!(new(vec![vec![0, 1]], Scaling { mean: 0.0, std: 0.0 }).is_err());
    }
}
