//! The laws find what is wrong with a source that is wrong on purpose: a checker that never complains checks nothing.
#![expect(clippy::unwrap_used, reason = "helpers of tests may stop like the tests")]

use std::{
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Duration,
};

use mtl_core::{
    answer::Answer,
    batch::{Batch, Target},
    input::{InputSpec, Inputs},
    task::TaskName,
};
use mtl_data::{DataInfo, Error, Result, Source, TaskInfo, laws};
use tch::{Kind, Tensor};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    None,
    IsShorterThanItSays,
    TakesAnyPosition,
    TargetsOfAnyPosition,
    IsEmptyAndNot,
    Sorts,
    LooksAtNeighbors,
    CountsPlaces,
    InputsOfAnotherKind,
    InputsNotFinite,
    LabelOutOfRange,
    TooFewTargets,
    OtherTargetsAlone,
    RefusesNothing,
    Counts,
    OneAtATime,
}

struct Wrong {
    fault: Fault,
    info: DataInfo,
    calls: AtomicU64,
    inside: AtomicU64,
}

impl Wrong {
    fn new(fault: Fault) -> Self {
        let tasks = vec![TaskInfo { name: TaskName::new("t").unwrap(), answer: Answer::class(["a", "b"]) }];
        let info = DataInfo { inputs: InputSpec::table(Vec::new(), vec!["x".into()]), tasks };
        Self { fault, info, calls: AtomicU64::new(0), inside: AtomicU64::new(0) }
    }

    fn refuse(&self, positions: &[u64]) -> Result<()> {
        let len = if self.fault == Fault::IsShorterThanItSays { 9 } else { 20 };
        match positions.iter().find(|&&position| position >= len) {
            Some(&found) => Err(Error::Position { what: "wrong", len, found }),
            None => Ok(()),
        }
    }

    fn target(&self, positions: &[u64]) -> Result<Option<Target>> {
        let label = |&p: &u64| match self.fault {
            Fault::LabelOutOfRange if p == 0 => 7,
            _ => (p % 2) as i64,
        };
        Ok(Some(Target::class("t", &positions.iter().map(label).collect::<Vec<_>>())?))
    }
}

impl Source for Wrong {
    fn info(&self) -> &DataInfo {
        &self.info
    }

    fn len(&self) -> u64 {
        20
    }

    fn is_empty(&self) -> bool {
        self.fault == Fault::IsEmptyAndNot
    }

    fn batch(&self, positions: &[u64]) -> Result<Batch> {
        if self.fault != Fault::TakesAnyPosition {
            self.refuse(positions)?;
        }
        if self.fault == Fault::RefusesNothing && positions.is_empty() {
            return Err(Error::Position { what: "wrong", len: 20, found: 0 });
        }
        let mut ids = positions.to_vec();
        if self.fault == Fault::Sorts {
            ids.sort_unstable();
        }
        let mut xs: Vec<f32> = ids.iter().map(|&p| p as f32).collect();
        match self.fault {
            Fault::LooksAtNeighbors => {
                let mean = xs.iter().sum::<f32>() / xs.len() as f32;
                xs.iter_mut().for_each(|x| *x -= mean);
            }
            Fault::InputsNotFinite => xs.iter_mut().for_each(|x| *x = 1.0 / *x),
            Fault::Counts => {
                let call = self.calls.fetch_add(1, Ordering::SeqCst) as f32;
                xs.iter_mut().for_each(|x| *x += call);
            }
            Fault::OneAtATime => {
                self.inside.fetch_add(1, Ordering::SeqCst);
                thread::sleep(Duration::from_millis(50));
                let others = self.inside.load(Ordering::SeqCst) - 1;
                xs.iter_mut().for_each(|x| *x += others as f32);
                thread::sleep(Duration::from_millis(50));
                self.inside.fetch_sub(1, Ordering::SeqCst);
            }
            _ => {}
        }
        let mut xs = Tensor::from_slice(&xs).view([-1, 1]);
        if self.fault == Fault::InputsOfAnotherKind {
            xs = xs.to_kind(Kind::Int64);
        }
        let inputs = Inputs::new(vec![("numeric".to_owned(), xs)])?;
        let mut targets = vec![self.target(&ids)?];
        if self.fault == Fault::TooFewTargets {
            targets.clear();
        }
        if self.fault == Fault::CountsPlaces {
            ids = (0..ids.len() as u64).collect();
        }
        Ok(Batch::new(inputs, targets, ids)?)
    }

    fn targets(&self, positions: &[u64]) -> Result<Vec<Option<Target>>> {
        if self.fault != Fault::TargetsOfAnyPosition {
            self.refuse(positions)?;
        }
        let turned: Vec<u64> =
            positions.iter().map(|p| p ^ u64::from(self.fault == Fault::OtherTargetsAlone)).collect();
        Ok(vec![self.target(&turned)?])
    }
}

/// The laws that are broken.
fn broken(fault: Fault) -> Vec<&'static str> {
    laws::source::check(&Wrong::new(fault)).err().map_or(Vec::new(), |broken| broken.names())
}

#[test]
fn a_source_without_faults_passes() {
    assert_eq!(broken(Fault::None), Vec::<&str>::new());
}

#[test]
fn every_law_finds_the_fault_that_it_is_for() {
    for (fault, law) in [
        (Fault::IsShorterThanItSays, "len"),
        (Fault::TakesAnyPosition, "len"),
        (Fault::TargetsOfAnyPosition, "len"),
        (Fault::IsEmptyAndNot, "len"),
        (Fault::Sorts, "order"),
        (Fault::LooksAtNeighbors, "order"),
        (Fault::CountsPlaces, "order"),
        (Fault::InputsOfAnotherKind, "inputs"),
        (Fault::InputsNotFinite, "inputs"),
        (Fault::LabelOutOfRange, "labels"),
        (Fault::TooFewTargets, "labels"),
        (Fault::OtherTargetsAlone, "targets"),
        (Fault::RefusesNothing, "empty"),
        (Fault::Counts, "repeatable"),
        (Fault::OneAtATime, "threads"),
    ] {
        let found = broken(fault);
        assert!(found.contains(&law), "{fault:?} breaks {found:?}, not {law}");
    }
}
