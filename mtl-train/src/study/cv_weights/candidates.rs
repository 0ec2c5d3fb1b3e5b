//! Which weights are tried.

use mtl_core::registry;
use serde::{Deserialize, Serialize};

use super::simplex::{from_cube, grid, grid_size};
use super::sobol::{MAX_DIM, Sobol};
use crate::error::Result;

registry! {
    /// A set of candidate weights.
    pub enum Candidates, what = "candidate weights" {
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

/// More candidates than anyone will train.
const MOST: u32 = 10_000;

impl Candidates {
    /// Checks what does not depend on the number of tasks.
    ///
    /// # Errors
    /// [`mtl_core::Error::InvalidConfig`] naming the setting out of range.
    pub fn validate(&self) -> Result<()> {
        match self {
            Self::Grid(config) if config.steps < 2 => refuse("steps", ">= 2".into(), config.steps.to_string()),
            Self::Sobol(config) if !(1..=MOST).contains(&config.n) => {
                refuse("n", format!("in 1..={MOST}"), config.n.to_string())
            }
            _ => Ok(()),
        }
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
        let points = match self {
            Self::Grid(config) => match grid_size(m, config.steps, config.zeros) {
                Some(1..=10_000) => grid(m, config.steps, config.zeros),
                found => {
                    let found = found.map_or("more than 2^64".to_owned(), |n| n.to_string());
                    let expected = format!("such that a grid over {m} tasks has 1 to {MOST} points");
                    return refuse("steps", expected, format!("{}, which gives {found}", config.steps));
                }
            },
            Self::Sobol(config) => {
                let Some(sobol) = Sobol::new(m - 1) else {
                    return refuse("tasks", format!("at most {} for a Sobol sequence", MAX_DIM + 1), m.to_string());
                };
                // The first point is a corner of the cube.
                sobol.skip(1).take(config.n as usize).map(|point| from_cube(&point)).collect()
            }
        };
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
