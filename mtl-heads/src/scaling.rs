//! Number targets brought to one size: what the network learns is near 0 and 1, whatever unit the labels have.
//!
//! ```text
//! none      t = (y - center) / scale                center 0 and scale 1 unless the user sets them
//! standard  t = (y - center) / scale                mean and standard deviation of the training labels
//! log1p     t = (l(y) - center) / scale             l(y) = sign(y) log(1 + |y|);  mean and deviation of l(y)
//! quantile  t = q((y - center) / scale)             q: piecewise linear through landmarks, to normal scores
//! ```
//! Each way is monotone and has an inverse, which [`TargetScaling::decode`] applies to the network's answer. So tasks of
//! different units have losses of one size, and none drowns the others.
//!
//! * **Landmarks** of `quantile` are the 101 quantiles `v_j` of the training labels (in units of `scale` around `center`), their
//!   scores `z_j = Phi^-1(p_j)` with `p_j = e + (1 - 2 e) j / 100`, `e = max(1 / 2n, 0.0005)`, so that the ends have scores; equal
//!   quantiles get the score of their mean `p`. Beyond the first and the last landmark the line goes on with slope 1, so labels
//!   that training never saw still have an answer. A label value that takes up a share of the labels (zeros, say) is one point.
//! * **`log1p` and `quantile` learn another mean**: the decoded answer is near the median of skewed labels, not their mean.
//!   Judge by `mae` or a rank measure, or keep `standard` where the mean counts (totals, expected costs).
//! * **Constant labels** (and an output without any) get scale 1.
//! * **What the user sets wins** over what is fitted, per setting: `center = [40]` alone keeps the fitted scale. With `log1p` they
//!   are in units of `l(y)`; `quantile` takes none.
//!
//! What was fitted is kept in *buffers* beside the head's parameters (`target_center`, `target_scale`, `target_landmarks`,
//! `target_scores`): checkpoints, exports and TorchScript carry it, and prediction needs no data. A head built without statistics
//! gets center 0 and scale 1, which loading weights replaces.
//!
//! **Shapes** labels and answers `[b, k]`, NaN stays NaN; buffers `[k]`, landmarks and scores `[k, 101]`.
//!
//! **Reference** Box, Cox, "An analysis of transformations", JRSS B 26(2), 1964; Beasley, Erickson, Allison, "Rank-based inverse
//! normal transformations are increasingly used, but are they merited?", Behavior Genetics 39, 2009.
//! **Differs from** scikit-learn's `QuantileTransformer`, which clips at the ends, and so gives all labels beyond them one value.

use mtl_core::{
    Error, Result, TorchContext,
    label_stats::{LANDMARKS, LabelStats, Numbers, Spread},
    params::{Init, Scope},
};
use serde::{Deserialize, Serialize};
use tch::Tensor;

/// The largest `|l(y)|` that [`TargetScaling::decode`] takes back: `exp` of more is no `f32`.
const LARGEST_LOG: f64 = 88.0;
/// The outermost probability of a landmark.
const OUTERMOST: f64 = 0.0005;

/// How number targets are brought to one size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TargetTransform {
    /// As they are, but for `center` and `scale` if set.
    None,
    /// Centered and scaled by mean and standard deviation of the training labels.
    #[default]
    Standard,
    /// The logarithm of their size, then as `standard`: for amounts over several powers of ten.
    Log1p,
    /// Normal scores by the quantiles of the training labels: for labels of any odd distribution.
    Quantile,
}

impl TargetTransform {
    /// Its name in config files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Standard => "standard",
            Self::Log1p => "log1p",
            Self::Quantile => "quantile",
        }
    }
}

/// What is wanted of a [`TargetScaling`].
#[derive(Debug, Clone, Copy, Default)]
pub struct ScalingChoice<'a> {
    /// The transform.
    pub transform: TargetTransform,
    /// Center per output, finite; none to fit it, one number for all.
    pub center: &'a [f64],
    /// Scale per output, > 0; none to fit it, one number for all.
    pub scale: &'a [f64],
}

