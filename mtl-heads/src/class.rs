//! One of `c` classes: softmax and cross entropy.
//!
//! ```text
//! logits = tower(features)                                                 [b, c]
//! z      = logits + tau log pi                                             logit adjustment, in the loss alone
//! q_ic   = (1 - e) [c = y_i] + e / c'                                      smoothed label, c' = number of classes
//! l_i    = - sum_c q_ic log softmax(z_i)_c                                 focal: (1 - softmax(z_i)_(y_i))^g l_i
//! sum    = sum_{i known} w_(y_i) l_i
//! count  = sum_{i known} w_(y_i), the number of known samples without class weights
//!          with weights of samples: sum_i v_i w l_i over sum_i v_i w of the known ones
//! p      = softmax(logits)                                                 decode
//! ```
//! `e` label smoothing, `w_c` class weights (1 unless given), the rest see [`crate::imbalance`]. A class of weight 2 is as if each of its
//! samples were there twice, exactly.
//!
//! **Shapes** features pooled to `[b, d]`; logits `[b, c]`; labels `[b]` of `Int64`, -100 where unknown.
//!
//! **Reference** smoothing: Szegedy et al., "Rethinking the Inception Architecture for Computer Vision", CVPR 2016.
//!
//! **Differs from** PyTorch's `CrossEntropyLoss(reduction="mean")` where there are both smoothing and class weights: there each class's share
//! of a smoothed label has that class's weight, here a sample has the weight of its label. As there, smoothing spreads `e` over all
//! classes, the true one included.

use mtl_core::{
    Error, Result, TorchContext,
    answer::{Answer, Class},
    batch::{MISSING_CLASS, Target},
    loss::TaskLoss,
    nn::Activation,
    prediction::{Prediction, Scores},
};
use serde::{Deserialize, Serialize};
use tch::{Kind, Reduction, Tensor};

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

/// Settings of [`ClassHead`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ClassHeadConfig {
    /// Widths of hidden layers, each >= 1; default none.
    #[schemars(inner(range(min = 1)))]
    pub hidden: Vec<i64>,
    /// After each hidden layer; default `relu`.
    pub activation: Activation,
    /// Dropout after each hidden layer (on the features when there is none), in `[0, 1)`; default 0.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub dropout: f64,
    /// Share of the label's mass spread over all classes, in `[0, 1)`; default 0.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub label_smoothing: f64,
    /// How much a sample counts by its class, as if it were there so many times: `"balanced"`, `"effective-number"`, a table with the `kind`
    /// and its settings, or a list of a number > 0 for each class; only ratios matter; default all alike.
    pub class_weights: ClassWeights,
    /// Samples that are answered well already count less, `{ gamma = 2.0 }`; not with label smoothing; default none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub focal: Option<Focal>,
    /// How far training's logits are adjusted by the classes' shares, `tau`, > 0; at 1 answers are those of classes of equal shares;
    /// default none.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logit_adjustment: Option<f64>,
}

impl Default for ClassHeadConfig {
    fn default() -> Self {
        Self {
            hidden: Vec::new(),
            activation: Activation::Relu,
            dropout: 0.0,
            label_smoothing: 0.0,
            class_weights: ClassWeights::default(),
            focal: None,
            logit_adjustment: None,
        }
    }
}

/// Softmax classification.
#[derive(Debug)]
pub struct ClassHead {
    spec: HeadSpec,
    tower: Tower,
    label_smoothing: f64,
    class_weights: Option<Constant>,
    focal: Option<Focal>,
    /// `tau log pi`.
    adjustment: Option<Constant>,
}

impl ClassHead {
    /// The metrics that suit it; the first judges the task unless the user names another.
    pub const METRICS: &[&str] = &["accuracy", "macro-f1", "log-loss"];

    /// A head for those classes.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for fewer than two classes or a setting out of range.
    pub fn new(mut place: HeadPlace<'_>, classes: &Class, config: &ClassHeadConfig) -> Result<Self> {
        place.answer.check("class head")?;
        let width = classes.classes.len() as i64;
        if !(0.0..1.0).contains(&config.label_smoothing) {
            return Err(Error::InvalidConfig {
                what: "class head",
                field: "label_smoothing",
                expected: "in [0, 1)".into(),
                found: config.label_smoothing.to_string(),
            });
        }
        if config.focal.is_some() && config.label_smoothing > 0.0 {
            return Err(Error::InvalidConfig {
                what: "class head",
                field: "label_smoothing",
                expected: "0 with focal, which looks at the probability of one label".into(),
                found: config.label_smoothing.to_string(),
            });
        }
        let (names, stats) = (&classes.classes, place.labels);
        config.focal.iter().try_for_each(|focal| focal.check("class head", names.len()))?;
        imbalance::check_tau("class head", config.logit_adjustment)?;
        let mut class_weights = config.class_weights.of_classes("class head", names, stats)?;
        if let Some(focal) = config.focal.filter(|focal| focal.alpha.is_some()) {
            focal.weigh(class_weights.get_or_insert_with(|| vec![1.0; names.len()]));
        }
        let adjustment = config.logit_adjustment.map(|tau| imbalance::log_shares(tau, names.len(), stats));
        let shape = TowerShape {
            hidden: &config.hidden,
            activation: config.activation,
            dropout: config.dropout,
            members: place.members,
        };
        Ok(Self {
            spec: place.spec("class", format!("logits [b, {width}]"), Self::METRICS)?,
            tower: Tower::new(&mut place.scope, place.view, width, shape)?,
            label_smoothing: config.label_smoothing,
            class_weights: class_weights.map(Constant::new),
            focal: config.focal,
            adjustment: adjustment.map(Constant::new),
        })
    }
}

