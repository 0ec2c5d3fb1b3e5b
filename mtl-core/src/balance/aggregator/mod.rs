//! Methods that look at the Jacobian `[m, n]` itself, one parameter block at a time.
//!
//! A Jacobian is never one matrix here: it is handed over block by block (parameter by parameter), each as `m` rows of
//! equal length, in the same order in every step. A method that needs something of the whole Jacobian before it can
//! combine it (a norm, a Gramian of its own running gradients) hears every block twice:
//!
//! ```text
//! begin(evidence)                      once: tasks, losses, step
//! observe(b, rows)                     for every block, for those who declare `observes`
//! decide()                             once: everything of the whole is known
//! direct(b, rows, direction)           for every block: writes the update direction
//! ```

mod config;
pub mod db_mtl;
pub mod excess_mtl;
pub mod graddrop;
pub mod moco;
mod running;
pub mod trimmed_mean;

use std::fmt::Debug;

pub use config::{AggregatorConfig, AggregatorPart};
pub use db_mtl::{DbMtl, DbMtlConfig};
pub use excess_mtl::{ExcessMtl, ExcessMtlConfig};
pub use graddrop::{GradDrop, GradDropConfig};
pub use moco::{MoCo, MoCoConfig};
pub use trimmed_mean::{TrimmedMean, TrimmedMeanConfig};

use super::{Evidence, Outcome};
use crate::{
    error::{Error, Result},
    state::StateDict,
};

/// What an aggregator wants to see beside the Jacobian.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AggregatorNeeds {
    /// The tasks' mean losses.
    pub losses: bool,
    /// The Gramian of the rows.
    pub gramian: bool,
    /// Every block once before any direction is asked for.
    pub observes: bool,
}

/// A method that makes a direction from the rows of the Jacobian.
pub trait Aggregator: Debug + Send {
    /// Its name, as in config files.
    fn name(&self) -> &'static str;

    /// What it wants to see; constant over its life.
    fn needs(&self) -> AggregatorNeeds;

    /// Starts a step: which tasks, their losses, the step number.
    ///
    /// # Errors
    /// As [`Balancer::weigh`](super::Balancer::weigh).
    fn begin(&mut self, evidence: &Evidence<'_>) -> Result<()>;

    /// Sees block `block` of the Jacobian: one row per active task, all of one length.
    ///
    /// # Errors
    /// [`Error::State`] when a block changes its size.
    fn observe(&mut self, _block: usize, _rows: &[&[f32]]) -> Result<()> {
        Ok(())
    }

    /// Settles what depends on the whole Jacobian.
    ///
    /// # Errors
    /// [`Error::Solver`] when it cannot.
    fn decide(&mut self) -> Result<Outcome> {
        Ok(Outcome::default())
    }

    /// Writes the direction of block `block`.
    ///
    /// # Errors
    /// As [`Aggregator::observe`].
    fn direct(&mut self, block: usize, rows: &[&[f32]], direction: &mut [f32]) -> Result<()>;

    /// Everything that the next step depends on; empty for stateless methods.
    fn state(&self) -> StateDict {
        StateDict::new()
    }

    /// Takes back what [`Aggregator::state`] gave; on an error nothing has changed.
    ///
    /// # Errors
    /// [`Error::State`] when it does not fit.
    fn load_state(&mut self, _state: &StateDict) -> Result<()> {
        Ok(())
    }

    /// Forgets everything, as if freshly made.
    fn reset(&mut self) {}
}

/// Runs a whole step over a Jacobian given as blocks: the protocol in one place, for engines and tests.
///
/// # Errors
/// Those of the method, and [`Error::Shape`] for rows that do not fit the tasks or the direction.
pub fn aggregate(
    method: &mut dyn Aggregator,
    evidence: &Evidence<'_>,
    blocks: &[Vec<&[f32]>],
    directions: &mut [Vec<f32>],
) -> Result<Outcome> {
    for (rows, direction) in blocks.iter().zip(directions.iter()) {
        if rows.len() != evidence.tasks.len() || rows.iter().any(|r| r.len() != direction.len()) {
            return Err(Error::Shape {
                op: method.name().into(),
                tensor: "rows",
                expected: format!("[{}, {}]", evidence.tasks.len(), direction.len()),
                found: rows.iter().filter_map(|r| i64::try_from(r.len()).ok()).collect(),
            });
        }
    }
    method.begin(evidence)?;
    if method.needs().observes {
        for (block, rows) in blocks.iter().enumerate() {
            method.observe(block, rows)?;
        }
    }
    let outcome = method.decide()?;
    for (block, (rows, direction)) in blocks.iter().zip(directions).enumerate() {
        method.direct(block, rows, direction)?;
    }
    Ok(outcome)
}

#[cfg(test)]
pub(super) mod testing {
    use super::*;

