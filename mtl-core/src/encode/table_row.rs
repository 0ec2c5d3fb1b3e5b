//! A table's row as one vector: numbers as they are, each code as a learned vector.
//!
//! What fully connected layers read of fields of both modalities, `[b, n + f d]`: the inputs in their order, `n` numbers as `n`
//! numbers, `f` fields of codes as `f` vectors of width `d`.

use tch::{Kind, Tensor};

use crate::{
    context::Cx,
    error::{Result, TorchContext},
    input::{InputSpec, Inputs, Modality},
    nn::FieldTokens,
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
    Codes(FieldTokens),
}

impl TableRow {
    /// The fields of `spec`, which are all of a table, codes as vectors of width `d`; parameters are those of [`FieldTokens`].
    ///
    /// # Errors
    /// As [`FieldTokens::new`].
    pub(super) fn new(scope: &mut Scope<'_>, spec: &InputSpec, d: i64) -> Result<Self> {
        let (mut parts, mut fields) = (Vec::new(), Vec::new());
        for (name, modality) in spec.iter() {
            match modality {
                Modality::Numeric(table) => {
                    fields.extend(table.names.iter().map(|_| 1));
                    parts.push(Part::Numbers(name.to_owned()));
                }
                _ => {
                    let codes = FieldTokens::new(scope, spec, name, d)?;
                    fields.extend(codes.names().iter().map(|_| d));
                    parts.push(Part::Codes(codes));
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
            Part::Codes(codes) => codes.forward(inputs, cx)?.f_flatten(1, 2).op("table row"), // [b, f d]
        };
        match &self.parts[..] {
            [only] => part(only),
            all => Tensor::f_cat(&all.iter().map(part).collect::<Result<Vec<_>>>()?, 1).op("table row"),
        }
    }
}
