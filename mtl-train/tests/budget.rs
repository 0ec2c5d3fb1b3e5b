//! Budgets in epochs or steps, validation every so many steps, batches from outside: the same bits in one piece or in many.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::{fs, path::Path, process::Command};

use mtl_data::{BatchIter, Batches, Loader, LoaderPosition, Splits};
use mtl_train::{
    RunConfig,
    run::{
        cost::Cost,
        life::{Ended, Limit, Run},
        session::Session,
    },
    train::{
        checkpoint::CheckpointStore,
        trainer::{EpochSummary, Every, Flow, Observer, StepSummary},
    },
};

/// 250 samples in batches of 40: seven steps an epoch.
fn config(train: &str) -> RunConfig {
    parse(train).unwrap()
}

fn parse(train: &str) -> mtl_train::Result<RunConfig> {
    let text = format!(
        "data = {{ kind = \"synthetic-mmoe\", train = 250, validation = 60, test = 60, targets = \"binary\" }}\n\
         encoder = {{ kind = \"tabular\", token_width = 2, hidden = [4] }}\ndevice = {{ threads = 1 }}\n\
         [train]\nbatch_size = 40\n{train}"
    );
    RunConfig::parse(&text, Path::new("run.toml"))
}

fn splits(config: &RunConfig) -> Splits {
    config.data.load().unwrap()
}

/// Names and bits of the weights.
fn weights(session: &Session) -> Vec<u8> {
    session.trainer.model().params().to_safetensors().unwrap()
}

/// What a round is made of, without what depends on the clock.
fn timeless(history: &[EpochSummary]) -> Vec<EpochSummary> {
    history.iter().map(|e| EpochSummary { seconds: 0.0, samples_per_second: 0.0, ..e.clone() }).collect()
}

fn trained(config: &RunConfig) -> Session {
    let mut session = Session::new(config, &splits(config)).unwrap();
    session.trainer.fit(&session.train, &session.validation, &mut (), None).unwrap();
    session
}

#[test]
fn so_many_steps_are_as_many_epochs() {
    let (epochs, steps) = (trained(&config("epochs = 3")), trained(&config("steps = 21")));
    assert_eq!((epochs.total_steps(), steps.total_steps(), steps.total_rounds()), (21, 21, 3));
    assert!(weights(&epochs) == weights(&steps));
    assert_eq!(timeless(epochs.trainer.history()), timeless(steps.trainer.history()));
    assert_eq!(trained(&config("")).trainer.history().len(), 10, "the default is ten epochs");
}

#[test]
fn validation_comes_when_it_is_due_and_at_the_end() {
    let steps = |train: &str| -> Vec<u64> {
        let session = trained(&config(train));
        let history = session.trainer.history();
        assert!(history.iter().enumerate().all(|(at, e)| e.epoch == at as u64 && e.epochs == history.len() as u64));
        assert_eq!(session.total_rounds(), history.len() as u64, "{train}");
        history.iter().map(|e| e.step).collect()
    };
    assert_eq!(steps("epochs = 3"), [7, 14, 21]);
    assert_eq!(steps("epochs = 5\nvalidate_every = { epochs = 2 }"), [14, 28, 35]);
    assert_eq!(steps("epochs = 2\nvalidate_every = { steps = 4 }"), [4, 8, 12, 14]);
    assert_eq!(steps("epochs = 2\nvalidate_every = { steps = 7 }"), [7, 14], "not twice at the end of an epoch");
    assert_eq!(steps("steps = 10\nvalidate_every = { steps = 5 }"), [5, 10]);
    assert_eq!(steps("steps = 10"), [7, 10]);
    assert_eq!(steps("steps = 3"), [3], "less than an epoch");
    assert_eq!(steps("steps = 9\naccumulate = 2\nvalidate_every = { steps = 4 }"), [4, 8, 9]);
    // The best of all rounds is kept, and patience counts them.
    let session = trained(&config(
        "steps = 60\nvalidate_every = { steps = 2 }\npatience = 2\noptimizer = { kind = \"sgd\", lr = 1e-12 }",
    ));
    let history = session.trainer.history();
    assert!(history.len() < 30, "{} rounds", history.len());
    assert_eq!(
        history.last().unwrap().title(),
        format!("validation {}/30 after step {}", history.len(), 2 * history.len())
    );
    let sentence = session.trainer.choice().unwrap().sentence();
    assert!(sentence.starts_with("validation ") && sentence.contains(", after step "), "{sentence}");
}