/// The transform of one task's numbers, with what was fitted; for own heads too.
#[derive(Debug)]
pub struct TargetScaling {
    transform: TargetTransform,
    /// `None` where labels are taken as they are.
    line: Option<Line>,
    landmarks: Option<Landmarks>,
    set_by_user: Vec<&'static str>,
}

#[derive(Debug)]
struct Line {
    center: Tensor, // [k]
    scale: Tensor,  // [k]
}

#[derive(Debug)]
struct Landmarks {
    values: Tensor, // [k, 101]
    scores: Tensor, // [k, 101]
}

impl TargetScaling {
    /// Fits it to the statistics of the training labels and makes its buffers in `scope`.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for settings out of range, statistics of other labels, or labels too far apart for `f32`.
    pub fn new(
        scope: &mut Scope<'_>,
        head: &'static str,
        width: i64,
        choice: ScalingChoice<'_>,
        stats: Option<&LabelStats>,
    ) -> Result<Self> {
        let refuse = |field, expected, found| Error::InvalidConfig { what: head, field, expected, found };
        let k = usize::try_from(width).unwrap_or(0);
        let given = |field, given: &[f64], (allowed, rule): (fn(f64) -> bool, &str)| -> Result<Option<Vec<f64>>> {
            let all = match given {
                [] => return Ok(None),
                [one] => vec![*one; k],
                each => each.to_vec(),
            };
            if all.len() == k && all.iter().all(|&v| allowed(v)) {
                return Ok(Some(all));
            }
            Err(refuse(field, format!("none, one or {k} numbers, each {rule}"), format!("{given:?}")))
        };
        let center = given("center", choice.center, (|c| single(c).is_finite(), "finite"))?;
        let usable = |s: f64| s >= f64::from(f32::MIN_POSITIVE) && single(s).is_finite();
        let scale = given("scale", choice.scale, (usable, "> 0 and within the range of f32"))?;
        let transform = choice.transform;
        let set_by_user: Vec<_> =
            [("center", &center), ("scale", &scale)].into_iter().filter(|(_, v)| v.is_some()).map(|(f, _)| f).collect();
        if let (TargetTransform::Quantile, Some(field)) = (transform, set_by_user.first()) {
            let expected = "\"standard\", \"log1p\" or \"none\" where center or scale is set".into();
            return Err(refuse("transform", expected, format!("\"quantile\" and {field}")));
        }
        if transform == TargetTransform::None && set_by_user.is_empty() {
            return Ok(Self { transform, line: None, landmarks: None, set_by_user });
        }
        let fitted = Fitted::new(head, transform, k, stats)?;
        let line = Line {
            center: buffer(scope, "target_center", &[width], &center.unwrap_or(fitted.center))?,
            scale: buffer(scope, "target_scale", &[width], &scale.unwrap_or(fitted.scale))?,
        };
        let landmarks = match transform {
            TargetTransform::Quantile => Some(Landmarks {
                values: buffer(scope, "target_landmarks", &[width, LANDMARKS as i64], &fitted.values)?,
                scores: buffer(scope, "target_scores", &[width, LANDMARKS as i64], &fitted.scores)?,
            }),
            _ => None,
        };
        Ok(Self { transform, line: Some(line), landmarks, set_by_user })
    }

    /// For counts, which are stretched and not moved: center 0, and as scale the means of the training labels.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for statistics of other labels.
    pub fn by_mean(scope: &mut Scope<'_>, head: &'static str, width: i64, stats: Option<&LabelStats>) -> Result<Self> {
        let k = usize::try_from(width).unwrap_or(0);
        let fitted = Fitted::new(head, TargetTransform::Standard, k, stats)?;
        let scale: Vec<f64> = fitted.center.iter().map(|mean| if *mean > 0.0 { *mean } else { 1.0 }).collect();
        let line = Line {
            center: buffer(scope, "target_center", &[width], &vec![0.0; k])?,
            scale: buffer(scope, "target_scale", &[width], &scale)?,
        };
        Ok(Self { transform: TargetTransform::None, line: Some(line), landmarks: None, set_by_user: Vec::new() })
    }

    /// The transform.
    #[must_use]
    pub fn transform(&self) -> TargetTransform {
        self.transform
    }

