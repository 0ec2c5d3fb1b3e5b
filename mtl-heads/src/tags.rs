//! A tag for each item: softmax and cross entropy, item by item.
//!
//! ```text
//! logits = tower(features of the item)                                     [b, l, c]
//! q_ic   = (1 - e) [c = y_i] + e / c'                                      smoothed label, c' = number of tags
//! sum    = - sum_{items i with known label} sum_c q_ic log softmax(logits_i)_c
//! count  = number of known items; with weights v of samples both are sums of v times those of a sample
//! p      = softmax(logits)                                                 decode
//! ```
//! `e` label smoothing. Items do not know of each other here but by their features; where tags follow each other by rules,
//! [`CrfHead`](crate::CrfHead) knows of transitions.
//!
//! **Shapes** features tokens `[b, l, d]`, padding marked; logits `[b, l, c]`; labels ragged, `[b, l]` of `Int64` when padded, -100
//! where unknown. A labeled sample has as many labels as items.
//!
//! **Reference** the loss is that of [`ClassHead`](crate::ClassHead). **Differs from** it in nothing but what a sample is.

use mtl_core::{
    Error, Result, TorchContext,
    answer::{Answer, Tags},
    batch::{MISSING_CLASS, Target},
    loss::TaskLoss,
    nn::Activation,
    prediction::{Prediction, Scores},
};
use serde::{Deserialize, Serialize};
use tch::{Kind, Reduction, Tensor};

use crate::{
    ask::Ask,
    head::{Head, HeadOutput, HeadSpec},
    items,
    part::HeadPart,
    place::HeadPlace,
    tower::{Tower, TowerShape},
};

/// Settings of [`TagsHead`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TagsHeadConfig {
    /// Widths of hidden layers, each >= 1; default none.
    #[schemars(inner(range(min = 1)))]
    pub hidden: Vec<i64>,
    /// After each hidden layer; default `relu`.
    pub activation: Activation,
    /// Dropout after each hidden layer (on the features when there is none), in `[0, 1)`; default 0.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub dropout: f64,
    /// Share of the label's mass spread over all tags, in `[0, 1)`; default 0.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub label_smoothing: f64,
}

impl Default for TagsHeadConfig {
    fn default() -> Self {
        Self { hidden: Vec::new(), activation: Activation::Relu, dropout: 0.0, label_smoothing: 0.0 }
    }
}

/// Softmax classification of items.
#[derive(Debug)]
pub struct TagsHead {
    spec: HeadSpec,
    tower: Tower,
    label_smoothing: f64,
}

/// The metrics that suit such tags; the first judges the task unless the user names another. Where tags spell spans, these are
/// what is counted.
pub(crate) fn metrics(answer: &Answer) -> &'static [&'static str] {
    // Other answers are refused where the head is built.
    let Answer::Tags(tags) = answer else { return &[] };
    match tags.spelled() {
        Some(_) => &["span-f1", "span-precision", "span-recall", "tag-accuracy", "exact-match"],
        None => &["tag-accuracy", "macro-f1", "log-loss", "exact-match"],
    }
}

impl TagsHead {
    /// A head for those tags on features of that view.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for fewer than two tags, features that are no tokens, or a setting out of range.
    pub fn new(mut place: HeadPlace<'_>, tags: &Tags, config: &TagsHeadConfig) -> Result<Self> {
        place.answer.check("tags head")?;
        items::check_view("tags head", place.task, place.view)?;
        if !(0.0..1.0).contains(&config.label_smoothing) {
            return Err(Error::InvalidConfig {
                what: "tags head",
                field: "label_smoothing",
                expected: "in [0, 1)".into(),
                found: config.label_smoothing.to_string(),
            });
        }
        let width = tags.tags.len() as i64;
        let shape = TowerShape {
            hidden: &config.hidden,
            activation: config.activation,
            dropout: config.dropout,
            members: place.members,
        };
        Ok(Self {
            spec: place.spec("tags", format!("logits [b, l, {width}]"), metrics(place.answer))?,
            tower: Tower::new(&mut place.scope, place.view, width, shape)?,
            label_smoothing: config.label_smoothing,
        })
    }
}

