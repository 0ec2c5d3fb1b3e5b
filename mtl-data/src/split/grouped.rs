//! Whole groups to one part, or to folds.
//!
//! ```text
//! cost = sum_s (c_s - share N_s)^2 / N_s        c_s: samples of stratum s in the part, N_s: in all
//! part    groups in random order, each taken if that lowers the cost
//! folds   groups from large to small, each to the fold where the sum of all costs becomes least
//! ```
//! Without strata all samples are one stratum, and the cost is about sizes alone. A part takes groups in random order, since the largest
//! first would hold out the same large ones whatever the seed; of folds each is held out once, and there sizes come first.

use std::collections::BTreeMap;

use crate::{
    error::{Error, Result},
    rng::{Rng, Stream},
};

/// One group.
struct Group {
    /// Its samples, ascending.
    members: Vec<u64>,
    /// How many of them are of each stratum.
    counts: Vec<(usize, f64)>,
}

/// Samples of each stratum.
struct Strata {
    totals: Vec<f64>,
}

impl Strata {
    /// What adding a group to `counts` does to the cost of a part that is to have that share.
    fn change(&self, counts: &[f64], group: &Group, share: f64) -> f64 {
        let of = |&(stratum, n): &(usize, f64)| {
            let (total, has) = (self.totals[stratum], counts[stratum]);
            let off = has - share * total;
            ((off + n).powi(2) - off.powi(2)) / total
        };
        group.counts.iter().map(of).sum()
    }
}

/// The groups in order of their first samples, and how large strata are. `strata` is empty, or has an entry a sample.
fn groups_of(groups: &[u64], strata: &[Vec<u64>]) -> (Vec<Group>, Strata) {
    let mut places: BTreeMap<u64, usize> = BTreeMap::new();
    let mut codes: BTreeMap<&[u64], usize> = BTreeMap::new();
    let (mut found, mut totals): (Vec<Group>, Vec<f64>) = (Vec::new(), Vec::new());
    for (at, (position, group)) in (0_u64..).zip(groups).enumerate() {
        let key = strata.get(at).map_or(&[][..], Vec::as_slice);
        let next = codes.len();
        let stratum = *codes.entry(key).or_insert(next);
        if stratum == totals.len() {
            totals.push(0.0);
        }
        totals[stratum] += 1.0;
        let next = found.len();
        let place = *places.entry(*group).or_insert(next);
        if place == next {
            found.push(Group { members: Vec::new(), counts: Vec::new() });
        }
        let group = &mut found[place];
        group.members.push(position);
        match group.counts.iter_mut().find(|(known, _)| *known == stratum) {
            Some((_, n)) => *n += 1.0,
            None => group.counts.push((stratum, 1.0)),
        }
    }
    (found, Strata { totals })
}

/// Positions that remain and positions that are held out, both ascending: whole groups, about `share` of the samples, and of each stratum
/// as far as groups allow. `strata` is empty, or has an entry a sample.
///
/// # Errors
/// `InvalidConfig` for fewer than two groups.
pub fn hold_out_groups(groups: &[u64], strata: &[Vec<u64>], share: f64, seed: u64) -> Result<(Vec<u64>, Vec<u64>)> {
    let (found, sizes) = groups_of(groups, strata);
    if found.len() < 2 {
        return Err(Error::config("split", "group", "at least 2 groups to cut", found.len().to_string()));
    }
    let mut order: Vec<usize> = (0..found.len()).collect();
    Rng::new(seed, Stream::Split, groups.len() as u64).shuffle(&mut order);
    let (mut counts, mut is_held, mut n_held) = (vec![0.0; sizes.totals.len()], vec![false; found.len()], 0);
    for &at in &order {
        // One group trains, whatever the share is.
        if n_held + 1 < found.len() && sizes.change(&counts, &found[at], share) < 0.0 {
            found[at].counts.iter().for_each(|&(stratum, n)| counts[stratum] += n);
            is_held[at] = true;
            n_held += 1;
        }
    }
    if n_held == 0 {
        // All groups are larger than twice the share: the one that is least too large.
        let cost = |at: &usize| sizes.change(&counts, &found[*at], share);
        if let Some(&best) = order.iter().min_by(|a, b| cost(a).total_cmp(&cost(b))) {
            is_held[best] = true;
        }
    }
    let part = |held: bool| {
        let of = found.iter().zip(&is_held).filter(|(_, is_held)| **is_held == held);
        let mut positions: Vec<u64> = of.flat_map(|(group, _)| group.members.iter().copied()).collect();
        positions.sort_unstable();
        positions
    };
    Ok((part(false), part(true)))
}

