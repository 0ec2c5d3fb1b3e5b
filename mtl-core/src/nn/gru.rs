//! A gated recurrent unit, one step.
//!
//! ```text
//! r  = s(W_r x + b_r + U_r h + c_r)                    [b, w]   how much of the state the candidate sees
//! z  = s(W_z x + b_z + U_z h + c_z)                    [b, w]   how much of the state stays
//! n  = tanh(W_n x + b_n + r (U_n h + c_n))             [b, w]   candidate
//! h' = (1 - z) n + z h
//! ```
//! `s` the logistic function. The two products are [`Linear`] layers, `input` (`W`, `b`) and `state` (`U`, `c`), three gates wide
//! each, so the tape sees them. The input's does not depend on the state: for a sequence that is known beforehand
//! [`GruCell::project`] does all of its steps at once.
//!
//! **Reference** Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder", EMNLP 2014, in the form of cuDNN and
//! PyTorch, where the reset gate acts after the product.

use tch::Tensor;

use super::Linear;
use crate::{
    context::Cx,
    error::{Result, TorchContext},
    params::Scope,
};

/// One step of a gated recurrent unit.
#[derive(Debug)]
pub struct GruCell {
    name: String,
    input: Linear,
    state: Linear,
    width: i64,
}

impl GruCell {
    /// A cell of that width on inputs of width `inputs`.
    ///
    /// # Errors
    /// As [`Linear::new`].
    pub fn new(scope: &mut Scope<'_>, inputs: i64, width: i64) -> Result<Self> {
        let input = Linear::new(&mut scope.sub("input"), inputs, width.saturating_mul(3))?;
        let state = Linear::new(&mut scope.sub("state"), width, width.saturating_mul(3))?;
        Ok(Self { name: scope.name().to_owned(), input, state, width })
    }

    /// What the gates take from the input.
    ///
    /// # Shapes
    /// `xs`: `[.., inputs]`, any number of steps; result `[.., 3 width]`.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) for inputs of another width.
    pub fn project(&self, xs: &Tensor, cx: &Cx) -> Result<Tensor> {
        self.input.forward(xs, cx)
    }

