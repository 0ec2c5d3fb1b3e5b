//! A selection on the labels of a validation split: which metrics have a part in the score, and what an epoch scores.
//!
//! Some metrics have no value: an AUROC without a negative sample, a Poisson deviance of a prediction below 0. A mean over
//! whatever happens to be defined would be a trap: an epoch whose bad term went missing would win. Hence two cases, told apart by
//! whose fault it is.
//!
//! **The labels' fault.** What the validation labels leave undefined is so in every epoch, and is known from them alone before the
//! first ([`informed`]). Such a metric has no part in the score at all: [`left_out`](Scoring::left_out) names it with its reason,
//! and all epochs are scored by the same metrics. When nothing remains, or an expression asks for such a metric, that is an
//! error before the first epoch, with a line to write instead.
//!
//! **The answers' fault.** What an epoch's own answers leave undefined, though the labels would define it, counts as the
//! worst there is: -1 in `skill`, below every value; elsewhere the bad end of the metric's range. The epoch keeps a score, and it is
//! never better for the loss. So it is with parts: a class that is never predicted has no precision, and a macro precision over the
//! others would be the better for it; each part that the labels define and the answers do not counts as the worst.
//!
//! An epoch has no score when none of its metrics has a value, or when one in an expression has neither a value nor a bad end.
//! Nobody counts such an epoch: it is not the best, and it is no "not better" either, for patience, schedule or freezing.

use mtl_core::{label_stats::LabelStats, metric::Direction, task::TaskName};
use mtl_data::{Batches, Finding, LoaderPosition};
use mtl_metrics::{
    JointEntry, MetricReport, MetricValue,
    aggregate::{Aggregate, Skill},
    report::MetricEntry,
};

use super::{
    Cause, LeftOut, Selection,
    evaluate::{metrics_of, primary},
    informed,
    selection::{Rule, example},
};
use crate::{
    error::Result,
    train::{constant::Constant, model::Model},
};

/// A selection fitted to the labels of a validation split.
#[derive(Debug, Clone)]
pub struct Scoring {
    selection: Selection,
    terms: Vec<Term>,
    left_out: Vec<LeftOut>,
}

/// A metric that has a part in the score.
#[derive(Debug, Clone, PartialEq)]
struct Term {
    /// `None` for a metric over several tasks.
    task: Option<TaskName>,
    metric: String,
    /// Classes, labels or outputs that the labels leave undefined.
    parts_left_out: u64,
    /// The bad end of the metric's range; infinite where there is none.
    worst: f64,
    /// For `skill` alone.
    skill: Option<Skill>,
}

/// The score of an epoch.
#[derive(Debug, Clone, PartialEq)]
pub struct Scored {
    /// The number; `None` when the epoch has none.
    pub score: Option<f64>,
    /// What had no value, the labels' fault first.
    pub left_out: Vec<LeftOut>,
}

/// A metric's value as it counts in a score.
struct Settled {
    value: Option<f64>,
    /// Why some of it had to be made up.
    lacks: Option<String>,
    /// Whether any of it is from the answers.
    is_own: bool,
}

