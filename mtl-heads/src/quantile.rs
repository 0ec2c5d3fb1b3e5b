//! Quantiles of each number: the median, and steps up and down from it that are never below 0, so that they cannot cross.
//!
//! ```text
//! x       = tower(features)                                          [b, k q], q levels tau of each of k numbers
//! z_m     = x_0                                                      the median, tau_m = 1/2
//! z_j     = z_(j-1) + softplus(x_(j-m) + s_j)      for j > m         [b, k, q], rising whatever x is
//! z_j     = z_(j+1) - softplus(x_(q-1-j) + s_j)    for j < m
//! t       = transform(y), by default (y - center) / scale            [b, k]
//! loss_ik = 2/q sum_j max(tau_j (t_ik - z_ikj), (tau_j - 1) (t_ik - z_ikj))        the CRPS of these quantiles
//!
//! sum     = sum_{(i, k) known} loss_ik,   count = number of known cells; with weights: sum_i v_i l_i over sum_i v_i (known cells of i)
//! answer  = transform^-1(z)                                          [b, k, q]     decode
//! ```
//! `s` puts the quantiles at those of a normal distribution when training starts. Every [`TargetTransform`] is monotone, so
//! that quantiles of the transformed labels are, taken back, exactly quantiles of the labels.
//!
//! **Shapes** features pooled to `[b, d]`; labels `[b, k]`, NaN where unknown; exported `[b, k q]`, output by output.
//!
//! **Reference** Koenker, Bassett, "Regression quantiles", Econometrica 46(1), 1978; Gasthaus et al., "Probabilistic forecasting with
//! spline quantile function RNNs", AISTATS 2019 (steps by a positive function). **Differs from** heads with an output a level, which
//! cross and are sorted afterwards: here the loss sees what is answered.

use mtl_core::{
    Error, Result, TorchContext,
    answer::{Answer, Values},
    batch::Target,
    distribution::{Forecast, Form},
    loss::TaskLoss,
    nn::Activation,
    prediction::Prediction,
};
use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

use crate::{
    ask::Ask,
    constant::Constant,
    decode::to_array,
    head::{Head, HeadOutput, HeadSpec},
    part::HeadPart,
    place::HeadPlace,
    scaling::{ScalingChoice, TargetScaling, TargetTransform, normal_score},
    tower::{Tower, TowerShape},
};

/// Settings of [`QuantileHead`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct QuantileHeadConfig {
    /// Widths of hidden layers, each >= 1; default none.
    #[schemars(inner(range(min = 1)))]
    pub hidden: Vec<i64>,
    /// After each hidden layer; default `relu`.
    pub activation: Activation,
    /// Dropout after each hidden layer (on the features when there is none), in `[0, 1)`; default 0.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub dropout: f64,
    /// Levels, rising, each in `(0, 1)`, 0.5 among them: the median is the answer; default `[0.05, 0.25, 0.5, 0.75, 0.95]`.
    #[schemars(extend("items" = {"type": "number", "format": "double", "exclusiveMinimum": 0.0, "exclusiveMaximum": 1.0}))]
    pub levels: Vec<f64>,
    /// How labels are brought to one size: `"standard"` (mean 0 and deviation 1 of the training labels), `"log1p"`, `"quantile"` or
    /// `"none"`; default `"standard"`.
    pub transform: TargetTransform,
    /// Subtracted from the labels, per output, finite, instead of what `transform` finds; one number holds for all; default none.
    pub center: Vec<f64>,
    /// Divides the labels after that, per output, > 0, instead of what `transform` finds; one number holds for all; default none.
    #[schemars(extend("items" = {"type": "number", "format": "double", "exclusiveMinimum": 0.0}))]
    pub scale: Vec<f64>,
}

impl Default for QuantileHeadConfig {
    fn default() -> Self {
        Self {
            hidden: Vec::new(),
            activation: Activation::Relu,
            dropout: 0.0,
            levels: vec![0.05, 0.25, 0.5, 0.75, 0.95],
            transform: TargetTransform::Standard,
            center: Vec::new(),
            scale: Vec::new(),
        }
    }
}

