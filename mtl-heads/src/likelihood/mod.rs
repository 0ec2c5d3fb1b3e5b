//! Numbers, each answered by a distribution: the likelihood of a family, whose parameters the network says.
//!
//! ```text
//! x       = tower(features)                                    [b, k w], w parameters of each of k numbers
//! theta   = links(x), by the family (mtl_core::distribution)   [b, k] each
//! any numbers:  loss_ik = - log f(t_ik; theta),  t = (y - center) / scale
//! counts:       loss_ik = - log f(y_ik; theta),  places and distances of theta times the training labels' mean
//!
//! sum     = sum_{(i, k) known} loss_ik,   count = number of known cells; with weights: sum_i v_i l_i over sum_i v_i (known cells of i)
//! answer  = theta in the labels' unit: places center + scale theta, distances scale theta, others as they are       decode
//! ```
//! `center` and `scale` are mean and deviation of the training labels unless they are set ([`TargetScaling`]), so that losses of tasks
//! in different units are of one size; moved and stretched like this the distribution is exactly that of the labels. (Its density is
//! that of `t` over `scale`: the loss is `nll` less the constant `log scale`.) Counts are never moved, and their losses are those
//! of the labels. Likelihoods are computed in `Double`, whatever the network is in.
//!
//! A label that the family is not of (a count of -1 or 1.5) is refused with task, sample and number: where labels lie on the CPU in the
//! loss; on an accelerator, which would have to be waited for, by the metric `nll` when validated. Training labels below 0 are refused when
//! the head is built.
//!
//! **Shapes** features pooled to `[b, d]`; labels `[b, k]`, NaN where unknown; exported `[b, k w]`, output by output.
//!
//! **Reference** Nix, Weigend, "Estimating the mean and variance of the target probability distribution", ICNN 1994; Salinas et al.,
//! "DeepAR", International Journal of Forecasting 36, 2020 (links of counts by softplus, scaled by the mean).
//!
//! **Differs from** PyTorch's `GaussianNLLLoss`: the network says a deviation and no variance, bounded below by a thousandth of the labels'
//! own; the constant of the density is not left out. Degrees of freedom are above 2, so that there is a variance.

use mtl_core::{
    Error, Result, TorchContext,
    answer::{Answer, Values},
    batch::Target,
    distribution::{Density, Family, Forecast, Form, Role, Support},
    loss::TaskLoss,
    nn::Activation,
    prediction::Prediction,
};
use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Tensor};

use crate::{
    ask::Ask,
    decode::to_array,
    head::{Head, HeadOutput, HeadSpec},
    part::HeadPart,
    place::HeadPlace,
    scaling::{ScalingChoice, TargetScaling, TargetTransform},
    tower::{Tower, TowerShape},
};

/// Settings of [`LikelihoodHead`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LikelihoodHeadConfig {
    /// Widths of hidden layers, each >= 1; default none.
    #[schemars(inner(range(min = 1)))]
    pub hidden: Vec<i64>,
    /// After each hidden layer; default `relu`.
    pub activation: Activation,
    /// Dropout after each hidden layer (on the features when there is none), in `[0, 1)`; default 0.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub dropout: f64,
    /// Any numbers: `"gaussian"`, `"laplace"`, `"student-t"`; counts: `"poisson"`, `"negative-binomial"`; default `"gaussian"`.
    pub family: Family,
    /// Levels of the quantiles that predictions are written with, rising, each in `(0, 1)`; default `[0.05, 0.5, 0.95]`.
    #[schemars(extend("items" = {"type": "number", "format": "double", "exclusiveMinimum": 0.0, "exclusiveMaximum": 1.0}))]
    pub levels: Vec<f64>,
    /// Subtracted from the labels, per output, finite, instead of their mean; one number holds for all; default none. Not for counts.
    pub center: Vec<f64>,
    /// Divides the labels after that, per output, > 0, instead of their deviation; one number holds for all; default none. Not for counts.
    #[schemars(extend("items" = {"type": "number", "format": "double", "exclusiveMinimum": 0.0}))]
    pub scale: Vec<f64>,
}

impl Default for LikelihoodHeadConfig {
    fn default() -> Self {
        Self {
            hidden: Vec::new(),
            activation: Activation::Relu,
            dropout: 0.0,
            family: Family::Gaussian,
            levels: vec![0.05, 0.5, 0.95],
            center: Vec::new(),
            scale: Vec::new(),
        }
    }
}

/// Regression of one or several numbers by the likelihood of a distribution.
#[derive(Debug)]
pub struct LikelihoodHead {
    spec: HeadSpec,
    tower: Tower,
    family: Family,
    levels: Vec<f64>,
    scaling: TargetScaling,
}

