//! Equal shares of every stratum.
//!
//! ```text
//! order   samples by their strata, in random order where these are equal
//! held    of this row, as many at equal distances as the share is, from a random first one on
//! ```
//! Every run of the row, be it the samples of one text of the first column or of one pair of texts of the first two, gives its share to
//! within one sample.

use crate::{
    error::{Error, Result},
    rng::{Rng, Stream},
    split::part_of,
};

/// Positions that remain and positions that are held out, both ascending. `strata` has an entry a sample, at least two.
///
/// # Errors
/// `InvalidConfig` for fewer than two samples.
pub fn hold_out_strata(strata: &[Vec<u64>], share: f64, seed: u64) -> Result<(Vec<u64>, Vec<u64>)> {
    let n = strata.len();
    if n < 2 {
        return Err(Error::config("split", "stratify", "at least 2 samples to cut", n.to_string()));
    }
    let mut rng = Rng::new(seed, Stream::Split, n as u64);
    let mut order: Vec<usize> = (0..n).collect();
    rng.shuffle(&mut order);
    order.sort_by_key(|&at| &strata[at]);
    let (held, all) = (part_of(n, share) as u128, n as u128);
    let first = u128::from(rng.below(n as u64));
    let is_held = |place: usize| {
        let before = place as u128 * held + first;
        before / all != (before + held) / all
    };
    let (mut own, mut other) = (Vec::new(), Vec::new());
    for (place, at) in order.into_iter().enumerate() {
        if is_held(place) { other.push(at as u64) } else { own.push(at as u64) }
    }
    own.sort_unstable();
    other.sort_unstable();
    Ok((own, other))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_partition_with_even_runs(
            keys in prop::collection::vec((0u64..4, 0u64..3), 2..200),
            share in 0.01f64..0.99,
            seed: u64,
        ) {
            let strata: Vec<Vec<u64>> = keys.iter().map(|(a, b)| vec![*a, *b]).collect();
            let (own, held) = hold_out_strata(&strata, share, seed).unwrap();
            prop_assert_eq!(held.len(), part_of(keys.len(), share));
            let mut all = [own, held.clone()].concat();
            all.sort_unstable();
            prop_assert_eq!(all, (0..keys.len() as u64).collect::<Vec<_>>());
            let rate = held.len() as f64 / keys.len() as f64;
            for length in 0..=2 {
                for key in &strata {
                    let of = |at: u64| strata[usize::try_from(at).unwrap()][..length] == key[..length];
                    let (n, m) = ((0..keys.len() as u64).filter(|at| of(*at)).count(), held.iter().filter(|at| of(**at)).count());
                    prop_assert!((m as f64 - rate * n as f64).abs() < 1.0 + 1e-9, "{m} of {n} at {rate}");
                }
            }
        }
    }
}
