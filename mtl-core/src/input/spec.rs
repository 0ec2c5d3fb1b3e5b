//! Which inputs a data set has: names in order, each with its modality, and which of them come together.
//!
//! As a rule every sample has every input. Data of several sources may have samples of different kinds: those of one source bring a text,
//! those of another a picture and a table. Each source then has its set of inputs, and a batch brings the inputs of one set:
//!
//! ```text
//! inputs   text, image, numeric
//! sets     reviews: text      photos: image, numeric
//! ```

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, MapAccess, SeqAccess, Visitor},
};

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

/// Inputs that come together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputSet {
    /// What it is called: by its source, by several joined by `+` where they bring the same inputs.
    pub name: String,
    /// The names of its inputs.
    pub inputs: Vec<String>,
}

/// The inputs of a data set, as far as they are the same for every batch.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct InputSpec {
    inputs: Vec<NamedInput>,
    /// Those that come together; none where nothing is said of sources.
    sets: Vec<InputSet>,
}

impl InputSpec {
    /// Inputs in this order.
    ///
    /// # Errors
    /// [`Error::Duplicate`] for a repeated name; [`Error::Input`] for a name that is empty or has a dot, which
    /// separates names of parameters.
    pub fn new<N: Into<String>>(inputs: impl IntoIterator<Item = (N, Modality)>) -> Result<Self> {
        let named = inputs.into_iter().map(|(name, modality)| NamedInput { name: name.into(), modality });
        Self::of(named.collect())
    }

    /// The inputs of several sources, each under the source's name: those of one name are one input, which must be the same wherever it
    /// occurs. Where all bring the same inputs there is one set.
    ///
    /// # Errors
    /// [`Error::Input`] for an input that two sources describe otherwise; as [`InputSpec::new`].
    pub fn joined<'s>(sources: impl IntoIterator<Item = (&'s str, &'s Self)>) -> Result<Self> {
        let (mut inputs, mut sets): (Vec<NamedInput>, Vec<InputSet>) = Default::default();
        for (source, spec) in sources {
            for input in &spec.inputs {
                match inputs.iter_mut().find(|known| known.name == input.name) {
                    Some(known) => match known.modality.joined(&input.modality) {
                        Some(same) => known.modality = same,
                        None => {
                            let (expected, found) = (known.modality.describe(), input.modality.describe());
                            return check::refuse(&input.name, "the same name in two sources", expected, found);
                        }
                    },
                    None => inputs.push(input.clone()),
                }
            }
            let names: Vec<String> = spec.inputs.iter().map(|input| input.name.clone()).collect();
            match sets.iter_mut().find(|set| set.is(names.iter().map(String::as_str))) {
                Some(set) => set.name = format!("{}+{source}", set.name),
                None => sets.push(InputSet { name: source.to_owned(), inputs: names }),
            }
        }
        let all = Self::of(inputs)?;
        Ok(Self { sets, ..all })
    }

    fn of(inputs: Vec<NamedInput>) -> Result<Self> {
        for (idx, NamedInput { name, .. }) in inputs.iter().enumerate() {
            if name.is_empty() || name.contains('.') {
                return check::refuse(name, "the name", "not empty, without a dot".into(), format!("{name:?}"));
            }
            if inputs[..idx].iter().any(|other| other.name == *name) {
                return Err(Error::Duplicate { what: "input", name: name.clone() });
            }
        }
        Ok(Self { inputs, sets: Vec::new() })
    }

    /// The inputs that come together, by source; none where there are no sources. Of one set every sample has every input.
    #[must_use]
    pub fn sets(&self) -> &[InputSet] {
        &self.sets
    }

    /// The inputs of one of the [sets](Self::sets) alone.
    ///
    /// # Errors
    /// [`Error::UnknownName`] for an input that is not there.
    pub fn of_set(&self, set: &InputSet) -> Result<Self> {
        let named = |name: &String| Ok((name.clone(), self.get(name)?.clone()));
        Self::new(set.inputs.iter().map(named).collect::<Result<Vec<_>>>()?)
    }

    /// Which of the [sets](Self::sets) a batch brings.
    ///
    /// # Errors
    /// [`Error::Input`] for one that brings none.
    pub fn set_of(&self, inputs: &Inputs) -> Result<usize> {
        let names = || inputs.iter().map(|(name, _)| name);
        self.sets.iter().position(|set| set.is(names())).ok_or_else(|| {
            let sets = self.sets.iter().map(|set| format!("{} ({})", set.name, set.inputs.join(", ")));
            Error::Input {
                input: names().collect::<Vec<_>>().join(", "),
                what: "inputs of a batch",
                expected: format!("those of one source: {}", sets.collect::<Vec<_>>().join("; ")),
                found: "others".into(),
            }
        })
    }

    /// The inputs of a table under their usual names: `categorical`, then `numeric`; one without fields is absent.
    #[must_use]
    pub fn table(categorical: Vec<CategoricalField>, numeric: Vec<String>) -> Self {
        Self::of_fields(categorical, Numeric::new(numeric))
    }

    /// The same, with what is known of the numbers.
    #[must_use]
    pub fn of_fields(categorical: Vec<CategoricalField>, numeric: Numeric) -> Self {
        let mut inputs = Vec::with_capacity(2);
        if !categorical.is_empty() {
            inputs
                .push(NamedInput { name: "categorical".into(), modality: Categorical { fields: categorical }.into() });
        }
        if !numeric.names.is_empty() {
            inputs.push(NamedInput { name: "numeric".into(), modality: numeric.into() });
        }
        Self { inputs, sets: Vec::new() }
    }

    /// Names and modalities in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Modality)> {
        self.inputs.iter().map(|input| (input.name.as_str(), &input.modality))
    }

    /// How many inputs there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.inputs.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.inputs.is_empty()
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
        match self.inputs.is_empty() {
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
        if self.sets.len() > 1 {
            self.set_of(inputs)?;
            return inputs.iter().try_for_each(|(name, input)| check::form(name, input, &self.get(name)?.layout()));
        }
        self.iter().try_for_each(|(name, modality)| check::form(name, inputs.input(name)?, &modality.layout()))
    }

    /// [`InputSpec::check`], and the values too, which are read.
    ///
    /// # Errors
    /// As [`InputSpec::check`]; [`Error::Input`] for a value that cannot be.
    pub fn check_values(&self, inputs: &Inputs) -> Result<()> {
        self.check(inputs)?;
        inputs.iter().try_for_each(|(name, input)| self.get(name)?.check_values(name, input))
    }

    /// `n` made-up samples, the same for every call: what a network is recorded and measured on, so that no sample of
    /// its data is needed. Of several [sets](Self::sets) they bring the first.
    ///
    /// # Errors
    /// [`Error::Torch`] for sizes that no memory holds.
    pub fn example(&self, n: i64) -> Result<Inputs> {
        if let Some(set) = self.sets.first() {
            return self.of_set(set)?.example(n);
        }
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

impl InputSet {
    /// Whether these are its inputs, in whatever order.
    fn is<'n>(&self, names: impl Iterator<Item = &'n str>) -> bool {
        let mut n = 0;
        let known = names.inspect(|_| n += 1).all(|name| self.inputs.iter().any(|own| own == name));
        known && n == self.inputs.len()
    }

    /// Whether it is that of a source.
    #[must_use]
    pub fn is_of(&self, source: &str) -> bool {
        self.name.split('+').any(|own| own == source)
    }
}

