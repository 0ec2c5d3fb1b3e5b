//! Rows of small classes that are made between theirs: SMOTE for numbers and categories (SMOTE-NC).
//!
//! ```text
//! m_c      = r max_j n_j - n_c                                  rows that are made of a class that has fewer
//! d(a, b)^2 = sum_numbers (a - b)^2 + med^2 [categories that differ]     med: the median of the numbers' standard deviations in the class
//! row      = a + u (b - a) in numbers, u in [0, 1), b one of a's k nearest; categories as most of the k have them
//! ```
//! Rows are made once, when the loader is, from the seed alone, and stand behind the rows that there are: every row, made or not, comes once
//! an epoch. A made row has the label of its class and none of any other task: what another task would have said of it, nobody knows.
//! Distances are between inputs as the network gets them (scaled by the table). Of ties between categories the row's own wins,
//! else the first. Of a class of more than [`CANDIDATES`] rows neighbors are looked for among so many, drawn once.
//!
//! **Reference** N. Chawla, K. Bowyer, L. Hall, W. P. Kegelmeyer, "SMOTE: Synthetic Minority Over-sampling Technique", JAIR 16, 2002;
//! section 6.1 is SMOTE-NC. **Differs from** the paper: all rows of the class are begun from equally often, give or take one, whatever the
//! amount; the paper takes multiples of the class.

mod make;
mod neighbors;

use std::sync::Arc;

pub use make::CANDIDATES;
use serde::{Deserialize, Serialize};

use super::{
    By, Deal, Rows, SamplerPart,
    over::{check_ratio, grown},
};
use crate::{
    error::{Error, Result},
    source::{Concat, Source},
};

/// Rows made between those of a task's small classes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Smote {
    /// The task whose classes count; default the only one that has classes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// Which of its yes/no labels; default the only one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// How large a class becomes at least, as a share of the largest, in `(0, 1]`; default 1.
    #[schemars(extend("exclusiveMinimum" = 0.0), range(max = 1.0))]
    pub ratio: f64,
    /// How many of the nearest rows of its class a row is made between, >= 1; default 5, or all where there are fewer.
    #[schemars(range(min = 1))]
    pub neighbors: usize,
}

impl Default for Smote {
    fn default() -> Self {
        Self { task: None, label: None, ratio: 1.0, neighbors: 5 }
    }
}

impl SamplerPart for Smote {
    fn validate(&self) -> Result<()> {
        check_ratio(self.ratio)?;
        match self.neighbors {
            0 => Err(Error::config("sampler", "neighbors", ">= 1", "0")),
            _ => Ok(()),
        }
    }

    fn by(&self) -> By<'_> {
        By::classes_of(self.task.as_deref())
    }

    /// Nothing: rows that were made come once, as all others.
    fn plan(&self, _: &Rows<'_>) -> Result<Option<Box<dyn Deal>>> {
        Ok(None)
    }

    fn grown(&self, source: &Arc<dyn Source>, seed: u64) -> Result<Option<Arc<dyn Source>>> {
        self.validate()?;
        if source.parts().len() > 1 {
            let expected = "another for data of several sources: rows are made of one table";
            return Err(Error::config("sampler", "kind", expected, "smote"));
        }
        let rows = Rows::new(&**source, 0, source.len(), 1);
        let Some(classes) = rows.by_class(self.task.as_deref(), self.label.as_deref())? else { return Ok(None) };
        let (counts, wanted) = (classes.counts(), grown(&classes.counts(), self.ratio));
        let missing: Vec<u64> = wanted.iter().zip(&counts).map(|(wanted, n)| wanted - n).collect();
        let made = make::rows(&**source, &classes, &missing, self.neighbors, seed)?;
        Ok(match made {
            Some(made) => Some(Arc::new(Concat::new(vec![source.clone(), Arc::new(made)])?)),
            None => None,
        })
    }
}
