//! A running mean of the weights, which is what is validated and kept.
//!
//! ```text
//! d_t     = min(decay, (1 + t) / (10 + t)) with warm-up, else decay          t = updates so far, from 0
//! average <- average + (1 - d_t) (weights - average)                         after every optimizer step
//! ```
//! The mean moves less from step to step than the weights do, and is often the better model, above all with large learning
//! rates. Training goes on with the weights themselves; validation, selection, patience and the run's final weights take
//! the mean. Warm-up forgets the initial values quickly: without it they weigh `decay^t`.
//!
//! Running statistics of normalization layers are averaged like weights, so that they fit them; what cannot be averaged
//! (counters) is copied.
//!
//! Reference: Polyak and Juditsky, "Acceleration of Stochastic Approximation by Averaging", 1992; warm-up as in TensorFlow's
//! `ExponentialMovingAverage`. Differs from PyTorch's `AveragedModel`: starts from the initial weights instead of the
//! first update, and averages buffers.

use mtl_core::{
    Error, TorchContext,
    params::ParamSet,
    shim,
    state::{StateDict, StateValue},
};
use serde::{Deserialize, Serialize};
use tch::Tensor;

use crate::error::Result;

/// Settings of the running mean.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EmaConfig {
    /// How much of the mean stays at each step, in `[0, 1)`; default 0.999.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub decay: f64,
    /// Whether the first steps count more; default true.
    pub warmup: bool,
}

impl Default for EmaConfig {
    fn default() -> Self {
        Self { decay: 0.999, warmup: true }
    }
}

impl EmaConfig {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] naming the one out of range.
    pub fn validate(&self) -> mtl_core::Result<()> {
        if (0.0..1.0).contains(&self.decay) {
            return Ok(());
        }
        let (expected, found) = ("in [0, 1)".into(), self.decay.to_string());
        Err(Error::InvalidConfig { what: "ema", field: "decay", expected, found })
    }

    #[expect(clippy::cast_precision_loss, reason = "step counts are far below 2^52")]
    fn decay_at(&self, updates: u64) -> f64 {
        let t = updates as f64;
        if self.warmup { self.decay.min((1.0 + t) / (10.0 + t)) } else { self.decay }
    }
}

/// The mean of one model's weights.
#[derive(Debug)]
pub struct Ema {
    config: EmaConfig,
    updates: u64,
    /// In the order of [`ParamSet::tensors`].
    averages: Vec<Tensor>,
}

impl Ema {
    /// A mean that starts from the present weights.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for a setting out of range; [`Error::Torch`] when memory is short.
    pub fn new(config: EmaConfig, params: &ParamSet) -> Result<Self> {
        config.validate()?;
        let averages = params.tensors().map(|(_, tensor)| copy(tensor)).collect::<mtl_core::Result<_>>()?;
        Ok(Self { config, updates: 0, averages })
    }

    /// How often it has been moved.
    #[must_use]
    pub fn updates(&self) -> u64 {
        self.updates
    }

    /// Moves the mean towards the present weights.
    ///
    /// # Errors
    /// [`Error::Shape`] or [`Error::Torch`] for another model's parameters.
    pub fn update(&mut self, params: &ParamSet) -> Result<()> {
        let _guard = tch::no_grad_guard();
        let (mut averages, mut tensors) = (Vec::new(), Vec::new());
        for (average, (_, tensor)) in self.averages.iter().zip(params.tensors()) {
            if tensor.is_floating_point() {
                averages.push(average);
                tensors.push(tensor);
            } else {
                average.shallow_clone().f_copy_(tensor).op("ema")?;
            }
        }
        shim::average(&averages, &tensors, 1.0 - self.config.decay_at(self.updates))?;
        self.updates += 1;
        Ok(())
    }

    /// Exchanges the model's weights and the mean, to the last bit. Two exchanges are none.
    ///
    /// # Errors
    /// [`Error::Torch`] for another model's parameters.
    pub fn swap(&mut self, params: &ParamSet) -> Result<()> {
        let _guard = tch::no_grad_guard();
        for (average, (_, tensor)) in self.averages.iter_mut().zip(params.tensors()) {
            let weights = copy(tensor)?;
            tensor.shallow_clone().f_copy_(average).op("ema")?;
            *average = weights;
        }
        Ok(())
    }

