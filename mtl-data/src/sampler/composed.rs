//! Every batch with at least so many labeled rows of each task: a budget for each in what a batch holds.
//!
//! ```text
//! batch of b rows   | n_1 rows that have a label of task 1 | n_2 of task 2 | .. | b - sum_t n_t rows of all |
//! ```
//! The rows of all are dealt once an epoch; a task that some rows have no label of has a deck of its own, of the rows that have one, which
//! is gone through again and again, each time in a new order. So every batch has what is promised, every row comes at least once, and rows
//! with labels of tasks that have few come more often. Tasks of which every row has a label need no deck. All batches of an epoch are full.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Deal, Rows, SamplerPart, quotas::repeated};
use crate::{
    error::{Error, Result},
    rng::Rng,
};

/// Batches with labels of every task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Composed {
    /// Labeled rows of each task in every batch at least, >= 0; default 1.
    pub at_least: usize,
    /// The same of single tasks, by their names; default `at_least` for all.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tasks: BTreeMap<String, usize>,
}

impl Default for Composed {
    fn default() -> Self {
        Self { at_least: 1, tasks: BTreeMap::new() }
    }
}

impl SamplerPart for Composed {
    fn plan(&self, rows: &Rows<'_>) -> Result<Option<Box<dyn Deal>>> {
        let tasks = rows.tasks();
        if let Some(name) = self.tasks.keys().find(|name| !tasks.iter().any(|task| task.name.as_str() == name.as_str()))
        {
            let known = tasks.iter().map(|task| task.name.to_string()).collect();
            return Err(mtl_core::Error::UnknownTask { name: name.clone(), known }.into());
        }
        let n = rows.len();
        let mut decks = Vec::new();
        for (task, labeled) in tasks.iter().zip(rows.labeled()?) {
            let wanted = self.tasks.get(task.name.as_str()).copied().unwrap_or(self.at_least);
            // One that nobody has labels of here belongs to another source.
            if wanted > 0 && !labeled.is_empty() && (labeled.len() as u64) < n {
                decks.push(Deck { rows: labeled, a_batch: wanted });
            }
        }
        let batch = rows.batch_size();
        let taken: usize = decks.iter().map(|deck| deck.a_batch).sum();
        if taken >= batch {
            let expected =
                format!("below the {batch} rows of a batch, of all tasks that not every row has a label of together");
            return Err(Error::config("sampler", "at_least", expected, taken.to_string()));
        }
        if decks.is_empty() || n == 0 {
            return Ok(None);
        }
        let batches = n.div_ceil((batch - taken) as u64);
        Ok(Some(Box::new(Decks { n, decks, batch, of_all: batch - taken, batches })))
    }
}

/// The rows that have a label of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Deck {
    rows: Vec<u64>,
    a_batch: usize,
}

/// How batches are composed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Decks {
    n: u64,
    decks: Vec<Deck>,
    batch: usize,
    /// Rows of a batch that are dealt from all.
    of_all: usize,
    batches: u64,
}

impl Deal for Decks {
    #[expect(clippy::cast_precision_loss, reason = "numbers of rows are far below 2^52")]
    fn expected(&self) -> Vec<f64> {
        let drawn = |a_batch: usize| self.batches as f64 * a_batch as f64;
        let mut expected = vec![drawn(self.of_all) / self.n as f64; usize::try_from(self.n).unwrap_or(0)];
        for Deck { rows, a_batch } in &self.decks {
            let each = drawn(*a_batch) / rows.len() as f64;
            rows.iter().filter_map(|row| usize::try_from(*row).ok()).for_each(|row| expected[row] += each);
        }
        expected
    }

    fn len(&self) -> u64 {
        self.batches * self.batch as u64
    }

    fn rows(&self, rng: &mut Rng) -> Vec<u64> {
        let mut dealt = |rows: &[u64], a_batch: usize| {
            let mut onto = Vec::new();
            repeated(rows, self.batches * a_batch as u64, rng, &mut onto);
            (onto, a_batch)
        };
        let all: Vec<u64> = (0..self.n).collect();
        let mut dealt_of: Vec<(Vec<u64>, usize)> = vec![dealt(&all, self.of_all)];
        dealt_of.extend(self.decks.iter().map(|deck| dealt(&deck.rows, deck.a_batch)));
        let mut epoch = Vec::with_capacity(usize::try_from(self.len()).unwrap_or(0));
        for at in 0..usize::try_from(self.batches).unwrap_or(0) {
            let start = epoch.len();
            dealt_of.iter().for_each(|(rows, n)| epoch.extend_from_slice(&rows[at * n..(at + 1) * n]));
            // Within a batch in any order: ranks take parts of it.
            rng.shuffle(&mut epoch[start..]);
        }
        epoch
    }

    #[expect(clippy::cast_precision_loss, reason = "a number of tasks")]
    fn slack(&self) -> f64 {
        1.0 + self.decks.len() as f64
    }
}
