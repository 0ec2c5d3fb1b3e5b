//! PSNR: peak signal over noise, decibels.
//!
//! ```text
//! PSNR = 10 log10(L^2 / MSE)          L: range of values
//! ```
//!
//! [`PsnrMean::Images`] averages the PSNR of images (the usual table in papers); [`PsnrMean::Pixels`] takes one MSE
//! over all. An image without any error has no finite PSNR: it is left out and counted.
//!
//! **Shapes** images `[n, c, h, w]`. **State** 1.1 kB.
//!
//! **Reference** scikit-image 0.26 `peak_signal_noise_ratio`; torchmetrics `PeakSignalNoiseRatio` (pixels). **Differs
//! from** both, which give infinity without error.

use mtl_core::{Result, metric::Direction};
use serde::{Deserialize, Serialize};

use crate::{
    chunks::map_each,
    exact_sum::ExactSum,
    image::images::{ImagePairs, check_range},
    mean::ExactMean,
    metric::{Metric, MetricState, refused},
    value::{MetricValue, OrReason},
};

/// What is averaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PsnrMean {
    /// The PSNR of images.
    #[default]
    Images,
    /// The squared error of pixels.
    Pixels,
}

/// Squared errors, and the PSNR of images.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct PsnrSums {
    images: ExactMean,
    equal: u64,
    squares: ExactMean,
}

impl MetricState for PsnrSums {
    fn merge(&mut self, other: &Self) -> OrReason<()> {
        let mut merged = self.clone();
        merged.images.merge(&other.images)?;
        merged.squares.merge(&other.squares)?;
        merged.equal = merged.equal.checked_add(other.equal).ok_or("a count is beyond 64 bits")?;
        *self = merged;
        Ok(())
    }

    fn check(&self) -> OrReason<()> {
        self.images.check()?;
        self.squares.check()
    }
}

/// Peak signal to noise ratio, decibels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Psnr {
    range: f64,
    mean: PsnrMean,
}

impl Psnr {
    /// For values in an interval of length `range`: 1 for `[0, 1]`, 255 for bytes.
    ///
    /// # Errors
    /// [`mtl_core::Error::InvalidConfig`] for a range that is not positive.
    pub fn new(range: f64, mean: PsnrMean) -> Result<Self> {
        Ok(Self { range: check_range("psnr", range)?, mean })
    }

    fn decibels(&self, mse: f64) -> f64 {
        10.0 * (self.range * self.range / mse).log10()
    }
}

impl Metric for Psnr {
    type Batch<'a> = ImagePairs<'a>;
    type State = PsnrSums;

    fn name(&self) -> &'static str {
        match self.mean {
            PsnrMean::Images => "psnr",
            PsnrMean::Pixels => "psnr-pixels",
        }
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (f64::NEG_INFINITY, f64::INFINITY)
    }

    fn update(&self, state: &mut PsnrSums, batch: &ImagePairs<'_>) -> Result<()> {
        let images = batch.each();
        let errors: Vec<(ExactSum, usize)> = map_each(images.len(), |idx| {
            let (said, truth) = images[idx];
            let mut sum = ExactSum::default();
            said.iter().zip(truth).for_each(|(&a, &b)| {
                let off = f64::from(a) - f64::from(b);
                sum.add(off * off);
            });
            (sum, said.len())
        });
        let mut part = PsnrSums::default();
        for (sum, n) in errors {
            let mse = sum.value() / n as f64;
            if mse > 0.0 {
                part.images.add(self.decibels(mse));
            } else {
                part.equal += 1;
            }
            part.squares.add_sum(&sum, n as u64);
        }
        state.merge(&part).map_err(|reason| refused(self.name(), reason))
    }

    fn compute(&self, state: &PsnrSums) -> MetricValue {
        let equal = "said and true images are equal";
        match self.mean {
            PsnrMean::Images => {
                let mut value = state.images.value();
                if value.value.is_none() && state.equal > 0 {
                    value = MetricValue::undefined(equal, state.equal);
                }
                value.parts = state.images.n().saturating_add(state.equal).max(1);
                value.left_out = if value.value.is_some() { state.equal } else { value.parts };
                value
            }
            PsnrMean::Pixels => {
                let mse = state.squares.value();
                match mse.value {
                    Some(0.0) => MetricValue::undefined(equal, mse.support),
                    Some(square) => MetricValue::defined(self.decibels(square), mse.support),
                    None => mse,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Streaming;

    #[test]
    fn by_hand() {
        let (truth, said) = ([0.0, 0.0, 1.0, 1.0, 0.5, 0.5], [0.1, 0.1, 1.0, 1.0, 0.49, 0.51]);
        let pairs = ImagePairs::new(&said, &truth, [3, 1, 1, 2]).unwrap();
        let value = |mean| {
            let mut metric = Streaming::new(Psnr::new(1.0, mean).unwrap());
            metric.update_batch(&pairs).unwrap();
            metric.compute()
        };
        // 20 dB and 40 dB; the middle image is equal.
        let images = value(PsnrMean::Images);
        assert!((images.value.unwrap() - 30.0).abs() < 1e-5);
        assert_eq!((images.parts, images.left_out), (3, 1));
        let mse = (2.0 * 0.01 + 2.0 * 0.0001) / 6.0_f64;
        assert!((value(PsnrMean::Pixels).value.unwrap() + 10.0 * mse.log10()).abs() < 1e-5);
    }

    #[test]
    fn equal_images_have_no_ratio() {
        let mut metric = Streaming::new(Psnr::new(1.0, PsnrMean::Images).unwrap());
        assert_eq!(metric.compute().get(), Err("no known label"));
        metric.update_batch(&ImagePairs::new(&[0.5], &[0.5], [1, 1, 1, 1]).unwrap()).unwrap();
        assert_eq!(metric.compute().get(), Err("said and true images are equal"));
    }
}
