//! Ratios of sums: errors per word, hits per sample, loss per token.

use mtl_core::Result;

use super::{Bootstrap, BootstrapInterval, Units, WHAT};
use crate::{
    refusal::{numbers, same_length},
    value::OrReason,
};

impl Bootstrap {
    /// The interval of `sum numerators / sum denominators`, both `[n]`, one a sample: edits and words for WER, hits and ones
    /// for accuracy, values and ones for a mean.
    ///
    /// ```
    /// use mtl_metrics::stats::{Bootstrap, Units};
    /// let (edits, words) = ([1.0, 0.0, 4.0, 2.0, 0.0, 3.0], [10.0, 7.0, 12.0, 9.0, 11.0, 8.0]);
    /// let speakers = Units::groups(&[1, 1, 2, 3, 4, 4]);
    /// let wer = Bootstrap::default().ratio(&speakers, &edits, &words)?;
    /// let [low, high] = wer.interval.unwrap();
    /// assert_eq!((wer.value, wer.units), (Ok(10.0 / 57.0), 4));
    /// assert!(low < 10.0 / 57.0 && 10.0 / 57.0 < high);
    /// # Ok::<(), mtl_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`run`](Self::run); [`mtl_core::Error::Shape`] for lists of different lengths; a value that is no number up to 1e100.
    pub fn ratio(&self, units: &Units, numerators: &[f64], denominators: &[f64]) -> Result<BootstrapInterval> {
        for (field, values) in [("numerators", numerators), ("denominators", denominators)] {
            same_length(WHAT, field, units.n_samples(), values.len())?;
            numbers(WHAT, field, values)?;
        }
        let mut sums = vec![[0.0; 2]; units.len()];
        for (sample, (numerator, denominator)) in numerators.iter().zip(denominators).enumerate() {
            add(&mut sums[units.unit(sample)], &[*numerator, *denominator]);
        }
        let before = running(sums.iter());
        let after = running(sums.iter().rev());
        let value = |counts: &[u32]| {
            let mut total = [0.0; 2];
            for (count, [numerator, denominator]) in counts.iter().zip(&sums) {
                let count = f64::from(*count);
                add(&mut total, &[count * numerator, count * denominator]);
            }
            quotient(total)
        };
        // Sums of what comes before and after, not differences: nothing cancels, and what is left of zeros is zero.
        let without = |unit: usize| {
            let mut total = before[unit];
            add(&mut total, &after[units.len() - 1 - unit]);
            quotient(total)
        };
        self.interval(units.len(), value, without)
    }
}

fn add(total: &mut [f64; 2], part: &[f64; 2]) {
    total.iter_mut().zip(part).for_each(|(total, part)| *total += part);
}

/// The sum before each item.
fn running<'a>(items: impl Iterator<Item = &'a [f64; 2]>) -> Vec<[f64; 2]> {
    let mut total = [0.0; 2];
    items
        .map(|item| {
            let before = total;
            add(&mut total, item);
            before
        })
        .collect()
}

fn quotient([numerator, denominator]: [f64; 2]) -> OrReason<f64> {
    if denominator.abs() > 0.0 { Ok(numerator / denominator) } else { Err("the denominators sum to 0".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::{Draws, Interval};

    #[test]
    fn as_by_the_general_door() {
        let (a, b) = ([1.0, 0.0, 4.0, 2.0, 0.0, 3.0, 9.0], [10.0, 7.0, 12.0, 9.0, 11.0, 8.0, 20.0]);
        let statistic = |counts: &[u32]| {
            let sum = |xs: &[f64]| counts.iter().zip(xs).map(|(c, x)| f64::from(*c) * x).sum::<f64>();
            Ok(sum(&a) / sum(&b))
        };
        for units in [Units::samples(7), Units::groups(&[5, 5, 1, 2, 2, 3, 4])] {
            let bootstrap = Bootstrap { draws: Draws { n: 500, seed: 3 }, ..Bootstrap::default() };
            assert_eq!(bootstrap.ratio(&units, &a, &b).unwrap(), bootstrap.run(&units, statistic).unwrap());
        }
    }

    #[test]
    fn without_words() {
        let found = Bootstrap::default().ratio(&Units::samples(2), &[1.0, 2.0], &[0.0, 0.0]).unwrap();
        assert_eq!(found.value.unwrap_err(), "the denominators sum to 0");
        // Only one sample has words: without it there is no value.
        let bootstrap = Bootstrap { interval: Interval::Bca, ..Bootstrap::default() };
        let found = bootstrap.ratio(&Units::samples(3), &[1.0, 1.0, 1.0], &[0.0, 0.1, 0.0]).unwrap();
        assert!(found.interval.unwrap_err().contains("not defined without one of the units: the denominators"));
        let e = Bootstrap::default().ratio(&Units::samples(2), &[1.0], &[1.0, 1.0]).unwrap_err().to_string();
        assert_eq!(e, "bootstrap: numerators must be of length 2, found [1]");
        let e = Bootstrap::default().ratio(&Units::samples(1), &[f64::NAN], &[1.0]).unwrap_err().to_string();
        assert!(e.contains("numerators must be a number up to 1e100, found NaN at position 0"));
    }
}
