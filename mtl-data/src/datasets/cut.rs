//! Validation and test parts of training files that have none of their own.

use crate::{
    error::{Error, Result},
    source::split,
};

/// The positions of `n` samples that train, validate and test. A part whose share is `None` has files of its own, and
/// gets none of them.
///
/// # Errors
/// `InvalidConfig` for a share that is not in `(0, 1)`, or too few samples to be cut; `what` is the data set.
pub(super) fn cut_parts(
    what: &'static str,
    n: u64,
    validation: Option<f64>,
    test: Option<f64>,
    seed: u64,
) -> Result<[Vec<u64>; 3]> {
    // The test part is cut first: it stays the same when the validation part is resized.
    let (rest, test) = cut_off(what, n, "test_fraction", test, seed)?;
    let next = seed.wrapping_add(1);
    let (train, validation) = cut_off(what, rest.len() as u64, "validation_fraction", validation, next)?;
    let in_rest = |places: Vec<u64>| -> Vec<u64> {
        places.iter().filter_map(|&at| rest.get(usize::try_from(at).ok()?).copied()).collect()
    };
    Ok([in_rest(train), in_rest(validation), test])
}

/// The positions that remain and those that are cut off, if any are to be.
fn cut_off(
    what: &'static str,
    n: u64,
    field: &'static str,
    share: Option<f64>,
    seed: u64,
) -> Result<(Vec<u64>, Vec<u64>)> {
    let Some(share) = share else { return Ok(((0..n).collect(), Vec::new())) };
    if !(share > 0.0 && share < 1.0) {
        return Err(Error::config(what, field, "a fraction in (0, 1)", share.to_string()));
    }
    if n < 2 {
        return Err(Error::config(what, field, "cut from at least 2 rows (or give that part a file)", n.to_string()));
    }
    split(n, share, seed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(validation: Option<f64>, test: Option<f64>) -> [Vec<u64>; 3] {
        cut_parts("data", 100, validation, test, 7).unwrap()
    }

    #[test]
    fn the_test_part_is_cut_first_and_the_others_from_the_rest() {
        let [train, validation, test] = parts(Some(0.2), Some(0.1));
        let (rest, first) = split(100, 0.1, 7).unwrap();
        let (learn, second) = split(90, 0.2, 8).unwrap();
        let in_rest = |places: &[u64]| places.iter().map(|&at| rest[usize::try_from(at).unwrap()]).collect::<Vec<_>>();
        assert_eq!((&train, &validation, &test), (&in_rest(&learn), &in_rest(&second), &first));
        assert_eq!(parts(Some(0.5), Some(0.1))[2], test, "whatever the validation part is");
        let mut all = [train, validation, test].concat();
        all.sort_unstable();
        assert_eq!(all, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn a_part_with_files_of_its_own_takes_nothing() {
        let all: Vec<u64> = (0..100).collect();
        assert_eq!(parts(None, None), [all, Vec::new(), Vec::new()]);
        let (learn, cut) = split(100, 0.2, 8).unwrap();
        assert_eq!(parts(Some(0.2), None), [learn, cut, Vec::new()]);
    }

    #[test]
    fn what_cannot_be_cut_is_refused() {
        let refused = |n, validation, test| cut_parts("data", n, validation, test, 0).unwrap_err().to_string();
        let e = refused(9, Some(1.0), None);
        assert_eq!(e, "data: validation_fraction must be a fraction in (0, 1), found 1");
        assert!(refused(9, None, Some(f64::NAN)).starts_with("data: test_fraction must be a fraction in (0, 1)"));
        let e = refused(2, Some(0.5), Some(0.5));
        let expected = "data: validation_fraction must be cut from at least 2 rows (or give that part a file), found 1";
        assert_eq!(e, expected);
    }
}
