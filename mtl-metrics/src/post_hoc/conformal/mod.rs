//! Conformal prediction: sets of choices, and intervals of numbers, that hold the truth as often as they promise.
//!
//! ```text
//! a score s(x, y) says how strange y would be beside what is said of x
//! q     = quantile of the scores of the true answers to samples that the model was not fitted on
//! C(x)  = every y with s(x, y) <= q                     P(y in C(x)) >= coverage, whatever the model
//! ```
//! | score | of | sets | file |
//! |---|---|---|---|
//! | `lac` | classes, yes/no | the smallest in the mean | `lac.rs` |
//! | `aps` | classes | larger for hard samples | `aps.rs` |
//! | `raps` | many classes | the same, kept small | `raps.rs` |
//! | `contiguous` | grades | without a gap | `contiguous.rs` |
//! | `residual` | numbers | intervals of one width | `residual.rs` |
//! | `cqr` | forecasts | intervals as wide as the forecast | `cqr.rs` |
//!
//! The promise is on average over samples, for samples that are like those it was fitted on; with `by_class` it holds for each true class
//! by itself (Mondrian: a quantile a class), which takes more samples. Of several yes/no labels, and of several numbers, it holds
//! for each by itself, not for all at once. A set is never empty: the most probable choice is always in it.
//!
//! **Reference** V. Vovk, *Conditional validity of inductive conformal predictors*, ACML 2012 (`by_class`); each score's own file.

mod aps;
mod contiguous;
mod cqr;
mod lac;
mod quantile;
mod raps;
mod residual;

use std::fmt::Debug;

pub use aps::ApsConfig;
pub use contiguous::ContiguousConfig;
pub use cqr::CqrConfig;
pub use lac::LacConfig;
use mtl_core::{Error, Result, answer::Answer, distribution::Form, prediction::Prediction, registry};
pub use quantile::{least_samples, quantile};
pub use raps::RapsConfig;
pub use residual::ResidualConfig;
use serde::{Deserialize, Serialize};

use super::evidence::{Asked, Choices, Evidence};
use crate::{MetricBatch, value::OrReason};

registry! {
    /// How strange an answer is beside what was said.
    pub enum ScoreConfig, what = "conformal score", part = ScorePart {
        Lac(LacConfig) = "lac", "classes and yes/no: one less the probability; the smallest sets";
        Aps(ApsConfig) = "aps", "classes: the probability of all that are as probable; larger sets for hard samples";
        Raps(RapsConfig) = "raps", "many classes: the same with a price for each further class";
        Contiguous(ContiguousConfig) = "contiguous", "grades: sets without a gap, grown from the most probable one";
        Residual(ResidualConfig) = "residual", "numbers: the distance from what was said; intervals of one width";
        Cqr(CqrConfig) = "cqr", "forecasts: the distance beyond two quantiles; intervals as wide as the forecast";
    }
}

