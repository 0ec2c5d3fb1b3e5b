//! minADE, minFDE and miss rate of the `k` most probable ways.
//!
//! ```text
//! ADE(way) = mean over points of |way - truth|          FDE(way) = |last point of way - last of truth|
//! minADE@k = min over the k most probable ways of ADE   minFDE@k the same of FDE       value: mean over agents
//! MR@k     = share of agents whose best way misses by more than r:
//!            by its end, minFDE@k > r (Argoverse), or by its worst point, min_way max_point > r (nuScenes)
//! ```
//!
//! Among equally probable ways the first comes first. When there are fewer than `k` ways, all are taken.
//!
//! **Input** [`Forecasts`], meters. **State** 552 bytes.
//!
//! **Reference** nuScenes prediction challenge (`min_ade_k`, `miss_rate_top_k`, 2 m); Argoverse forecasting
//! (`get_minFDE`, miss threshold 2 m).
//! **Differs from** Argoverse 1, whose minADE is the ADE of the way with the smallest FDE: that is [`AdeOf::BestEnd`].

use mtl_core::{Result, metric::Direction};

use crate::{
    mean::ExactMean,
    metric::{Metric, MetricState, refused},
    refusal::refuse,
    trajectory::forecasts::{Agent, Forecasts, distance},
    value::MetricValue,
};

/// Of which way the average displacement is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AdeOf {
    /// The way of smallest average displacement (nuScenes, Argoverse 2).
    #[default]
    Best,
    /// The way of smallest final displacement (Argoverse 1).
    BestEnd,
}

/// By what a way misses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MissBy {
    /// Its last point (Argoverse).
    #[default]
    End,
    /// Its worst point (nuScenes).
    WorstPoint,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Number {
    Ade(AdeOf),
    Fde,
    Missed(MissBy, f64),
}

/// Displacement (unit of the points, `[0, inf)`) or miss rate (`[0, 1]`) of the best of `k` ways.
#[derive(Debug, Clone, PartialEq)]
pub struct Displacement {
    number: Number,
    k: usize,
    name: String,
}

impl Displacement {
    /// `min-ade@k=5`.
    ///
    /// # Errors
    /// [`mtl_core::Error::InvalidConfig`] for `k` of 0.
    pub fn ade(k: usize, of: AdeOf) -> Result<Self> {
        let name = if of == AdeOf::Best { "min-ade" } else { "ade-of-min-fde" };
        Self::with(Number::Ade(of), k, format!("{name}@k={k}"))
    }

    /// `min-fde@k=5`.
    ///
    /// # Errors
    /// As [`ade`](Self::ade).
    pub fn fde(k: usize) -> Result<Self> {
        Self::with(Number::Fde, k, format!("min-fde@k={k}"))
    }

    /// `miss-rate@k=5,radius=2` beyond `radius`, usually 2 m.
    ///
    /// # Errors
    /// As [`ade`](Self::ade); also for a radius that is not positive.
    pub fn miss_rate(k: usize, radius: f64, by: MissBy) -> Result<Self> {
        if !(radius > 0.0 && radius.is_finite()) {
            return Err(refuse("miss rate", "radius", "positive", radius.to_string()));
        }
        let suffix = if by == MissBy::End { "" } else { "-worst-point" };
        Self::with(Number::Missed(by, radius), k, format!("miss-rate{suffix}@k={k},radius={radius}"))
    }

    fn with(number: Number, k: usize, name: String) -> Result<Self> {
        if k == 0 {
            return Err(refuse("displacement", "k", "1 or more", "0"));
        }
        Ok(Self { number, k, name })
    }

    fn of(&self, agent: &Agent<'_>) -> f64 {
        let t = agent.truth.len();
        let mut order: Vec<usize> = (0..agent.probs.len()).collect();
        order.sort_by(|&a, &b| agent.probs[b].total_cmp(&agent.probs[a]));
        order.truncate(self.k);
        let ways = order.iter().map(|&way| agent.ways[way * t..(way + 1) * t].iter().zip(agent.truth));
        let measured = ways.map(|points| {
            let off: Vec<f64> = points.map(|(a, b)| distance(a, b)).collect();
            let worst = off.iter().copied().fold(0.0, f64::max);
            (off.iter().sum::<f64>() / t as f64, off.last().copied().unwrap_or(0.0), worst)
        });
        let measured: Vec<(f64, f64, f64)> = measured.collect();
        let least = |read: fn(&(f64, f64, f64)) -> f64| measured.iter().map(read).fold(f64::INFINITY, f64::min);
        match self.number {
            Number::Ade(AdeOf::Best) => least(|of| of.0),
            Number::Ade(AdeOf::BestEnd) => {
                measured.iter().min_by(|a, b| a.1.total_cmp(&b.1)).map_or(f64::INFINITY, |of| of.0)
            }
            Number::Fde => least(|of| of.1),
            Number::Missed(MissBy::End, radius) => f64::from(u8::from(least(|of| of.1) > radius)),
            Number::Missed(MissBy::WorstPoint, radius) => f64::from(u8::from(least(|of| of.2) > radius)),
        }
    }
}

impl Metric for Displacement {
    type Batch<'a> = Forecasts<'a>;
    type State = ExactMean;

    fn name(&self) -> &str {
        &self.name
    }

    fn direction(&self) -> Direction {
        Direction::Minimize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, if matches!(self.number, Number::Missed(..)) { 1.0 } else { f64::INFINITY })
    }

    fn update(&self, state: &mut ExactMean, batch: &Forecasts<'_>) -> Result<()> {
        let mut part = ExactMean::default();
        batch.agents().for_each(|agent| part.add(self.of(&agent)));
        state.merge(&part).map_err(|reason| refused(&self.name, reason))
    }

    fn compute(&self, state: &ExactMean) -> MetricValue {
        state.value()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Streaming;

    #[test]
    fn by_hand() {
        // Way 0 ends at the truth after a detour of 6, way 1 is always off by 2.5.
        let truth = [[0.0, 0.0], [1.0, 0.0]];
        let ways = [[0.0, 6.0], [1.0, 0.0], [2.5, 0.0], [3.5, 0.0]];
        let forecasts = Forecasts::new(&ways, &[0.4, 0.6], &truth, [1, 2, 2]).unwrap();
        let value = |metric: Displacement| {
            let mut metric = Streaming::new(metric);
            metric.update_batch(&forecasts).unwrap();
            metric.compute().value.unwrap()
        };
        let ade = |k, of| value(Displacement::ade(k, of).unwrap());
        assert_eq!((ade(1, AdeOf::Best), ade(5, AdeOf::Best), ade(5, AdeOf::BestEnd)), (2.5, 2.5, 3.0));
        assert_eq!((value(Displacement::fde(1).unwrap()), value(Displacement::fde(2).unwrap())), (2.5, 0.0));
        let miss = |k, r, by| value(Displacement::miss_rate(k, r, by).unwrap());
        assert_eq!((miss(2, 2.0, MissBy::End), miss(1, 2.0, MissBy::End)), (0.0, 1.0));
        assert_eq!((miss(2, 2.0, MissBy::WorstPoint), miss(2, 2.5, MissBy::WorstPoint)), (1.0, 0.0));
        assert_eq!(Displacement::miss_rate(5, 2.0, MissBy::End).unwrap().name(), "miss-rate@k=5,radius=2");
        assert!(Displacement::fde(0).is_err() && Displacement::miss_rate(1, 0.0, MissBy::End).is_err());
    }
}
