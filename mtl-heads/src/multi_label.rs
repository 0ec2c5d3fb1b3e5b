//! Independent yes/no labels: sigmoid and binary cross entropy. One label is binary classification.
//!
//! ```text
//! logits = tower(features)                                                              [b, c]
//! z      = logits + tau log(yes_c / no_c)                                               logit adjustment, in the loss alone
//! l_ic   = - y_ic log s(z_ic) - (1 - y_ic) log (1 - s(z_ic))                            focal: (1 - p_ic)^g l_ic, p_ic = exp(-l_ic)
//! sum    = sum_{(i, c) known} w_(c, y_ic) l_ic
//! count  = sum_{(i, c) known} w_(c, y_ic), the number of known cells without weights of no and yes
//!          with weights of samples: sum_i v_i w l_i over sum_i v_i w (known cells of i)
//! p      = s(logits)                                                                    decode
//! ```
//! `s` the logistic function, `w` weights of no and yes (1 unless given), the rest see [`crate::imbalance`]. A label of weight 2 is as if
//! it were there twice, exactly.
//!
//! **Shapes** features pooled to `[b, d]`; logits and labels `[b, c]`, labels in `{0, 1}`, NaN where unknown.
//!
//! **Reference** nothing beyond maximum likelihood.
//!
//! **Differs from** PyTorch's `BCEWithLogitsLoss`: missing cells are left out of sum and count instead of being the
//! user's business, and a mean is over what cells weigh, where there `pos_weight` makes it larger. Computed in the same stable form.

use mtl_core::{
    Error, Result, TorchContext,
    answer::{Answer, MultiLabel},
    batch::Target,
    loss::TaskLoss,
    nn::Activation,
    prediction::{Prediction, Scores},
};
use serde::{Deserialize, Serialize};
use tch::{Reduction, Tensor};

use crate::{
    ask::Ask,
    constant::Constant,
    decode::to_array,
    head::{Head, HeadOutput, HeadSpec},
    imbalance::{self, ClassWeights, Focal},
    part::HeadPart,
    place::HeadPlace,
    tower::{Tower, TowerShape},
};

/// Settings of [`MultiLabelHead`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MultiLabelHeadConfig {
    /// Widths of hidden layers, each >= 1; default none.
    #[schemars(inner(range(min = 1)))]
    pub hidden: Vec<i64>,
    /// After each hidden layer; default `relu`.
    pub activation: Activation,
    /// Dropout after each hidden layer (on the features when there is none), in `[0, 1)`; default 0.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub dropout: f64,
    /// Weight of a positive, per label, each > 0, as if it were there so many times; none or one number means the same for all; default
    /// none.
    #[schemars(extend("items" = {"type": "number", "format": "double", "exclusiveMinimum": 0.0}))]
    pub pos_weights: Vec<f64>,
    /// In place of `pos_weights`, how much no and yes count, for each label by itself: `"balanced"`, `"effective-number"`, a table with the
    /// `kind` and its settings, or a list of two numbers > 0; default alike.
    #[serde(skip_serializing_if = "ClassWeights::is_none")]
    pub class_weights: ClassWeights,
    /// Labels that are answered well already count less, `{ gamma = 2.0, alpha = 0.25 }`; default none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub focal: Option<Focal>,
    /// How far training's logits are adjusted by the shares of yes and no, `tau`, > 0; at 1 answers are those of labels of which half are
    /// yes; default none.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logit_adjustment: Option<f64>,
}

impl Default for MultiLabelHeadConfig {
    fn default() -> Self {
        Self {
            hidden: Vec::new(),
            activation: Activation::Relu,
            dropout: 0.0,
            pos_weights: Vec::new(),
            class_weights: ClassWeights::default(),
            focal: None,
            logit_adjustment: None,
        }
    }
}

/// Binary or multi-label classification.
#[derive(Debug)]
pub struct MultiLabelHead {
    spec: HeadSpec,
    tower: Tower,
    weights: Option<NoYes>,
    focal: Option<Focal>,
    /// `tau log(yes / no)`.
    adjustment: Option<Constant>,
}

/// What no and yes of each label weigh.
#[derive(Debug)]
struct NoYes {
    /// `no_0 yes_0 no_1 yes_1 ..`
    pairs: Vec<f64>,
    no: Constant,
    /// What yes weighs more than no.
    more: Constant,
}

