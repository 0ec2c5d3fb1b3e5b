//! Sums of `f64` without rounding, so that order and grouping cannot matter.
//!
//! Floating-point addition is not associative: the mean loss of a data set would depend on the batch size, on the
//! number of threads, on the order in which ranks are merged. [`ExactSum`] keeps the sum of any number of `f64` as one
//! long fixed-point number, wide enough for the whole range of the type, and rounds once, when it is read:
//!
//! ```text
//! sum = sum_i limbs[i] * 2^(32 i - 1074)        limbs[i] signed 64 bits, of which 32 are its digit
//! ```
//!
//! A number's 53 bits go into two neighboring limbs; the upper bits of a limb collect carries, which are passed on
//! every 1024 additions and before any reading. Memory: 544 bytes, whatever the count. Cost: a few nanoseconds a number.
//!
//! **Reference** R. M. Neal, *Fast exact summation using small and large superaccumulators*, 2015,
//! <https://arxiv.org/abs/1505.05571> (the small one).
//! **Differs from** Neal: digits do not overlap, so that a value has one representation and equality is plain.

use std::fmt;

use serde::{Deserialize, Serialize};

/// 2098 bits of the type's range, 64 for carries of as many additions as can be counted, rounded up.
const LIMBS: usize = 68;
/// Each addition grows a limb by less than 2^52.
const CARRY_EVERY: u32 = 1 << 10;
const DIGIT: u64 = 0xffff_ffff;
const FRACTION: u64 = (1 << 52) - 1;

/// An exact sum of `f64`, rounded once to nearest, ties to even, when it is read.
///
/// ```
/// use mtl_metrics::ExactSum;
/// let sum: ExactSum = [1e100, 1.0, -1e100, 0.1, 0.2].into_iter().collect();
/// assert_eq!(sum.value(), 1.3); // plain additions give 0.30000000000000004
/// ```
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "Portable", into = "Portable")]
pub struct ExactSum {
    limbs: [i64; LIMBS],
    /// Additions since carries were last passed on.
    pending: u32,
    /// Sum of the infinities and NaNs; 0 without any.
    special: f64,
}

impl Default for ExactSum {
    fn default() -> Self {
        Self { limbs: [0; LIMBS], pending: 0, special: 0.0 }
    }
}

impl ExactSum {
    /// Adds one number. Infinities and NaN are remembered and decide the value as they would in a plain sum.
    pub fn add(&mut self, x: f64) {
        let bits = x.to_bits();
        let exponent = (bits >> 52) & 0x7ff;
        if exponent == 0x7ff {
            self.special += x;
            return;
        }
        // Subnormal numbers have no hidden bit and share the position of the smallest normal ones.
        let mantissa = (bits & FRACTION) | (u64::from(exponent != 0) << 52);
        let position = exponent.saturating_sub(1);
        let shift = position % 32;
        let idx = (position / 32) as usize;
        let low = ((mantissa << shift) & DIGIT) as i64;
        let high = (mantissa >> (32 - shift)) as i64;
        let sign = if x.is_sign_negative() { -1 } else { 1 };
        self.limbs[idx] += sign * low;
        self.limbs[idx + 1] += sign * high;
        self.count();
    }

    /// Adds another sum.
    pub fn merge(&mut self, other: &Self) {
        let other = other.carried();
        for (limb, theirs) in self.limbs.iter_mut().zip(&other.limbs) {
            *limb += theirs;
        }
        self.special += other.special;
        self.count();
    }

    /// The sum, correctly rounded.
    #[must_use]
    pub fn value(&self) -> f64 {
        if self.special != 0.0 {
            return self.special;
        }
        let (negative, digits) = self.sign_magnitude();
        let Some(top) = digits.iter().rposition(|&d| d != 0) else { return 0.0 };
        // Three digits hold at least 65 bits, or the whole number; what lies below only breaks ties.
        let base = top.saturating_sub(2);
        let sticky = digits[..base].iter().any(|&d| d != 0);
        let head = digits[base..=top].iter().rev().fold(0_u128, |head, &d| (head << 32) | u128::from(d));
        let exponent = 32 * base as i64 - 1075;
        let magnitude = scale((head << 1 | u128::from(sticky)) as f64, exponent);
        if negative { -magnitude } else { magnitude }
    }

