//! Categorical fields of a table as tokens `[b, fields, d]`; numbers are in `number_embedding`.
//!
//! All fields live in **one** table with an offset per field, so a row of forty fields is one gather instead of forty.

use tch::{Device, Kind, Tensor};

use crate::{
    error::{Error, Result, TorchContext},
    params::{Init, Scope},
    shim,
};

/// One embedding table for several categorical fields.
#[derive(Debug)]
pub struct FieldEmbedding {
    name: String,
    table: Tensor,
    offsets: Tensor,
    n_fields: i64,
}

impl FieldEmbedding {
    /// Fields with `cardinalities[j]` codes each (code 0 is "unknown" by the data crate's convention).
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for no field or an empty one; [`Error::Duplicate`] when the name is taken.
    pub fn new(scope: &mut Scope<'_>, cardinalities: &[i64], width: i64) -> Result<Self> {
        if width < 1 || cardinalities.is_empty() || cardinalities.iter().any(|&c| c < 1) {
            return Err(Error::InvalidConfig {
                what: "field embedding",
                field: "cardinalities",
                expected: "at least one field, each with at least one code, width >= 1".into(),
                found: format!("{cardinalities:?}, width {width}"),
            });
        }
        let mut offsets = Vec::with_capacity(cardinalities.len());
        let mut total = 0;
        for &c in cardinalities {
            offsets.push(total);
            total += c;
        }
        // The scale keeps a token's entries near 1/sqrt(d), as a linear layer on a one-hot input would.
        let table = scope.param("weight", &[total, width], Init::fan_in(width))?;
        let offsets = Tensor::from_slice(&offsets).f_to_device(table.device()).op("field embedding")?;
        Ok(Self { name: scope.name().to_owned(), table, offsets, n_fields: cardinalities.len() as i64 })
    }

    /// # Shapes
    /// `codes`: `[b, fields]` of `Int64`, each below its field's cardinality; result `[b, fields, d]`.
    ///
    /// # Errors
    /// [`Error::Shape`] or [`Error::Kind`] for other codes; [`Error::Torch`] when a code lies outside the table.
    pub fn forward(&self, codes: &Tensor) -> Result<Tensor> {
        if codes.size().len() != 2 || codes.size()[1] != self.n_fields {
            return Err(Error::Shape {
                op: self.name.clone(),
                tensor: "codes",
                expected: format!("[b, {}]", self.n_fields),
                found: codes.size(),
            });
        }
        if codes.kind() != Kind::Int64 {
            return Err(Error::Kind {
                op: self.name.clone(),
                tensor: "codes",
                expected: "Int64",
                found: format!("{:?}", codes.kind()),
            });
        }
        let rows = codes.f_add(&self.offsets).op(self.name.as_str())?; // [b, fields]
        match rows.device() {
            Device::Cpu => shim::lookup(&self.table, &rows),
            _ => Tensor::f_embedding(&self.table, &rows, -1, false, false).op(self.name.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::ParamSet;

    #[test]
    fn each_field_has_its_own_rows() {
        let mut params = ParamSet::new(Kind::Double, Device::Cpu, 1);
        let emb = FieldEmbedding::new(&mut params.root().sub("fields"), &[3, 2], 4).unwrap();
        let table = params.get("fields.weight").unwrap().tensor();
        let codes = Tensor::from_slice(&[2i64, 0, 1, 1]).view([2, 2]);
        let tokens = emb.forward(&codes).unwrap();
        assert_eq!(tokens.size(), [2, 2, 4]);
        assert_eq!(tokens.get(0).get(1), table.get(3));
        assert_eq!(tokens.get(1).get(0), table.get(1));
        assert!(emb.forward(&codes.to_kind(Kind::Float)).unwrap_err().to_string().contains("Int64"));
        assert!(emb.forward(&codes.narrow(1, 0, 1)).unwrap_err().to_string().contains("[b, 2]"));
        assert!(emb.forward(&Tensor::from_slice(&[2i64, 2]).view([1, 2])).is_err());
    }
}
