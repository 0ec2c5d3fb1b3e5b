//! A tag for each item, as a chain: a conditional random field on the scores of items and of transitions.
//!
//! ```text
//! e         = tower(features of the item)                                                      [b, l, c]
//! score(y)  = start_{y_1} + sum_t e_{t, y_t} + sum_t step_{y_{t-1}, y_t} + end_{y_l}
//! p(y)      = exp score(y) / sum over all y' of exp score(y')
//! sum       = - sum_i v_i log p(labels of sample i)                 v_i: weight of the sample, 1 without
//! count     = number of known items, weighted alike: the loss is per item, as that of `tags`
//! path      = argmax_y p(y)                                         decode: what is said (Viterbi)
//! p_{t, k}  = p(y_t = k)                                            decode: scores of the items (forward-backward)
//! ```
//! A label that is not known inside a sample is summed over: the likelihood is that of the known ones, exactly. A sample without any
//! is no part of the loss. Transitions start at 0, where the head is the softmax of [`TagsHead`](crate::TagsHead).
//!
//! The answer is the best *path*. It need not be made of the most probable tag of each item, so a prediction carries both: `path`, which
//! metrics, files and pages read as what is said, and probabilities, which are calibrated as such.
//!
//! With `constraints = "iob"` an answer keeps the rules of what tags spell (`I-x` only after `B-x` or `I-x`; `constraints.rs`), its
//! probabilities are those among the paths that do. Training is the same either way: labels may break the rules, and the likelihood is
//! of all paths. By default nothing is ruled out, so that what is said is what was learned.
//!
//! Parameters: those of the tower, then `start` `[c]`, `transitions` `[c, c]` from the row's tag to the column's, `end` `[c]`.
//!
//! **Shapes** features tokens `[b, l, d]`, padding marked at the end; `e` `[b, l, c]`; labels ragged, `[b, l]` of `Int64` when padded,
//! -100 where unknown. A labeled sample has as many labels as items.
//!
//! **Reference** J. Lafferty et al., "Conditional random fields", ICML 2001; Z. Huang et al., "Bidirectional LSTM-CRF models for
//! sequence tagging", 2015; G. Lample et al., "Neural architectures for named entity recognition", NAACL 2016. Known in part:
//! Y. Tsuboi et al., "Training conditional random fields using incomplete annotations", COLING 2008.
//! **Differs from** Lample et al. in what starts transitions (zeros) and in the loss being per item, so that long samples count by their
//! items. The CRF of AllenNLP rules out in decoding alone, as this one.
//!
//! | file | what |
//! |---|---|
//! | `likelihood.rs` | both sums on the graph: a loop over time, the batch at once |
//! | `chain.rs` | best path and probabilities of one sample, plain numbers |
//! | `constraints.rs` | which tags may follow which |

mod chain;
mod constraints;
mod likelihood;

pub use constraints::CrfConstraints;
use mtl_core::{
    Result, TorchContext,
    answer::{Answer, Cells, Labels, Tags},
    batch::Target,
    loss::TaskLoss,
    nn::Activation,
    params::Init,
    prediction::{Prediction, Scores},
};
use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Tensor};

use self::{chain::Chain, constraints::Rules, likelihood::Transitions};
use crate::{
    ask::Ask,
    head::{Head, HeadOutput, HeadSpec},
    items,
    part::HeadPart,
    place::HeadPlace,
    tags,
    tower::{Tower, TowerShape},
};

/// Settings of [`CrfHead`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CrfHeadConfig {
    /// Widths of hidden layers, each >= 1; default none.
    #[schemars(inner(range(min = 1)))]
    pub hidden: Vec<i64>,
    /// After each hidden layer; default `relu`.
    pub activation: Activation,
    /// Dropout after each hidden layer (on the features when there is none), in `[0, 1)`; default 0.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub dropout: f64,
    /// What answers may not contain: `"none"` rules nothing out, `"iob"` rules out spans that do not begin (in BIOES end) as they
    /// must; training is the same; default `"none"`.
    pub constraints: CrfConstraints,
}

impl Default for CrfHeadConfig {
    fn default() -> Self {
        Self { hidden: Vec::new(), activation: Activation::Relu, dropout: 0.0, constraints: CrfConstraints::None }
    }
}

/// A linear-chain conditional random field.
#[derive(Debug)]
pub struct CrfHead {
    spec: HeadSpec,
    tower: Tower,
    transitions: Transitions,
    rules: Option<Rules>,
}