impl HeadPart for TagsHeadConfig {
    fn metrics(&self, answer: &Answer) -> &'static [&'static str] {
        metrics(answer)
    }

    fn default_for(&self) -> Option<&'static str> {
        Some(Tags::NAME)
    }

    fn build(&self, place: HeadPlace<'_>) -> Result<Box<dyn Head>> {
        let Answer::Tags(tags) = place.answer else { return Err(place.refuses("tags")) };
        Ok(Box::new(TagsHead::new(place, tags, self)?))
    }
}

impl Head for TagsHead {
    fn spec(&self) -> &HeadSpec {
        &self.spec
    }

    fn forward(&self, ask: &Ask<'_>) -> Result<HeadOutput> {
        let tokens = items::tokens(&self.spec, ask.features)?;
        Ok(items::scored(self.tower.forward_each(&tokens.xs, ask.cx)?, tokens)) // [b, l, c]
    }

    fn loss(&self, out: &HeadOutput, target: &Target) -> Result<TaskLoss> {
        let labels = items::labels(&self.spec, out, target)?; // [b, l]
        if target.mass() <= 0.0 {
            return Ok(TaskLoss::absent());
        }
        let op = || format!("loss of task {}", self.spec.task);
        let rows = out.main().f_flatten(0, 1).op(op())?; // [b l, c]
        let flat = labels.f_reshape([-1]).op(op())?;
        let loss = |how| rows.f_cross_entropy_loss(&flat, None::<Tensor>, how, MISSING_CLASS, self.label_smoothing);
        let sum = match target.weights() {
            None => loss(Reduction::Sum).op(op())?,
            Some(_) => {
                let each = loss(Reduction::None).and_then(|each| each.f_view_as(&labels)).op(op())?; // [b, l]
                self.spec.weighted_sum(&each, target)?
            }
        };
        Ok(TaskLoss::new(sum, target.mass()))
    }

