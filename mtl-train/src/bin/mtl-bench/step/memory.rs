//! Peak memory of a step, each in a process of its own: an allocator that has grown once hides every later peak.
//!
//! ```text
//! used(step) = resident peak during the step - resident before it + parameters
//! bound      = parameters x (K + 1) + forward
//! forward    = resident peak during a forward pass - resident before it
//! ```
//! Linux only (`/proc/self`); elsewhere nothing is measured. The child keeps glibc from holding on to freed blocks.

use std::{env, process::Command};

use mtl_core::{balance::BalancerConfig, step::StepMode};
use mtl_train::{Error, Result, run::memory::PeakMemory};

use super::{cases::cases, engine, forward, step};
use crate::summary::StepMemory;

/// The tasks that memory is measured for.
const TASKS: usize = 8;

/// Measures every named case in a child process.
pub(super) fn measure(names: &[&'static str], only: Option<&str>) -> Result<Vec<StepMemory>> {
    let program = env::current_exe().map_err(|e| Error::io("mtl-bench", "cannot find the program", e))?;
    let mut found = Vec::new();
    for (index, &model) in names.iter().enumerate().filter(|(_, n)| only.is_none_or(|o| n.contains(o))) {
        for mode in ["exact", "factored", "representation"] {
            eprintln!("memory of the step: {model}, {TASKS} tasks, {mode}");
            let output = Command::new(&program)
                .args(["--memory-of", &format!("{index}:{mode}")])
                .env("MALLOC_MMAP_THRESHOLD_", "16384")
                .env("MALLOC_TRIM_THRESHOLD_", "16384")
                .output()
                .map_err(|e| Error::io(&program, "cannot run", e))?;
            let text = String::from_utf8_lossy(&output.stdout);
            let numbers: Vec<f64> = text.split_whitespace().filter_map(|w| w.parse().ok()).collect();
            if let [parameters, forward, used] = numbers[..] {
                #[expect(clippy::cast_precision_loss, reason = "a count of tasks")]
                let bound = parameters * (TASKS as f64 + 1.0) + forward;
                found.push(StepMemory { model, tasks: TASKS, mode, parameters, forward, used, bound });
            } else if !output.status.success() {
                eprintln!("not measured: {}", String::from_utf8_lossy(&output.stderr).trim());
            }
        }
    }
    Ok(found)
}

/// What the child does: prints parameters, forward and used memory in MB.
#[expect(clippy::print_stdout, reason = "what the parent reads")]
pub(crate) fn child(what: &str) -> Result<()> {
    let (index, mode) = what.split_once(':').unwrap_or((what, "exact"));
    let index: usize = index.parse().unwrap_or(0);
    let Some(case) = cases().into_iter().nth(index) else { return Ok(()) };
    let subject = case.subject(TASKS)?;
    let method = BalancerConfig::by_name("upgrad")?.build(&subject.tasks)?;
    let mut engine = engine(&subject, method, StepMode::by_name(mode)?)?;
    // Libraries allocate their own buffers once.
    drop(step(&subject, &mut engine, 0)?);
    let peak = |work: &mut dyn FnMut() -> Result<()>| -> Result<f64> {
        let measured = PeakMemory::start();
        work()?;
        measured.megabytes().ok_or_else(|| {
            let e = std::io::Error::other("the system does not tell");
            Error::io("/proc/self/status", "cannot measure peak memory", e)
        })
    };
    let forward = peak(&mut || forward(&subject, engine.wants_tape()).map(drop))?;
    let step = peak(&mut || step(&subject, &mut engine, 1).map(drop))?;
    #[expect(clippy::cast_precision_loss, reason = "megabytes")]
    let parameters = subject.model.params().numel_of(&subject.model.params().shared()) as f64 * 4.0 / 1e6;
    println!("{parameters} {forward} {}", step + parameters);
    Ok(())
}
