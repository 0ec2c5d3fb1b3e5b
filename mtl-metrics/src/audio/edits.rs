//! Edit distance and alignment of two sequences, 64 cells of the table at a time.
//!
//! Neighboring cells of the Levenshtein table differ by -1, 0 or 1, so a column is two bit vectors: where it rises (`vp`)
//! and where it falls (`vn`). A handful of word operations moves 64 rows one column on. Blocks of 64 rows run over the
//! whole hypothesis one after another and hand on the horizontal differences at their lower edge; these, summed after the
//! last block, are the distances to all prefixes of the hypothesis. When an alignment is wanted the vectors are kept (16
//! bytes per 64 cells) and the path is read back from the end; tables beyond 64 MiB are cut at the middle of the
//! reference first (D. Hirschberg, *A linear space algorithm for computing maximal common subsequences*, CACM 1975).
//!
//! Among the shortest paths the one is taken that rapidfuzz takes: from the end, a deletion before an insertion before a
//! diagonal step, after common ends are cut off. Distance and lengths leave one degree of freedom in the counts of
//! hits, substitutions, deletions and insertions, so equal counts need equal choices.
//!
//! **Reference** G. Myers, *A fast bit-vector algorithm for approximate string matching*, JACM 1999; H. Hyyro, *A
//! bit-vector algorithm for computing Levenshtein and Damerau edit distances*, 2003; rapidfuzz 3.14 `Levenshtein.opcodes`.
//! **Differs from** rapidfuzz beyond its own limit for full tables (1 MiB), where it cuts and we do not.

/// One step of an alignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edit {
    /// Equal in both.
    Hit,
    /// Another one in the hypothesis.
    Substitution,
    /// Only in the reference.
    Deletion,
    /// Only in the hypothesis.
    Insertion,
}

/// Bytes of bit vectors above which the table is cut.
const MAX_TABLE: usize = 64 << 20;

/// Room for the algorithm, kept from pair to pair. Tokens are small numbers (see `WordIds`).
#[derive(Debug, Default)]
pub(crate) struct Aligner {
    /// By token: its places in the present block of the reference.
    places: Vec<u64>,
    /// By hypothesis position: 1 where the row below the blocks done rises, 2 where it falls.
    across: Vec<u8>,
    /// `[blocks, hypothesis]`: where columns rise and fall.
    kept: Vec<(u64, u64)>,
}

impl Aligner {
    /// The edit distance. Tokens are below `n_tokens`.
    #[cfg(test)]
    pub(crate) fn distance(&mut self, reference: &[u32], hypothesis: &[u32], n_tokens: usize) -> usize {
        self.places.resize(self.places.len().max(n_tokens), 0);
        self.sweep::<false>(reference, &hypothesis.iter().copied());
        self.prefix_distances(reference.len()).last().unwrap_or(reference.len())
    }

    /// Calls `step` for every step of a shortest alignment, from the last to the first unless `ordered`.
    pub(crate) fn align(
        &mut self,
        reference: &[u32],
        hypothesis: &[u32],
        n_tokens: usize,
        step: &mut impl FnMut(Edit),
    ) {
        self.places.resize(self.places.len().max(n_tokens), 0);
        let equal = |(a, b): &(&u32, &u32)| a == b;
        let head = reference.iter().zip(hypothesis).take_while(equal).count();
        let (reference, hypothesis) = (&reference[head..], &hypothesis[head..]);
        let tail = reference.iter().rev().zip(hypothesis.iter().rev()).take_while(equal).count();
        let (reference, hypothesis) = (&reference[..reference.len() - tail], &hypothesis[..hypothesis.len() - tail]);
        (0..tail).for_each(|_| step(Edit::Hit));
        self.align_middle(reference, hypothesis, step);
        (0..head).for_each(|_| step(Edit::Hit));
    }

    fn align_middle(&mut self, reference: &[u32], hypothesis: &[u32], step: &mut impl FnMut(Edit)) {
        let table = reference.len().div_ceil(64) * hypothesis.len() * size_of::<(u64, u64)>();
        if table <= MAX_TABLE || reference.len() <= 64 {
            self.sweep::<true>(reference, &hypothesis.iter().copied());
            self.read_back(reference, hypothesis, step);
            return;
        }
        // Where the path crosses the middle row: the first place with the least distance to both ends.
        let (upper, lower) = reference.split_at(reference.len() / 2);
        self.sweep::<false>(upper, &hypothesis.iter().copied());
        let before: Vec<usize> = std::iter::once(upper.len()).chain(self.prefix_distances(upper.len())).collect();
        let reversed: Vec<u32> = lower.iter().rev().copied().collect();
        self.sweep::<false>(&reversed, &hypothesis.iter().rev().copied());
        let mut after: Vec<usize> = std::iter::once(lower.len()).chain(self.prefix_distances(lower.len())).collect();
        after.reverse();
        let crossing = before.iter().zip(&after).map(|(a, b)| a + b).enumerate().min_by_key(|&(at, sum)| (sum, at));
        let (left, right) = hypothesis.split_at(crossing.map_or(0, |(at, _)| at));
        self.align_middle(lower, right, step);
        self.align_middle(upper, left, step);
    }

    /// The distances of the whole swept reference to the prefixes of 1, 2, .. tokens.
    fn prefix_distances(&self, reference_len: usize) -> impl Iterator<Item = usize> {
        self.across.iter().scan(reference_len, |distance, &across| {
            *distance = (*distance + usize::from(across & 1)) - usize::from(across >> 1);
            Some(*distance)
        })
    }

