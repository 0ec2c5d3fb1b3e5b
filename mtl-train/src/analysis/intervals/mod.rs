//! How far off a figure of the test split may be: an interval at every metric of every task, and at means over tasks.
//!
//! Another test split of the same size would have given another figure. The answers of the one pass over the test split are
//! kept ([`Recorded`]), so that the metrics can be computed again on samples drawn from them; the split itself is not read
//! again, and nothing is chosen by any of it.
//!
//! | samples | interval | cost |
//! |---|---|---|
//! | up to 2000 | bootstrap percentiles, 200 to 1000 resamples | bounded by a budget of metric rows |
//! | more | the same while the budget allows for 200 resamples; else random groups | two passes over the kept answers |
//! | more, and one yes/no question | AUROC by DeLong instead of groups | one sort |
//!
//! Where samples are in groups (queries, users), whole groups are drawn instead of samples, and each drawn copy is a group of its own:
//! "samples" above are groups then, 500 take the place of 2000, and there is no DeLong, who knows independent samples only. Samples of
//! a group resemble each other, so drawing them one by one would give intervals that are too narrow, and rankings of parts of queries.
//! Of few groups (below about 30) the intervals are too narrow all the same. Samples with weights have no interval.
//!
//! All figures of one run are of the same resamples, so a mean over tasks has the interval that the dependence of the tasks
//! gives it. What it says: how the figure of *this* trained model varies with the samples it is tested on. It says nothing of
//! another seed; that is what a comparison over seeds is for.
//!
//! **Reference** [`mtl_metrics::stats`]: Efron and Tibshirani 1993; Mahalanobis 1946; DeLong et al. 1988. Whole groups: A. C. Davison,
//! D. V. Hinkley, "Bootstrap Methods and their Application", 1997, section 3.8; C. A. Field, A. H. Welsh, "Bootstrapping Clustered
//! Data", JRSS B 69, 2007. Few of them: A. C. Cameron, J. B. Gelbach, D. L. Miller, "Bootstrap-Based Improvements for Inference with
//! Clustered Errors", Review of Economics and Statistics 90, 2008.

mod drawing;
mod recorded;

use drawing::{Drawing, Drawn};
use mtl_metrics::{
    MetricBatch, MetricSet, OrReason,
    stats::{Bootstrap, BootstrapInterval, Delong, Draws, GroupedInterval, Interval, RandomGroups},
};
pub use recorded::{Recorded, RecordedTask};
use serde::{Deserialize, Serialize};

use crate::error::Result;

/// What share of intervals holds the true value.
pub const LEVEL: f64 = 0.95;
/// Rows given to metrics by all resamples together: about a tenth of a second on two cores.
const BUDGET: usize = 4_000_000;
/// Up to so many samples there are always resamples: groups of fewer than 40 say little.
const FEW_SAMPLES: usize = 2000;
/// The same where whole groups are drawn: fewer than 10 in a random group say little. Not 2000, since each may have many samples.
const FEW_GROUPS: usize = 500;
const FEWEST_RESAMPLES: usize = 200;
const MOST_RESAMPLES: usize = 1000;
const GROUPS: usize = 50;

/// Intervals of a run's test figures: `intervals` in `metrics.json`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Intervals {
    /// What share of such intervals holds the true value.
    pub level: f64,
    /// Samples of the split.
    pub samples: usize,
    /// Groups of them that were drawn as a whole, each sample outside any group one of its own; `None` where samples were drawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<usize>,
    /// Seed of resamples and groups.
    pub seed: u64,
    /// One per task, in task order.
    pub tasks: Vec<TaskIntervals>,
    /// Means over the tasks that are judged by the same metric.
    pub means: Vec<MeanInterval>,
    /// Of metrics over several tasks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub joint: Vec<MetricInterval>,
}

/// The intervals of a task's metrics.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskIntervals {
    /// The task.
    pub task: String,
    /// Its metrics, the primary one first.
    pub metrics: Vec<MetricInterval>,
}

/// The interval of one figure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricInterval {
    /// The metric.
    pub metric: String,
    /// Both ends; `None` where it is not defined.
    pub interval: Option<[f64; 2]>,
    /// Why it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undefined: Option<String>,
    /// How it was found.
    pub method: Method,
}

/// The mean of a metric over the tasks that are judged by it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MeanInterval {
    /// Tasks judged by the metric.
    pub tasks: usize,
    /// Those of them for which it is not defined; the mean is over the others.
    pub left_out: usize,
    /// The mean; `None` where the metric is defined for none.
    pub value: Option<f64>,
    /// The same mean on validation; `None` before a run has finished, and in files of older versions.
    #[serde(default)]
    pub validation: Option<f64>,
    /// The same mean of constant answers on test; `None` as above.
    #[serde(default)]
    pub constant: Option<f64>,
    /// Metric and interval of the mean.
    #[serde(flatten)]
    pub of: MetricInterval,
}