#[test]
fn a_time_becomes_steps() {
    // Time enough changes no bit.
    let (epochs, timed) = (trained(&config("epochs = 3")), trained(&config("epochs = 3\ntime = \"1h\"")));
    assert!(weights(&epochs) == weights(&timed));
    assert_eq!(timeless(epochs.trainer.history()), timeless(timed.trainer.history()));
    // A short one ends the run at a validation, after as many steps as were planned or when it is over.
    let config = config("time = \"400ms\"");
    assert!(config.to_toml().unwrap().contains("time = \"400ms\""));
    let (splits, folder) = (splits(&config), tempfile::tempdir().unwrap());
    let steps = |config: &RunConfig| {
        let mut run = Run::enter(folder.path(), config.clone(), &splits).unwrap();
        assert_eq!(run.train(Limit::End, &mut ()).unwrap(), Ended::Finished);
        let (step, history) = (run.session().trainer.step(), run.session().trainer.history().to_vec());
        assert_eq!(history.last().unwrap().step, step, "the last step is judged");
        step
    };
    let short = steps(&config);
    assert!(short > 1);
    assert_eq!(steps(&config), short, "a finished run is finished");
    // A time that has grown lets it go on; other settings do not.
    assert!(steps(&parse("time = \"2s\"").unwrap()) > short);
    let e = Run::enter(folder.path(), parse("time = \"1s\"").unwrap(), &splits).unwrap_err().to_string();
    assert!(e.contains("train.time was \"2s\", is \"1s\""), "{e}");
    let e = parse("time = \"soon\"").unwrap_err().to_string();
    assert!(e.contains("time = \"soon\"") && e.contains("\"2m\""), "{e}");
}

/// Stops a run after some step.
struct StopAfter {
    steps: u64,
    reached: bool,
}

impl Observer for StopAfter {
    fn step(&mut self, step: &StepSummary<'_>) {
        self.reached = step.step + 1 >= self.steps;
    }
    fn flow(&self) -> Flow {
        if self.reached { Flow::Stop } else { Flow::Continue }
    }
}

#[test]
fn a_run_that_is_stopped_after_any_step_goes_on_to_the_same_bits() {
    for train in [
        "steps = 17\nvalidate_every = { steps = 5 }",
        "epochs = 3\nvalidate_every = { steps = 7 }\nema = { decay = 0.9 }",
        "epochs = 3\nvalidate_every = { epochs = 2 }",
        "steps = 16",
    ] {
        let mut config = config(&format!("{train}\nschedule = {{ kind = \"plateau\" }}"));
        config.balancer = toml::from_str("kind = \"dwa\"").unwrap(); // changes its weights once a round
        let splits = splits(&config);
        let whole = trained(&config);
        for pieces in [1, 5] {
            let folder = tempfile::tempdir().unwrap();
            let store = CheckpointStore::open(folder.path(), 2).unwrap();
            let mut steps = 0;
            let session = loop {
                let mut session = Session::new(&config, &splits).unwrap();
                if let Some((checkpoint, _)) = store.latest().unwrap() {
                    session.trainer.resume(checkpoint).unwrap();
                }
                steps += pieces;
                let mut stop = StopAfter { steps, reached: false };
                let ended = session.trainer.fit(&session.train, &session.validation, &mut stop, Some(&store)).unwrap();
                if ended == mtl_train::train::trainer::Ending::Finished {
                    break session;
                }
                assert!(steps < 40, "{train}: it does not end");
            };
            assert!(weights(&session) == weights(&whole), "{train}, {pieces} steps at a time");
            assert_eq!(timeless(session.trainer.history()), timeless(whole.trainer.history()), "{train}");
        }
    }
}

/// Somebody else's batches: those of a loader, of which nobody knows how many there are.
struct Stream(Loader);

impl Batches for Stream {
    fn n_batches(&self) -> Option<u64> {
        None
    }
    fn batches_from(&self, position: LoaderPosition) -> mtl_data::Result<BatchIter<'_>> {
        self.0.batches_from(position)
    }
}

#[test]
fn batches_from_outside_train_and_judge_as_a_loader_does() {
    for train in ["steps = 17\nvalidate_every = { steps = 5 }", "steps = 9\naccumulate = 2"] {
        let config = config(train);
        let ours = trained(&config);
        let mut session = Session::new(&config, &splits(&config)).unwrap();
        let (train, validation) = (Stream(session.train.clone()), Stream(session.validation.clone()));
        session.trainer.fit(&train, &validation, &mut (), None).unwrap();
        assert!(weights(&ours) == weights(&session));
        let scores = |session: &Session| -> Vec<_> {
            session.trainer.history().iter().map(|e| (e.step, e.score, e.validation.clone())).collect()
        };
        assert_eq!(scores(&ours), scores(&session));
    }
    // Looks at further batches of an epoch of unknown length: a rest is no step.
    let mut modo = config("steps = 5");
    modo.balancer = toml::from_str("kind = \"modo\"").unwrap();
    let ours = trained(&modo);
    let mut session = Session::new(&modo, &splits(&modo)).unwrap();
    let train = Stream(session.train.clone());
    session.trainer.fit(&train, &session.validation, &mut (), None).unwrap();
    assert!(weights(&ours) == weights(&session));
}