    /// From labels to what the network learns; NaN stays NaN. The result has the kind of the buffers.
    ///
    /// # Shapes
    /// `[b, k]` to `[b, k]`.
    ///
    /// # Errors
    /// [`Error::Torch`] when libtorch refuses.
    pub fn encode(&self, ys: &Tensor) -> Result<Tensor> {
        let Some(line) = &self.line else { return Ok(ys.shallow_clone()) };
        let ys = ys.f_to_kind(line.center.kind()).op("scale target")?;
        let ys = match self.transform {
            TargetTransform::Log1p => {
                ys.f_abs().and_then(|y| y.f_log1p()).and_then(|l| l.f_copysign(&ys)).op("scale target")?
            }
            _ => ys,
        };
        let ts = ys.f_sub(&line.center).and_then(|t| t.f_div(&line.scale)).op("scale target")?;
        match &self.landmarks {
            Some(l) => piecewise(&ts, &l.values, &l.scores),
            None => Ok(ts),
        }
    }

    /// From the network's answer to the labels' own unit, on the graph.
    ///
    /// # Shapes
    /// `[b, k]` to `[b, k]`.
    ///
    /// # Errors
    /// [`Error::Torch`] when libtorch refuses.
    pub fn decode(&self, zs: &Tensor) -> Result<Tensor> {
        let Some(line) = &self.line else { return Ok(zs.shallow_clone()) };
        // In the buffers' kind: half precision would round a year to a decade.
        let zs = zs.f_to_kind(line.center.kind()).op("decode")?;
        let zs = match &self.landmarks {
            Some(l) => piecewise(&zs, &l.scores, &l.values)?,
            None => zs,
        };
        let ys = zs.f_mul(&line.scale).and_then(|y| y.f_add(&line.center)).op("decode")?;
        match self.transform {
            TargetTransform::Log1p => {
                let ys = ys.f_clamp(-LARGEST_LOG, LARGEST_LOG).op("decode")?;
                ys.f_abs().and_then(|l| l.f_expm1()).and_then(|y| y.f_copysign(&ys)).op("decode")
            }
            _ => Ok(ys),
        }
    }

    /// From distances between the network's answers to those between labels, on the graph: what `none` and `standard` divide
    /// by, and of the kind of `distances`. Other transforms have no such factor, and are refused where a head needs one.
    ///
    /// # Shapes
    /// `[b, k]` to `[b, k]`.
    ///
    /// # Errors
    /// [`Error::Torch`] when libtorch refuses.
    pub fn stretch(&self, distances: &Tensor) -> Result<Tensor> {
        let Some(line) = &self.line else { return Ok(distances.shallow_clone()) };
        line.scale.f_to_kind(distances.kind()).and_then(|scale| distances.f_mul(&scale)).op("stretch")
    }

    /// What it does, with the numbers in use: `standard: center 214.1, scale 193.2`. Reads the buffers, so not for every step.
    ///
    /// # Errors
    /// [`Error::Torch`] when they cannot be read.
    pub fn describe(&self) -> Result<String> {
        let name = self.transform.name();
        let Some(line) = &self.line else { return Ok(format!("{name}: numbers as they are")) };
        let numbers = |t: &Tensor| -> Result<String> {
            let values = Vec::<f64>::try_from(t).op("read target scaling")?;
            Ok(values
                .iter()
                .map(|v| format!("{v:.6e}").parse::<f64>().map_or_else(|_| v.to_string(), |v| v.to_string()))
                .collect::<Vec<_>>()
                .join(" "))
        };
        let by = |field| if self.set_by_user.contains(&field) { " (set)" } else { "" };
        let (center, scale) = (numbers(&line.center)?, numbers(&line.scale)?);
        Ok(format!("{name}: center {center}{}, scale {scale}{}", by("center"), by("scale")))
    }
}

/// A buffer of given values.
fn buffer(scope: &mut Scope<'_>, name: &str, shape: &[i64], values: &[f64]) -> Result<Tensor> {
    let buffer = scope.buffer(name, shape, Init::Zeros)?;
    let values = Tensor::f_from_slice(values).and_then(|t| t.f_view(shape)).op("target scaling")?;
    let _guard = tch::no_grad_guard();
    buffer.shallow_clone().f_copy_(&values).op("target scaling")?;
    Ok(buffer)
}

