//! The search behind TER: edit distance near the diagonal, and greedy shifts.

/// The longest block that is shifted, how far a shift looks, how far the distance looks from the diagonal, and how many
/// shifts of one text are tried in all.
const MAX_SHIFT_SIZE: usize = 10;
const MAX_SHIFT_DISTANCE: usize = 50;
const BEAM: usize = 25;
const MAX_CANDIDATES: usize = 1000;

/// Above every distance; sums of it do not overflow.
const FAR: u32 = 1 << 30;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Edit {
    Keep,
    Substitute,
    /// A word of the hypothesis goes.
    Delete,
    /// A word of the reference comes.
    Insert,
    Unknown,
}

type Cell = (u32, Edit);

/// One text being edited.
pub(super) struct Search<'a> {
    reference: &'a [u32],
    /// `[h + 1, r + 1]`: distances of prefixes of the present hypothesis, with the last edit.
    rows: Vec<Vec<Cell>>,
    above: Vec<Cell>,
    below: Vec<Cell>,
}

/// A shift that was tried, ordered as Tercom prefers them.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    gain: i64,
    length: usize,
    /// Earlier is better.
    start: std::cmp::Reverse<usize>,
    target: std::cmp::Reverse<usize>,
}

/// How the hypothesis lies against the reference.
struct Alignment {
    /// By reference word: the hypothesis word at or before it, counted from 1; 0 before the first.
    after: Vec<usize>,
    wrong_reference: Vec<bool>,
    wrong_hypothesis: Vec<bool>,
}

impl<'a> Search<'a> {
    /// The edits that the search needs.
    pub(super) fn edits(hypothesis: &[u32], reference: &'a [u32]) -> u64 {
        if reference.is_empty() {
            return hypothesis.len() as u64;
        }
        let width = reference.len() + 1;
        let empty = || vec![(FAR, Edit::Unknown); width];
        let mut first = empty();
        for (cell, cost) in first.iter_mut().zip(0..) {
            *cell = (cost, Edit::Insert);
        }
        let mut rows = vec![empty(); hypothesis.len() + 1];
        rows[0] = first;
        let mut search = Self { reference, rows, above: empty(), below: empty() };
        let mut words = hypothesis.to_vec();
        let (mut shifts, mut tried) = (0, 0);
        search.fill(&words, 0);
        loop {
            let shift = search.best_shift(&words, &mut tried);
            let Some((candidate, shifted)) =
                shift.filter(|(candidate, _)| tried < MAX_CANDIDATES && candidate.gain > 0)
            else {
                return shifts + u64::from(search.distance());
            };
            let same = words.iter().zip(&shifted).take_while(|(a, b)| a == b).count();
            debug_assert!(candidate.gain <= i64::from(search.distance()), "distances are not negative");
            words = shifted;
            search.fill(&words, same);
            shifts += 1;
        }
    }

    fn distance(&self) -> u32 {
        self.rows.last().and_then(|row| row.last()).map_or(0, |cell| cell.0)
    }

    /// Fills all rows below row `from`.
    fn fill(&mut self, words: &[u32], from: usize) {
        for idx in from + 1..=words.len() {
            let (done, rest) = self.rows.split_at_mut(idx);
            if let (Some(above), Some(row)) = (done.last(), rest.first_mut()) {
                fill_row(idx, words, self.reference, above, row);
            }
        }
    }

    /// The distance of changed words whose first `same` are those of the rows.
    fn distance_of(&mut self, words: &[u32], same: usize) -> u32 {
        self.above.clone_from(&self.rows[same]);
        for idx in same + 1..=words.len() {
            fill_row(idx, words, self.reference, &self.above, &mut self.below);
            std::mem::swap(&mut self.above, &mut self.below);
        }
        self.above.last().map_or(0, |cell| cell.0)
    }

    fn alignment(&self) -> Alignment {
        let (mut i, mut j) = (self.rows.len() - 1, self.reference.len());
        let mut edits = Vec::with_capacity(i + j);
        while i > 0 || j > 0 {
            let edit = self.rows[i][j].1;
            edits.push(edit);
            match edit {
                Edit::Keep | Edit::Substitute => (i, j) = (i - 1, j - 1),
                Edit::Insert => j -= 1,
                Edit::Delete => i -= 1,
                Edit::Unknown => break,
            }
        }
        let mut alignment = Alignment { after: Vec::new(), wrong_reference: Vec::new(), wrong_hypothesis: Vec::new() };
        let mut seen = 0;
        for edit in edits.into_iter().rev() {
            let wrong = edit != Edit::Keep;
            if edit != Edit::Insert {
                seen += 1;
                alignment.wrong_hypothesis.push(wrong);
            }
            if edit != Edit::Delete {
                alignment.after.push(seen);
                alignment.wrong_reference.push(wrong);
            }
        }
        alignment
    }

