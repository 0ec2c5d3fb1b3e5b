//! Masks as runs: which pixels of an image belong to an object, and how much two masks overlap.
//!
//! ```text
//! counts   lengths of runs of 0, 1, 0, 1, ..        down the first column, then the next; the first may be 0
//! IoU(a, b) = |a and b| / |a or b|                  a crowd region as truth: |a and b| / |a|, a the detection
//! ```
//!
//! Two masks are compared by walking along both lists of runs; pixels are never unpacked. Bounding boxes that do not
//! meet spare the walk.
//!
//! **Cost** the runs of both. **State** 4 bytes a run. **Reference** COCO's `counts` without compression, `maskApi.c`
//! `rleIou`: the same quotients.
//! **Differs from** it where a run of length 0 stands between others: runs around it are joined here; there the walk
//! may end at it.

use mtl_core::Result;

use crate::{
    detect::coco_image::Region,
    refusal::{refuse, same_length},
};

/// The pixels of one object.
///
/// ```
/// use mtl_metrics::detect::Mask;
/// // Two rows, three columns:  0 1 1
/// //                           0 0 1
/// let runs = Mask::new(2, 3, &[2, 1, 1, 2])?;
/// let pixels = Mask::from_pixels(2, 3, &[false, true, true, false, false, true])?;
/// assert_eq!((&runs, runs.area()), (&pixels, 3));
/// assert_eq!(runs.iou(&Mask::new(2, 3, &[0, 6])?), Some(0.5));
/// # Ok::<(), mtl_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mask {
    height: u32,
    width: u32,
    /// None of length 0 but the first.
    counts: Vec<u32>,
    area: u32,
    /// First and last column, first and last row; meets nothing when the mask is empty.
    bounds: [[u32; 2]; 2],
}

impl Mask {
    /// A mask from COCO's counts: runs of 0 and 1 in turn, down the columns.
    ///
    /// # Errors
    /// [`mtl_core::Error::InvalidConfig`] for counts that do not sum to `height * width`, or a product beyond 32 bits.
    pub fn new(height: u32, width: u32, counts: &[u32]) -> Result<Self> {
        let pixels = u64::from(height) * u64::from(width);
        if pixels > u64::from(u32::MAX) {
            return Err(refuse("mask", "size", "of fewer than 2^32 pixels", format!("{height} x {width}")));
        }
        // A list of 2^32 counts does not fit into memory, so that 64 bits hold the sum.
        let sum: u64 = counts.iter().map(|&count| u64::from(count)).sum();
        if sum != pixels {
            let expected = format!("of sum {pixels}, the pixels of {height} x {width}");
            return Err(refuse("mask", "counts", expected, sum.to_string()));
        }
        let mut mask = Self { height, width, counts: vec![0], area: 0, bounds: [[u32::MAX, 0]; 2] };
        let mut start = 0;
        for (idx, &count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            if idx % 2 == 1 {
                mask.add_bounds(start, start + (count - 1));
                mask.area += count;
            }
            // The last run is of 0 if their number is odd, as this one is if its place is even.
            let same = mask.counts.len() % 2 != idx % 2;
            match mask.counts.last_mut().filter(|_| same) {
                Some(last) => *last += count,
                None => mask.counts.push(count),
            }
            start += count;
        }
        Ok(mask)
    }

    /// A mask from its pixels `[height, width]`, row by row.
    ///
    /// # Errors
    /// [`mtl_core::Error::Shape`] for another number of pixels, else as [`new`](Self::new).
    pub fn from_pixels(height: u32, width: u32, pixels: &[bool]) -> Result<Self> {
        let (h, w) = (height as usize, width as usize);
        same_length("mask", "pixels", h.saturating_mul(w), pixels.len())?;
        let mut counts: Vec<u32> = vec![0];
        for inside in (0..w).flat_map(|x| pixels.iter().skip(x).step_by(w)) {
            if *inside != counts.len().is_multiple_of(2) {
                counts.push(0);
            }
            if let Some(count) = counts.last_mut() {
                *count = count.saturating_add(1);
            }
        }
        Self::new(height, width, &counts)
    }

    /// Widens the bounds by a run from the pixel `first` to `last`.
    fn add_bounds(&mut self, first: u32, last: u32) {
        let h = self.height.max(1);
        let columns = [first / h, last / h];
        let rows = if columns[0] == columns[1] { [first % h, last % h] } else { [0, h - 1] };
        for ([low, high], [from, to]) in self.bounds.iter_mut().zip([columns, rows]) {
            (*low, *high) = ((*low).min(from), (*high).max(to));
        }
    }

    /// Height and width in pixels.
    #[must_use]
    pub fn size(&self) -> [u32; 2] {
        [self.height, self.width]
    }

