//! Label maps side by side, and counting them.
//!
//! A map holds one class a pixel, as `u8`, `i32` or `i64`, so that neither PNG masks nor tensors have to be converted.
//! Counting is one pass: the pair of classes of a pixel is the index of a counter. Maps have long runs of equal
//! labels; a block of 8 equal pairs is counted as one. Threads take blocks of fixed length, so that no bit depends on
//! their number (counts would not anyway).

use std::{ops::Range, slice::from_ref};

use mtl_core::Result;

use crate::{
    chunks::map_chunks,
    refusal::{refuse, same_length},
};

/// The most classes a map is counted with: 128 MiB of counts.
pub const MAX_CLASSES: usize = 4096;
/// Pixels that one thread takes at a time: below 2^32, so that its counters can be 32 bits wide.
const CHUNK: usize = 1 << 18;
/// Pixels compared at once: as bytes they fit a register.
const BLOCK: usize = 8;
/// [`BLOCK`] as a count.
const RUN: u32 = 8;

/// A class for every pixel, row after row, image after image.
#[derive(Debug, Clone, Copy)]
pub enum LabelMap<'a> {
    /// As in a PNG mask.
    U8(&'a [u8]),
    /// 32 bits.
    I32(&'a [i32]),
    /// 64 bits, as libtorch has labels.
    I64(&'a [i64]),
}

impl LabelMap<'_> {
    /// Pixels.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::U8(map) => map.len(),
            Self::I32(map) => map.len(),
            Self::I64(map) => map.len(),
        }
    }

    /// Whether there is no pixel.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The labels in `range`, which must lie inside; none otherwise.
    pub(crate) fn labels(&self, range: Range<usize>) -> Vec<i64> {
        fn widen<T: Copy + Into<i64>>(map: &[T], range: Range<usize>) -> Vec<i64> {
            map.get(range).unwrap_or_default().iter().map(|&label| label.into()).collect()
        }
        match self {
            Self::U8(map) => widen(map, range),
            Self::I32(map) => widen(map, range),
            Self::I64(map) => widen(map, range),
        }
    }
}

/// Said and true maps of `n` images of `h` by `w` pixels.
#[derive(Debug, Clone, Copy)]
pub struct LabelMaps<'a> {
    said: LabelMap<'a>,
    truth: LabelMap<'a>,
    shape: [usize; 3],
}

impl<'a> LabelMaps<'a> {
    /// Maps of shape `[n, h, w]`.
    ///
    /// # Errors
    /// [`mtl_core::Error::Shape`] when a map has another number of pixels.
    pub fn new(said: LabelMap<'a>, truth: LabelMap<'a>, [n, h, w]: [usize; 3]) -> Result<Self> {
        let pixels = n.checked_mul(h).and_then(|rows| rows.checked_mul(w)).unwrap_or(usize::MAX);
        same_length("label maps", "said map", pixels, said.len())?;
        same_length("label maps", "true map", pixels, truth.len())?;
        Ok(Self { said, truth, shape: [n, h, w] })
    }

    /// `[n, h, w]`.
    #[must_use]
    pub fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// Said and true classes of one image; `None` where the truth is `ignore`.
    ///
    /// # Errors
    /// [`mtl_core::Error::InvalidConfig`] for a label outside `0..n_classes` that is not ignored.
    pub(crate) fn image(&self, idx: usize, n_classes: usize, ignore: Option<i64>) -> Result<Vec<Option<[usize; 2]>>> {
        let [_, h, w] = self.shape;
        let range = idx * h * w..(idx + 1) * h * w;
        let pairs = self.said.labels(range.clone()).into_iter().zip(self.truth.labels(range.clone()));
        let pair = |(pixel, (said, truth)): (usize, (i64, i64))| {
            if Some(truth) == ignore {
                return Ok(None);
            }
            let class = |field, label: i64| {
                let class = usize::try_from(label).ok().filter(|&class| class < n_classes);
                class.ok_or_else(|| out_of_range(field, n_classes, label, range.start + pixel))
            };
            Ok(Some([class("said label", said)?, class("true label", truth)?]))
        };
        pairs.enumerate().map(pair).collect()
    }

