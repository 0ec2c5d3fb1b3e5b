//! The step of every mode against its floor and against equal weights, with what it holds and how exact it is.
//!
//! The floor is what no method can avoid that looks at exact gradients of every task without knowing the layers: one
//! forward pass and one backward pass per task. All variants run in turn on the same model and batch, and ratios are
//! medians of the pairs' ratios, so that a busy moment of the machine hits all.

mod cases;
pub(crate) mod memory;
pub(crate) mod optimizer;

use std::time::Instant;

use cases::{Subject, cases};
use mtl_core::{
    balance::{Balancer, BalancerConfig, Evidence, Gramian, Method, Needs, Outcome},
    context::Cx,
    mode::Mode,
    shim::{self, Graph},
    step::{
        Forward, Gradients, Policy, StepEngine, StepMode, StepReport,
        mode::factored::{FactoredConfig, GramianForm},
    },
};
use mtl_train::Result;
use tch::Tensor;

use crate::summary::{StepRatio, Summary};

pub(crate) fn measure(thorough: bool, only: Option<&str>, summary: &mut Summary) -> Result<()> {
    let counts: &[usize] = if thorough { &[2, 3, 8] } else { &[2] };
    for case in cases() {
        if !(thorough || case.quick) || only.is_some_and(|o| !case.name.contains(o)) {
            continue;
        }
        for &n_tasks in counts {
            eprintln!("timing the step: {}, {n_tasks} tasks", case.name);
            let subject = case.subject(n_tasks)?;
            let variants = variants(&subject, thorough, case.tiny)?;
            let rows = compare(case.name, &subject, variants, if thorough { 12.0 } else { 3.0 })?;
            // As they come: all of them take many minutes.
            for row in &rows {
                let StepRatio { mode, step_ms, ratio_to_floor, ratio_to_equal, .. } = row;
                eprintln!("  {mode:18} {step_ms:9.2} ms {ratio_to_floor:7.3} of floor {ratio_to_equal:7.3} of equal");
            }
            summary.step.extend(rows);
        }
    }
    if thorough {
        summary.memory = memory::measure(&cases().iter().map(|c| c.name).collect::<Vec<_>>(), only)?;
    }
    Ok(())
}

/// A way to compute a step.
struct Variant {
    name: &'static str,
    engine: StepEngine,
    /// Against the exact Gramian and against exact rows combined with the same weights.
    accuracy: Option<(f64, f64)>,
}

fn variants(subject: &Subject, thorough: bool, tiny: bool) -> Result<Vec<Variant>> {
    let exact_form = FactoredConfig { gramian: GramianForm::Exact, ..FactoredConfig::default() };
    let mut modes = vec![("exact", StepMode::default())];
    if thorough {
        modes.push(("representation", StepMode::by_name("representation")?));
        modes.push(("factored, sketch", StepMode::by_name("factored")?));
        modes.push(("factored, exact", StepMode::Factored(exact_form)));
    }
    if thorough && tiny {
        modes.push(("batched", StepMode::by_name("batched")?));
        modes.push(("low-memory", StepMode::by_name("low-memory")?));
    }
    let mut variants = vec![Variant {
        name: "equal",
        engine: engine(subject, BalancerConfig::by_name("equal")?.build(&subject.tasks)?, StepMode::default())?,
        accuracy: None,
    }];
    for (name, mode) in modes {
        let accuracy = match mode {
            StepMode::Factored(_) => Some(accuracy(subject, &mode)?),
            _ => None,
        };
        let method = BalancerConfig::by_name("upgrad")?.build(&subject.tasks)?;
        variants.push(Variant { name, engine: engine(subject, method, mode)?, accuracy });
    }
    Ok(variants)
}

fn engine(subject: &Subject, method: impl Into<Method>, mode: StepMode) -> Result<StepEngine> {
    let engine = StepEngine::new(subject.tasks.clone(), subject.model.params(), method, Policy::default());
    Ok(engine.with_mode(mode)?)
}

