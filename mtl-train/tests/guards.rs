//! What a run does about values that are not finite, observers that panic, and tasks that no longer improve.
#![allow(clippy::unwrap_used, clippy::panic, clippy::float_cmp, reason = "helpers of tests; exact values on purpose")]

use mtl_core::step::NonFinitePolicy;
use mtl_train::{
    Error,
    config::RunConfig,
    run::session::Session,
    train::trainer::{Action, Ending, EpochSummary, Flow, FreezeConfig, Frozen, Incident, Observer, StepSummary},
};

fn config() -> RunConfig {
    RunConfig::parse(
        r#"
        data    = { kind = "synthetic-mmoe", train = 400, validation = 100, test = 100, targets = "binary" }
        encoder = { kind = "tabular", token_width = 2, hidden = [8] }
        train   = { epochs = 3, batch_size = 100, seed = 3 }
        device  = { threads = 1 }
        "#,
        "test".as_ref(),
    )
    .unwrap()
}

fn session(config: &RunConfig) -> Session {
    Session::new(config, &config.data.load().unwrap()).unwrap()
}

/// Makes one weight of the first task's head NaN.
fn poison(session: &Session) {
    let _guard = tch::no_grad_guard();
    let params = session.trainer.model().params();
    let own = params.owned_by(0)[0];
    let _ = params.params()[own].tensor().shallow_clone().fill_(f64::NAN);
}

#[derive(Default)]
struct Watch {
    steps: u64,
    incidents: Vec<Incident>,
    frozen: Vec<String>,
    epochs: Vec<EpochSummary>,
    bests: usize,
    started: Vec<u64>,
    finished: usize,
}

impl Observer for Watch {
    fn started(&mut self, step: u64) {
        self.started.push(step);
    }
    fn step(&mut self, _: &StepSummary<'_>) {
        self.steps += 1;
    }
    fn incident(&mut self, incident: &Incident) {
        self.incidents.push(incident.clone());
    }
    fn epoch(&mut self, epoch: &EpochSummary) {
        self.epochs.push(epoch.clone());
    }
    fn model(&mut self, epoch: &EpochSummary, model: &mtl_train::train::model::Model) {
        assert!(model.params().numel() > 0);
        self.bests += usize::from(epoch.is_best);
    }
    fn frozen(&mut self, task: &mtl_core::task::TaskName, epoch: u64) {
        self.frozen.push(format!("{task}@{epoch}"));
    }
    fn finished(&mut self) {
        self.finished += 1;
    }
}

#[test]
fn a_loss_that_is_not_finite_names_task_step_and_samples() {
    let config = config();
    let mut session = session(&config);
    poison(&session);
    let e = session.trainer.fit(&session.train, &session.validation, &mut (), None).unwrap_err();
    let Error::Step { epoch: 1, step: 0, source } = &e else { panic!("{e}") };
    let Error::NonFinite(incident) = source.as_ref() else { panic!("{e}") };
    assert_eq!((incident.what.as_str(), incident.action), ("loss", Action::Stopped));
    assert_eq!(incident.samples.len(), 8, "every sample is at fault, eight are named");
    let task = session.trainer.model().tasks().names().next().unwrap().to_string();
    assert!(e.to_string().starts_with(&format!("epoch 1, step 0: loss of task {task} is not finite: samples ")), "{e}");
}

#[test]
fn the_policy_may_go_on_without_the_task_or_the_step() {
    for (policy, action) in
        [(NonFinitePolicy::DropTask, Action::DroppedTask), (NonFinitePolicy::SkipStep, Action::SkippedStep)]
    {
        let mut config = config();
        config.train.policy.non_finite = policy;
        config.train.epochs = Some(1);
        let mut session = session(&config);
        poison(&session);
        let other = session.trainer.model().params().owned_by(1)[0];
        let copy = |s: &Session| s.trainer.model().params().params()[other].tensor().detach().copy();
        let before = copy(&session);
        let mut watch = Watch::default();
        // Validation meets the NaN as well, and says so; what is tested are the steps before it.
        let ended = session.trainer.fit(&session.train, &session.validation, &mut watch, None);
        assert!(ended.is_err_and(|e| e.to_string().contains("NaN")));
        assert_eq!((watch.steps, watch.incidents.len()), (4, 4));
        assert!(watch.incidents.iter().all(|i| i.action == action && !i.samples.is_empty()));
        assert_eq!(copy(&session) == before, policy == NonFinitePolicy::SkipStep, "{policy:?}");
    }
}