/// How an interval was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Percentiles of so many resamples.
    Bootstrap(usize),
    /// The spread of so many random groups of samples.
    RandomGroups(usize),
    /// The variance of placements.
    Delong,
}

impl Method {
    /// In words, for people.
    #[must_use]
    pub fn describe(self) -> String {
        match self {
            Self::Bootstrap(n) => format!("bootstrap, {n} resamples of the test samples"),
            Self::RandomGroups(n) => format!("{n} random groups of the test samples"),
            Self::Delong => "DeLong's variance".to_owned(),
        }
    }
}

impl Intervals {
    /// Intervals of the metrics of `metrics` (whatever it has seen does not matter) over recorded answers.
    ///
    /// # Errors
    /// [`mtl_core::Error`] when a statistic is no usable number.
    pub fn of(recorded: &Recorded, metrics: &MetricSet, seed: u64) -> Result<Self> {
        let mut empty = metrics.clone();
        empty.reset();
        let drawing = Drawing::of(recorded, &empty);
        let figures = Figures { recorded, drawing, shared: shared(&empty), empty };
        let n = figures.drawing.n_units();
        let few = if figures.drawing.n_groups().is_some() { FEW_GROUPS } else { FEW_SAMPLES };
        let cost: usize = figures.cost().max(1);
        let resamples = (BUDGET / cost).min(MOST_RESAMPLES);
        let found: Vec<(OrReason<f64>, OrReason<[f64; 2]>, Method)> = if n <= few || resamples >= FEWEST_RESAMPLES {
            let draws = Draws { n: resamples.max(FEWEST_RESAMPLES), seed };
            let bootstrap = Bootstrap { draws, interval: Interval::Percentile, level: LEVEL, ..Bootstrap::default() };
            let units = figures.drawing.units();
            let found = bootstrap.joint(&units, |counts| figures.values(&Drawing::often(counts)))?;
            found.into_iter().map(|f: BootstrapInterval| (f.value, f.interval, Method::Bootstrap(draws.n))).collect()
        } else {
            let members = figures.drawing.members();
            let values = |units: &[usize]| figures.values(&Drawing::once(members.as_deref(), units));
            let found = RandomGroups { groups: GROUPS, seed, level: LEVEL }.run(n, values)?;
            found.into_iter().map(|f: GroupedInterval| (f.value, f.interval, Method::RandomGroups(GROUPS))).collect()
        };
        Ok(figures.named(found, recorded.n_samples(), seed))
    }

    /// The interval of a task's metric.
    #[must_use]
    pub fn get(&self, task: &str, metric: &str) -> Option<&MetricInterval> {
        self.tasks.iter().find(|t| t.task == task)?.metrics.iter().find(|m| m.metric == metric)
    }

    /// The interval of a metric over several tasks.
    #[must_use]
    pub fn joint(&self, name: &str) -> Option<&MetricInterval> {
        self.joint.iter().find(|m| m.metric == name)
    }

    /// The ways that were used, each once, in words.
    #[must_use]
    pub fn methods(&self) -> String {
        let mut used: Vec<Method> = Vec::new();
        let all = self.tasks.iter().flat_map(|t| &t.metrics).chain(self.means.iter().map(|m| &m.of)).chain(&self.joint);
        for method in all.filter(|m| m.interval.is_some()).map(|m| m.method) {
            if !used.contains(&method) {
                used.push(method);
            }
        }
        let mut words: Vec<String> = used.into_iter().map(Method::describe).collect();
        if let (Some(groups), false) = (self.groups, words.is_empty()) {
            words.push(format!("samples are drawn in whole groups, of which there are {groups}"));
        }
        words.join("; ")
    }
}

/// Primary metrics of bounded range that judge at least two tasks, with those tasks. (A mean of errors in different units
/// would be none.)
fn shared(metrics: &MetricSet) -> Vec<(String, Vec<usize>)> {
    let mut found: Vec<(String, Vec<usize>)> = Vec::new();
    for (task, (_, own)) in metrics.iter().enumerate() {
        let Some(primary) = own.first() else { continue };
        let (low, high) = primary.range();
        if !(low.is_finite() && high.is_finite()) {
            continue;
        }
        match found.iter_mut().find(|(name, _)| name == primary.name()) {
            Some((_, tasks)) => tasks.push(task),
            None => found.push((primary.name().to_owned(), vec![task])),
        }
    }
    found.retain(|(_, tasks)| tasks.len() > 1);
    found
}

/// Everything that is computed of a set of samples: all metrics in order, then the means.
struct Figures<'a> {
    recorded: &'a Recorded,
    drawing: Drawing,
    empty: MetricSet,
    shared: Vec<(String, Vec<usize>)>,
}

