//! `report.json`: the figures of a bench run. The keys are kept stable; new ones may be added.
//!
//! | key | content |
//! |---|---|
//! | `suite`, `dataset`, `source` | what ran, on what; `source` is `real` or `synthetic` |
//! | `models[]` | `name`, `tasks.{task}.{metric}` (test split, mean over seeds), `spread` (standard deviations, same keys), `composite` (mean AUROC), `delta_m` (percent against single task, `null` for that), `params`, `seconds_per_epoch`, `samples_per_second`, `seeds` |
//! | `step[]` | `model`, `tasks`, `mode`; `ratio_to_floor`: time over (forward + one backward pass per task), `ratio_to_equal`: over the step with equal weights, medians of paired runs; `gramian_error`, `direction_error`: relative, against exact rows |
//! | `memory[]` | `model`, `tasks`, `mode`; `used`: peak of a step in MB, parameters included; `bound`: parameters x (tasks + 1) + forward |
//! | `load[]` | `way`, `neighbor`, `threads`, `samples_per_second`, `of_quiet`: medians over rounds |
//! | `stream` | `rows`, `seconds`, `rows_per_second`, `change_at`; `parts[]`: `rows`, `resident_mb`, `metrics`; `noticed`: task and row |
//! | `ranks[]` | `network`, `batch`, `ranks`; `one`, `several`: samples per second, `ratio`: medians over rounds; `spread`: of the ratios; `auto`: ranks that would be chosen |
//! | `fuzz` | `first`, `pairs`, `seconds`; `verdicts`: pairs by where their way ended; `faults`: by message |
//! | `toy` | `outcomes[]`: `method`, `scale`, `runs[]` with `start`, `end`, `reached` (step or `null`); `checks[]` |
//! | `optimizer` | `fused_adamw_speedup`: tch's AdamW time over ours, 10 M parameters in 100 tensors |
//! | `environment` | versions, threads, processor |

use std::collections::BTreeMap;

use mtl_train::study::compare::{MethodResult, TaskColumn};
use serde::Serialize;

/// Test metrics: task to metric to value.
pub(crate) type Scores = BTreeMap<String, BTreeMap<String, f64>>;

/// The whole report.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    pub(crate) suite: &'static str,
    pub(crate) dataset: Option<&'static str>,
    pub(crate) source: Option<&'static str>,
    pub(crate) models: Vec<ModelSummary>,
    pub(crate) step: Vec<StepRatio>,
    pub(crate) memory: Vec<StepMemory>,
    pub(crate) optimizer: Option<OptimizerRatio>,
    pub(crate) load: Vec<crate::load::LoadRate>,
    pub(crate) stream: Option<crate::stream::StreamFigures>,
    pub(crate) ranks: Vec<crate::ranks::RankRate>,
    pub(crate) fuzz: Option<crate::fuzz::Fuzz>,
    pub(crate) toy: Option<crate::toy::Toy>,
    pub(crate) environment: BTreeMap<&'static str, String>,
}

/// One model over its seeds.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ModelSummary {
    pub(crate) name: String,
    pub(crate) tasks: Scores,
    pub(crate) spread: Scores,
    pub(crate) composite: f64,
    pub(crate) delta_m: Option<f64>,
    pub(crate) params: usize,
    pub(crate) seconds_per_epoch: f64,
    pub(crate) samples_per_second: f64,
    pub(crate) seeds: u64,
}

/// One timing of a step.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct StepRatio {
    pub(crate) model: &'static str,
    pub(crate) tasks: usize,
    pub(crate) mode: &'static str,
    pub(crate) floor_ms: f64,
    pub(crate) step_ms: f64,
    pub(crate) ratio_to_floor: f64,
    pub(crate) ratio_to_equal: f64,
    pub(crate) gramian_error: Option<f64>,
    pub(crate) direction_error: Option<f64>,
}

/// Peak memory of a step, in MB.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct StepMemory {
    pub(crate) model: &'static str,
    pub(crate) tasks: usize,
    pub(crate) mode: &'static str,
    pub(crate) parameters: f64,
    pub(crate) forward: f64,
    pub(crate) used: f64,
    pub(crate) bound: f64,
}

/// Our optimizer against tch's.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct OptimizerRatio {
    pub(crate) tch_ms: f64,
    pub(crate) fused_ms: f64,
    pub(crate) fused_adamw_speedup: f64,
}

impl Summary {
    pub(crate) fn new(suite: &'static str) -> Self {
        Self {
            suite,
            dataset: None,
            source: None,
            models: Vec::new(),
            step: Vec::new(),
            memory: Vec::new(),
            optimizer: None,
            load: Vec::new(),
            stream: None,
            ranks: Vec::new(),
            fuzz: None,
            toy: None,
            environment: environment(),
        }
    }
}

fn environment() -> BTreeMap<&'static str, String> {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
        let line = text.lines().find(|l| l.starts_with("model name"))?;
        Some(line.split(':').nth(1)?.trim().to_owned())
    });
    BTreeMap::from([
        ("toolkit", env!("CARGO_PKG_VERSION").to_owned()),
        ("libtorch", "2.11.0".to_owned()),
        ("threads", tch::get_num_threads().to_string()),
        ("cores", std::thread::available_parallelism().map_or_else(|_| "unknown".into(), |n| n.to_string())),
        ("processor", cpu.unwrap_or_else(|| std::env::consts::ARCH.to_owned())),
        ("profile", if cfg!(debug_assertions) { "debug" } else { "release" }.to_owned()),
    ])
}

impl ModelSummary {
    /// The figures of one method of a comparison.
    pub(crate) fn new(method: &MethodResult, tasks: &[TaskColumn]) -> Self {
        let (mut scores, mut spread) = (Scores::new(), Scores::new());
        for metric in method.metrics.iter().chain(&method.joint) {
            let Some(estimate) = &metric.estimate else { continue };
            let put = |map: &mut Scores, value| {
                map.entry(metric.task.clone()).or_default().insert(metric.metric.clone(), value);
            };
            put(&mut scores, estimate.mean);
            put(&mut spread, estimate.sd.unwrap_or(0.0));
        }
        let primary: Vec<f64> = method.primary(tasks).filter_map(|m| Some(m?.estimate.as_ref()?.mean)).collect();
        #[expect(clippy::cast_precision_loss, reason = "a count of tasks")]
        let composite = primary.iter().sum::<f64>() / primary.len().max(1) as f64;
        Self {
            name: method.name.clone(),
            tasks: scores,
            spread,
            composite,
            delta_m: method.delta_m.as_ref().map(|delta| delta.mean),
            params: method.parameters,
            seconds_per_epoch: method.seconds_per_epoch.as_ref().map_or(0.0, |s| s.mean),
            samples_per_second: method.samples_per_second.unwrap_or(0.0),
            seeds: method.seeds.len() as u64,
        }
    }
}
