//! Exact match: the share of samples that are right as a whole.
//!
//! ```text
//! value = sum_i w_i [answer i is right] / sum_i w_i        over samples of which anything is known; w_i = 1 without weights
//! ```
//!
//! | answers | right |
//! |---|---|
//! | tags | all items whose tag is known |
//! | sequences | as long as the truth, and equal in every token |
//!
//! What is right the kind of answer says ([`right`](mtl_core::answer::AnswerKind::right)); of one class it is the accuracy, of
//! several yes/no labels the subset accuracy. **State** two counts.
//!
//! **Reference** "sentence accuracy" of slot filling, "exact match" of sequence to sequence learning. **Differs from** nothing known.

use mtl_core::{Result, metric::Direction};

use crate::{class::accuracy::Hits, input::MetricBatch, metric::Metric, value::MetricValue};

/// Share of samples that are right as a whole, `[0, 1]`.
///
/// ```
/// use mtl_core::{answer::{Answer, Labels}, prediction::{Prediction, Reference}};
/// use mtl_metrics::{Metric, MetricBatch, tags::ExactMatch};
/// let answer = Answer::sequence(["a", "b"]);
/// let said = Prediction::Sequence { tokens: Labels::lists(&[vec![0, 1], vec![1]]) };
/// let truth = Reference::Sequence(Labels::lists(&[vec![0, 1], vec![1, 1]]));
/// let mut hits = Default::default();
/// ExactMatch.update(&mut hits, &MetricBatch::new(&said, &truth).of_answer(&answer))?;
/// assert_eq!(ExactMatch.compute(&hits).value, Some(0.5));
/// # Ok::<(), mtl_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ExactMatch;

impl Metric for ExactMatch {
    type Batch<'a> = MetricBatch<'a>;
    type State = Hits;

    fn name(&self) -> &'static str {
        "exact-match"
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn update(&self, state: &mut Hits, batch: &MetricBatch<'_>) -> Result<()> {
        let mut hits = state.clone();
        for (sample, right) in batch.right(self.name())?.into_iter().enumerate() {
            if let Some(right) = right {
                hits.add(right, batch.sample_weight(sample)?);
            }
        }
        *state = hits;
        Ok(())
    }

    fn compute(&self, state: &Hits) -> MetricValue {
        state.value()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AnyMetric, Streaming};
    use mtl_core::{
        answer::{Answer, Cells, Labels},
        prediction::{Prediction, Reference, Scores},
    };

    #[test]
    fn tags_are_right_in_all_known_items() {
        let answer = Answer::tags(["o", "b"]);
        let scores = Cells::Number(vec![0.9, 0.1, 0.2, 0.8, 0.3, 0.7, 0.4, 0.6]);
        let scores = Labels::ragged(scores, vec![0, 2, 3, 3, 4], &[2]).unwrap();
        let truth = Reference::Tags(Labels::lists(&[vec![0, -100], vec![0], vec![], vec![-100]]));
        let said = |path| Prediction::Tags { scores: scores.clone(), kind: Scores::Probs, path };
        let value = |path: Option<Labels>, weights: &[f32]| {
            let (said, mut metric) = (said(path), Streaming::new(ExactMatch));
            AnyMetric::update_batch(
                &mut metric,
                &MetricBatch::new(&said, &truth).of_answer(&answer).with_weights(weights),
            )
            .unwrap();
            metric.compute()
        };
        // Right, wrong, right in nothing at all, not known.
        let plain = value(None, &[1.0; 4]);
        assert_eq!((plain.value, plain.support), (Some(2.0 / 3.0), 3));
        assert_eq!(value(None, &[1.0, 2.0, 0.0, 7.0]).value, Some(1.0 / 3.0));
        let path = Labels::lists(&[vec![1, 1], vec![0], vec![], vec![0]]);
        assert_eq!(value(Some(path), &[1.0, 3.0, 0.0, 1.0]).value, Some(0.75));
    }

    #[test]
    fn who_knows_no_answer_is_told() {
        let said = Prediction::Sequence { tokens: Labels::lists(&[vec![0]]) };
        let truth = Reference::Sequence(Labels::lists(&[vec![0]]));
        let e = Streaming::new(ExactMatch).update(&said, &truth).unwrap_err().to_string();
        assert_eq!(e, "metric: answer must be known, with its names (exact-match of task (unnamed)), found none");
        let numbers = Answer::values(["x"]);
        let batch = MetricBatch::new(&said, &truth).of_answer(&numbers);
        let e = ExactMatch.update(&mut Hits::default(), &batch).unwrap_err().to_string();
        assert!(e.ends_with("found numbers are near or far, not right or wrong"), "{e}");
    }
}
