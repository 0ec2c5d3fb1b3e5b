//! Which weights are tried.

use mtl_core::registry;
use serde::{Deserialize, Serialize};

use super::simplex::{from_cube, grid, grid_size};
use super::sobol::{MAX_DIM, Sobol};
use crate::error::Result;

/// What the settings of a set of candidates say.
pub trait CandidatesPart: std::fmt::Debug {
    /// Checks what does not depend on the number of tasks.
    ///
    /// # Errors
    /// [`mtl_core::Error::InvalidConfig`] naming the setting out of range.
    fn validate(&self) -> Result<()>;

    /// Points of the simplex for `m >= 2` tasks, each with sum 1.
    ///
    /// # Errors
    /// As [`Candidates::weights`].
    fn points(&self, m: usize) -> Result<Vec<Vec<f64>>>;
}

registry! {
    /// A set of candidate weights.
    pub enum Candidates, what = "candidate weights", part = CandidatesPart {
        Grid(GridConfig) = "grid", "all weights that are multiples of a step";
        Sobol(SobolConfig) = "sobol", "points of a Sobol sequence, spread evenly over the simplex";
    }
}

/// All weights that are multiples of `1 / steps` and sum to 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GridConfig {
    /// Steps from 0 to 1, >= the number of tasks unless zeros are allowed; default 8.
    pub steps: u32,
    /// Whether a task may have weight 0 (its trunk gradient is then thrown away); default false.
    pub zeros: bool,
}

impl Default for GridConfig {
    fn default() -> Self {
        Self { steps: 8, zeros: false }
    }
}

impl CandidatesPart for GridConfig {
    fn validate(&self) -> Result<()> {
        if self.steps < 2 { refuse("steps", ">= 2".into(), self.steps.to_string()) } else { Ok(()) }
    }

    fn points(&self, m: usize) -> Result<Vec<Vec<f64>>> {
        match grid_size(m, self.steps, self.zeros) {
            Some(1..=10_000) => Ok(grid(m, self.steps, self.zeros)),
            found => {
                let found = found.map_or("more than 2^64".to_owned(), |n| n.to_string());
                let expected = format!("such that a grid over {m} tasks has 1 to {MOST} points");
                refuse("steps", expected, format!("{}, which gives {found}", self.steps))
            }
        }
    }
}

/// The first points of a Sobol sequence: for many tasks, where a grid is too large.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SobolConfig {
    /// How many, in 1..=10000; default 32.
    pub n: u32,
}

impl Default for SobolConfig {
    fn default() -> Self {
        Self { n: 32 }
    }
}

impl CandidatesPart for SobolConfig {
    fn validate(&self) -> Result<()> {
        if (1..=MOST).contains(&self.n) { Ok(()) } else { refuse("n", format!("in 1..={MOST}"), self.n.to_string()) }
    }

    fn points(&self, m: usize) -> Result<Vec<Vec<f64>>> {
        let Some(sobol) = Sobol::new(m.saturating_sub(1)) else {
            return refuse("tasks", format!("at most {} for a Sobol sequence", MAX_DIM + 1), m.to_string());
        };
        // The first point is a corner of the cube.
        Ok(sobol.skip(1).take(self.n as usize).map(|point| from_cube(&point)).collect())
    }
}

/// More candidates than anyone will train.
const MOST: u32 = 10_000;

impl Candidates {
    /// Checks what does not depend on the number of tasks.
    ///
    /// # Errors
    /// [`mtl_core::Error::InvalidConfig`] naming the setting out of range.
    pub fn validate(&self) -> Result<()> {
        self.part().validate()
    }

    /// The weights for `m` tasks: equal ones first, each vector once, every vector with sum `m`.
    ///
    /// # Errors
    /// [`mtl_core::Error::InvalidConfig`] for fewer than two tasks, more than a Sobol sequence here has dimensions for, a
    /// grid without points or with more than 10 000.
    pub fn weights(&self, m: usize) -> Result<Vec<Vec<f64>>> {
        self.validate()?;
        if m < 2 {
            return refuse("tasks", "at least 2 to weigh".into(), m.to_string());
        }
        #[expect(clippy::cast_precision_loss, reason = "a count of tasks")]
        let size = m as f64;
        let points = self.part().points(m)?;
        let equal = vec![1.0; m];
        let scaled = points.iter().map(|point| point.iter().map(|w| w * size).collect::<Vec<f64>>());
        let others = scaled.filter(|w| w.iter().any(|w| (w - 1.0).abs() > 1e-12));
        Ok(std::iter::once(equal.clone()).chain(others).collect())
    }
}

fn refuse<T>(field: &'static str, expected: String, found: String) -> Result<T> {
    Err(mtl_core::Error::InvalidConfig { what: "cv_weights.candidates", field, expected, found }.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_grid(steps: u32, zeros: bool) -> Candidates {
        Candidates::Grid(GridConfig { steps, zeros })
    }

    #[test]
    fn equal_weights_come_first_and_once() {
        let found = of_grid(4, false).weights(2).unwrap();
        assert_eq!(found, [[1.0, 1.0], [0.5, 1.5], [1.5, 0.5]]);
        let found = of_grid(2, true).weights(2).unwrap();
        assert_eq!(found, [[1.0, 1.0], [0.0, 2.0], [2.0, 0.0]]);
        assert_eq!(of_grid(5, false).weights(3).unwrap().len(), 7, "equal weights are no point of this grid");
    }

    #[test]
    fn sobol_weights_are_positive_and_have_the_right_sum() {
        for m in [2, 3, 8, MAX_DIM + 1] {
            let found = Candidates::Sobol(SobolConfig { n: 50 }).weights(m).unwrap();
            assert!(found.len() >= 50 && found.len() <= 51);
            for weights in found {
                let sum: f64 = weights.iter().sum();
                assert!((sum - m as f64).abs() < 1e-9 && weights.iter().all(|w| *w > 0.0), "{weights:?}");
            }
        }
    }

    #[test]
    fn what_is_refused() {
        let e = |candidates: Candidates, m| candidates.weights(m).unwrap_err().to_string();
        assert!(e(of_grid(8, false), 1).contains("at least 2"));
        assert!(e(of_grid(3, false), 4).contains("3, which gives 0"));
        assert!(e(of_grid(60, false), 8).contains("1 to 10000 points"));
        assert!(e(Candidates::Sobol(SobolConfig::default()), MAX_DIM + 2).contains("for a Sobol sequence"));
    }
}
