//! What a model's answers on validation look like, as data: what the page draws, and what `metrics.json` keeps of it.
//!
//! ```text
//! one pass --Outputs--> Evaluation --> metrics.json     areas, errors, counts, quantiles, worst samples
//!                             \-----> page              the same numbers, drawn
//! ```
//! The page computes nothing of its own: a number on it is one of these. Areas and calibration errors are those of the metrics'
//! own states. Only the points of ROC and precision-recall curves are not written down; their areas are.

use mtl_core::answer::Answer;
use mtl_metrics::{
    Auroc, ConfusionMatrix, RocCurve, binary::PrecisionRecallCurve, class::Ece, samples::Column as Scores,
};
use serde::{Deserialize, Serialize};

use super::{
    outputs::{Judged, Outputs, Rows},
    wilson,
    worst::{self, Fields},
};

/// Labels or classes that get a curve each.
pub(super) const MOST_CURVES: usize = 7;
/// Points of a curve.
const POINTS: usize = 200;
/// Classes of a confusion matrix.
const MOST_CLASSES: usize = 30;
/// Bars of a distribution.
const BARS: usize = 15;
/// Groups of equal size along predicted values.
const GROUPS: usize = 10;

/// The answers of all tasks on validation.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Samples whose answers were kept one by one: all, unless that were more than memory should hold.
    pub samples: u64,
    /// The tasks in task order.
    pub tasks: Vec<TaskEvaluation>,
}

/// One task's answers. What does not apply to its kind is empty.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TaskEvaluation {
    /// Its name.
    pub task: String,
    /// Samples that have a label.
    pub samples: u64,
    /// Why there is nothing to draw.
    pub without_charts: Option<String>,
    /// How well each yes/no question, or each class against the others, is ranked.
    pub rankings: Option<Rankings>,
    /// Whether probabilities come true.
    pub calibration: Option<Calibration>,
    /// How often each class was taken for each other.
    pub confusion: Option<Confusion>,
    /// How many grades the most probable grade is off.
    pub grades_off: Vec<GradesOff>,
    /// How far numbers are off, an entry an output.
    pub residuals: Vec<Residuals>,
    /// The samples with the largest losses, the largest first.
    pub worst: Vec<Worst>,
}

/// Yes/no questions.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Rankings {
    /// How many questions there are; not all are drawn.
    pub questions: usize,
    /// Those that both answers occur in.
    pub ranked: Vec<Ranking>,
}

/// How well one question is ranked.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Ranking {
    /// The label or class.
    pub name: String,
    /// Area under the ROC curve.
    pub auroc: f64,
    /// Area under the steps of precision over recall.
    pub average_precision: f64,
    /// Share of yes: the precision of chance.
    pub prevalence: f64,
    /// `[false positive rate, true positive rate]`; not written down.
    #[serde(skip)]
    pub roc: Vec<[f64; 2]>,
    /// `[recall, precision]`; not written down.
    #[serde(skip)]
    pub precision_recall: Vec<[f64; 2]>,
}

/// The reliability diagram of the metric `ece`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// What is compared with how often it came true.
    pub of: String,
    /// Expected calibration error.
    pub ece: f64,
    /// Bins that hold something, confidence rising.
    pub bins: Vec<CalibrationBin>,
}

/// A bin of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct CalibrationBin {
    /// Mean confidence.
    pub confidence: f64,
    /// Share that came true.
    pub accuracy: f64,
    /// Its 95 % interval.
    pub interval: [f64; 2],
    /// Answers.
    pub samples: u64,
}

/// A confusion matrix.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Confusion {
    /// The classes.
    pub classes: Vec<String>,
    /// Samples: a row a true class, a column a predicted one.
    pub counts: Vec<Vec<u64>>,
}

/// Samples whose grade is off by so many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GradesOff {
    /// Predicted grade less the true one.
    pub by: i64,
    /// Samples.
    pub samples: u64,
}

/// Residuals (prediction minus truth) of one output.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Residuals {
    /// The output's name.
    pub name: String,
    /// Groups of equal size along the prediction.
    pub groups: Vec<ResidualGroup>,
    /// Their distribution; the first and the last bar hold everything beyond them.
    pub bars: Vec<ResidualBar>,
}

