//! Codes that need no vocabulary: texts by a hash, numbers by the range in which they lie.
//!
//! ```text
//! hash = 1024          code 1 + h(text) mod 1024: texts that nobody saw have a code as well, and two may have the same
//! buckets = 4          code 1 + how many of the three quartiles of the training split are not above the number
//! buckets = [18, 65]   the same of these edges: below 18, from 18 on, from 65 on;    code 0 for a number that is missing
//! ```
//! The hash is the one that names random streams, of a seed that never changes: codes are the same on every machine, in every version.

use mtl_core::rng::derive;
use serde::{Deserialize, Serialize};

use super::quantiles::Sample;

/// The seed of the hash: what was trained means something only by it.
const SEED: u64 = 0x6275_636b_6574;

/// Ranges that numbers are cut into.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(untagged, expecting = "a number of ranges, or a list of edges")]
pub enum Buckets {
    /// So many, of about equally many numbers of the training split each.
    Count(i64),
    /// Those between these edges, ascending; an edge belongs to the range above it.
    Edges(Vec<f64>),
}

impl Buckets {
    /// The edges; `known` are the numbers of the training split.
    pub(super) fn edges(&self, known: impl Iterator<Item = f64> + Clone) -> Vec<f64> {
        let n = match self {
            Self::Edges(edges) => return edges.clone(),
            Self::Count(n) => *n,
        };
        let sample = Sample::of(known);
        let mut edges: Vec<f64> = (1..n).filter_map(|k| sample.quantile(k as f64 / n as f64, |x| x)).collect();
        // The last digit of what lies between two numbers may be beyond the larger one.
        edges.sort_unstable_by(f64::total_cmp);
        edges.dedup_by(|a, b| *a <= *b);
        edges
    }
}

/// The code of a number; 0 for one that is missing.
#[expect(clippy::cast_possible_truncation, reason = "there are few edges")]
pub(super) fn code_of_number(edges: &[f64], x: f64) -> u32 {
    if x.is_nan() { 0 } else { 1 + edges.partition_point(|edge| *edge <= x) as u32 }
}

/// What each code from 1 on stands for, in words.
pub(super) fn names(edges: &[f64]) -> Vec<String> {
    let (Some(first), Some(last)) = (edges.first(), edges.last()) else { return vec!["any number".to_owned()] };
    let inner = edges.windows(2).map(|pair| format!("{} to below {}", pair[0], pair[1]));
    std::iter::once(format!("below {first}")).chain(inner).chain([format!("{last} and more")]).collect()
}

/// The code of a text among `n` buckets: 1 to `n`.
#[expect(clippy::cast_possible_truncation, reason = "the schema allows at most 2^24 buckets")]
pub(super) fn code_of_text(text: &str, n: u64) -> u32 {
    1 + (derive(SEED, text, 0) % n.max(1)) as u32
}

/// Of different texts the share that has its bucket with another one.
pub(super) fn shared<'t>(texts: impl Iterator<Item = &'t str>, n: u64) -> f64 {
    let mut codes: Vec<u32> = texts.map(|text| code_of_text(text, n)).collect();
    codes.sort_unstable();
    let all = codes.len();
    let alone = codes.chunk_by(|a, b| a == b).filter(|same| same.len() == 1).count();
    if all == 0 { 0.0 } else { 1.0 - alone as f64 / all as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_by_hand() {
        let numbers = [1.0, 2.0, 3.0, 4.0, 5.0];
        let edges = Buckets::Count(4).edges(numbers.into_iter());
        assert_eq!(edges, [2.0, 3.0, 4.0]);
        assert_eq!([f64::NAN, 1.9, 2.0, 3.5, 9.0].map(|x| code_of_number(&edges, x)), [0, 1, 2, 3, 4]);
        assert_eq!(names(&edges), ["below 2", "2 to below 3", "3 to below 4", "4 and more"]);
        assert_eq!(Buckets::Count(4).edges([7.0; 9].into_iter()), [7.0]);
        assert_eq!(Buckets::Count(4).edges(std::iter::empty()), [0.0; 0]);
        assert_eq!(Buckets::Edges(vec![0.5]).edges(numbers.into_iter()), [0.5]);
    }

    #[test]
    fn hashes_stay_what_they_are() {
        // Trained models hang on these numbers.
        assert_eq!(["a", "b", "Zürich", ""].map(|text| code_of_text(text, 1000)), CODES);
        let texts: Vec<String> = (0..2000).map(|i| format!("user {i}")).collect();
        let share = |n| shared(texts.iter().map(String::as_str), n);
        // As chance has it: 1 - (1 - 1 / n)^1999.
        for n in [1000_u64, 20_000] {
            let expected = 1.0 - (1.0 - 1.0 / n as f64).powi(1999);
            assert!((share(n) - expected).abs() < 0.03, "{n}: {} {expected}", share(n));
        }
        assert!(shared(["a", "b"].into_iter(), 1) > 0.99);
    }

    const CODES: [u32; 4] = [467, 399, 306, 80];
}