    /// Everything that the next update depends on.
    #[must_use]
    pub fn state(&self, params: &ParamSet) -> StateDict {
        let mut state = StateDict::new().with("updates", StateValue::Count(self.updates));
        for (average, (name, _)) in self.averages.iter().zip(params.tensors()) {
            state.insert(&format!("average.{name}"), StateValue::Tensor(average.copy()));
        }
        state
    }

    /// Takes back what [`Ema::state`] gave.
    ///
    /// # Errors
    /// [`Error::State`] when it does not fit the parameters; nothing has changed then.
    pub fn load_state(&mut self, params: &ParamSet, state: &StateDict) -> Result<()> {
        let updates = state.count("ema", "updates")?;
        let mut averages = Vec::with_capacity(self.averages.len());
        for (name, tensor) in params.tensors() {
            let saved = state.tensor("ema", &format!("average.{name}"))?;
            if saved.size() != tensor.size() || saved.kind() != tensor.kind() {
                let (expected, found) = ((tensor.kind(), tensor.size()), (saved.kind(), saved.size()));
                let reason = format!("the average of {name} must be {expected:?}, found {found:?}");
                return Err(Error::State { what: "ema".into(), reason }.into());
            }
            averages.push(copy(&saved.f_to_device(tensor.device()).op("ema")?)?);
        }
        (self.updates, self.averages) = (updates, averages);
        Ok(())
    }
}

/// A copy without a graph. (tch's own `copy` cannot fail, only panic.)
fn copy(tensor: &Tensor) -> mtl_core::Result<Tensor> {
    let detached = tensor.f_detach().op("ema")?;
    let mut copy = detached.f_empty_like().op("ema")?;
    copy.f_copy_(&detached).op("ema")?;
    Ok(copy)
}

#[cfg(test)]
mod tests {
    use mtl_core::params::Init;
    use tch::{Device, Kind};

    use super::*;

    fn model() -> ParamSet {
        let mut params = ParamSet::new(Kind::Double, Device::Cpu, 3);
        let _ = params.root().param("w", &[2], Init::Zeros).unwrap();
        let _ = params.root().buffer("mean", &[1], Init::Zeros).unwrap();
        params
    }

    fn set(params: &ParamSet, value: f64) {
        let _guard = tch::no_grad_guard();
        params.tensors().for_each(|(_, t)| drop(t.shallow_clone().fill_(value)));
    }

    fn values(params: &ParamSet) -> Vec<f64> {
        params.tensors().map(|(_, t)| t.detach().double_value(&[0])).collect()
    }

    #[test]
    fn by_hand_with_and_without_warm_up() {
        for warmup in [false, true] {
            let params = model();
            let mut ema = Ema::new(EmaConfig { decay: 0.5, warmup }, &params).unwrap();
            let mut expected = 0.0;
            for t in 0..12 {
                set(&params, f64::from(t) + 1.0);
                ema.update(&params).unwrap();
                let warm = (1.0 + f64::from(t)) / (10.0 + f64::from(t));
                let d = if warmup { warm.min(0.5) } else { 0.5 };
                expected = d * expected + (1.0 - d) * (f64::from(t) + 1.0);
            }
            ema.swap(&params).unwrap();
            assert!(values(&params).iter().all(|v| (v - expected).abs() < 1e-12), "{:?} {expected}", values(&params));
            ema.swap(&params).unwrap();
            assert_eq!(values(&params), [12.0, 12.0]);
            assert_eq!(ema.updates(), 12);
        }
    }

    #[test]
    fn state_goes_on_and_another_model_is_refused() {
        let params = model();
        let mut whole = Ema::new(EmaConfig::default(), &params).unwrap();
        set(&params, 0.1);
        whole.update(&params).unwrap();
        let mut resumed = Ema::new(EmaConfig::default(), &params).unwrap();
        resumed.load_state(&params, &whole.state(&params)).unwrap();
        for ema in [&mut whole, &mut resumed] {
            set(&params, 0.7);
            ema.update(&params).unwrap();
        }
        assert!(whole.averages.iter().zip(&resumed.averages).all(|(a, b)| a == b));
        let e = resumed.load_state(&params, &StateDict::new()).unwrap_err().to_string();
        assert!(e.starts_with("ema: saved state does not fit: updates"), "{e}");
        let e = EmaConfig { decay: 1.0, ..EmaConfig::default() }.validate().unwrap_err().to_string();
        assert_eq!(e, "ema: decay must be in [0, 1), found 1");
    }
}