    fn sweep<const KEEP: bool>(&mut self, reference: &[u32], hypothesis: &(impl Iterator<Item = u32> + Clone)) {
        self.kept.clear();
        self.across.clear();
        // Above the first row the distance grows by one a column.
        self.across.extend(hypothesis.clone().map(|_| 1));
        for block in reference.chunks(64) {
            for (row, &token) in block.iter().enumerate() {
                self.places[token as usize] |= 1 << row;
            }
            let lowest = block.len() - 1;
            let (mut vp, mut vn) = (u64::MAX, 0_u64);
            for (token, across) in hypothesis.clone().zip(&mut self.across) {
                let (rise, fall) = (u64::from(*across & 1), u64::from(*across >> 1));
                let x = self.places[token as usize] | fall;
                let d0 = ((x & vp).wrapping_add(vp) ^ vp) | x | vn;
                let hp = vn | !(d0 | vp);
                let hn = d0 & vp;
                *across = u8::from(hp >> lowest & 1 == 1) | u8::from(hn >> lowest & 1 == 1) << 1;
                let (hp, hn) = (hp << 1 | rise, hn << 1 | fall);
                vp = hn | !(d0 | hp);
                vn = hp & d0;
                if KEEP {
                    self.kept.push((vp, vn));
                }
            }
            block.iter().for_each(|&token| self.places[token as usize] = 0);
        }
    }

    fn read_back(&self, reference: &[u32], hypothesis: &[u32], step: &mut impl FnMut(Edit)) {
        let (mut i, mut j) = (reference.len(), hypothesis.len());
        let column = |i: usize, j: usize| {
            let (vp, vn) = self.kept[(i - 1) / 64 * hypothesis.len() + j - 1];
            let bit = (i - 1) % 64;
            (vp >> bit & 1 == 1, vn >> bit & 1 == 1)
        };
        while i > 0 && j > 0 {
            if column(i, j).0 {
                i -= 1;
                step(Edit::Deletion);
            } else if j > 1 && column(i, j - 1).1 {
                j -= 1;
                step(Edit::Insertion);
            } else {
                (i, j) = (i - 1, j - 1);
                step(if reference[i] == hypothesis[j] { Edit::Hit } else { Edit::Substitution });
            }
        }
        (0..i).for_each(|_| step(Edit::Deletion));
        (0..j).for_each(|_| step(Edit::Insertion));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn plain(a: &[u32], b: &[u32]) -> usize {
        let mut row: Vec<usize> = (0..=b.len()).collect();
        for (i, x) in a.iter().enumerate() {
            let mut diagonal = std::mem::replace(&mut row[0], i + 1);
            for (j, y) in b.iter().enumerate() {
                let new = (diagonal + usize::from(x != y)).min(row[j] + 1).min(row[j + 1] + 1);
                diagonal = std::mem::replace(&mut row[j + 1], new);
            }
        }
        row[b.len()]
    }

    fn edits(aligner: &mut Aligner, a: &[u32], b: &[u32]) -> Vec<Edit> {
        let mut edits = Vec::new();
        aligner.align(a, b, 8, &mut |edit| edits.push(edit));
        edits.reverse();
        edits
    }

    #[test]
    fn choices_among_shortest_paths() {
        let mut aligner = Aligner::default();
        use Edit::{Deletion, Hit, Insertion, Substitution};
        assert_eq!(edits(&mut aligner, &[1, 2, 3], &[1, 3]), [Hit, Deletion, Hit]);
        assert_eq!(edits(&mut aligner, &[1, 2], &[2, 1]), [Insertion, Hit, Deletion]);
        assert_eq!(edits(&mut aligner, &[1], &[2, 3]), [Insertion, Substitution]);
        assert_eq!(edits(&mut aligner, &[], &[2]), [Insertion]);
    }

    proptest! {
        #[test]
        fn shortest_and_true(
            a in prop::collection::vec(0_u32..4, 0..200), b in prop::collection::vec(0_u32..5, 0..200),
        ) {
            let mut aligner = Aligner::default();
            let want = plain(&a, &b);
            prop_assert_eq!(aligner.distance(&a, &b, 5), want);
            for cut in [false, true] {
                let mut steps = Vec::new();
                if cut && a.len() > 1 {
                    // The halves as Hirschberg joins them.
                    let (upper, lower) = a.split_at(a.len() / 2);
                    let best = (0..=b.len()).map(|at| plain(upper, &b[..at]) + plain(lower, &b[at..])).min();
                    prop_assert_eq!(best, Some(want));
                }
                steps.extend(edits(&mut aligner, &a, &b));
                let (mut i, mut j, mut cost) = (0, 0, 0);
                for edit in steps {
                    match edit {
                        Edit::Hit => prop_assert_eq!(a[i], b[j]),
                        Edit::Substitution => prop_assert_ne!(a[i], b[j]),
                        _ => {}
                    }
                    i += usize::from(edit != Edit::Insertion);
                    j += usize::from(edit != Edit::Deletion);
                    cost += usize::from(edit != Edit::Hit);
                }
                prop_assert_eq!((i, j, cost), (a.len(), b.len(), want));
            }
        }
    }

    #[test]
    fn long_sequences_are_cut_and_stay_shortest() {
        // 13 000 by 24 000 tokens would keep 78 MB of vectors.
        let token = |i: u32, step: u32| i.wrapping_mul(step).wrapping_mul(i) >> 7 & 7;
        let a: Vec<u32> = (0..13_000).map(|i| token(i, 2_654_435_761)).collect();
        let b: Vec<u32> = (0..24_000).map(|i| token(i, 2_246_822_519)).collect();
        let mut aligner = Aligner::default();
        let want = aligner.distance(&a, &b, 8);
        let cost = edits(&mut aligner, &a, &b).into_iter().filter(|&edit| edit != Edit::Hit).count();
        assert_eq!(cost, want);
    }
}
