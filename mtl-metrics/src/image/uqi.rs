//! UQI: the universal image quality index, SSIM without constants.
//!
//! ```text
//! Q = 4 cov mx my / ((vx + vy) (mx^2 + my^2))          mean over windows and channels
//! flat windows (vx = vy = 0):  2 mx my / (mx^2 + my^2), and 1 when both are 0;      mx = my = 0:  2 cov / (vx + vy)
//! ```
//!
//! Windows are 11x11, Gaussian with sigma 1.5, inside the image, as for SSIM. A variance below 1e-13 of its second
//! moment is rounding and taken as 0.
//!
//! **Shapes** images `[n, c, h, w]`, sides of at least 11. **State** 552 bytes.
//!
//! **Reference** Z. Wang, A. Bovik, *A Universal Image Quality Index*, SPL 2002 (rules for flat windows from its code);
//! torchmetrics `UniversalImageQualityIndex` (window). **Differs from** torchmetrics, which adds 1.2e-7 to the
//! denominator and so gives 0 in flat windows.

use mtl_core::{Result, metric::Direction};

use crate::{
    chunks::map_each,
    image::{
        images::ImagePairs,
        window::{Moments, WIDTH, mean_over_windows, widen},
    },
    mean::ExactMean,
    metric::{Metric, MetricState, refused},
    refusal::refuse,
    value::MetricValue,
};

/// Mean quality index, `[-1, 1]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Uqi;

fn quality(m: &Moments) -> f64 {
    let spread = |side: usize| if m.variance[side] > 1e-13 * m.power[side] { m.variance[side] } else { 0.0 };
    let (v, [mx, my]) = (spread(0) + spread(1), m.mean);
    let level = mx * mx + my * my;
    match (v > 0.0, level > 0.0) {
        (true, true) => 4.0 * m.covariance * mx * my / (v * level),
        (true, false) => 2.0 * m.covariance / v,
        (false, true) => 2.0 * mx * my / level,
        (false, false) => 1.0,
    }
}

impl Metric for Uqi {
    type Batch<'a> = ImagePairs<'a>;
    type State = ExactMean;

    fn name(&self) -> &'static str {
        "uqi"
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (-1.0, 1.0)
    }

    fn update(&self, state: &mut ExactMean, batch: &ImagePairs<'_>) -> Result<()> {
        let [_, c, h, w] = batch.shape();
        if h.min(w) < WIDTH {
            return Err(refuse("uqi", "sides", format!("at least {WIDTH}"), format!("{h} x {w}")));
        }
        let image = |&(said, truth): &(&[f32], &[f32])| {
            let (x, y) = (widen(said), widen(truth));
            let channels = x.chunks_exact(h * w).zip(y.chunks_exact(h * w));
            let of = channels.filter_map(|(x, y)| mean_over_windows(x, y, h, w, |m| [quality(m)]));
            of.map(|[quality]| quality).sum::<f64>() / c as f64
        };
        let images = batch.each();
        let values = map_each(images.len(), |idx| image(&images[idx]));
        let mut part = ExactMean::default();
        values.into_iter().for_each(|value| part.add(value));
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
    fn flat_windows_have_the_quality_of_their_means() {
        let value = |a: f32, b: f32| {
            let mut metric = Streaming::new(Uqi);
            metric.update_batch(&ImagePairs::new(&[a; 132], &[b; 132], [1, 1, 11, 12]).unwrap()).unwrap();
            metric.compute().value.unwrap()
        };
        assert!((value(0.3, 0.3) - 1.0).abs() < 1e-14);
        assert!((value(0.5, 0.25) - 0.8).abs() < 1e-14);
        assert!((value(0.0, 0.0) - 1.0).abs() < 1e-14);
        let e = Streaming::new(Uqi).update_batch(&ImagePairs::new(&[0.0; 9], &[0.0; 9], [1, 1, 3, 3]).unwrap());
        assert_eq!(e.unwrap_err().to_string(), "uqi: sides must be at least 11, found 3 x 3");
    }
}
