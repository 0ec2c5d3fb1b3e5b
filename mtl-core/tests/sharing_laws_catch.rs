//! The laws find what is wrong with an architecture that is wrong on purpose: a checker that never complains checks nothing.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::sync::atomic::{AtomicU64, Ordering};

use mtl_core::{
    Result,
    batch::Inputs,
    context::Cx,
    encode::{ConvEncoderConfig, Encoder, EncoderConfig, EncoderPlan},
    features::{Features, View},
    input::{InputSpec, Picture},
    laws,
    mode::Mode,
    nn::{BatchNorm2d, Linear},
    params::{Init, Role, Scope},
    share::{AuxiliaryLoss, SharedFeatures, Sharing, TaskMask},
    task::{Task, TaskSet},
};
use tch::Kind;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    None,
    PromisesMore,
    Random,
    LooksAtNeighbors,
    AnswersTheUnwanted,
    RunsTheUnwanted,
    MovesStatisticsOfTheUnwanted,
    CountsTheWanted,
    TowersAreShared,
    HasAnIdleParameter,
    NoBoundary,
    BoundaryBesideThePath,
    BoundaryCountsTwice,
    AuxiliaryWithoutGradient,
    RemembersOutsideItsParameters,
    WrongGradient,
    Infinite,
    ClaimsMembers,
}

/// A trunk, a norm and a layer per task.
#[derive(Debug)]
struct Wrong {
    fault: Fault,
    encoder: Box<dyn Encoder>,
    norms: Vec<BatchNorm2d>,
    towers: Vec<Linear>,
    views: Vec<View>,
    calls: AtomicU64,
    hidden: f64,
}

static MADE: AtomicU64 = AtomicU64::new(0);

impl Wrong {
    fn new(fault: Fault, scope: &mut Scope<'_>, plan: &EncoderPlan<'_>) -> Result<Self> {
        let encoder = plan.whole(&mut scope.sub("encoder"))?;
        let (mut norms, mut towers) = (Vec::new(), Vec::new());
        for t in 0..2 {
            let mut place = scope.sub(format!("towers{t}"));
            let role = if fault == Fault::TowersAreShared { Role::Shared } else { Role::Task(t) };
            let mut place = place.role(role);
            norms.push(BatchNorm2d::new(&mut place.sub("norm"), 4)?);
            towers.push(Linear::new(&mut place.sub("linear"), 4, 3)?);
        }
        if fault == Fault::HasAnIdleParameter {
            let _ = scope.param("idle", &[2], Init::Ones)?;
        }
        let width = if fault == Fault::PromisesMore { 4 } else { 3 };
        let hidden = MADE.fetch_add(1, Ordering::Relaxed) as f64;
        Ok(Self {
            fault,
            encoder,
            norms,
            towers,
            views: vec![View::Pooled { width }; 2],
            calls: AtomicU64::new(0),
            hidden,
        })
    }
}

