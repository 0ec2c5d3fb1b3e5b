//! What a fit is worth on samples that it did not see: before and after, in numbers.
//!
//! ```text
//! probabilities   ECE (15 bins), log-loss and Brier score of the network's own and of the calibrated ones
//! sets, intervals how often the truth is in them, with an interval of that share; how large they are
//! thresholds      how often each answer is right and wrong, and what that costs; the same for yes from 0.5 on
//! reject          how many answers go, how wrong those are that stay, and the curve of both
//! ```
//! The interval of a share `k / n` is exact (Clopper and Pearson): both ends are quantiles of beta distributions. With weights `k` and `n` are
//! sums of them, so it is of as many samples as they say.
//!
//! **Reference** C. J. Clopper, E. S. Pearson, *The use of confidence or fiducial limits illustrated in the case of the binomial*, Biometrika 26,
//! 1934; equal to `scipy.stats.binomtest(k, n).proportion_ci()`.
//! **Differs from** nothing known.

use mtl_core::{
    Result,
    answer::Answer,
    prediction::{Prediction, Reference},
};
use serde::{Deserialize, Serialize};
use statrs::function::beta::inv_beta_reg;

use super::{
    PostHoc,
    conformal::{Conformal, Scoring, Scratch, each_number},
    evidence::{Choices, Evidence},
    reject::{Kept, Risk, coverage_risk, risks},
    threshold::Thresholds,
};
use crate::{
    MetricBatch, Streaming,
    class::{Brier, Ece, LogLoss},
};

/// Points of a curve that is written down.
const POINTS: usize = 50;
/// Confidence of the intervals of shares.
const LEVEL: f64 = 0.95;

/// What a fit is worth on a split. What was not fitted is not there.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Verdict {
    /// Samples with a label.
    pub samples: u64,
    /// Probabilities before and after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probabilities: Option<Probabilities>,
    /// Sets and intervals: an entry a yes/no label or number, one alone of one of several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub covered: Vec<Covered>,
    /// Decisions, an entry a label.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub decided: Vec<Decided>,
    /// Rejections, an entry a label, one alone of one of several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub selected: Vec<Selected>,
}

/// Probabilities before and after.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Probabilities {
    /// The network's own.
    pub before: Quality,
    /// The calibrated ones.
    pub after: Quality,
}

/// How good probabilities are; less is better.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Quality {
    /// Expected calibration error, of 15 bins.
    pub ece: Option<f64>,
    /// Negative logarithm of the probability of what is right; `None` where a probability of 0 came true.
    pub log_loss: Option<f64>,
    /// Brier score.
    pub brier: Option<f64>,
}

/// How often the truth is in sets or intervals.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Covered {
    /// The output; empty of one of several.
    pub output: String,
    /// What was promised.
    pub target: f64,
    /// The share of samples whose truth is in the set.
    pub coverage: f64,
    /// Its 95 % interval.
    pub interval: [f64; 2],
    /// Mean number of choices, or mean width of the intervals.
    pub size: f64,
    /// Share of sets of a single choice; of intervals none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub singles: Option<f64>,
    /// Coverage of each true class that occurs: name, share.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<(String, f64)>,
}

/// What decisions of a label come to, in weight of samples.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Decided {
    /// The label.
    pub output: String,
    /// From which probability on yes is said.
    pub threshold: f64,
    /// True yes, false yes, false no, true no.
    pub counts: [f64; 4],
    /// What errors cost in the mean: 1 each, unless the threshold says otherwise.
    pub cost: f64,
    /// The same for yes from 0.5 on.
    pub cost_at_half: f64,
}

/// What rejecting comes to.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Selected {
    /// The label; empty of one of several.
    pub output: String,
    /// Share that is rejected.
    pub rejected: f64,
    /// Share that is wrong of all.
    pub error: f64,
    /// Share that is wrong of those kept; `None` where nothing is.
    pub error_kept: Option<f64>,
    /// How wrong the least risky are, for rising shares of them.
    pub curve: Vec<Kept>,
}

/// The exact interval of a share.
#[must_use]
pub fn share_interval(k: f64, n: f64) -> [f64; 2] {
    let tail = 0.5 * (1.0 - LEVEL);
    let low = if k > 0.0 { inv_beta_reg(k, n - k + 1.0, tail) } else { 0.0 };
    let high = if k < n { inv_beta_reg(k + 1.0, n - k, 1.0 - tail) } else { 1.0 };
    [low, high]
}

