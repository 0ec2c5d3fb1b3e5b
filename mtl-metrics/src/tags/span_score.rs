//! Precision, recall and F1 over spans: named entities, slots, arguments.
//!
//! ```text
//! P = found / said     R = found / true     F1 = 2 found / (said + true)      found: equal in start, end and type
//!
//! micro: over all types; macro: mean over types that occur; weighted: mean by number of true spans
//! ```
//!
//! **Reference** seqeval 1.2.2 `precision_score`, `recall_score`, `f1_score`, default and strict mode, to 1e-12.
//! **Differs from** seqeval: precision without a said span, recall without a true one, and F1 with neither are not defined
//! (0 there) and averages leave them out. **State** 24 bytes a type.

use mtl_core::{Result, metric::Direction};
use serde::{Deserialize, Serialize};

use super::{
    pairs::{TagPairs, in_sequence},
    tag_set::{SpanMode, TagSet},
};
use crate::{
    chunks::fold_chunks,
    metric::{Metric, MetricState, add_counts, refused},
    value::{MetricValue, OrReason},
};

const CHUNK: usize = 256;

/// What is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SpanMeasure {
    /// Share of said spans that are true.
    Precision,
    /// Share of true spans that were said.
    Recall,
    /// Their harmonic mean.
    #[default]
    F1,
}

/// How types are averaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SpanAverage {
    /// All spans alike.
    #[default]
    Micro,
    /// All types alike.
    Macro,
    /// Types by their number of true spans.
    Weighted,
}

/// A score over spans, 0 to 1.
///
/// ```
/// use mtl_metrics::{Metric, tags::{Scheme, SpanAverage, SpanMeasure, SpanMode, SpanScore, TagPairs, TagSet}};
/// let tags = TagSet::new(&["O", "B-PER", "I-PER"], Scheme::Bio)?;
/// let f1 = SpanScore::new(tags, SpanMode::Conll, SpanMeasure::F1, SpanAverage::Micro);
/// let mut counts = Default::default();
/// f1.update(&mut counts, &TagPairs::new(&[[1, 2, 0, 1]], &[[1, 2, 0, 0]])?)?;
/// assert_eq!((f1.name(), f1.compute(&counts).value), ("span-f1", Some(2.0 / 3.0)));
/// # Ok::<(), mtl_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct SpanScore {
    tags: TagSet,
    mode: SpanMode,
    measure: SpanMeasure,
    average: SpanAverage,
    name: String,
}

impl SpanScore {
    /// That measure over spans spelled by these tags.
    #[must_use]
    pub fn new(tags: TagSet, mode: SpanMode, measure: SpanMeasure, average: SpanAverage) -> Self {
        let measured = match measure {
            SpanMeasure::Precision => "precision",
            SpanMeasure::Recall => "recall",
            SpanMeasure::F1 => "f1",
        };
        let averaged = match average {
            SpanAverage::Micro => "",
            SpanAverage::Macro => "-macro",
            SpanAverage::Weighted => "-weighted",
        };
        let strict = if mode == SpanMode::Strict { "-strict" } else { "" };
        Self { tags, mode, measure, average, name: format!("span-{measured}{averaged}{strict}") }
    }

    /// All measures of every type, in the order of [`TagSet::types`].
    #[must_use]
    pub fn report(&self, counts: &SpanCounts) -> Vec<TypeReport> {
        let report = |(name, &counts): (&String, &TypeCounts)| TypeReport {
            name: name.clone(),
            precision: counts.measure(SpanMeasure::Precision),
            recall: counts.measure(SpanMeasure::Recall),
            f1: counts.measure(SpanMeasure::F1),
            counts,
        };
        self.tags.types().iter().zip(&counts.types).map(report).collect()
    }
}

impl Metric for SpanScore {
    type Batch<'a> = TagPairs<'a>;
    type State = SpanCounts;

    fn name(&self) -> &str {
        &self.name
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn update(&self, state: &mut SpanCounts, pairs: &TagPairs<'_>) -> Result<()> {
        let n_types = self.tags.types().len();
        let part: SpanCounts = fold_chunks(pairs.len(), CHUNK, |range| {
            let mut counts = SpanCounts { types: vec![TypeCounts::default(); n_types] };
            for idx in range {
                let (said, truth) = pairs.known(idx);
                let spans =
                    |classes: &[i64]| self.tags.spans(classes, self.mode).map_err(|e| in_sequence(e, &self.name, idx));
                let (said, truth) = (spans(&said)?, spans(&truth)?);
                for span in &said {
                    counts.types[span.kind].said += 1;
                    // Both lists are sorted.
                    counts.types[span.kind].found += u64::from(truth.binary_search(span).is_ok());
                }
                truth.iter().for_each(|span| counts.types[span.kind].truth += 1);
            }
            Ok(counts)
        })?;
        state.merge(&part).map_err(|reason| refused(&self.name, reason))
    }

    fn compute(&self, state: &SpanCounts) -> MetricValue {
        let all = state.types.iter().fold(TypeCounts::default(), |sum, counts| TypeCounts {
            said: sum.said.saturating_add(counts.said),
            truth: sum.truth.saturating_add(counts.truth),
            found: sum.found.saturating_add(counts.found),
        });
        let support = all.truth;
        let micro = match all.measure(self.measure) {
            Ok(value) => MetricValue::defined(value, support),
            Err(reason) => return MetricValue::undefined(reason, support),
        };
        let types = || state.types.iter().filter(|counts| counts.said + counts.truth > 0);
        match self.average {
            SpanAverage::Micro => micro,
            SpanAverage::Macro => {
                let parts: Vec<_> = types().map(|counts| counts.measure(self.measure)).collect();
                MetricValue::average(&parts, "type", support)
            }
            SpanAverage::Weighted => {
                let parts = types().filter_map(|counts| Some((counts.truth, counts.measure(self.measure).ok()?)));
                let (weight, sum) = parts.fold((0, 0.0), |(weight, sum), (n, x)| (weight + n, sum + n as f64 * x));
                if weight == 0 {
                    return MetricValue::undefined("no true span", support);
                }
                MetricValue::defined(sum / weight as f64, support)
            }
        }
    }
}

/// Spans of one type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TypeCounts {
    /// Spans predicted.
    pub said: u64,
    /// Spans that are true.
    pub truth: u64,
    /// Spans that are both.
    pub found: u64,
}

