//! What versions 1 and 2 of `model.json` said of inputs, as it is said now.
//!
//! They had three fields, `categorical`, `numeric` and `image`, which were the inputs' names as well.

use mtl_core::input::{CategoricalField, InputSpec, Picture};
use serde::Deserialize;
use serde_json::Value;

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct FormerInputs {
    categorical: Vec<CategoricalField>,
    numeric: Vec<String>,
    image: Option<[i64; 3]>,
}

/// Gives the inputs of a model's description names and modalities.
///
/// # Errors
/// For inputs that are not as those versions wrote them.
pub(super) fn name_inputs(model: &mut Value) -> serde_json::Result<()> {
    let Some(inputs) = model.get_mut("inputs") else { return Ok(()) };
    let FormerInputs { categorical, numeric, image } = serde_json::from_value(inputs.take())?;
    let table = InputSpec::table(categorical, numeric);
    let picture = image.map(|[channels, height, width]| ("image", Picture { channels, height, width }.into()));
    let all = table.iter().map(|(name, modality)| (name, modality.clone())).chain(picture);
    let named = InputSpec::new(all).map_err(serde::de::Error::custom)?;
    *inputs = serde_json::to_value(named)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn three_fields_become_named_inputs() {
        let mut model = json!({ "inputs": {
            "categorical": [{ "name": "sex", "cardinality": 3 }], "numeric": ["age"], "image": [1, 2, 3],
        }});
        name_inputs(&mut model).unwrap();
        let spec: InputSpec = serde_json::from_value(model["inputs"].clone()).unwrap();
        let expected = "categorical (1 categorical field), numeric (1 numeric field), image (picture of 1 x 2 x 3)";
        assert_eq!(spec.describe(), expected);
        // Absent options were left out.
        let mut model = json!({ "inputs": { "categorical": [], "numeric": ["age"] } });
        name_inputs(&mut model).unwrap();
        let spec: InputSpec = serde_json::from_value(model["inputs"].clone()).unwrap();
        assert_eq!(spec, InputSpec::table(Vec::new(), vec!["age".into()]));
        assert!(name_inputs(&mut json!({ "inputs": { "sound": 1 } })).is_err());
    }
}