/// Samples with similar predictions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct ResidualGroup {
    /// Their mean prediction.
    pub prediction: f64,
    /// 10th percentile of their residuals.
    pub low: f64,
    /// Median.
    pub median: f64,
    /// 90th percentile.
    pub high: f64,
}

/// A bar of a distribution.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct ResidualBar {
    /// Its lower end.
    pub from: f64,
    /// Its upper end.
    pub to: f64,
    /// Samples.
    pub samples: u64,
}

/// A sample with a large loss.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Worst {
    /// Its id in the data set.
    pub id: u64,
    /// Its loss.
    pub loss: f64,
    /// What happened, in words.
    pub what: String,
}

impl Evaluation {
    /// What `outputs` come to; `answers` say what the tasks are.
    pub(super) fn of<'a>(
        tasks: impl IntoIterator<Item = (&'a str, &'a Answer)>,
        outputs: &Outputs,
        fields: &Fields,
    ) -> Self {
        let tasks = tasks.into_iter().enumerate();
        let tasks = tasks.map(|(at, (name, answer))| TaskEvaluation::of(name, answer, at, outputs, fields)).collect();
        Self { samples: outputs.read, tasks }
    }

    /// The same numbers, with the points of curves that are not written down.
    pub(super) fn with_curves_of(&self, drawn: &Self) -> Self {
        let mut whole = self.clone();
        for (own, drawn) in whole.tasks.iter_mut().zip(&drawn.tasks) {
            let (own, drawn) = (own.rankings.iter_mut(), drawn.rankings.iter());
            for (own, drawn) in own.zip(drawn).flat_map(|(own, drawn)| own.ranked.iter_mut().zip(&drawn.ranked)) {
                own.roc.clone_from(&drawn.roc);
                own.precision_recall.clone_from(&drawn.precision_recall);
            }
        }
        whole
    }
}

impl TaskEvaluation {
    fn of(task: &str, answer: &Answer, at: usize, outputs: &Outputs, fields: &Fields) -> Self {
        let mut found = Self { task: task.to_owned(), ..Self::default() };
        let Some(own) = outputs.tasks.get(at) else { return found };
        found.samples = own.ids.len() as u64;
        if own.ids.is_empty() {
            found.without_charts = Some(match own.answers {
                Judged::Other(what) => format!("No charts for {what}."),
                Judged::Classes { .. } | Judged::YesNo { .. } | Judged::Values { .. } | Judged::Tags(_) => {
                    "No sample of the split has a label of this task.".to_owned()
                }
            });
            return found;
        }
        let columns = outputs.metrics.get::<Auroc>(at).map(|m| m.remembered().columns());
        match &own.answers {
            Judged::Classes { probs, labels } => {
                let names = names(answer, probs.width());
                found.rankings = Some(Rankings::of(&of_classes(columns, labels, &names)));
                found.calibration = Calibration::of("probability of the class that was named", at, outputs);
                found.confusion = Confusion::of(&names, &own.confusion);
                if answer.is_ordered() {
                    found.grades_off = grades_off(probs, labels);
                }
            }
            Judged::YesNo { probs, .. } => {
                let names = names(answer, probs.width());
                let questions: Vec<_> = names.iter().cloned().zip(columns.unwrap_or_default()).collect();
                found.rankings = Some(Rankings::of(&questions));
                found.calibration = Calibration::of("probability of yes", at, outputs);
                if let [name] = names.as_slice() {
                    found.confusion = Confusion::of(&[format!("not {name}"), name.clone()], &own.confusion);
                }
            }
            Judged::Values { predicted, labels } => {
                for (at, name) in names(answer, predicted.width()).iter().enumerate().take(MOST_CURVES) {
                    let pairs = predicted.column(at).zip(labels.column(at));
                    let pairs: Vec<(f64, f64)> = pairs.filter(|(p, y)| p.is_finite() && y.is_finite()).collect();
                    found.residuals.extend(Residuals::of(name, &pairs));
                }
            }
            // What tags are worth stands beside the words that they are of.
            Judged::Tags(_) | Judged::Other(_) => {}
        }
        found.worst = worst::listed(answer, own, fields);
        found
    }
}