/// The line through points `(from_j, to_j)`, `j` ascending, with slope 1 beyond the first and the last; points may repeat.
///
/// # Shapes
/// `xs`: `[b, k]`; points `[k, 101]`.
fn piecewise(xs: &Tensor, from: &Tensor, to: &Tensor) -> Result<Tensor> {
    let n = LANDMARKS as i64;
    let run = || {
        let (start, end) = (from.f_narrow(1, 0, n - 1)?, from.f_narrow(1, 1, n - 1)?); // [k, 100] each
        let (low, high) = (to.f_narrow(1, 0, n - 1)?, to.f_narrow(1, 1, n - 1)?);
        let length = end.f_sub(&start)?;
        // Repeated points have length 0 on both sides: the floor makes their slope 0.
        let slope = high.f_sub(&low)?.f_div(&length.f_clamp_min(1e-30)?)?;
        let inside = xs.f_unsqueeze(-1)?.f_sub(&start)?.f_clamp_min(0.0)?.f_minimum(&length)?; // [b, k, 100]
        let inside = inside.f_mul(&slope)?.f_sum_dim_intlist(&[-1i64][..], false, None::<tch::Kind>)?; // [b, k]
        let below = xs.f_sub(&from.f_select(1, 0)?)?.f_clamp_max(0.0)?;
        let above = xs.f_sub(&from.f_select(1, n - 1)?)?.f_clamp_min(0.0)?;
        inside.f_add(&to.f_select(1, 0)?)?.f_add(&below)?.f_add(&above)
    };
    run().op("target landmarks")
}

/// Centers, scales and landmarks per output, in order.
struct Fitted {
    center: Vec<f64>,
    scale: Vec<f64>,
    /// `k x 101`, in units of `scale` around `center`.
    values: Vec<f64>,
    scores: Vec<f64>,
}

impl Fitted {
    fn new(head: &'static str, transform: TargetTransform, k: usize, stats: Option<&LabelStats>) -> Result<Self> {
        let mut fitted = Self { center: Vec::new(), scale: Vec::new(), values: Vec::new(), scores: Vec::new() };
        let outputs: Vec<Option<&Numbers>> = match stats {
            Some(stats) if stats.numbers().len() == k => stats.numbers().iter().map(Some).collect(),
            None => vec![None; k],
            Some(stats) => {
                let (expected, found) = (format!("those of {k} numbers"), format!("{} outputs", stats.numbers().len()));
                return Err(Error::InvalidConfig { what: head, field: "label statistics", expected, found });
            }
        };
        for (output, numbers) in outputs.iter().enumerate() {
            let spread = numbers.and_then(|n| n.spread.as_ref());
            if let Some(spread) =
                spread.filter(|s| s.max() - s.min() > f64::from(f32::MAX) && transform != TargetTransform::Log1p)
            {
                return Err(Error::InvalidConfig {
                    what: head,
                    field: "transform",
                    expected: "\"log1p\" for labels further apart than f32 can hold".into(),
                    found: format!(
                        "\"{}\", output {output} goes from {:e} to {:e}",
                        transform.name(),
                        spread.min(),
                        spread.max()
                    ),
                });
            }
            let (center, scale) = match (transform, spread) {
                (TargetTransform::None, _) | (_, None) => (0.0, 1.0),
                (TargetTransform::Log1p, Some(s)) => (s.log1p.mean, s.log1p.std),
                (_, Some(s)) => (s.moments.mean, s.moments.std),
            };
            // Labels and center are of one kind, so that differences near the center are exact.
            let center = f64::from(single(center));
            let scale = if scale < f64::from(f32::MIN_POSITIVE) { 1.0 } else { scale };
            fitted.center.push(center);
            fitted.scale.push(scale);
            if transform == TargetTransform::Quantile {
                fitted.landmarks(numbers.map_or(0, |n| n.known), spread, center, scale);
            }
        }
        Ok(fitted)
    }

