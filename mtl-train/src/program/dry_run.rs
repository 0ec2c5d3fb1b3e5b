//! `mtl train --dry-run`: the findings of a [`DryRun`] as tables.

use crate::{Result, analysis::dry_run::DryRun, monitor::console::out};

use super::table::{bytes, count, table};

pub(super) fn show(run: &DryRun) -> Result<()> {
    let mut layers = table(&["layer", "owner", "output", "parameters", "MACs/sample"], 2);
    for layer in &run.layers {
        let shape: Vec<String> = layer.shape.iter().map(ToString::to_string).collect();
        let shape = format!("[{}]", shape.join(", "));
        let (parameters, macs) = (count(layer.parameters as u64), count(layer.multiply_adds));
        layers.add_row([layer.name.clone(), layer.owner.clone(), shape, parameters, macs]);
    }
    out(&layers)?;
    let mut tasks = table(&["task", "head", "reads", "gives", "own", "shared", "labels", "first loss", "weight"], 4);
    for task in &run.tasks {
        tasks.add_row([
            task.task.clone(),
            task.head.to_owned(),
            task.input.clone(),
            task.output.clone(),
            count(task.own as u64),
            count(task.shared as u64),
            format!("{:.0}", task.known),
            task.loss.map_or_else(|| "-".into(), |loss| format!("{loss:.4}")),
            format!("{:.3}", task.weight),
        ]);
    }
    out(&tasks)?;
    for task in &run.tasks {
        if let Some(target) = &task.target {
            out(format_args!("target      {}: {target}", task.task))?;
        }
    }
    for finding in &run.findings {
        out(format_args!("{:<11} {}: {}", finding.level.to_string(), finding.place, finding.message))?;
    }
    let macs = run.size.multiply_adds;
    out(format_args!(
        "parameters  {} ({} shared)\ncompute     {} multiply-adds a sample forward, {}FLOP a batch of {} forward and backward",
        count(run.size.total() as u64),
        count(run.size.shared as u64),
        count(macs),
        // Two operations a multiply-add; backward is twice forward.
        count(6 * macs * run.batch_size as u64) + " ",
        run.batch_size,
    ))?;
    let memory = &run.memory;
    out(format_args!(
        "memory      {} = {} weights + {} gradients + {} optimizer + {} layer outputs + {} task gradients",
        bytes(memory.total()),
        bytes(memory.weights),
        bytes(memory.gradients),
        bytes(memory.optimizer),
        bytes(memory.activations),
        bytes(memory.task_rows),
    ))?;
    let score = run.score.map_or_else(|| "undefined on one batch".to_owned(), |s| format!("{s:.4}"));
    out(format_args!("validation  score {score} on one batch, untrained but for one step"))?;
    for left_out in &run.left_out {
        let why = "validation labels do not define it, train.selection goes without it";
        out(format_args!("left out    {left_out}: {why}"))?;
    }
    out(format_args!("step        {:.3} s, {} an epoch; nothing was written", run.seconds, run.batches_per_epoch))
}
