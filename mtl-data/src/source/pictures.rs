//! Pictures in memory, one or several in a sample, with one class label per task.
//!
//! Pixels stay bytes until a batch is built: a data set costs its file size, and scaling is a table of 256 values.

use mtl_core::batch::{Batch, Inputs, MISSING_CLASS, Target};
use rayon::prelude::*;

use super::{Scaling, Source, indices};
use crate::{
    error::{Error, Result},
    info::{DataInfo, TaskInfo},
    picture_files::NamedPictures,
};

/// Pictures and labels.
///
/// # Shapes
/// `[b, channels, height, width]` of `Float` for each input; one target per task: `[b]` of `Int64`.
#[derive(Debug, Clone)]
pub struct Pictures {
    n: usize,
    images: Vec<Images>,
    /// Per task, one label per sample.
    labels: Vec<Vec<i64>>,
    info: DataInfo,
}

/// The pictures of one input.
#[derive(Debug, Clone)]
struct Images {
    pixels: Vec<u8>,
    /// Bytes of one picture.
    size: usize,
    about: NamedPictures,
    values: [f32; 256],
}

impl Pictures {
    /// Pixels of each input are `[n, channels, height, width]`, last axis fastest; `labels` one list of `n` per task, class
    /// numbers below the task's number of classes or [`MISSING_CLASS`].
    ///
    /// # Errors
    /// `InvalidConfig` when sizes do not agree or a scaling is not finite and positive; those of names of inputs.
    pub(crate) fn new(
        images: Vec<(NamedPictures, Vec<u8>)>,
        tasks: Vec<TaskInfo>,
        labels: Vec<Vec<i64>>,
    ) -> Result<Self> {
        let about: Vec<NamedPictures> = images.iter().map(|(about, _)| about.clone()).collect();
        let inputs = NamedPictures::inputs(&about)?;
        let images = images.into_iter().map(|(about, pixels)| {
            let size = about.image.channels * about.image.height * about.image.width;
            Images { values: about.image.values(), pixels, size, about }
        });
        let images: Vec<Images> = images.collect();
        let n = images.first().map_or(0, |first| first.pixels.len() / first.size.max(1));
        let fits = |images: &Images| n.checked_mul(images.size) == Some(images.pixels.len());
        if !images.iter().all(fits) || labels.len() != tasks.len() || labels.iter().any(|l| l.len() != n) {
            let bytes: Vec<usize> = images.iter().map(|images| images.pixels.len()).collect();
            let found = format!("{bytes:?} bytes, labels {:?}", labels.iter().map(Vec::len).collect::<Vec<_>>());
            let expected = format!("one per task and sample, for pictures of {} bytes", inputs.describe());
            return Err(Error::config("pictures", "labels", expected, found));
        }
        Ok(Self { n, images, labels, info: DataInfo { inputs, tasks } })
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
        self.n as u64
    }

    fn batch(&self, positions: &[u64]) -> Result<Batch> {
        let at = indices("pictures", self.len(), positions)?;
        let mut inputs = Vec::with_capacity(self.images.len());
        for Images { pixels, size, about, values } in &self.images {
            let mut scaled = vec![0.0; at.len() * size];
            scaled.par_chunks_exact_mut(*size).with_min_len(64).zip(&at).for_each(|(out, &at)| {
                for (value, &pixel) in out.iter_mut().zip(&pixels[at * size..]) {
                    *value = values[usize::from(pixel)];
                }
            });
            inputs.push((about.name.clone(), about.image.tensor(&scaled)?));
        }
        Ok(Batch::new(Inputs::new(inputs)?, self.targets(positions)?, positions.to_vec())?)
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
    use crate::preprocess::RawPictures;
    use mtl_core::{answer::Answer, task::TaskName};

    fn tasks() -> Vec<TaskInfo> {
        vec![TaskInfo { name: TaskName::new("t").unwrap(), answer: Answer::class(["a", "b"]) }]
    }

    fn image(scaling: Scaling) -> NamedPictures {
        NamedPictures { name: "image".into(), image: RawPictures::new([1, 2, 2], scaling) }
    }

    #[test]
    fn pixels_and_labels_come_as_asked() {
        let pixels = vec![0, 255, 51, 102, 0, 0, 255, 255];
        let images = vec![(image(Scaling::default()), pixels)];
        let source = Pictures::new(images, tasks(), vec![vec![1, MISSING_CLASS]]).unwrap();
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
        let new = |labels, scaling| Pictures::new(vec![(image(scaling), vec![0; 8])], tasks(), labels);
        assert!(new(vec![vec![0]], Scaling::default()).is_err());
        let other = NamedPictures { name: "other".into(), ..image(Scaling::default()) };
        let images = vec![(image(Scaling::default()), vec![0; 8]), (other, vec![0; 12])];
        let e = Pictures::new(images, tasks(), vec![vec![0, 1]]).unwrap_err().to_string();
        assert!(e.contains("found [8, 12] bytes, labels [2]"), "{e}");
        assert!(new(vec![vec![0, 1]], Scaling { mean: 0.0, std: 0.0 }).is_err());
    }
}
