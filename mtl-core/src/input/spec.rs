//! Which inputs a data set has: names in order, each with its modality.

use serde::{Deserialize, Serialize};

use super::{Categorical, CategoricalField, Input, Inputs, Modality, Numeric, check};
use crate::{
    error::{Error, Result},
    rng::Rng,
};

/// An input's name and what it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedInput {
    /// The name: of the tensor in a batch, of its parameters where an encoder has several of that modality.
    pub name: String,
    /// What it is.
    pub modality: Modality,
}

/// The inputs of a data set, as far as they are the same for every batch.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<NamedInput>", into = "Vec<NamedInput>")]
pub struct InputSpec(Vec<NamedInput>);

impl InputSpec {
    /// Inputs in this order.
    ///
    /// # Errors
    /// [`Error::Duplicate`] for a repeated name; [`Error::Input`] for a name that is empty or has a dot, which
    /// separates names of parameters.
    pub fn new<N: Into<String>>(inputs: impl IntoIterator<Item = (N, Modality)>) -> Result<Self> {
        let named = inputs.into_iter().map(|(name, modality)| NamedInput { name: name.into(), modality });
        Self::try_from(named.collect::<Vec<_>>())
    }

    /// The inputs of a table under their usual names: `categorical`, then `numeric`; one without fields is absent.
    #[must_use]
    pub fn table(categorical: Vec<CategoricalField>, numeric: Vec<String>) -> Self {
        let mut inputs = Vec::with_capacity(2);
        if !categorical.is_empty() {
            inputs
                .push(NamedInput { name: "categorical".into(), modality: Categorical { fields: categorical }.into() });
        }
        if !numeric.is_empty() {
            inputs.push(NamedInput { name: "numeric".into(), modality: Numeric { names: numeric }.into() });
        }
        Self(inputs)
    }

    /// Names and modalities in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Modality)> {
        self.0.iter().map(|input| (input.name.as_str(), &input.modality))
    }

    /// How many inputs there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The modality of an input.
    ///
    /// # Errors
    /// [`Error::UnknownName`], listing the inputs there are.
    pub fn get(&self, name: &str) -> Result<&Modality> {
        self.iter().find(|(n, _)| *n == name).map(|(_, modality)| modality).ok_or_else(|| Error::UnknownName {
            what: "input",
            name: name.to_owned(),
            known: self.iter().map(|(n, _)| n.to_owned()).collect(),
        })
    }

    /// Whether no other input has the modality of that one: its parameters need no name of their own then.
    #[must_use]
    pub fn is_only(&self, name: &str) -> bool {
        let Ok(modality) = self.get(name) else { return true };
        self.iter().filter(|(_, other)| other.name() == modality.name()).count() <= 1
    }

    /// All inputs in words, for messages: `categorical (2 categorical fields), photo (picture of 3 x 8 x 8)`.
    #[must_use]
    pub fn describe(&self) -> String {
        match self.0.is_empty() {
            true => "none".into(),
            false => self.iter().map(|(n, m)| format!("{n} ({})", m.describe())).collect::<Vec<_>>().join(", "),
        }
    }

    /// Checks one that was read from a file, whose sizes may be anything.
    ///
    /// # Errors
    /// [`Error::Input`] naming the input.
    pub fn validate(&self) -> Result<()> {
        self.iter().try_for_each(|(name, modality)| modality.validate(name))
    }

    /// Compares kinds, shapes and lengths of a batch with what is described; reads no number, so that it costs nothing
    /// on any device.
    ///
    /// # Errors
    /// [`Error::UnknownName`] for an input that is missing or is not described; [`Error::Kind`], [`Error::Shape`] or
    /// [`Error::Input`] for one that is otherwise than described.
    pub fn check(&self, inputs: &Inputs) -> Result<()> {
        for (name, _) in inputs.iter() {
            self.get(name)?;
        }
        self.iter().try_for_each(|(name, modality)| check::form(name, inputs.input(name)?, &modality.layout()))
    }

    /// [`InputSpec::check`], and the values too, which are read.
    ///
    /// # Errors
    /// As [`InputSpec::check`]; [`Error::Input`] for a value that cannot be.
    pub fn check_values(&self, inputs: &Inputs) -> Result<()> {
        self.check(inputs)?;
        self.iter().try_for_each(|(name, modality)| modality.check_values(name, inputs.input(name)?))
    }

    /// `n` made-up samples, the same for every call: what a network is recorded and measured on, so that no sample of
    /// its data is needed.
    ///
    /// # Errors
    /// [`Error::Torch`] for sizes that no memory holds.
    pub fn example(&self, n: i64) -> Result<Inputs> {
        let mut rng = Rng::new(0);
        let made = self.iter().map(|(name, modality)| Ok((name.to_owned(), modality.example(n, &mut rng)?)));
        Inputs::new(made.collect::<Result<Vec<(String, Input)>>>()?)
    }

    /// Several batches as one, one after the other, padded to the longest.
    ///
    /// # Errors
    /// [`Error::UnknownName`] for a batch that lacks an input; [`Error::Torch`] or [`Error::Shape`] when shapes do not
    /// fit.
    pub fn concat(&self, batches: &[&Inputs]) -> Result<Inputs> {
        let join = |(name, modality): (&str, &Modality)| {
            let parts = batches.iter().map(|batch| batch.input(name)).collect::<Result<Vec<_>>>()?;
            Ok((name.to_owned(), Input::concat(&parts, modality.padding())?))
        };
        Inputs::new(self.iter().map(join).collect::<Result<Vec<_>>>()?)
    }
}

