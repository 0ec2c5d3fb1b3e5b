//! Dealing by classes: so many rows of each, every row of a class as often as any other, give or take one.

use super::{ByClass, Deal, Rows};
use crate::{error::Result, rng::Rng};

/// Deals the rows of a task's classes by what their counts come to; `None` for rows that have no such task.
///
/// # Errors
/// As [`Rows::by_class`].
pub(super) fn deal(
    rows: &Rows<'_>,
    task: Option<&str>,
    label: Option<&str>,
    quotas: impl FnOnce(&[u64]) -> Vec<u64>,
) -> Result<Option<Box<dyn Deal>>> {
    let Some(classes) = rows.by_class(task, label)? else { return Ok(None) };
    let quotas = quotas(&classes.counts());
    Ok(Some(Box::new(Quotas::new(classes, &quotas))))
}

/// As many rows as there are, of each class in proportion to what its count is worth; of one without a row none.
pub(super) fn in_shares(counts: &[u64], worth: impl Fn(u64) -> f64) -> Vec<u64> {
    let shares: Vec<f64> = counts.iter().map(|&n| if n == 0 { 0.0 } else { worth(n) }).collect();
    parted(counts.iter().sum(), &shares)
}

/// Classes and how many rows of each an epoch has.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Quotas {
    groups: Vec<(Vec<u64>, u64)>,
    n: u64,
}

impl Quotas {
    /// So many rows of each class, in their order; a class without a row has none. Rows without a label come once.
    fn new(classes: ByClass, quotas: &[u64]) -> Self {
        let n = classes.rows.iter().map(|rows| rows.len() as u64).sum::<u64>() + classes.unlabeled.len() as u64;
        let mut groups: Vec<_> = classes.rows.into_iter().zip(quotas.iter().copied()).collect();
        let unlabeled = classes.unlabeled.len() as u64;
        groups.push((classes.unlabeled, unlabeled));
        groups.retain(|(rows, _)| !rows.is_empty());
        Self { groups, n }
    }
}

impl Deal for Quotas {
    #[expect(clippy::cast_precision_loss, reason = "numbers of rows are far below 2^52")]
    fn expected(&self) -> Vec<f64> {
        let mut expected = vec![0.0; usize::try_from(self.n).unwrap_or(0)];
        for (rows, quota) in &self.groups {
            let each = *quota as f64 / rows.len() as f64;
            rows.iter().filter_map(|row| usize::try_from(*row).ok()).for_each(|row| expected[row] = each);
        }
        expected
    }

    fn len(&self) -> u64 {
        self.groups.iter().map(|(_, quota)| quota).sum()
    }

    fn rows(&self, rng: &mut Rng) -> Vec<u64> {
        let mut epoch = Vec::with_capacity(usize::try_from(self.len()).unwrap_or(0));
        for (rows, quota) in &self.groups {
            repeated(rows, *quota, rng, &mut epoch);
        }
        rng.shuffle(&mut epoch);
        epoch
    }
}

/// So many of some rows, pass after pass, each in an order of its own.
pub(super) fn repeated(rows: &[u64], n: u64, rng: &mut Rng, onto: &mut Vec<u64>) {
    let mut left = usize::try_from(n).unwrap_or(usize::MAX);
    while left > 0 && !rows.is_empty() {
        let mut pass = rows.to_vec();
        rng.shuffle(&mut pass);
        pass.truncate(left);
        left -= pass.len();
        onto.extend(pass);
    }
}

/// `total` parted by shares, which need not add up to 1: whole numbers that add up to it, each less than 1 away from its share.
#[expect(clippy::cast_precision_loss, reason = "numbers of rows are far below 2^52")]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a part of a number of rows")]
fn parted(total: u64, shares: &[f64]) -> Vec<u64> {
    let sum: f64 = shares.iter().sum();
    let exact: Vec<f64> = shares.iter().map(|share| total as f64 * share / sum).collect();
    let mut parts: Vec<u64> = exact.iter().map(|exact| exact.floor() as u64).collect();
    let mut order: Vec<usize> = (0..parts.len()).collect();
    // The largest remainders first, of equal ones the first.
    order.sort_by(|&a, &b| (exact[b] - exact[b].floor()).total_cmp(&(exact[a] - exact[a].floor())));
    let left = total.saturating_sub(parts.iter().sum());
    order.iter().cycle().take(usize::try_from(left).unwrap_or(0)).for_each(|&at| parts[at] += 1);
    parts
}