    fn decode(&self, out: &HeadOutput) -> Result<Prediction> {
        let probs = out.main().f_softmax(-1, None::<Kind>).op("decode")?;
        Ok(Prediction::Tags { scores: items::ragged(&probs, items::padding(out))?, kind: Scores::Probs, path: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mtl_core::{
        answer::{Cells, Labels},
        context::Cx,
        features::{Features, Tokens, View},
        mode::Mode,
        params::ParamSet,
        task::TaskName,
    };
    use tch::Device;

    fn build(view: &View, config: &TagsHeadConfig) -> Result<TagsHead> {
        let mut params = ParamSet::new(Kind::Double, Device::Cpu, 0);
        let (task, tags) = (TaskName::new("slots").unwrap(), Tags { tags: mtl_core::answer::numbered(2) });
        let answer = Answer::Tags(tags.clone());
        TagsHead::new(HeadPlace::new(params.root(), &task, view, &answer), &tags, config)
    }

    fn head(config: &TagsHeadConfig) -> TagsHead {
        build(&View::Tokens { width: 2 }, config).unwrap()
    }

    /// Logits of 2, 1 and 3 items, the rest padding.
    fn logits() -> HeadOutput {
        let logits: Vec<f64> = (0..18).map(|i| f64::from(i % 5) - 2.0).collect();
        let padding = [false, false, true, false, true, true, false, false, false];
        let tokens = Tokens {
            xs: Tensor::zeros([3, 3, 2], (Kind::Double, Device::Cpu)),
            pad_mask: Some(Tensor::from_slice(&padding).view([3, 3])),
            names: None,
        };
        items::scored(Tensor::from_slice(&logits).view([3, 3, 2]), &tokens)
    }

    fn target(lists: &[Vec<i64>]) -> Target {
        Target::new("slots", &Answer::tags(mtl_core::answer::numbered(2)), &Labels::lists(lists)).unwrap()
    }

    /// `-log softmax(logits)_c` of item `i`, by hand.
    fn nll(i: i32, c: i32) -> f64 {
        let row = [2 * i, 2 * i + 1].map(|at| f64::from(at % 5) - 2.0);
        row.iter().map(|x| x.exp()).sum::<f64>().ln() - row[usize::try_from(c).unwrap()]
    }

    #[test]
    fn known_items_are_summed_by_hand() {
        let head = head(&TagsHeadConfig::default());
        let loss = head.loss(&logits(), &target(&[vec![0, 1], vec![1], vec![-100, 0, 1]])).unwrap();
        let by_hand = nll(0, 0) + nll(1, 1) + nll(3, 1) + nll(7, 0) + nll(8, 1);
        assert!((loss.sum.double_value(&[]) - by_hand).abs() < 1e-12 && (loss.count - 5.0).abs() < 1e-12);
        // A sample without labels has one missing item, however many it has of features: here the longest.
        let loss = head.loss(&logits(), &target(&[vec![0, 1], vec![1], vec![-100]])).unwrap();
        let by_hand = nll(0, 0) + nll(1, 1) + nll(3, 1);
        assert!((loss.sum.double_value(&[]) - by_hand).abs() < 1e-12 && (loss.count - 3.0).abs() < 1e-12);
        let weighted = target(&[vec![0, 1], vec![1], vec![-100]]).with_weights("slots", &[2.0, 0.5, 9.0]).unwrap();
        let loss = head.loss(&logits(), &weighted).unwrap();
        let by_hand = 2.0 * (nll(0, 0) + nll(1, 1)) + 0.5 * nll(3, 1);
        assert!((loss.sum.double_value(&[]) - by_hand).abs() < 1e-12 && (loss.count - 4.5).abs() < 1e-12);
    }

    #[test]
    fn labels_of_another_length_are_refused_by_sample() {
        let head = head(&TagsHeadConfig::default());
        for wrong in [[vec![0, 1], vec![1, 0], vec![0, 0, 1]], [vec![0, 1], vec![-100, 1], vec![0, 0, 1, 1]]] {
            let e = head.loss(&logits(), &target(&wrong)).unwrap_err().to_string();
            assert_eq!(e, "task slots: labels must be 1 of sample 1, as many as its features have items, found [2]");
        }
        let e = build(&View::Pooled { width: 2 }, &TagsHeadConfig::default()).unwrap_err();
        assert!(e.to_string().contains("tokens [b, l, d] for task slots"), "{e}");
        let cx = Cx::new(Mode::Eval);
        let features = Features::Pooled(Tensor::zeros([1, 2], (Kind::Double, Device::Cpu)));
        assert!(head.forward(&Ask::new(&features, &cx)).is_err());
    }

    #[test]
    fn padding_is_not_answered() {
        let Prediction::Tags { scores, kind: Scores::Probs, path: None } =
            head(&TagsHeadConfig::default()).decode(&logits()).unwrap()
        else {
            panic!("no probabilities of tags")
        };
        assert_eq!((scores.offsets().unwrap(), scores.item()), ([0, 2, 3, 6].as_slice(), [2].as_slice()));
        let Cells::Number(cells) = scores.cells() else { panic!() };
        assert!(cells.chunks(2).all(|row| (row[0] + row[1] - 1.0).abs() < 1e-6));
    }

    #[test]
    fn what_is_judged_depends_on_what_tags_spell() {
        let tags = |names: &[&str]| Answer::tags(names.iter().copied());
        assert_eq!(metrics(&tags(&["O", "B-x", "I-x"]))[0], "span-f1");
        assert_eq!(metrics(&tags(&["NOUN", "VERB"]))[0], "tag-accuracy");
    }
}