impl TryFrom<Vec<NamedInput>> for InputSpec {
    type Error = Error;

    fn try_from(inputs: Vec<NamedInput>) -> Result<Self> {
        for (idx, NamedInput { name, .. }) in inputs.iter().enumerate() {
            if name.is_empty() || name.contains('.') {
                return check::refuse(name, "the name", "not empty, without a dot".into(), format!("{name:?}"));
            }
            if inputs[..idx].iter().any(|other| other.name == *name) {
                return Err(Error::Duplicate { what: "input", name: name.clone() });
            }
        }
        Ok(Self(inputs))
    }
}

impl From<InputSpec> for Vec<NamedInput> {
    fn from(spec: InputSpec) -> Self {
        spec.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::{Length, Picture, Tokens};
    use tch::{Device, Kind, Tensor};

    fn spec() -> InputSpec {
        let picture = Modality::from(Picture { channels: 1, height: 2, width: 3 });
        let words = Tokens { vocabulary: 9, pad: 0, unknown: None, length: Length::Ragged(4) };
        InputSpec::new([("left", picture.clone()), ("right", picture), ("words", words.into())]).unwrap()
    }

    #[test]
    fn names_are_unique_and_order_stays() {
        let names: Vec<_> = spec().iter().map(|(name, _)| name.to_owned()).collect();
        assert_eq!(names, ["left", "right", "words"]);
        assert!(!spec().is_only("left") && spec().is_only("words"));
        let again = |name: &str| InputSpec::new([(name, spec().get("left").unwrap().clone())]);
        assert!(again("a.b").unwrap_err().to_string().contains("without a dot"));
        let twice = [("a", spec().get("left").unwrap().clone()), ("a", spec().get("words").unwrap().clone())];
        assert_eq!(InputSpec::new(twice).unwrap_err().to_string(), r#"input "a" is given twice"#);
        let text = serde_json::to_string(&spec()).unwrap();
        assert_eq!(serde_json::from_str::<InputSpec>(&text).unwrap(), spec());
        assert!(serde_json::from_str::<InputSpec>(&text.replace("right", "left")).is_err());
    }

    #[test]
    fn a_batch_that_is_otherwise_is_refused_by_name() {
        let spec = spec();
        let batch = |change: &dyn Fn(&str, Input) -> Option<Input>| {
            let all = ["left", "right", "words"].into_iter().filter_map(|name| {
                let made = spec.get(name).unwrap().example(2, &mut Rng::new(1)).unwrap();
                change(name, made).map(|input| (name.to_owned(), input))
            });
            spec.check(&Inputs::new(all.collect()).unwrap()).map_err(|e| e.to_string())
        };
        let swap = |at: &'static str, t: Tensor| {
            move |n: &str, i: Input| Some(if n == at { t.shallow_clone().into() } else { i })
        };
        batch(&|_, input| Some(input)).unwrap();
        let e = batch(&|name, input| (name != "right").then_some(input)).unwrap_err();
        assert_eq!(e, r#"unknown input "right", known are left, words"#);
        let e = batch(&swap("left", Tensor::zeros([2, 1, 3, 3], (Kind::Float, Device::Cpu)))).unwrap_err();
        assert_eq!(e, "input left: input must be [b, 1, 2, 3], found [2, 1, 3, 3]");
        let e = batch(&swap("left", Tensor::zeros([2, 1, 2, 3], (Kind::Int64, Device::Cpu)))).unwrap_err();
        assert_eq!(e, "input left: input must be of kind a float kind, found Int64");
        let e = batch(&swap("words", Tensor::zeros([2, 3], (Kind::Int64, Device::Cpu)))).unwrap_err();
        assert_eq!(e, "input words: lengths must be along axis 1, found none");
    }

    #[test]
    fn two_batches_become_one() {
        let spec = spec();
        let (one, two) = (spec.example(1).unwrap(), spec.example(3).unwrap());
        let both = spec.concat(&[&one, &two]).unwrap();
        spec.check_values(&both).unwrap();
        assert_eq!(both.batch_size(), 4);
        let lengths = Vec::<i64>::try_from(both.input("words").unwrap().lengths().unwrap()).unwrap();
        assert_eq!(lengths, [4, 4, 3, 2]);
    }
}
