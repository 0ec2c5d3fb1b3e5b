//! Numbers of a table as vectors, one a field: what a network reads in place of the bare numbers.
//!
//! A network on bare numbers learns smooth functions of them first, and needs many steps for a threshold or a bump. A vector a
//! number gives it a basis in which such functions are linear.
//!
//! | kind | a number `x` of field `j` becomes | file |
//! |---|---|---|
//! | [`LinearConfig`] `linear` | `x w_j + b_j` | `linear.rs` |
//! | [`LinearReluConfig`] `linear-relu` | `relu(x w_j + b_j)` | `linear_relu.rs` |
//! | [`PiecewiseLinearConfig`] `piecewise-linear` | `x w_j + b_j + V_j ple(x)`, by bins of the field's quantiles | `piecewise_linear.rs` |
//! | [`PeriodicConfig`] `periodic` | `relu(V_j [cos(2 pi f_j x), sin(2 pi f_j x)] + c_j)` | `periodic.rs` |
//! | [`PbldConfig`] `pbld` | `[x, V_j cos(2 pi f_j x + p_j) + c_j]` | `pbld.rs` |
//!
//! All fields of an input are one or two operations together, whatever their number. An encoder makes one [`NumberEmbedding`]
//! an input and takes its tokens `[b, n, d]`, or the same side by side, `[b, n d]`.
//!
//! A kind is its file, `impl NumberEmbeddingPart` for its settings, and its line in the list below.
//!
//! **Reference** Gorishniy, Rubachev, Babenko, "On Embeddings for Numerical Features in Tabular Deep Learning", NeurIPS 2022,
//! arXiv 2203.05556.

mod linear;
mod linear_relu;
mod pbld;
mod periodic;
mod piecewise_linear;
#[cfg(test)]
mod tests;

use std::fmt::Debug;

pub use linear::{LinearConfig, NumericTokens};
pub use linear_relu::LinearReluConfig;
pub use pbld::PbldConfig;
pub use periodic::PeriodicConfig;
pub use piecewise_linear::PiecewiseLinearConfig;
use tch::{Kind, Tensor};

use crate::{
    context::Cx,
    error::{Error, Result, TorchContext},
    input::{InputSpec, Modality, Numeric},
    params::Scope,
    registry,
};

/// A layer from numbers to vectors.
pub trait NumbersToTokens: Debug + Send {
    /// # Shapes
    /// `xs`: `[b, n]` of the parameters' kind, result `[b, n, d]`.
    ///
    /// # Errors
    /// [`Error::Torch`] when libtorch refuses.
    fn forward(&self, xs: &Tensor, cx: &Cx) -> Result<Tensor>;
}

