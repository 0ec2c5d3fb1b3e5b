//! From the outcomes of cells to statements about methods.
//!
//! Everything that compares two methods pairs them by seed: the same seed means the same batches, and what a lucky order of
//! samples does to both cancels in the difference.
//!
//! Blocks of Friedman's test are pairs of a task and a seed. It therefore speaks of *these* tasks and of the noise between
//! seeds, not of data sets in general; the blocks of one seed share a run, which makes the test bolder than it should be
//! where tasks rise and fall together.

use mtl_core::{metric::Direction, task::TaskName};
use mtl_data::Splits;
use mtl_metrics::{
    MetricReport,
    aggregate::{Aggregate, Balance, DeltaM, MIN_BASELINE, Objectives, negative_transfer_rate, relative_gain},
    stats::{Estimate, Friedman, nemenyi_difference},
};

use super::{
    Cell, Comparison, MethodResult, MetricEstimate, Plan, RankTest, Subject, TaskColumn, Transfer, plan::ALONE,
};
use crate::{
    error::Result,
    run::{cost::Cost, outcome::Outcome},
    train::trainer::{Budget, Cause},
};

/// What a cell gave, or why it gave nothing.
pub(super) type Ended = std::result::Result<(Outcome, Cost), String>;

/// One method with one seed: a run for all tasks, or one per task put together.
struct SeedRun {
    seed: u64,
    test: MetricReport,
    score: Option<(f64, Direction)>,
    parameters: usize,
    seconds: f64,
    samples: u64,
    memory: Option<f64>,
    folders: Vec<String>,
}

/// Compares what has been trained; `outcomes` are in the order of `cells`.
pub(super) fn analyze(plan: &Plan, splits: &Splits, cells: &[Cell], outcomes: &[Ended]) -> Result<Comparison> {
    let ended: Vec<(&Cell, &Ended)> = cells.iter().zip(outcomes).collect();
    let n_tasks = plan.tasks(&splits.info).len();
    let alone = match plan.baseline {
        Some(_) => Some(alone_runs(plan, n_tasks, &ended)?),
        None => None,
    };
    let mut rows: Vec<(String, bool, Vec<SeedRun>)> = Vec::new();
    for (at, method) in plan.methods.iter().enumerate() {
        let own = ended.iter().filter(|(cell, _)| cell.subject == Subject::Method(at));
        let runs = own.filter_map(|(cell, ended)| Some(SeedRun::of(cell, ended.as_ref().ok()?)));
        rows.push((method.name.clone(), false, runs.collect()));
    }
    let mut methods = Vec::new();
    if let Some(runs) = &alone {
        methods.push(summarize(plan, ALONE, true, runs, None)?);
    }
    for (name, is_alone, runs) in &rows {
        methods.push(summarize(plan, name, *is_alone, runs, alone.as_deref())?);
    }
    let tasks = columns(&methods);
    let (ranks, no_ranks) = match rank(plan, &tasks, &methods) {
        Ok(test) => (Some(test), None),
        Err(reason) => (None, Some(reason)),
    };
    for method in &mut methods {
        let place = ranks.as_ref().and_then(|test| test.methods.iter().position(|name| *name == method.name));
        method.mean_rank = place.and_then(|at| ranks.as_ref()?.friedman.mean_ranks.get(at).copied());
    }
    for at in unbeaten(&tasks, &methods) {
        methods[at].unbeaten = true;
    }
    let direction = rows.iter().flat_map(|(.., runs)| runs).find_map(|run| Some(run.score?.1));
    let chosen = direction.and_then(|direction| best(&methods, direction));
    let failure = |(cell, ended): &(&Cell, &Ended)| Some(format!("{}: {}", cell.title, ended.as_ref().err()?));
    Ok(Comparison {
        dataset: plan.base.data.name().into(),
        origin: splits.origin,
        epochs: match plan.base.train.budget() {
            Budget::Epochs(n) => n,
            Budget::Steps(_) | Budget::Time => 0,
        },
        steps: plan.base.train.steps,
        time: plan.base.train.time,
        batch_size: plan.base.train.batch_size,
        selection: plan.base.train.selection.clone(),
        seeds: plan.seeds.clone(),
        level: plan.level,
        tasks,
        methods,
        ranks,
        no_ranks,
        chosen,
        choices: choices(&ended),
        failures: ended.iter().filter_map(failure).collect(),
    })
}

