//! How far one set of points is behind another.

use mtl_core::{Error, Result};

use super::Objectives;

impl Objectives {
    /// The additive epsilon indicator, `max_{b in other} min_{a in self} max_k (b_k - a_k)` with more being better: the
    /// smallest amount by which `self` would have to improve in every objective so that each point of `other` is matched.
    /// 0 or less: nothing in `other` is out of reach. Objectives should be of one scale.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] when a set is empty or the objectives differ.
    pub fn epsilon(&self, other: &Self) -> Result<f64> {
        if self.directions != other.directions {
            return Err(refused("the same objectives in both sets", "other directions"));
        }
        if self.is_empty() || other.is_empty() {
            return Err(refused("a point in each set", "an empty set"));
        }
        let behind = |a: &[f64], b: &[f64]| b.iter().zip(a).map(|(y, x)| y - x).fold(f64::NEG_INFINITY, f64::max);
        let nearest = |b: &Vec<f64>| self.points.iter().map(|a| behind(a, b)).fold(f64::INFINITY, f64::min);
        Ok(other.points.iter().map(nearest).fold(f64::NEG_INFINITY, f64::max))
    }
}

fn refused(expected: &str, found: &str) -> Error {
    Error::InvalidConfig { what: "epsilon indicator", field: "other", expected: expected.into(), found: found.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mtl_core::metric::Direction;

    #[test]
    fn the_shift_that_is_needed() {
        let set = |points: &[[f64; 2]]| {
            let points: Vec<Vec<f64>> = points.iter().map(|p| p.to_vec()).collect();
            Objectives::new(&points, &[Direction::Maximize, Direction::Minimize]).unwrap()
        };
        let (a, b) = (set(&[[0.5, 1.0], [0.8, 2.0]]), set(&[[0.6, 1.5], [0.4, 0.75]]));
        // (0.6, 1.5): 0.1 more from the first, or 0.5 less from the second; (0.4, 0.75): 0.25 from the first.
        assert!((a.epsilon(&b).unwrap() - 0.25).abs() < 1e-15);
        assert!((a.epsilon(&a).unwrap()).abs() < 1e-15);
        let far = set(&[[0.9, 0.5]]);
        assert!(far.epsilon(&a).unwrap() < 0.0);
        assert!(a.epsilon(&set(&[])).unwrap_err().to_string().contains("empty set"));
    }
}
