//! Distributions of one number: what a head may say of a label in place of one value.
//!
//! ```text
//! Form      which distribution: a family with its parameters, or quantiles at fixed levels
//! Forecast  a form and its numbers for a batch      Prediction::Forecast; its points are what other metrics and pages read
//! Density   what a family is asked: density, distribution function, quantile, mean, CRPS; links and likelihood on a graph
//! ```
//!
//! | family | numbers | parameters, as written | in SciPy | file |
//! |---|---|---|---|---|
//! | [`Gaussian`] | any | `mean`, `deviation` | `norm(mean, deviation)` | `gaussian.rs` |
//! | [`Laplace`] | any | `location`, `scale` | `laplace(location, scale)` | `laplace.rs` |
//! | [`StudentT`] | any | `location`, `scale`, `freedom` | `t(freedom, location, scale)` | `student_t.rs` |
//! | [`Poisson`] | counts | `mean` | `poisson(mean)` | `poisson.rs` |
//! | [`NegativeBinomial`] | counts | `mean`, `dispersion` | `nbinom(1 / dispersion, 1 / (1 + dispersion mean))` | `negative_binomial.rs` |
//!
//! Plain numbers are computed in `f64`; on a graph, too, a likelihood is computed in `Double`: differences of `lgamma` lose all their
//! digits in `f32`, and there are few cells beside what a tower computes. A family is its file and a line of the list below.

mod forecast;
mod form;
mod gaussian;
mod laplace;
mod negative_binomial;
mod numeric;
mod poisson;
mod student_t;

pub use forecast::Forecast;
pub use form::Form;
pub use gaussian::Gaussian;
pub use laplace::Laplace;
pub use negative_binomial::NegativeBinomial;
pub use numeric::{normal_cdf, normal_quantile};
pub use poisson::Poisson;
pub use student_t::StudentT;

use std::fmt::{self, Debug};

use serde::{Deserialize, Serialize};
#[cfg(feature = "torch")]
use tch::{TchError, Tensor};

/// Which numbers a family is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Support {
    /// Any. Such a family moves and stretches with its numbers: of `c + s y` its parameters are those of `y` moved and stretched.
    Real,
    /// 0, 1, 2, ..
    Counts,
}

impl Support {
    /// Whether a finite number is one of them.
    #[must_use]
    pub fn holds(self, y: f64) -> bool {
        match self {
            Self::Real => true,
            Self::Counts => y >= 0.0 && y.fract() == 0.0,
        }
    }

    /// In words, for messages.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::Real => "a finite number",
            Self::Counts => "a whole number >= 0",
        }
    }
}

/// What moving and stretching the labels does to a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It is a place among the numbers: moved and stretched.
    Place,
    /// It is a distance: stretched.
    Distance,
    /// Neither.
    Shape,
}

/// What a family of distributions is asked; one implementation a file. `p` are its parameters in the order of
/// [`parameters`](Self::parameters), within their ranges.
pub trait Density: Debug + Send + Sync {
    /// The names of its parameters as they are written, and what each is; the first is where the numbers are, which explanations by
    /// gradients go by.
    fn parameters(&self) -> &'static [(&'static str, Role)];

    /// Which numbers it is of.
    fn support(&self) -> Support;

    /// The first parameter that is out of its range: its position, and what it must be.
    fn refused(&self, p: &[f64]) -> Option<(usize, &'static str)>;

    /// The mean.
    fn mean(&self, p: &[f64]) -> f64;

    /// The logarithm of the density at `y`, of counts of the probability; minus infinity outside its support.
    fn log_density(&self, p: &[f64], y: f64) -> f64;

    /// The probability of at most `y`.
    fn cdf(&self, p: &[f64], y: f64) -> f64;

    /// The smallest number of which [`cdf`](Self::cdf) is at least `level`, which is in `(0, 1)`.
    fn quantile(&self, p: &[f64], level: f64) -> f64;

    /// The continuous ranked probability score, `integral (cdf(x) - [y <= x])^2 dx`, in closed form.
    ///
    /// **Reference** Jordan, Krueger, Lerch, "Evaluating probabilistic forecasts with scoringRules", Journal of Statistical Software
    /// 90(12), 2019, appendix A.
    fn crps(&self, p: &[f64], y: f64) -> f64;

    /// Parameters within their ranges from numbers of any size, one each. At 0 they are those of labels of mean 0 and deviation 1, of
    /// counts of mean 1.
    ///
    /// # Errors
    /// When libtorch refuses.
    #[cfg(feature = "torch")]
    fn linked(&self, raw: &[Tensor]) -> Result<Vec<Tensor>, TchError>;

    /// [`log_density`](Self::log_density) on a graph, of numbers within the support; all tensors of one shape and of kind `Double`.
    ///
    /// # Errors
    /// When libtorch refuses.
    #[cfg(feature = "torch")]
    fn log_likelihood(&self, p: &[Tensor], ys: &Tensor) -> Result<Tensor, TchError>;
}

/// Declares the families: a line each.
macro_rules! families {
    ($( $family:ident = $name:literal, $about:literal; )+) => {
        /// A family of distributions; asked by the questions of [`Density`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
        pub enum Family {
            $( #[doc = $about] #[serde(rename = $name)] $family, )+
        }

        impl Family {
            /// Every family.
            pub const ALL: &'static [Self] = &[ $( Self::$family, )+ ];

            /// Its name in files.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $( Self::$family => $name, )+ }
            }

            /// What answers for it.
            #[must_use]
            pub fn density(self) -> &'static dyn Density {
                match self { $( Self::$family => &$family, )+ }
            }
        }
    };
}

families! {
    Gaussian = "gaussian", "Any numbers, errors of one size: mean and deviation.";
    Laplace = "laplace", "Any numbers, some far off: location (the median) and scale.";
    StudentT = "student-t", "Any numbers, outliers: location, scale and degrees of freedom.";
    Poisson = "poisson", "Counts whose variance is their mean.";
    NegativeBinomial = "negative-binomial", "Counts that scatter more than that: mean and dispersion.";
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests;