/// What the epochs of the runs were chosen without, each reason once, and the runs in which none could be chosen.
fn choices(ended: &[(&Cell, &Ended)]) -> Vec<String> {
    let mut found = Vec::new();
    let mut say = |words: String| {
        if !found.contains(&words) {
            found.push(words);
        }
    };
    for (cell, ended) in ended {
        let Some(choice) = ended.as_ref().ok().and_then(|(outcome, _)| outcome.selection.as_ref()) else { continue };
        if !choice.chosen {
            say(format!("{}: {}", cell.title, choice.sentence()));
        }
        for left_out in choice.left_out.iter().filter(|l| l.because_of == Cause::Labels) {
            say(format!("left out of the choice of epochs, since validation does not define it: {left_out}"));
        }
    }
    found
}

impl SeedRun {
    fn of(cell: &Cell, (outcome, cost): &(Outcome, Cost)) -> Self {
        Self {
            seed: cell.seed,
            test: outcome.test.clone(),
            score: outcome.score().map(|score| (score, cost.score_direction)),
            parameters: cost.parameters,
            seconds: cost.seconds_per_epoch(),
            samples: cost.samples,
            memory: cost.peak_memory_mb,
            folders: vec![cell.folder.clone()],
        }
    }
}

/// The single-task networks of every seed for which all of them finished, put together.
fn alone_runs(plan: &Plan, n_tasks: usize, ended: &[(&Cell, &Ended)]) -> Result<Vec<SeedRun>> {
    let mut runs = Vec::new();
    for &seed in &plan.seeds {
        let of_seed = ended.iter().filter(|(cell, _)| cell.seed == seed && matches!(cell.subject, Subject::Alone(_)));
        let parts: Vec<SeedRun> =
            of_seed.filter_map(|(cell, ended)| Some(SeedRun::of(cell, ended.as_ref().ok()?))).collect();
        if parts.len() < n_tasks {
            continue;
        }
        runs.push(SeedRun {
            seed,
            test: MetricReport::join(parts.iter().map(|part| part.test.clone()))?,
            score: None,
            parameters: parts.iter().map(|part| part.parameters).sum(),
            seconds: parts.iter().map(|part| part.seconds).sum(),
            samples: parts.iter().map(|part| part.samples).max().unwrap_or(0),
            memory: parts.iter().filter_map(|part| part.memory).reduce(f64::max),
            folders: parts.iter().flat_map(|part| part.folders.clone()).collect(),
        });
    }
    Ok(runs)
}