    /// The sum as numbers of falling size whose exact sum it is: the first is [`value`](Self::value).
    #[must_use]
    pub fn components(&self) -> Vec<f64> {
        let (mut rest, mut components) = (self.carried(), Vec::new());
        loop {
            let head = rest.value();
            if head == 0.0 || !head.is_finite() {
                return components;
            }
            components.push(head);
            rest.add(-head);
        }
    }

    /// Adds `a * b` without rounding, unless the product is smaller than 2^-969.
    pub(crate) fn add_product(&mut self, a: f64, b: f64) {
        let product = a * b;
        self.add(product);
        self.add(a.mul_add(b, -product));
    }

    fn count(&mut self) {
        self.pending += 1;
        if self.pending >= CARRY_EVERY {
            self.carry();
        }
    }

    /// Brings every limb but the last into `0..2^32`; the last one carries the sign.
    fn carry(&mut self) {
        let mut carry = 0;
        for limb in &mut self.limbs[..LIMBS - 1] {
            let full = *limb + carry;
            carry = full >> 32;
            *limb = full & DIGIT as i64;
        }
        self.limbs[LIMBS - 1] += carry;
        self.pending = 0;
    }

    fn carried(&self) -> Self {
        let mut copy = self.clone();
        copy.carry();
        copy
    }

    /// The sign and the digits, lowest first.
    fn sign_magnitude(&self) -> (bool, [u32; LIMBS]) {
        let mut sum = self.carried();
        let negative = sum.limbs[LIMBS - 1] < 0;
        if negative {
            sum.limbs.iter_mut().for_each(|limb| *limb = -*limb);
            sum.carry();
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "carried: each is 0..2^32")]
        let digits = sum.limbs.map(|limb| limb as u32);
        (negative, digits)
    }
}

/// `x * 2^exponent`, in two steps because 2^-1075 is no `f64`. Neither step rounds: see `value`.
fn scale(x: f64, exponent: i64) -> f64 {
    let half = exponent / 2;
    x * power_of_two(half) * power_of_two(exponent - half)
}

/// 2^exponent for -1022 <= exponent <= 1023.
fn power_of_two(exponent: i64) -> f64 {
    #[expect(clippy::cast_sign_loss, reason = "the exponents of `scale` stay within 540")]
    let biased = (exponent + 1023) as u64;
    f64::from_bits(biased << 52)
}

impl Extend<f64> for ExactSum {
    fn extend<I: IntoIterator<Item = f64>>(&mut self, numbers: I) {
        numbers.into_iter().for_each(|x| self.add(x));
    }
}

impl FromIterator<f64> for ExactSum {
    fn from_iter<I: IntoIterator<Item = f64>>(numbers: I) -> Self {
        let mut sum = Self::default();
        sum.extend(numbers);
        sum
    }
}

impl PartialEq for ExactSum {
    fn eq(&self, other: &Self) -> bool {
        self.carried().limbs == other.carried().limbs && self.special.to_bits() == other.special.to_bits()
    }
}

impl fmt::Debug for ExactSum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ExactSum({:?})", self.value())
    }
}

/// The form in which a sum is saved: zeros trimmed at both ends, one form per value.
#[derive(Serialize, Deserialize)]
struct Portable {
    negative: bool,
    special: f64,
    first: u8,
    digits: Vec<u32>,
}

impl From<ExactSum> for Portable {
    fn from(sum: ExactSum) -> Self {
        let (negative, digits) = sum.sign_magnitude();
        let first = digits.iter().position(|&d| d != 0).unwrap_or(0);
        let end = digits.iter().rposition(|&d| d != 0).map_or(first, |last| last + 1);
        let first_digit = u8::try_from(first).unwrap_or(u8::MAX);
        Self { negative, special: sum.special, first: first_digit, digits: digits[first..end].to_vec() }
    }
}

