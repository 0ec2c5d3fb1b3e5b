//! Which epoch a run's weights are of, and on what grounds: what program, model card, report and comparison tell.

use serde::{Deserialize, Serialize};

use super::{Cause, EpochSummary, LeftOut, Selection};

/// The epoch that counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// What it was chosen by: `train.selection`.
    pub by: String,
    /// The epoch, from 1.
    pub epoch: u64,
    /// How many there were.
    pub epochs: u64,
    /// The optimizer steps until then, where validations are not epochs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<u64>,
    /// Whether it was chosen on validation; else it is the last one, because no epoch had a score.
    pub chosen: bool,
    /// Its score.
    pub score: Option<f64>,
    /// Metrics that selection asks for, those without a value included.
    pub terms: usize,
    /// Those without a value in this epoch, with the reasons.
    pub left_out: Vec<LeftOut>,
}

impl Choice {
    /// The choice among the epochs so far; `None` before the first.
    #[must_use]
    pub fn of(selection: &Selection, history: &[EpochSummary]) -> Option<Self> {
        Self::by(selection.text(), history)
    }

    /// As [`Choice::of`], for a log that is read back.
    #[must_use]
    pub fn by(selection: &str, history: &[EpochSummary]) -> Option<Self> {
        let best = history.iter().rfind(|epoch| epoch.is_best);
        let kept = best.or(history.last())?;
        Some(Self {
            by: selection.to_owned(),
            epoch: kept.epoch + 1,
            epochs: history.len() as u64,
            step: (!kept.every.is_epoch()).then_some(kept.step),
            chosen: best.is_some(),
            score: kept.score,
            terms: kept.terms,
            left_out: kept.left_out.clone(),
        })
    }

    /// One sentence without its full stop: `epoch 7 of 12, chosen on validation by skill`.
    #[must_use]
    pub fn sentence(&self) -> String {
        let Self { by, epoch, epochs, .. } = self;
        let (noun, place) = match self.step {
            None => ("epoch", format!("epoch {epoch} of {epochs}")),
            Some(step) => ("validation", format!("validation {epoch} of {epochs}, after step {step}")),
        };
        if !self.chosen {
            let why = if self.left_out.is_empty() {
                format!("no {noun} had a score")
            } else {
                format!("no {noun} had a score: {}", LeftOut::list(&self.left_out))
            };
            return format!("last {place}: nothing could be chosen on validation by {by}, {why}");
        }
        let of = |cause| self.left_out.iter().filter(move |l| l.because_of == cause).collect::<Vec<_>>();
        let (labels, answers) = (of(Cause::Labels), of(Cause::Answers));
        let mut text = format!("{place}, chosen on validation by {by}");
        if !labels.is_empty() {
            let scored = self.terms - labels.len().min(self.terms);
            text += &format!(
                " over {scored} of {} metrics; left out, since validation does not define them: {}",
                self.terms,
                LeftOut::list(labels)
            );
        }
        if !answers.is_empty() {
            text += &format!("; counted as the worst: {}", LeftOut::list(answers));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(chosen: bool, causes: &[Cause]) -> Choice {
        let left_out = |(n, &because_of): (usize, &Cause)| LeftOut {
            task: Some(format!("t{n}").try_into().unwrap()),
            metric: "auroc".into(),
            reason: "no negative sample".into(),
            because_of,
        };
        let left_out = causes.iter().enumerate().map(left_out).collect();
        Choice { by: "skill".into(), epoch: 7, epochs: 12, step: None, chosen, score: None, terms: 3, left_out }
    }

    #[test]
    fn sentences_tell_what_was_chosen_by_what() {
        assert_eq!(choice(true, &[]).sentence(), "epoch 7 of 12, chosen on validation by skill");
        assert_eq!(
            choice(true, &[Cause::Labels, Cause::Answers]).sentence(),
            "epoch 7 of 12, chosen on validation by skill over 2 of 3 metrics; left out, since validation does not define \
             them: t0.auroc (no negative sample); counted as the worst: t1.auroc (no negative sample)"
        );
        assert_eq!(
            choice(false, &[Cause::Answers]).sentence(),
            "last epoch 7 of 12: nothing could be chosen on validation by skill, no epoch had a score: t0.auroc (no \
             negative sample)"
        );
        assert!(choice(false, &[]).sentence().ends_with("by skill, no epoch had a score"));
        let by_steps = |chosen| Choice { step: Some(3500), ..choice(chosen, &[]) }.sentence();
        assert_eq!(by_steps(true), "validation 7 of 12, after step 3500, chosen on validation by skill");
        assert!(by_steps(false).starts_with("last validation 7 of 12, after step 3500: nothing could be chosen"));
        assert!(by_steps(false).ends_with("no validation had a score"));
    }
}