impl HeadPart for ClassHeadConfig {
    fn metrics(&self, _: &Answer) -> &'static [&'static str] {
        ClassHead::METRICS
    }

    fn default_for(&self) -> Option<&'static str> {
        Some(Class::NAME)
    }

    fn build(&self, place: HeadPlace<'_>) -> Result<Box<dyn Head>> {
        let Answer::Class(classes) = place.answer else { return Err(place.refuses("class")) };
        Ok(Box::new(ClassHead::new(place, classes, self)?))
    }
}

impl Head for ClassHead {
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
        let adjusted = self.adjustment.as_ref().map(|prior| logits.f_add(&prior.like(logits)?).op(op())).transpose()?;
        let logits = adjusted.as_ref().unwrap_or(logits);
        let loss = |how| logits.f_cross_entropy_loss(labels, None::<Tensor>, how, MISSING_CLASS, self.label_smoothing);
        if self.focal.is_none() && self.class_weights.is_none() && target.weights().is_none() {
            return Ok(TaskLoss::new(loss(Reduction::Sum).op(op())?, target.mass()));
        }
        let mut losses = loss(Reduction::None).op(op())?; // [b], 0 where no label is known
        if let Some(focal) = &self.focal {
            losses = focal.dampen(&losses)?;
        }
        let mut mass = target.mass();
        if let Some(weights) = &self.class_weights {
            losses = losses.f_mul(&imbalance::of_labels(weights, labels, logits)?).op(op())?;
            mass = target.mass_by(weights.values());
        }
        Ok(TaskLoss::new(self.spec.weighted_sum(&losses, target)?, mass))
    }

    fn decode(&self, out: &HeadOutput) -> Result<Prediction> {
        Ok(Prediction::Class { scores: to_array(&self.answer(out)?)?, kind: Scores::Probs })
    }

    fn answer(&self, out: &HeadOutput) -> Result<Tensor> {
        out.main().f_softmax(-1, None::<Kind>).op("decode")
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "exact by construction")]
mod tests {
    use super::*;
    use mtl_core::{features::View, params::ParamSet, task::TaskName};
    use tch::{Device, Tensor};

    fn head(config: &ClassHeadConfig) -> ClassHead {
        let mut params = ParamSet::new(Kind::Double, Device::Cpu, 0);
        let task = TaskName::new("income").unwrap();
        let classes = Class { classes: mtl_core::answer::numbered(3) };
        let (view, answer) = (View::Pooled { width: 2 }, Answer::Class(classes.clone()));
        ClassHead::new(HeadPlace::new(params.root(), &task, &view, &answer), &classes, config).unwrap()
    }

    fn logits() -> HeadOutput {
        Tensor::from_slice(&[1.0, 0.0, -1.0, 0.5, 2.0, 0.0]).view([2, 3]).into()
    }

    /// `-log softmax(logits)_c` of the rows of `logits`, by hand.
    fn nll() -> [[f64; 3]; 2] {
        [[1.0, 0.0, -1.0], [0.5, 2.0, 0.0]].map(|row: [f64; 3]| {
            let log_sum = row.iter().map(|x| x.exp()).sum::<f64>().ln();
            row.map(|x| log_sum - x)
        })
    }

    fn loss(config: &ClassHeadConfig, labels: &[i64]) -> (f64, f64) {
        let loss = head(config).loss(&logits(), &Target::class("income", labels).unwrap()).unwrap();
        (loss.sum.double_value(&[]), loss.count)
    }

    #[test]
    fn sum_and_count_by_hand() {
        let plain = ClassHeadConfig::default();
        let nll = nll();
        let close = |(sum, count): (f64, f64), by_hand: f64, known: f64| {
            assert!((sum - by_hand).abs() < 1e-12 && count == known, "{sum} {by_hand} {count}");
        };
        close(loss(&plain, &[0, 2]), nll[0][0] + nll[1][2], 2.0);
        close(loss(&plain, &[MISSING_CLASS, 2]), nll[1][2], 1.0);
        let weighted = ClassHeadConfig { class_weights: ClassWeights::Each(vec![1.0, 1.0, 4.0]), ..plain.clone() };
        close(loss(&weighted, &[0, 2]), nll[0][0] + 4.0 * nll[1][2], 5.0);
        let smooth = ClassHeadConfig { label_smoothing: 0.3, ..plain };
        let by_hand = 0.7 * nll[1][2] + 0.1 * nll[1].iter().sum::<f64>();
        close(loss(&smooth, &[MISSING_CLASS, 2]), by_hand, 1.0);
    }

    #[test]
    fn a_label_out_of_range_names_task_and_sample() {
        let target = Target::class("income", &[0, 7]).unwrap();
        let e = head(&ClassHeadConfig::default()).loss(&logits(), &target).unwrap_err();
        assert_eq!(e.to_string(), "task income: label must be in 0..3, found 7 (sample 1)");
        let e = head(&ClassHeadConfig::default()).loss(&logits(), &Target::class("income", &[0]).unwrap());
        assert_eq!(
            e.unwrap_err().to_string(),
            "task income: prediction must be [1, 3] as the target's batch, found [2, 3]"
        );
    }

    #[test]
    fn decoding_gives_probabilities() {
        let Prediction::Class { scores, kind: Scores::Probs } =
            head(&ClassHeadConfig::default()).decode(&logits()).unwrap()
        else {
            panic!("not class probabilities")
        };
        assert!(scores.rows().into_iter().all(|row| (row.sum() - 1.0).abs() < 1e-6));
        assert!(scores[[1, 1]] > 0.7);
    }
}