fn summarize(
    plan: &Plan,
    name: &str,
    alone: bool,
    runs: &[SeedRun],
    baseline: Option<&[SeedRun]>,
) -> Result<MethodResult> {
    let level = plan.level;
    let estimate = |values: &[f64]| -> Result<Option<Estimate>> {
        Ok(if values.is_empty() { None } else { Some(Estimate::new(values, level)?) })
    };
    let mut metrics = Vec::new();
    for report in runs.first().map(|run| run.test.tasks.as_slice()).unwrap_or_default() {
        for entry in &report.metrics {
            let value = |run: &SeedRun| run.test.entry(report.task.as_str(), &entry.metric).ok()?.outcome.value;
            let values: Vec<Option<f64>> = runs.iter().map(value).collect();
            metrics.push(MetricEstimate {
                task: report.task.to_string(),
                metric: entry.metric.clone(),
                direction: entry.direction,
                estimate: estimate(&values.iter().flatten().copied().collect::<Vec<_>>())?,
                values,
            });
        }
    }
    let mut joint = Vec::new();
    for entry in runs.first().map(|run| run.test.joint.as_slice()).unwrap_or_default() {
        let values: Vec<Option<f64>> = runs.iter().map(|run| run.test.joint(&entry.name).ok()?.outcome.value).collect();
        let tasks: Vec<&str> = entry.tasks.iter().map(TaskName::as_str).collect();
        joint.push(MetricEstimate {
            task: tasks.join(" + "),
            metric: entry.name.clone(),
            direction: entry.direction,
            estimate: estimate(&values.iter().flatten().copied().collect::<Vec<_>>())?,
            values,
        });
    }
    let (delta_m, delta_m_of_all, no_delta_m) = match baseline.map(|baseline| gains(runs, baseline)) {
        None if alone => (None, None, Some("it is the baseline".to_owned())),
        None => (None, None, Some("there are no baselines".to_owned())),
        Some(Err(reason)) => (None, None, Some(reason)),
        Some(Ok(gains)) if gains.is_empty() => (None, None, Some("no seed in common".to_owned())),
        Some(Ok(gains)) => {
            #[expect(clippy::cast_precision_loss, reason = "a count of methods")]
            let shared = 1.0 - (1.0 - level) / plan.methods.len().max(1) as f64;
            (estimate(&gains)?, Some(Estimate::new(&gains, shared)?), None)
        }
    };
    let transfer = baseline.map(|baseline| transfers(runs, baseline, level)).transpose()?.unwrap_or_default();
    let differences: Vec<Estimate> = transfer.iter().map(|t| t.difference.clone()).collect();
    let seconds: Vec<f64> = runs.iter().map(|run| run.seconds).collect();
    let seconds_per_epoch = estimate(&seconds)?;
    #[expect(clippy::cast_precision_loss, reason = "a count of samples")]
    let samples = runs.first().map(|run| run.samples as f64);
    let scores: Vec<f64> = runs.iter().filter_map(|run| Some(run.score?.0)).collect();
    Ok(MethodResult {
        name: name.into(),
        alone,
        seeds: runs.iter().map(|run| run.seed).collect(),
        cells: runs.iter().map(|run| run.folders.clone()).collect(),
        metrics,
        joint,
        // A seed without a score would make the mean one of fewer, easier seeds.
        validation: if scores.len() == runs.len() { estimate(&scores)? } else { None },
        delta_m,
        delta_m_of_all,
        no_delta_m,
        transfer,
        balance: baseline.and_then(|baseline| Balance::of(&task_gains(runs, baseline)?).ok()),
        negative_transfer: negative_transfer_rate(&differences).ok(),
        unbeaten: false,
        mean_rank: None,
        parameters: runs.first().map_or(0, |run| run.parameters),
        samples_per_second: samples.zip(seconds_per_epoch.as_ref()).map(|(n, s)| n / s.mean.max(1e-9)),
        seconds_per_epoch,
        peak_memory_mb: runs.iter().filter_map(|run| run.memory).reduce(f64::max),
    })
}

/// Runs of the same seed.
fn pairs<'a>(runs: &'a [SeedRun], baseline: &'a [SeedRun]) -> impl Iterator<Item = (&'a SeedRun, &'a SeedRun)> {
    runs.iter().filter_map(move |run| Some((run, baseline.iter().find(|base| base.seed == run.seed)?)))
}

/// delta_m of every seed, over primary metrics.
fn gains(runs: &[SeedRun], baseline: &[SeedRun]) -> std::result::Result<Vec<f64>, String> {
    let gain = |(run, base): (&SeedRun, &SeedRun)| {
        let delta_m = DeltaM::new(primary_of(&base.test)).map_err(|e| e.to_string())?;
        let value = delta_m.compute(&run.test).map_err(|e| e.to_string())?;
        value.get().map_err(|reason| format!("seed {}: {reason}", run.seed))
    };
    pairs(runs, baseline).map(gain).collect()
}

/// Gain of every task, averaged over the seeds; `None` where one is not defined.
fn task_gains(runs: &[SeedRun], baseline: &[SeedRun]) -> Option<Vec<f64>> {
    let mut sums: Vec<f64> = Vec::new();
    let mut seeds = 0u32;
    for (run, base) in pairs(runs, baseline) {
        let gains = DeltaM::new(primary_of(&base.test)).and_then(|delta_m| delta_m.gains(&run.test)).ok()?;
        sums.resize(gains.len(), 0.0);
        for (sum, gain) in sums.iter_mut().zip(&gains) {
            *sum += gain.gain.value?;
        }
        seeds += 1;
    }
    sums.iter_mut().for_each(|sum| *sum /= f64::from(seeds));
    Some(sums)
}

