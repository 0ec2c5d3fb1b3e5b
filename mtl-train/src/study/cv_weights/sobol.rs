//! The Sobol sequence: points that fill a cube more evenly than random ones.
//!
//! ```text
//! v_kj   = m_kj / 2^j                     direction number j of dimension k; m from a primitive polynomial of degree s:
//! m_j    = 2 a_1 m_{j-1} xor 2^2 a_2 m_{j-2} xor .. xor 2^s m_{j-s} xor m_{j-s}
//! x_n+1  = x_n xor v_c(n)                 c(n): position of the lowest zero bit of n (order of the Gray code)
//! ```
//!
//! Any `2^k` points that start at a multiple of `2^k` have exactly one in each of `2^k` equal slices along every axis.
//!
//! **Reference**: I. M. Sobol, USSR Computational Mathematics and Mathematical Physics 7(4), 1967; order: I. A. Antonov, V. M.
//! Saleev, ibid. 19, 1979; first direction numbers: S. Joe, F. Y. Kuo, "Constructing Sobol sequences with better
//! two-dimensional projections", SIAM Journal on Scientific Computing 30, 2008, file `new-joe-kuo-6`. Not scrambled. The
//! golden test holds it against scipy's, which has the same numbers.

/// Dimensions there are direction numbers for.
pub const MAX_DIM: usize = 16;

const BITS: usize = 32;

/// Polynomial as bits, highest first (`x^2 + x + 1` is 0b111), and the first `m`, for dimensions 2 to 16; the first
/// dimension is van der Corput's sequence.
const FIRST: [(u32, &[u32]); MAX_DIM - 1] = [
    (3, &[1]),
    (7, &[1, 3]),
    (11, &[1, 3, 1]),
    (13, &[1, 1, 1]),
    (19, &[1, 1, 3, 3]),
    (25, &[1, 3, 5, 13]),
    (37, &[1, 1, 5, 5, 17]),
    (41, &[1, 1, 5, 5, 5]),
    (47, &[1, 1, 7, 11, 19]),
    (55, &[1, 1, 5, 1, 1]),
    (59, &[1, 1, 1, 3, 11]),
    (61, &[1, 3, 5, 5, 31]),
    (67, &[1, 3, 3, 9, 7, 49]),
    (91, &[1, 1, 1, 15, 21, 21]),
    (97, &[1, 3, 1, 13, 27, 49]),
];

/// The sequence, from its first point `(0, .., 0)`; it has `2^32` points.
#[derive(Debug, Clone)]
pub struct Sobol {
    directions: Vec<[u32; BITS]>,
    point: Vec<u32>,
    index: u32,
    ended: bool,
}

impl Sobol {
    /// The sequence in the cube of `dim` dimensions; `None` unless `1 <= dim <= MAX_DIM`.
    #[must_use]
    pub fn new(dim: usize) -> Option<Self> {
        if dim == 0 || dim > MAX_DIM {
            return None;
        }
        let directions = (0..dim).map(|k| directions(k.checked_sub(1).and_then(|at| FIRST.get(at)))).collect();
        Some(Self { directions, point: vec![0; dim], index: 0, ended: false })
    }
}

/// Direction numbers as bits after the point.
fn directions(first: Option<&(u32, &[u32])>) -> [u32; BITS] {
    let mut v = [0; BITS];
    let Some((polynomial, m)) = first else {
        for (j, v) in v.iter_mut().enumerate() {
            *v = 1 << (BITS - 1 - j);
        }
        return v;
    };
    let degree = m.len();
    for j in 0..BITS {
        v[j] = match m.get(j) {
            Some(m) => m << (BITS - 1 - j),
            None => {
                let mut value = v[j - degree] ^ (v[j - degree] >> degree);
                for i in 1..degree {
                    if (polynomial >> (degree - i)) & 1 == 1 {
                        value ^= v[j - i];
                    }
                }
                value
            }
        };
    }
    v
}

impl Iterator for Sobol {
    type Item = Vec<f64>;

    fn next(&mut self) -> Option<Vec<f64>> {
        if self.ended {
            return None;
        }
        let scale = 1.0 / (u64::from(u32::MAX) + 1) as f64;
        let point = self.point.iter().map(|x| f64::from(*x) * scale).collect();
        let changed = self.index.trailing_ones() as usize;
        match self.index.checked_add(1) {
            Some(next) => self.index = next,
            None => self.ended = true,
        }
        for (x, directions) in self.point.iter_mut().zip(&self.directions) {
            *x ^= directions.get(changed).copied().unwrap_or(0);
        }
        Some(point)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_points_by_hand() {
        let points: Vec<Vec<f64>> = Sobol::new(2).unwrap().take(5).collect();
        assert_eq!(points, [[0.0, 0.0], [0.5, 0.5], [0.75, 0.25], [0.25, 0.75], [0.375, 0.375]]);
        assert!(Sobol::new(0).is_none() && Sobol::new(MAX_DIM + 1).is_none());
    }

    #[test]
    fn every_slice_of_every_axis_gets_one_point() {
        let points: Vec<Vec<f64>> = Sobol::new(MAX_DIM).unwrap().take(256).collect();
        for axis in 0..MAX_DIM {
            let mut slices: Vec<f64> = points.iter().map(|p| (p[axis] * 256.0).floor()).collect();
            slices.sort_by(f64::total_cmp);
            assert_eq!(slices, (0..256).map(f64::from).collect::<Vec<_>>(), "axis {axis}");
        }
    }

    #[test]
    fn golden_points_of_scipy() {
        let golden: serde_json::Value = serde_json::from_str(include_str!("../../../tests/golden/sobol.json")).unwrap();
        let wanted: Vec<Vec<f64>> = serde_json::from_value(golden["points"].clone()).unwrap();
        assert_eq!(Sobol::new(MAX_DIM).unwrap().take(wanted.len()).collect::<Vec<_>>(), wanted);
        assert_eq!(wanted.len(), 64);
    }
}
