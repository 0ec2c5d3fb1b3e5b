//! Trains every candidate on every seed and gathers what the report shows.

use std::collections::BTreeMap;

use mtl_attention::AttentionSummary;
use mtl_core::{context::Cx, mode::Mode};
use mtl_data::{DatasetConfig, Origin, Splits};
use mtl_metrics::{
    RocCurve,
    MetricReport,
    aggregate::{Aggregate, DeltaM},
};
use mtl_train::{
    Result,
    progress::Progress,
    session::Session,
    trainer::{EpochSummary, evaluate, metrics_of},
};

use crate::{
    models::{Candidate, candidates},
    summary::{ModelSummary, Scores, Summary, mean_spread},
};

/// What the page shows of one candidate beyond the table; curves and maps are of the first seed.
#[derive(Debug, Default)]
pub(crate) struct Detail {
    pub(crate) name: String,
    pub(crate) about: String,
    pub(crate) tasks: Vec<String>,
    /// Epochs per run: one run for all tasks, or one per task.
    pub(crate) histories: Vec<Vec<EpochSummary>>,
    pub(crate) roc: Vec<(String, RocCurve)>,
    pub(crate) attention: Vec<AttentionSummary>,
}

/// One run's outcome.
struct Run {
    report: MetricReport,
    params: usize,
    seconds_per_epoch: f64,
    samples: f64,
    history: Vec<EpochSummary>,
    roc: Vec<(String, RocCurve)>,
    attention: Vec<AttentionSummary>,
}

const ROC_POINTS: usize = 300;

pub(crate) fn compare(
    data: &DatasetConfig,
    epochs: u64,
    seeds: u64,
    only: Option<&str>,
    summary: &mut Summary,
) -> Result<Vec<Detail>> {
    eprintln!("reading {}", data.name());
    let splits = data.load()?;
    summary.dataset = Some(data.name());
    summary.source = Some(match splits.origin {
        Origin::Real => "real",
        Origin::Synthetic => "synthetic",
    });
    let tasks: Vec<String> = splits.info.tasks.iter().map(|t| t.name.to_string()).collect();
    let mut baselines: Vec<Option<MetricReport>> = Vec::new();
    let mut details = Vec::new();
    for candidate in candidates() {
        if only.is_some_and(|part| !candidate.separate && !candidate.name.contains(part)) {
            continue;
        }
        let mut reports = Vec::new();
        let mut figures = Vec::new();
        let mut detail = Detail {
            name: candidate.name.into(),
            about: candidate.about.into(),
            tasks: tasks.clone(),
            ..Default::default()
        };
        for seed in 0..seeds {
            let runs = run_seed(&candidate, data, &splits, &tasks, epochs, seed)?;
            figures.push((
                runs.iter().map(|r| r.params).sum::<usize>(),
                runs.iter().map(|r| r.seconds_per_epoch).sum::<f64>(),
                runs.iter().map(|r| r.samples).fold(0.0, f64::max),
            ));
            let mut joined = Vec::new();
            for run in runs {
                joined.push(run.report);
                if seed == 0 {
                    detail.histories.push(run.history);
                    detail.roc.extend(run.roc);
                    detail.attention.extend(run.attention);
                }
            }
            reports.push(MetricReport::join(joined)?);
        }
        if candidate.separate {
            baselines = reports.iter().cloned().map(Some).collect();
        }
        summary.models.push(summarize(&candidate, &reports, &baselines, &figures)?);
        details.push(detail);
    }
    Ok(details)
}

/// One run for all tasks, or one per task.
fn run_seed(
    candidate: &Candidate,
    data: &DatasetConfig,
    splits: &Splits,
    tasks: &[String],
    epochs: u64,
    seed: u64,
) -> Result<Vec<Run>> {
    let groups: Vec<Vec<String>> = match candidate.separate {
        true => tasks.iter().map(|t| vec![t.clone()]).collect(),
        false => vec![tasks.to_vec()],
    };
    let mut runs = Vec::with_capacity(groups.len());
    for group in groups {
        let config = candidate.config(data, &group, epochs, seed)?;
        let mut session = Session::new(&config, splits)?;
        let title = match candidate.separate {
            true => format!("{} ({})", candidate.name, group.join(", ")),
            false => candidate.name.to_owned(),
        };
        let total = session.trainer.total_steps(&session.train);
        let mut progress = Progress::new(&title, session.trainer.model().tasks(), total);
        session.trainer.fit(&session.train, &session.validation, &mut progress, None)?;
        runs.push(finish(&session)?);
    }
    Ok(runs)
}