    /// The direction for rows split into blocks of two columns.
    pub(crate) fn direct(
        method: &mut dyn Aggregator,
        rows: &[Vec<f32>],
        losses: &[f64],
        step: u64,
    ) -> Result<Vec<f32>> {
        let n = rows[0].len();
        let cuts: Vec<(usize, usize)> = (0..n).step_by(2).map(|a| (a, (a + 2).min(n))).collect();
        let blocks: Vec<Vec<&[f32]>> = cuts.iter().map(|&(a, b)| rows.iter().map(|r| &r[a..b]).collect()).collect();
        let mut directions: Vec<Vec<f32>> = cuts.iter().map(|&(a, b)| vec![f32::NAN; b - a]).collect();
        let tasks: Vec<usize> = (0..rows.len()).collect();
        let wide: Vec<Vec<f64>> = rows.iter().map(|r| r.iter().map(|x| f64::from(*x)).collect()).collect();
        let gramian = super::super::Gramian::of_rows(&wide);
        let evidence = Evidence { tasks: &tasks, losses, gramian: Some(&gramian), step, ..Evidence::default() };
        aggregate(method, &evidence, &blocks, &mut directions)?;
        Ok(directions.concat())
    }

    fn rows(step: u64) -> Vec<Vec<f32>> {
        let mut rng = crate::rng::Rng::new(step);
        let mut draw = || rng.uniform() - 0.4;
        #[expect(clippy::cast_possible_truncation, reason = "gradients are f32")]
        (0..3).map(|_| (0..5).map(|_| draw() as f32).collect()).collect()
    }

    fn drive(method: &mut dyn Aggregator, steps: std::ops::Range<u64>) -> Vec<u32> {
        let losses = |step: u64| [1.0, 0.5 + 0.1 * step as f64, 2.0];
        steps.flat_map(|s| direct(method, &rows(s), &losses(s), s).unwrap()).map(f32::to_bits).collect()
    }

    #[test]
    fn every_aggregator_is_finite_reproducible_and_resumes_bit_by_bit() {
        let tasks = crate::balance::testing::tasks(3);
        for (name, _) in AggregatorConfig::ALL {
            let config = AggregatorConfig::by_name(name).unwrap();
            let text = serde_json::to_string(&config).unwrap();
            assert_eq!(serde_json::from_str::<AggregatorConfig>(&text).unwrap(), config);
            let mut whole = config.build(&tasks).unwrap();
            assert_eq!(whole.name(), *name);
            let first = drive(whole.as_mut(), 0..4);
            assert!(first.iter().all(|b| f32::from_bits(*b).is_finite()), "{name}");
            let mut resumed = config.build(&tasks).unwrap();
            resumed.load_state(&whole.state()).unwrap();
            assert_eq!(drive(resumed.as_mut(), 4..8), drive(whole.as_mut(), 4..8), "{name}");
            whole.reset();
            assert_eq!(drive(whole.as_mut(), 0..4), first, "{name}: reset");
        }
    }

    #[test]
    fn an_absent_task_and_rows_that_do_not_fit() {
        let tasks = crate::balance::testing::tasks(3);
        for (name, _) in AggregatorConfig::ALL {
            let mut method = AggregatorConfig::by_name(name).unwrap().build(&tasks).unwrap();
            drive(method.as_mut(), 0..2);
            let (a, b) = ([1.0f32, 2.0], [0.5f32, -1.0]);
            let gramian = super::super::Gramian::of_rows(&[[1.0, 2.0], [0.5, -1.0]]);
            let evidence = Evidence {
                tasks: &[0, 2],
                losses: &[1.0, 2.0],
                gramian: Some(&gramian),
                step: 2,
                ..Evidence::default()
            };
            let mut d = vec![vec![f32::NAN; 2]];
            aggregate(method.as_mut(), &evidence, &[vec![&a, &b]], &mut d).unwrap();
            assert!(d[0].iter().all(|x| x.is_finite()), "{name}");
            assert!(aggregate(method.as_mut(), &evidence, &[vec![&a]], &mut d).is_err(), "{name}");
        }
    }
}