/// The names of classes, labels or numbers.
pub(super) fn names(answer: &Answer, width: usize) -> Vec<String> {
    (0..width).map(|at| answer.output(at)).collect()
}

/// Each class against all others; of two classes the second. The most frequent classes come first.
fn of_classes<'a>(columns: Option<&'a [Scores]>, labels: &[usize], names: &[String]) -> Vec<(String, &'a Scores)> {
    let columns = columns.unwrap_or_default();
    if let ([only], [_, second]) = (columns, names) {
        return vec![(second.clone(), only)];
    }
    let mut by_count: Vec<usize> = (0..names.len().min(columns.len())).collect();
    let count = |class: &usize| labels.iter().filter(|l| *l == class).count();
    by_count.sort_by_cached_key(|class| std::cmp::Reverse(count(class)));
    by_count.truncate(MOST_CURVES);
    by_count.into_iter().map(|class| (names[class].clone(), &columns[class])).collect()
}

impl Rankings {
    fn of(questions: &[(String, &Scores)]) -> Self {
        let ranking = |(name, column): &(String, &Scores)| {
            let (roc, pr) = (RocCurve::new(column, POINTS).ok()?, PrecisionRecallCurve::new(column, POINTS).ok()?);
            Some(Ranking {
                name: name.clone(),
                auroc: roc.auroc,
                average_precision: pr.average_precision,
                prevalence: pr.prevalence,
                roc: roc.points.iter().map(|p| [p.false_positive_rate, p.true_positive_rate]).collect(),
                precision_recall: pr.points,
            })
        };
        Self { questions: questions.len(), ranked: questions.iter().take(MOST_CURVES).filter_map(ranking).collect() }
    }
}

impl Calibration {
    fn of(what: &str, at: usize, outputs: &Outputs) -> Option<Self> {
        let found = outputs.metrics.get::<Ece>(at)?.diagram().ok()?;
        #[expect(clippy::cast_precision_loss, reason = "a count of samples")]
        let bins = found.bins.iter().map(|bin| CalibrationBin {
            confidence: bin.confidence,
            accuracy: bin.accuracy,
            interval: wilson::interval(bin.accuracy, bin.n as f64),
            samples: bin.n,
        });
        Some(Self { of: what.to_owned(), ece: found.ece, bins: bins.collect() })
    }
}

impl Confusion {
    /// `None` for more classes than can be told apart in a picture.
    fn of(classes: &[String], counted: &ConfusionMatrix) -> Option<Self> {
        let n = classes.len();
        if n > MOST_CLASSES || n == 0 || counted.n_classes() != n {
            return None;
        }
        let counts = counted.counts().rows().into_iter().map(|row| row.to_vec()).collect();
        Some(Self { classes: classes.to_vec(), counts })
    }
}

/// How many grades the most probable grade is off, below and above the truth.
fn grades_off(probs: &Rows, labels: &[usize]) -> Vec<GradesOff> {
    let Some(reach) = probs.width().checked_sub(1) else { return Vec::new() };
    let mut counts = vec![0_u64; 2 * reach + 1];
    for (row, label) in probs.iter().zip(labels) {
        let top = row.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |(grade, _)| grade);
        let bar = (reach + top).checked_sub(*label).and_then(|bar| counts.get_mut(bar));
        bar.into_iter().for_each(|n| *n += 1);
    }
    let off = (-(reach as i64)..).zip(counts);
    off.map(|(by, samples)| GradesOff { by, samples }).collect()
}