/// What a score is of.
#[derive(Debug, Clone, Copy)]
pub enum Scoring<'a> {
    /// Choices.
    Classes(&'a dyn ClassScore),
    /// Choices in an order.
    Grades(&'a dyn ClassScore),
    /// Numbers.
    Numbers(&'a dyn Band),
}

/// What the settings of a score say.
pub trait ScorePart: Debug + Send + Sync {
    /// Checks the settings; all are right, unless overridden.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] naming the setting out of range.
    fn validate(&self) -> Result<()> {
        Ok(())
    }

    /// What it is a score of.
    fn scoring(&self) -> Scoring<'_>;
}

/// A score of choices.
pub trait ClassScore: Debug + Send + Sync {
    /// The score of every choice, `[c]`. `order` lists the choices by falling probability, of equal ones the first first.
    fn scores(&self, probs: &[f64], order: &[usize], scores: &mut [f64]);
}

/// A score of numbers: how far the truth lies outside a band, negative within it.
pub trait Band: Debug + Send + Sync {
    /// Whether what a head says has such a band.
    ///
    /// # Errors
    /// Why not.
    fn suits(&self, form: Option<&Form>, coverage: f64) -> OrReason<()>;

    /// Both ends of it for an output of a sample.
    ///
    /// # Errors
    /// Why there are none.
    fn band(&self, prediction: &Prediction, row: usize, output: usize, coverage: f64) -> OrReason<[f64; 2]>;
}

/// Settings of sets and intervals.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConformalConfig {
    /// How often the truth is to be in the set, in (0, 1); default 0.9.
    #[serde(default = "nine_tenths")]
    #[schemars(extend("exclusiveMinimum" = 0.0, "exclusiveMaximum" = 1.0))]
    pub coverage: f64,
    /// How strange an answer is; default `lac` for classes and yes/no, `contiguous` for grades, `cqr` for a head that says distributions,
    /// `residual` for other numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<ScoreConfig>,
    /// Whether each true class has the coverage by itself; default false, all together.
    #[serde(default)]
    pub by_class: bool,
}

fn nine_tenths() -> f64 {
    0.9
}

impl Default for ConformalConfig {
    fn default() -> Self {
        Self { coverage: nine_tenths(), score: None, by_class: false }
    }
}

impl ConformalConfig {
    /// The score that is meant for such answers, of a head that says distributions of that form.
    #[must_use]
    pub fn score(&self, answer: &Answer, form: Option<&Form>) -> ScoreConfig {
        self.score.clone().unwrap_or_else(|| match Asked::by(answer.tag()) {
            Asked::OneOf if answer.is_ordered() => ScoreConfig::Contiguous(ContiguousConfig {}),
            Asked::Numbers if form.is_some() => ScoreConfig::Cqr(CqrConfig {}),
            Asked::Numbers => ScoreConfig::Residual(ResidualConfig {}),
            Asked::OneOf | Asked::YesNo | Asked::Other(_) => ScoreConfig::Lac(LacConfig {}),
        })
    }

    /// Checks the settings for such answers.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] naming the setting.
    pub fn check(&self, answer: &Answer, form: Option<&Form>) -> Result<()> {
        let refuse = |field, expected: String, found: String| {
            Err(Error::InvalidConfig { what: "conformal", field, expected, found })
        };
        if !(self.coverage > 0.0 && self.coverage < 1.0) {
            return refuse("coverage", "in (0, 1)".into(), self.coverage.to_string());
        }
        let score = self.score(answer, form);
        score.part().validate().map_err(|e| e.inside("score"))?;
        let asked = Asked::by(answer.tag());
        let fits = match (score.part().scoring(), asked) {
            (Scoring::Classes(_), Asked::OneOf | Asked::YesNo) => Ok(()),
            (Scoring::Grades(_), Asked::OneOf) if answer.is_ordered() => Ok(()),
            (Scoring::Numbers(band), Asked::Numbers) => band.suits(form, self.coverage),
            (Scoring::Classes(_), _) => Err("it is of classes and yes/no labels".to_owned()),
            (Scoring::Grades(_), _) => Err("it is of grades".to_owned()),
            (Scoring::Numbers(_), _) => Err("it is of numbers".to_owned()),
        };
        if let Err(reason) = fits {
            let found = format!("{:?} for {}: {reason}", score.name(), asked.describe());
            return refuse("score", "one for such answers".into(), found);
        }
        if self.by_class && asked == Asked::Numbers {
            return refuse("by_class", "false: numbers have no classes".into(), "true".into());
        }
        Ok(())
    }
}

/// Sets or intervals that were fitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conformal {
    /// How often the truth is to be in the set.
    pub coverage: f64,
    /// How strange an answer is.
    pub score: ScoreConfig,
    /// What a score may be at most. A list an output: of one of several one alone, of yes/no labels and numbers one each. In it a
    /// quantile for all, or one a class; `None` of a class with too few samples, which is always in the set.
    pub quantiles: Vec<Vec<Option<f64>>>,
}