/// Regression of quantiles of one or several numbers.
#[derive(Debug)]
pub struct QuantileHead {
    spec: HeadSpec,
    tower: Tower,
    levels: Vec<f64>,
    /// `tau`, `[q]`.
    taus: Constant,
    /// `s` in the order of `x`: of the median, of the steps up from it, of those down from it; `[q]`.
    start: Constant,
    /// How many levels are below the median.
    below: i64,
    scaling: TargetScaling,
}

impl QuantileHead {
    /// The metrics that suit it; the first judges the task unless the user names another.
    pub const METRICS: &[&str] = &["crps", "mae", "interval-coverage"];
    /// The same where the levels 0.05 and 0.95, between which that metric looks, are not among its own.
    pub const METRICS_OF_OTHERS: &[&str] = &["crps", "mae"];

    /// A head for those numbers, its transform fitted to the statistics of the training labels.
    /// Without them the transform waits for weights to be loaded: center 0, scale 1.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] without numbers or for a setting out of range; as [`TargetScaling::new`].
    pub fn new(mut place: HeadPlace<'_>, values: &Values, config: &QuantileHeadConfig) -> Result<Self> {
        let what = "quantile head";
        place.answer.check(what)?;
        Form::check_levels(what, &config.levels, true)?;
        let (k, q) = (values.names.len() as i64, config.levels.len() as i64);
        let choice = ScalingChoice { transform: config.transform, center: &config.center, scale: &config.scale };
        let scaling = TargetScaling::new(&mut place.scope, what, k, choice, place.labels)?;
        let scores: Vec<f64> = config.levels.iter().map(|level| normal_score(*level)).collect();
        // Softplus of it is the step.
        let mut steps: Vec<f64> =
            scores.windows(2).map(|pair| (pair[1] - pair[0]).max(SMALLEST_STEP).exp_m1().ln()).collect();
        let below = config.levels.iter().filter(|level| **level < 0.5 - 1e-9).count();
        let up = steps.split_off(below);
        let start: Vec<f64> = std::iter::once(0.0).chain(up).chain(steps.into_iter().rev()).collect();
        let any = || (|_: f64| true, "a number");
        let shape = TowerShape {
            hidden: &config.hidden,
            activation: config.activation,
            dropout: config.dropout,
            members: place.members,
        };
        let output = format!("the median and steps to other quantiles [b, {}], {}", k * q, config.transform.name());
        Ok(Self {
            spec: place.spec("quantile", output, config.suited())?,
            tower: Tower::new(&mut place.scope, place.view, k * q, shape)?,
            levels: config.levels.clone(),
            taus: Constant::per_output((what, "levels"), &config.levels, 0.5, q, any())?,
            start: Constant::per_output((what, "levels"), &start, 0.0, q, any())?,
            below: below as i64,
            scaling,
        })
    }

    /// `z`, `[b, k, q]`.
    fn quantiles(&self, out: &HeadOutput) -> Result<Tensor> {
        let q = self.levels.len() as i64;
        let start = self.start.like(out.main())?;
        let run = || {
            let moved = out.main().f_unflatten(1, [-1, q])?.f_add(&start)?;
            let median = moved.f_narrow(2, 0, 1)?;
            let way = |from: i64, n: i64| moved.f_narrow(2, from, n)?.f_softplus()?.f_cumsum(2, None::<Kind>);
            let above = median.f_add(&way(1, q - 1 - self.below)?)?;
            let below = median.f_sub(&way(q - self.below, self.below)?)?.f_flip([2])?;
            Tensor::f_cat(&[below, median, above], 2)
        };
        run().op("quantiles")
    }
}

/// The smallest step between quantiles when training starts, in deviations of the labels.
const SMALLEST_STEP: f64 = 1e-3;

