//! What kinds with any number of items a sample have in common.

use super::{Cells, Labels};

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
