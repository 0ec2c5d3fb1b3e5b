//! From a number of a column to what the network sees in its place, and back.

use super::{
    fit::moments,
    quantiles::Sample,
    schema::{Column, Transform},
};
use crate::table::FittedColumn;

/// How the numbers of a column are scaled: `(transformed - mean) / std`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    pub(super) transform: Transform,
    pub(super) mean: f64,
    pub(super) std: f64,
}

impl Scale {
    /// That of a numeric column; `None` of any other.
    pub(super) fn of(column: &Column, fitted: &FittedColumn) -> Option<Self> {
        match (column, fitted) {
            (Column::Numeric { transform, .. }, FittedColumn::Numeric { mean, std, .. }) => {
                Some(Self { transform: *transform, mean: *mean, std: *std })
            }
            _ => None,
        }
    }

    /// What the network sees, before it is rounded to `f32`.
    pub(super) fn forward(&self, x: f64) -> f64 {
        (self.transform.apply(x) - self.mean) / self.std
    }

    /// The number that was scaled.
    pub(super) fn back(&self, scaled: f64) -> f64 {
        self.transform.invert(scaled * self.std + self.mean)
    }
}

impl Transform {
    /// The transform before scaling.
    pub(super) fn apply(self, x: f64) -> f64 {
        match self {
            Self::Log1pStandard => x.signum() * x.abs().ln_1p(),
            Self::Standard | Self::None => x,
        }
    }

    /// What the transform was applied to.
    fn invert(self, x: f64) -> f64 {
        match self {
            Self::Log1pStandard => x.signum() * x.abs().exp_m1(),
            Self::Standard | Self::None => x,
        }
    }
}

/// What is learned of a column of numbers from those that are known.
pub(super) fn fit(transform: Transform, known: impl Iterator<Item = f64> + Clone) -> FittedColumn {
    let fill = moments(known.clone()).0;
    let (mean, std) = match transform {
        Transform::None => (0.0, 1.0),
        Transform::Standard | Transform::Log1pStandard => moments(known.clone().map(|v| transform.apply(v))),
    };
    let std = if std > 0.0 { std } else { 1.0 };
    let edges = Sample::of(known).edges(&Scale { transform, mean, std });
    FittedColumn::Numeric { mean, std, fill, edges }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scaled_number_goes_back() {
        for transform in [Transform::Standard, Transform::Log1pStandard, Transform::None] {
            let scale = Scale { transform, mean: 0.5, std: 3.0 };
            for x in [-1e4, -0.25, 0.0, 7.0] {
                assert!((scale.back(scale.forward(x)) - x).abs() < 1e-9 * x.abs().max(1.0), "{transform:?} {x}");
            }
        }
        assert!((Transform::Log1pStandard.apply(-1.0) + 2.0f64.ln()).abs() < 1e-15);
    }
}