/// Room for the scores of a sample.
#[derive(Debug, Clone, Default)]
pub struct Scratch {
    order: Vec<usize>,
    scores: Vec<f64>,
}

impl Scratch {
    /// The scores of all choices.
    fn of(&mut self, score: &dyn ClassScore, probs: &[f64]) -> &[f64] {
        self.order.clear();
        self.order.extend(0..probs.len());
        self.order.sort_by(|a, b| probs[*b].total_cmp(&probs[*a]));
        self.scores.clear();
        self.scores.resize(probs.len(), 0.0);
        score.scores(probs, &self.order, &mut self.scores);
        &self.scores
    }
}

impl Conformal {
    /// Fits the quantiles. `batch` are the (calibrated) answers.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for too few samples; what is wrong with the answers.
    pub fn fit(
        config: &ConformalConfig,
        answer: &Answer,
        form: Option<&Form>,
        batch: &MetricBatch<'_>,
    ) -> Result<Self> {
        let (coverage, score) = (config.coverage, config.score(answer, form));
        let few = |what: String, found: f64| Error::InvalidConfig {
            what: "conformal",
            field: "coverage",
            expected: format!(
                "one that so many samples can promise: {coverage} takes {} labeled ones",
                least_samples(coverage)
            ),
            found: format!("{found} of {what}"),
        };
        let weight = |scores: &[(f64, f32)]| scores.iter().map(|(_, weight)| f64::from(*weight)).sum::<f64>();
        let quantiles = match score.part().scoring() {
            Scoring::Classes(score) | Scoring::Grades(score) => {
                let of = |choices: &Choices, name: &str| -> Result<Vec<Option<f64>>> {
                    let mut scratch = Scratch::default();
                    let mut by_class = vec![Vec::new(); if config.by_class { choices.width } else { 1 }];
                    for (probs, label, weight) in choices.rows() {
                        let own = scratch.of(score, probs).get(label).copied().unwrap_or(f64::INFINITY);
                        let at = if config.by_class { label } else { 0 };
                        if let Some(list) = by_class.get_mut(at) {
                            list.push((own, weight));
                        }
                    }
                    let all: f64 = by_class.iter().map(|list| weight(list)).sum();
                    let found: Vec<Option<f64>> = by_class.iter_mut().map(|list| quantile(list, coverage)).collect();
                    if found.iter().all(Option::is_none) { Err(few(name.to_owned(), all)) } else { Ok(found) }
                };
                match Evidence::of(batch)? {
                    Evidence::OneOf(choices) => vec![of(&choices, batch.task())?],
                    Evidence::YesNo(questions) => {
                        let named = questions.iter().enumerate();
                        named.map(|(at, own)| of(&own.as_choices(), &answer.output(at))).collect::<Result<_>>()?
                    }
                }
            }
            Scoring::Numbers(band) => {
                let mut scores = vec![Vec::new(); answer.width()];
                each_number(band, coverage, batch, |output, [low, high], truth, weight| {
                    if let Some(list) = scores.get_mut(output) {
                        list.push(((low - truth).max(truth - high), weight));
                    }
                })?;
                let fit = |(at, list): (usize, &mut Vec<(f64, f32)>)| {
                    let found = quantile(list, coverage).ok_or_else(|| few(answer.output(at), weight(list)))?;
                    Ok(vec![Some(found)])
                };
                scores.iter_mut().enumerate().map(fit).collect::<Result<_>>()?
            }
        };
        Ok(Self { coverage, score, quantiles })
    }

    /// The choices in the set of an output, given their probabilities; the most probable one is always there.
    pub fn set(&self, output: usize, probs: &[f64], scratch: &mut Scratch, into: &mut Vec<usize>) {
        into.clear();
        let (Scoring::Classes(score) | Scoring::Grades(score)) = self.score.part().scoring() else { return };
        let Some(quantiles) = self.quantiles.get(output) else { return };
        scratch.of(score, probs);
        let most =
            |choice: usize| quantiles.get(choice).or(quantiles.first()).copied().flatten().unwrap_or(f64::INFINITY);
        let is_in = |choice: &usize| scratch.scores[*choice] <= most(*choice) || scratch.order.first() == Some(choice);
        into.extend((0..probs.len()).filter(is_in));
    }

