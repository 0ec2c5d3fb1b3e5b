//! Collision rate: the share of forecast agents that come too near to another.
//!
//! ```text
//! agent i collides when |way_i(t) - way_j(t)| < r for another agent j of the scene and a time t >= 1,
//! or on the way between two times, when positions are interpolated (steps > 0)
//! collision rate = agents that collide / agents
//! ```
//!
//! `r` is the distance of centers: twice the radius of an agent. With `steps` a pair is also looked at in that many
//! instants between two times, so that agents that change places are seen.
//!
//! **Input** scenes of `a` agents with `t` points each. **State** two counts. **Cost** `a^2 t` a scene.
//!
//! **Reference** P. Kothari et al., *Human Trajectory Forecasting in Crowds* (TrajNet++, prediction collision Col-I,
//! `r` 0.2 m, 2 steps), T-ITS 2021. **Differs from** TrajNet++,
//! which counts scenes by their first agent only: here every agent counts.

use mtl_core::{Result, metric::Direction};
use serde::{Deserialize, Serialize};

use crate::{
    metric::{Metric, MetricState, add_counts, refused},
    refusal::{check_each, refuse},
    trajectory::forecasts::distance,
    value::{MetricValue, OrReason},
};

/// Ways of the agents of one scene, `[a, t]`.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    ways: &'a [[f64; 2]],
    t: usize,
}

impl<'a> Scene<'a> {
    /// Ways of `t` points, agent after agent.
    ///
    /// # Errors
    /// [`mtl_core::Error::InvalidConfig`] when the points are no multiple of `t`, for `t` of 0 and numbers that are
    /// not finite.
    pub fn new(ways: &'a [[f64; 2]], t: usize) -> Result<Self> {
        if t == 0 || !ways.len().is_multiple_of(t) {
            return Err(refuse(
                "scene",
                "ways",
                format!("of {t} points, at least one"),
                format!("{} points", ways.len()),
            ));
        }
        check_each("scene", "ways", "a number up to 1e100", ways.iter().flatten(), |x| x.abs() <= 1e100)?;
        Ok(Self { ways, t })
    }
}

/// Agents, and those that collide.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Collisions {
    /// `[colliding, all]`.
    counts: [u64; 2],
}

impl MetricState for Collisions {
    fn merge(&mut self, other: &Self) -> OrReason<()> {
        add_counts(&mut self.counts, &other.counts)
    }

    fn check(&self) -> OrReason<()> {
        let [colliding, all] = self.counts;
        if colliding <= all { Ok(()) } else { Err(format!("{colliding} of {all} agents collide")) }
    }
}

/// Share of agents that collide, `[0, 1]`.
#[derive(Debug, Clone, PartialEq)]
pub struct CollisionRate {
    reach: f64,
    steps: u32,
    name: String,
}

impl CollisionRate {
    /// Agents nearer than `reach`, looked at in `steps` instants between two times.
    ///
    /// # Errors
    /// [`mtl_core::Error::InvalidConfig`] for a reach that is not positive or more than 1000 steps.
    pub fn new(reach: f64, steps: u32) -> Result<Self> {
        if !(reach > 0.0 && reach.is_finite()) || steps > 1000 {
            return Err(refuse(
                "collision rate",
                "reach and steps",
                "positive, at most 1000",
                format!("{reach}, {steps}"),
            ));
        }
        Ok(Self { reach, steps, name: format!("collision-rate@reach={reach},steps={steps}") })
    }

    fn meet(&self, a: &[[f64; 2]], b: &[[f64; 2]]) -> bool {
        let near = |share: f64, a: &[[f64; 2]], b: &[[f64; 2]]| {
            let between = |way: &[[f64; 2]]| {
                let (from, to) = (way[0], way[way.len() - 1]);
                [from[0] + share * (to[0] - from[0]), from[1] + share * (to[1] - from[1])]
            };
            distance(&between(a), &between(b)) < self.reach
        };
        let parts = f64::from(self.steps) + 1.0;
        let at = a.chunks(1).zip(b.chunks(1)).any(|(a, b)| near(0.0, a, b));
        let on_the_way = |(a, b)| (1..=self.steps).any(|step| near(f64::from(step) / parts, a, b));
        at || a.windows(2).zip(b.windows(2)).any(on_the_way)
    }
}

impl Metric for CollisionRate {
    type Batch<'a> = Scene<'a>;
    type State = Collisions;

    fn name(&self) -> &str {
        &self.name
    }

    fn direction(&self) -> Direction {
        Direction::Minimize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn update(&self, state: &mut Collisions, batch: &Scene<'_>) -> Result<()> {
        let ways: Vec<_> = batch.ways.chunks_exact(batch.t).collect();
        let mut collides = vec![false; ways.len()];
        for i in 0..ways.len() {
            for j in i + 1..ways.len() {
                if !(collides[i] && collides[j]) && self.meet(ways[i], ways[j]) {
                    (collides[i], collides[j]) = (true, true);
                }
            }
        }
        let colliding = collides.iter().filter(|&&collides| collides).count() as u64;
        let part = Collisions { counts: [colliding, ways.len() as u64] };
        state.merge(&part).map_err(|reason| refused(&self.name, reason))
    }

    fn compute(&self, state: &Collisions) -> MetricValue {
        MetricValue::ratio(state.counts[0] as f64, state.counts[1])
    }
}

crate::judged::answers_to_come! {
    Scene<'a> => "tracks";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Streaming;

    #[test]
    fn by_hand() {
        // The first two change places, the third is far away.
        let ways = [[0.0, 0.0], [1.0, 0.0], [1.0, 0.0], [0.0, 0.0], [9.0, 9.0], [9.0, 9.0]];
        let value = |steps| {
            let mut metric = Streaming::new(CollisionRate::new(0.2, steps).unwrap());
            metric.update_batch(&Scene::new(&ways, 2).unwrap()).unwrap();
            metric.compute().value
        };
        assert_eq!((value(0), value(1)), (Some(0.0), Some(2.0 / 3.0)));
        assert!(Scene::new(&ways, 4).is_err() && CollisionRate::new(0.0, 0).is_err());
    }
}