struct Bomb(u64);

impl Observer for Bomb {
    fn step(&mut self, step: &StepSummary<'_>) {
        assert!(step.step < self.0, "the plot broke");
    }
    fn flow(&self) -> Flow {
        Flow::Continue
    }
}

#[test]
fn an_observer_that_panics_is_switched_off_and_the_run_ends_as_without_it() {
    let config = config();
    let (mut watched, mut alone) = (session(&config), session(&config));
    std::panic::set_hook(Box::new(|_| {})); // the panic is on purpose: nobody need read it
    let ended = watched.trainer.fit(&watched.train, &watched.validation, &mut Bomb(2), None).unwrap();
    let _ = std::panic::take_hook();
    assert_eq!(ended, Ending::Finished);
    assert_eq!(watched.trainer.observer_failure(), Some("observer panicked in step: the plot broke"));
    alone.trainer.fit(&alone.train, &alone.validation, &mut (), None).unwrap();
    assert_eq!(alone.trainer.observer_failure(), None);
    let weights = |s: &Session| s.trainer.model().params().to_safetensors().unwrap();
    assert!(weights(&watched) == weights(&alone));
}

#[test]
fn a_frozen_head_stays_as_it_is_and_a_frozen_task_is_absent() {
    for what in [Frozen::Head, Frozen::Task] {
        let mut config = config();
        config.train.epochs = Some(6);
        // No improvement is ever enough: both tasks are frozen after the second epoch.
        config.train.freeze = Some(FreezeConfig { patience: 1, min_delta: 10.0, what });
        let mut session = session(&config);
        let mut watch = Watch::default();
        session.trainer.fit(&session.train, &session.validation, &mut watch, None).unwrap();
        assert_eq!(session.trainer.observer_failure(), None, "what an observer asserts fails no run");
        assert_eq!(watch.frozen.len(), 2, "{what:?}");
        assert!(watch.frozen.iter().all(|f| f.ends_with("@1")), "{:?}", watch.frozen);
        assert_eq!((watch.started.as_slice(), watch.finished), (&[0][..], 1));
        assert!(watch.bests >= 1);
        let epochs = if what == Frozen::Task { 2 } else { 6 };
        assert_eq!(watch.epochs.len(), epochs, "{what:?}: with all tasks frozen as tasks there is nothing left to do");
        assert_eq!(watch.epochs[1].frozen, [true, true]);
    }
}

/// The weights after each epoch: those of the heads, and those that tasks share.
#[derive(Default)]
struct Weights {
    heads: Vec<Vec<tch::Tensor>>,
    trunk: Vec<Vec<tch::Tensor>>,
}

impl Observer for Weights {
    fn model(&mut self, _: &EpochSummary, model: &mtl_train::train::model::Model) {
        let params = model.params();
        let copy = |at: &[usize]| at.iter().map(|&p| params.params()[p].tensor().detach().copy()).collect();
        self.heads.push(copy(&[params.owned_by(0), params.owned_by(1)].concat()));
        self.trunk.push(copy(&params.shared()));
    }
}

#[test]
fn frozen_heads_do_not_move_while_the_trunk_goes_on() {
    let mut config = config();
    config.train.epochs = Some(5);
    config.train.freeze = Some(FreezeConfig { patience: 1, min_delta: 10.0, what: Frozen::Head });
    let mut session = session(&config);
    let mut seen = Weights::default();
    session.trainer.fit(&session.train, &session.validation, &mut seen, None).unwrap();
    assert_eq!((seen.heads.len(), seen.trunk.len()), (5, 5));
    assert!(!seen.heads[0].is_empty() && !seen.trunk[0].is_empty());
    assert_ne!(seen.heads[0], seen.heads[1], "heads move before they are frozen, which is after the second epoch");
    for epoch in 1..4 {
        assert_eq!(seen.heads[epoch], seen.heads[epoch + 1], "heads moved in epoch {}", epoch + 2);
        assert_ne!(seen.trunk[epoch], seen.trunk[epoch + 1], "the trunk stood still in epoch {}", epoch + 2);
    }
}
