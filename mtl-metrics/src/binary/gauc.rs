//! GAUC: the AUROC within each group - user, query, session -, averaged by how large groups are.
//!
//! ```text
//! GAUC = sum_g w_g AUROC_g / sum_g w_g        w_g: weight of the samples of group g, groups with both answers only
//! ```
//!
//! A ranking shown to one user is judged by itself; how users differ from each other does not count. Groups with one answer
//! only have no AUROC; they are left out and counted.
//!
//! **Shapes** scores `[b, 1]` of one yes/no label or `[b, 2]` of two classes, labels, groups `[b]`
//! ([`MetricBatch::with_groups`]). **State** 4 bytes a score and a group's key. **Weights** yes.
//!
//! **Reference** H. Zhu et al., *Optimized cost per click in Taobao display advertising*, KDD 2017; G. Zhou et al., *Deep
//! interest network*, KDD 2018, equation 7.
//! **Differs from** nothing known; the mean is over impressions, as there.

use std::collections::BTreeMap;

use mtl_core::{Result, metric::Direction, prediction::Scores};
use serde::{Deserialize, Serialize};

use crate::{
    chunks::map_each,
    fold,
    input::{MetricBatch, ScoreBatch},
    metric::{Metric, MetricState},
    samples::{Column, rank_scores},
    value::{MetricValue, NO_LABEL, OrReason},
};

/// AUROC within groups, `[0, 1]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Gauc;

impl Metric for Gauc {
    type Batch<'a> = MetricBatch<'a>;
    type State = Groups;

    fn name(&self) -> &'static str {
        "gauc"
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn update(&self, state: &mut Self::State, batch: &MetricBatch<'_>) -> Result<()> {
        let groups = batch.groups(self.name())?;
        let fits = match batch.weighted_scores(self.name())? {
            ScoreBatch::Class { scores, .. } => scores.n_cols() == 2,
            ScoreBatch::MultiLabel { scores, .. } => scores.n_cols() == 1,
        };
        if !fits {
            return Err(batch.unfit(self.name(), "two class scores with class labels, or one yes/no score"));
        }
        fold::scores(
            self.name(),
            batch,
            state,
            |_| Groups::default(),
            |state, sample| {
                state.kind = Some(sample.kind);
                let column = state.columns.entry(groups.get(sample.row).copied().unwrap_or(0)).or_default();
                rank_scores(batch, sample.scores, sample.kind, sample.row, |_, score| {
                    column.push(score, sample.class == 1, sample.weight);
                })
            },
            |state, entry| {
                state.kind = Some(entry.kind);
                let column = state.columns.entry(groups.get(entry.row).copied().unwrap_or(0)).or_default();
                column.push(batch.score(entry.score, entry.kind, entry.row)?, entry.yes, entry.weight);
                Ok(())
            },
        )
    }

    fn compute(&self, state: &Self::State) -> MetricValue {
        let columns: Vec<&Column> = state.columns.values().collect();
        let parts = map_each(columns.len(), |idx| (columns[idx].auc(), columns[idx].weight()));
        let support = columns.iter().map(|column| column.len() as u64).sum();
        let left_out = parts.iter().filter(|(auc, _)| auc.is_err()).count() as u64;
        let reason = if support == 0 { NO_LABEL } else { "no group has both answers" };
        let mut found = match fold::weighted_mean(&parts) {
            Some(value) => MetricValue::defined(value, support),
            None => MetricValue::undefined(reason, support),
        };
        if !parts.is_empty() {
            found.parts = parts.len() as u64;
            found.left_out = if found.value.is_some() { left_out } else { found.parts };
        }
        found
    }
}

/// The scores of each group.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Groups {
    kind: Option<Scores>,
    columns: BTreeMap<u64, Column>,
}

impl MetricState for Groups {
    fn merge(&mut self, other: &Self) -> OrReason<()> {
        if self.kind.zip(other.kind).is_some_and(|(ours, theirs)| ours != theirs) {
            return Err("logits cannot be ranked against probabilities".to_owned());
        }
        self.kind = self.kind.or(other.kind);
        for (&group, theirs) in &other.columns {
            self.columns.entry(group).or_default().merge(theirs)?;
        }
        Ok(())
    }

    fn check(&self) -> OrReason<()> {
        self.columns.values().try_for_each(MetricState::check)?;
        let empty = self.columns.values().any(Column::is_empty);
        if empty || self.kind.is_none() != self.columns.is_empty() {
            return Err("its groups contradict each other".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Streaming;
    use mtl_core::prediction::{Prediction, Reference};
    use ndarray::{Array2, array};

    #[test]
    fn by_hand() {
        let scores = array![[0.9], [0.1], [0.2], [0.8], [0.5], [0.4]];
        let prediction = Prediction::MultiLabel { scores, kind: Scores::Probs };
        let reference = Reference::MultiLabel(array![[1.0], [0.0], [1.0], [0.0], [0.0], [1.0]]);
        let mut metric = Streaming::new(Gauc);
        // Group 7: right; group 8: 0.2 below 0.8 and 0.5, so wrong; group 9: no negative.
        let batch = MetricBatch::new(&prediction, &reference).with_groups(&[7, 7, 8, 8, 8, 9]);
        metric.update_batch(&batch).unwrap();
        let value = metric.compute();
        assert_eq!((value.value, value.parts, value.left_out, value.support), (Some(0.4), 3, 1, 6));
        let e = metric.update_batch(&MetricBatch::new(&prediction, &reference)).unwrap_err().to_string();
        assert!(e.contains("groups must be given, one per sample"), "{e}");
        let wide = Prediction::Class { scores: Array2::zeros((1, 3)), kind: Scores::Logits };
        let reference = Reference::Class(vec![0]);
        assert!(metric.update_batch(&MetricBatch::new(&wide, &reference).with_groups(&[1])).is_err());
    }
}