impl Scoring {
    pub(super) fn new(
        selection: &Selection,
        model: &Model,
        validation: &dyn Batches,
        training: Option<&[LabelStats]>,
    ) -> Result<Self> {
        let metrics = selection.metrics(model)?;
        let defined = informed::report(validation, &metrics)?;
        let constant = match (selection.rule(), training) {
            (Rule::Skill, Some(training)) => Some(Constant::of(training).judge(validation, &metrics)?),
            (Rule::Skill, None) => {
                let targets = validation.targets_from(LoaderPosition::default())?;
                let labels = mtl_data::stats::of_targets(&model.answers(), targets)?;
                Some(Constant::of(&labels).judge(validation, &metrics)?)
            }
            _ => None,
        };
        let (mut terms, mut left_out) = (Vec::new(), Vec::new());
        for (task, members) in metrics.iter() {
            for metric in members {
                let leave_out = |reason: String| LeftOut {
                    task: Some(task.clone()),
                    metric: metric.name().to_owned(),
                    reason,
                    because_of: Cause::Labels,
                };
                let outcome = &defined.entry(task.as_str(), metric.name())?.outcome;
                if let Err(reason) = outcome.get() {
                    left_out.push(leave_out(reason.to_owned()));
                    continue;
                }
                let worst = match metric.direction() {
                    Direction::Maximize => metric.range().0,
                    Direction::Minimize => metric.range().1,
                };
                let mut term = Term {
                    task: Some(task.clone()),
                    metric: metric.name().to_owned(),
                    parts_left_out: outcome.left_out,
                    worst,
                    skill: None,
                };
                if let Some(constant) = &constant {
                    let outcome = &constant.entry(task.as_str(), metric.name())?.outcome;
                    let settled = term.settle(outcome);
                    let reference = settled.value.filter(|_| settled.is_own);
                    match Skill::new(metric.direction(), metric.range(), reference) {
                        Ok(skill) => term.skill = Some(skill),
                        Err(reason) => {
                            left_out.push(leave_out(reason));
                            continue;
                        }
                    }
                }
                terms.push(term);
            }
        }
        for joint in metrics.joint() {
            if let Err(reason) = defined.joint(joint.name())?.outcome.get() {
                left_out.push(LeftOut {
                    task: None,
                    metric: joint.name().to_owned(),
                    reason: reason.to_owned(),
                    because_of: Cause::Labels,
                });
                continue;
            }
            let worst = match joint.direction() {
                Direction::Maximize => joint.range().0,
                Direction::Minimize => joint.range().1,
            };
            terms.push(Term { task: None, metric: joint.name().to_owned(), parts_left_out: 0, worst, skill: None });
        }
        let scoring = Self { selection: selection.clone(), terms, left_out };
        let is_expression = matches!(selection.rule(), Rule::Expression(_));
        if scoring.terms.is_empty() || (is_expression && !scoring.left_out.is_empty()) {
            return Err(scoring.refusal(model, validation)?.into());
        }
        Ok(scoring)
    }

    /// What the labels leave undefined, so that it has no part in any score.
    #[must_use]
    pub fn left_out(&self) -> &[LeftOut] {
        &self.left_out
    }

    /// Metrics that the selection asks for, those left out included.
    #[must_use]
    pub fn n_terms(&self) -> usize {
        self.terms.len() + self.left_out.len()
    }

    /// What is left out and what remains; `None` when nothing is left out.
    #[must_use]
    pub fn finding(&self) -> Option<Finding> {
        if self.left_out.is_empty() {
            return None;
        }
        let message = format!(
            "{:?} leaves {} of {} metrics out, which the validation labels do not define: {}",
            self.selection.text(),
            self.left_out.len(),
            self.n_terms(),
            LeftOut::list(&self.left_out)
        );
        Some(Finding::warning("train.selection", message))
    }

    /// The score of an epoch by its metrics on the split.
    ///
    /// # Errors
    /// [`mtl_core::Error`] when the report lacks a task or metric.
    pub fn score(&self, report: &MetricReport) -> Result<Scored> {
        let mut left_out = self.left_out.clone();
        let mut settled = Vec::with_capacity(self.terms.len());
        for term in &self.terms {
            let outcome = match &term.task {
                Some(task) => &report.entry(task.as_str(), &term.metric)?.outcome,
                None => &report.joint(&term.metric)?.outcome,
            };
            let value = term.settle(outcome);
            left_out.extend(value.lacks.as_ref().map(|reason| LeftOut {
                task: term.task.clone(),
                metric: term.metric.clone(),
                reason: reason.clone(),
                because_of: Cause::Answers,
            }));
            settled.push(value);
        }
        if settled.iter().all(|value| !value.is_own) {
            return Ok(Scored { score: None, left_out });
        }
        #[expect(clippy::cast_precision_loss, reason = "a count of metrics")]
        let n = self.terms.len() as f64;
        let score = match self.selection.rule() {
            Rule::Skill => {
                let skill = |(term, value): (&Term, &Settled)| match (&term.skill, value.value) {
                    (Some(skill), Some(value)) => skill.of(value),
                    _ => Skill::UNDEFINED,
                };
                Some(self.terms.iter().zip(&settled).map(skill).sum::<f64>() / n)
            }
            Rule::Mean => settled.iter().map(|value| value.value).sum::<Option<f64>>().map(|sum| sum / n),
            Rule::Expression(composite) => {
                let outcome = composite.compute(&self.filled(report, &settled)?)?;
                if let (Err(reason), true) = (outcome.get(), left_out.is_empty()) {
                    left_out.push(LeftOut {
                        task: None,
                        metric: self.selection.text().to_owned(),
                        reason: reason.to_owned(),
                        because_of: Cause::Answers,
                    });
                }
                outcome.value
            }
        };
        Ok(Scored { score: score.filter(|score| score.is_finite()), left_out })
    }

