//! The plan of an encoder: what a sharing architecture is given instead of a finished one.
//!
//! Hard sharing wants one encoder, cross-stitch one per task, branching the first stages once and the others once per task,
//! fusion one per input. So an architecture gets the plan and builds as many as it wants, whole or in part, each in a place and
//! with a [`Role`](crate::params::Role) of its choice:
//!
//! ```
//! use mtl_core::{encode::{EncoderConfig, EncoderPlan, InputSpec}, params::{ParamSet, Role}};
//! use tch::{Device, Kind};
//!
//! let config = EncoderConfig::by_name("mlp")?;
//! let spec = InputSpec::table(Vec::new(), vec!["x".into(), "y".into()]);
//! let plan = EncoderPlan::new(&config, &spec);
//! let mut params = ParamSet::new(Kind::Float, Device::Cpu, 0);
//! let mut root = params.root();
//! let mut place = root.sub("encoder");
//! let trunk = plan.stages(&mut place, 0..1)?; // the first stage, for all tasks
//! let mut branch = place.sub("branches");
//! let own = plan.stages(&mut branch.role(Role::Task(0)), 1..2)?; // the second, for one
//! assert_eq!((trunk.list()[0].name.as_str(), own.list()[0].name.as_str()), ("layer0", "layer1"));
//! assert_eq!((params.shared().len(), params.owned_by(0).len()), (2, 2));
//! # Ok::<(), mtl_core::Error>(())
//! ```
//! Whatever builds an encoder can be planned: the registries of this workspace, or a closure of a user's crate.
//!
//! **How an encoder is built in parts.** Encoders are written as a whole: their constructor makes all layers, each with the name
//! of its stage. For a part the same constructor runs in a scope that makes the parameters of the wanted stages and nothing for
//! the others; the layers of those are empty shells that [`Stages`] never runs. So an encoder, a user's own too, can be split
//! without a line of its own, as long as all its parameters have a stage.

use std::{borrow::Cow, fmt, ops::Range};

use tch::{Device, Kind};

use super::{Encoder, EncoderConfig, InputSpec, Stage};
use crate::{
    batch::Inputs,
    context::Cx,
    error::{Error, Result},
    features::Features,
    input::{Cells, Modality},
    params::{ParamSet, Scope},
};

/// What can build an encoder as often as it is asked to.
pub trait BuildEncoder {
    /// Builds one for inputs of that kind; its parameters go into `scope`, with the scope's role.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for settings out of range or inputs that the encoder cannot take.
    fn build(&self, scope: &mut Scope<'_>, spec: &InputSpec) -> Result<Box<dyn Encoder>>;
}

impl BuildEncoder for EncoderConfig {
    fn build(&self, scope: &mut Scope<'_>, spec: &InputSpec) -> Result<Box<dyn Encoder>> {
        Self::build(self, scope, spec)
    }
}

impl<F: Fn(&mut Scope<'_>, &InputSpec) -> Result<Box<dyn Encoder>>> BuildEncoder for F {
    fn build(&self, scope: &mut Scope<'_>, spec: &InputSpec) -> Result<Box<dyn Encoder>> {
        self(scope, spec)
    }
}

/// An encoder that is not built yet, and the inputs that it is for.
#[derive(Clone)]
pub struct EncoderPlan<'a> {
    how: &'a dyn BuildEncoder,
    spec: Cow<'a, InputSpec>,
}

impl fmt::Debug for EncoderPlan<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EncoderPlan").field("spec", &self.spec).finish_non_exhaustive()
    }
}

impl<'a> EncoderPlan<'a> {
    /// The plan of what `how` builds for inputs as in `spec`.
    #[must_use]
    pub fn new(how: &'a dyn BuildEncoder, spec: &'a InputSpec) -> Self {
        Self { how, spec: Cow::Borrowed(spec) }
    }

    /// The inputs that encoders are built for.
    #[must_use]
    pub fn spec(&self) -> &InputSpec {
        &self.spec
    }

    /// Builds a whole encoder.
    ///
    /// # Errors
    /// As [`BuildEncoder::build`]; [`Error::Duplicate`] where the scope holds one already.
    pub fn whole(&self, scope: &mut Scope<'_>) -> Result<Box<dyn Encoder>> {
        self.how.build(scope, &self.spec)
    }

