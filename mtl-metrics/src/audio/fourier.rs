//! The discrete Fourier transform of real frames whose length is a power of two.
//!
//! ```text
//! X_k = sum_i x_i exp(-2 pi sqrt(-1) i k / n)        |X_k|^2 for k = 0 .. n / 2
//! ```
//!
//! By halves (J. Cooley, J. Tukey, *An algorithm for the machine calculation of complex Fourier series*, 1965). Roots
//! of unity come from `libm` and the order of the additions is fixed, so that every machine finds the same bits.

use std::f64::consts::PI;

/// The roots and places of one length.
#[derive(Debug)]
pub(super) struct Fourier {
    /// `exp(-2 pi sqrt(-1) k / n)` for `k < n / 2`.
    roots: Vec<[f64; 2]>,
    /// Where sample `i` starts: `i` with its bits reversed.
    places: Vec<usize>,
}

impl Fourier {
    /// For frames of `2^bits` samples.
    pub(super) fn new(bits: u32) -> Self {
        let n = 1_usize << bits;
        let root = |k: usize| {
            let angle = 2.0 * PI * k as f64 / n as f64;
            [libm::cos(angle), -libm::sin(angle)]
        };
        let place = |i: usize| (0..bits).fold(0, |place, bit| place << 1 | (i >> bit & 1));
        Self { roots: (0..n / 2).map(root).collect(), places: (0..n).map(place).collect() }
    }

    /// `|X_k|^2` of a frame that zeros make up to the full length; `room` is kept from frame to frame.
    pub(super) fn powers(&self, frame: impl Iterator<Item = f64>, room: &mut Vec<[f64; 2]>) -> Vec<f64> {
        let n = self.places.len();
        room.clear();
        room.resize(n, [0.0; 2]);
        for (x, &place) in frame.zip(&self.places) {
            if let Some(start) = room.get_mut(place) {
                *start = [x, 0.0];
            }
        }
        let mut len = 2;
        while len <= n {
            for block in room.chunks_exact_mut(len) {
                let (low, high) = block.split_at_mut(len / 2);
                for ((a, b), &[cos, sin]) in low.iter_mut().zip(high).zip(self.roots.iter().step_by(n / len)) {
                    let turned = [b[0] * cos - b[1] * sin, b[0] * sin + b[1] * cos];
                    *b = [a[0] - turned[0], a[1] - turned[1]];
                    *a = [a[0] + turned[0], a[1] + turned[1]];
                }
            }
            len *= 2;
        }
        room.iter().take(n / 2 + 1).map(|[re, im]| re * re + im * im).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sums_of_the_definition() {
        for bits in [0, 1, 3, 6] {
            let n = 1_usize << bits;
            let frame: Vec<f64> = (0..n - n / 4).map(|i| ((i * i * 7 + 3 * i) % 11) as f64 - 4.5).collect();
            let found = Fourier::new(bits).powers(frame.iter().copied(), &mut Vec::new());
            assert_eq!(found.len(), n / 2 + 1);
            for (k, found) in found.into_iter().enumerate() {
                let part = |f: fn(f64) -> f64| -> f64 {
                    frame.iter().enumerate().map(|(i, x)| x * f(2.0 * PI * (i * k) as f64 / n as f64)).sum()
                };
                let want = part(f64::cos).powi(2) + part(f64::sin).powi(2);
                assert!((found - want).abs() < 1e-10, "{k} of {n}: {found} against {want}");
            }
        }
    }

    #[test]
    fn room_is_no_memory() {
        let (fourier, mut room) = (Fourier::new(4), Vec::new());
        let frame = [1.0, -2.0, 0.5];
        let first = fourier.powers(frame.into_iter(), &mut room);
        fourier.powers([9.0; 16].into_iter(), &mut room);
        assert_eq!(fourier.powers(frame.into_iter(), &mut room), first);
    }
}