impl LikelihoodHead {
    /// The metrics that suit it; the first judges the task unless the user names another.
    pub const METRICS: &[&str] = &["crps", "nll", "interval-coverage", "rmse"];

    /// A head for those numbers, its scaling fitted to the statistics of the training labels.
    /// Without them it waits for weights to be loaded: center 0, scale 1.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] without numbers or for a setting out of range; [`Error::Label`] for training labels that are no counts
    /// where the family is of counts; as [`TargetScaling::new`].
    pub fn new(mut place: HeadPlace<'_>, values: &Values, config: &LikelihoodHeadConfig) -> Result<Self> {
        let what = "likelihood head";
        place.answer.check(what)?;
        Form::check_levels(what, &config.levels, false)?;
        let (k, density) = (values.names.len() as i64, config.family.density());
        let scaling = match density.support() {
            Support::Real => {
                let choice = ScalingChoice {
                    transform: TargetTransform::Standard,
                    center: &config.center,
                    scale: &config.scale,
                };
                TargetScaling::new(&mut place.scope, what, k, choice, place.labels)?
            }
            Support::Counts => {
                for (field, set) in [("center", &config.center), ("scale", &config.scale)] {
                    if !set.is_empty() {
                        let expected = format!("none: counts are neither moved nor divided ({})", config.family);
                        return Err(Error::InvalidConfig { what, field, expected, found: format!("{set:?}") });
                    }
                }
                below_zero(&place, config.family)?;
                TargetScaling::by_mean(&mut place.scope, what, k, place.labels)?
            }
        };
        let width = k * density.parameters().len() as i64;
        let shape = TowerShape {
            hidden: &config.hidden,
            activation: config.activation,
            dropout: config.dropout,
            members: place.members,
        };
        let output = format!("numbers behind the parameters of {} distributions [b, {width}]", config.family);
        Ok(Self {
            spec: place.spec("likelihood", output, Self::METRICS)?,
            tower: Tower::new(&mut place.scope, place.view, width, shape)?,
            family: config.family,
            levels: config.levels.clone(),
            scaling,
        })
    }

    fn density(&self) -> &'static dyn Density {
        self.family.density()
    }

    /// What the network says for each parameter, `[b, k]` each, in `Double`.
    fn raw(&self, out: &HeadOutput) -> Result<Vec<Tensor>> {
        let w = self.density().parameters().len() as i64;
        let run = || {
            let all = out.main().f_to_kind(Kind::Double)?.f_unflatten(1, [-1, w])?; // [b, k, w]
            (0..w).map(|j| all.f_select(2, j)).collect::<std::result::Result<Vec<_>, _>>()
        };
        run().op("parameters of a distribution")
    }

    /// Parameters of the labels' own distribution from those of the scaled labels'.
    fn of_labels(&self, parameters: &[Tensor]) -> Result<Vec<Tensor>> {
        let each = parameters.iter().zip(self.density().parameters());
        each.map(|(parameter, (_, role))| match role {
            // The center comes back in its buffer's kind, in which the labels are.
            Role::Place => self.scaling.decode(parameter),
            Role::Distance => self.scaling.stretch(parameter),
            Role::Shape => Ok(parameter.shallow_clone()),
        })
        .collect()
    }

    /// Refuses the first label that is not one of the family's.
    fn check(&self, ys: &Tensor) -> Result<()> {
        if self.density().support() == Support::Real || ys.device() != Device::Cpu {
            return Ok(());
        }
        let op = || format!("labels of task {}", self.spec.task);
        // NaN is neither.
        let run = || ys.f_lt(0.0)?.f_logical_or(&ys.f_frac()?.f_abs()?.f_gt(0.0)?);
        let wrong = run().op(op())?;
        if !wrong.f_any().and_then(|any| bool::try_from(&any)).op(op())? {
            return Ok(());
        }
        let plain = |t: &Tensor| t.f_reshape([-1]).op(op());
        let (wrong, ys_) =
            (Vec::<bool>::try_from(&plain(&wrong)?).op(op())?, plain(&ys.f_to_kind(Kind::Float).op(op())?)?);
        let labels = Vec::<f32>::try_from(&ys_).op(op())?;
        let cell = wrong.iter().position(|wrong| *wrong).unwrap_or(0);
        let k = usize::try_from(ys.size().last().copied().unwrap_or(1)).unwrap_or(1).max(1);
        let found = labels.get(cell).copied().unwrap_or(f32::NAN).to_string();
        Err(self.refuse(found, (cell / k) as u64))
    }

    fn refuse(&self, found: String, sample: u64) -> Error {
        refused_label(self.spec.task.as_str(), self.family, found, sample)
    }
}