impl TryFrom<Portable> for ExactSum {
    type Error = String;
    fn try_from(saved: Portable) -> Result<Self, String> {
        let first = usize::from(saved.first);
        if first + saved.digits.len() >= LIMBS || (saved.special.is_finite() && saved.special != 0.0) {
            return Err("an exact sum is damaged".into());
        }
        let mut sum = Self { special: saved.special, ..Self::default() };
        for (limb, &digit) in sum.limbs[first..].iter_mut().zip(&saved.digits) {
            *limb = if saved.negative { -i64::from(digit) } else { i64::from(digit) };
        }
        sum.carry();
        Ok(sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn exact(numbers: &[f64]) -> f64 {
        numbers.iter().copied().collect::<ExactSum>().value()
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "exactness is the claim")]
    fn sums_that_break_plain_addition() {
        assert_eq!(exact(&[]), 0.0);
        assert_eq!(exact(&[1e308, 1e308, -1e308, -1e308, 5e-324]), 5e-324);
        assert_eq!(exact(&[f64::MAX, f64::MAX]), f64::INFINITY);
        assert_eq!(exact(&[f64::MAX, f64::MAX, -f64::MAX]), f64::MAX);
        assert_eq!(exact(&[-1.0, f64::EPSILON / 4.0]), -1.0);
        // Ties to even, and a tie broken by something far below.
        assert_eq!(exact(&[1.0, f64::EPSILON / 2.0]), 1.0);
        assert_eq!(exact(&[1.0, f64::EPSILON / 2.0, 1e-300]), 1.0 + f64::EPSILON);
        assert_eq!(exact(&[f64::MIN_POSITIVE, -5e-324]), f64::MIN_POSITIVE - 5e-324);
        assert!(exact(&[f64::INFINITY, f64::NEG_INFINITY]).is_nan());
        assert_eq!(exact(&vec![0.1; 10_000]), 1000.0);
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "exactness is the claim")]
    fn carries_survive_many_additions_of_one_sign() {
        let mut sum = ExactSum::default();
        for _ in 0..300_000 {
            sum.add(-f64::from_bits(0x3fff_ffff_ffff_ffff));
        }
        let (head, n) = (f64::from_bits(0x3fff_ffff_ffff_ffff), 300_000.0);
        assert_eq!(sum.value(), -(head * n));
        let components = sum.components();
        assert_eq!(components[1], -head.mul_add(n, components[0]));
    }

    proptest! {
        #[test]
        fn integers_agree_with_i128(xs in prop::collection::vec((-(1_i64 << 53)..(1 << 53), -60_i32..60), 0..60)) {
            // Scaled by 2^60 every term is an integer of at most 173 bits; keep those that fit i128.
            let terms: Vec<_> = xs.into_iter().map(|(m, e)| (m, e.clamp(-60, 6))).collect();
            let sum: ExactSum = terms.iter().map(|&(m, e)| m as f64 * 2f64.powi(e)).collect();
            let want: i128 = terms.iter().map(|&(m, e)| i128::from(m) << (e + 60)).sum();
            prop_assert_eq!(sum.value().to_bits(), (want as f64 / 2f64.powi(60) + 0.0).to_bits());
        }

        #[test]
        fn order_grouping_and_saving_do_not_matter(
            bits in prop::collection::vec(any::<u64>(), 1..80), cut in 0_usize..80, seed in any::<usize>(),
        ) {
            let mut numbers: Vec<f64> = bits.iter().map(|&b| f64::from_bits(b)).filter(|x| x.is_finite()).collect();
            let whole: ExactSum = numbers.iter().copied().collect();
            let n = numbers.len().max(1);
            for idx in 0..numbers.len() {
                let other = seed.wrapping_mul(idx + 7) % n;
                numbers.swap(idx, other);
            }
            let (left, right) = numbers.split_at(cut.min(numbers.len()));
            let mut merged: ExactSum = right.iter().copied().collect();
            merged.merge(&left.iter().copied().collect());
            prop_assert_eq!(&merged, &whole);
            prop_assert_eq!(merged.value().to_bits(), whole.value().to_bits());
            let bytes = postcard::to_stdvec(&whole).unwrap();
            prop_assert_eq!(&bytes, &postcard::to_stdvec(&merged).unwrap());
            prop_assert_eq!(postcard::from_bytes::<ExactSum>(&bytes).unwrap(), whole);
        }
    }

    #[test]
    fn damaged_bytes_are_refused() {
        let bad = Portable { negative: false, special: 0.0, first: 60, digits: vec![1; 40] };
        assert!(ExactSum::try_from(bad).is_err());
        let bad = Portable { negative: false, special: 1.5, first: 0, digits: vec![] };
        assert!(ExactSum::try_from(bad).is_err());
    }
}
