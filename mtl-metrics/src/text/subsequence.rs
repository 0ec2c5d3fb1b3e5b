//! The longest common subsequence of two sequences: its length by bits, one of it by the whole table.

/// Length of the longest common subsequence of tokens below `n_tokens`, 64 table cells an operation.
///
/// A column of the table rises by 0 or 1 from cell to cell; its bits are 0 where it rises (H. Hyyro, *Bit-parallel
/// LCS-length computation revisited*, AWOCA 2004). Blocks of 64 rows run over all of `b` one after another and hand on
/// their carries, so that only one block's places have to be known at a time.
pub(crate) fn lcs_len(a: &[u32], b: &[u32], n_tokens: usize) -> usize {
    let mut places = vec![0_u64; n_tokens];
    let mut carries = vec![false; b.len()];
    let mut len = 0;
    for block in a.chunks(64) {
        for (row, &token) in block.iter().enumerate() {
            places[token as usize] |= 1 << row;
        }
        let mut column = u64::MAX;
        for (&token, carry) in b.iter().zip(&mut carries) {
            let matched = column & places[token as usize];
            let (sum, over) = column.overflowing_add(matched);
            let (sum, over_again) = sum.overflowing_add(u64::from(*carry));
            *carry = over || over_again;
            column = sum | (column & !matched);
        }
        // Rows beyond the end of `a` never match, so their bits stay 1.
        len += column.count_zeros() as usize;
        block.iter().for_each(|&token| places[token as usize] = 0);
    }
    len
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
            prop_assert_eq!(lcs_len(&a, &b, 6), common.len());
            let mut rest = b.iter();
            prop_assert!(common.iter().all(|x| rest.any(|y| x == y)), "a subsequence of both");
        }
    }
}