impl CrfHead {
    /// A head for those tags on features of that view.
    ///
    /// # Errors
    /// [`InvalidConfig`](mtl_core::Error::InvalidConfig) for fewer than two tags, features that are no tokens, or a setting out of
    /// range.
    pub fn new(mut place: HeadPlace<'_>, tags: &Tags, config: &CrfHeadConfig) -> Result<Self> {
        place.answer.check("crf head")?;
        items::check_view("crf head", place.task, place.view)?;
        let rules = config.constraints.rules(tags)?;
        let width = tags.tags.len() as i64;
        let shape = TowerShape {
            hidden: &config.hidden,
            activation: config.activation,
            dropout: config.dropout,
            members: place.members,
        };
        let spec = place.spec("crf", format!("scores of items [b, l, {width}]"), tags::metrics(place.answer))?;
        let tower = Tower::new(&mut place.scope, place.view, width, shape)?;
        let scope = &mut place.scope;
        let transitions = Transitions {
            start: scope.param("start", &[width], Init::Zeros)?,
            step: scope.param("transitions", &[width, width], Init::Zeros)?,
            end: scope.param("end", &[width], Init::Zeros)?,
        };
        Ok(Self { tower, spec, transitions, rules })
    }

    /// The chain as plain numbers, as answers keep to it.
    fn chain(&self) -> Result<Chain> {
        let read = |t: &Tensor, rule: Option<&Vec<f64>>| {
            let numbers = t.f_detach().and_then(|t| t.f_to_device_(Device::Cpu, Kind::Double, false, false));
            let numbers = numbers.and_then(|t| t.f_contiguous()).and_then(|t| t.f_view(-1)).op("decode")?;
            let mut numbers = Vec::<f64>::try_from(&numbers).op("decode")?;
            numbers.iter_mut().zip(rule.into_iter().flatten()).for_each(|(score, rule)| *score += rule);
            Ok::<_, mtl_core::Error>(numbers)
        };
        let (learned, rules) = (&self.transitions, self.rules.as_ref());
        Ok(Chain::new(
            read(&learned.start, rules.map(|rules| &rules.start))?,
            read(&learned.step, rules.map(|rules| &rules.step))?,
            read(&learned.end, rules.map(|rules| &rules.end))?,
        ))
    }
}

impl HeadPart for CrfHeadConfig {
    fn metrics(&self, answer: &Answer) -> &'static [&'static str] {
        tags::metrics(answer)
    }

    fn build(&self, place: HeadPlace<'_>) -> Result<Box<dyn Head>> {
        let Answer::Tags(tags) = place.answer else { return Err(place.refuses("crf")) };
        Ok(Box::new(CrfHead::new(place, tags, self)?))
    }
}

