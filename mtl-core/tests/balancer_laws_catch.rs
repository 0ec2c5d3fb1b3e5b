//! The laws find what is wrong with a method that is wrong on purpose, and what it claims in vain.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::atomic::{AtomicU64, Ordering};

use mtl_core::{
    Error, Result,
    balance::{Balancer, Evidence, Needs, Outcome},
    laws::balancer::{self, Claims},
    state::{StateDict, StateValue},
};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    None,
    NeedsChange,
    TakesWhatLacks,
    TakesAnySize,
    LetsNanThrough,
    BlamesNobody,
    DividesByLengths,
    DividesByLosses,
    RefusesTheRegular,
    RefusesAbsence,
    Random,
    SavesNothing,
    TakesForeignState,
    ForgetsNothing,
    // Claims that are not kept.
    Negative,
    SumsToTwo,
    FollowsTheConflict,
    CountsPlaces,
    FollowsTheScale,
    FavorsTheFirst,
    Remembers,
    RefusesDependence,
}

/// Equal weights that fade: `1 / (calls + 1)` above a half, divided by their number.
#[derive(Debug)]
struct Wrong {
    fault: Fault,
    m: usize,
    calls: u64,
}

static CALLS: AtomicU64 = AtomicU64::new(0);

impl Balancer for Wrong {
    fn name(&self) -> &'static str {
        "wrong"
    }

    fn needs(&self) -> Needs {
        let changed = self.fault == Fault::NeedsChange && self.calls > 0;
        Needs { losses: !changed, gramian: true, ..Needs::default() }
    }

    fn weigh(&mut self, evidence: &Evidence<'_>, weights: &mut [f64]) -> Result<Outcome> {
        let m = evidence.tasks.len();
        let refuse = || Err(Error::Solver { method: "wrong", iterations: 0, residual: 1.0 });
        let lax = matches!(self.fault, Fault::TakesWhatLacks | Fault::TakesAnySize | Fault::LetsNanThrough);
        let g = match evidence.gramian {
            Some(_) if !lax => Some(evidence.checked_gramian("wrong")),
            Some(g) if g.m() == m || self.fault == Fault::TakesAnySize => Some(Ok(g)),
            None if self.fault == Fault::TakesWhatLacks => None,
            _ => Some(evidence.checked_gramian("wrong")),
        };
        let g = match g.transpose() {
            Err(Error::NonFinite { .. }) if self.fault == Fault::BlamesNobody => return refuse(),
            other => other?,
        };
        match self.fault {
            Fault::TakesWhatLacks | Fault::TakesAnySize => {}
            Fault::LetsNanThrough if evidence.losses.len() == m => {}
            _ => _ = evidence.checked_losses("wrong")?,
        }
        if self.fault == Fault::RefusesAbsence && m < self.m {
            return refuse();
        }
        self.calls += 1;
        let faded = 0.5 + 1.0 / self.calls as f64;
        for (i, weight) in weights.iter_mut().take(m).enumerate() {
            let length = g.map_or(1.0, |g| if i < g.m() { g.norm(i) } else { 1.0 });
            let longest = g.map_or(1.0, |g| (0..g.m()).map(|i| g.norm(i)).fold(0.0, f64::max));
            *weight = faded / m as f64
                * match self.fault {
                    Fault::DividesByLengths => longest / length,
                    Fault::DividesByLosses => 1.0 / evidence.losses[i],
                    Fault::Random => 1.0 + CALLS.fetch_add(1, Ordering::Relaxed) as f64,
                    Fault::Negative if i == 0 => -1.0,
                    Fault::SumsToTwo => 2.0,
                    Fault::CountsPlaces => 1.0 + i as f64,
                    Fault::FollowsTheScale => length + 1.0,
                    Fault::FavorsTheFirst if i == 0 => 3.0,
                    _ => 1.0,
                };
        }
        match (self.fault, g) {
            (Fault::RefusesTheRegular, Some(g)) if m == 2 && g.get(0, 1) < 0.0 => return refuse(),
            (Fault::RefusesDependence, Some(g)) if m == 2 && g.cosine(0, 1).abs() > 0.999 => return refuse(),
            _ => {}
        }
        Ok(Outcome::default())
    }

    fn state(&self) -> StateDict {
        match self.fault {
            Fault::SavesNothing => StateDict::new(),
            _ => StateDict::new()
                .with("calls", StateValue::Count(self.calls))
                .with("m", StateValue::Count(self.m as u64)),
        }
    }

    fn load_state(&mut self, state: &StateDict) -> Result<()> {
        if self.fault == Fault::SavesNothing {
            return Ok(());
        }
        let m = state.count("wrong", "m")?;
        if m != self.m as u64 && self.fault != Fault::TakesForeignState {
            return Err(Error::State { what: "wrong".into(), reason: format!("{m} tasks") });
        }
        self.calls = state.count("wrong", "calls")?;
        Ok(())
    }

    fn reset(&mut self) {
        if self.fault != Fault::ForgetsNothing {
            self.calls = 0;
        }
    }
}

/// The laws that are broken under those claims.
fn broken(fault: Fault, claims: Claims) -> Vec<&'static str> {
    let outcome = balancer::check(claims, &|m| Ok(Box::new(Wrong { fault, m, calls: 0 })));
    outcome.err().map_or(Vec::new(), |broken| broken.names())
}

/// What is true of it where it has no fault: weights of a first call are 1.5 / m.
const TRUE: Claims = Claims { sum: Some((1.5, 0)), linear: true, stateless: false, ..Claims::USUAL };

#[test]
fn a_method_without_faults_passes() {
    assert_eq!(broken(Fault::None, TRUE), Vec::<&str>::new());
}

#[test]
fn every_law_finds_the_fault_that_it_is_for() {
    for (fault, law) in [
        (Fault::NeedsChange, "needs"),
        (Fault::TakesWhatLacks, "needs"),
        (Fault::TakesAnySize, "sizes"),
        (Fault::LetsNanThrough, "non_finite"),
        (Fault::BlamesNobody, "non_finite"),
        (Fault::DividesByLengths, "finite"),
        (Fault::RefusesTheRegular, "finite"),
        (Fault::DividesByLosses, "odd"),
        (Fault::RefusesAbsence, "absent"),
        (Fault::Random, "repeatable"),
        (Fault::SavesNothing, "resumed"),
        (Fault::TakesForeignState, "resumed"),
        (Fault::ForgetsNothing, "reset"),
        (Fault::Negative, "non_negative"),
        (Fault::SumsToTwo, "sum"),
        (Fault::CountsPlaces, "permutation"),
        (Fault::FollowsTheScale, "degree"),
        (Fault::FollowsTheScale, "linear"),
        (Fault::FavorsTheFirst, "fair"),
        (Fault::RefusesDependence, "finite"),
    ] {
        let found = broken(fault, TRUE);
        assert!(found.contains(&law), "{fault:?} breaks {found:?}, not {law}");
    }
    for (fault, claims, law) in [
        (Fault::FollowsTheConflict, Claims { non_conflicting: true, ..TRUE }, "non_conflicting"),
        (Fault::Remembers, Claims { stateless: true, ..TRUE }, "stateless"),
    ] {
        let found = broken(fault, claims);
        assert!(found.contains(&law), "{fault:?} breaks {found:?}, not {law}");
    }
}