impl NoYes {
    fn new(pairs: &[[f64; 2]]) -> Self {
        let no = Constant::new(pairs.iter().map(|[no, _]| *no).collect());
        let more = Constant::new(pairs.iter().map(|[no, yes]| yes - no).collect());
        Self { pairs: pairs.as_flattened().to_vec(), no, more }
    }
}

impl MultiLabelHead {
    /// The metrics that suit it; the first judges the task unless the user names another.
    pub const METRICS: &[&str] = &["auroc", "log-loss", "accuracy"];

    /// A head for those yes/no labels.
    ///
    /// # Errors
    /// [`InvalidConfig`](mtl_core::Error::InvalidConfig) without labels or for a setting out of range.
    pub fn new(mut place: HeadPlace<'_>, labels: &MultiLabel, config: &MultiLabelHeadConfig) -> Result<Self> {
        place.answer.check("multi-label head")?;
        let (what, width, n) = ("multi-label head", labels.labels.len() as i64, labels.labels.len());
        let positive = (|w: f64| w > 0.0 && w.is_finite(), "> 0");
        let pos_weights = Constant::per_output((what, "pos_weights"), &config.pos_weights, 1.0, width, positive)?;
        config.focal.iter().try_for_each(|focal| focal.check(what, 2))?;
        imbalance::check_tau(what, config.logit_adjustment)?;
        let mut weights = config.class_weights.of_labels(what, n, place.labels)?;
        if !config.pos_weights.is_empty() {
            let given = pos_weights.values().iter().map(|yes| [1.0, *yes]).collect();
            if weights.replace(given).is_some() {
                let (field, found) = ("class_weights", "both".into());
                let expected = "left out where there are pos_weights, which say the same".into();
                return Err(Error::InvalidConfig { what, field, expected, found });
            }
        }
        if let Some(focal) = config.focal.filter(|focal| focal.alpha.is_some()) {
            weights.get_or_insert_with(|| vec![[1.0, 1.0]; n]).iter_mut().for_each(|pair| focal.weigh(pair));
        }
        let adjustment = config.logit_adjustment.map(|tau| imbalance::log_odds(tau, n, place.labels));
        let shape = TowerShape {
            hidden: &config.hidden,
            activation: config.activation,
            dropout: config.dropout,
            members: place.members,
        };
        Ok(Self {
            spec: place.spec("multi-label", format!("logits [b, {width}]"), Self::METRICS)?,
            tower: Tower::new(&mut place.scope, place.view, width, shape)?,
            weights: weights.as_deref().map(NoYes::new),
            focal: config.focal,
            adjustment: adjustment.map(Constant::new),
        })
    }
}

impl HeadPart for MultiLabelHeadConfig {
    fn metrics(&self, _: &Answer) -> &'static [&'static str] {
        MultiLabelHead::METRICS
    }

    fn default_for(&self) -> Option<&'static str> {
        Some(MultiLabel::NAME)
    }

    fn build(&self, place: HeadPlace<'_>) -> Result<Box<dyn Head>> {
        let Answer::MultiLabel(labels) = place.answer else { return Err(place.refuses("multi-label")) };
        Ok(Box::new(MultiLabelHead::new(place, labels, self)?))
    }
}

impl Head for MultiLabelHead {
    fn spec(&self) -> &HeadSpec {
        &self.spec
    }

    fn forward(&self, ask: &Ask<'_>) -> Result<HeadOutput> {
        Ok(self.tower.forward(ask.features, ask.cx)?.into()) // [b, c]
    }

    fn loss(&self, out: &HeadOutput, target: &Target) -> Result<TaskLoss> {
        let logits = out.main();
        let labels = self.spec.accept(logits, target)?;
        if target.mass() <= 0.0 {
            return Ok(TaskLoss::absent());
        }
        let op = || format!("loss of task {}", self.spec.task);
        let mut ys = labels.f_to_kind(logits.kind()).op(op())?; // [b, c]
        let mut known = None;
        if !target.is_complete() {
            known = Some(ys.f_isfinite().and_then(|k| k.f_to_kind(logits.kind())).op(op())?); // [b, c]
            ys = ys.f_nan_to_num(0.0, None, None).op(op())?;
        }
        let adjusted = self.adjustment.as_ref().map(|odds| logits.f_add(&odds.like(logits)?).op(op())).transpose()?;
        let logits = adjusted.as_ref().unwrap_or(logits);
        let loss = |how| logits.f_binary_cross_entropy_with_logits::<Tensor>(&ys, known, None, how);
        if self.focal.is_none() && self.weights.is_none() && target.weights().is_none() {
            return Ok(TaskLoss::new(loss(Reduction::Sum).op(op())?, target.mass()));
        }
        let mut losses = loss(Reduction::None).op(op())?; // [b, c], 0 where no label is known
        if let Some(focal) = &self.focal {
            losses = focal.dampen(&losses)?;
        }
        let mut mass = target.mass();
        if let Some(weights) = &self.weights {
            losses = losses.f_mul(&imbalance::pairs(&weights.no, &weights.more, &ys)?).op(op())?;
            mass = target.mass_by(&weights.pairs);
        }
        Ok(TaskLoss::new(self.spec.weighted_sum(&losses, target)?, mass))
    }