    /// The interval of an output of a sample.
    ///
    /// # Errors
    /// Why there is none.
    pub fn interval(&self, prediction: &Prediction, row: usize, output: usize) -> OrReason<[f64; 2]> {
        let Scoring::Numbers(band) = self.score.part().scoring() else {
            return Err(format!("{:?} gives sets of classes", self.score.name()));
        };
        let [low, high] = band.band(prediction, row, output, self.coverage)?;
        let by = self.quantiles.get(output).and_then(|own| own.first().copied().flatten()).unwrap_or(f64::INFINITY);
        let (low, high) = (low - by, high + by);
        let middle = 0.5 * (low + high);
        Ok(if low > high { [middle, middle] } else { [low, high] })
    }

    /// What was fitted, in words: `sets of coverage 0.9 by lac, scores up to 0.7312`.
    #[must_use]
    pub fn describe(&self) -> String {
        let kind = if self.has_sets() { "sets" } else { "intervals" };
        let most = |q: &Option<f64>| q.map_or_else(|| "any".into(), |q| format!("{q:.4}"));
        let all: Vec<String> = self.quantiles.iter().flatten().map(most).collect();
        format!("{kind} of coverage {} by {}, scores up to {}", self.coverage, self.score.name(), all.join(", "))
    }

    /// Whether sets are of choices, not intervals of numbers.
    #[must_use]
    pub fn has_sets(&self) -> bool {
        !matches!(self.score.part().scoring(), Scoring::Numbers(_))
    }

    /// Checks one that was read from a file.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self, answer: &Answer, form: Option<&Form>) -> OrReason<()> {
        let config = ConformalConfig { coverage: self.coverage, score: Some(self.score.clone()), by_class: false };
        config.check(answer, form).map_err(|e| e.to_string())?;
        let (outputs, classes) = match Asked::by(answer.tag()) {
            Asked::OneOf => (1, answer.width()),
            Asked::YesNo => (answer.width(), 2),
            Asked::Numbers | Asked::Other(_) => (answer.width(), 1),
        };
        let number = |q: &Option<f64>| q.is_none_or(f64::is_finite);
        let fits = |own: &Vec<Option<f64>>| (own.len() == 1 || own.len() == classes) && own.iter().all(number);
        if self.quantiles.len() == outputs && self.quantiles.iter().all(fits) {
            return Ok(());
        }
        Err(format!("no quantiles of {outputs} outputs: {:?}", self.quantiles))
    }
}

