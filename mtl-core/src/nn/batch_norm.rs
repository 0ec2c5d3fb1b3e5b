//! Batch normalization of feature maps (Ioffe and Szegedy, ICML 2015).
//!
//! ```text
//! y = (x - mean) / sqrt(var + eps) * g + b         per channel, eps = 1e-5
//! ```
//! In training, mean and (biased) variance are those of the batch and its cells, and the running statistics move by a tenth
//! towards them (towards the unbiased variance, as in PyTorch); in evaluation, the running statistics are used and stay.
//! They are buffers of the parameter set: saved and loaded with the parameters, never trained.
//!
//! With several [ranks](crate::world) the batch is that of all of them: `n` counts all values, and two sums a layer go over
//! ranks, forwards and (by the graph) backwards. Every rank computes the same statistics, so running ones stay equal.
//!
//! ```text
//! mean = sum x / n,   var = sum (x - mean)^2 / n           two passes: the difference of two large sums has no digits left
//! ```

use tch::{Kind, Tensor};

use crate::{
    context::Cx,
    error::{Error, Result, TorchContext},
    mode::Mode,
    params::{Init, Scope},
    world::{World, sum_on_graph},
};

/// Share by which running statistics move towards those of a batch.
const MOMENTUM: f64 = 0.1;
const EPS: f64 = 1e-5;

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
        if let (true, Some(world)) = (train, cx.world()) {
            return self.over_ranks(xs, world.as_ref(), cx);
        }
        if train && xs.numel() as i64 == self.channels {
            return Err(Error::SingleValue { layer: self.name.clone() });
        }
        let (g, b, mean, var) = (Some(&self.g), Some(&self.b), Some(&self.mean), Some(&self.var));
        xs.f_batch_norm(g, b, mean, var, train, MOMENTUM, EPS, true).op(self.name.as_str())
    }

    /// As in training, over the parts of all ranks.
    fn over_ranks(&self, xs: &Tensor, world: &dyn World, cx: &Cx) -> Result<Tensor> {
        let name = self.name.as_str();
        #[expect(clippy::cast_precision_loss, reason = "values of a batch")]
        let mut n = [(xs.numel() as i64 / self.channels.max(1)) as f64];
        world.sum_numbers(&mut n)?;
        let [n] = n;
        if n < 2.0 {
            return Err(Error::SingleValue { layer: self.name.clone() });
        }
        let over_cells = |xs: &Tensor| xs.f_sum_dim_intlist([0i64, 2, 3].as_slice(), true, None::<Kind>).op(name); // [1, c, 1, 1]
        let mean = sum_on_graph(&over_cells(xs)?, cx.world())?.f_div_scalar(n).op(name)?;
        let centered = xs.f_sub(&mean).op(name)?;
        let squares = sum_on_graph(&over_cells(&centered.f_square().op(name)?)?, cx.world())?;
        let var = squares.f_div_scalar(n).op(name)?;
        self.remember(&mean, &squares.f_div_scalar(n - 1.0).op(name)?)?;
        let per_channel = |t: &Tensor| t.f_view([1, self.channels, 1, 1]);
        let run = || {
            let scale = var.f_add_scalar(EPS)?.f_rsqrt()?.f_mul(&per_channel(&self.g)?)?;
            centered.f_mul(&scale)?.f_add(&per_channel(&self.b)?)
        };
        run().op(name)
    }

    /// Moves the running statistics towards those of a batch.
    fn remember(&self, mean: &Tensor, var: &Tensor) -> Result<()> {
        let _guard = tch::no_grad_guard();
        for (running, seen) in [(&self.mean, mean), (&self.var, var)] {
            let seen = seen.f_detach().and_then(|t| t.f_view([self.channels])).op(self.name.as_str())?;
            let kept = running.shallow_clone().f_mul_scalar_(1.0 - MOMENTUM).op(self.name.as_str())?;
            let step = seen.f_mul_scalar(MOMENTUM).op(self.name.as_str())?;
            let _ = kept.shallow_clone().f_add_(&step).op(self.name.as_str())?;
        }
        Ok(())
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

    /// Output, gradients of input and scale, running variance.
    type Seen = (Vec<f64>, Vec<f64>, Vec<f64>, Vec<f64>);

    #[test]
    fn statistics_are_those_of_all_parts() {
        let xs = || Tensor::arange(24, (Kind::Double, Device::Cpu)).square().sin().view([6, 2, 1, 2]);
        // Output, gradient of the input and running variance, of some samples of the batch.
        let run = |from: i64, n: i64, cx: &Cx| {
            let mut params = ParamSet::new(Kind::Double, Device::Cpu, 1);
            let norm = BatchNorm2d::new(&mut params.root().sub("bn"), 2).unwrap();
            let xs = xs().narrow(0, from, n).copy().set_requires_grad(true);
            let ys = norm.forward(&xs, cx).unwrap();
            let loss = (ys.pow_tensor_scalar(3.0)).sum(Kind::Double);
            let grads = crate::shim::grad(&[&loss], None, &[&xs, &norm.g], crate::shim::Graph::Free).unwrap();
            let mut grads = grads.into_iter().flatten();
            let (dx, dg) = (grads.next().unwrap(), grads.next().unwrap());
            let numbers = |t: &Tensor| Vec::<f64>::try_from(t.detach().reshape([-1])).unwrap();
            (numbers(&ys), numbers(&dx), numbers(&dg), numbers(params.buffers()[1].tensor()))
        };
        let whole = run(0, 6, &Cx::new(Mode::Train));
        let close = |a: &[f64], b: &[f64]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12);
        for size in [2, 3] {
            let parts = crate::world::together(size, |world| {
                let part = crate::world::part(6, world.rank(), size);
                Ok::<_, Error>(run(part.start as i64, part.len() as i64, &Cx::new(Mode::Train).with_world(&world)))
            });
            let parts = parts.unwrap();
            let joined =
                |of: fn(&Seen) -> &Vec<f64>| parts.iter().flat_map(|part| of(part).clone()).collect::<Vec<f64>>();
            assert!(close(&joined(|p| &p.0), &whole.0) && close(&joined(|p| &p.1), &whole.1), "{size}");
            let dg: Vec<f64> = (0..2).map(|c| parts.iter().map(|p| p.2[c]).sum()).collect();
            assert!(close(&dg, &whole.2), "{dg:?} {:?}", whole.2);
            assert!(parts.iter().all(|p| close(&p.3, &whole.3) && p.3 == parts[0].3));
        }
    }
}
