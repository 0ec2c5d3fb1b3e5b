//! Batch normalization of feature maps (Ioffe and Szegedy, ICML 2015).
//!
//! ```text
//! y = (x - mean) / sqrt(var + eps) * g + b         per channel, eps = 1e-5
//! ```
//! In training, mean and (biased) variance are those of the batch and its cells, and the running statistics move by a tenth
//! towards them (towards the unbiased variance, as in PyTorch); in evaluation, the running statistics are used and stay.
//! They are buffers of the parameter set: saved and loaded with the parameters, never trained.

use tch::Tensor;

use crate::{
    context::Cx,
    error::{Error, Result, TorchContext},
    mode::Mode,
    params::{Init, Scope},
};

/// Normalizes each channel over batch and cells.
#[derive(Debug)]
pub struct BatchNorm2d {
    name: String,
    g: Tensor,
    b: Tensor,
    mean: Tensor,
    var: Tensor,
    channels: i64,
}

impl BatchNorm2d {
    /// # Errors
    /// [`Error::Duplicate`] when the name is taken.
    pub fn new(scope: &mut Scope<'_>, channels: i64) -> Result<Self> {
        let g = scope.param("weight", &[channels], Init::Ones)?;
        let b = scope.param("bias", &[channels], Init::Zeros)?;
        let mean = scope.buffer("running_mean", &[channels], Init::Zeros)?;
        let var = scope.buffer("running_var", &[channels], Init::Ones)?;
        Ok(Self { name: scope.name().to_owned(), g, b, mean, var, channels })
    }

    /// # Shapes
    /// `xs`: `[b, channels, h, w]`, result the same.
    ///
    /// # Errors
    /// [`Error::Shape`] for another number of channels; [`Error::SingleValue`] in training for a single value per channel.
    pub fn forward(&self, xs: &Tensor, cx: &Cx) -> Result<Tensor> {
        if xs.dim() != 4 || xs.size()[1] != self.channels {
            return Err(Error::Shape {
                op: self.name.clone(),
                tensor: "xs",
                expected: format!("[b, {}, h, w]", self.channels),
                found: xs.size(),
            });
        }
        let train = cx.mode() == Mode::Train;
        if train && xs.numel() as i64 == self.channels {
            return Err(Error::SingleValue { layer: self.name.clone() });
        }
        let (g, b, mean, var) = (Some(&self.g), Some(&self.b), Some(&self.mean), Some(&self.var));
        xs.f_batch_norm(g, b, mean, var, train, 0.1, 1e-5, true).op(self.name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::ParamSet;
    use tch::{Device, Kind};

    #[test]
    fn a_single_value_has_no_deviation() {
        let mut params = ParamSet::new(Kind::Float, Device::Cpu, 1);
        let norm = BatchNorm2d::new(&mut params.root().sub("bn"), 2).unwrap();
        let xs = Tensor::ones([1, 2, 1, 1], (Kind::Float, Device::Cpu));
        let e = norm.forward(&xs, &Cx::new(Mode::Train)).unwrap_err().to_string();
        assert!(e.starts_with("bn: batch normalization needs more than one value") && e.contains("batch_size"), "{e}");
        assert!(norm.forward(&xs, &Cx::new(Mode::Eval)).is_ok());
        let two = Tensor::ones([1, 2, 1, 2], (Kind::Float, Device::Cpu));
        assert!(norm.forward(&two, &Cx::new(Mode::Train)).is_ok(), "two cells of one sample will do");
    }

    #[test]
    fn statistics_move_in_training_only_and_are_saved() {
        let mut params = ParamSet::new(Kind::Double, Device::Cpu, 1);
        let norm = BatchNorm2d::new(&mut params.root().sub("bn"), 2).unwrap();
        let xs = Tensor::from_slice(&[1.0, 2.0, 3.0, 6.0, 0.0, 0.0, 4.0, 4.0]).view([2, 2, 1, 2]);
        let eval = Cx::new(Mode::Eval);
        assert!(
            (norm.forward(&xs, &eval).unwrap() - &xs).abs().max().double_value(&[]) < 1e-4,
            "the identity at first"
        );
        let ys = norm.forward(&xs, &Cx::new(Mode::Train)).unwrap();
        // Channel 0 holds 1, 2, 0, 0: mean 0.75, biased variance 0.6875, unbiased 0.91667.
        let first = Vec::<f64>::try_from(ys.select(1, 0).reshape([-1])).unwrap();
        let by_hand = [1.0, 2.0, 0.0, 0.0].map(|x: f64| (x - 0.75) / (0.6875f64 + 1e-5).sqrt());
        assert!(first.iter().zip(by_hand).all(|(a, b)| (a - b).abs() < 1e-12));
        let buffer =
            |name: &str| params.buffers().iter().find(|b| b.name() == name).unwrap().tensor().double_value(&[0]);
        assert!((buffer("bn.running_mean") - 0.075).abs() < 1e-12);
        assert!((buffer("bn.running_var") - (0.9 + 0.1 * 0.916_666_666_666_666_7)).abs() < 1e-12);
        let (mean, saved) = (buffer("bn.running_mean"), params.to_safetensors().unwrap());
        let _ = norm.forward(&xs, &eval).unwrap();
        assert_eq!(buffer("bn.running_mean").to_bits(), mean.to_bits());
        let _ = norm.forward(&xs, &Cx::new(Mode::Train)).unwrap();
        assert_ne!(buffer("bn.running_mean").to_bits(), mean.to_bits());
        params.load_safetensors(&saved).unwrap();
        assert_eq!(buffer("bn.running_mean").to_bits(), mean.to_bits());
        assert_eq!(params.params().len(), 2, "buffers are no parameters");
    }
}
