//! One batch of labeled sequences.

use mtl_core::{Error, Result, answer::Cells, prediction::MISSING_CLASS};

use crate::{
    input::MetricBatch,
    judged::{FromJudged, Shelf},
    refusal::{check_each, same_length},
};

/// Predicted and true classes of sequences, of equal lengths. Tokens whose true class is missing
/// ([`MISSING_CLASS`], -100) are as if they were not there: padding, pieces of words. What metrics of spans and segments then see is
/// the sequence without them, so that their neighbors touch.
///
/// ```
/// use mtl_metrics::tags::TagPairs;
/// let (said, truth) = ([vec![0, 1, 1], vec![2]], [vec![0, 1, -100], vec![2]]);
/// let pairs = TagPairs::new(&said, &truth)?;
/// assert_eq!(pairs.known(0), (vec![0, 1], vec![0, 1]));
/// assert!(TagPairs::new(&[vec![0, 1]], &[vec![0]]).is_err());
/// # Ok::<(), mtl_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct TagPairs<'a> {
    said: Vec<&'a [i64]>,
    truth: Vec<&'a [i64]>,
    /// `[b]`, checked.
    weights: Option<&'a [f32]>,
}

impl<'a> TagPairs<'a> {
    /// Sequences beside each other.
    ///
    /// # Errors
    /// [`Error::Shape`] when numbers of sequences or lengths of two sequences disagree.
    pub fn new<S: AsRef<[i64]>, T: AsRef<[i64]>>(said: &'a [S], truth: &'a [T]) -> Result<Self> {
        let wrong = |op: String, expected: usize, found: usize| Error::Shape {
            op,
            tensor: "truth",
            expected: format!("as the prediction, [{expected}]"),
            found: vec![found as i64],
        };
        if said.len() != truth.len() {
            return Err(wrong("sequences".into(), said.len(), truth.len()));
        }
        let said: Vec<&[i64]> = said.iter().map(AsRef::as_ref).collect();
        let truth: Vec<&[i64]> = truth.iter().map(AsRef::as_ref).collect();
        for (idx, (said, truth)) in said.iter().zip(&truth).enumerate() {
            if said.len() != truth.len() {
                return Err(wrong(format!("sequence {idx}"), said.len(), truth.len()));
            }
        }
        Ok(Self { said, truth, weights: None })
    }

    /// The same, sequences counting by these weights.
    ///
    /// # Errors
    /// [`Error::Shape`] for another number of weights; [`Error::InvalidConfig`] for one that is negative or not finite.
    pub fn with_weights(self, weights: &'a [f32]) -> Result<Self> {
        same_length("sequences", "weights", self.len(), weights.len())?;
        check_each("sequences", "weights", "finite and not negative", weights, |w| w.is_finite() && w >= 0.0)?;
        Ok(Self { weights: Some(weights), ..self })
    }

    /// Number of sequences.
    #[must_use]
    pub fn len(&self) -> usize {
        self.said.len()
    }

    /// Whether there is no sequence.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.said.is_empty()
    }

    /// The weight of a sequence: 1 without weights.
    #[must_use]
    pub fn weight(&self, idx: usize) -> f32 {
        self.weights.and_then(|weights| weights.get(idx)).copied().unwrap_or(1.0)
    }

    /// The same, for a metric that knows no weights.
    pub(super) fn unweighted(&self, metric: &str) -> Result<&Self> {
        if self.weights.is_none() {
            return Ok(self);
        }
        Err(Error::InvalidConfig {
            what: "metric",
            field: "weights",
            expected: format!("absent, {metric} knows none"),
            found: "sample weights".into(),
        })
    }

    /// Predicted and true classes of a sequence's known tokens; none beyond the end.
    #[must_use]
    pub fn known(&self, idx: usize) -> (Vec<i64>, Vec<i64>) {
        let (Some(said), Some(truth)) = (self.said.get(idx), self.truth.get(idx)) else { return Default::default() };
        said.iter().zip(*truth).filter(|(_, truth)| **truth != MISSING_CLASS).unzip()
    }
}

/// The error for a class of sequence `idx`.
pub(super) fn in_sequence(error: Error, metric: &str, idx: usize) -> Error {
    match error {
        Error::Label { what, expected, found, .. } => {
            Error::Label { task: format!("(unnamed), {metric}"), what, expected, found, sample: idx as u64 }
        }
        other => other,
    }
}

/// Tags of items.
impl<'a> FromJudged<'a> for TagPairs<'a> {
    fn from_judged(judged: &MetricBatch<'a>, metric: &str, shelf: &'a Shelf) -> Result<Self> {
        let (said, labels, weights) = judged.tags(metric)?;
        let Cells::Index(cells) = labels.cells() else { return Err(judged.unfit(metric, "tags that are indices")) };
        let truth: Vec<&[i64]> = (0..labels.len()).map(|sample| &cells[labels.range(sample)]).collect();
        Ok(Self { said: shelf.keep(said).iter().map(Vec::as_slice).collect(), truth, weights })
    }
}
