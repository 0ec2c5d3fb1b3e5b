//! A metric under test: one that saw everything in one pass, and parts of it.

use mtl_core::Result;

use super::{Lawful, Tolerance};
use crate::value::MetricValue;

/// How far rounding may carry a value over the end of its range, relative to that end or to 1.
const ROUNDING: f64 = 1e-9;

/// A law over the parts of a metric.
type Law<'a, L> = fn(&Parts<'a, L>) -> Result<Option<String>>;

/// What the laws compare.
pub(super) struct Parts<'a, L> {
    fresh: &'a L,
    /// Everything in one pass.
    whole: L,
    /// The rearranged batches, one after the other.
    streamed: L,
    /// One for each of the batches.
    parts: Vec<L>,
    tolerance: Tolerance,
}

impl<'a, L: Lawful> Parts<'a, L> {
    pub(super) fn new(
        fresh: &'a L,
        n: usize,
        feed: &impl Fn(&mut L, &[usize]) -> Result<()>,
        order: &[usize],
        cuts: &[usize],
        tolerance: Tolerance,
    ) -> Result<Self> {
        let seen = |batches: &[&[usize]]| -> Result<L> {
            let mut metric = fresh.clone();
            batches.iter().try_for_each(|rows| feed(&mut metric, rows))?;
            Ok(metric)
        };
        let mut bounds = vec![0];
        bounds.extend(cuts.iter().map(|&cut| cut.min(order.len())));
        bounds.push(order.len());
        let batches: Vec<&[usize]> = bounds.windows(2).map(|w| order.get(w[0]..w[1]).unwrap_or_default()).collect();
        let whole = seen(&[&(0..n).collect::<Vec<_>>()])?;
        let parts = batches.iter().map(|rows| seen(&[rows])).collect::<Result<_>>()?;
        Ok(Self { fresh, whole, streamed: seen(&batches)?, parts, tolerance })
    }

    /// All laws by name.
    pub(super) fn laws() -> [(&'static str, Law<'a, L>); 7] {
        [
            ("batches", Self::batches),
            ("merged", Self::merged),
            ("nothing", Self::nothing),
            ("saved", Self::saved),
            ("damaged", Self::damaged),
            ("reset", Self::reset),
            ("range", Self::range),
        ]
    }

    fn batches(&self) -> Result<Option<String>> {
        self.differs("batches in any order", &self.streamed, &self.whole, self.tolerance)
    }

    /// The parts merged one into the next, from the left.
    fn left_to_right(&self) -> Result<L> {
        let mut left = self.fresh.clone();
        self.parts.iter().try_for_each(|part| left.merge(part))?;
        Ok(left)
    }

    fn merged(&self) -> Result<Option<String>> {
        let (left, mut right, mut turned) = (self.left_to_right()?, self.fresh.clone(), self.fresh.clone());
        for part in self.parts.iter().rev() {
            let mut next = part.clone();
            next.merge(&right)?;
            right = next;
            turned.merge(part)?;
        }
        for (how, found) in [("from the left", &left), ("from the right", &right), ("in another order", &turned)] {
            if let Some(found) = self.differs(&format!("merged {how}"), found, &self.whole, self.tolerance)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn nothing(&self) -> Result<Option<String>> {
        let mut more = self.whole.clone();
        more.merge(self.fresh)?;
        let mut beginning = self.fresh.clone();
        beginning.merge(&self.whole)?;
        let after = self.differs("merged with nothing", &more, &self.whole, self.tolerance)?;
        Ok(after.or(self.differs("nothing merged with it", &beginning, &self.whole, self.tolerance)?))
    }

    fn saved(&self) -> Result<Option<String>> {
        let bytes = self.whole.state()?;
        // Into one that holds something else: a part of it.
        let mut loaded = self.parts.first().unwrap_or(self.fresh).clone();
        loaded.load_state(&bytes)?;
        let mut merged = self.fresh.clone();
        merged.merge_state(&bytes)?;
        let kept = self.differs("saved and loaded", &loaded, &self.whole, Tolerance::Bits)?;
        Ok(kept.or(self.differs("merged from bytes", &merged, &self.whole, Tolerance::Bits)?))
    }

    fn damaged(&self) -> Result<Option<String>> {
        let bytes = self.whole.state()?;
        let mut loaded = self.whole.clone();
        for damaged in [&bytes[..bytes.len() / 2], &[], b"mtlm", &[bytes.as_slice(), b"more"].concat()] {
            if loaded.load_state(damaged).is_ok() {
                return Ok(Some(format!("{}: {} damaged bytes were loaded", self.fresh.name(), damaged.len())));
            }
        }
        self.differs("after a state that was refused", &loaded, &self.whole, Tolerance::Bits)
    }

    fn reset(&self) -> Result<Option<String>> {
        let mut used = self.whole.clone();
        used.reset();
        self.differs("after a reset", &used, self.fresh, Tolerance::Bits)
    }

    fn range(&self) -> Result<Option<String>> {
        let (low, high) = self.whole.range();
        // Equal bits are asked of equal data; a value at the end of its range may be off by rounding nevertheless.
        let limit = match self.tolerance {
            Tolerance::Relative(limit) => limit.max(ROUNDING),
            Tolerance::Bits => ROUNDING,
        };
        let slack = |end: f64| if end.is_finite() { limit * end.abs().max(1.0) } else { 0.0 };
        let MetricValue { value, undefined, .. } = self.whole.compute();
        Ok(match (value, undefined) {
            (Some(value), None) if value >= low - slack(low) && value <= high + slack(high) => None,
            (Some(value), None) => Some(format!("{}: {value} is not in [{low}, {high}]", self.fresh.name())),
            (None, Some(_)) => None,
            (value, reason) => Some(format!("{}: value {value:?} and reason {reason:?}", self.fresh.name())),
        })
    }

    fn differs(&self, what: &str, found: &L, want: &L, tolerance: Tolerance) -> Result<Option<String>> {
        let (a, b) = (found.compute(), want.compute());
        let equal = match tolerance {
            Tolerance::Bits => a == b && found.state()? == want.state()?,
            Tolerance::Relative(limit) => {
                let near = |a: f64, b: f64| (a - b).abs() <= limit * a.abs().max(b.abs()).max(1.0);
                let strip = |value: &MetricValue| MetricValue { value: None, ..value.clone() };
                strip(&a) == strip(&b) && a.value.zip(b.value).is_none_or(|(a, b)| near(a, b))
            }
        };
        Ok((!equal).then(|| format!("{}: {what}: {a:?} against {b:?}", want.name())))
    }
}
