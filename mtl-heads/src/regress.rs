//! Numbers: absolute, squared or Huber loss.
//!
//! ```text
//! z     = tower(features)                                      [b, k]
//! t     = transform(y), by default (y - center) / scale        [b, k]
//! sum   = sum_{(i, k) known} l(z_ik - t_ik)
//! count = number of known cells; with weights of samples: sum_i v_i l_i over sum_i v_i (known cells of i)
//! yhat  = transform^-1(z), by default center + scale z         decode
//!
//! l1: l(r) = |r|      l2: l(r) = r^2      huber: l(r) = r^2 / 2 where |r| < delta, else delta (|r| - delta / 2)
//! ```
//! `transform` brings the labels to one size: centered and scaled by the training labels' mean and standard deviation unless the
//! user says otherwise ([`TargetScaling`] has the other ways). The network works near 0 and 1, tasks of different units have
//! losses of one size, and [`decode`](Head::decode) gives the target's own unit. `delta` is in units of `scale`.
//!
//! **Shapes** features pooled to `[b, d]`; predictions and labels `[b, k]`, NaN where unknown.
//!
//! **Reference** Huber, "Robust Estimation of a Location Parameter", Annals of Mathematical Statistics 1964.
//!
//! **Differs from** PyTorch's losses: missing cells are left out; prediction and target never broadcast (there a `[4,
//! 1]` and a `[4]` silently become `[4, 4]`).

use mtl_core::{
    Error, Result, TorchContext,
    answer::{Answer, Values},
    batch::Target,
    loss::TaskLoss,
    nn::Activation,
    prediction::Prediction,
};
use serde::{Deserialize, Serialize};
use tch::{Reduction, Tensor};

use crate::{
    ask::Ask,
    decode::to_array,
    head::{Head, HeadOutput, HeadSpec},
    part::HeadPart,
    place::HeadPlace,
    scaling::{ScalingChoice, TargetScaling, TargetTransform},
    tower::{Tower, TowerShape},
};

/// What a residual costs.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum RegressLoss {
    /// Its size: fits the median.
    L1,
    /// Its square: fits the mean.
    #[default]
    L2,
    /// Its square near zero, its size far out.
    Huber {
        /// Where the one becomes the other, in units of `scale`; > 0.
        #[schemars(extend("exclusiveMinimum" = 0.0))]
        delta: f64,
    },
}

/// Settings of [`RegressHead`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RegressHeadConfig {
    /// Widths of hidden layers, each >= 1; default none.
    #[schemars(inner(range(min = 1)))]
    pub hidden: Vec<i64>,
    /// After each hidden layer; default `relu`.
    pub activation: Activation,
    /// Dropout after each hidden layer (on the features when there is none), in `[0, 1)`; default 0.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub dropout: f64,
    /// `"l1"`, `"l2"` or `{ huber = { delta = 1.0 } }`; default `"l2"`.
    pub loss: RegressLoss,
    /// How labels are brought to one size: `"standard"` (mean 0 and deviation 1 of the training labels), `"log1p"`, `"quantile"` or
    /// `"none"`; default `"standard"`.
    pub transform: TargetTransform,
    /// Subtracted from the labels, per output, finite, instead of what `transform` finds; one number holds for all; default none.
    pub center: Vec<f64>,
    /// Divides the labels after that, per output, > 0, instead of what `transform` finds; one number holds for all; default none.
    #[schemars(extend("items" = {"type": "number", "format": "double", "exclusiveMinimum": 0.0}))]
    pub scale: Vec<f64>,
}

impl Default for RegressHeadConfig {
    fn default() -> Self {
        Self {
            hidden: Vec::new(),
            activation: Activation::Relu,
            dropout: 0.0,
            loss: RegressLoss::L2,
            transform: TargetTransform::Standard,
            center: Vec::new(),
            scale: Vec::new(),
        }
    }
}

/// Regression of one or several numbers.
#[derive(Debug)]
pub struct RegressHead {
    spec: HeadSpec,
    tower: Tower,
    loss: RegressLoss,
    scaling: TargetScaling,
}

impl RegressHead {
    /// The metrics that suit it; the first judges the task unless the user names another.
    pub const METRICS: &[&str] = &["rmse", "mae", "r2"];

    /// A head for those numbers, its transform fitted to the statistics of the training labels.
    /// Without them the transform waits for weights to be loaded: center 0, scale 1.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] without numbers or for a setting out of range; as [`TargetScaling::new`].
    pub fn new(mut place: HeadPlace<'_>, values: &Values, config: &RegressHeadConfig) -> Result<Self> {
        place.answer.check("regress head")?;
        let width = values.names.len() as i64;
        if let RegressLoss::Huber { delta } = config.loss
            && !(delta > 0.0 && delta.is_finite())
        {
            let (expected, found) = ("> 0".into(), delta.to_string());
            return Err(Error::InvalidConfig { what: "regress head", field: "loss.huber.delta", expected, found });
        }
        let choice = ScalingChoice { transform: config.transform, center: &config.center, scale: &config.scale };
        let scaling = TargetScaling::new(&mut place.scope, "regress head", width, choice, place.labels)?;
        let shape = TowerShape {
            hidden: &config.hidden,
            activation: config.activation,
            dropout: config.dropout,
            members: place.members,
        };
        let output = format!("numbers [b, {width}], {}", config.transform.name());
        Ok(Self {
            spec: place.spec("regress", output, Self::METRICS)?,
            tower: Tower::new(&mut place.scope, place.view, width, shape)?,
            loss: config.loss,
            scaling,
        })
    }
}

