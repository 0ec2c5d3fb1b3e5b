//! SAM: the angle between spectra, pixel by pixel.
//!
//! ```text
//! angle = 2 atan2(|a/|a| - b/|b||, |a/|a| + b/|b||), radians          a, b: the channels of a pixel
//! ```
//!
//! The mean over pixels of all images. A pixel whose spectrum is 0 on either side has no angle: it is left out and
//! counted.
//!
//! **Shapes** images `[n, c, h, w]`, `c >= 2`. **State** 560 bytes.
//!
//! **Reference** F. Kruse et al., *The Spectral Image Processing System*, Remote Sensing of Environment 44, 1993;
//! torchmetrics `SpectralAngleMapper`. **Differs from** torchmetrics: NaN there for a spectrum of 0; `arccos` there,
//! which loses small angles.

use mtl_core::{Result, metric::Direction};
use serde::{Deserialize, Serialize};

use crate::{
    chunks::map_each,
    image::images::ImagePairs,
    mean::ExactMean,
    metric::{Metric, MetricState, refused},
    refusal::refuse,
    value::{MetricValue, OrReason},
};

/// Angles and pixels without one.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SpectralAngles {
    mean: ExactMean,
    dark: u64,
}

impl MetricState for SpectralAngles {
    fn merge(&mut self, other: &Self) -> OrReason<()> {
        let dark = self.dark.checked_add(other.dark).ok_or("a count is beyond 64 bits")?;
        self.mean.merge(&other.mean)?;
        self.dark = dark;
        Ok(())
    }

    fn check(&self) -> OrReason<()> {
        self.mean.check()
    }
}

/// Mean spectral angle, radians, `[0, pi]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SpectralAngle;

impl Metric for SpectralAngle {
    type Batch<'a> = ImagePairs<'a>;
    type State = SpectralAngles;

    fn name(&self) -> &'static str {
        "sam"
    }

    fn direction(&self) -> Direction {
        Direction::Minimize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, std::f64::consts::PI)
    }

    fn update(&self, state: &mut SpectralAngles, batch: &ImagePairs<'_>) -> Result<()> {
        let [_, c, h, w] = batch.shape();
        if c < 2 {
            return Err(refuse("sam", "channels", "at least 2", c.to_string()));
        }
        let image = |(said, truth): &(&[f32], &[f32])| {
            let mut part = SpectralAngles::default();
            for pixel in 0..h * w {
                match angle(said, truth, pixel, h * w, c) {
                    Some(angle) => part.mean.add(angle),
                    None => part.dark += 1,
                }
            }
            part
        };
        let images = batch.each();
        let parts = map_each(images.len(), |idx| image(&images[idx]));
        let mut whole = SpectralAngles::default();
        parts.iter().try_for_each(|part| whole.merge(part)).map_err(|reason| refused(self.name(), reason))?;
        state.merge(&whole).map_err(|reason| refused(self.name(), reason))
    }

    fn compute(&self, state: &SpectralAngles) -> MetricValue {
        let mut value = state.mean.value();
        if value.value.is_none() && state.dark > 0 {
            value = MetricValue::undefined("every spectrum is 0", state.dark);
        }
        value.parts = state.mean.n().saturating_add(state.dark).max(1);
        value.left_out = if value.value.is_some() { state.dark } else { value.parts };
        value
    }
}

fn angle(said: &[f32], truth: &[f32], pixel: usize, plane: usize, c: usize) -> Option<f64> {
    let at = |of: &[f32], channel: usize| f64::from(of[channel * plane + pixel]);
    let size = |of: &[f32]| (0..c).map(|channel| at(of, channel).powi(2)).sum::<f64>().sqrt();
    let (a, b) = (size(said), size(truth));
    if a <= 0.0 || b <= 0.0 {
        return None;
    }
    let both = |sign: f64| (0..c).map(|k| (at(said, k) / a + sign * at(truth, k) / b).powi(2)).sum::<f64>().sqrt();
    Some(2.0 * both(-1.0).atan2(both(1.0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Streaming;

    #[test]
    fn by_hand() {
        // Two channels, three pixels: a right angle, the same direction, dark.
        let (said, truth) = ([1.0, 2.0, 0.0, 0.0, 2.0, 0.0], [0.0, 1.0, 1.0, 3.0, 1.0, 1.0]);
        let mut metric = Streaming::new(SpectralAngle);
        metric.update_batch(&ImagePairs::new(&said, &truth, [1, 2, 1, 3]).unwrap()).unwrap();
        let value = metric.compute();
        assert!((value.value.unwrap() - std::f64::consts::FRAC_PI_4).abs() < 1e-15);
        assert_eq!((value.support, value.parts, value.left_out), (2, 3, 1));
        assert!(metric.update_batch(&ImagePairs::new(&said, &truth, [1, 1, 2, 3]).unwrap()).is_err());
    }
}
