//! The fields of one table input as tokens, whatever its modality: codes by their embedding, numbers by a
//! [`NumberEmbedding`].

use super::{FieldEmbedding, NumberEmbedding, NumberEmbeddingConfig};
use crate::{
    context::Cx,
    error::{Error, Result},
    input::{CategoricalField, InputSpec, Inputs, Modality},
    params::Scope,
};

/// One input's tokens, `[b, fields, d]`.
#[derive(Debug)]
pub struct FieldTokens {
    input: String,
    names: Vec<String>,
    layer: Layer,
}

#[derive(Debug)]
enum Layer {
    Codes(FieldEmbedding),
    Numbers(NumberEmbedding),
}

impl FieldTokens {
    /// Tokens of width `d` for an input of categorical or numeric fields, the latter by the embedding that `numbers` names.
    /// Parameters are named by the modality, and by the input where there are several of that modality.
    ///
    /// # Errors
    /// [`Error::UnknownName`] for an input that the data set does not have; [`Error::Input`] for one that has no
    /// fields; those of the layers.
    pub fn new(
        scope: &mut Scope<'_>,
        spec: &InputSpec,
        input: &str,
        d: i64,
        numbers: &NumberEmbeddingConfig,
    ) -> Result<Self> {
        let modality = spec.get(input)?;
        let mut place = scope.sub(modality.name());
        let mut place = if spec.is_only(input) { place } else { place.sub(input) };
        let (names, layer) = match modality {
            Modality::Categorical(table) => {
                let cardinalities: Vec<i64> = table.fields.iter().map(|f| f.cardinality).collect();
                let names = table.fields.iter().map(|CategoricalField { name, .. }| name.clone()).collect();
                (names, Layer::Codes(FieldEmbedding::new(&mut place, &cardinalities, d)?))
            }
            Modality::Numeric(table) => {
                (table.names.clone(), Layer::Numbers(NumberEmbedding::new(&mut place, spec, input, d, numbers)?))
            }
            other => {
                let (expected, found) = ("categorical or numeric fields".to_owned(), other.describe());
                return Err(Error::Input { input: input.to_owned(), what: "modality", expected, found });
            }
        };
        Ok(Self { input: input.to_owned(), names, layer })
    }

    /// The fields' names.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// # Errors
    /// [`Error::UnknownName`] when the input is missing; those of the layers for one that does not fit.
    pub fn forward(&self, inputs: &Inputs, cx: &Cx) -> Result<tch::Tensor> {
        self.of(inputs.get(&self.input)?, cx)
    }

    /// As [`forward`](Self::forward), of the input's own tensor.
    ///
    /// # Errors
    /// Those of the layers for a tensor that does not fit.
    pub fn of(&self, xs: &tch::Tensor, cx: &Cx) -> Result<tch::Tensor> {
        match &self.layer {
            Layer::Codes(layer) => cx.embedded(&self.input, layer.forward(xs)?), // [b, f, d]
            Layer::Numbers(layer) => layer.tokens(xs, cx),                       // [b, n, d]
        }
    }
}