/// Band, truth and weight of every known number: `each(output, band, truth, weight)`.
pub(super) fn each_number(
    band: &dyn Band,
    coverage: f64,
    batch: &MetricBatch<'_>,
    mut each: impl FnMut(usize, [f64; 2], f64, f32),
) -> Result<()> {
    let (_, truth) = batch.weighted_values("conformal")?;
    for (row, numbers) in truth.rows(0..truth.n_rows()).enumerate() {
        let weight = batch.weight(row)?;
        for (output, truth) in numbers.iter().enumerate().filter(|(_, truth)| !truth.is_nan() && weight > 0.0) {
            let ends = band.band(batch.prediction(), row, output, coverage);
            let ends = ends.map_err(|reason| batch.unfit("conformal", &format!("numbers with a band ({reason})")))?;
            if ends.iter().any(|end| !end.is_finite()) {
                return Err(batch.refuse("prediction", "finite", &ends[0], row));
            }
            each(output, ends, f64::from(*truth), weight);
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::float_cmp, reason = "what is picked out, and small numbers, are exact")]
mod tests {
    use super::*;
    use mtl_core::prediction::{Reference, Scores};
    use ndarray::array;

    fn scores(config: &ScoreConfig, probs: &[f64]) -> Vec<f64> {
        let (Scoring::Classes(score) | Scoring::Grades(score)) = config.part().scoring() else { panic!() };
        Scratch::default().of(score, probs).iter().map(|s| (s * 1000.0).round() / 1000.0).collect()
    }

    #[test]
    fn scores_by_hand() {
        let probs = [0.125, 0.5, 0.25, 0.125];
        assert_eq!(scores(&ScoreConfig::Lac(LacConfig {}), &probs), [0.875, 0.5, 0.75, 0.875]);
        assert_eq!(scores(&ScoreConfig::Aps(ApsConfig {}), &probs), [0.875, 0.5, 0.75, 1.0]);
        let raps = ScoreConfig::Raps(RapsConfig { penalty: 0.1, free: 2 });
        assert_eq!(scores(&raps, &probs), [0.975, 0.5, 0.75, 1.2]);
        let contiguous = ScoreConfig::Contiguous(ContiguousConfig {});
        assert_eq!(scores(&contiguous, &probs), [0.875, 0.5, 0.75, 1.0]);
        // The second grade is less probable than the last, but lies between.
        assert_eq!(scores(&contiguous, &[0.5, 0.1, 0.4]), [0.5, 0.6, 1.0]);
    }

    #[test]
    fn sets_and_intervals_by_hand() {
        let conformal = |score, quantiles| Conformal { coverage: 0.9, score, quantiles };
        let set = |own: &Conformal, probs: &[f64]| {
            let mut set = Vec::new();
            own.set(0, probs, &mut Scratch::default(), &mut set);
            set
        };
        let lac = conformal(ScoreConfig::Lac(LacConfig {}), vec![vec![Some(0.75)]]);
        assert_eq!((set(&lac, &[0.25, 0.5, 0.25]), set(&lac, &[0.1, 0.1, 0.8])), (vec![0, 1, 2], vec![2]));
        let strict = conformal(ScoreConfig::Lac(LacConfig {}), vec![vec![Some(0.1)]]);
        assert_eq!(set(&strict, &[0.5, 0.5]), [0], "never empty");
        let by_class = conformal(ScoreConfig::Lac(LacConfig {}), vec![vec![Some(0.1), None]]);
        assert_eq!(set(&by_class, &[0.95, 0.05]), [0, 1], "nothing is known of the second");
        let said = Prediction::Values { values: array![[10.0, 1.0]] };
        let residual = conformal(ScoreConfig::Residual(ResidualConfig {}), vec![vec![Some(2.0)], vec![Some(0.5)]]);
        assert_eq!(residual.interval(&said, 0, 1), Ok([0.5, 1.5]));
        let inwards = conformal(ScoreConfig::Residual(ResidualConfig {}), vec![vec![Some(-1.0)]]);
        assert_eq!(inwards.interval(&said, 0, 0), Ok([10.0, 10.0]));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let class = Answer::class(["a", "b"]);
        let check = |config: &ConformalConfig, answer: &Answer| config.check(answer, None).unwrap_err().to_string();
        let with = |score| ConformalConfig { score: Some(score), ..ConformalConfig::default() };
        assert!(check(&with(ScoreConfig::Contiguous(ContiguousConfig {})), &class).contains("it is of grades"));
        assert!(check(&with(ScoreConfig::Cqr(CqrConfig {})), &Answer::values(["y"])).contains("it needs quantiles"));
        assert!(check(&ConformalConfig::default(), &Answer::tags(["o"])).contains("answers of kind tags"));
        assert!(check(&ConformalConfig { coverage: 1.0, ..Default::default() }, &class).contains("in (0, 1)"));
        let said = Prediction::Class { scores: array![[0.5, 0.5]], kind: Scores::Probs };
        let truth = Reference::Class(vec![1]);
        let batch = MetricBatch::new(&said, &truth).of_task("t");
        let e = Conformal::fit(&ConformalConfig::default(), &class, None, &batch).unwrap_err().to_string();
        assert!(e.contains("0.9 takes 9 labeled ones") && e.contains("1 of t"), "{e}");
    }
}
