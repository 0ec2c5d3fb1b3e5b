//! Tweedie deviance: twice the log-likelihood lost against a perfect prediction, for counts, amounts and claims.
//!
//! ```text
//! power 0        (y - p)^2                                    normal
//! power 1        2 ( y log(y / p) - y + p )                   Poisson
//! power 2        2 ( log(p / y) + y / p - 1 )                 gamma
//! else           2 ( max(y, 0)^(2-a) / ((1-a)(2-a)) - y p^(1-a) / (1-a) + p^(2-a) / (2-a) )        a: power
//! ```
//!
//! | power | target | prediction |
//! |---|---|---|
//! | below 0 | any | above 0 |
//! | 0 | any | any |
//! | 1 to below 2 | 0 or more | above 0 |
//! | 2 and more | above 0 | above 0 |
//!
//! An output with a number outside these is undefined.
//!
//! **Shapes** predictions and targets `[b, k]`, NaN where the target is unknown. **State** 610 bytes an output. **Weights** yes.
//!
//! **Reference** B. Jorgensen, *Exponential dispersion models*, 1987; scikit-learn `mean_tweedie_deviance`,
//! `mean_poisson_deviance`, `mean_gamma_deviance`.
//! **Differs from** scikit-learn, which raises an error for numbers outside and takes one output; several are averaged.

use mtl_core::{Error, Result, metric::Direction};

use crate::{
    domain::{Bound, Domain, DomainMean},
    input::MetricBatch,
    mean::{Pair, PerOutput},
    metric::Metric,
    value::MetricValue,
};

/// Mean Tweedie deviance, `[0, inf)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Tweedie {
    power: f64,
    name: String,
}

impl Tweedie {
    /// The deviance of this power: at most 0, or at least 1. Named `poisson-deviance`, `gamma-deviance`, `tweedie-deviance@power=p`.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for another power: no distribution has it.
    pub fn new(power: f64) -> Result<Self> {
        if !power.is_finite() || (power > 0.0 && power < 1.0) {
            let expected = "at most 0, or at least 1".to_owned();
            return Err(Error::InvalidConfig {
                what: "tweedie-deviance",
                field: "power",
                expected,
                found: power.to_string(),
            });
        }
        let is = |other: f64| (power - other).abs() <= 0.0;
        let name = match power {
            _ if is(1.0) => "poisson-deviance".to_owned(),
            _ if is(2.0) => "gamma-deviance".to_owned(),
            _ => format!("tweedie-deviance@power={power}"),
        };
        Ok(Self { power, name })
    }

    /// That of the Poisson distribution: counts.
    #[must_use]
    pub fn poisson() -> Self {
        Self { power: 1.0, name: "poisson-deviance".to_owned() }
    }

    /// That of the gamma distribution: positive amounts.
    #[must_use]
    pub fn gamma() -> Self {
        Self { power: 2.0, name: "gamma-deviance".to_owned() }
    }

    /// The table of the file's head.
    fn domain(&self) -> Domain {
        let truth = match self.power {
            power if power >= 2.0 => Some(Bound::Above(0.0)),
            power if power >= 1.0 => Some(Bound::AtLeast(0.0)),
            _ => None,
        };
        Domain { said_above: (self.power.abs() > 0.0).then_some(0.0), truth }
    }
}

impl Default for Tweedie {
    fn default() -> Self {
        Self::poisson()
    }
}

impl Metric for Tweedie {
    type Batch<'a> = MetricBatch<'a>;
    type State = PerOutput<DomainMean>;
    const STATE_VERSION: u16 = 2;

    fn name(&self) -> &str {
        &self.name
    }

    fn direction(&self) -> Direction {
        Direction::Minimize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, f64::INFINITY)
    }

    fn update(&self, state: &mut Self::State, batch: &MetricBatch<'_>) -> Result<()> {
        let domain = self.domain();
        state.update_pairs(&self.name, batch, |output, pair| {
            // The exact value is never negative.
            output.add(&domain, pair, |pair| deviance(self.power, pair).max(0.0));
            Ok(())
        })
    }

    fn compute(&self, state: &Self::State) -> MetricValue {
        let domain = self.domain();
        state.average_of(DomainMean::n, |output| output.get(&domain))
    }
}

/// The deviance of a pair within the ranges of `power`.
fn deviance(power: f64, pair: &Pair) -> f64 {
    let (p, y) = (pair.said, pair.truth);
    let is = |other: f64| (power - other).abs() <= 0.0;
    if is(0.0) {
        return (y - p) * (y - p);
    }
    if is(1.0) {
        let entropy = if y > 0.0 { y * (y / p).ln() } else { 0.0 };
        return 2.0 * (entropy - y + p);
    }
    if is(2.0) {
        return 2.0 * ((p / y).ln() + y / p - 1.0);
    }
    let (one, two) = (1.0 - power, 2.0 - power);
    2.0 * (y.max(0.0).powf(two) / (one * two) - y * p.powf(one) / one + p.powf(two) / two)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AnyMetric, Streaming};
    use mtl_core::prediction::{Prediction, Reference};
    use ndarray::Array2;

    fn found(metric: Tweedie, said: &[f32], truth: &[f32]) -> MetricValue {
        let column = |numbers: &[f32]| Array2::from_shape_fn((numbers.len(), 1), |(row, _)| numbers[row]);
        let mut metric = Streaming::new(metric);
        metric.update(&Prediction::Values { values: column(said) }, &Reference::Values(column(truth))).unwrap();
        metric.compute()
    }

    #[test]
    fn by_hand() {
        let value = found(Tweedie::poisson(), &[1.0, 2.0], &[0.0, 1.0]).value.unwrap();
        assert!((value - (2.0 + 2.0 * (1.0 - 2f64.ln())) / 2.0).abs() < 1e-15);
        let value = found(Tweedie::gamma(), &[1.0], &[2.0]).value.unwrap();
        assert!((value - 2.0 * (1.0 - 2f64.ln())).abs() < 1e-15);
        let value = found(Tweedie::new(3.0).unwrap(), &[2.0], &[1.0]).value.unwrap();
        assert!((value - 2.0 * (0.5 + 0.125 - 0.5)).abs() < 1e-15);
        assert_eq!(found(Tweedie::new(0.0).unwrap(), &[2.0], &[-1.0]).value, Some(9.0));
        assert!(Tweedie::new(0.5).is_err() && Tweedie::new(f64::NAN).is_err());
        assert_eq!(Tweedie::new(1.5).unwrap().name(), "tweedie-deviance@power=1.5");
        assert_eq!(found(Tweedie::poisson(), &[0.0], &[0.0]).get(), Err("a prediction is not above 0: 0"));
        let outside = found(Tweedie::poisson(), &[2.0, -1.5, -0.5], &[1.0; 3]);
        assert_eq!(outside.get(), Err("2 predictions are not above 0, the lowest is -1.5"));
        assert_eq!(found(Tweedie::gamma(), &[1.0], &[0.0]).get(), Err("a target is not above 0: 0"));
        assert_eq!(found(Tweedie::new(-1.0).unwrap(), &[1.0], &[-1.0]).value.map(f64::is_finite), Some(true));
    }
}