fn compare(model: &'static str, subject: &Subject, mut variants: Vec<Variant>, seconds: f64) -> Result<Vec<StepRatio>> {
    let (mut floors, mut equals) = (Vec::new(), Vec::new());
    let mut times = vec![Vec::new(); variants.len()];
    let start = Instant::now();
    for round in 0u64.. {
        let floor = timed(|| floor(subject))?;
        let mut round_times = Vec::with_capacity(variants.len());
        for variant in &mut variants {
            round_times.push(timed(|| step(subject, &mut variant.engine, round).map(drop))?);
        }
        // The first rounds fill caches and grow buffers; of slow models one is enough.
        let slow = floor > 0.5;
        if round >= if slow { 1 } else { 2 } {
            floors.push(floor);
            equals.push(round_times[0]);
            times.iter_mut().zip(round_times).for_each(|(list, t)| list.push(t));
        }
        if round >= if slow { 3 } else { 6 } && start.elapsed().as_secs_f64() > seconds {
            break;
        }
    }
    let ratio =
        |times: &[f64], base: &[f64]| median(&mut times.iter().zip(base).map(|(t, b)| t / b).collect::<Vec<_>>());
    let rows = variants.iter().zip(&times).map(|(variant, times)| StepRatio {
        model,
        tasks: subject.tasks.len(),
        mode: variant.name,
        floor_ms: median(&mut floors.clone()) * 1e3,
        step_ms: median(&mut times.clone()) * 1e3,
        ratio_to_floor: ratio(times, &floors),
        ratio_to_equal: ratio(times, &equals),
        gramian_error: variant.accuracy.map(|a| a.0),
        direction_error: variant.accuracy.map(|a| a.1),
    });
    Ok(rows.collect())
}

fn forward(subject: &Subject, tape: bool) -> Result<Forward> {
    let cx = Cx::new(Mode::Train);
    let cx = if tape { cx.with_tape() } else { cx };
    subject.model.losses(&subject.batch, &cx)
}

fn step(subject: &Subject, engine: &mut StepEngine, round: u64) -> Result<(Option<Gradients>, StepReport)> {
    let forward = forward(subject, engine.wants_tape())?;
    Ok(engine.backward(subject.model.params(), &forward, round)?)
}

/// Forward and one backward pass per task over the shared and the task's own parameters; gradients are dropped.
fn floor(subject: &Subject) -> Result<()> {
    let losses = forward(subject, false)?.losses;
    let params = subject.model.params();
    let n = losses.len();
    for (t, loss) in losses.iter().enumerate() {
        let positions = params.shared().into_iter().chain(params.owned_by(t));
        let inputs: Vec<&Tensor> = positions.map(|p| params.params()[p].tensor()).collect();
        let graph = if t + 1 < n { Graph::Keep } else { Graph::Free };
        std::hint::black_box(shim::grad(&[&loss.sum], None, &inputs, graph)?);
    }
    Ok(())
}

/// Weights that differ from task to task, whatever the Gramian.
#[derive(Debug)]
struct Ramp;

impl Balancer for Ramp {
    fn name(&self) -> &'static str {
        "ramp"
    }

    fn needs(&self) -> Needs {
        Needs::gramian()
    }

    fn weigh(&mut self, _: &Evidence<'_>, weights: &mut [f64]) -> mtl_core::Result<Outcome> {
        #[expect(clippy::cast_precision_loss, reason = "a count of tasks")]
        weights.iter_mut().enumerate().for_each(|(t, w)| *w = 0.5 + t as f64);
        Ok(Outcome::default())
    }
}

/// Errors of the Gramian (root mean square over seeds, Frobenius norm) and of the direction (largest over parameters),
/// against exact rows.
fn accuracy(subject: &Subject, mode: &StepMode) -> Result<(f64, f64)> {
    const SEEDS: u64 = 5;
    let run = |mode: StepMode| step(subject, &mut engine(subject, Box::new(Ramp), mode)?, 0);
    let (exact, reference) = run(StepMode::default())?;
    let (mut square, mut worst) = (0.0, 0.0f64);
    for seed in 0..SEEDS {
        let mode = match mode {
            StepMode::Factored(c) => StepMode::Factored(FactoredConfig { seed, tolerance: f64::INFINITY, ..*c }),
            other => other.clone(),
        };
        let (found, report) = run(mode)?;
        if let (Some(a), Some(b)) = (&report.gramian, &reference.gramian) {
            square += distance(a, b).powi(2);
        }
        if let (Some(a), Some(b)) = (&found, &exact) {
            for (p, y) in b.iter() {
                let x = a.get(p).ok_or(mtl_core::Error::State { what: "step".into(), reason: "no gradient".into() })?;
                let error = f64::try_from((x - y).norm() / (y.norm() + 1e-30)).map_err(mtl_core::Error::from)?;
                worst = worst.max(error);
            }
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "a handful of seeds")]
    Ok(((square / SEEDS as f64).sqrt(), worst))
}

fn distance(a: &Gramian, b: &Gramian) -> f64 {
    let (mut difference, mut whole) = (0.0, 0.0);
    for i in 0..b.m() {
        for j in 0..b.m() {
            difference += (a.get(i, j) - b.get(i, j)).powi(2);
            whole += b.get(i, j).powi(2);
        }
    }
    (difference / whole).sqrt()
}

fn timed(work: impl FnOnce() -> Result<()>) -> Result<f64> {
    let start = Instant::now();
    work()?;
    Ok(start.elapsed().as_secs_f64())
}

/// Not a number of none.
pub(crate) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