fn refused_label(task: &str, family: Family, found: String, sample: u64) -> Error {
    let expected = format!("{} for the {family} family, or NaN for missing", family.density().support().describe());
    Error::Label { task: task.to_owned(), what: "value", expected, found, sample }
}

/// Refuses training labels below 0, as their statistics tell them.
fn below_zero(place: &HeadPlace<'_>, family: Family) -> Result<()> {
    let spreads = place.labels.into_iter().flat_map(|stats| stats.numbers()).map(|numbers| numbers.spread.as_ref());
    let lowest = spreads.flatten().map(mtl_core::label_stats::Spread::min).fold(0.0, f64::min);
    if lowest >= 0.0 {
        return Ok(());
    }
    Err(Error::InvalidConfig {
        what: "likelihood head",
        field: "family",
        expected: format!("one of any numbers for the labels of task {}, which go down to {lowest}", place.task),
        found: format!("{:?}, which is of counts", family.name()),
    })
}

impl HeadPart for LikelihoodHeadConfig {
    fn metrics(&self, _: &Answer) -> &'static [&'static str] {
        LikelihoodHead::METRICS
    }

    fn form(&self) -> Option<Form> {
        Some(Form::Family { family: self.family, levels: self.levels.clone() })
    }

    fn build(&self, place: HeadPlace<'_>) -> Result<Box<dyn Head>> {
        let Answer::Values(values) = place.answer else { return Err(place.refuses("likelihood")) };
        Ok(Box::new(LikelihoodHead::new(place, values, self)?))
    }
}

impl Head for LikelihoodHead {
    fn spec(&self) -> &HeadSpec {
        &self.spec
    }

    fn forward(&self, ask: &Ask<'_>) -> Result<HeadOutput> {
        Ok(self.tower.forward(ask.features, ask.cx)?.into()) // [b, k w]
    }

    fn loss(&self, out: &HeadOutput, target: &Target) -> Result<TaskLoss> {
        let width = self.spec.answer.width() * self.density().parameters().len();
        let ys = self.spec.accept_as(&[width as i64], out.main(), target)?;
        if target.mass() <= 0.0 {
            return Ok(TaskLoss::absent());
        }
        self.check(ys)?;
        let op = || format!("loss of task {}", self.spec.task);
        let is_real = self.density().support() == Support::Real;
        let ts = if is_real { self.scaling.encode(ys)? } else { ys.shallow_clone() };
        let (mut ts, mut raw) = (ts.f_to_kind(Kind::Double).op(op())?, self.raw(out)?);
        let missing = if target.is_complete() { None } else { Some(ts.f_isnan().op(op())?) };
        if let Some(missing) = &missing {
            // Both sides become the same constant: no gradient through the fill.
            let fill = |t: &Tensor| t.f_masked_fill(missing, 0.0).op(op());
            (ts, raw) = (fill(&ts)?, raw.iter().map(fill).collect::<Result<_>>()?); // [b, k] each
        }
        let linked = self.density().linked(&raw).op(op())?;
        let parameters = if is_real { linked } else { self.of_labels(&linked)? };
        let mut losses = self.density().log_likelihood(&parameters, &ts).and_then(|log| log.f_neg()).op(op())?;
        if let Some(missing) = &missing {
            losses = losses.f_masked_fill(missing, 0.0).op(op())?;
        }
        let sum = self.spec.weighted_sum(&losses, target)?.f_to_kind(out.main().kind()).op(op())?;
        Ok(TaskLoss::new(sum, target.mass()))
    }

    fn decode(&self, out: &HeadOutput) -> Result<Prediction> {
        let form = Form::Family { family: self.family, levels: self.levels.clone() };
        Forecast::new(form, to_array(&self.answer(out)?)?).map(Prediction::Forecast).map_err(|reason| {
            let expected = "numbers of the head's own form".into();
            Error::InvalidConfig { what: "likelihood head", field: "answer", expected, found: reason }
        })
    }

    fn answer(&self, out: &HeadOutput) -> Result<Tensor> {
        let parameters = self.of_labels(&self.density().linked(&self.raw(out)?).op("decode")?)?;
        let run = || {
            let kind = |t: &Tensor| t.f_to_kind(out.main().kind());
            let parameters = parameters.iter().map(kind).collect::<std::result::Result<Vec<_>, _>>()?;
            Tensor::f_stack(&parameters, 2)?.f_flatten(1, 2) // [b, k w]
        };
        run().op("decode")
    }

    fn describe_target(&self) -> Result<Option<String>> {
        Ok(Some(format!("{}, {}", self.family, self.scaling.describe()?)))
    }
}

#[cfg(test)]
mod tests;
