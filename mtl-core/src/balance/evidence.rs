//! What methods ask for and what they get.

use crate::{
    balance::Gramian,
    error::{Error, Result, WhichTasks},
};

/// What the gradients of a Gramian are taken with respect to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Space {
    /// The shared parameters: one backward pass through the trunk per task.
    #[default]
    Parameters,
    /// The features at the end of the trunk: one backward pass per head, one through the trunk in all.
    Representation,
}

/// A further look at the losses beside the batch of the step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// Another training batch at the same parameters: products of independent gradients are unbiased.
    Fresh,
    /// A held-out batch at where a plain step would lead: parameters `theta - inner_lr sum_i w_i g_i`, with the method's
    /// [`current_weights`](super::Balancer::current_weights) and [`inner_lr`](super::Balancer::inner_lr).
    Ahead,
    /// A held-out batch at the same parameters.
    HeldOut,
    /// The step's own batch where [`inner_steps`](super::Balancer::inner_steps) such plain steps would lead. It gives no rows:
    /// only losses, in [`Evidence::losses_again`].
    Again,
}

impl Look {
    /// Whether it gives a row per task.
    #[must_use]
    pub fn has_rows(self) -> bool {
        self != Self::Again
    }
}

/// What a method wants to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "a set of independent wishes")]
pub struct Needs {
    /// The tasks' mean losses as numbers. Reading them waits for the accelerator once per step.
    pub losses: bool,
    /// The Gramian of the task gradients: one backward pass per task.
    pub gramian: bool,
    /// One Gramian per parameter block beside the whole one, and weights per block
    /// ([`super::Balancer::weigh_blocks`]): free where rows are kept per parameter.
    pub blocks: bool,
    /// In which space the method wants the gradients. One that wants [`Space::Representation`] gets them so in every step mode.
    pub space: Space,
    /// The losses of the same batch after the optimizer's step: a second forward pass ([`super::Balancer::after_step`]).
    pub losses_after_step: bool,
    /// Further looks, whose rows are in [`Evidence::joint`]: a forward pass and one backward pass per task each.
    pub looks: &'static [Look],
}

impl Needs {
    /// Nothing at all: fixed weights.
    pub const NOTHING: Self = Self {
        losses: false,
        gramian: false,
        blocks: false,
        space: Space::Parameters,
        losses_after_step: false,
        looks: &[],
    };

    /// How many of the looks give rows.
    #[must_use]
    pub fn looks_with_rows(&self) -> usize {
        self.looks.iter().filter(|look| look.has_rows()).count()
    }

    /// Only losses: one backward pass of the weighted sum.
    #[must_use]
    pub fn losses() -> Self {
        Self { losses: true, ..Self::default() }
    }

    /// Only the Gramian with respect to the shared parameters.
    #[must_use]
    pub fn gramian() -> Self {
        Self { gramian: true, ..Self::default() }
    }

    /// What two methods that work together need.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let space = if self.gramian { self.space } else { other.space };
        Self {
            losses: self.losses || other.losses,
            gramian: self.gramian || other.gramian,
            blocks: self.blocks || other.blocks,
            space,
            losses_after_step: self.losses_after_step || other.losses_after_step,
            looks: if self.looks.is_empty() { other.looks } else { self.looks },
        }
    }
}

/// What a method sees: one entry (row) per *active* task.
#[derive(Debug, Clone, Copy, Default)]
pub struct Evidence<'a> {
    /// Indices of the active tasks in the task set, ascending; at least two.
    pub tasks: &'a [usize],
    /// Their mean losses, already multiplied by the user's task weights; empty unless asked for.
    pub losses: &'a [f64],
    /// The same after the plain steps of [`Look::Again`]; empty unless asked for.
    pub losses_again: &'a [f64],
    /// The Gramian of their gradients with respect to the shared parameters; `None` unless asked for.
    pub gramian: Option<&'a Gramian>,
    /// One Gramian per parameter block, always in the same order, summing to the whole one; empty unless asked for.
    pub blocks: &'a [Gramian],
    /// The Gramian of the step's rows (only when the Gramian was asked for) and, after them, of the rows of every look in
    /// order, `m` each; `None` unless looks were asked for.
    pub joint: Option<&'a Gramian>,
    /// The optimizer step this is for, counted from 0: the only source of randomness beside a method's own seed.
    pub step: u64,
}