impl QuantileHeadConfig {
    fn suited(&self) -> &'static [&'static str] {
        let has = |level: f64| self.levels.iter().any(|own| (own - level).abs() < 1e-9);
        if has(0.05) && has(0.95) { QuantileHead::METRICS } else { QuantileHead::METRICS_OF_OTHERS }
    }
}

impl HeadPart for QuantileHeadConfig {
    fn metrics(&self, _: &Answer) -> &'static [&'static str] {
        self.suited()
    }

    fn form(&self) -> Option<Form> {
        Some(Form::Quantiles { levels: self.levels.clone() })
    }

    fn build(&self, place: HeadPlace<'_>) -> Result<Box<dyn Head>> {
        let Answer::Values(values) = place.answer else { return Err(place.refuses("quantile")) };
        Ok(Box::new(QuantileHead::new(place, values, self)?))
    }
}

impl Head for QuantileHead {
    fn spec(&self) -> &HeadSpec {
        &self.spec
    }

    fn forward(&self, ask: &Ask<'_>) -> Result<HeadOutput> {
        Ok(self.tower.forward(ask.features, ask.cx)?.into()) // [b, k q]
    }

    fn loss(&self, out: &HeadOutput, target: &Target) -> Result<TaskLoss> {
        let width = self.spec.answer.width() * self.levels.len();
        let ys = self.spec.accept_as(&[width as i64], out.main(), target)?;
        if target.mass() <= 0.0 {
            return Ok(TaskLoss::absent());
        }
        let op = || format!("loss of task {}", self.spec.task);
        let (qs, ts) = (self.quantiles(out)?, self.scaling.encode(ys)?);
        let taus = self.taus.like(&qs)?; // [q]
        let run = || {
            let mut ts = ts.f_to_kind(qs.kind())?.f_unsqueeze(-1)?; // [b, k, 1]
            let mut qs = qs;
            if !target.is_complete() {
                // Both sides become the same constant: no loss, and no gradient through the fill.
                let missing = ts.f_isnan()?;
                (qs, ts) = (qs.f_masked_fill(&missing, 0.0)?, ts.f_masked_fill(&missing, 0.0)?);
            }
            let above = ts.f_sub(&qs)?; // [b, k, q]
            let losses = above.f_mul(&taus)?.f_maximum(&above.f_mul(&taus.f_sub_scalar(1.0)?)?)?;
            losses.f_mean_dim(&[-1i64][..], false, None::<Kind>)?.f_mul_scalar(2.0) // [b, k]
        };
        let sum = self.spec.weighted_sum(&run().op(op())?, target)?;
        Ok(TaskLoss::new(sum, target.mass()))
    }

    fn decode(&self, out: &HeadOutput) -> Result<Prediction> {
        let form = Form::Quantiles { levels: self.levels.clone() };
        Forecast::new(form, to_array(&self.answer(out)?)?).map(Prediction::Forecast).map_err(|reason| {
            let expected = "numbers of the head's own form".into();
            Error::InvalidConfig { what: "quantile head", field: "answer", expected, found: reason }
        })
    }

    fn answer(&self, out: &HeadOutput) -> Result<Tensor> {
        // Scaling is by output, which is its last axis.
        let zs = self.quantiles(out)?.f_transpose(1, 2).op("decode")?; // [b, q, k]
        // What rounding on the way back might exchange is put right.
        let (ys, _) = self.scaling.decode(&zs)?.f_cummax(1).op("decode")?;
        ys.f_transpose(1, 2).and_then(|ys| ys.f_flatten(1, 2)).op("decode") // [b, k q]
    }

