//! Linear layers of an ensemble's members that share one weight, each with scales of its own.
//!
//! ```text
//! y_m = s_m * (W (r_m * x_m)) + b_m        m = 1..k, * number by number
//!     = W_m x_m + b_m,                     W_m = W * (s_m r_m^T), of rank one apart from the others
//! ```
//! **Shapes** `x [b, i]` (the same for all members) or `[k, b, i]` (one each), `y [k, b, o]`; `W [o, i]`, `r [k, i]`, `s [k, o]`,
//! `b [k, 1, o]`. With [`Scales::Inputs`] there is no `s`, and `b [1, 1, o]` is shared.
//!
//! **Reference** Wen, Tran and Ba, "BatchEnsemble: An Alternative Approach to Efficient Ensemble and Lifelong Learning", ICLR 2020;
//! first values as in Gorishniy, Kotelnikov and Babenko, "TabM", ICLR 2025 (arXiv 2410.24210): `W` and `b` uniform in `+-1/sqrt(i)`, `b`
//! the same for all members at first, `s` ones, `r` ones, but random signs in the first layer, one a member and field: the members
//! differ by these alone when training starts.
//!
//! **Differs from** both in what is scaled, which goes by the number of rows. Scaling `x` and `y` makes and keeps `k b (i + o)` numbers;
//! scaling `W` makes `k i o` whatever the batch, and all members are one batched product, as experts are
//! ([`Experts`](super::Experts)). Of inputs that need no gradient, such as a table's numbers, the layer then has no use for it either, while
//! the gradient of `r` would want that of `r_m * x`: a third of the first layer's work. And one input for all members is never repeated
//! for each. So `W` is scaled unless that makes more numbers: batches of a small table are narrower than its layers.

use tch::{Kind, Tensor};

use crate::{
    context::{Cx, Product, TapeEntry},
    error::{Error, Result, TorchContext},
    params::{Init, Scope},
};

/// What each member has of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scales {
    /// Scales of inputs and outputs, and the bias.
    All,
    /// Scales of inputs.
    Inputs,
}

/// `k` linear layers of one weight.
#[derive(Debug)]
pub struct EnsembleLinear {
    name: String,
    w: Tensor,
    r: Tensor,
    s: Option<Tensor>,
    b: Tensor,
    size: [i64; 3],
}

impl EnsembleLinear {
    /// A layer for so many members, whose `r` are ones: all members start as the same layer.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for a size below 1; [`Error::Duplicate`] when the name is taken.
    pub fn new(scope: &mut Scope<'_>, members: i64, inputs: i64, outputs: i64, scales: Scales) -> Result<Self> {
        Self::starting(scope, [members, inputs, outputs], scales, Init::Ones)
    }

    /// The first layer: its inputs are fields of so many numbers each, and `r` is 1 or -1 for each member and field.
    ///
    /// # Errors
    /// As [`EnsembleLinear::new`].
    pub fn first(scope: &mut Scope<'_>, members: i64, fields: &[i64], outputs: i64, scales: Scales) -> Result<Self> {
        let layer = Self::starting(scope, [members, fields.iter().sum(), outputs], scales, Init::Signs)?;
        // The place of a field's first number, for each of its numbers: all of them get its sign.
        let mut leads = Vec::new();
        for &width in fields {
            let lead = leads.len() as i64;
            leads.extend((0..width).map(|_| lead));
        }
        // A layer of a stage that is not wanted has no numbers.
        if layer.r.numel() > 0 && leads.iter().zip(0..).any(|(lead, at)| *lead != at) {
            let _guard = tch::no_grad_guard();
            let leads = Tensor::f_from_slice(&leads).and_then(|l| l.f_to_device(layer.r.device())).op("signs")?;
            let signs = layer.r.f_index_select(1, &leads).op("signs")?;
            layer.r.shallow_clone().f_copy_(&signs).op("signs")?;
        }
        Ok(layer)
    }

    fn starting(scope: &mut Scope<'_>, size: [i64; 3], scales: Scales, r: Init) -> Result<Self> {
        let [members, inputs, outputs] = size;
        if members < 1 || inputs < 1 || outputs < 1 {
            return Err(Error::InvalidConfig {
                what: "ensemble linear",
                field: "size",
                expected: ">= 1".into(),
                found: format!("{members} of {inputs} -> {outputs} at {}", scope.name()),
            });
        }
        let w = scope.param("weight", &[outputs, inputs], Init::fan_in(inputs))?;
        let r = scope.param("scale_in", &[members, inputs], r)?;
        let s = match scales {
            Scales::All => Some(scope.param("scale_out", &[members, outputs], Init::Ones)?),
            Scales::Inputs => None,
        };
        let biases = if scales == Scales::All { members } else { 1 };
        let b = scope.param("bias", &[biases, 1, outputs], Init::fan_in(inputs))?;
        if biases > 1 && b.numel() > 0 {
            let _guard = tch::no_grad_guard();
            let same = b.f_narrow(0, 0, 1).and_then(|first| first.f_detach_copy()).op("bias")?;
            b.shallow_clone().f_copy_(&same).op("bias")?;
        }
        Ok(Self { name: scope.name().to_owned(), w, r, s, b, size })
    }

