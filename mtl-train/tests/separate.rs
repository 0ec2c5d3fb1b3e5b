//! Tasks with data sets of their own: every batch belongs to one task, in proportion to the sizes.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::{path::Path, sync::Arc};

use mtl_data::{ForTasks, LoaderConfig, MultiConfig, MultiLoader, Source, Subset, TaskSampler};
use mtl_train::{
    config::RunConfig,
    run::session::Session,
    train::trainer::{Observer, StepSummary},
};

/// Counts the steps of each task.
#[derive(Default)]
struct Steps([u64; 2]);

impl Observer for Steps {
    fn step(&mut self, step: &StepSummary<'_>) {
        let [task] = step.report.active[..] else { panic!("one task per batch, found {:?}", step.report.active) };
        self.0[task] += 1;
    }
}

#[test]
fn a_model_learns_from_separate_data_sets() {
    let text = r#"
        data = { kind = "synthetic-mmoe", train = 4000, targets = "binary" }
        encoder = { kind = "tabular", token_width = 2, hidden = [32] }
        balancer = { kind = "upgrad" }
        train = { epochs = 4, optimizer = { kind = "adamw", lr = 0.005 } }
        device = { threads = 1 }
    "#;
    let config = RunConfig::parse(text, Path::new("test.toml")).unwrap();
    let splits = config.data.load().unwrap();
    let mut session = Session::new(&config, &splits).unwrap();
    let tasks = splits.info.tasks.clone();
    // The first task has three quarters of the samples, the second the rest.
    let part = |task: usize, rows: std::ops::Range<u64>| -> Arc<dyn Source> {
        let rows: Arc<dyn Source> = Arc::new(Subset::new(splits.train.clone(), rows.collect()).unwrap());
        Arc::new(ForTasks::select(rows, &[tasks[task].name.as_str()]).unwrap())
    };
    let sources = vec![part(0, 0..3000), part(1, 3000..4000)];
    let loader = LoaderConfig { batch_size: 50, ..LoaderConfig::default() };
    let sampler = TaskSampler::by_name("proportional").unwrap();
    let train = MultiLoader::new(sources, MultiConfig { sampler, loader, steps: None }).unwrap();
    let mut steps = Steps::default();
    session.trainer.fit(&train, &session.validation, &mut steps, None).unwrap();
    assert_eq!(steps.0, [4 * 60, 4 * 20]);
    for task in &session.test().unwrap().tasks {
        let auroc = task.metrics[0].outcome.value.unwrap();
        assert!(auroc > 0.75, "{}: {auroc}", task.task);
    }
}