#[expect(clippy::cast_precision_loss, reason = "counts of epochs and samples")]
fn finish(session: &Session) -> Result<Run> {
    let model = session.trainer.model();
    let mut metrics = metrics_of(model)?;
    let report = evaluate(model, session.test_loader(), &mut metrics)?;
    let mut roc = Vec::new();
    for (task_idx, task) in model.tasks().iter().enumerate() {
        if let Some(Ok(curve)) = metrics.roc_curves(task_idx, ROC_POINTS).into_iter().next() {
            roc.push((task.name.to_string(), curve));
        }
    }
    let history = session.trainer.history().to_vec();
    let seconds: f64 = history.iter().map(|e| e.seconds).sum();
    let seconds_per_epoch = seconds / history.len().max(1) as f64;
    Ok(Run {
        report,
        params: model.params().numel(),
        seconds_per_epoch,
        samples: session.train.source().len() as f64,
        history,
        roc,
        attention: attention(session)?,
    })
}

/// Mean attention maps over the first batches of the test split; empty for models without attention.
fn attention(session: &Session) -> Result<Vec<AttentionSummary>> {
    const BATCHES: usize = 4;
    let mut summaries: Vec<AttentionSummary> = Vec::new();
    for batch in session.test_loader().epoch(0)?.take(BATCHES) {
        let batch = batch?;
        let cx = Cx::new(Mode::Eval).with_traces();
        session.trainer.model().predict_with(&batch.inputs, &cx)?;
        for (idx, trace) in cx.take_traces().iter().enumerate() {
            match summaries.get_mut(idx) {
                Some(summary) => summary.add(trace)?,
                None => summaries.push(AttentionSummary::new(trace)?),
            }
        }
    }
    Ok(summaries)
}

fn summarize(
    candidate: &Candidate,
    reports: &[MetricReport],
    baselines: &[Option<MetricReport>],
    figures: &[(usize, f64, f64)],
) -> Result<ModelSummary> {
    let mut values: BTreeMap<(String, String), Vec<f64>> = BTreeMap::new();
    let mut composites = Vec::new();
    let mut deltas = Vec::new();
    for (report, baseline) in reports.iter().zip(baselines) {
        let mut primary = Vec::new();
        for task in &report.tasks {
            for (idx, entry) in task.metrics.iter().enumerate() {
                if let Some(value) = entry.outcome.value {
                    values.entry((task.task.to_string(), entry.metric.clone())).or_default().push(value);
                    if idx == 0 {
                        primary.push(value);
                    }
                }
            }
        }
        composites.push(mean_spread(&primary).0);
        if let Some(baseline) = baseline.as_ref().filter(|_| !candidate.separate) {
            deltas.extend(DeltaM::new(primary_of(baseline))?.compute(report)?.value);
        }
    }
    let (mut tasks, mut spread) = (Scores::new(), Scores::new());
    for ((task, metric), list) in values {
        let (mean, deviation) = mean_spread(&list);
        tasks.entry(task.clone()).or_default().insert(metric.clone(), mean);
        spread.entry(task).or_default().insert(metric, deviation);
    }
    let seconds: Vec<f64> = figures.iter().map(|f| f.1).collect();
    let seconds_per_epoch = mean_spread(&seconds).0;
    Ok(ModelSummary {
        name: candidate.name.into(),
        tasks,
        spread,
        composite: mean_spread(&composites).0,
        delta_m: (!deltas.is_empty()).then(|| mean_spread(&deltas).0),
        params: figures.first().map_or(0, |f| f.0),
        seconds_per_epoch,
        samples_per_second: figures.first().map_or(0.0, |f| f.2) / seconds_per_epoch.max(1e-9),
        seeds: reports.len() as u64,
    })
}

/// Only the first metric of each task, which is the primary one.
fn primary_of(report: &MetricReport) -> MetricReport {
    let mut report = report.clone();
    report.tasks.iter_mut().for_each(|t| t.metrics.truncate(1));
    report
}