impl<'a> Evidence<'a> {
    /// The losses, checked: one finite number per task.
    ///
    /// # Errors
    /// [`Error::NonFinite`] naming the task by index, [`Error::InvalidConfig`] when there are too few.
    pub fn checked_losses(&self, method: &'static str) -> Result<&'a [f64]> {
        if self.losses.len() != self.tasks.len() {
            return lacking(method, "losses", self.tasks.len(), self.losses.len());
        }
        match self.losses.iter().zip(self.tasks).find(|(l, _)| !l.is_finite()) {
            Some((&value, &task)) => Err(Error::NonFinite { what: "loss", tasks: WhichTasks::at([task]), value }),
            None => Ok(self.losses),
        }
    }

    /// The losses of [`Look::Again`], checked as the others.
    ///
    /// # Errors
    /// As [`Evidence::checked_losses`].
    pub fn checked_losses_again(&self, method: &'static str) -> Result<&'a [f64]> {
        Self { losses: self.losses_again, ..*self }.checked_losses(method)
    }

    /// The losses, checked to be finite and above 0, as logarithms demand.
    ///
    /// # Errors
    /// As [`Evidence::checked_losses`], and [`Error::Unusable`] for a loss of 0 or below. (A loss of 0 never comes here through
    /// the step engine: its task is solved and takes no part.)
    pub fn positive_losses(&self, method: &'static str) -> Result<&'a [f64]> {
        let losses = self.checked_losses(method)?;
        match losses.iter().zip(self.tasks).find(|(l, _)| **l <= 0.0) {
            Some((&value, &task)) => Err(Error::Unusable {
                method,
                what: "loss",
                tasks: WhichTasks::at([task]),
                expected: "above 0, as this method divides by it or takes its logarithm",
                value,
            }),
            None => Ok(losses),
        }
    }

    /// The Gramian, checked: `[m, m]` for the `m` tasks and finite.
    ///
    /// # Errors
    /// [`Error::NonFinite`] naming the task by index, [`Error::InvalidConfig`] when it is missing or of another size.
    pub fn checked_gramian(&self, method: &'static str) -> Result<&'a Gramian> {
        let Some(gramian) = self.gramian else { return lacking(method, "gramian", self.tasks.len(), 0) };
        self.check_block(method, gramian)?;
        Ok(gramian)
    }

    /// The Gramians of the blocks, checked as the whole one.
    ///
    /// # Errors
    /// As [`Evidence::checked_gramian`].
    pub fn checked_blocks(&self, method: &'static str) -> Result<&'a [Gramian]> {
        if self.blocks.is_empty() {
            return lacking(method, "blocks", self.tasks.len(), 0);
        }
        self.blocks.iter().try_for_each(|block| self.check_block(method, block))?;
        Ok(self.blocks)
    }

    /// The joint Gramian of `sets` times `m` rows, checked as the other one.
    ///
    /// # Errors
    /// As [`Evidence::checked_gramian`].
    pub fn checked_joint(&self, method: &'static str, sets: usize) -> Result<&'a Gramian> {
        let m = self.tasks.len();
        match self.joint {
            Some(joint) if joint.m() == sets * m => {
                self.check_rows(joint)?;
                Ok(joint)
            }
            other => lacking(method, "joint gramian", sets * m, other.map_or(0, Gramian::m)),
        }
    }

    fn check_block(&self, method: &'static str, gramian: &Gramian) -> Result<()> {
        if gramian.m() != self.tasks.len() {
            return lacking(method, "gramian", self.tasks.len(), gramian.m());
        }
        self.check_rows(gramian)
    }

    /// Refuses what is not finite; a row's task is looked up, rows of further looks repeat the tasks.
    fn check_rows(&self, gramian: &Gramian) -> Result<()> {
        gramian.check_finite().map_err(|e| match e {
            Error::NonFinite { what, tasks, value } => {
                Error::NonFinite { what, tasks: tasks.of_rows(self.tasks), value }
            }
            other => other,
        })
    }
}

fn lacking<T>(what: &'static str, field: &'static str, m: usize, found: usize) -> Result<T> {
    Err(Error::InvalidConfig {
        what,
        field,
        expected: format!("given for {m} tasks"),
        found: format!("those of {found}"),
    })
}

/// What the trainer tells at the end of an epoch.
#[derive(Debug, Clone, Copy, Default)]
pub struct Epoch<'a> {
    /// The epoch that is over, counted from 0.
    pub index: u64,
    /// The primary metric of every task of the set on the validation split, NaN where unknown; empty where nothing is evaluated.
    pub kpis: &'a [f64],
}

/// How a solver fared.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Outcome {
    /// Iterations spent; 0 for closed forms.
    pub iterations: usize,
    /// Violation of the optimality conditions relative to the problem's scale; 0 for closed forms.
    pub residual: f64,
}

impl Outcome {
    /// Both together: iterations add up, the worse residual counts.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { iterations: self.iterations + other.iterations, residual: self.residual.max(other.residual) }
    }

    /// Lets finite weights with a residual of at most `tolerance` pass.
    ///
    /// # Errors
    /// [`Error::Solver`] otherwise.
    pub fn accept(self, method: &'static str, weights: &[f64], tolerance: f64) -> Result<Self> {
        let solved = self.residual <= tolerance; // false for NaN
        if solved && weights.iter().all(|w| w.is_finite()) {
            return Ok(self);
        }
        let residual = if solved { f64::NAN } else { self.residual };
        Err(Error::Solver { method, iterations: self.iterations, residual })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_or_bad_evidence_is_named() {
        let none = Evidence { tasks: &[0, 3], ..Evidence::default() };
        assert!(none.checked_losses("x").is_err() && none.checked_gramian("x").is_err());
        let bad = Evidence { tasks: &[0, 3], losses: &[1.0, f64::INFINITY], ..Evidence::default() };
        assert_eq!(bad.checked_losses("x").unwrap_err().to_string(), "loss of task number 4 is not finite (inf)");
        let zero = Evidence { tasks: &[0, 3], losses: &[1.0, 0.0], ..Evidence::default() };
        assert!(zero.positive_losses("x").unwrap_err().to_string().contains("loss of task number 4 must be above 0"));
        let mut g = Gramian::default();
        g.rebuild(2).copy_from_slice(&[1.0, f64::NAN, f64::NAN, f64::NAN]);
        let nan = Evidence { tasks: &[0, 3], gramian: Some(&g), ..Evidence::default() };
        assert_eq!(nan.checked_gramian("x").unwrap_err().to_string(), "gradient of task number 4 is not finite (NaN)");
    }

    #[test]
    fn unsolved_or_non_finite_is_no_outcome() {
        let fine = Outcome { iterations: 3, residual: 1e-12 };
        assert_eq!(fine.accept("x", &[1.0], 1e-8).unwrap(), fine);
        assert!(fine.accept("x", &[f64::NAN], 1e-8).is_err());
        assert!(Outcome { residual: 1.0, ..fine }.accept("x", &[1.0], 1e-8).is_err());
        assert!(Outcome { residual: f64::NAN, ..fine }.accept("x", &[1.0], 1e-8).is_err());
    }
}