impl Residuals {
    /// Of pairs of prediction and truth; `None` without any.
    fn of(name: &str, pairs: &[(f64, f64)]) -> Option<Self> {
        if pairs.is_empty() {
            return None;
        }
        let mut by_prediction: Vec<(f64, f64)> = pairs.iter().map(|(p, y)| (*p, p - y)).collect();
        by_prediction.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (n, groups) = (by_prediction.len(), GROUPS.min(by_prediction.len()));
        let group = |at: usize| {
            let own = &by_prediction[at * n / groups..(at + 1) * n / groups];
            #[expect(clippy::cast_precision_loss, reason = "a count of samples")]
            let prediction = own.iter().map(|(p, _)| p).sum::<f64>() / own.len().max(1) as f64;
            let sorted = sorted(own.iter().map(|(_, r)| *r));
            let at = |q| quantile(&sorted, q);
            ResidualGroup { prediction, low: at(0.1), median: at(0.5), high: at(0.9) }
        };
        let bars = distribution(&sorted(by_prediction.iter().map(|(_, r)| *r)));
        Some(Self { name: name.to_owned(), groups: (0..groups).map(group).collect(), bars })
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "clamped to the bars there are"
)]
fn distribution(sorted: &[f64]) -> Vec<ResidualBar> {
    // The outermost hundredths would make all others one bar.
    let (low, high) = (quantile(sorted, 0.01), quantile(sorted, 0.99));
    let width = ((high - low) / BARS as f64).max(f64::MIN_POSITIVE);
    let mut counts = [0_u64; BARS];
    for residual in sorted {
        counts[((residual - low) / width).clamp(0.0, (BARS - 1) as f64) as usize] += 1;
    }
    let from = |bar: usize| low + width * bar as f64;
    let bars = counts.into_iter().enumerate();
    bars.map(|(bar, samples)| ResidualBar { from: from(bar), to: from(bar + 1), samples }).collect()
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

/// Linear between order statistics; NaN of nothing.
#[expect(clippy::cast_precision_loss, reason = "a count of samples")]
pub(super) fn quantile(sorted: &[f64], q: f64) -> f64 {
    let (Some(first), n) = (sorted.first(), sorted.len()) else { return f64::NAN };
    let place = q * (n - 1) as f64;
    let below = sorted.iter().enumerate().take_while(|(at, _)| *at as f64 <= place).last();
    let Some((at, low)) = below else { return *first };
    let high = sorted.get(at + 1).unwrap_or(low);
    low + (high - low) * (place - at as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_by_hand() {
        let values = [1.0, 2.0, 4.0];
        for (q, value) in [(0.0, 1.0), (0.5, 2.0), (0.75, 3.0), (1.0, 4.0)] {
            assert!((quantile(&values, q) - value).abs() < 1e-12, "{q}");
        }
        assert!(quantile(&[], 0.5).is_nan());
    }

    #[test]
    fn confusion_counts_rows_of_truth() {
        use mtl_core::prediction::{Prediction, Reference, Scores};
        let names = ["no", "yes"].map(String::from);
        let mut counted = ConfusionMatrix::default();
        let scores = ndarray::array![[0.9, 0.1], [0.2, 0.8], [0.1, 0.9]];
        let said = Prediction::Class { scores, kind: Scores::Probs };
        counted.update(&said, &Reference::Class(vec![0, 0, 1])).unwrap();
        assert_eq!(Confusion::of(&names, &counted).unwrap().counts, [[1, 1], [0, 1]]);
        assert!(Confusion::of(&names[..1], &counted).is_none());
    }

    #[test]
    fn grades_off_by_hand() {
        let mut probs = Rows::default();
        let rows = [[0.7, 0.2, 0.1], [0.1, 0.2, 0.7], [0.2, 0.7, 0.1], [0.2, 0.7, 0.1]];
        rows.into_iter().for_each(|row| probs.push(row));
        let off = grades_off(&probs, &[2, 2, 1, 0]);
        assert_eq!(
            off.iter().map(|o| (o.by, o.samples)).collect::<Vec<_>>(),
            [(-2, 1), (-1, 0), (0, 2), (1, 1), (2, 0)]
        );
    }

    #[test]
    fn equal_residuals_do_not_break_the_bars() {
        assert_eq!(distribution(&[2.0; 5]).iter().map(|bar| bar.samples).sum::<u64>(), 5);
        assert!(Residuals::of("y", &[]).is_none());
        let one = Residuals::of("y", &[(3.0, 1.0)]).unwrap();
        assert_eq!(one.groups, [ResidualGroup { prediction: 3.0, low: 2.0, median: 2.0, high: 2.0 }]);
    }
}