    /// The stages that an encoder of this plan has. Makes no parameter.
    ///
    /// # Errors
    /// As [`BuildEncoder::build`]; [`Error::InvalidConfig`] for an encoder with parameters that belong to no stage.
    pub fn outline(&self) -> Result<Vec<Stage>> {
        let mut nowhere = ParamSet::new(Kind::Float, Device::Cpu, 0);
        let shell = self.how.build(&mut nowhere.root().only(Vec::new().into()), &self.spec)?;
        Ok(shell.stages().to_vec())
    }

    /// Builds consecutive stages, counted from 0, and none of the others' parameters.
    ///
    /// # Errors
    /// As [`EncoderPlan::outline`]; [`Error::InvalidConfig`] for an empty range, and for an encoder with fewer stages than asked for.
    pub fn stages(&self, scope: &mut Scope<'_>, range: Range<usize>) -> Result<Stages> {
        let outline = self.outline()?;
        let Some(wanted) = outline.get(range.clone()).filter(|wanted| !wanted.is_empty()) else {
            return Err(too_few(&outline, range.end.max(range.start + 1)));
        };
        let names: Vec<String> = wanted.iter().map(|s| s.name.clone()).collect();
        Ok(Stages { encoder: self.how.build(&mut scope.only(names.into()), &self.spec)?, range })
    }

    /// The inputs to which the plan can be restricted, by the names that they have in a batch.
    #[must_use]
    pub fn inputs(&self) -> Vec<&str> {
        self.spec.iter().map(|(name, _)| name).collect()
    }

    /// The inputs as one would give them to an encoder each: the fields of a table together, any other alone.
    #[must_use]
    pub fn input_groups(&self) -> Vec<Vec<&str>> {
        let is_field = |modality: &Modality| matches!(modality.cells(), Cells::Codes(_) | Cells::Numbers(_));
        let names = |fields: bool| {
            self.spec.iter().filter(move |(_, m)| is_field(m) == fields).map(|(name, _)| name).collect::<Vec<_>>()
        };
        let fields = Some(names(true)).filter(|fields| !fields.is_empty());
        fields.into_iter().chain(names(false).into_iter().map(|name| vec![name])).collect()
    }

    /// The same plan for some of the inputs: an encoder of it reads no other.
    ///
    /// # Errors
    /// [`Error::UnknownName`] for an input that is not there.
    pub fn for_inputs<S: AsRef<str>>(&self, names: &[S]) -> Result<Self> {
        let known = self.inputs();
        if let Some(name) = names.iter().map(AsRef::as_ref).find(|name| !known.contains(name)) {
            let known = known.into_iter().map(str::to_owned).collect();
            return Err(Error::UnknownName { what: "input", name: name.to_owned(), known });
        }
        let wanted = |name: &str| names.iter().any(|other| other.as_ref() == name);
        let some = self.spec.iter().filter(|(name, _)| wanted(name));
        let spec = InputSpec::new(some.map(|(name, modality)| (name, modality.clone())))?;
        Ok(Self { how: self.how, spec: Cow::Owned(spec) })
    }

    /// The same inputs with another encoder.
    #[must_use]
    pub fn with_encoder<'b>(&self, how: &'b dyn BuildEncoder) -> EncoderPlan<'b> {
        EncoderPlan { how, spec: Cow::Owned((*self.spec).clone()) }
    }
}

/// The error of an encoder that has too few stages.
pub(crate) fn too_few(stages: &[Stage], least: usize) -> Error {
    let names: Vec<&str> = stages.iter().map(|s| s.name.as_str()).collect();
    Error::InvalidConfig {
        what: "encoder",
        field: "stages",
        expected: format!("at least {least} for this architecture"),
        found: format!("{} ({})", names.len(), names.join(", ")),
    }
}

/// Consecutive stages of an encoder.
#[derive(Debug)]
pub struct Stages {
    encoder: Box<dyn Encoder>,
    range: Range<usize>,
}

impl Stages {
    /// What they are, in order; at least one.
    #[must_use]
    pub fn list(&self) -> &[Stage] {
        self.encoder.stages().get(self.range.clone()).unwrap_or_default()
    }

    /// As [`Encoder::members`], of the encoder that they are of.
    #[must_use]
    pub fn members(&self) -> i64 {
        self.encoder.members()
    }

