//! Runs on several ranks: the run of one rank to the last roundings, bit for bit the same each time, and to be resumed with another number.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::path::Path;

use mtl_train::{
    RunConfig,
    run::{
        life::{Ended, Limit, Run},
        outcome::Outcome,
        session::Session,
    },
    train::trainer::{Flow, Observer, StepSummary},
};

/// 310 samples in batches of 64: the last has 54; with `train = 257` it has one, which three ranks cannot divide.
fn config(ranks: u32, balancer: &str, samples: u64) -> RunConfig {
    let text = format!(
        r#"
        data     = {{ kind = "synthetic-mmoe", train = {samples}, validation = 90, test = 50, targets = "binary" }}
        encoder  = {{ kind = "tabular", token_width = 2, hidden = [6], dropout = 0.0 }}
        balancer = {{ kind = "{balancer}" }}
        train    = {{ epochs = 3, batch_size = 64, eval_batch_size = 32, seed = 3, ema = {{}}, clip_norm = 0.5, held_out = 0.2 }}
        device   = {{ ranks = {ranks} }}
        "#
    );
    RunConfig::parse(&text, "test".as_ref()).unwrap()
}

/// Weights and outcome of a finished run.
fn finished(run: &mut Run) -> (Vec<f32>, Outcome) {
    assert_eq!(run.train(Limit::End, &mut ()).unwrap(), Ended::Finished);
    let outcome = run.finish(None).unwrap();
    let params = run.session().trainer.model().params();
    let weights = params.tensors().flat_map(|(_, t)| Vec::<f32>::try_from(t.detach().reshape([-1])).unwrap()).collect();
    (weights, outcome)
}

fn trained(folder: &Path, config: &RunConfig) -> (Vec<f32>, Outcome) {
    let splits = config.data.load().unwrap();
    finished(&mut Run::create(folder, config.clone(), &splits).unwrap())
}

fn apart(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn a_run_on_ranks_is_the_run_of_one() {
    let folder = tempfile::tempdir().unwrap();
    for (balancer, samples) in [("equal", 310), ("upgrad", 310), ("famo", 257), ("auto-lambda", 310), ("graddrop", 310)]
    {
        let (one, outcome) = trained(&folder.path().join(format!("{balancer}-1")), &config(1, balancer, samples));
        for ranks in [2, 3] {
            let at = |n| folder.path().join(format!("{balancer}-{ranks}-{n}"));
            let (several, found) = trained(&at(1), &config(ranks, balancer, samples));
            let (again, _) = trained(&at(2), &config(ranks, balancer, samples));
            assert!(several.iter().zip(&again).all(|(a, b)| a.to_bits() == b.to_bits()), "{balancer}, {ranks} ranks");
            assert!(apart(&one, &several) < 1e-5, "{balancer}, {ranks} ranks: {}", apart(&one, &several));
            assert_eq!(found.selection.as_ref().map(|c| c.epoch), outcome.selection.as_ref().map(|c| c.epoch));
            for (a, b) in found.test.tasks.iter().zip(&outcome.test.tasks) {
                for (a, b) in a.metrics.iter().zip(&b.metrics) {
                    let (a, b) = (a.outcome.value.unwrap(), b.outcome.value.unwrap());
                    assert!((a - b).abs() < 1e-4, "{balancer}, {ranks} ranks: {a} {b}");
                }
            }
        }
    }
}

/// Stops after so many steps.
struct StopAfter(u64, u64);

impl Observer for StopAfter {
    fn step(&mut self, _step: &StepSummary<'_>) {
        self.1 += 1;
    }
    fn flow(&self) -> Flow {
        if self.1 >= self.0 { Flow::Stop } else { Flow::Continue }
    }
}

#[test]
fn a_run_goes_on_with_another_number_of_ranks() {
    let folder = tempfile::tempdir().unwrap();
    let (one, _) = trained(&folder.path().join("one"), &config(1, "upgrad", 310));
    let root = folder.path().join("changing");
    let splits = config(1, "upgrad", 310).data.load().unwrap();
    for (ranks, steps) in [(2, 2), (3, 5), (1, 1), (4, 3)] {
        let mut run = Run::enter(&root, config(ranks, "upgrad", 310), &splits).unwrap();
        let before = run.session().trainer.step();
        assert_eq!(run.train(Limit::End, &mut StopAfter(steps, 0)).unwrap(), Ended::Stopped);
        assert_eq!(run.session().trainer.step(), before + steps, "all ranks stop at the same step");
    }
    let (changing, _) = finished(&mut Run::enter(&root, config(2, "upgrad", 310), &splits).unwrap());
    assert!(apart(&one, &changing) < 1e-5, "{}", apart(&one, &changing));
}

#[test]
fn settings_that_do_not_fit_are_refused() {
    let refusal = |device: &str| {
        let text = format!(
            "data = {{ kind = \"synthetic-mmoe\", train = 60, validation = 20, test = 20, targets = \"binary\" }}\n\
             encoder = {{ kind = \"tabular\", token_width = 2, hidden = [4] }}\ndevice = {{ {device} }}"
        );
        let config = RunConfig::parse(&text, "test".as_ref()).unwrap();
        Session::new(&config, &config.data.load().unwrap()).unwrap_err().to_string()
    };
    assert!(refusal("ranks = 0").contains("ranks must be >= 1, found 0"), "{}", refusal("ranks = 0"));
    let both = refusal("ranks = 2, threads = 2");
    assert!(both.contains("threads must be 1 (or left out) with several ranks, found 2"), "{both}");
}
