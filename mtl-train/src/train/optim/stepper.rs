//! What all optimizers of this module share: buffers per parameter, parameter groups, state.
//!
//! An optimizer is a [`Rule`]: its settings, the buffers that it wants for every parameter, and one call that moves a list
//! of parameters which have learning rate and weight decay in common. [`Stepper`] turns a rule into an
//! [`Optimizer`]: it makes buffers when a parameter gets its first gradient, sorts parameters into as few lists as their
//! groups allow, and saves and loads everything by name. A rule outside this crate needs nothing but the trait.

use std::fmt::Debug;

use mtl_core::{params::ParamSet, state::StateDict, step::Gradients};
use tch::Tensor;

use super::{Optimizer, ParamGroups, moments::Moments};
use crate::error::Result;

/// The arithmetic of an optimizer.
pub trait Rule: Debug + Send {
    /// Its name, as in config files.
    fn name(&self) -> &'static str;

    /// Checks every setting.
    ///
    /// # Errors
    /// [`mtl_core::Error::InvalidConfig`] naming the one out of range.
    fn validate(&self) -> mtl_core::Result<()>;

    /// The learning rate that schedules and groups scale.
    fn lr(&self) -> f64;

    /// The weight decay of parameters whose group does not say otherwise.
    fn weight_decay(&self) -> f64;

    /// What every parameter needs, in the order in which [`Rule::apply`] finds it. Names are part of the checkpoint format.
    fn buffers(&self) -> Vec<BufferSpec>;

    /// Moves the parameters of a part and updates their buffers, in place.
    ///
    /// # Errors
    /// [`mtl_core::Error::Torch`] when kinds or devices differ.
    fn apply(&self, part: &Part<'_>) -> mtl_core::Result<()>;
}

/// A buffer that every parameter has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BufferSpec {
    /// Its name in checkpoints.
    pub name: &'static str,
    /// Whether it is a one-element f32 counter instead of having the parameter's shape and kind.
    pub counts: bool,
    /// Its first value.
    pub fill: f64,
}

impl BufferSpec {
    /// Zeros in the parameter's shape and kind.
    #[must_use]
    pub const fn zeros(name: &'static str) -> Self {
        Self { name, counts: false, fill: 0.0 }
    }

    /// The steps of that parameter.
    #[must_use]
    pub const fn count(name: &'static str) -> Self {
        Self { name, counts: true, fill: 0.0 }
    }
}

/// Parameters that one call moves: lists of equal length.
#[derive(Debug)]
pub struct Part<'a> {
    /// The parameters.
    pub params: Vec<&'a Tensor>,
    /// Their gradients.
    pub grads: Vec<&'a Tensor>,
    /// Their buffers: one list per [`BufferSpec`].
    pub buffers: Vec<Vec<&'a Tensor>>,
    /// Learning rate.
    pub lr: f64,
    /// Weight decay; 0 for biases and norm scales.
    pub weight_decay: f64,
    /// Whether these parameters have never been moved, so that their buffers hold the first values.
    pub first: bool,
}

impl Part<'_> {
    /// The buffers of that index; empty when the rule asked for fewer.
    pub fn buffer(&self, index: usize) -> &[&Tensor] {
        self.buffers.get(index).map_or(&[], Vec::as_slice)
    }
}

/// A [`Rule`] with its state.
#[derive(Debug)]
pub struct Stepper<R> {
    rule: R,
    groups: ParamGroups,
    specs: Vec<BufferSpec>,
    buffers: Vec<Moments>,
}

impl<R: Rule> Stepper<R> {
    /// An optimizer that treats all parameters alike.
    ///
    /// # Errors
    /// As [`Rule::validate`].
    pub fn new(rule: R) -> Result<Self> {
        Self::with_groups(rule, ParamGroups::default())
    }

    /// An optimizer with learning rates and weight decay per group.
    ///
    /// # Errors
    /// As [`Rule::validate`].
    pub fn with_groups(rule: R, groups: ParamGroups) -> Result<Self> {
        rule.validate()?;
        let specs = rule.buffers();
        let buffers = specs.iter().map(|spec| Moments::new(*spec)).collect();
        Ok(Self { rule, groups, specs, buffers })
    }
}

/// What parameters of one part have in common; bits, because numbers are compared to be told apart, not to be ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Key {
    lr_factor: u64,
    weight_decay: u64,
    first: bool,
}

impl<R: Rule> Optimizer for Stepper<R> {
    fn name(&self) -> &'static str {
        self.rule.name()
    }

    fn step(&mut self, params: &ParamSet, gradients: &Gradients, lr: f64) -> Result<()> {
        let mut parts: Vec<(Key, Vec<usize>)> = Vec::new();
        for (position, _) in gradients.iter() {
            let Some(param) = params.params().get(position) else { continue };
            let mut first = false;
            for buffer in &mut self.buffers {
                first |= buffer.ensure(position, param.tensor())?;
            }
            let rate = self.groups.rate(position);
            let weight_decay =
                if param.decays() { rate.weight_decay.unwrap_or_else(|| self.rule.weight_decay()) } else { 0.0 };
            let key = Key { lr_factor: rate.lr_factor.to_bits(), weight_decay: weight_decay.to_bits(), first };
            match parts.iter_mut().find(|(k, _)| *k == key) {
                Some((_, positions)) => positions.push(position),
                None => parts.push((key, vec![position])),
            }
        }
        for (key, positions) in &parts {
            let tensors = positions.iter().filter_map(|&p| Some((params.params().get(p)?.tensor(), gradients.get(p)?)));
            let (ps, gs) = tensors.unzip();
            self.rule.apply(&Part {
                params: ps,
                grads: gs,
                buffers: self.buffers.iter().map(|buffer| buffer.of(positions)).collect(),
                lr: lr * f64::from_bits(key.lr_factor),
                weight_decay: f64::from_bits(key.weight_decay),
                first: key.first,
            })?;
        }
        Ok(())
    }

    fn state(&self, params: &ParamSet) -> StateDict {
        let mut state = StateDict::new();
        self.buffers.iter().for_each(|buffer| buffer.save(params, &mut state));
        state
    }

    fn load_state(&mut self, params: &ParamSet, state: &StateDict) -> Result<()> {
        let mut buffers: Vec<Moments> = self.specs.iter().map(|spec| Moments::new(*spec)).collect();
        for buffer in &mut buffers {
            buffer.load(self.rule.name(), params, state)?;
        }
        self.buffers = buffers;
        Ok(())
    }
}