    fn landmarks(&mut self, known: u64, spread: Option<&Spread>, center: f64, scale: f64) {
        let values: Vec<f32> = match spread {
            Some(spread) => spread.landmarks.iter().map(|v| single((v - center) / scale)).collect(),
            None => (0..LANDMARKS).map(|_| 0.0).collect(),
        };
        let e = (0.5 / known.max(1) as f64).max(OUTERMOST);
        let share = |j: usize| e + (1.0 - 2.0 * e) * j as f64 / (LANDMARKS - 1) as f64;
        let mut j = 0;
        // Ascending values: those that do not rise are equal, one point of the line.
        for run in values.chunk_by(|a, b| a >= b) {
            let p = (share(j) + share(j + run.len() - 1)) / 2.0;
            self.scores.extend(run.iter().map(|_| normal_score(p)));
            j += run.len();
        }
        self.values.extend(values.into_iter().map(f64::from));
    }
}

/// The standard normal quantile of `p` in `(0, 1)`, to 1e-9 relative.
///
/// **Reference** Acklam's rational approximation (2003), `|error| < 1.15e-9`.
pub(crate) fn normal_score(p: f64) -> f64 {
    const A: [f64; 6] = [
        -3.969_683_028_665_376e1,
        2.209_460_984_245_205e2,
        -2.759_285_104_469_687e2,
        1.383_577_518_672_69e2,
        -3.066_479_806_614_716e1,
        2.506_628_277_459_239,
    ];
    const B: [f64; 5] = [
        -5.447_609_879_822_406e1,
        1.615_858_368_580_409e2,
        -1.556_989_798_598_866e2,
        6.680_131_188_771_972e1,
        -1.328_068_155_288_572e1,
    ];
    const C: [f64; 6] = [
        -7.784_894_002_430_293e-3,
        -3.223_964_580_411_365e-1,
        -2.400_758_277_161_838,
        -2.549_732_539_343_734,
        4.374_664_141_464_968,
        2.938_163_982_698_783,
    ];
    const D: [f64; 4] =
        [7.784_695_709_041_462e-3, 3.224_671_290_700_398e-1, 2.445_134_137_142_996, 3.754_408_661_907_416];
    let polynomial = |coefficients: &[f64], x: f64| coefficients.iter().fold(0.0, |sum, c| sum * x + c);
    let tail = |p: f64| {
        let q = (-2.0 * p.ln()).sqrt();
        polynomial(&C, q) / (polynomial(&D, q) * q + 1.0)
    };
    match p {
        p if p < 0.024_25 => tail(p),
        p if p > 1.0 - 0.024_25 => -tail(1.0 - p),
        p => {
            let (q, r) = (p - 0.5, (p - 0.5).powi(2));
            polynomial(&A, r) * q / (polynomial(&B, r) * r + 1.0)
        }
    }
}

