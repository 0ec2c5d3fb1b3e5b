//! A tag for each of a sample's items: words, frames, events.
//!
//! ```text
//! labels ragged, [b, l] of Int64 when padded, 0..c, -100 where unknown and in the padding
//! prediction ragged: scores of the tags for each item, and a path where what is said is not the highest score
//! written: the tags, separated by blanks
//! ```

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    AnswerKind, CellRule, Cells, Constant, Counter, Labels, Layout, OrReason, Written,
    class::{SURE, constant_scores},
    counter,
    question::{Labeled, foreign, list, strange},
    ragged,
};
use crate::{
    error::Result,
    label_stats::LabelStats,
    prediction::{Prediction, Reference, Scores},
};

/// A tag for each item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tags {
    /// Names by tag index.
    pub tags: Vec<String>,
}

impl Tags {
    /// The tag of every item of a sample.
    fn of_sample<'a>(&'a self, prediction: &Prediction, row: usize) -> OrReason<Vec<&'a str>> {
        let Some(said) = prediction.said_tags(row) else { return foreign(self.kind(), prediction) };
        let name = |tag: i64| usize::try_from(tag).ok().and_then(|tag| self.tags.get(tag)).map_or("-", String::as_str);
        Ok(said.into_iter().map(name).collect())
    }
}

impl Labeled for Tags {
    const LABELS: &'static str = "tags [b, l]";

    fn reference(labels: Labels) -> Result<Reference> {
        Ok(Reference::Tags(labels))
    }
}

impl AnswerKind for Tags {
    fn kind(&self) -> &'static str {
        Self::NAME
    }

    fn names(&self) -> &[String] {
        &self.tags
    }

    fn layout(&self) -> Layout {
        Layout::ragged(CellRule::Index { below: self.tags.len() }, &[])
    }

    fn shape(&self) -> Vec<i64> {
        vec![-1, self.tags.len() as i64]
    }

    fn describe(&self) -> String {
        format!("tags [b, l] of {}", self.tags.len())
    }

    fn summary(&self) -> String {
        format!("{} tags, one an item", self.tags.len())
    }

    fn meaning(&self) -> String {
        format!("probabilities, for each item, of the tags {}", list(&self.tags))
    }

    fn lead(&self) -> &'static str {
        "for each item one of"
    }

    fn least(&self) -> (&'static str, usize) {
        ("tags", 2)
    }

    fn is_by_item(&self) -> bool {
        true
    }

    fn counter(&self) -> Box<dyn Counter> {
        counter::Items::new(self.tags.len())
    }

    fn constant(&self, stats: &LabelStats, best: Constant, of: &Reference) -> OrReason<Prediction> {
        let Reference::Tags(labels) = of else { return strange(self.kind(), of) };
        let (row, kind) = constant_scores(stats, best)?;
        let (items, offsets) = (labels.cells().len(), labels.offsets().unwrap_or_default().to_vec());
        let scores = Labels::ragged(Cells::Number(row.repeat(items)), offsets, &[row.len()]);
        Ok(Prediction::Tags { scores: scores.map_err(|e| e.to_string())?, kind, path: None })
    }

    fn repeat(&self, truth: &Reference) -> OrReason<Prediction> {
        let Reference::Tags(labels) = truth else { return strange(self.kind(), truth) };
        let (Cells::Index(cells), Some(offsets)) = (labels.cells(), labels.offsets()) else {
            return strange(self.kind(), truth);
        };
        let n = self.tags.len();
        let mut scores = vec![0.0; cells.len() * n];
        for (item, tag) in cells.iter().enumerate() {
            if let Some(tag) = usize::try_from(*tag).ok().filter(|tag| *tag < n) {
                scores[item * n + tag] = SURE;
            }
        }
        let scores = Labels::ragged(Cells::Number(scores), offsets.to_vec(), &[n]).map_err(|e| e.to_string())?;
        Ok(Prediction::Tags { scores, kind: Scores::Logits, path: None })
    }

    /// Samples are spread by their lengths.
    fn strata(&self, truth: &Reference) -> OrReason<Vec<u64>> {
        let Reference::Tags(labels) = truth else { return strange(self.kind(), truth) };
        Ok(ragged::strata(labels))
    }

    fn can_be_right(&self) -> OrReason<()> {
        Ok(())
    }

    /// Right in all items that are known.
    fn right(&self, prediction: &Prediction, truth: &Reference) -> OrReason<Vec<Option<bool>>> {
        let Reference::Tags(labels) = truth else { return strange(self.kind(), truth) };
        let said = |sample: usize| prediction.said_tags(sample).ok_or(prediction);
        let of = |sample: usize| match said(sample) {
            Ok(said) => ragged::right(labels, sample, &said),
            Err(prediction) => foreign(self.kind(), prediction),
        };
        (0..labels.len()).map(of).collect()
    }

    fn label_text(&self, truth: &Reference, row: usize) -> String {
        let Reference::Tags(labels) = truth else { return "-".into() };
        ragged::words(labels, row, &self.tags)
    }

    fn columns(&self) -> Vec<Option<String>> {
        vec![None]
    }

    fn write(&self, prediction: &Prediction, row: usize, put: &mut dyn FnMut(Written<'_>)) -> OrReason<()> {
        put(Written::Text(&self.of_sample(prediction, row)?.join(" ")));
        Ok(())
    }

    fn json(&self, prediction: &Prediction, row: usize) -> OrReason<Value> {
        Ok(json!({ "tags": self.of_sample(prediction, row)? }))
    }
}