/// Folds of whole groups: the positions of each, ascending.
///
/// # Errors
/// `InvalidConfig` unless `2 <= k <=` the number of groups.
pub fn fold_groups(groups: &[u64], strata: &[Vec<u64>], k: usize, seed: u64) -> Result<Vec<Vec<u64>>> {
    let (found, sizes) = groups_of(groups, strata);
    if k < 2 || k > found.len() {
        let expected = format!("in 2..={}, the number of groups", found.len());
        return Err(Error::config("folds", "k", expected, k.to_string()));
    }
    let mut order: Vec<usize> = (0..found.len()).collect();
    Rng::new(seed, Stream::Folds, groups.len() as u64).shuffle(&mut order);
    // Stable: chance decides among groups of one size.
    order.sort_by_key(|&at| std::cmp::Reverse(found[at].members.len()));
    let share = 1.0 / f64::from(u32::try_from(k).unwrap_or(u32::MAX));
    let mut folds = vec![(vec![0.0; sizes.totals.len()], Vec::new()); k];
    for at in order {
        let group = &found[at];
        let cost = |fold: &(Vec<f64>, Vec<u64>)| sizes.change(&fold.0, group, share);
        let best = folds.iter_mut().min_by(|a, b| cost(a).total_cmp(&cost(b)).then(a.1.len().cmp(&b.1.len())));
        if let Some((counts, members)) = best {
            group.counts.iter().for_each(|&(stratum, n)| counts[stratum] += n);
            members.extend(&group.members);
        }
    }
    Ok(folds
        .into_iter()
        .map(|(_, mut members)| {
            members.sort_unstable();
            members
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_group_is_torn(
            groups in prop::collection::vec(0u64..9, 2..120),
            share in 0.01f64..0.99,
            k in 2usize..5,
            seed: u64,
        ) {
            let mut distinct = groups.clone();
            distinct.sort_unstable();
            distinct.dedup();
            prop_assume!(distinct.len() >= 2);
            let strata: Vec<Vec<u64>> = (0..groups.len() as u64).map(|i| vec![i % 3]).collect();
            let of = |part: &[u64]| {
                let mut of: Vec<u64> = part.iter().map(|&at| groups[usize::try_from(at).unwrap()]).collect();
                of.sort_unstable();
                of.dedup();
                of
            };
            for strata in [&[][..], &strata] {
                let (learn, held) = hold_out_groups(&groups, strata, share, seed).unwrap();
                prop_assert!(!learn.is_empty() && !held.is_empty());
                prop_assert_eq!(learn.len() + held.len(), groups.len());
                prop_assert_eq!(of(&learn).len() + of(&held).len(), distinct.len());
                prop_assert_eq!(hold_out_groups(&groups, strata, share, seed).unwrap(), (learn, held));
                let k = k.min(distinct.len());
                let folds = fold_groups(&groups, strata, k, seed).unwrap();
                prop_assert_eq!(folds.iter().map(Vec::len).sum::<usize>(), groups.len());
                prop_assert_eq!(folds.iter().map(|fold| of(fold).len()).sum::<usize>(), distinct.len());
                prop_assert!(folds.iter().all(|fold| !fold.is_empty()));
            }
        }
    }

    #[test]
    fn strata_are_shared_out_as_far_as_groups_allow() {
        // 60 groups of 10 samples, a third of which have the rare label.
        let groups: Vec<u64> = (0..600).map(|i| i / 10).collect();
        let strata: Vec<Vec<u64>> = groups.iter().map(|g| vec![u64::from(g % 3 == 0)]).collect();
        for seed in 0..5 {
            let (_, held) = hold_out_groups(&groups, &strata, 0.25, seed).unwrap();
            let rare = held.iter().filter(|&&at| strata[usize::try_from(at).unwrap()][0] == 1).count();
            assert_eq!((held.len(), rare), (150, 50));
            for fold in fold_groups(&groups, &strata, 5, seed).unwrap() {
                let rare = fold.iter().filter(|&&at| strata[usize::try_from(at).unwrap()][0] == 1).count();
                assert_eq!((fold.len(), rare), (120, 40));
            }
        }
        let (a, b) = (hold_out_groups(&groups, &[], 0.25, 0).unwrap(), hold_out_groups(&groups, &[], 0.25, 1).unwrap());
        assert_ne!(a, b, "the seed matters");
    }

    #[test]
    fn too_few_groups_are_refused() {
        let e = hold_out_groups(&[4, 4, 4], &[], 0.5, 0).unwrap_err().to_string();
        assert_eq!(e, "split: group must be at least 2 groups to cut, found 1");
        let e = fold_groups(&[1, 2, 1], &[], 3, 0).unwrap_err().to_string();
        assert_eq!(e, "folds: k must be in 2..=2, the number of groups, found 3");
        let (learn, held) = hold_out_groups(&[1, 1, 1, 1, 2, 2, 2], &[], 0.1, 0).unwrap();
        assert_eq!((learn, held), (vec![0, 1, 2, 3], vec![4, 5, 6]), "the smaller one");
    }
}