    /// Pixels of the object.
    #[must_use]
    pub fn area(&self) -> u32 {
        self.area
    }

    /// The runs, as COCO's files hold them.
    #[must_use]
    pub fn counts(&self) -> &[u32] {
        &self.counts
    }

    /// Intersection over union, 0 when one is empty; `None` for masks of different sizes.
    #[must_use]
    pub fn iou(&self, other: &Self) -> Option<f64> {
        (self.size() == other.size()).then(|| self.overlap(other, false))
    }

    /// Pixels in both.
    fn common(&self, other: &Self) -> u32 {
        let meet = |([a, b], [c, d]): (&[u32; 2], &[u32; 2])| a <= d && c <= b;
        if !self.bounds.iter().zip(&other.bounds).all(meet) {
            return 0;
        }
        let runs = |of: &Self| of.counts.clone().into_iter().enumerate();
        let (mut left, mut right) = (runs(self), runs(other));
        let (mut a, mut b) = (left.next(), right.next());
        let mut common = 0;
        while let (Some((i, x)), Some((j, y))) = (a, b) {
            let step = x.min(y);
            if i % 2 == 1 && j % 2 == 1 {
                common += step;
            }
            a = if x > step { Some((i, x - step)) } else { left.next() };
            b = if y > step { Some((j, y - step)) } else { right.next() };
        }
        common
    }
}

impl Region for Mask {
    fn area(&self) -> f64 {
        f64::from(self.area)
    }

    fn overlap(&self, truth: &Self, crowd: bool) -> f64 {
        let common = f64::from(self.common(truth));
        if common <= 0.0 {
            return 0.0;
        }
        let area = f64::from(self.area);
        common / if crowd { area } else { area + f64::from(truth.area) - common }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn by_hand() {
        let of = |counts: &[u32]| Mask::new(3, 4, counts).unwrap();
        let (a, b) = (of(&[1, 4, 7]), of(&[3, 6, 3]));
        assert_eq!((a.iou(&b), b.overlap(&a, true)), (Some(2.0 / 8.0), 2.0 / 6.0));
        assert_eq!(a.iou(&of(&[12])), Some(0.0));
        assert_eq!(of(&[12]).iou(&of(&[12])), Some(0.0), "empty masks overlap nothing");
        assert_eq!(of(&[1, 0, 2, 3, 0, 1, 5]), of(&[3, 4, 5]));
        assert_eq!(of(&[1, 4, 7]).iou(&Mask::new(4, 3, &[1, 4, 7]).unwrap()), None);
    }

    #[test]
    fn runs_that_do_not_fit_are_refused() {
        let e = Mask::new(3, 4, &[5, 8]).unwrap_err().to_string();
        assert_eq!(e, "mask: counts must be of sum 12, the pixels of 3 x 4, found 13");
        assert!(Mask::new(2, 2, &[u32::MAX, 5]).is_err() && Mask::new(1 << 16, 1 << 16, &[]).is_err());
        assert!(Mask::from_pixels(2, 2, &[true; 3]).is_err());
        assert_eq!(Mask::new(0, 9, &[]).unwrap().area(), 0);
    }

    proptest! {
        #[test]
        fn runs_and_pixels_agree(
            (h, w, a, b) in (1_usize..7, 1_usize..7).prop_flat_map(|(h, w)| {
                let map = || prop::collection::vec(any::<bool>(), h * w);
                (Just(h), Just(w), map(), map())
            })
        ) {
            let mask = |map: &[bool]| Mask::from_pixels(u32::try_from(h).unwrap(), u32::try_from(w).unwrap(), map).unwrap();
            let (x, y) = (mask(&a), mask(&b));
            let count = |both: fn(bool, bool) -> bool| a.iter().zip(&b).filter(|(a, b)| both(**a, **b)).count();
            prop_assert_eq!(x.area() as usize, a.iter().filter(|a| **a).count());
            prop_assert_eq!(x.common(&y) as usize, count(|a, b| a && b));
            let union = count(|a, b| a || b).max(1) as f64;
            prop_assert_eq!(x.iou(&y), Some(f64::from(x.common(&y)) / union));
            prop_assert_eq!(&Mask::new(x.height, x.width, x.counts()).unwrap(), &x);
            let moved: Vec<bool> = (0..w).flat_map(|i| (0..h).map(move |j| j * w + i)).map(|at| a[at]).collect();
            let mut at = 0;
            for (idx, &count) in x.counts().iter().enumerate() {
                let run = &moved[at..at + count as usize];
                prop_assert!(run.iter().all(|&inside| inside == (idx % 2 == 1)));
                at += run.len();
            }
        }
    }
}
