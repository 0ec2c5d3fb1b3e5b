//! Laws on what a method remembers.

use super::{
    cases::{few, losses},
    subject::{Subject, drive, same_bits, weigh},
};
use crate::{balance::Gramian, error::Result};

pub(super) fn repeatable(subject: &Subject<'_>) -> Result<Option<String>> {
    for matrix in few() {
        let g = Gramian::of_rows(&matrix.rows);
        let run = || drive(subject.make(g.m())?.as_mut(), &g, 0..7);
        if !same_bits(&run()?, &run()?) {
            return Ok(Some(format!("{}: two runs differ", matrix.name)));
        }
    }
    Ok(None)
}

pub(super) fn stateless(subject: &Subject<'_>) -> Result<Option<String>> {
    for matrix in few() {
        let (g, l) = (Gramian::of_rows(&matrix.rows), losses(matrix.rows.len()));
        let mut method = subject.make(g.m())?;
        let (Ok(a), Ok(b)) = (weigh(method.as_mut(), &g, &l, 3), weigh(method.as_mut(), &g, &l, 3)) else { continue };
        if !same_bits(&a, &b) {
            return Ok(Some(format!("{}: the second call gives {b:?} after {a:?}", matrix.name)));
        }
        if !method.state().is_empty() {
            return Ok(Some("there is a state".into()));
        }
    }
    Ok(None)
}

pub(super) fn resumed(subject: &Subject<'_>) -> Result<Option<String>> {
    for matrix in few() {
        let g = Gramian::of_rows(&matrix.rows);
        let mut whole = subject.make(g.m())?;
        drive(whole.as_mut(), &g, 0..5)?;
        let mut resumed = subject.make(g.m())?;
        resumed.load_state(&whole.state())?;
        let expected = drive(whole.as_mut(), &g, 5..12)?;
        if !same_bits(&drive(resumed.as_mut(), &g, 5..12)?, &expected) {
            return Ok(Some(format!("{}: what was resumed goes on otherwise", matrix.name)));
        }
        let state = whole.state();
        if !state.is_empty() && subject.make(g.m() + 1)?.load_state(&state).is_ok() {
            return Ok(Some(format!("a state of {} tasks was taken for {}", g.m(), g.m() + 1)));
        }
    }
    Ok(None)
}

pub(super) fn reset(subject: &Subject<'_>) -> Result<Option<String>> {
    for matrix in few() {
        let g = Gramian::of_rows(&matrix.rows);
        let mut used = subject.make(g.m())?;
        drive(used.as_mut(), &g, 0..12)?;
        used.reset();
        let fresh = drive(subject.make(g.m())?.as_mut(), &g, 0..7)?;
        if !same_bits(&drive(used.as_mut(), &g, 0..7)?, &fresh) {
            return Ok(Some(format!("{}: a method that was reset is not a fresh one", matrix.name)));
        }
    }
    Ok(None)
}