impl Head for CrfHead {
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
        let surprise = likelihood::surprise(out.main(), &labels, items::padding(out), &self.transitions)?; // [b]
        Ok(TaskLoss::new(self.spec.weighted_sum(&surprise, target)?, target.mass()))
    }

    fn decode(&self, out: &HeadOutput) -> Result<Prediction> {
        let scores = items::ragged(out.main(), items::padding(out))?;
        let chain = self.chain()?;
        let Cells::Number(cells) = scores.cells() else { return Err(items::unreadable(&self.spec)) };
        let (mut probs, mut path) = (Vec::with_capacity(cells.len()), Vec::new());
        for sample in 0..scores.len() {
            let of: Vec<f64> = cells[scores.range(sample)].iter().map(|&score| f64::from(score)).collect();
            #[expect(clippy::cast_possible_truncation, reason = "predictions are f32")]
            probs.extend(chain.marginals(&of).0.iter().map(|&p| p as f32));
            path.extend(chain.best(&of).0.iter().map(|&tag| tag as i64));
        }
        let offsets = scores.offsets().unwrap_or_default();
        let path = Labels::ragged(Cells::Index(path), offsets.to_vec(), &[])?;
        let scores = Labels::ragged(Cells::Number(probs), offsets.to_vec(), scores.item())?;
        Ok(Prediction::Tags { scores, kind: Scores::Probs, path: Some(path) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mtl_core::{
        features::{Tokens, View},
        params::ParamSet,
        task::TaskName,
    };

    fn head(params: &mut ParamSet, names: &[&str], config: &CrfHeadConfig) -> CrfHead {
        let tags = Tags { tags: names.iter().map(|&n| n.to_owned()).collect() };
        let (task, view, answer) =
            (TaskName::new("slots").unwrap(), View::Tokens { width: 2 }, Answer::Tags(tags.clone()));
        CrfHead::new(HeadPlace::new(params.root(), &task, &view, &answer), &tags, config).unwrap()
    }

    fn scored(scores: &[f64], shape: [i64; 3], padding: &[bool]) -> HeadOutput {
        let tokens = Tokens {
            xs: Tensor::zeros(shape, (Kind::Double, Device::Cpu)),
            pad_mask: Some(Tensor::from_slice(padding).view([shape[0], shape[1]])),
            names: None,
        };
        items::scored(Tensor::from_slice(scores).view(shape), &tokens)
    }

    fn set(t: &Tensor, numbers: &[f64]) {
        let _guard = tch::no_grad_guard();
        t.shallow_clone().copy_(&Tensor::from_slice(numbers).view_as(t));
    }

    #[test]
    fn a_fresh_chain_is_the_softmax_of_each_item() {
        let mut params = ParamSet::new(Kind::Double, Device::Cpu, 0);
        let crf = head(&mut params, &["a", "b", "c"], &CrfHeadConfig::default());
        let mut other = ParamSet::new(Kind::Double, Device::Cpu, 0);
        let (task, view) = (TaskName::new("slots").unwrap(), View::Tokens { width: 2 });
        let Answer::Tags(tags) = &crf.spec.answer else { panic!() };
        let place = HeadPlace::new(other.root(), &task, &view, &crf.spec.answer);
        let softmax = crate::TagsHead::new(place, tags, &crate::TagsHeadConfig::default()).unwrap();
        let scores: Vec<f64> = (0..18).map(|i| f64::from(i * i % 7) - 3.0).collect();
        let out = scored(&scores, [2, 3, 3], &[false, false, false, false, false, true]);
        let target = Target::new("slots", &crf.spec.answer, &Labels::lists(&[vec![0, -100, 2], vec![1, 1]])).unwrap();
        let (a, b) = (crf.loss(&out, &target).unwrap(), softmax.loss(&out, &target).unwrap());
        assert!((a.sum.double_value(&[]) - b.sum.double_value(&[])).abs() < 1e-12, "{a:?} {b:?}");
        let numbers = |prediction: Prediction| {
            let Prediction::Tags { scores, .. } = prediction else { panic!() };
            let Cells::Number(cells) = scores.cells() else { panic!() };
            cells.clone()
        };
        let (a, b) = (numbers(crf.decode(&out).unwrap()), numbers(softmax.decode(&out).unwrap()));
        assert!(a.len() == 15 && a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-6));
    }

    #[test]
    fn the_path_is_what_is_said_and_need_not_be_the_most_probable_tags() {
        // Paths of two items, by hand: aa 0.4, bb 0.3, bc 0.3. The best path says a, most of the mass says b at first.
        let mut params = ParamSet::new(Kind::Double, Device::Cpu, 0);
        let crf = head(&mut params, &["a", "b", "c"], &CrfHeadConfig::default());
        let never = -200.0;
        set(&crf.transitions.step, &[0.4f64.ln(), never, never, never, 0.3f64.ln(), 0.3f64.ln(), never, never, never]);
        let said = crf.decode(&scored(&[0.0; 6], [1, 2, 3], &[false; 2])).unwrap();
        assert_eq!(said.said_tags(0).unwrap(), [0, 0]);
        let Prediction::Tags { scores, .. } = &said else { panic!() };
        let Cells::Number(probs) = scores.cells() else { panic!() };
        let by_hand = [0.4, 0.6, 0.0, 0.4, 0.3, 0.3];
        assert!(probs.iter().zip(by_hand).all(|(p, want)| (p - want).abs() < 1e-6), "{probs:?}");
    }

    #[test]
    fn constraints_rule_answers_and_no_losses() {
        let names = ["O", "B-x", "I-x"];
        let iob = CrfHeadConfig { constraints: CrfConstraints::Iob, ..CrfHeadConfig::default() };
        let (mut one, mut two) =
            (ParamSet::new(Kind::Double, Device::Cpu, 0), ParamSet::new(Kind::Double, Device::Cpu, 0));
        let (free, bound) = (head(&mut one, &names, &CrfHeadConfig::default()), head(&mut two, &names, &iob));
        // I-x is likeliest at first, where it may not stand.
        let out = scored(&[0.0, 1.0, 9.0, 5.0, 0.0, 9.0], [1, 2, 3], &[false; 2]);
        assert_eq!(free.decode(&out).unwrap().said_tags(0).unwrap(), [2, 2]);
        assert_eq!(bound.decode(&out).unwrap().said_tags(0).unwrap(), [1, 2]);
        let target = Target::new("slots", &free.spec.answer, &Labels::lists(&[vec![2, 2]])).unwrap();
        let sum = |head: &CrfHead| head.loss(&out, &target).unwrap().sum.double_value(&[]);
        assert_eq!(sum(&free).to_bits(), sum(&bound).to_bits());
    }
}