    /// The next state, from what [`GruCell::project`] gave for the step.
    ///
    /// # Shapes
    /// `projected`: `[b, 3 width]`; `hs`, the state, and the result: `[b, width]`.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) for a state of another width; [`Error::Torch`](crate::Error::Torch) for another
    /// projection.
    pub fn step(&self, projected: &Tensor, hs: &Tensor, cx: &Cx) -> Result<Tensor> {
        let from_state = self.state.forward(hs, cx)?; // [b, 3 w]
        let w = self.width;
        let run = || {
            let gates = projected.f_narrow(1, 0, 2 * w)?.f_add(&from_state.f_narrow(1, 0, 2 * w)?)?.f_sigmoid()?;
            let (r, z) = (gates.f_narrow(1, 0, w)?, gates.f_narrow(1, w, w)?);
            let seen = r.f_mul(&from_state.f_narrow(1, 2 * w, w)?)?;
            let candidate = projected.f_narrow(1, 2 * w, w)?.f_add(&seen)?.f_tanh()?;
            candidate.f_lerp_tensor(hs, &z) // n + z (h - n)
        };
        run().op(self.name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        mode::Mode,
        params::{Param, ParamSet},
        shim::{Graph, grad},
    };
    use tch::{Device, Kind};

    fn cell(inputs: i64, width: i64) -> (ParamSet, GruCell) {
        let mut params = ParamSet::new(Kind::Double, Device::Cpu, 5);
        let cell = GruCell::new(&mut params.root().sub("gru"), inputs, width).unwrap();
        (params, cell)
    }

    fn run(cell: &GruCell, xs: &Tensor, hs: &Tensor) -> Tensor {
        let cx = Cx::new(Mode::Train);
        cell.step(&cell.project(xs, &cx).unwrap(), hs, &cx).unwrap()
    }

    #[test]
    fn a_step_by_hand() {
        let (params, cell) = cell(1, 1);
        let set = |name: &str, values: &[f64]| {
            let _guard = tch::no_grad_guard();
            let to = params.get(name).unwrap().tensor();
            to.shallow_clone().copy_(&Tensor::from_slice(values).view_as(to));
        };
        set("gru.input.weight", &[0.5, -1.0, 2.0]);
        set("gru.input.bias", &[0.1, 0.2, 0.3]);
        set("gru.state.weight", &[1.5, 0.7, -0.4]);
        set("gru.state.bias", &[-0.1, 0.0, 0.6]);
        let (x, h): (f64, f64) = (0.8, -0.3);
        let s = |x: f64| 1.0 / (1.0 + (-x).exp());
        let (r, z) = (s(0.5 * x + 0.1 + 1.5 * h - 0.1), s(-x + 0.2 + 0.7 * h));
        let n = (2.0 * x + 0.3 + r * (-0.4 * h + 0.6)).tanh();
        let next = run(&cell, &Tensor::from_slice(&[x]).view([1, 1]), &Tensor::from_slice(&[h]).view([1, 1]));
        assert!((next.double_value(&[0, 0]) - ((1.0 - z) * n + z * h)).abs() < 1e-15);
    }

    #[test]
    fn it_is_the_cell_of_libtorch_and_on_the_tape() {
        let (params, cell) = cell(3, 4);
        let of = |name: &str| params.get(name).unwrap().tensor().shallow_clone();
        let options = (Kind::Double, Device::Cpu);
        let (xs, hs) = (Tensor::randn([5, 3], options), Tensor::randn([5, 4], options));
        let (w, u) = (of("gru.input.weight"), of("gru.state.weight"));
        let theirs = xs.gru_cell(&hs, &w, &u, Some(of("gru.input.bias")), Some(of("gru.state.bias")));
        assert!((run(&cell, &xs, &hs) - theirs).abs().max().double_value(&[]) < 1e-14);
        let cx = Cx::new(Mode::Eval).with_tape();
        let _ = cell.step(&cell.project(&xs, &cx).unwrap(), &hs, &cx).unwrap();
        let layers: Vec<String> = cx.take_tape().0.into_iter().map(|entry| entry.layer).collect();
        assert_eq!(layers, ["gru.input", "gru.state"]);
        let e = cell.step(&cell.project(&xs, &cx).unwrap(), &xs, &cx).unwrap_err().to_string();
        assert_eq!(e, "gru.state: xs must be [.., 4], found [5, 3]");
    }

    #[test]
    fn gradients_are_those_of_differences() {
        let (params, cell) = cell(2, 3);
        let options = (Kind::Double, Device::Cpu);
        let leaf = |shape: [i64; 2]| Tensor::randn(shape, options).set_requires_grad(true);
        let (xs, hs) = (leaf([2, 2]), leaf([2, 3]));
        let weights = Tensor::randn([2, 3], options);
        // Two steps, so that the state's gradient goes through a step as well.
        let value = || (run(&cell, &xs, &run(&cell, &xs, &hs)) * &weights).sum(Kind::Double);
        let mut leaves: Vec<&Tensor> = params.params().iter().map(Param::tensor).collect();
        leaves.extend([&xs, &hs]);
        let found = grad(&[value()], None, &leaves, Graph::Free).unwrap();
        for (leaf, found) in leaves.iter().zip(found) {
            let found = Vec::<f64>::try_from(found.unwrap().reshape([-1])).unwrap();
            let _guard = tch::no_grad_guard();
            let flat = leaf.view(-1);
            for (at, found) in found.into_iter().enumerate() {
                let mut place = flat.get(at as i64);
                let mut moved = |by: f64| {
                    let _ = place.g_add_scalar_(by);
                    value().double_value(&[])
                };
                let slope = (moved(1e-6) - moved(-2e-6)) / 2e-6;
                moved(1e-6);
                assert!((slope - found).abs() < 1e-8, "{slope} {found}");
            }
        }
    }
}