    /// Runs all of them on the raw inputs.
    ///
    /// # Errors
    /// As [`Encoder::embed`] and [`Encoder::advance`]; [`Error::InvalidConfig`] unless the encoder's first stage is among them.
    pub fn embed(&self, inputs: &Inputs, cx: &Cx) -> Result<Features> {
        if self.range.start > 0 {
            return Err(Error::InvalidConfig {
                what: "encoder",
                field: "stages",
                expected: "from the first on, to read inputs".into(),
                found: format!("stages {}..{}", self.range.start, self.range.end),
            });
        }
        (1..self.range.end).try_fold(self.encoder.embed(inputs, cx)?, |xs, idx| self.encoder.advance(idx, xs, cx))
    }

    /// Runs all of them on the features that the stage before gave.
    ///
    /// # Errors
    /// As [`Encoder::advance`], also when the encoder's first stage is among them, which reads no features.
    pub fn advance(&self, features: Features, cx: &Cx) -> Result<Features> {
        self.range.clone().try_fold(features, |xs, idx| self.encoder.advance(idx, xs, cx))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::{CategoricalField, Length, Picture, Tokens};

    fn spec() -> InputSpec {
        let field = CategoricalField { name: "job".into(), cardinality: 4 };
        let table = InputSpec::table(vec![field], vec!["age".into(), "wage".into()]);
        let image = Modality::from(Picture { channels: 2, height: 8, width: 8 });
        let text = Modality::from(Tokens { vocabulary: 5, pad: 0, unknown: Some(1), length: Length::Ragged(3) });
        InputSpec::new(table.iter().chain([("image", &image), ("text", &text)]).map(|(name, m)| (name, m.clone())))
            .unwrap()
    }

    /// The plan for those inputs that the encoder takes.
    fn plan_of<'a>(config: &'a EncoderConfig, spec: &'a InputSpec) -> EncoderPlan<'a> {
        let taken: Vec<&str> = spec.iter().filter(|(_, m)| (config.takes().accepts)(m)).map(|(name, _)| name).collect();
        EncoderPlan::new(config, spec).for_inputs(&taken).unwrap()
    }

    #[test]
    fn more_stages_than_there_are_and_parameters_without_a_stage_are_refused() {
        let (spec, config) = (spec(), EncoderConfig::by_name("mlp").unwrap());
        let mut params = ParamSet::new(Kind::Float, Device::Cpu, 0);
        let plan = plan_of(&config, &spec);
        let e = plan.stages(&mut params.root(), 1..3).unwrap_err().to_string();
        assert_eq!(e, "encoder: stages must be at least 3 for this architecture, found 2 (layer0, layer1)");
        assert!(plan.stages(&mut params.root(), 1..1).is_err());
        let unstaged = |scope: &mut Scope<'_>, spec: &InputSpec| {
            let _ = scope.param("scale", &[1], crate::params::Init::Ones)?;
            config.build(scope, spec)
        };
        let numbers = plan.for_inputs(&["numeric"]).unwrap();
        let plan = numbers.with_encoder(&unstaged);
        assert!(plan.whole(&mut params.root().sub("whole")).is_ok());
        let e = plan.stages(&mut params.root(), 0..1).unwrap_err().to_string();
        assert!(e.contains("stage must be a stage of the encoder") && e.ends_with("found none for scale"), "{e}");
    }

    #[test]
    fn a_plan_for_some_inputs_hides_the_others() {
        let (spec, config) = (spec(), EncoderConfig::by_name("conv").unwrap());
        let plan = EncoderPlan::new(&config, &spec);
        assert_eq!(plan.inputs(), ["categorical", "numeric", "image", "text"]);
        assert_eq!(plan.input_groups(), [vec!["categorical", "numeric"], vec!["image"], vec!["text"]]);
        let fields = plan.for_inputs(&plan.input_groups()[0]).unwrap();
        assert_eq!(fields.inputs(), ["categorical", "numeric"]);
        assert!(fields.outline().unwrap_err().to_string().contains("one picture"));
        let tabular = EncoderConfig::by_name("tabular").unwrap();
        assert_eq!(fields.with_encoder(&tabular).outline().unwrap()[0].name, "fields");
        assert_eq!(plan.for_inputs(&["numeric"]).unwrap().input_groups(), [["numeric"]]);
        let e = plan.for_inputs(&["sound"]).unwrap_err().to_string();
        assert_eq!(e, "unknown input \"sound\", known are categorical, numeric, image, text");
    }
}
