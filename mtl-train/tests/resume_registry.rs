//! Every optimizer, schedule, balancing method and architecture of the registries: stop anywhere, resume in fresh objects,
//! get the bits of the run that was never interrupted.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::sync::Mutex;

use mtl_train::{
    config::RunConfig,
    parts::{architecture::Architecture, method::MethodConfig},
    run::session::Session,
    train::{
        checkpoint::CheckpointStore,
        optim::OptimizerConfig,
        schedule::ScheduleConfig,
        trainer::{Ending, Flow, Observer, StepSummary},
    },
};

fn config(train: &str, rest: &str) -> mtl_train::Result<RunConfig> {
    let text = format!(
        r#"
        data    = {{ kind = "synthetic-mmoe", train = 320, validation = 60, test = 60, targets = "binary" }}
        encoder = {{ kind = "mlp", hidden = [8], dropout = 0.1 }}
        device  = {{ threads = 1 }}
        {rest}
        [train]
        epochs = 3
        batch_size = 40
        workers = 0
        seed = 5
        clip_norm = 2.0
        {train}
        "#
    );
    RunConfig::parse(&text, "test".as_ref())
}

/// Stops after some steps.
struct StopAt(u64, u64);

impl Observer for StopAt {
    fn step(&mut self, step: &StepSummary<'_>) {
        self.1 = step.step + 1;
    }
    fn flow(&self) -> Flow {
        if self.1 >= self.0 { Flow::Stop } else { Flow::Continue }
    }
}

/// Weights and state at the end, as bytes, and the scores of all epochs.
fn end(session: &Session) -> (Vec<u8>, String) {
    let checkpoint = session.trainer.checkpoint().unwrap();
    // Seconds differ from run to run; what was computed does not.
    let scores: Vec<_> = session.trainer.history().iter().map(|e| (&e.validation, &e.train_loss)).collect();
    let mut tensors = checkpoint.params;
    tensors.extend(checkpoint.best.into_iter().map(|(name, t)| (format!("best {name}"), t)));
    tensors.extend(checkpoint.optimizer.to_tensors().into_iter().map(|(name, t)| (format!("optimizer {name}"), t)));
    tensors.extend(checkpoint.balancer.to_tensors().into_iter().map(|(name, t)| (format!("balancer {name}"), t)));
    let named = tensors.iter().map(|(name, t)| (name.as_str(), t));
    (mtl_core::params::to_safetensors(named, &[]).unwrap(), format!("{scores:?}"))
}

/// libtorch has one generator for the whole process (dropout): tests take turns.
static TURN: Mutex<()> = Mutex::new(());

fn check(name: &str, config: &RunConfig) {
    let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let splits = config.data.load().unwrap();
    let mut whole = Session::new(config, &splits).unwrap_or_else(|e| panic!("{name}: {e}"));
    whole.trainer.fit(&whole.train, &whole.validation, &mut (), None).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let store = CheckpointStore::open(folder.path(), 2).unwrap();
    let mut last = Session::new(config, &splits).unwrap();
    // In the first epoch, in the middle of the second, and to the end; new objects each time.
    for stop in [2, 5, u64::MAX] {
        last = Session::new(config, &splits).unwrap();
        if let Some((checkpoint, _)) = store.latest().unwrap() {
            last.trainer.resume(checkpoint).unwrap();
        }
        let ending = last.trainer.fit(&last.train, &last.validation, &mut StopAt(stop, 0), Some(&store)).unwrap();
        assert_eq!(ending == Ending::Finished, stop == u64::MAX, "{name}");
    }
    let ((bytes, scores), (expected, expected_scores)) = (end(&last), end(&whole));
    assert_eq!(scores, expected_scores, "{name}: other scores");
    assert!(bytes == expected, "{name}: the same scores, but other weights or state");
}

#[test]
fn every_optimizer_goes_on_to_the_same_bits() {
    for (name, _) in OptimizerConfig::ALL {
        let balancer = r#"balancer = { kind = "uncertainty" }"#;
        check(name, &config(&format!(r#"optimizer = {{ kind = "{name}" }}"#), balancer).unwrap());
    }
}

#[test]
fn every_schedule_goes_on_to_the_same_bits() {
    for (name, _) in ScheduleConfig::ALL {
        check(name, &config(&format!(r#"schedule = {{ kind = "{name}" }}"#), "").unwrap());
    }
}

#[test]
fn every_method_goes_on_to_the_same_bits() {
    for (name, _) in MethodConfig::all() {
        let balancer = match name {
            "fixed" => r#"balancer = { kind = "fixed", weights = [1.0, 2.0] }"#.to_owned(),
            "krum" => continue, // needs more tasks than two
            name => format!(r#"balancer = {{ kind = "{name}" }}"#),
        };
        check(name, &config("", &balancer).unwrap());
    }
}

#[test]
fn every_architecture_goes_on_to_the_same_bits_also_with_accumulation_and_freezing() {
    // Fusion wants two inputs, which these data do not have.
    for (name, _) in Architecture::all().filter(|(n, _)| *n != "fusion") {
        let encoder = r#"{ kind = "tabular", token_width = 4, hidden = [] }"#; // tokens, to be attended to
        let mut config =
            config("accumulate = 3\nfreeze = { patience = 1 }", &format!(r#"sharing = {{ kind = "{name}" }}"#))
                .unwrap();
        if ["task-query", "branch"].contains(&name) {
            let encoder = if name == "branch" { encoder.replace("[]", "[8]") } else { encoder.to_owned() };
            let other = RunConfig::parse(
                &format!("data = {{ kind = \"synthetic-mmoe\" }}\nencoder = {encoder}"),
                "test".as_ref(),
            );
            config.encoder = other.unwrap().encoder;
        }
        check(name, &config);
    }
}
