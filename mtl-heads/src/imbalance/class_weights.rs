//! The setting `class_weights`: a rule by its name, a table, or a list of numbers; and what it comes to.

use std::borrow::Cow;

use mtl_core::{
    Error, Result, TorchContext,
    label_stats::{LabelStats, YesNo},
    registry::{ByKind, Content, member, settings},
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de};
use tch::Tensor;

use super::{ClassWeighting, Classes};
use crate::constant::Constant;

/// `"balanced"`, `{ kind = "effective-number", beta = 0.999 }`, or `[1.0, 4.0]`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum ClassWeights {
    /// A number > 0 for each class in their order, for yes/no labels for no and yes; none or one means the same for all.
    Each(Vec<f64>),
    /// By a rule.
    By(ClassWeighting),
}

impl Default for ClassWeights {
    fn default() -> Self {
        Self::Each(Vec::new())
    }
}

impl ClassWeights {
    /// Whether nothing is said.
    #[must_use]
    pub fn is_none(&self) -> bool {
        matches!(self, Self::Each(each) if each.is_empty())
    }

    /// A weight for each class; `what` head they are for.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for another number of weights than classes or one that is not > 0; as
    /// [`WeightPart::weights`](super::WeightPart::weights).
    pub fn weights(&self, what: &'static str, classes: Classes<'_>) -> Result<Vec<f64>> {
        let width = classes.names.len();
        let given = match self {
            Self::By(rule) => return rule.part().weights(classes),
            Self::Each(given) => given,
        };
        let each = match given[..] {
            [] => vec![1.0; width],
            [one] => vec![one; width],
            _ => given.clone(),
        };
        if each.len() == width && each.iter().all(|w| *w > 0.0 && w.is_finite()) {
            return Ok(each);
        }
        let expected = format!("none, one or {width} numbers, each > 0");
        Err(Error::InvalidConfig { what, field: "class_weights", expected, found: format!("{given:?}") })
    }

    /// The weights of classes or grades by the statistics of their training labels; `None` where nothing is said.
    pub(crate) fn of_classes(
        &self,
        what: &'static str,
        names: &[String],
        stats: Option<&LabelStats>,
    ) -> Result<Option<Vec<f64>>> {
        if self.is_none() {
            return Ok(None);
        }
        let counts = if let Some(LabelStats::Class { counts, .. }) = stats
            && counts.len() == names.len()
        {
            Some(&counts[..])
        } else {
            None
        };
        self.weights(what, Classes { names, counts }).map(Some)
    }

    /// The weights of no and yes of each of so many labels; `None` where nothing is said.
    pub(crate) fn of_labels(
        &self,
        what: &'static str,
        labels: usize,
        stats: Option<&LabelStats>,
    ) -> Result<Option<Vec<[f64; 2]>>> {
        if self.is_none() {
            return Ok(None);
        }
        let counted = if let Some(LabelStats::MultiLabel { labels: counted }) = stats
            && counted.len() == labels
        {
            Some(counted)
        } else {
            None
        };
        let names = ["no", "yes"].map(String::from);
        let of = |label: usize| {
            let counts = counted.map(|all| all[label]).map(|YesNo { yes, no, .. }| [no, yes]);
            let weights = self.weights(what, Classes { names: &names, counts: counts.as_ref().map(|c| &c[..]) })?;
            Ok([weights.first().copied().unwrap_or(1.0), weights.get(1).copied().unwrap_or(1.0)])
        };
        (0..labels).map(of).collect::<Result<_>>().map(Some)
    }
}

/// The weight of each sample `[b]` by its label `[b]`; of one that has none that of the first class, whose loss is 0.
pub(crate) fn of_labels(weights: &Constant, labels: &Tensor, like: &Tensor) -> Result<Tensor> {
    let weights = weights.like(like)?;
    labels.f_clamp_min(0).and_then(|labels| weights.f_index_select(0, &labels)).op("class weights")
}

/// The weight of each cell `[b, c]` of yes/no labels `ys` by `[no yes]` of each label.
pub(crate) fn pairs(no: &Constant, more: &Constant, ys: &Tensor) -> Result<Tensor> {
    let (no, more) = (no.like(ys)?, more.like(ys)?);
    ys.f_mul(&more).and_then(|of_yes| of_yes.f_add(&no)).op("class weights")
}

impl<'de> Deserialize<'de> for ClassWeights {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let content = Content::deserialize(deserializer)?;
        let read = match content {
            Content::Seq(_) => settings::<Vec<f64>, de::value::Error>(content).map(Self::Each),
            content => member(content).map(Self::By),
        };
        read.map_err(de::Error::custom)
    }
}

impl JsonSchema for ClassWeights {
    fn schema_name() -> Cow<'static, str> {
        "ClassWeights".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let rule = generator.subschema_for::<ByKind<ClassWeighting>>();
        let weight = json_schema!({ "type": "number", "format": "double", "exclusiveMinimum": 0.0 });
        json_schema!({ "anyOf": [{ "type": "array", "items": weight }, rule] })
    }
}
