//! Laws beside a task that has nothing to say, shouts, or is away.
//!
//! The step engine's policy keeps most of this from a method ([`crate::step`]). A method is held to finite weights or an error
//! all the same: whoever calls it by hand has no policy.

use super::{
    cases::{losses, random, scaled},
    subject::{Subject, drive, weigh, weigh_some},
};
use crate::{balance::Gramian, error::Result};

/// Four tasks.
const M: usize = 4;
/// The odd one.
const ODD: usize = 1;

pub(super) fn odd(subject: &Subject<'_>) -> Result<Option<String>> {
    for (what, loss, gradient) in [
        ("a loss of 0", 0.0, 0.0),
        ("a loss without gradient", 1.0, 0.0),
        ("1e-30 times the loss", 1e-30, 1e-30),
        ("1e30 times the loss", 1e30, 1e30),
    ] {
        let mut rows = random(M, 9, 21);
        rows[ODD] = scaled(&rows[ODD..=ODD], gradient).remove(0);
        let (odd, plain) = (Gramian::of_rows(&rows), Gramian::of_rows(&random(M, 9, 21)));
        let mut method = subject.make(M)?;
        for step in 0..6 {
            // It becomes odd, and ordinary again: what was remembered of it must not spoil what comes.
            let is_odd = (1..4).contains(&step);
            let mut now = losses(M);
            if is_odd {
                now[ODD] *= loss;
            }
            let outcome = weigh(method.as_mut(), if is_odd { &odd } else { &plain }, &now, step);
            match outcome {
                Ok(weights) if weights.iter().any(|w| !w.is_finite()) => {
                    return Ok(Some(format!("{what}, step {step}: {weights:?}")));
                }
                Ok(_) => method
                    .after_step(&now, &(0..M).collect::<Vec<_>>())
                    .or_else(|e| if is_odd { Ok(()) } else { Err(e) })?,
                Err(_) if is_odd => {}
                Err(e) => return Ok(Some(format!("{what} is over, step {step}: {e}"))),
            }
        }
    }
    Ok(None)
}

pub(super) fn absent(subject: &Subject<'_>) -> Result<Option<String>> {
    let all = Gramian::of_rows(&random(M, 9, 11));
    let mut method = subject.make(M)?;
    drive(method.as_mut(), &all, 0..2)?;
    for (step, present) in [vec![0, 2, 3], vec![1, 3], vec![2], vec![0, 1, 2, 3]].iter().enumerate() {
        let l: Vec<f64> = present.iter().map(|&i| losses(M)[i]).collect();
        let outcome = weigh_some(method.as_mut(), present, &all.select(present), &l, 2 + step as u64);
        match outcome.and_then(|weights| method.after_step(&l, present).map(|()| weights)) {
            Ok(weights) if weights.iter().all(|w| w.is_finite()) => {}
            Ok(weights) => return Ok(Some(format!("only tasks {present:?}: {weights:?}"))),
            Err(e) => return Ok(Some(format!("only tasks {present:?}: {e}"))),
        }
    }
    Ok(None)
}