impl Sharing for Wrong {
    fn name(&self) -> &'static str {
        "wrong"
    }

    fn views(&self) -> &[View] {
        &self.views
    }

    fn members(&self) -> i64 {
        if self.fault == Fault::ClaimsMembers { 2 } else { 1 }
    }

    fn forward(&self, inputs: &Inputs, wanted: &TaskMask, cx: &Cx) -> Result<SharedFeatures> {
        let maps = self.encoder.forward(inputs, cx)?;
        let trunk = maps.newest()?.alias(); // [b, 4, h, w]
        let mut boundary = vec![trunk.shallow_clone()];
        match self.fault {
            Fault::NoBoundary => boundary.clear(),
            Fault::BoundaryBesideThePath => boundary = vec![trunk.alias()],
            Fault::BoundaryCountsTwice => boundary.push(maps.newest()?.shallow_clone()),
            _ => {}
        }
        let mut per_task = Vec::new();
        for t in 0..2 {
            let asked = wanted.contains(t);
            let runs = asked || matches!(self.fault, Fault::AnswersTheUnwanted | Fault::RunsTheUnwanted);
            if self.fault == Fault::MovesStatisticsOfTheUnwanted && !asked {
                let _ = self.norms[t].forward(&trunk, cx)?;
            }
            if !runs {
                per_task.push(None);
                continue;
            }
            let map = match (self.fault, cx.mode()) {
                // A batch of one has no statistics in training; this is about evaluation.
                (Fault::RunsTheUnwanted | Fault::AnswersTheUnwanted, Mode::Train) if !asked => trunk.shallow_clone(),
                _ => self.norms[t].forward(&trunk, cx)?,
            };
            let pooled = map.mean_dim(&[2i64, 3][..], false, None::<Kind>);
            let mut ys = self.towers[t].forward(&pooled, cx)?.tanh();
            match self.fault {
                Fault::Random => ys += self.calls.fetch_add(1, Ordering::Relaxed) as f64,
                Fault::LooksAtNeighbors => ys = &ys - ys.mean_dim(0i64, true, None::<Kind>) * 0.5,
                Fault::CountsTheWanted => ys *= wanted.tasks().count() as f64,
                Fault::RemembersOutsideItsParameters => ys += self.hidden,
                Fault::WrongGradient => ys = &ys + ys.detach(),
                Fault::Infinite => ys = &ys / ys.zeros_like(),
                _ => {}
            }
            per_task.push((asked || self.fault == Fault::AnswersTheUnwanted).then_some(Features::Pooled(ys)));
        }
        let mut auxiliary = Vec::new();
        if self.fault == Fault::AuxiliaryWithoutGradient {
            auxiliary.push(AuxiliaryLoss { name: "norm", loss: trunk.detach().square().mean(trunk.kind()) });
        }
        Ok(SharedFeatures { per_task, auxiliary, boundary })
    }
}

/// The laws that are broken.
fn broken(fault: Fault) -> Vec<&'static str> {
    let tasks = TaskSet::new(["a", "b"].map(|n| Task::new(n).unwrap()).into()).unwrap();
    let spec = InputSpec::new([("image", Picture { channels: 1, height: 8, width: 8 }.into())]).unwrap();
    let activation = mtl_core::nn::Activation::Tanh;
    let encoder = EncoderConfig::Conv(ConvEncoderConfig { channels: vec![3, 4], activation, dropout: 0.0 });
    let outcome = laws::sharing::check(
        &tasks,
        |scope| Ok(Box::new(Wrong::new(fault, scope, &EncoderPlan::new(&encoder, &spec))?)),
        |kind, rows| laws::sharing::inputs(&spec, kind, rows),
    );
    let mut names: Vec<&str> = outcome.err().map_or(Vec::new(), |b| b.0.into_iter().map(|b| b.law).collect());
    names.dedup();
    names
}

#[test]
fn an_architecture_without_faults_passes() {
    assert_eq!(broken(Fault::None), Vec::<&str>::new());
}

#[test]
fn every_law_finds_the_fault_that_it_is_for() {
    for (fault, law) in [
        (Fault::PromisesMore, "views"),
        (Fault::Random, "repeatable"),
        (Fault::LooksAtNeighbors, "samples"),
        (Fault::AnswersTheUnwanted, "wanted"),
        (Fault::RunsTheUnwanted, "wanted"),
        (Fault::MovesStatisticsOfTheUnwanted, "wanted"),
        (Fault::CountsTheWanted, "wanted"),
        (Fault::TowersAreShared, "roles"),
        (Fault::HasAnIdleParameter, "roles"),
        (Fault::NoBoundary, "boundary"),
        (Fault::BoundaryBesideThePath, "boundary"),
        (Fault::BoundaryCountsTwice, "boundary"),
        (Fault::AuxiliaryWithoutGradient, "auxiliary"),
        (Fault::RemembersOutsideItsParameters, "saved"),
        (Fault::WrongGradient, "gradient"),
        (Fault::Infinite, "finite"),
        (Fault::ClaimsMembers, "views"),
    ] {
        let found = broken(fault);
        assert!(found.contains(&law), "{fault:?} breaks {found:?}, not {law}");
    }
}