impl Verdict {
    /// The verdict on `fitted` for answers of the model itself beside what is right.
    ///
    /// # Errors
    /// What is wrong with answers or labels; [`mtl_core::Error::InvalidConfig`] for answers that were fitted otherwise.
    pub fn of(
        fitted: &PostHoc,
        answer: &Answer,
        prediction: &Prediction,
        reference: &Reference,
        weights: Option<&[f32]>,
    ) -> Result<Self> {
        let batch = MetricBatch::new(prediction, reference);
        let batch = weights.map_or(batch, |weights| batch.with_weights(weights));
        let unfit =
            |reason: String| batch.unfit("post-hoc verdict", &format!("answers as it was fitted on ({reason})"));
        let calibrated = fitted.calibrated(prediction).map_err(unfit)?;
        let after = batch.answered(&calibrated);
        let samples = (0..reference.batch_size()).filter(|row| reference.truth().knows(*row)).count() as u64;
        let mut found = Self { samples, ..Self::default() };
        if fitted.calibration.is_some() {
            found.probabilities = Some(Probabilities { before: Quality::of(&batch)?, after: Quality::of(&after)? });
        }
        if let Some(conformal) = &fitted.conformal
            && let Scoring::Numbers(band) = conformal.score.part().scoring()
        {
            let mut counts = vec![Count::default(); answer.width()];
            each_number(band, conformal.coverage, &after, |output, ends, truth, weight| {
                let by = conformal.quantiles.get(output).and_then(|own| own.first().copied().flatten());
                let (low, high) = (ends[0] - by.unwrap_or(f64::INFINITY), ends[1] + by.unwrap_or(f64::INFINITY));
                if let Some(count) = counts.get_mut(output) {
                    count.add((low..=high).contains(&truth), (high - low).max(0.0), f64::from(weight));
                }
            })?;
            let outputs = counts.iter().enumerate();
            found.covered =
                outputs.filter_map(|(at, count)| count.covered(answer.output(at), conformal, None)).collect();
        }
        let has_probabilities = fitted.threshold.is_some()
            || fitted.reject.is_some()
            || fitted.conformal.as_ref().is_some_and(Conformal::has_sets);
        if !has_probabilities {
            return Ok(found);
        }
        let evidence = Evidence::of(&after)?;
        if let Some(conformal) = &fitted.conformal {
            found.covered = sets(conformal, answer, &evidence);
        }
        if let Some(thresholds) = &fitted.threshold {
            found.decided = decided(thresholds, answer, &evidence);
        }
        if let Some(reject) = &fitted.reject {
            let lists = risks(&evidence, fitted.threshold.as_ref());
            let several = matches!(evidence, Evidence::YesNo(_));
            let known = lists.iter().enumerate().filter(|(_, list)| !list.is_empty());
            found.selected = known
                .map(|(at, list)| {
                    let name = if several { answer.output(at) } else { String::new() };
                    Selected::of(name, list, reject.above.get(at).copied().unwrap_or(f64::INFINITY))
                })
                .collect();
        }
        Ok(found)
    }
}

impl Quality {
    fn of(batch: &MetricBatch<'_>) -> Result<Self> {
        let (mut ece, mut log_loss, mut brier) =
            (Streaming::new(Ece::default()), Streaming::new(LogLoss), Streaming::new(Brier));
        ece.update_batch(batch)?;
        log_loss.update_batch(batch)?;
        brier.update_batch(batch)?;
        let finite = |value: Option<f64>| value.filter(|x| x.is_finite());
        Ok(Self {
            ece: finite(ece.compute().value),
            log_loss: finite(log_loss.compute().value),
            brier: finite(brier.compute().value),
        })
    }
}

/// Weights of what was seen.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    all: f64,
    covered: f64,
    size: f64,
    singles: f64,
}

impl Count {
    fn add(&mut self, covered: bool, size: f64, weight: f64) {
        self.all += weight;
        self.size += weight * size;
        if covered {
            self.covered += weight;
        }
        // Of sets a whole number; of intervals nobody asks.
        if (size - 1.0).abs() < 0.5 {
            self.singles += weight;
        }
    }

    fn covered(&self, output: String, conformal: &Conformal, classes: Option<Vec<(String, f64)>>) -> Option<Covered> {
        (self.all > 0.0).then(|| Covered {
            output,
            target: conformal.coverage,
            coverage: self.covered / self.all,
            interval: share_interval(self.covered, self.all),
            size: self.size / self.all,
            singles: classes.as_ref().map(|_| self.singles / self.all),
            classes: classes.unwrap_or_default(),
        })
    }
}

/// Coverage and size of sets of choices.
fn sets(conformal: &Conformal, answer: &Answer, evidence: &Evidence) -> Vec<Covered> {
    let of = |output: usize, choices: &Choices, name: String, called: &dyn Fn(usize) -> String| {
        let (mut count, mut classes) = (Count::default(), vec![Count::default(); choices.width]);
        let (mut scratch, mut set) = (Scratch::default(), Vec::new());
        for (probs, label, weight) in choices.rows() {
            conformal.set(output, probs, &mut scratch, &mut set);
            let (covered, size, weight) = (set.contains(&label), set.len() as f64, f64::from(weight));
            count.add(covered, size, weight);
            if let Some(class) = classes.get_mut(label) {
                class.add(covered, size, weight);
            }
        }
        let known = classes.iter().enumerate().filter(|(_, class)| class.all > 0.0);
        let classes = known.map(|(at, class)| (called(at), class.covered / class.all)).collect();
        count.covered(name, conformal, Some(classes))
    };
    match evidence {
        Evidence::OneOf(choices) => of(0, choices, String::new(), &|at| answer.output(at)).into_iter().collect(),
        Evidence::YesNo(questions) => {
            let no_yes = |at: usize| if at == 0 { "no".to_owned() } else { "yes".to_owned() };
            let all = questions.iter().enumerate();
            all.filter_map(|(at, own)| of(at, &own.as_choices(), answer.output(at), &no_yes)).collect()
        }
    }
}

