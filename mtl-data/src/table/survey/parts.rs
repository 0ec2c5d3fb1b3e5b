//! Cells that hold several things: the mark between them.

use std::collections::HashSet;

use super::tally::Tally;
use crate::table::{cell_parts, number::Numbers};

/// The mark between the parts of most cells, and how many different parts there are.
pub(super) fn separator(tally: &Tally) -> Option<(char, usize)> {
    let texts = tally.texts();
    let n: u64 = texts.iter().map(|(_, count)| count).sum();
    for mark in ['|', ';', ',', ' '] {
        let with: u64 = texts.iter().filter(|(text, _)| text.contains(mark)).map(|(_, count)| count).sum();
        let is_common = if mark == ' ' { with * 2 > n } else { with * 5 > n };
        if texts.len() < 20 || !is_common {
            continue;
        }
        let parts: HashSet<&str> = texts.iter().flat_map(|(text, _)| cell_parts::members(text, mark)).collect();
        if parts.len() * 2 < texts.len() && parts.len() <= 1000 {
            return Some((mark, parts.len()));
        }
    }
    None
}

/// The mark between numbers of which every cell has as many, at least three, and how many that are.
pub(super) fn vector(tally: &Tally) -> Option<(char, usize)> {
    let texts = tally.texts();
    let (first, _) = texts.first()?;
    [',', ';', '|', ' '].into_iter().find_map(|mark| {
        let count = |text: &str| cell_parts::count_numbers(text, mark, Numbers::PLAIN);
        let n = count(first).filter(|n| *n >= 3)?;
        texts.iter().all(|(text, _)| count(text) == Some(n)).then_some((mark, n))
    })
}
