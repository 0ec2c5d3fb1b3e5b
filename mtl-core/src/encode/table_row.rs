//! A table's row as one vector: numbers as they are or embedded, each code as a learned vector.
//!
//! What fully connected layers read of fields of both modalities, `[b, n + f d]` or `[b, (n + f) d]`: the inputs in their order, `n`
//! numbers as `n` numbers or as `n` vectors of width `d`, `f` fields of codes as `f` vectors of that width.

use tch::{Kind, Tensor};

use crate::{
    context::Cx,
    error::{Result, TorchContext},
    input::{InputSpec, Inputs, Modality},
    nn::{FieldTokens, NumberEmbeddingConfig},
    params::Scope,
};

/// The fields of a table side by side.
#[derive(Debug)]
pub(super) struct TableRow {
    parts: Vec<Part>,
    fields: Vec<i64>,
}

#[derive(Debug)]
enum Part {
    /// The input of that name, as it is.
    Numbers(String),
    Tokens(FieldTokens),
}

impl TableRow {
    /// The fields of `spec`, which are all of a table, codes as vectors of width `d`, and numbers too if there is an embedding for them;
    /// parameters are those of [`FieldTokens`].
    ///
    /// # Errors
    /// As [`FieldTokens::new`].
    pub(super) fn new(
        scope: &mut Scope<'_>,
        spec: &InputSpec,
        d: i64,
        numbers: Option<&NumberEmbeddingConfig>,
    ) -> Result<Self> {
        let plain = NumberEmbeddingConfig::default();
        let (mut parts, mut fields) = (Vec::new(), Vec::new());
        for (name, modality) in spec.iter() {
            match modality {
                Modality::Numeric(table) if numbers.is_none() => {
                    fields.extend(table.names.iter().map(|_| 1));
                    parts.push(Part::Numbers(name.to_owned()));
                }
                _ => {
                    let tokens = FieldTokens::new(scope, spec, name, d, numbers.unwrap_or(&plain))?;
                    fields.extend(tokens.names().iter().map(|_| d));
                    parts.push(Part::Tokens(tokens));
                }
            }
        }
        Ok(Self { parts, fields })
    }

    /// How many numbers of the vector each field has; all together are its width.
    pub(super) fn fields(&self) -> &[i64] {
        &self.fields
    }

    /// `[b, width]` of that kind.
    ///
    /// # Errors
    /// [`Error::UnknownName`](crate::Error::UnknownName) when an input is missing; those of the layers for one that does not fit.
    pub(super) fn forward(&self, inputs: &Inputs, kind: Kind, cx: &Cx) -> Result<Tensor> {
        let part = |part: &Part| match part {
            Part::Numbers(input) => inputs.get(input)?.f_to_kind(kind).op("table row"), // [b, n]
            Part::Tokens(tokens) => tokens.forward(inputs, cx)?.f_flatten(1, 2).op("table row"), // [b, f d]
        };
        match &self.parts[..] {
            [only] => part(only),
            all => Tensor::f_cat(&all.iter().map(part).collect::<Result<Vec<_>>>()?, 1).op("table row"),
        }
    }
}