    /// Pixels by true (row) and said class, `[c, c]`, and the number ignored.
    ///
    /// # Errors
    /// [`mtl_core::Error::InvalidConfig`] for a label outside `0..n_classes` that is not ignored.
    pub(crate) fn count(&self, n_classes: usize, ignore: Option<i64>) -> Result<(Vec<u64>, u64)> {
        match (self.truth, self.said) {
            (LabelMap::U8(t), LabelMap::U8(s)) => count(t, s, n_classes, ignore),
            (LabelMap::U8(t), LabelMap::I32(s)) => count(t, s, n_classes, ignore),
            (LabelMap::U8(t), LabelMap::I64(s)) => count(t, s, n_classes, ignore),
            (LabelMap::I32(t), LabelMap::U8(s)) => count(t, s, n_classes, ignore),
            (LabelMap::I32(t), LabelMap::I32(s)) => count(t, s, n_classes, ignore),
            (LabelMap::I32(t), LabelMap::I64(s)) => count(t, s, n_classes, ignore),
            (LabelMap::I64(t), LabelMap::U8(s)) => count(t, s, n_classes, ignore),
            (LabelMap::I64(t), LabelMap::I32(s)) => count(t, s, n_classes, ignore),
            (LabelMap::I64(t), LabelMap::I64(s)) => count(t, s, n_classes, ignore),
        }
    }
}

fn out_of_range(field: &'static str, n_classes: usize, label: i64, pixel: usize) -> mtl_core::Error {
    refuse("label maps", field, format!("in 0..{n_classes}"), format!("{label} at pixel {pixel}"))
}

/// A type of labels.
trait Label: Copy + PartialEq + Into<i64> + Send + Sync {
    /// The label as an index, beyond every class when it is negative.
    fn index(self) -> usize;

    /// Whether a block is one label.
    #[inline]
    fn is_run(block: &[Self; BLOCK]) -> bool {
        *block == [block[0]; BLOCK]
    }
}

impl Label for u8 {
    #[inline]
    fn index(self) -> usize {
        usize::from(self)
    }

    #[inline]
    fn is_run(block: &[Self; BLOCK]) -> bool {
        let bytes = u64::from_ne_bytes(*block);
        bytes.rotate_left(8) == bytes
    }
}

impl Label for i32 {
    #[inline]
    fn index(self) -> usize {
        usize::try_from(self).unwrap_or(usize::MAX)
    }
}

impl Label for i64 {
    #[inline]
    fn index(self) -> usize {
        usize::try_from(self).unwrap_or(usize::MAX)
    }
}

fn count<T: Label, S: Label>(truth: &[T], said: &[S], c: usize, ignore: Option<i64>) -> Result<(Vec<u64>, u64)> {
    let len = CHUNK.max(4 * c * c).min(1 << 31);
    let parts = map_chunks(truth.len(), len, |range| {
        count_chunk(&truth[range.clone()], &said[range.clone()], c, ignore, range.start)
    });
    let (mut counts, mut ignored) = (vec![0; c * c], 0);
    for part in parts {
        let (part, skipped) = part?;
        counts.iter_mut().zip(part).for_each(|(count, n)| *count += u64::from(n));
        ignored += skipped;
    }
    if let Some(class) = ignore.and_then(|label| usize::try_from(label).ok()).filter(|&class| class < c) {
        // Counted like any other class in the loop, which so needs no test for it.
        ignored += counts[class * c..(class + 1) * c].iter().sum::<u64>();
        counts[class * c..(class + 1) * c].fill(0);
    }
    Ok((counts, ignored))
}

fn count_chunk<T: Label, S: Label>(
    truth: &[T],
    said: &[S],
    c: usize,
    ignore: Option<i64>,
    start: usize,
) -> Result<(Vec<u32>, u64)> {
    // Two tables in turn: a counter is not waited for when two neighbors have the same pair.
    let mut tables = [vec![0_u32; c * c], vec![0_u32; c * c]];
    let mut ignored = 0;
    let mut add = |turn: usize, times: u32, t: T, s: S, pixel: usize| {
        let (row, col) = (t.index(), s.index());
        if row < c && col < c {
            tables[turn & 1][row * c + col] += times;
            return Ok(());
        }
        if Some(t.into()) == ignore {
            ignored += u64::from(times);
            return Ok(());
        }
        let (field, label) = if row < c { ("said label", s.into()) } else { ("true label", t.into()) };
        Err(out_of_range(field, c, label, start + pixel))
    };
    let ((t_blocks, t_rest), (s_blocks, s_rest)) = (truth.as_chunks::<BLOCK>(), said.as_chunks::<BLOCK>());
    for (block, (ts, ss)) in t_blocks.iter().zip(s_blocks).enumerate() {
        if T::is_run(ts) && S::is_run(ss) {
            add(0, RUN, ts[0], ss[0], block * BLOCK)?;
            continue;
        }
        for (idx, (&t, &s)) in ts.iter().zip(ss).enumerate() {
            add(idx, 1, t, s, block * BLOCK + idx)?;
        }
    }
    for (idx, (&t, &s)) in t_rest.iter().zip(s_rest).enumerate() {
        add(idx, 1, t, s, t_blocks.len() * BLOCK + idx)?;
    }
    let [mut counts, odd] = tables;
    counts.iter_mut().zip(odd).for_each(|(count, n)| *count += n);
    Ok((counts, ignored))
}

