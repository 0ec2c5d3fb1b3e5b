//! Weights as the user says, by the names of classes; of those that are not named 1.

use std::collections::BTreeMap;

use mtl_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::{Classes, WeightPart};

/// Weights by the names of classes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Given {
    /// The weight of each class by its name, of yes/no labels of `no` and `yes`, each positive; a class that is not named has 1.
    #[schemars(extend("additionalProperties" = {"type": "number", "format": "double", "exclusiveMinimum": 0.0}))]
    pub classes: BTreeMap<String, f64>,
}

impl WeightPart for Given {
    fn weights(&self, classes: Classes<'_>) -> Result<Vec<f64>> {
        if let Some(stranger) = self.classes.keys().find(|name| !classes.names.contains(name)) {
            let known = classes.names.to_vec();
            return Err(Error::UnknownName { what: "class to weigh", name: stranger.clone(), known });
        }
        if let Some((name, weight)) = self.classes.iter().find(|(_, w)| !(**w > 0.0 && w.is_finite())) {
            let (what, field) = ("given class weights", "classes");
            return Err(Error::InvalidConfig {
                what,
                field,
                expected: "each > 0".into(),
                found: format!("{weight} for {name}"),
            });
        }
        Ok(classes.names.iter().map(|name| self.classes.get(name).copied().unwrap_or(1.0)).collect())
    }
}
