//! The longest common subsequence of two sequences: its length by bits, one of it by the whole table.

/// Length of the longest common subsequence, 64 table cells an operation.
///
/// A row of the table rises by 0 or 1 from cell to cell; bit `i` of the row is 0 where it rises (H. Hyyro, *Bit-parallel
/// LCS-length computation revisited*, AWOCA 2004).
pub(crate) fn lcs_len(a: &[u32], b: &[u32]) -> usize {
    let (a, b) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    if a.is_empty() {
        return 0;
    }
    let places = Places::new(a);
    let blocks = a.len().div_ceil(64);
    let mut row = vec![u64::MAX; blocks];
    for &token in b {
        let mut carry = false;
        let matches = places.of(token);
        for (idx, block) in row.iter_mut().enumerate() {
            let matched = *block & matches.map_or(0, |matches| matches[idx]);
            let (sum, over) = block.overflowing_add(matched);
            let (sum, over_again) = sum.overflowing_add(u64::from(carry));
            carry = over || over_again;
            *block = sum | (*block & !matched);
        }
    }
    // Bits beyond the end of `a` never match, so they stay 1.
    row.iter().map(|block| block.count_zeros() as usize).sum()
}

/// For each token of a sequence, a bit per place.
pub(crate) struct Places {
    /// Tokens, sorted.
    tokens: Vec<u32>,
    /// `[tokens, blocks]`.
    bits: Vec<u64>,
    blocks: usize,
}

impl Places {
    pub(crate) fn new(sequence: &[u32]) -> Self {
        let blocks = sequence.len().div_ceil(64).max(1);
        let mut tokens = sequence.to_vec();
        tokens.sort_unstable();
        tokens.dedup();
        let mut bits = vec![0; tokens.len() * blocks];
        for (place, token) in sequence.iter().enumerate() {
            if let Ok(row) = tokens.binary_search(token) {
                bits[row * blocks + place / 64] |= 1 << (place % 64);
            }
        }
        Self { tokens, bits, blocks }
    }

    /// The places of a token, `None` when it has none.
    pub(crate) fn of(&self, token: u32) -> Option<&[u64]> {
        let row = self.tokens.binary_search(&token).ok()?;
        self.bits.get(row * self.blocks..(row + 1) * self.blocks)
    }
}

/// Marks the places in `a` of one longest common subsequence with `b`: the one that is found from the end, going up in
/// `a` unless only the way left in `b` keeps the length, as rouge-score does.
pub(crate) fn mark_lcs(a: &[u32], b: &[u32], marked: &mut [bool]) {
    let width = b.len() + 1;
    let mut table = vec![0_u32; (a.len() + 1) * width];
    for (i, x) in a.iter().enumerate() {
        for (j, y) in b.iter().enumerate() {
            let (here, up) = ((i + 1) * width + j + 1, i * width + j + 1);
            table[here] = if x == y { table[up - 1] + 1 } else { table[up].max(table[here - 1]) };
        }
    }
    let (mut i, mut j) = (a.len(), b.len());
    while i > 0 && j > 0 {
        if a[i - 1] == b[j - 1] {
            (i, j) = (i - 1, j - 1);
            if let Some(mark) = marked.get_mut(i) {
                *mark = true;
            }
        } else if table[i * width + j - 1] > table[(i - 1) * width + j] {
            j -= 1;
        } else {
            i -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bits_and_table_agree(a in prop::collection::vec(0_u32..5, 0..200), b in prop::collection::vec(0_u32..6, 0..200)) {
            let mut marked = vec![false; a.len()];
            mark_lcs(&a, &b, &mut marked);
            let common: Vec<u32> = a.iter().zip(&marked).filter(|(_, marked)| **marked).map(|(&x, _)| x).collect();
            prop_assert_eq!(lcs_len(&a, &b), common.len());
            let mut rest = b.iter();
            prop_assert!(common.iter().all(|x| rest.any(|y| x == y)), "a subsequence of both");
        }
    }
}