impl Figures<'_> {
    /// Rows that metrics read for one set of all samples.
    fn cost(&self) -> usize {
        self.recorded
            .tasks()
            .iter()
            .zip(self.empty.iter())
            .map(|(task, (_, metrics))| task.n_rows() * metrics.len())
            .sum()
    }

    fn values(&self, drawn: &Drawn<'_>) -> Vec<OrReason<f64>> {
        let mut metrics = self.empty.clone();
        let mut refused: Vec<Option<String>> = vec![None; metrics.iter().count()];
        for (at, task) in self.recorded.tasks().iter().enumerate() {
            if let Some(reason) = task.refusal().or(self.drawing.refusal(at)) {
                if let Some(slot) = refused.get_mut(at) {
                    *slot = Some(reason.to_owned());
                }
                continue;
            }
            let Some((said, truth, places)) = task.select(&drawn.samples) else { continue };
            let groups = self.drawing.groups(at, task, drawn, &places);
            // A sample that is drawn twice is two, in all tasks alike.
            let mut batch = MetricBatch::new(&said, &truth).with_ids(&places);
            if let Some(groups) = &groups {
                batch = batch.with_groups(groups);
            }
            if let (Err(e), Some(slot)) = (metrics.update_batch(at, &batch), refused.get_mut(at)) {
                *slot = Some(e.to_string());
            }
        }
        let report = metrics.compute();
        let outcome = |(task, value): (usize, &mtl_metrics::MetricValue)| match refused.get(task).cloned().flatten() {
            Some(reason) => Err(reason),
            None => value.get().map_err(str::to_owned),
        };
        let of_task = report.tasks.iter().enumerate();
        let mut values: Vec<OrReason<f64>> =
            of_task.flat_map(|(at, t)| t.metrics.iter().map(move |m| (at, &m.outcome))).map(outcome).collect();
        values.extend(report.joint.iter().map(|joint| joint.outcome.get().map_err(str::to_owned)));
        for (_, tasks) in &self.shared {
            let primary = |task: &usize| report.tasks.get(*task)?.metrics.first()?.outcome.value;
            let known: Vec<f64> = tasks.iter().filter_map(primary).collect();
            #[expect(clippy::cast_precision_loss, reason = "a count of tasks")]
            let mean = known.iter().sum::<f64>() / known.len() as f64;
            values.push(if known.is_empty() { Err("not defined for any task".to_owned()) } else { Ok(mean) });
        }
        values
    }

    /// What was found, with the names that belong to it.
    fn named(&self, found: Vec<(OrReason<f64>, OrReason<[f64; 2]>, Method)>, samples: usize, seed: u64) -> Intervals {
        let mut found = found.into_iter();
        let mut next = |metric: &str, (low, high): (f64, f64)| {
            let nothing = (Err(String::new()), Err("no sample".to_owned()), Method::Bootstrap(0));
            let (value, interval, method) = found.next().unwrap_or(nothing);
            let undefined = interval.as_ref().err().cloned();
            let interval = interval.ok().map(|[a, b]| [a.max(low), b.min(high)]);
            (value.ok(), MetricInterval { metric: metric.to_owned(), interval, undefined, method })
        };
        let mut tasks = Vec::new();
        for (at, (name, metrics)) in self.empty.iter().enumerate() {
            let mut own = Vec::with_capacity(metrics.len());
            for metric in metrics {
                let (_, mut interval) = next(metric.name(), metric.range());
                let are_samples = self.drawing.n_groups().is_none();
                if are_samples && metric.name() == "auroc" && matches!(interval.method, Method::RandomGroups(_)) {
                    self.by_placements(at, &mut interval);
                }
                own.push(interval);
            }
            tasks.push(TaskIntervals { task: name.to_string(), metrics: own });
        }
        let joint = self.empty.joint().iter().map(|joint| next(joint.name(), joint.range()).1).collect();
        let ranges: Vec<(f64, f64)> =
            self.empty.iter().map(|(_, m)| m.first().map_or((0.0, 0.0), |m| m.range())).collect();
        let mut means = Vec::new();
        for (metric, of) in &self.shared {
            let range = of.first().and_then(|task| ranges.get(*task)).copied().unwrap_or((f64::MIN, f64::MAX));
            let (value, interval) = next(metric, range);
            let known = |task: &&usize| self.recorded.tasks().get(**task).is_some_and(|t| t.n_rows() > 0);
            let left_out = of.len() - of.iter().filter(known).count();
            means.push(MeanInterval {
                tasks: of.len(),
                left_out,
                value,
                validation: None,
                constant: None,
                of: interval,
            });
        }
        let groups = self.drawing.n_groups();
        Intervals { level: LEVEL, samples, groups, seed, tasks, means, joint }
    }

    /// The AUROC of one question needs neither resamples nor groups.
    fn by_placements(&self, task: usize, interval: &mut MetricInterval) {
        let Some((labels, scores)) = self.recorded.tasks().get(task).and_then(RecordedTask::question) else { return };
        if let Ok(Delong { interval: Ok(ends), .. }) = Delong::new(&labels, &scores, LEVEL) {
            (interval.interval, interval.undefined, interval.method) = (Some(ends), None, Method::Delong);
        }
    }
}

#[cfg(test)]
mod tests;