/// The nearest number of single precision, infinite beyond its range: the kind that labels and buffers are kept in.
#[expect(clippy::cast_possible_truncation, reason = "rounding is what is asked for")]
fn single(x: f64) -> f32 {
    x as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use mtl_core::params::ParamSet;
    use tch::{Device, Kind};

    fn stats(columns: &mut [Vec<f64>]) -> LabelStats {
        let output =
            |values: &mut Vec<f64>| Numbers { known: values.len() as u64, missing: 0, spread: Spread::of(values) };
        LabelStats::Values { outputs: columns.iter_mut().map(output).collect() }
    }

    fn scaling(kind: Kind, choice: ScalingChoice<'_>, stats: &LabelStats) -> Result<(ParamSet, TargetScaling)> {
        let mut params = ParamSet::new(kind, Device::Cpu, 0);
        let width = stats.numbers().len() as i64;
        let scaling = TargetScaling::new(&mut params.root().sub("heads"), "test head", width, choice, Some(stats))?;
        Ok((params, scaling))
    }

    fn fit(transform: TargetTransform, mut values: Vec<f64>) -> TargetScaling {
        let choice = ScalingChoice { transform, ..ScalingChoice::default() };
        scaling(Kind::Double, choice, &stats(&mut [std::mem::take(&mut values)])).unwrap().1
    }

    fn column(values: &[f64]) -> Tensor {
        Tensor::from_slice(values).view([-1, 1])
    }

    fn plain(t: &Tensor) -> Vec<f64> {
        Vec::<f64>::try_from(t.view(-1).to_kind(Kind::Double)).unwrap()
    }

    /// Skewed, with a heap of zeros.
    fn skewed() -> Vec<f64> {
        (0..400).map(|i| if i % 4 == 0 { 0.0 } else { (f64::from(i) / 40.0).exp() }).collect()
    }

    #[test]
    fn standard_and_log1p_by_hand() {
        let standard = fit(TargetTransform::Standard, vec![10.0, 20.0, 30.0]);
        let deviation = (200.0f64 / 3.0).sqrt();
        let expected = [-10.0 / deviation, 0.0, 40.0 / deviation];
        for (found, expected) in plain(&standard.encode(&column(&[10.0, 20.0, 60.0])).unwrap()).iter().zip(expected) {
            assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        }
        let (a, b) = (1f64.exp() - 1.0, 3f64.exp() - 1.0); // l = 1 and 3: mean 2, deviation 1
        let log = fit(TargetTransform::Log1p, vec![a, b]);
        let found = plain(&log.encode(&column(&[a, b, 0.0, -a])).unwrap());
        assert!(found.iter().zip([-1.0, 1.0, -2.0, -3.0]).all(|(f, e)| (f - e).abs() < 1e-12), "{found:?}");
        assert!(log.describe().unwrap().starts_with("log1p: center 2, scale 1"), "{}", log.describe().unwrap());
    }

    #[test]
    fn every_way_back_gives_the_label_and_order_stays() {
        for transform in
            [TargetTransform::None, TargetTransform::Standard, TargetTransform::Log1p, TargetTransform::Quantile]
        {
            for values in
                [skewed(), vec![7.0; 9], (0..50).map(|i| 1e9 + f64::from(i)).collect(), vec![-1e30, 0.0, 1e30]]
            {
                let scaling = fit(transform, values.clone());
                let (low, high) = (values[0].min(0.0), values.iter().copied().fold(0.0, f64::max));
                let span = (high - low).max(1.0);
                let mut asked: Vec<f64> = values;
                asked.extend((0..40).map(|i| low - span + span * f64::from(i) / 13.0)); // beyond both ends too
                asked.sort_by(f64::total_cmp);
                let ts = scaling.encode(&column(&asked)).unwrap();
                assert!(plain(&ts).is_sorted(), "{transform:?}");
                for (back, label) in plain(&scaling.decode(&ts).unwrap()).iter().zip(&asked) {
                    assert!(
                        (back - label).abs() <= 1e-6 * label.abs().max(1.0).max(1e-9 * span),
                        "{transform:?}: {label} became {back}"
                    );
                }
            }
        }
    }

    #[test]
    fn quantiles_make_normal_scores() {
        let scaling = fit(TargetTransform::Quantile, skewed());
        let scores = plain(&scaling.encode(&column(&skewed())).unwrap());
        let rest: Vec<f64> = scores.iter().zip(skewed()).filter(|(_, y)| *y > 0.0).map(|(z, _)| *z).collect();
        let zero = plain(&scaling.encode(&column(&[0.0])).unwrap())[0];
        assert!((zero - normal_score(0.12)).abs() < 0.01, "a quarter of zeros is one point: {zero}");
        // The others fill the normal distribution above its lower quartile: a third of them below its 50 %.
        let below = rest.iter().filter(|z| **z < 0.0).count() as f64 / rest.len() as f64;
        assert!((below - 1.0 / 3.0).abs() < 0.01, "{below}");
        // SciPy: norm.ppf([0.5, 0.975, 0.001, 0.01]) = 0, 1.959964, -3.090232, -2.326348
        for (p, by_scipy) in [(0.5, 0.0), (0.975, 1.959_964), (0.001, -3.090_232), (0.01, -2.326_348)] {
            assert!((normal_score(p) - by_scipy).abs() < 1e-6, "{p}");
        }
    }

    #[test]
    fn what_the_user_sets_wins_and_constants_stay_finite() {
        let mut columns = [vec![10.0, 30.0], vec![5.0, 5.0]];
        let choice = ScalingChoice { center: &[0.0], ..ScalingChoice::default() };
        let (_, set) = scaling(Kind::Float, choice, &stats(&mut columns)).unwrap();
        assert_eq!(set.describe().unwrap(), "standard: center 0 0 (set), scale 10 1");
        assert_eq!(plain(&set.encode(&Tensor::from_slice(&[20.0f32, 6.0]).view([1, 2])).unwrap()), [2.0, 6.0]);
        let (_, none) = scaling(
            Kind::Float,
            ScalingChoice { transform: TargetTransform::None, scale: &[2.0], ..ScalingChoice::default() },
            &stats(&mut columns),
        )
        .unwrap();
        assert_eq!(none.describe().unwrap(), "none: center 0 0, scale 2 2 (set)");
        let unknown = LabelStats::Values { outputs: vec![Numbers { known: 0, missing: 3, spread: None }] };
        for transform in [TargetTransform::Standard, TargetTransform::Log1p, TargetTransform::Quantile] {
            let choice = ScalingChoice { transform, ..ScalingChoice::default() };
            let (_, scaling) = scaling(Kind::Float, choice, &unknown).unwrap();
            assert_eq!(plain(&scaling.decode(&column(&[0.0])).unwrap()), [0.0]);
        }
    }

    #[test]
    fn half_precision_keeps_years_apart_and_nothing_overflows() {
        let years = fit(TargetTransform::Standard, (1990..2020).map(f64::from).collect());
        let half = column(&[-1.0, 1.0]).to_kind(Kind::BFloat16);
        let found = plain(&years.decode(&half).unwrap());
        assert!((found[0] - 1995.845).abs() < 0.01 && (found[1] - 2013.155).abs() < 0.01, "{found:?}");
        let (_, log) = scaling(
            Kind::Float,
            ScalingChoice { transform: TargetTransform::Log1p, ..ScalingChoice::default() },
            &stats(&mut [vec![1e30, 1e38]]),
        )
        .unwrap();
        assert!(plain(&log.decode(&column(&[1e6, -1e6])).unwrap()).iter().all(|y| y.is_finite()));
    }

    #[test]
    fn what_was_fitted_is_saved_with_the_parameters() {
        let choice = ScalingChoice { transform: TargetTransform::Quantile, ..ScalingChoice::default() };
        let (params, fitted) = scaling(Kind::Float, choice, &stats(&mut [skewed()])).unwrap();
        let mut other = ParamSet::new(Kind::Float, Device::Cpu, 0);
        let blank = TargetScaling::new(&mut other.root().sub("heads"), "test head", 1, choice, None).unwrap();
        let zs = column(&[-2.0, 0.3, 5.0]);
        assert_ne!(plain(&fitted.decode(&zs).unwrap()), plain(&blank.decode(&zs).unwrap()));
        other.load_safetensors(&params.to_safetensors().unwrap()).unwrap();
        assert_eq!(plain(&fitted.decode(&zs).unwrap()), plain(&blank.decode(&zs).unwrap()));
    }

    #[test]
    fn refusals_name_the_setting() {
        let refusal =
            |choice, columns: &mut [Vec<f64>]| scaling(Kind::Float, choice, &stats(columns)).unwrap_err().to_string();
        let e = refusal(ScalingChoice { scale: &[1e-60], ..ScalingChoice::default() }, &mut [vec![1.0]]);
        assert_eq!(
            e,
            "test head: scale must be none, one or 1 numbers, each > 0 and within the range of f32, found [1e-60]"
        );
        let quantile = ScalingChoice { transform: TargetTransform::Quantile, center: &[1.0], scale: &[] };
        let e = refusal(quantile, &mut [vec![1.0]]);
        assert!(e.contains("where center or scale is set, found \"quantile\" and center"), "{e}");
        let e = refusal(ScalingChoice::default(), &mut [vec![-3e38, 3e38]]);
        assert!(e.contains("further apart than f32 can hold"), "{e}");
        let classes = LabelStats::Class { counts: vec![1, 1], missing: 0 };
        let mut params = ParamSet::new(Kind::Float, Device::Cpu, 0);
        let wrong = TargetScaling::new(&mut params.root(), "test head", 1, ScalingChoice::default(), Some(&classes));
        assert!(wrong.unwrap_err().to_string().contains("label statistics must be those of 1 numbers"));
    }
}