impl TypeCounts {
    fn measure(self, measure: SpanMeasure) -> OrReason<f64> {
        let (found, of, missing) = match measure {
            SpanMeasure::Precision => (self.found as f64, self.said as f64, "no predicted span"),
            SpanMeasure::Recall => (self.found as f64, self.truth as f64, "no true span"),
            SpanMeasure::F1 => (2.0 * self.found as f64, self.said as f64 + self.truth as f64, "no span"),
        };
        if of > 0.0 { Ok(found / of) } else { Err(missing.to_owned()) }
    }
}

/// All measures of one type; each is the reason where it is not defined.
#[derive(Debug, Clone, PartialEq)]
pub struct TypeReport {
    /// The type.
    pub name: String,
    /// Share of predicted spans that are true.
    pub precision: OrReason<f64>,
    /// Share of true spans that were predicted.
    pub recall: OrReason<f64>,
    /// Their harmonic mean.
    pub f1: OrReason<f64>,
    /// What they are made of.
    pub counts: TypeCounts,
}

/// Spans by type.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SpanCounts {
    types: Vec<TypeCounts>,
}

impl MetricState for SpanCounts {
    fn merge(&mut self, other: &Self) -> OrReason<()> {
        if other.types.is_empty() {
            return Ok(());
        }
        if self.types.is_empty() {
            self.clone_from(other);
            return Ok(());
        }
        let flat = |state: &Self| state.types.iter().flat_map(|c| [c.said, c.truth, c.found]).collect::<Vec<_>>();
        let mut sums = flat(self);
        if self.types.len() != other.types.len() {
            return Err(format!("{} types cannot be merged with {}", self.types.len(), other.types.len()));
        }
        add_counts(&mut sums, &flat(other))?;
        for (counts, sums) in self.types.iter_mut().zip(sums.chunks_exact(3)) {
            *counts = TypeCounts { said: sums[0], truth: sums[1], found: sums[2] };
        }
        Ok(())
    }

    fn check(&self) -> OrReason<()> {
        // Sums over types are taken later.
        let limit = u64::MAX / (2 * self.types.len() as u64 + 2);
        let fits = |c: &TypeCounts| c.found <= c.said.min(c.truth) && c.said.max(c.truth) <= limit;
        if self.types.iter().all(fits) { Ok(()) } else { Err("its counts contradict each other".into()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tags::Scheme;

    fn value(measure: SpanMeasure, average: SpanAverage, said: &[i64], truth: &[i64]) -> MetricValue {
        let tags = TagSet::new(&["O", "B-X", "I-X", "B-Y", "I-Y"], Scheme::Bio).unwrap();
        let score = SpanScore::new(tags, SpanMode::Conll, measure, average);
        let mut counts = SpanCounts::default();
        score.update(&mut counts, &TagPairs::new(&[said], &[truth]).unwrap()).unwrap();
        score.compute(&counts)
    }

    #[test]
    fn averages_by_hand() {
        // X: 1 of 1 said, 1 of 2 true. Y: 0 of 1 said, none true.
        let (said, truth) = ([1, 2, 0, 0, 3], [1, 2, 0, 1, 0]);
        let f1 = |average| value(SpanMeasure::F1, average, &said, &truth).value.unwrap();
        assert_eq!((f1(SpanAverage::Micro), f1(SpanAverage::Macro)), (0.5, 1.0 / 3.0));
        assert!((f1(SpanAverage::Weighted) - 2.0 / 3.0).abs() < 1e-15);
        let recall = value(SpanMeasure::Recall, SpanAverage::Macro, &said, &truth);
        assert_eq!((recall.value, recall.parts, recall.left_out), (Some(0.5), 2, 1));
    }

    #[test]
    fn nothing_said_or_true() {
        assert_eq!(value(SpanMeasure::F1, SpanAverage::Macro, &[0], &[0]).get(), Err("no span"));
        assert_eq!(value(SpanMeasure::Precision, SpanAverage::Micro, &[0], &[1]).get(), Err("no predicted span"));
        assert_eq!(value(SpanMeasure::F1, SpanAverage::Weighted, &[1], &[0]).get(), Err("no true span"));
        // A token without a true tag does not exist: 1 2 is one span for both.
        assert_eq!(value(SpanMeasure::F1, SpanAverage::Micro, &[1, 0, 2], &[1, -100, 2]).value, Some(1.0));
    }
}