/// The settings of a kind: what builds its layer.
pub trait NumberEmbeddingPart: Debug {
    /// The layer for the fields of `input`, vectors `d >= 1` wide; its parameters in `scope`.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for a setting out of range; [`Error::Input`] for an input that lacks what the kind needs.
    fn build(&self, scope: &mut Scope<'_>, input: &str, fields: &Numeric, d: i64) -> Result<Box<dyn NumbersToTokens>>;
}

registry! {
    /// How numbers become vectors.
    pub enum NumberEmbeddingConfig, what = "number embedding", part = NumberEmbeddingPart {
        Linear(LinearConfig) = "linear", "a learned direction and origin a field";
        LinearRelu(LinearReluConfig) = "linear-relu", "a learned direction and origin a field, then a rectifier";
        PiecewiseLinear(PiecewiseLinearConfig) = "piecewise-linear",
            "a learned direction a field, and a learned bend at each of its quantiles";
        Periodic(PeriodicConfig) = "periodic", "sines and cosines of learned frequencies, a linear map and a rectifier a field";
        Pbld(PbldConfig) = "pbld", "cosines of learned frequencies and phases, a linear map a field, beside the number itself";
    }
}

impl Default for NumberEmbeddingConfig {
    fn default() -> Self {
        Self::Linear(LinearConfig::default())
    }
}

/// The numbers of one input as vectors.
#[derive(Debug)]
pub struct NumberEmbedding {
    name: String,
    layer: Box<dyn NumbersToTokens>,
    kind: Kind,
    n_fields: i64,
    width: i64,
}

impl NumberEmbedding {
    /// Vectors `d` wide for an input of numeric fields; parameters are made right in `scope`.
    ///
    /// # Errors
    /// [`Error::UnknownName`] for an input that the data set does not have; [`Error::Input`] for one that holds no numbers, or
    /// lacks what the kind needs; [`Error::InvalidConfig`] for `d < 1` or a setting out of range.
    pub fn new(
        scope: &mut Scope<'_>,
        spec: &InputSpec,
        input: &str,
        d: i64,
        config: &NumberEmbeddingConfig,
    ) -> Result<Self> {
        let modality = spec.get(input)?;
        let Modality::Numeric(fields) = modality else {
            let (expected, found) = ("numeric fields".to_owned(), modality.describe());
            return Err(Error::Input { input: input.to_owned(), what: "modality", expected, found });
        };
        at_least("width", d, 1)?;
        let (name, kind) = (scope.name().to_owned(), scope.kind());
        let layer = config.part().build(scope, input, fields, d)?;
        Ok(Self { name, layer, kind, n_fields: fields.names.len() as i64, width: d })
    }

    /// How many fields there are.
    #[must_use]
    pub fn n_fields(&self) -> i64 {
        self.n_fields
    }

    /// Width of a field's vector.
    #[must_use]
    pub fn width(&self) -> i64 {
        self.width
    }

    /// # Shapes
    /// `xs`: `[b, n]`, result `[b, n, d]`.
    ///
    /// # Errors
    /// [`Error::Shape`] for another number of fields.
    pub fn tokens(&self, xs: &Tensor, cx: &Cx) -> Result<Tensor> {
        if xs.size().len() != 2 || xs.size()[1] != self.n_fields {
            return Err(Error::Shape {
                op: self.name.clone(),
                tensor: "xs",
                expected: format!("[b, {}]", self.n_fields),
                found: xs.size(),
            });
        }
        let xs = xs.f_to_kind(self.kind).op(self.name.as_str())?;
        self.layer.forward(&xs, cx)
    }

    /// The same side by side.
    ///
    /// # Shapes
    /// `xs`: `[b, n]`, result `[b, n d]`.
    ///
    /// # Errors
    /// As [`NumberEmbedding::tokens`].
    pub fn flat(&self, xs: &Tensor, cx: &Cx) -> Result<Tensor> {
        self.tokens(xs, cx)?.f_flatten(1, -1).op(self.name.as_str())
    }
}

/// Checks a whole setting.
fn at_least(field: &'static str, found: i64, least: i64) -> Result<()> {
    if found >= least {
        return Ok(());
    }
    let (expected, found) = (format!(">= {least}"), found.to_string());
    Err(Error::InvalidConfig { what: "number embedding", field, expected, found })
}

/// Checks a deviation.
fn positive(field: &'static str, found: f64) -> Result<()> {
    if found.is_finite() && found > 0.0 {
        return Ok(());
    }
    let (expected, found) = ("> 0 and finite".into(), found.to_string());
    Err(Error::InvalidConfig { what: "number embedding", field, expected, found })
}

/// One row a field, so that each field's row meets its own matrix: `[b, n]` to `[n, b, 1]`.
fn by_field(op: &str, xs: &Tensor) -> Result<Tensor> {
    xs.f_tr().and_then(|xs| xs.f_unsqueeze(-1)).op(op)
}

/// Back to one row a sample: `[n, b, d]` to `[b, n, d]`.
fn by_sample(op: &str, tokens: &Tensor) -> Result<Tensor> {
    tokens.f_transpose(0, 1).op(op)
}