/// The methods that no other beats in the means of the primary metrics; those that lack one are left out.
fn unbeaten(tasks: &[TaskColumn], methods: &[MethodResult]) -> Vec<usize> {
    let mean = |m: Option<&MetricEstimate>| Some(m?.estimate.as_ref()?.mean);
    let point = |method: &MethodResult| method.primary(tasks).map(mean).collect::<Option<Vec<f64>>>();
    let (at, points): (Vec<usize>, Vec<Vec<f64>>) =
        methods.iter().enumerate().filter_map(|(at, method)| Some((at, point(method)?))).unzip();
    let directions: Vec<Direction> = tasks.iter().map(|column| column.direction).collect();
    let set = Objectives::new(&points, &directions).map(|objectives| objectives.pareto_set()).unwrap_or_default();
    set.into_iter().map(|n| at[n]).collect()
}

/// Only the first metric of each task, which is the primary one.
fn primary_of(report: &MetricReport) -> MetricReport {
    let mut report = report.clone();
    report.tasks.iter_mut().for_each(|task| task.metrics.truncate(1));
    report
}

fn transfers(runs: &[SeedRun], baseline: &[SeedRun], level: f64) -> Result<Vec<Transfer>> {
    let mut transfers = Vec::new();
    for task in runs.first().map(|run| run.test.tasks.as_slice()).unwrap_or_default() {
        let Some(primary) = task.metrics.first() else { continue };
        let value = |run: &SeedRun| run.test.entry(task.task.as_str(), &primary.metric).ok()?.outcome.value;
        let both = pairs(runs, baseline).filter_map(|(run, base)| Some((value(run)?, value(base)?)));
        let (mut ours, mut theirs): (Vec<f64>, Vec<f64>) = both.unzip();
        if ours.is_empty() {
            continue;
        }
        // One seed that cannot be divided by would make the mean one of fewer seeds.
        let percents: Option<Vec<f64>> =
            ours.iter().zip(&theirs).map(|(a, b)| percent(primary.direction, *a, *b)).collect();
        let gain = percents.map(|values| Estimate::new(&values, level)).transpose()?;
        if primary.direction == Direction::Minimize {
            std::mem::swap(&mut ours, &mut theirs);
        }
        let difference = Estimate::paired(&ours, &theirs, level)?;
        let (negative, positive) = (difference.is_below_zero(), difference.is_above_zero());
        transfers.push(Transfer { task: task.task.to_string(), difference, gain, negative, positive });
    }
    Ok(transfers)
}

/// Gain in percent of the single-task value, as delta_m takes it.
fn percent(direction: Direction, ours: f64, alone: f64) -> Option<f64> {
    (alone.abs() >= MIN_BASELINE).then(|| relative_gain(direction, ours, alone)).filter(|gain| gain.is_finite())
}

/// The tasks and their primary metrics, as the first method that has any shows them.
fn columns(methods: &[MethodResult]) -> Vec<TaskColumn> {
    let mut columns: Vec<TaskColumn> = Vec::new();
    // Tasks alone are joined in task order, so any method has the order of the plan.
    for metric in methods.iter().find(|m| !m.metrics.is_empty()).map(|m| m.metrics.as_slice()).unwrap_or_default() {
        if columns.iter().all(|column| column.task != metric.task) {
            let (task, name) = (metric.task.clone(), metric.metric.clone());
            columns.push(TaskColumn { task, metric: name, direction: metric.direction });
        }
    }
    columns
}

