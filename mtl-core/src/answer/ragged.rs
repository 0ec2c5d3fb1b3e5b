//! What kinds with any number of items a sample have in common.

use super::{Cells, Labels, OrReason};
use crate::prediction::MISSING_CLASS;

/// The items of a sample, in words separated by blanks; unknown ones are `-`.
pub(super) fn words(labels: &Labels, row: usize, names: &[String]) -> String {
    let Cells::Index(cells) = labels.cells() else { return "-".into() };
    let word = |item: &i64| {
        let name = usize::try_from(*item).ok().and_then(|item| names.get(item));
        name.map_or("-", String::as_str)
    };
    cells[labels.range(row)].iter().map(word).collect::<Vec<_>>().join(" ")
}

/// Lengths as strata: whether a sample is labeled, and between which powers of two its length lies.
pub(super) fn strata(labels: &Labels) -> Vec<u64> {
    let Cells::Index(cells) = labels.cells() else { return vec![0; labels.len()] };
    let code = |row: usize| {
        let items = &cells[labels.range(row)];
        match items {
            [only] if *only < 0 => 0,
            items => 1 + u64::from(usize::BITS - items.len().leading_zeros()),
        }
    };
    (0..labels.len()).map(code).collect()
}

/// Whether `said` is right in every known item of a sample, and as long; `None` where none of its items is known. A sample of
/// no items is known to have none.
pub(super) fn right(labels: &Labels, sample: usize, said: &[i64]) -> OrReason<Option<bool>> {
    let Cells::Index(cells) = labels.cells() else { return Err("labels are no indices".into()) };
    let truth = &cells[labels.range(sample)];
    if !truth.is_empty() && truth.iter().all(|item| *item == MISSING_CLASS) {
        return Ok(None);
    }
    let fits = |(said, truth): (&i64, &i64)| *truth == MISSING_CLASS || said == truth;
    Ok(Some(said.len() == truth.len() && said.iter().zip(truth).all(fits)))
}
