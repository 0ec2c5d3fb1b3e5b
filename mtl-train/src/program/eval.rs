//! `mtl eval`: the metrics of a finished run on one of its splits.

use std::path::PathBuf;

use crate::{Result, monitor::console::out, run::post_hoc::Answered};
use clap::Args as ClapArgs;
use mtl_core::task::TaskName;

use super::{
    post_hoc,
    run::DataFlags,
    split::Split,
    table::{table, value},
};

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// The run's folder.
    run: PathBuf,
    #[command(flatten)]
    data: DataFlags,
    /// Which samples.
    #[arg(long, value_enum, default_value_t = Split::Test)]
    split: Split,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> Result<()> {
    let (dir, session, _) = args.data.open(&args.run)?;
    let (report, constant) = match args.split {
        Split::Validation => (session.validate()?, session.validate_constant()?),
        Split::Test => (session.test()?, session.test_constant()?),
    };
    let fits = dir.fits(session.plan())?;
    let verdicts = fits.as_ref().map(|fits| {
        let split = match args.split {
            Split::Validation => &session.validation,
            Split::Test => session.test_loader(),
        };
        fits.judge(session.plan(), &Answered::read(session.plan(), session.trainer.model(), split)?)
    });
    let verdicts = verdicts.transpose()?.unwrap_or_default();
    let fitted = || fits.iter().flat_map(|fits| &fits.tasks).zip(&verdicts);
    if args.json {
        let mut all = serde_json::json!(report);
        if let (Some(all), true) = (all.as_object_mut(), fits.is_some()) {
            let verdicts: serde_json::Map<_, _> =
                fitted().map(|(own, found)| (own.task.to_string(), serde_json::json!(found))).collect();
            all.insert("post_hoc".into(), verdicts.into());
        }
        out(format_args!("{all:#}"))?;
        return Ok(());
    }
    let mut table = table(&["task", "metric", "value", "constant"], 2);
    for result in &report.tasks {
        for (idx, entry) in result.metrics.iter().enumerate() {
            let task = if idx == 0 { result.task.to_string() } else { String::new() };
            let constant = constant.entry(result.task.as_str(), &entry.metric)?;
            table.add_row([task, entry.metric.clone(), value(&entry.outcome), value(&constant.outcome)]);
        }
    }
    for entry in &report.joint {
        let tasks: Vec<&str> = entry.tasks.iter().map(TaskName::as_str).collect();
        let constant = constant.joint(&entry.name)?;
        table.add_row([tasks.join(" + "), entry.name.clone(), value(&entry.outcome), value(&constant.outcome)]);
    }
    out(&table)?;
    for entry in report.joint.iter().filter(|entry| entry.left_out > 0) {
        out(format_args!("{}: {} samples are not labeled in all of its tasks", entry.name, entry.left_out))?;
    }
    out("constant: what answers without a look at the input have")?;
    fitted()
        .try_for_each(|(own, found)| post_hoc::show(own.task.as_str(), &own.fit.describe(), found, &|line| out(line)))
}
