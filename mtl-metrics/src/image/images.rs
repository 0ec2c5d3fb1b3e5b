//! Images side by side.

use mtl_core::Result;

use crate::refusal::{check_each, refuse, same_length};
use crate::{
    input::MetricBatch,
    judged::{FromJudged, Shelf},
};

/// Said and true images `[n, c, h, w]`, row after row, channel after channel.
#[derive(Debug, Clone, Copy)]
pub struct ImagePairs<'a> {
    said: &'a [f32],
    truth: &'a [f32],
    shape: [usize; 4],
}

impl<'a> ImagePairs<'a> {
    /// Images of shape `[n, c, h, w]`.
    ///
    /// # Errors
    /// [`mtl_core::Error::Shape`] for another number of values, [`mtl_core::Error::InvalidConfig`] for one that is not
    /// finite or beyond 1e15, and for images without a pixel.
    pub fn new(said: &'a [f32], truth: &'a [f32], shape: [usize; 4]) -> Result<Self> {
        let values = shape.iter().try_fold(1_usize, |product, &size| product.checked_mul(size)).unwrap_or(usize::MAX);
        same_length("images", "said", values, said.len())?;
        same_length("images", "truth", values, truth.len())?;
        if shape[1..].contains(&0) {
            return Err(refuse("images", "shape", "of at least one pixel", format!("{shape:?}")));
        }
        for (field, of) in [("said", said), ("truth", truth)] {
            check_each("images", field, "a number up to 1e15", of, |x| x.abs() <= 1e15)?;
        }
        Ok(Self { said, truth, shape })
    }

    /// `[n, c, h, w]`.
    #[must_use]
    pub fn shape(&self) -> [usize; 4] {
        self.shape
    }

    /// Said and true values of every image, `[c, h, w]` each.
    pub(crate) fn each(&self) -> Vec<(&'a [f32], &'a [f32])> {
        let size = self.shape[1..].iter().product::<usize>().max(1);
        self.said.chunks_exact(size).zip(self.truth.chunks_exact(size)).collect()
    }
}

/// The distance between the largest and the smallest possible value, checked: 1, 255, ..
///
/// # Errors
/// [`mtl_core::Error::InvalidConfig`] for one that is not positive.
pub(crate) fn check_range(what: &'static str, range: f64) -> Result<f64> {
    if range > 0.0 && range <= 1e15 {
        return Ok(range);
    }
    Err(refuse(what, "range", "positive, up to 1e15", range.to_string()))
}

/// The numbers of a sample as one pixel of so many channels: a spectrum.
impl<'a> FromJudged<'a> for ImagePairs<'a> {
    fn from_judged(judged: &MetricBatch<'a>, metric: &str, shelf: &'a Shelf) -> Result<Self> {
        let known = judged.known_values(metric, shelf)?;
        Self::new(known.said, known.truth, [known.n_rows(), known.n_cols, 1, 1])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_and_values_are_checked() {
        let image = [0.5; 12];
        assert_eq!(ImagePairs::new(&image, &image, [2, 1, 2, 3]).unwrap().each().len(), 2);
        assert!(ImagePairs::new(&image, &image, [2, 1, 2, 2]).is_err());
        assert!(ImagePairs::new(&[], &[], [1, 0, 2, 2]).is_err());
        let e = ImagePairs::new(&[f32::NAN], &[0.0], [1, 1, 1, 1]).unwrap_err().to_string();
        assert_eq!(e, "images: said must be a number up to 1e15, found NaN at position 0");
        assert!(check_range("psnr", 0.0).is_err());
    }
}