    fn decode(&self, out: &HeadOutput) -> Result<Prediction> {
        Ok(Prediction::MultiLabel { scores: to_array(&self.answer(out)?)?, kind: Scores::Probs })
    }

    fn answer(&self, out: &HeadOutput) -> Result<Tensor> {
        out.main().f_sigmoid().op("decode")
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "exact by construction")]
mod tests {
    use super::*;
    use mtl_core::{features::View, params::ParamSet, task::TaskName};
    use ndarray::array;
    use tch::{Device, Kind};

    fn head(pos_weights: Vec<f64>) -> MultiLabelHead {
        let mut params = ParamSet::new(Kind::Double, Device::Cpu, 0);
        let task = TaskName::new("tags").unwrap();
        let config = MultiLabelHeadConfig { pos_weights, ..Default::default() };
        let labels = MultiLabel { labels: mtl_core::answer::numbered(2) };
        let (view, answer) = (View::Pooled { width: 2 }, Answer::MultiLabel(labels.clone()));
        MultiLabelHead::new(HeadPlace::new(params.root(), &task, &view, &answer), &labels, &config).unwrap()
    }

    #[test]
    fn sum_and_count_by_hand() {
        let out: HeadOutput = Tensor::from_slice(&[1.0, -2.0, 0.0, 3.0]).view([2, 2]).into();
        let target = Target::multi_label("tags", array![[1.0, 0.0], [f32::NAN, 1.0]].view()).unwrap();
        let yes = |x: f64| (1.0 + (-x).exp()).ln();
        let loss = head(vec![]).loss(&out, &target).unwrap();
        assert!((loss.sum.double_value(&[]) - (yes(1.0) + yes(2.0) + yes(3.0))).abs() < 1e-12);
        assert_eq!(loss.count, 3.0);
        let loss = head(vec![1.0, 5.0]).loss(&out, &target).unwrap();
        assert!((loss.sum.double_value(&[]) - (yes(1.0) + yes(2.0) + 5.0 * yes(3.0))).abs() < 1e-12);
        assert_eq!(loss.count, 7.0);
    }

    #[test]
    fn huge_logits_stay_finite() {
        let out: HeadOutput = Tensor::from_slice(&[1e4, -1e4, -1e4, 1e4]).view([2, 2]).into();
        let target = Target::multi_label("tags", array![[1.0, 0.0], [1.0, 1.0]].view()).unwrap();
        let loss = head(vec![]).loss(&out, &target).unwrap();
        assert_eq!(loss.sum.double_value(&[]), 1e4);
        let Prediction::MultiLabel { scores, .. } = head(vec![]).decode(&out).unwrap() else { panic!("wrong kind") };
        assert_eq!(scores, array![[1.0, 0.0], [0.0, 1.0]]);
    }

    #[test]
    fn labels_never_broadcast() {
        let out: HeadOutput = Tensor::zeros([2, 2], (Kind::Double, Device::Cpu)).into();
        let e = head(vec![]).loss(&out, &Target::multi_label("tags", array![[1.0], [0.0]].view()).unwrap());
        assert_eq!(e.unwrap_err().to_string(), "task tags: target must be [2, 2], found [2, 1]");
        let e = head(vec![]).loss(&out, &Target::values("tags", array![[1.0, 2.0], [0.0, 1.0]].view()).unwrap());
        let expected = "task tags: target must be yes/no labels [b, 2], not numbers [b, k], found [2, 2]";
        assert_eq!(e.unwrap_err().to_string(), expected);
    }
}