/// What decisions come to.
fn decided(thresholds: &Thresholds, answer: &Answer, evidence: &Evidence) -> Vec<Decided> {
    let costs = thresholds.costs.unwrap_or_default();
    let of = |label: usize, output: String, rows: &mut dyn Iterator<Item = (f64, bool, f32)>| {
        let (mut counts, mut at_half) = ([0.0; 4], [0.0; 4]);
        for (p, yes, weight) in rows {
            for (counts, said) in [(&mut counts, thresholds.says_yes(label, p)), (&mut at_half, p >= 0.5)] {
                let cell = match (said, yes) {
                    (true, true) => 0,
                    (true, false) => 1,
                    (false, true) => 2,
                    (false, false) => 3,
                };
                counts[cell] += f64::from(weight);
            }
        }
        let total: f64 = counts.iter().sum();
        let cost =
            |[_, alarms, misses, _]: [f64; 4]| (alarms * costs.false_positive + misses * costs.false_negative) / total;
        (total > 0.0).then(|| Decided {
            output,
            threshold: thresholds.from.get(label).copied().map_or(0.5, f64::from),
            counts,
            cost: cost(counts),
            cost_at_half: cost(at_half),
        })
    };
    match evidence {
        Evidence::OneOf(choices) => {
            let second = choices.against_others(1);
            of(0, answer.output(1), &mut second.rows()).into_iter().collect()
        }
        Evidence::YesNo(questions) => {
            let all = questions.iter().enumerate();
            all.filter_map(|(at, own)| of(at, answer.output(at), &mut own.rows())).collect()
        }
    }
}

impl Selected {
    fn of(output: String, risks: &[Risk], above: f64) -> Self {
        let weight =
            |fits: &dyn Fn(&Risk) -> bool| risks.iter().filter(|own| fits(own)).map(|own| own.weight).sum::<f64>();
        let (all, kept) = (weight(&|_| true), weight(&|own| own.risk <= above));
        let wrong_kept = weight(&|own| own.risk <= above && own.wrong);
        Self {
            output,
            rejected: 1.0 - kept / all,
            error: weight(&|own| own.wrong) / all,
            error_kept: (kept > 0.0).then(|| wrong_kept / kept),
            curve: coverage_risk(risks, POINTS),
        }
    }
}

#[cfg(test)]
#[allow(clippy::float_cmp, reason = "what is picked out, and small numbers, are exact")]
mod tests {
    use super::*;
    use crate::post_hoc::{PostHocConfig, RejectConfig, ThresholdConfig, reject::ShareConfig, threshold::CostConfig};
    use mtl_core::prediction::Scores;
    use ndarray::array;

    #[test]
    fn shares_have_the_intervals_of_the_tables() {
        // scipy.stats.binomtest(8, 10).proportion_ci(), (0, 5), (5, 5)
        let near = |found: [f64; 2], expected: [f64; 2]| found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-9);
        assert!(near(share_interval(8.0, 10.0), [0.443_904_537_692_358_5, 0.974_789_273_673_166_5]));
        assert!(near(share_interval(0.0, 5.0), [0.0, 0.521_823_750_104_981_3]));
        assert!(near(share_interval(5.0, 5.0), [0.478_176_249_895_018_6, 1.0]));
    }

    #[test]
    fn decisions_and_rejections_by_hand() {
        let said = Prediction::MultiLabel { scores: array![[0.9], [0.6], [0.4], [0.1]], kind: Scores::Probs };
        let truth = Reference::MultiLabel(array![[1.0], [0.0], [1.0], [0.0]]);
        let answer = Answer::multi_label(["rich"]);
        let config = PostHocConfig {
            threshold: Some(ThresholdConfig::Cost(CostConfig { false_positive: 1.0, false_negative: 3.0 })),
            reject: Some(RejectConfig::Share(ShareConfig { share: 0.25 })),
            ..PostHocConfig::default()
        };
        let fitted = config.fit(&answer, None, &MetricBatch::new(&said, &truth)).unwrap();
        let found = fitted.judge(&answer, &said, &truth, None).unwrap();
        let decided = &found.decided[0];
        assert_eq!((decided.counts, decided.cost, decided.cost_at_half), ([2.0, 1.0, 0.0, 1.0], 0.25, 1.0));
        // Expected costs: 0.1, 0.4, 0.6, 0.3; what is said at 0.4 goes, and it was right.
        let selected = &found.selected[0];
        assert_eq!((selected.rejected, selected.error, selected.error_kept), (0.25, 0.25, Some(1.0 / 3.0)));
        assert_eq!(selected.curve.len(), 4);
    }
}