/// An epoch without a batch.
struct Nothing;

impl Batches for Nothing {
    fn n_batches(&self) -> Option<u64> {
        None
    }
    fn batches_from(&self, _: LoaderPosition) -> mtl_data::Result<BatchIter<'_>> {
        Ok(Box::new(std::iter::empty()))
    }
}

#[test]
fn what_has_no_end_or_no_beginning_is_refused() {
    let config = config("epochs = 2");
    let mut session = Session::new(&config, &splits(&config)).unwrap();
    let train = Stream(session.train.clone());
    let e = session.trainer.fit(&train, &session.validation, &mut (), None).unwrap_err().to_string();
    assert_eq!(
        e,
        "train: steps must be given in place of epochs, as nobody knows how many batches an epoch has, found 2 epochs"
    );
    let steps = parse("steps = 2").unwrap();
    let mut session = Session::new(&steps, &splits(&steps)).unwrap();
    let e = session.trainer.fit(&Nothing, &session.validation, &mut (), None).unwrap_err().to_string();
    assert_eq!(e, "train: batch_size must be small enough for an epoch to have a batch, found fewer in epoch 1");
}

#[test]
fn a_run_has_one_budget() {
    let e = parse("epochs = 3\nsteps = 50").unwrap_err().to_string();
    let place = "run.toml:7: train: steps must be left out where there are epochs: a run has one budget, found both";
    assert!(e.starts_with(place) && e.contains("^"), "{e}");
    let e = parse("validate_every = { steps = 0 }").unwrap_err().to_string();
    assert!(e.contains("train.validate_every.steps must be >= 1, found 0") && e.ends_with('^'), "{e}");
    let e = parse("validate_every = { step = 5 }").unwrap_err().to_string();
    assert!(e.starts_with("run.toml:6:"), "{e}");
    let e = parse("max_steps = 100").unwrap_err().to_string();
    assert!(e.contains("write steps = 100 in [train]"), "{e}");
    let config = config("steps = 50\nvalidate_every = { steps = 10 }");
    assert_eq!((config.train.epochs, config.train.validate_every), (None, Every::Steps(10)));
    let again = RunConfig::parse(&config.to_toml().unwrap(), Path::new("again.toml")).unwrap();
    assert_eq!(again, config);
    assert_eq!(parse("").unwrap().train.epochs, Some(10), "written out");
}

#[test]
fn logs_pages_and_folders_go_by_steps() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("run");
    let config = config("steps = 20\nvalidate_every = { steps = 6 }");
    let splits = splits(&config);
    let mut run = Run::create(&root, config.clone(), &splits).unwrap();
    assert_eq!(run.train(Limit::Epochs(2), &mut ()).unwrap(), Ended::Paused);
    assert_eq!(run.session().trainer.step(), 12);
    drop(run);
    let mut run = Run::resume(&root, config, &splits).unwrap();
    assert_eq!(run.train(Limit::End, &mut ()).unwrap(), Ended::Finished);
    run.finish(None).unwrap();
    let training = Cost::read(run.dir()).unwrap().unwrap();
    assert_eq!((training.epochs, training.passes.map(|p| (p * 7.0).round())), (4, Some(20.0)));
    drop(run);
    let log = fs::read_to_string(root.join("log.jsonl")).unwrap();
    assert_eq!(log.lines().filter(|line| line.contains(r#""type":"epoch""#)).count(), 4);
    let mtl = |args: &[&str]| {
        let out = Command::new(env!("CARGO_BIN_EXE_mtl")).current_dir(dir.path()).args(args).output().unwrap();
        (
            out.status.code().unwrap(),
            String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr),
        )
    };
    let (code, said) = mtl(&["report", "run"]);
    assert_eq!(code, 0, "{said}");
    let html = fs::read_to_string(root.join("report.html")).unwrap();
    assert!(html.contains("chosen validation") && html.contains("mean between validations"));
    assert!(!html.contains("chosen epoch"));
    // A budget may grow, and the run goes on with its old steps.
    let (code, said) = mtl(&["train", "run", "--resume", "--set", "train.steps=26"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("of 6, after step"), "{said}");
    let (code, said) = mtl(&["train", "run", "--resume", "--set", "train.steps=5"]);
    assert!(code != 0 && said.contains("train.steps was 26, is 5"), "{said}");
}