    fn best_shift(&mut self, words: &[u32], tried: &mut usize) -> Option<(Candidate, Vec<u32>)> {
        let before = i64::from(self.distance());
        let alignment = self.alignment();
        let mut best: Option<(Candidate, Vec<u32>)> = None;
        for (start, at, length) in equal_blocks(words, self.reference) {
            let wrong = |errors: &[bool], start: usize| errors.iter().skip(start).take(length).any(|&wrong| wrong);
            if !wrong(&alignment.wrong_hypothesis, start) || !wrong(&alignment.wrong_reference, at) {
                continue;
            }
            let Some(&here) = alignment.after.get(at) else { continue };
            if (start + 1..=start + length).contains(&here) {
                continue;
            }
            let mut last = None;
            // To the place of each word of the block in the reference, and of the one before it.
            for place in at..=at + length {
                let target = match place.checked_sub(1) {
                    None => 0,
                    Some(place) => match alignment.after.get(place) {
                        Some(&after) => after,
                        None => break,
                    },
                };
                if last.replace(target) == Some(target) {
                    continue;
                }
                let shifted = shift(words, start, length, target);
                let same = words.iter().zip(&shifted).take_while(|(a, b)| a == b).count();
                let candidate = Candidate {
                    gain: before - i64::from(self.distance_of(&shifted, same)),
                    length,
                    start: std::cmp::Reverse(start),
                    target: std::cmp::Reverse(target),
                };
                *tried += 1;
                if best.as_ref().is_none_or(|(highest, _)| candidate > *highest) {
                    best = Some((candidate, shifted));
                }
            }
            if *tried >= MAX_CANDIDATES {
                break;
            }
        }
        best
    }
}

/// One row of the distance matrix, near the diagonal only; a row of the last word reaches the end.
fn fill_row(idx: usize, words: &[u32], reference: &[u32], above: &[Cell], row: &mut [Cell]) {
    let ratio = reference.len() as f64 / words.len() as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "lengths of texts, not negative")]
    let (diagonal, beam) = {
        let steep = (ratio / 2.0 + BEAM as f64).ceil() as usize;
        ((idx as f64 * ratio).floor() as usize, if ratio / 2.0 > BEAM as f64 { steep } else { BEAM })
    };
    let first = diagonal.saturating_sub(beam);
    let end = if idx == words.len() { row.len() } else { row.len().min(diagonal + beam) };
    row.fill((FAR, Edit::Unknown));
    for j in first..end {
        row[j] = match j.checked_sub(1) {
            None => (above[0].0 + 1, Edit::Delete),
            Some(before) => {
                let equal = words[idx - 1] == reference[before];
                let mut cell = (FAR, Edit::Unknown);
                for (cost, edit) in [
                    (above[before].0 + u32::from(!equal), if equal { Edit::Keep } else { Edit::Substitute }),
                    (above[j].0 + 1, Edit::Delete),
                    (row[before].0 + 1, Edit::Insert),
                ] {
                    if cost < cell.0 {
                        cell = (cost, edit);
                    }
                }
                cell
            }
        };
    }
}

/// Blocks of equal words, `(start in a, start in b, length)`; every length of a block is a block of its own.
fn equal_blocks(a: &[u32], b: &[u32]) -> impl Iterator<Item = (usize, usize, usize)> {
    (0..a.len()).flat_map(move |i| {
        let near = i.saturating_sub(MAX_SHIFT_DISTANCE)..b.len().min(i + MAX_SHIFT_DISTANCE + 1);
        near.flat_map(move |j| {
            let equal = a[i..].iter().zip(&b[j..]).take(MAX_SHIFT_SIZE).take_while(|(a, b)| a == b).count();
            (1..=equal).map(move |length| (i, j, length))
        })
    })
}

/// The words with a block moved before position `target`, which counts in the words as they were; a target inside the
/// block moves it on by as much.
fn shift(words: &[u32], start: usize, length: usize, target: usize) -> Vec<u32> {
    let block = &words[start..start + length];
    let mut rest = [&words[..start], &words[start + length..]].concat();
    let at = if target < start {
        target
    } else if target > start + length {
        target - length
    } else {
        target.min(rest.len())
    };
    rest.splice(at..at, block.iter().copied());
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_move() {
        assert_eq!(shift(&[0, 1, 2, 3, 4], 1, 2, 0), [1, 2, 0, 3, 4]);
        assert_eq!(shift(&[0, 1, 2, 3, 4], 1, 2, 4), [0, 3, 1, 2, 4]);
        assert_eq!(shift(&[0, 1, 2, 3, 4], 1, 2, 2), [0, 3, 1, 2, 4]);
        assert_eq!(shift(&[0, 1, 2, 3, 4], 1, 2, 1), [0, 1, 2, 3, 4]);
        assert_eq!(shift(&[0, 1, 2], 1, 2, 3), [0, 1, 2]);
    }

    #[test]
    fn a_shift_costs_one() {
        assert_eq!(Search::edits(&[4, 5, 1, 2, 3], &[1, 2, 3, 4, 5]), 1);
        assert_eq!(Search::edits(&[1, 2, 3], &[1, 3]), 1);
        assert_eq!(Search::edits(&[], &[1, 3]), 2);
        assert_eq!(Search::edits(&[1, 3], &[]), 2);
    }

    #[test]
    fn lengths_far_apart_end_well() {
        let long: Vec<u32> = (0..400).collect();
        assert_eq!(Search::edits(&[300], &long), 399);
        // Too far from the diagonal to be seen.
        assert_eq!(Search::edits(&[7], &long), 400);
        assert_eq!(Search::edits(&long, &[7]), 399);
    }
}