fn rank(plan: &Plan, tasks: &[TaskColumn], methods: &[MethodResult]) -> std::result::Result<RankTest, String> {
    let complete: Vec<&MethodResult> = methods
        .iter()
        .filter(|method| {
            let has_all =
                |m: &MetricEstimate| m.values.len() == plan.seeds.len() && m.values.iter().all(Option::is_some);
            method.primary(tasks).all(|metric| metric.is_some_and(has_all))
        })
        .collect();
    let mut blocks = Vec::new();
    for seed in 0..plan.seeds.len() {
        for column in tasks {
            let value = |m: &&MethodResult| m.metric(&column.task, &column.metric)?.values.get(seed).copied().flatten();
            let row: Option<Vec<f64>> = complete.iter().map(value).collect();
            blocks.extend(row.map(|row| (row, column.direction)));
        }
    }
    let friedman = Friedman::new(&blocks).map_err(|e| e.to_string())?;
    let difference = nemenyi_difference(complete.len(), friedman.n, plan.alpha).map_err(|e| e.to_string())?;
    Ok(RankTest {
        methods: complete.iter().map(|method| method.name.clone()).collect(),
        friedman,
        critical_difference: difference,
        alpha: plan.alpha,
    })
}

/// The method with the best mean score on validation.
fn best(methods: &[MethodResult], direction: Direction) -> Option<String> {
    let mut best: Option<(&str, f64)> = None;
    for method in methods {
        let Some(score) = method.validation.as_ref().map(|v| v.mean) else { continue };
        if best.is_none_or(|(_, old)| direction.better(score, old)) {
            best = Some((&method.name, score));
        }
    }
    best.map(|(name, _)| name.to_owned())
}

#[cfg(test)]
mod tests {
    use mtl_core::task::TaskName;
    use mtl_metrics::{
        JointEntry, JointKind, MetricValue,
        report::{MetricEntry, TaskReport},
    };

    use super::*;
    use crate::{config::StudyConfig, study::compare::to_text, train::trainer::Choice};

    fn plan(more: &str) -> (Plan, Splits) {
        let run =
            "[data]\nkind = \"synthetic-mmoe\"\ntrain = 8\nvalidation = 4\ntest = 4\n[encoder]\nkind = \"tabular\"\n";
        let study = StudyConfig::parse(&format!("{run}{more}"), "s.toml".as_ref()).unwrap();
        (Plan::new(study.run.clone(), &study.compare).unwrap(), study.run.data.load().unwrap())
    }

    fn outcome(values: &[(&str, f64)], score: f64) -> (Outcome, Cost) {
        let task = |(name, value): &(&str, f64)| TaskReport {
            task: TaskName::new(name).unwrap(),
            metrics: vec![MetricEntry {
                metric: "rmse".into(),
                direction: Direction::Minimize,
                outcome: MetricValue::defined(*value, 4),
            }],
        };
        let choice = Choice {
            by: "mean".into(),
            epoch: 1,
            epochs: 3,
            step: None,
            chosen: true,
            score: Some(score),
            terms: values.len(),
            left_out: Vec::new(),
        };
        let test = MetricReport { tasks: values.iter().map(task).collect(), ..MetricReport::default() };
        let cost = Cost {
            parameters: 10,
            samples: 800,
            epochs: 3,
            passes: None,
            seconds: 6.0,
            score_direction: Direction::Minimize,
            peak_memory_mb: Some(5.0),
        };
        (Outcome { best_epoch: Some(1), selection: Some(choice), test, ..Outcome::default() }, cost)
    }

    /// Alone: y1 1.0 + s, y2 2.0 + s for the noise s of a seed. Method 0: y1 better by 0.1, y2 worse by 0.2; method 1: y1
    /// worse by 0.05, y2 better or worse as seeds will.
    fn ended(cell: &Cell) -> Ended {
        let noise = [0.0, 0.3, -0.2, 0.1][usize::try_from(cell.seed).unwrap()];
        let jitter = noise * 0.05;
        Ok(match cell.subject {
            Subject::Alone(0) => outcome(&[("y1", 1.0 + noise)], 0.0),
            Subject::Alone(_) => outcome(&[("y2", 2.0 + noise)], 0.0),
            Subject::Method(0) => outcome(&[("y1", 0.9 + noise + jitter), ("y2", 2.2 + noise + jitter)], 1.5),
            Subject::Method(_) => {
                let coin = if cell.seed.is_multiple_of(2) { 0.1 } else { -0.1 };
                outcome(&[("y1", 1.05 + noise + jitter), ("y2", 2.0 + noise + coin)], 1.4)
            }
        })
    }

