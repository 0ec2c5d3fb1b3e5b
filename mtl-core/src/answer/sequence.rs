//! A sequence of tokens: a sentence, a caption, a transcript.
//!
//! ```text
//! labels ragged, [b, l] of Int64 when padded, 0..v, -100 where unknown and in the padding
//! prediction ragged: tokens                            written: the tokens, separated by blanks
//! ```

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    AnswerKind, CellRule, Cells, Constant, Counter, Labels, Layout, OrReason, Written, counter,
    question::{Labeled, foreign, strange},
    ragged,
};
use crate::{
    error::Result,
    label_stats::LabelStats,
    prediction::{Prediction, Reference},
};

/// A sequence of tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sequence {
    /// Texts by token index.
    pub tokens: Vec<String>,
}

impl Labeled for Sequence {
    const LABELS: &'static str = "tokens [b, l]";

    fn reference(labels: Labels) -> Result<Reference> {
        Ok(Reference::Sequence(labels))
    }
}

impl AnswerKind for Sequence {
    fn kind(&self) -> &'static str {
        Self::NAME
    }

    fn names(&self) -> &[String] {
        &self.tokens
    }

    fn layout(&self) -> Layout {
        Layout::ragged(CellRule::Index { below: self.tokens.len() }, &[])
    }

    fn shape(&self) -> Vec<i64> {
        vec![-1]
    }

    fn describe(&self) -> String {
        format!("tokens [b, l] of {}", self.tokens.len())
    }

    fn summary(&self) -> String {
        format!("a sequence of {} tokens", self.tokens.len())
    }

    fn meaning(&self) -> String {
        format!("indices of {} tokens", self.tokens.len())
    }

    fn lead(&self) -> &'static str {
        "a sequence of"
    }

    fn least(&self) -> (&'static str, usize) {
        ("tokens", 1)
    }

    fn counter(&self) -> Box<dyn Counter> {
        counter::Items::new(self.tokens.len())
    }

    fn constant(&self, _: &LabelStats, _: Constant, _: &Reference) -> OrReason<Prediction> {
        Err("one sequence for every sample is no answer".into())
    }

    fn repeat(&self, truth: &Reference) -> OrReason<Prediction> {
        let Reference::Sequence(labels) = truth else { return strange(self.kind(), truth) };
        Ok(Prediction::Sequence { tokens: labels.clone() })
    }

    /// Samples are spread by their lengths.
    fn strata(&self, truth: &Reference) -> OrReason<Vec<u64>> {
        let Reference::Sequence(labels) = truth else { return strange(self.kind(), truth) };
        Ok(ragged::strata(labels))
    }

    fn can_be_right(&self) -> OrReason<()> {
        Ok(())
    }

    /// Right when as long, and equal in all tokens that are known.
    fn right(&self, prediction: &Prediction, truth: &Reference) -> OrReason<Vec<Option<bool>>> {
        let Reference::Sequence(labels) = truth else { return strange(self.kind(), truth) };
        let Prediction::Sequence { tokens } = prediction else { return foreign(self.kind(), prediction) };
        let Cells::Index(said) = tokens.cells() else { return foreign(self.kind(), prediction) };
        (0..labels.len()).map(|sample| ragged::right(labels, sample, &said[tokens.range(sample)])).collect()
    }

    fn label_text(&self, truth: &Reference, row: usize) -> String {
        let Reference::Sequence(labels) = truth else { return "-".into() };
        ragged::words(labels, row, &self.tokens)
    }

    fn columns(&self) -> Vec<Option<String>> {
        vec![None]
    }

    fn write(&self, prediction: &Prediction, row: usize, put: &mut dyn FnMut(Written<'_>)) -> OrReason<()> {
        let Prediction::Sequence { tokens } = prediction else { return foreign(self.kind(), prediction) };
        put(Written::Text(&ragged::words(tokens, row, &self.tokens)));
        Ok(())
    }

    fn json(&self, prediction: &Prediction, row: usize) -> OrReason<Value> {
        let Prediction::Sequence { tokens } = prediction else { return foreign(self.kind(), prediction) };
        let Cells::Index(cells) = tokens.cells() else { return foreign(self.kind(), prediction) };
        let of = |token: &i64| usize::try_from(*token).ok().and_then(|t| self.tokens.get(t));
        Ok(json!({ "tokens": cells[tokens.range(row)].iter().map(of).collect::<Vec<_>>() }))
    }
}