impl HeadPart for RegressHeadConfig {
    fn metrics(&self, _: &Answer) -> &'static [&'static str] {
        RegressHead::METRICS
    }

    fn default_for(&self) -> Option<&'static str> {
        Some(Values::NAME)
    }

    fn build(&self, place: HeadPlace<'_>) -> Result<Box<dyn Head>> {
        let Answer::Values(values) = place.answer else { return Err(place.refuses("regress")) };
        Ok(Box::new(RegressHead::new(place, values, self)?))
    }
}

impl Head for RegressHead {
    fn spec(&self) -> &HeadSpec {
        &self.spec
    }

    fn forward(&self, ask: &Ask<'_>) -> Result<HeadOutput> {
        Ok(self.tower.forward(ask.features, ask.cx)?.into()) // [b, k]
    }

    fn loss(&self, out: &HeadOutput, target: &Target) -> Result<TaskLoss> {
        let zs = out.main();
        let ys = self.spec.accept(zs, target)?;
        if target.mass() <= 0.0 {
            return Ok(TaskLoss::absent());
        }
        let op = || format!("loss of task {}", self.spec.task);
        let ts = self.scaling.encode(ys)?.f_to_kind(zs.kind()).op(op())?;
        let (zs, ts) = if target.is_complete() {
            (zs.shallow_clone(), ts)
        } else {
            // Both sides become the same constant: no loss, and no gradient through the fill.
            let missing = ts.f_isnan().op(op())?;
            (zs.f_masked_fill(&missing, 0.0).op(op())?, ts.f_masked_fill(&missing, 0.0).op(op())?) // [b, k] each
        };
        let loss = |how| match self.loss {
            RegressLoss::L1 => zs.f_l1_loss(&ts, how),
            RegressLoss::L2 => zs.f_mse_loss(&ts, how),
            RegressLoss::Huber { delta } => zs.f_huber_loss(&ts, how, delta),
        };
        let sum = match target.weights() {
            None => loss(Reduction::Sum).op(op())?,
            Some(_) => self.spec.weighted_sum(&loss(Reduction::None).op(op())?, target)?,
        };
        Ok(TaskLoss::new(sum, target.mass()))
    }

    fn decode(&self, out: &HeadOutput) -> Result<Prediction> {
        Ok(Prediction::Values { values: to_array(&self.answer(out)?)? })
    }

    fn answer(&self, out: &HeadOutput) -> Result<Tensor> {
        self.scaling.decode(out.main())
    }

    fn describe_target(&self) -> Result<Option<String>> {
        self.scaling.describe().map(Some)
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "exact by construction")]
mod tests {
    use super::*;
    use mtl_core::{features::View, params::ParamSet, task::TaskName};
    use ndarray::array;
    use tch::{Device, Kind, Tensor};

    fn head(loss: RegressLoss, center: Vec<f64>, scale: Vec<f64>) -> RegressHead {
        let mut params = ParamSet::new(Kind::Double, Device::Cpu, 0);
        let task = TaskName::new("age").unwrap();
        let config = RegressHeadConfig { loss, center, scale, ..Default::default() };
        let values = Values { names: mtl_core::answer::numbered(2) };
        let (view, answer) = (View::Pooled { width: 2 }, Answer::Values(values.clone()));
        RegressHead::new(HeadPlace::new(params.root(), &task, &view, &answer), &values, &config).unwrap()
    }

    #[test]
    fn each_loss_by_hand() {
        let out: HeadOutput = Tensor::from_slice(&[0.5, 3.0, -1.0, 9.0]).view([2, 2]).into();
        let target = Target::values("age", array![[1.0, 1.0], [-1.5, f32::NAN]].view()).unwrap(); // off by 0.5, 2, 0.5
        for (loss, by_hand) in [
            (RegressLoss::L1, 0.5 + 2.0 + 0.5),
            (RegressLoss::L2, 0.25 + 4.0 + 0.25),
            (RegressLoss::Huber { delta: 1.0 }, 0.125 + 1.5 + 0.125),
        ] {
            let loss = head(loss, vec![], vec![]).loss(&out, &target).unwrap();
            assert!((loss.sum.double_value(&[]) - by_hand).abs() < 1e-12, "{by_hand}");
            assert_eq!(loss.count, 3.0);
        }
    }

    #[test]
    fn scaling_gives_back_the_target_unit() {
        let head = head(RegressLoss::L2, vec![40.0, 0.0], vec![10.0, 2.0]);
        let out: HeadOutput = Tensor::from_slice(&[0.0, 1.0, 2.0, -1.0]).view([2, 2]).into();
        let values = array![[40.0, 2.0], [60.0, -2.0]];
        assert_eq!(head.decode(&out).unwrap(), Prediction::Values { values: values.clone() });
        let loss = head.loss(&out, &Target::values("age", values.view()).unwrap()).unwrap();
        assert_eq!(loss.sum.double_value(&[]), 0.0);
    }

    #[test]
    fn a_vector_is_not_a_column() {
        let head = head(RegressLoss::L1, vec![], vec![]);
        let out: HeadOutput = Tensor::zeros([4, 1], (Kind::Double, Device::Cpu)).into();
        let target = Target::values("age", array![[0.0, 0.0]].view()).unwrap();
        assert!(head.loss(&out, &target).unwrap_err().to_string().starts_with("task age: prediction must be [1, 2]"));
    }
}