    const TWO: &str = "[compare]\nbalancer = [\"equal\", \"upgrad\"]\nseeds = 4\n";

    #[test]
    fn differences_are_paired_by_seed() {
        let (plan, splits) = plan(TWO);
        let cells = plan.cells(&splits.info).unwrap();
        let outcomes: Vec<Ended> = cells.iter().map(ended).collect();
        let found = analyze(&plan, &splits, &cells, &outcomes).unwrap();
        assert_eq!(
            found.methods.iter().map(|m| m.name.as_str()).collect::<Vec<_>>(),
            [ALONE, "hard + equal", "hard + upgrad"]
        );
        let [alone, equal, upgrad] = &found.methods[..] else { panic!("three rows") };
        assert_eq!((alone.parameters, alone.seconds_per_epoch.as_ref().unwrap().mean), (20, 4.0));
        assert_eq!((alone.samples_per_second, equal.samples_per_second), (Some(200.0), Some(400.0)));

        // Noise between seeds is three times the gain, yet the gain is certain, because it is paired.
        let [y1, y2] = &equal.transfer[..] else { panic!("two tasks") };
        assert!(y1.positive && !y1.negative && (y1.difference.mean - 0.1).abs() < 0.01, "{y1:?}");
        assert!(y2.negative && !y2.positive && (y2.difference.mean + 0.2).abs() < 0.01, "{y2:?}");
        let gains = [0.0, 0.3, -0.2, 0.1].map(|s: f64| 100.0 * (0.1 - 0.05 * s) / (1.0 + s));
        let gain = y1.gain.as_ref().unwrap().mean;
        assert!((gain - gains.iter().sum::<f64>() / 4.0).abs() < 1e-9, "percent of the single-task value: {gain}");
        let [_, undecided] = &upgrad.transfer[..] else { panic!("two tasks") };
        assert!(!undecided.negative && !undecided.positive);

        // By hand for seed 0: (+10 % - 10 %) / 2 = 0; all seeds averaged:
        let per_seed = [0.0, 0.3, -0.2, 0.1].map(|s: f64| {
            let (a, b) = (1.0 + s, 2.0 + s);
            50.0 * ((0.1 - 0.05 * s) / a + (-0.2 - 0.05 * s) / b)
        });
        let delta = equal.delta_m.as_ref().unwrap();
        assert!((delta.mean - per_seed.iter().sum::<f64>() / 4.0).abs() < 1e-9 && delta.n == 4, "{delta:?}");
        assert_eq!(alone.no_delta_m.as_deref(), Some("it is the baseline"));

        // y1: equal 1, alone 2, upgrad 3 always; y2: equal last, the others change places.
        let test = found.ranks.as_ref().unwrap();
        assert_eq!(test.friedman.n, 8);
        assert_eq!(test.friedman.mean_ranks, [1.75, 2.0, 2.25]);
        assert_eq!(alone.mean_rank, Some(1.75));
        assert_eq!(found.chosen.as_deref(), Some("hard + upgrad"), "by validation, where less is better");
        let text = to_text(&found);
        for part in
            ["y1 rmse ↓", "▼", "▲", "8 blocks (2 tasks x 4 seeds), 3 methods", "best on validation: hard + upgrad"]
        {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
        let json = serde_json::to_string(&found).unwrap();
        assert_eq!(serde_json::from_str::<Comparison>(&json).unwrap(), found);
    }

    #[test]
    fn a_lost_run_costs_its_own_seed_only() {
        let (plan, splits) = plan(TWO);
        let cells = plan.cells(&splits.info).unwrap();
        let lost = |cell: &Cell| match (cell.subject, cell.seed) {
            (Subject::Method(1), 2) | (Subject::Alone(1), 3) => Err("loss of task y1 is not finite".to_owned()),
            _ => ended(cell),
        };
        let outcomes: Vec<Ended> = cells.iter().map(lost).collect();
        let found = analyze(&plan, &splits, &cells, &outcomes).unwrap();
        let [alone, equal, upgrad] = &found.methods[..] else { panic!("three rows") };
        assert_eq!((&alone.seeds[..], &upgrad.seeds[..]), (&[0, 1, 2][..], &[0, 1, 3][..]));
        assert_eq!(equal.delta_m.as_ref().unwrap().n, 3, "seeds with a baseline");
        assert_eq!(upgrad.delta_m.as_ref().unwrap().n, 2);
        assert_eq!(found.failures.len(), 2);
        assert!(found.ranks.is_none() && found.no_ranks.as_ref().unwrap().contains("at least 2"));
        assert!(to_text(&found).contains("failed: hard + upgrad, seed 2: loss of task y1"));
    }

    #[test]
    fn without_baselines_or_with_bad_ones_there_is_no_delta() {
        let (plan, splits) = plan("[compare]\nbaselines = false\nseeds = 2\n");
        let cells = plan.cells(&splits.info).unwrap();
        let outcomes: Vec<Ended> = cells.iter().map(ended).collect();
        let found = analyze(&plan, &splits, &cells, &outcomes).unwrap();
        assert_eq!(found.methods[0].no_delta_m.as_deref(), Some("there are no baselines"));
        assert!(found.methods[0].transfer.is_empty());
        assert!(found.no_ranks.unwrap().contains("methods must be at least 2"));

        let (plan, splits) = self::plan("[compare]\nseeds = 2\n");
        let cells = plan.cells(&splits.info).unwrap();
        let zero = |cell: &Cell| match cell.subject {
            Subject::Alone(0) => Ok(outcome(&[("y1", 0.0)], 0.0)),
            _ => ended(cell),
        };
        let outcomes: Vec<Ended> = cells.iter().map(zero).collect();
        let found = analyze(&plan, &splits, &cells, &outcomes).unwrap();
        let reason = found.methods[1].no_delta_m.as_ref().unwrap();
        assert!(reason.contains("away from zero"), "{reason}");
        assert!(to_text(&found).contains("no delta_m"));
    }

    /// It judges no task: no column, no place in ranks and Pareto set, a sentence of its own.
    #[test]
    fn a_joint_metric_is_no_task() {
        let (plan, splits) = plan(&TWO.replace("[compare]\n", "[compare]\nbaselines = false\n"));
        let cells = plan.cells(&splits.info).unwrap();
        let with_joint = |cell: &Cell| {
            let mut outcome = ended(cell)?;
            outcome.0.test.joint.push(JointEntry {
                name: "both".into(),
                kind: JointKind::AllCorrect,
                tasks: ["y1", "y2"].map(|task| TaskName::new(task).unwrap()).to_vec(),
                direction: Direction::Maximize,
                outcome: MetricValue::defined(0.5, 4),
                left_out: 0,
            });
            Ok(outcome)
        };
        let outcomes: Vec<Ended> = cells.iter().map(with_joint).collect();
        let found = analyze(&plan, &splits, &cells, &outcomes).unwrap();
        assert_eq!(found.tasks.iter().map(|column| column.task.as_str()).collect::<Vec<_>>(), ["y1", "y2"]);
        assert_eq!(found.ranks.as_ref().unwrap().friedman.n, 8, "two tasks, four seeds");
        let text = to_text(&found);
        assert!(text.contains("both (all of y1 + y2): hard + equal 0.5000"), "{text}");
        let plain = analyze(&plan, &splits, &cells, &cells.iter().map(ended).collect::<Vec<_>>()).unwrap();
        for (method, plain) in found.methods.iter().zip(&plain.methods) {
            assert_eq!((method.unbeaten, method.mean_rank), (plain.unbeaten, plain.mean_rank));
            assert_eq!((&method.metrics, method.joint.len(), plain.joint.len()), (&plain.metrics, 1, 0));
        }
        let json = serde_json::to_string(&found).unwrap();
        assert_eq!(serde_json::from_str::<Comparison>(&json).unwrap(), found);
        assert!(!serde_json::to_string(&plain).unwrap().contains("\"joint\""), "as before where there is none");
    }
}
