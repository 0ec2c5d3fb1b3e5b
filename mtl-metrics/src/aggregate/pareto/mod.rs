//! Many tasks without one number: which methods nobody beats, and how much of the objective space a set of them covers.
//!
//! ```text
//! a dominates b      a is at least as good in every objective and better in one
//! Pareto set         the points that no other point dominates
//! hypervolume        volume between the points and a reference point that is worse than all of them
//! epsilon(A, B)      smallest shift that lets every point of B be matched by one of A; 0 or less: A is nowhere behind
//! ```
//! An objective is a task's metric; a point is a method, or one trade-off of a preference-driven method. Each objective has
//! its own direction; inside, all are turned so that more is better.
//!
//! **References** E. Zitzler, L. Thiele, *Multiobjective evolutionary algorithms: a comparative case study and the strength
//! Pareto approach*, IEEE TEC 3(4), 1999 (hypervolume); E. Zitzler et al., *Performance assessment of multiobjective
//! optimizers*, IEEE TEC 7(2), 2003 (additive epsilon indicator).

mod epsilon;
mod hypervolume;

use mtl_core::{Error, Result, metric::Direction};

/// Points in the space of objectives.
#[derive(Debug, Clone, PartialEq)]
pub struct Objectives {
    directions: Vec<Direction>,
    /// Turned so that more is better.
    points: Vec<Vec<f64>>,
}

impl Objectives {
    /// Points `[n][m]` of `m` objectives each.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for no objective, a point with another number of them, or a value that is not finite.
    pub fn new(points: &[Vec<f64>], directions: &[Direction]) -> Result<Self> {
        if directions.is_empty() {
            return refuse("directions", "at least one objective".into(), "none".into());
        }
        let turned = points.iter().enumerate().map(|(n, point)| turn(&format!("point {n}"), point, directions));
        Ok(Self { directions: directions.to_vec(), points: turned.collect::<Result<_>>()? })
    }

    /// How many points there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.points.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.points.is_empty()
    }

    /// Indices of the points that no other dominates, rising; equal points are all in it.
    #[must_use]
    pub fn pareto_set(&self) -> Vec<usize> {
        let beaten = |p: &Vec<f64>| self.points.iter().any(|q| dominates(q, p));
        (0..self.points.len()).filter(|&n| !beaten(&self.points[n])).collect()
    }
}

/// Whether `a` is at least as good everywhere and better somewhere; more is better.
fn dominates(a: &[f64], b: &[f64]) -> bool {
    covers(a, b) && a != b
}

/// Whether `a` is at least as good everywhere; more is better.
fn covers(a: &[f64], b: &[f64]) -> bool {
    a.iter().zip(b).all(|(x, y)| x >= y)
}

fn turn(what: &str, point: &[f64], directions: &[Direction]) -> Result<Vec<f64>> {
    if point.len() != directions.len() {
        return refuse("point", format!("{} objectives", directions.len()), format!("{} in {what}", point.len()));
    }
    if let Some(odd) = point.iter().find(|v| !v.is_finite()) {
        return refuse("point", "finite".into(), format!("{odd} in {what}"));
    }
    let turned = point.iter().zip(directions).map(|(v, direction)| match direction {
        Direction::Maximize => *v,
        Direction::Minimize => -*v,
    });
    Ok(turned.collect())
}

fn refuse<T>(field: &'static str, expected: String, found: String) -> Result<T> {
    Err(Error::InvalidConfig { what: "objectives", field, expected, found })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_beats_the_pareto_set() {
        let directions = [Direction::Maximize, Direction::Minimize];
        let points = [vec![0.9, 3.0], vec![0.8, 2.0], vec![0.8, 2.5], vec![0.7, 2.0], vec![0.9, 3.0], vec![0.1, 1.0]];
        let objectives = Objectives::new(&points, &directions).unwrap();
        assert_eq!(objectives.pareto_set(), [0, 1, 4, 5]);
        assert_eq!(objectives.len(), 6);
        assert!(Objectives::new(&[], &directions).unwrap().pareto_set().is_empty());
    }

    #[test]
    fn points_that_do_not_fit_are_refused() {
        let of = |points: &[Vec<f64>], directions: &[Direction]| {
            Objectives::new(points, directions).unwrap_err().to_string()
        };
        let up = [Direction::Maximize; 2];
        assert!(of(&[vec![1.0, 2.0], vec![1.0]], &up).contains("1 in point 1"));
        assert!(of(&[vec![f64::NAN, 2.0]], &up).contains("NaN in point 0"));
        assert!(of(&[], &[]).contains("at least one objective"));
    }
}
