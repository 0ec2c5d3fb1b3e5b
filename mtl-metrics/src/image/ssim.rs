//! SSIM and MS-SSIM: structural similarity of images, at one and at five scales.
//!
//! ```text
//! l = (2 mx my + C1) / (mx^2 + my^2 + C1)     c = (2 cov + C2) / (vx + vy + C2)     C1 = (0.01 L)^2, C2 = (0.03 L)^2
//! SSIM    = mean over windows and channels of l c
//! MS-SSIM = SSIM_5^0.1333 prod_{s=1..4} max(c_s, 0)^b_s        b = .0448, .2856, .3001, .2363; scale s + 1: 2x2 means of scale s
//! ```
//!
//! Windows are 11x11, Gaussian with sigma 1.5, inside the image. `L` is the range of values. The value is the mean over
//! images.
//!
//! **Shapes** images `[n, c, h, w]`, sides of at least 11 (MS-SSIM: 176). **State** 552 bytes. **Cost** 22
//! multiplications a pixel and moment.
//!
//! **Reference** Z. Wang et al., *Image Quality Assessment*, TIP 2004; *Multiscale Structural Similarity*, Asilomar
//! 2003; scikit-image 0.26 `structural_similarity(gaussian_weights=True, sigma=1.5, use_sample_covariance=False)`;
//! torchmetrics `MultiScaleStructuralSimilarityIndexMeasure(normalize="relu")`.
//! **Differs from** nothing known.

use mtl_core::{Result, metric::Direction};

use crate::{
    chunks::map_each,
    image::{
        images::{ImagePairs, check_range},
        window::{WIDTH, mean_over_windows, widen},
    },
    mean::ExactMean,
    metric::{Metric, MetricState, refused},
    refusal::refuse,
    value::MetricValue,
};

const SCALES: [f64; 5] = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333];

/// Mean structural similarity, `[-1, 1]`; at several scales `[0, 1]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ssim {
    range: f64,
    multi_scale: bool,
}

impl Ssim {
    /// For values in an interval of length `range`: 1 for `[0, 1]`, 255 for bytes.
    ///
    /// # Errors
    /// [`mtl_core::Error::InvalidConfig`] for a range that is not positive.
    pub fn new(range: f64) -> Result<Self> {
        Ok(Self { range: check_range("ssim", range)?, multi_scale: false })
    }

    /// MS-SSIM.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn multi_scale(range: f64) -> Result<Self> {
        Ok(Self { range: check_range("ms-ssim", range)?, multi_scale: true })
    }

    /// Mean over channels of `[SSIM, contrast and structure]`.
    fn one_scale(&self, x: &[f64], y: &[f64], [c, h, w]: [usize; 3]) -> Option<[f64; 2]> {
        let (c1, c2) = ((0.01 * self.range).powi(2), (0.03 * self.range).powi(2));
        let channels = x.chunks_exact(h * w).zip(y.chunks_exact(h * w)).map(|(x, y)| {
            mean_over_windows(x, y, h, w, |m| {
                let [mx, my] = m.mean;
                let luminance = (2.0 * mx * my + c1) / (mx * mx + my * my + c1);
                let contrast = (2.0 * m.covariance + c2) / (m.variance[0] + m.variance[1] + c2);
                [luminance * contrast, contrast]
            })
        });
        let mut sums = [0.0; 2];
        for of in channels {
            sums.iter_mut().zip(of?).for_each(|(sum, term)| *sum += term);
        }
        Some(sums.map(|sum| sum / c as f64))
    }

    fn image(&self, said: &[f32], truth: &[f32], [c, mut h, mut w]: [usize; 3]) -> Option<f64> {
        let (mut x, mut y) = (widen(said), widen(truth));
        if !self.multi_scale {
            return self.one_scale(&x, &y, [c, h, w]).map(|[ssim, _]| ssim);
        }
        let mut product = 1.0;
        for (scale, power) in SCALES.iter().enumerate() {
            let [ssim, contrast] = self.one_scale(&x, &y, [c, h, w])?;
            let last = scale == SCALES.len() - 1;
            product *= if last { ssim } else { contrast }.max(0.0).powf(*power);
            if !last {
                (x, y) = (halved(&x, h, w), halved(&y, h, w));
                (h, w) = (h / 2, w / 2);
            }
        }
        Some(product)
    }
}

/// Means of 2x2 pixels; an odd last row or column is dropped.
fn halved(x: &[f64], h: usize, w: usize) -> Vec<f64> {
    let mut out = Vec::with_capacity(x.len() / 4);
    for channel in x.chunks_exact(h * w) {
        for rows in channel.chunks_exact(2 * w) {
            let (top, bottom) = rows.split_at(w);
            let pairs = top.chunks_exact(2).zip(bottom.chunks_exact(2));
            out.extend(pairs.map(|(a, b)| (a[0] + a[1] + b[0] + b[1]) / 4.0));
        }
    }
    out
}

impl Metric for Ssim {
    type Batch<'a> = ImagePairs<'a>;
    type State = ExactMean;

    fn name(&self) -> &'static str {
        if self.multi_scale { "ms-ssim" } else { "ssim" }
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (if self.multi_scale { 0.0 } else { -1.0 }, 1.0)
    }

    fn update(&self, state: &mut ExactMean, batch: &ImagePairs<'_>) -> Result<()> {
        let [_, c, h, w] = batch.shape();
        let (name, least) = if self.multi_scale { ("ms-ssim", WIDTH << (SCALES.len() - 1)) } else { ("ssim", WIDTH) };
        // The last scale has to hold a window: floor(side / 16) >= 11.
        if h.min(w) < least {
            return Err(refuse(name, "sides", format!("at least {least}"), format!("{h} x {w}")));
        }
        let images = batch.each();
        let values = map_each(images.len(), |idx| self.image(images[idx].0, images[idx].1, [c, h, w]));
        let mut part = ExactMean::default();
        values.into_iter().flatten().for_each(|value| part.add(value));
        state.merge(&part).map_err(|reason| refused(self.name(), reason))
    }

    fn compute(&self, state: &ExactMean) -> MetricValue {
        state.value()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Streaming;

    #[test]
    fn constant_images_by_hand() {
        // Without variance only the luminance is left.
        let (x, y) = ([0.5_f32; 144], [0.25_f32; 144]);
        let mut ssim = Streaming::new(Ssim::new(1.0).unwrap());
        ssim.update_batch(&ImagePairs::new(&x, &y, [1, 1, 12, 12]).unwrap()).unwrap();
        let want = (2.0 * 0.125 + 1e-4) / (0.25 + 0.0625 + 1e-4);
        assert!((ssim.compute().value.unwrap() - want).abs() < 1e-12);
        ssim.update_batch(&ImagePairs::new(&x, &x, [1, 1, 12, 12]).unwrap()).unwrap();
        assert!((ssim.compute().value.unwrap() - (want + 1.0) / 2.0).abs() < 1e-12);
    }

    #[test]
    fn small_images_are_refused() {
        let mut ssim = Streaming::new(Ssim::multi_scale(1.0).unwrap());
        let image = vec![0.0; 160 * 180];
        let e = ssim.update_batch(&ImagePairs::new(&image, &image, [1, 1, 160, 180]).unwrap()).unwrap_err().to_string();
        assert_eq!(e, "ms-ssim: sides must be at least 176, found 160 x 180");
        assert_eq!(halved(&[1.0, 3.0, 9.0, 5.0, 7.0, 9.0], 2, 3), [4.0]);
        assert!(Ssim::new(f64::NAN).is_err());
    }
}
