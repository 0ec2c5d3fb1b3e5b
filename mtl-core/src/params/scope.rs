//! Where a module makes its parameters: a name prefix, a role and a stage that its children inherit.

use std::sync::Arc;

use tch::{Device, Kind, Tensor};

use super::{Buffer, Init, Param, ParamSet, Role};
use crate::{
    error::{Error, Result, TorchContext},
    rng::derive,
};

/// A place inside a [`ParamSet`]: `root.sub("heads").sub("income").role(Role::Task(0))`.
#[derive(Debug)]
pub struct Scope<'a> {
    set: &'a mut ParamSet,
    prefix: String,
    role: Role,
    stage: Option<String>,
    /// Whether the stage is that of everything inside, whatever a module says.
    one_stage: bool,
    /// The stages whose parameters are made; `None` makes all.
    only: Option<Arc<[String]>>,
}

impl<'a> Scope<'a> {
    pub(super) fn root(set: &'a mut ParamSet) -> Self {
        Self { set, prefix: String::new(), role: Role::Shared, stage: None, one_stage: false, only: None }
    }

    /// A child scope: names get `name.` in front.
    pub fn sub(&mut self, name: impl AsRef<str>) -> Scope<'_> {
        let prefix = self.full_name(name.as_ref());
        let (stage, only) = (self.stage.clone(), self.only.clone());
        Scope { prefix, role: self.role, stage, one_stage: self.one_stage, only, set: self.set }
    }

    /// The same place with another role.
    pub fn role(&mut self, role: Role) -> Scope<'_> {
        let (prefix, stage, only) = (self.prefix.clone(), self.stage.clone(), self.only.clone());
        Scope { prefix, role, stage, one_stage: self.one_stage, only, set: self.set }
    }

    /// A child scope in place of this one, to be kept.
    #[must_use]
    pub fn into_sub(self, name: impl AsRef<str>) -> Self {
        Self { prefix: self.full_name(name.as_ref()), ..self }
    }

    /// The same place with another role, in place of this one.
    #[must_use]
    pub fn into_role(self, role: Role) -> Self {
        Self { role, ..self }
    }

    /// The same place, its parameters belonging to a named stage.
    pub fn stage(&mut self, stage: &str) -> Scope<'_> {
        let (prefix, only, one_stage) = (self.prefix.clone(), self.only.clone(), self.one_stage);
        let stage = if one_stage { self.stage.clone() } else { Some(stage.to_owned()) };
        Scope { prefix, role: self.role, stage, one_stage, only, set: self.set }
    }

    /// As [`Scope::stage`], for a module that has stages of its own and is, as a whole, one of a larger one: theirs do not count.
    pub fn one_stage(&mut self, stage: &str) -> Scope<'_> {
        let mut place = self.stage(stage);
        place.one_stage = true;
        place
    }

    /// The same place for a module of which only some stages are wanted: parameters and buffers of other stages are not made, and
    /// whoever asks for one gets an empty tensor in its place. So a module whose parameters all have a stage can be built in parts
    /// without knowing of it ([`EncoderPlan::stages`](crate::encode::EncoderPlan::stages)).
    pub(crate) fn only(&mut self, stages: Arc<[String]>) -> Scope<'_> {
        let (prefix, stage) = (self.prefix.clone(), self.stage.clone());
        Scope { prefix, role: self.role, stage, one_stage: self.one_stage, only: Some(stages), set: self.set }
    }

    /// The element kind of parameters.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.set.kind
    }

    /// Where parameters lie.
    #[must_use]
    pub fn device(&self) -> Device {
        self.set.device
    }

    /// The dotted name of this place; modules keep it for messages and traces.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.prefix
    }

    /// Makes a parameter and gives a handle to it that shares its memory.
    ///
    /// # Errors
    /// [`Error::Duplicate`] when the name is taken; [`Error::InvalidConfig`] for a negative size, or beyond
    /// [`ParamSet::with_limit`]; [`Error::Torch`] when the device refuses.
    pub fn param(&mut self, name: &str, shape: &[i64], init: Init) -> Result<Tensor> {
        let Some((name, tensor)) = self.make(name, shape, init)? else { return self.nothing() };
        let tensor = tensor.f_set_requires_grad(true).op("initialize parameter")?;
        let handle = tensor.shallow_clone();
        self.set.params.push(Param { name, tensor, role: self.role, stage: self.stage.clone() });
        Ok(handle)
    }

    /// Makes a buffer: a tensor that is saved with the parameters but never trained, such as running statistics.
    ///
    /// # Errors
    /// As [`Scope::param`].
    pub fn buffer(&mut self, name: &str, shape: &[i64], init: Init) -> Result<Tensor> {
        let Some((name, tensor)) = self.make(name, shape, init)? else { return self.nothing() };
        let handle = tensor.shallow_clone();
        self.set.buffers.push(Buffer { name, tensor, role: self.role });
        Ok(handle)
    }

    /// `None` for a stage that is not wanted.
    fn make(&self, name: &str, shape: &[i64], init: Init) -> Result<Option<(String, Tensor)>> {
        let name = self.full_name(name);
        if let Some(only) = &self.only {
            let Some(stage) = &self.stage else {
                return Err(Error::InvalidConfig {
                    what: "parameter",
                    field: "stage",
                    expected: "a stage of the encoder, which is to be built in parts".into(),
                    found: format!("none for {name}"),
                });
            };
            if !only.contains(stage) {
                return Ok(None);
            }
        }
        if self.set.tensors().any(|(taken, _)| taken == name) {
            return Err(Error::Duplicate { what: "parameter", name });
        }
        if shape.iter().any(|&s| s < 0) {
            return Err(Error::InvalidConfig {
                what: "parameter",
                field: "shape",
                expected: "sizes >= 0".into(),
                found: format!("{shape:?} for {name}"),
            });
        }
        let numel = shape.iter().try_fold(1usize, |all, &s| all.checked_mul(usize::try_from(s).ok()?));
        let taken: usize = self.set.tensors().map(|(_, t)| t.numel()).sum();
        if numel.and_then(|n| n.checked_add(taken)).is_none_or(|all| all > self.set.limit) {
            return Err(Error::InvalidConfig {
                what: "parameter",
                field: "shape",
                expected: format!("sizes of at most {} numbers for the whole model", self.set.limit),
                found: format!("{shape:?} for {name}, after {taken}"),
            });
        }
        let seed = derive(self.set.seed, &name, 0);
        let tensor = init.sample(shape, self.set.kind, self.set.device, seed)?;
        Ok(Some((name, tensor)))
    }

    fn nothing(&self) -> Result<Tensor> {
        Tensor::f_empty([0], (self.set.kind, self.set.device)).op("initialize parameter")
    }

    fn full_name(&self, name: &str) -> String {
        if self.prefix.is_empty() { name.to_owned() } else { format!("{}.{name}", self.prefix) }
    }
}
