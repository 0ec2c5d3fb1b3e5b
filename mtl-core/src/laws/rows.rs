//! Made-up samples, row by row: what laws feed to encoders and architectures.

use std::ops::Range;

use tch::Kind;

use crate::{
    batch::Inputs,
    error::{Result, TorchContext},
    input::InputSpec,
    rng::Rng,
};

/// Rows of an endless table of made-up samples for that spec, the same whenever they are asked for: codes over their whole range,
/// numbers and pixels around 0 with deviation 1, ragged inputs as long as they may be.
///
/// # Errors
/// [`Error::Torch`](crate::Error::Torch) for sizes that no memory holds.
pub fn inputs(spec: &InputSpec, kind: Kind, rows: Range<i64>) -> Result<Inputs> {
    let row = |row: i64| {
        let made = spec.iter().enumerate().map(|(place, (name, modality))| {
            let mut rng = Rng::new(row.unsigned_abs() * 7 + place as u64 + 2);
            Ok((name.to_owned(), modality.example(1, &mut rng)?))
        });
        Inputs::new(made.collect::<Result<Vec<_>>>()?)
    };
    let made = rows.map(row).collect::<Result<Vec<_>>>()?;
    of_kind(&spec.concat(&made.iter().collect::<Vec<_>>())?, kind)
}

/// The same inputs, their numbers of that kind; codes stay whole.
pub(super) fn of_kind(inputs: &Inputs, kind: Kind) -> Result<Inputs> {
    inputs.map(|_, t| match t.is_floating_point() {
        true => t.f_to_kind(kind).op("law inputs"),
        false => Ok(t.shallow_clone()),
    })
}