    fn describe_target(&self) -> Result<Option<String>> {
        self.scaling.describe().map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mtl_core::{
        features::View,
        label_stats::{LabelStats, Numbers, Spread},
        params::ParamSet,
        task::TaskName,
    };
    use ndarray::array;
    use tch::Device;

    fn head(config: &QuantileHeadConfig, stats: Option<&LabelStats>) -> Result<QuantileHead> {
        let mut params = ParamSet::new(Kind::Double, Device::Cpu, 0);
        let task = TaskName::new("price")?;
        let values = Values { names: mtl_core::answer::numbered(2) };
        let (view, answer) = (View::Pooled { width: 2 }, Answer::Values(values.clone()));
        QuantileHead::new(HeadPlace::new(params.root(), &task, &view, &answer).with_labels(stats), &values, config)
    }

    fn forecast(head: &QuantileHead, out: &HeadOutput) -> Vec<f64> {
        let Prediction::Forecast(said) = head.decode(out).unwrap() else { panic!() };
        let (mut all, mut p) = (Vec::new(), Vec::new());
        for (row, output) in (0..said.points().nrows()).flat_map(|row| [(row, 0), (row, 1)]) {
            said.read(row, output, &mut p);
            all.extend_from_slice(&p);
        }
        all
    }

    /// The loss is scikit-learn's `mean_pinball_loss`, averaged over levels and doubled.
    #[test]
    fn sum_and_count_by_hand() {
        let config = QuantileHeadConfig { levels: vec![0.1, 0.5], ..Default::default() };
        let head = head(&config, None).unwrap();
        let out: HeadOutput = Tensor::from_slice(&[0.3, -0.2, 1.0, 0.7]).view([1, 4]).into();
        let q = forecast(&head, &out);
        let target = Target::values("price", array![[0.25, f32::NAN]].view()).unwrap();
        let loss = head.loss(&out, &target).unwrap();
        let pinball = |tau: f64, q: f64| if 0.25 > q { tau * (0.25 - q) } else { (1.0 - tau) * (q - 0.25) };
        let by_hand = pinball(0.1, q[0]) + pinball(0.5, q[1]);
        assert!((loss.sum.double_value(&[]) - by_hand).abs() < 1e-6, "{by_hand}");
        assert!((loss.count - 1.0).abs() < 1e-12);
    }

    #[test]
    fn quantiles_start_at_a_normal_distribution_and_never_cross() {
        let skewed = Spread::of(&mut (0..200).map(|i| (f64::from(i) / 40.0).exp()).collect::<Vec<_>>());
        let stats = LabelStats::Values { outputs: vec![Numbers { known: 200, missing: 0, spread: skewed }; 2] };
        for transform in
            [TargetTransform::None, TargetTransform::Standard, TargetTransform::Log1p, TargetTransform::Quantile]
        {
            let head = head(&QuantileHeadConfig { transform, ..Default::default() }, Some(&stats)).unwrap();
            let n = 10 * 64;
            // Far beyond what a network says: steps that vanish and steps that are huge.
            let wild: Vec<f64> = (0..n).map(|i| ((i * 7919 % 641) as f64 - 320.0) / 4.0).collect();
            for kind in [Kind::Double, Kind::Float] {
                let out: HeadOutput = Tensor::from_slice(&wild).view([64, 10]).to_kind(kind).into();
                for five in forecast(&head, &out).chunks(5) {
                    assert!(five.is_sorted() && five.iter().all(|q| q.is_finite()), "{transform:?}: {five:?}");
                }
            }
        }
        let head =
            head(&QuantileHeadConfig { center: vec![10.0], scale: vec![2.0], ..Default::default() }, None).unwrap();
        let zeros: HeadOutput = Tensor::zeros([1, 10], (Kind::Double, Device::Cpu)).into();
        // SciPy: norm.ppf([0.05, 0.25, 0.5, 0.75, 0.95])
        let by_scipy = [-1.644_854, -0.674_490, 0.0, 0.674_490, 1.644_854];
        for (found, z) in forecast(&head, &zeros).iter().zip(by_scipy) {
            assert!((found - (10.0 + 2.0 * z)).abs() < 1e-5, "{found} {z}");
        }
    }

    #[test]
    fn levels_without_the_median_are_refused() {
        let e = head(&QuantileHeadConfig { levels: vec![0.1, 0.9], ..Default::default() }, None).unwrap_err();
        let expected =
            "quantile head: levels must be rising within (0, 1), with 0.5, which is the answer, found [0.1, 0.9]";
        assert_eq!(e.to_string(), expected);
    }
}