/// Class numbers and the ignored label of a metric over maps, checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Classes {
    n: usize,
    ignore: Option<i64>,
}

impl Classes {
    /// Classes `0..n`; pixels whose true label is `ignore` (any number, often 255 or -100) are left out.
    ///
    /// # Errors
    /// [`mtl_core::Error::InvalidConfig`] for no class or more than [`MAX_CLASSES`].
    pub fn new(n: usize, ignore: Option<i64>) -> Result<Self> {
        if from_ref(&n).iter().any(|n| !(1..=MAX_CLASSES).contains(n)) {
            return Err(refuse("label maps", "classes", format!("1 to {MAX_CLASSES}"), n.to_string()));
        }
        Ok(Self { n, ignore })
    }

    /// How many.
    #[must_use]
    pub fn n(self) -> usize {
        self.n
    }

    /// The label that is left out.
    #[must_use]
    pub fn ignore(self) -> Option<i64> {
        self.ignore
    }
}

crate::judged::answers_to_come! {
    LabelMaps<'a> => "maps";
}

#[cfg(test)]
mod tests {
    use super::*;
    use mtl_core::rng::Rng;

    #[test]
    #[expect(clippy::cast_possible_truncation, reason = "labels below 3")]
    fn runs_and_noise_are_counted_alike() {
        let mut rng = Rng::new(3);
        let mut draw = |n: usize| {
            (0..n).map(|i| if i < n / 2 { (i / 37 % 3) as u8 } else { (rng.next_u64() % 3) as u8 }).collect::<Vec<_>>()
        };
        let (truth, said) = (draw(CHUNK + 77), draw(CHUNK + 77));
        let mut plain = vec![0; 9];
        truth.iter().zip(&said).filter(|(t, _)| **t != 1).for_each(|(&t, &s)| plain[usize::from(t * 3 + s)] += 1);
        let shape = [1, 1, truth.len()];
        let maps = LabelMaps::new(LabelMap::U8(&said), LabelMap::U8(&truth), shape).unwrap();
        let (counts, ignored) = maps.count(3, Some(1)).unwrap();
        assert_eq!((counts, ignored), (plain.clone(), truth.iter().filter(|t| **t == 1).count() as u64));
        let wide: Vec<i64> = truth.iter().map(|&t| if t == 1 { -100 } else { i64::from(t) }).collect();
        let maps = LabelMaps::new(LabelMap::U8(&said), LabelMap::I64(&wide), shape).unwrap();
        assert_eq!(maps.count(3, Some(-100)).unwrap().0, plain);
    }

    #[test]
    fn a_bad_label_is_named() {
        let maps = LabelMaps::new(LabelMap::I32(&[0, 3, 1]), LabelMap::I32(&[0, 1, -1]), [1, 1, 3]).unwrap();
        let e = maps.count(3, Some(-1)).unwrap_err().to_string();
        assert_eq!(e, "label maps: said label must be in 0..3, found 3 at pixel 1");
        let e = maps.count(4, None).unwrap_err().to_string();
        assert_eq!(e, "label maps: true label must be in 0..4, found -1 at pixel 2");
        assert!(maps.image(0, 4, None).is_err() && maps.image(0, 4, Some(-1)).unwrap()[2].is_none());
        assert!(LabelMaps::new(LabelMap::U8(&[0]), LabelMap::U8(&[0]), [1, usize::MAX, 2]).is_err());
        assert!(Classes::new(0, None).is_err() && Classes::new(5000, None).is_err());
    }
}