/// How files say it where there are sources; a list of inputs without.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BySource {
    inputs: Vec<NamedInput>,
    sets: Vec<InputSet>,
}

impl BySource {
    fn spec(self) -> Result<InputSpec> {
        let Self { inputs, sets } = self;
        let spec = InputSpec::of(inputs)?;
        sets.iter().try_for_each(|set| spec.of_set(set).map(drop))?;
        let strayed = spec.iter().find(|(name, _)| !sets.iter().any(|set| set.inputs.iter().any(|own| own == name)));
        if let Some((name, _)) = strayed {
            return check::refuse(
                name,
                "the sets of inputs",
                "one that has it".into(),
                format!("{} without", sets.len()),
            );
        }
        Ok(InputSpec { sets, ..spec })
    }
}

impl Serialize for InputSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        if self.sets.is_empty() {
            return self.inputs.serialize(serializer);
        }
        BySource { inputs: self.inputs.clone(), sets: self.sets.clone() }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for InputSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = InputSpec;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a list of inputs, or inputs and sets of them")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> std::result::Result<InputSpec, A::Error> {
                let inputs = Vec::deserialize(de::value::SeqAccessDeserializer::new(list))?;
                InputSpec::of(inputs).map_err(de::Error::custom)
            }

            fn visit_map<A: MapAccess<'de>>(self, table: A) -> std::result::Result<InputSpec, A::Error> {
                let by_source = BySource::deserialize(de::value::MapAccessDeserializer::new(table))?;
                by_source.spec().map_err(de::Error::custom)
            }
        }

        deserializer.deserialize_any(Either)
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
    fn sources_bring_sets_of_inputs_and_a_batch_is_of_one() {
        let whole = spec();
        let of = |names: &[&str]| InputSpec::new(names.iter().map(|n| (*n, whole.get(n).unwrap().clone()))).unwrap();
        let (words, pair) = (of(&["words"]), of(&["left", "words"]));
        let both = InputSpec::joined([("a", &words), ("b", &pair), ("c", &words)]).unwrap();
        assert_eq!(both.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["words", "left"]);
        let sets: Vec<_> = both.sets().iter().map(|set| (set.name.as_str(), set.inputs.len())).collect();
        assert_eq!(sets, [("a+c", 1), ("b", 2)]);
        assert!(both.sets()[0].is_of("c") && !both.sets()[0].is_of("a+c"));
        both.check_values(&words.example(2).unwrap()).unwrap();
        assert_eq!(both.set_of(&pair.example(2).unwrap()).unwrap(), 1);
        let e = both.check(&of(&["left"]).example(1).unwrap()).unwrap_err().to_string();
        assert!(e.contains("those of one source: a+c (words); b (left, words)"), "{e}");
        assert_eq!(both.of_set(&both.sets()[1]).unwrap(), pair);
        let text = serde_json::to_string(&both).unwrap();
        assert_eq!(serde_json::from_str::<InputSpec>(&text).unwrap(), both);
        assert!(serde_json::from_str::<InputSpec>(&text.replace("[\"words\"]", "[\"wrods\"]")).is_err());
        let alike = InputSpec::joined([("a", &words), ("b", &words)]).unwrap();
        assert_eq!((alike.len(), alike.sets().len()), (1, 1));
        alike.check_values(&words.example(2).unwrap()).unwrap();
        let other = InputSpec::new([("words", whole.get("left").unwrap().clone())]).unwrap();
        let e = InputSpec::joined([("a", &words), ("b", &other)]).unwrap_err().to_string();
        assert!(e.starts_with("input words: the same name in two sources must be "), "{e}");
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