    /// The metrics of the score with their settled values, as an expression reads them.
    fn filled(&self, report: &MetricReport, settled: &[Settled]) -> Result<MetricReport> {
        let mut filled = MetricReport::default();
        for (term, value) in self.terms.iter().zip(settled) {
            let settle = |outcome: &MetricValue| {
                value.value.map_or_else(|| outcome.clone(), |v| MetricValue::defined(v, outcome.support))
            };
            let Some(task) = &term.task else {
                let entry = report.joint(&term.metric)?;
                filled.joint.push(JointEntry { outcome: settle(&entry.outcome), ..entry.clone() });
                continue;
            };
            let MetricEntry { metric, direction, outcome } = report.entry(task.as_str(), &term.metric)?;
            let outcome = settle(outcome);
            let entry = MetricEntry { metric: metric.clone(), direction: *direction, outcome };
            match filled.tasks.iter_mut().find(|known| known.task == *task) {
                Some(known) => known.metrics.push(entry),
                None => {
                    filled.tasks.push(mtl_metrics::report::TaskReport { task: task.clone(), metrics: vec![entry] });
                }
            }
        }
        Ok(filled)
    }

    /// Nothing can be chosen by this selection on these labels: why, and what to write.
    fn refusal(&self, model: &Model, validation: &dyn Batches) -> Result<mtl_core::Error> {
        let advice = match self.selection.rule() {
            Rule::Expression(_) if Scoring::skill_remains(model, validation)? => {
                "write selection = \"skill\", which leaves it out".to_owned()
            }
            _ => self.other_metric(model, validation)?,
        };
        Ok(mtl_core::Error::InvalidConfig {
            what: "train",
            field: "selection",
            expected: "of metrics that the validation labels define".into(),
            found: format!("{:?} with {}; {advice}", self.selection.text(), LeftOut::list(&self.left_out)),
        })
    }

    fn skill_remains(model: &Model, validation: &dyn Batches) -> Result<bool> {
        let defined = informed::report(validation, &primary(model)?)?;
        Ok(defined.tasks.iter().flat_map(|task| &task.metrics).any(|entry| entry.outcome.value.is_some()))
    }

    /// A metric of a task in question that these labels do define.
    fn other_metric(&self, model: &Model, validation: &dyn Batches) -> Result<String> {
        let defined = informed::report(validation, &metrics_of(model)?)?;
        let wanted = |task: &&mtl_metrics::report::TaskReport| {
            self.left_out.iter().any(|left_out| left_out.task.as_ref() == Some(&task.task))
        };
        for task in defined.tasks.iter().filter(wanted) {
            if let Some(entry) = task.metrics.iter().find(|entry| entry.outcome.value.is_some()) {
                let name = format!("{}.{}", task.task, entry.metric);
                return Ok(format!("write selection = {name:?}, or give the validation split labels that differ"));
            }
        }
        Ok(format!("give the validation split known labels, such as {} needs", example(model)))
    }
}

impl Term {
    /// The value of a metric as it counts: what answers leave undefined is the worst there is.
    fn settle(&self, outcome: &MetricValue) -> Settled {
        let worst = Some(self.worst).filter(|worst| worst.is_finite());
        let value = match outcome.get() {
            Ok(value) => value,
            Err(reason) => return Settled { value: worst, lacks: Some(reason.to_owned()), is_own: false },
        };
        let missing = outcome.left_out.saturating_sub(self.parts_left_out);
        if missing == 0 {
            return Settled { value: Some(value), lacks: None, is_own: true };
        }
        let parts = outcome.parts.saturating_sub(self.parts_left_out).max(missing);
        #[expect(clippy::cast_precision_loss, reason = "counts of classes, labels or outputs")]
        let (there, gone) = ((parts - missing) as f64, missing as f64);
        Settled {
            value: worst.map(|worst| (there * value + gone * worst) / (there + gone)),
            lacks: Some(format!("{missing} of {parts} parts have no value")),
            is_own: true,
        }
    }
}