    /// The element kind of its weight, which its input must have.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.w.kind()
    }

    /// The weights of all members, `[k, i, o]`.
    fn weights(&self) -> std::result::Result<Tensor, tch::TchError> {
        let of_members = self.r.f_unsqueeze(2)?.f_mul(&self.w.f_tr()?)?;
        match &self.s {
            Some(s) => of_members.f_mul(&s.f_unsqueeze(1)?),
            None => Ok(of_members),
        }
    }

    /// The outputs for `xs [k, b, i]`, in which inputs and outputs are scaled and the weight is left alone.
    fn scaled(&self, xs: &Tensor) -> std::result::Result<Tensor, tch::TchError> {
        let ys = xs.f_mul(&self.r.f_unsqueeze(1)?)?.f_matmul(&self.w.f_tr()?)?;
        match &self.s {
            Some(s) => self.b.f_addcmul(&ys, &s.f_unsqueeze(1)?),
            None => ys.f_add(&self.b),
        }
    }

    /// # Shapes
    /// `xs`: `[b, inputs]` or `[k, b, inputs]`, result `[k, b, outputs]`.
    ///
    /// # Errors
    /// [`Error::Shape`] for another input.
    pub fn forward(&self, xs: &Tensor, cx: &Cx) -> Result<Tensor> {
        let op = || self.name.as_str();
        let [members, inputs, outputs] = self.size;
        let xs = match xs.size()[..] {
            [_, width] if width == inputs => {
                xs.f_unsqueeze(0).and_then(|x| x.f_expand([members, -1, -1], false)).op(op())?
            }
            [count, _, width] if count == members && width == inputs => xs.shallow_clone(),
            _ => {
                return Err(Error::Shape {
                    op: self.name.clone(),
                    tensor: "xs",
                    expected: format!("[b, {inputs}] or [{members}, b, {inputs}]"),
                    found: xs.size(),
                });
            }
        }; // [k, b, i]
        let rows = xs.size()[1];
        let ys = if rows * (inputs + outputs) < inputs * outputs {
            self.scaled(&xs)
        } else {
            self.weights().and_then(|ws| self.b.f_baddbmm(&xs, &ws, 1.0, 1.0))
        }
        .op(op())?; // [k, b, o]
        cx.record(|| TapeEntry {
            layer: self.name.clone(),
            multiply_adds: u64::try_from(members * rows * inputs * outputs).unwrap_or(0),
            product: Product::Ensemble { weight: self.w.shallow_clone() },
            input: xs,
            output: ys.shallow_clone(),
        });
        Ok(ys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        mode::Mode,
        params::ParamSet,
        shim::{Graph, grad},
    };
    use tch::Device;

    fn varied(t: &Tensor, seed: f64) {
        let _guard = tch::no_grad_guard();
        let values = Tensor::arange(t.numel() as i64, (t.kind(), t.device())).view(t.size().as_slice()) * 0.7 + seed;
        t.shallow_clone().copy_(&values.sin());
    }

    #[test]
    fn members_are_scaled_layers_of_one_weight() {
        let xs = Tensor::arange(8, (Kind::Double, Device::Cpu)).view([4, 2]).cos();
        // One row is narrower than the layer: there the inputs are scaled, else the weight is.
        for (scales, rows) in [Scales::All, Scales::Inputs].into_iter().flat_map(|s| [(s, 4), (s, 1)]) {
            let xs = xs.narrow(0, 0, rows);
            let mut params = ParamSet::new(Kind::Double, Device::Cpu, 3);
            let layer = EnsembleLinear::new(&mut params.root().sub("layer"), 3, 2, 5, scales).unwrap();
            params.params().iter().zip(0..).for_each(|(p, at)| varied(p.tensor(), f64::from(at)));
            let get = |name: &str| params.get(&format!("layer.{name}")).map(|p| p.tensor());
            let cx = Cx::new(Mode::Eval).with_tape();
            let same = layer.forward(&xs, &cx).unwrap();
            assert_eq!(
                (same.size(), cx.take_tape().multiply_adds()),
                (vec![3, rows, 5], 3 * rows.unsigned_abs() * 2 * 5)
            );
            let each = Tensor::stack(&[&xs, &(&xs * 2.0), &(&xs - 1.0)], 0);
            let own = layer.forward(&each, &cx).unwrap();
            for m in 0..3 {
                let bias = get("bias").unwrap().get(if scales == Scales::All { m } else { 0 });
                let by_hand = |xs: &Tensor| {
                    let y = (xs * get("scale_in").unwrap().get(m)).matmul(&get("weight").unwrap().tr());
                    get("scale_out").map_or_else(|_| y.shallow_clone(), |s| &y * s.get(m)) + &bias
                };
                for (found, expected) in [(same.get(m), by_hand(&xs)), (own.get(m), by_hand(&each.get(m)))] {
                    assert!((found - expected).abs().max().double_value(&[]) < 1e-14, "{scales:?}, {rows} rows");
                }
            }
            assert_eq!(get("scale_out").is_ok(), scales == Scales::All);
            let e = layer.forward(&xs.narrow(1, 0, 1), &cx).unwrap_err().to_string();
            assert_eq!(e, format!("layer: xs must be [b, 2] or [3, b, 2], found [{rows}, 1]"));
        }
        let mut params = ParamSet::new(Kind::Double, Device::Cpu, 3);
        assert!(EnsembleLinear::new(&mut params.root(), 0, 2, 5, Scales::All).is_err());
    }

    /// Against central differences.
    #[test]
    fn every_gradient_is_what_differences_say() {
        [2, 1].into_iter().for_each(gradients_are_what_differences_say);
    }

    fn gradients_are_what_differences_say(rows: i64) {
        let mut params = ParamSet::new(Kind::Double, Device::Cpu, 3);
        let layer = EnsembleLinear::new(&mut params.root().sub("layer"), 2, 3, 4, Scales::All).unwrap();
        let xs = Tensor::arange(6 * rows, (Kind::Double, Device::Cpu)).view([2, rows, 3]).sin().set_requires_grad(true);
        let leaves: Vec<&Tensor> = params.params().iter().map(|p| p.tensor()).chain([&xs]).collect();
        leaves.iter().zip(0..).for_each(|(t, at)| varied(t, f64::from(at)));
        let cx = Cx::new(Mode::Train);
        let loss = || layer.forward(&xs, &cx).unwrap().tanh().square().sum(Kind::Double);
        let gradients = grad(&[loss()], None, &leaves, Graph::Free).unwrap();
        for (leaf, gradient) in leaves.iter().zip(gradients) {
            let (leaf, gradient) = (leaf.detach().view(-1), gradient.unwrap().reshape([-1]));
            for at in 0..leaf.size()[0] {
                let moved = |by: f64| {
                    let _guard = tch::no_grad_guard();
                    let _ = leaf.get(at).g_add_scalar_(by);
                    loss().double_value(&[])
                };
                let (up, down) = (moved(1e-5), moved(-2e-5));
                moved(1e-5);
                let gap = (up - down) / 2e-5 - gradient.double_value(&[at]);
                assert!(gap.abs() < 1e-8, "{rows} rows: {gap}");
            }
        }
    }

    #[test]
    fn members_start_as_one_layer_but_for_a_sign_a_field() {
        let mut params = ParamSet::new(Kind::Double, Device::Cpu, 3);
        let _ = EnsembleLinear::first(&mut params.root().sub("first"), 16, &[1, 3, 1], 4, Scales::All).unwrap();
        let _ = EnsembleLinear::new(&mut params.root().sub("next"), 16, 5, 4, Scales::All).unwrap();
        let get = |name: &str| params.get(name).unwrap().tensor();
        let signs = get("first.scale_in");
        assert_eq!(signs.abs(), signs.ones_like());
        assert_eq!(
            signs.narrow(1, 1, 1).expand([16, 3], false),
            signs.narrow(1, 1, 3),
            "one sign for a field's numbers"
        );
        for field in [0, 1, 4] {
            assert!(signs.select(1, field).sum(Kind::Double).double_value(&[]).abs() < 16.0, "members differ");
        }
        assert!(!signs.select(1, 0).equal(&signs.select(1, 1)) && !signs.select(1, 0).equal(&signs.select(1, 4)));
        for ones in ["first.scale_out", "next.scale_in", "next.scale_out"] {
            assert_eq!(get(ones), &get(ones).ones_like(), "{ones}");
        }
        let bias = get("next.bias");
        assert_eq!(bias, &bias.narrow(0, 0, 1).expand([16, 1, 4], false));
    }
}
