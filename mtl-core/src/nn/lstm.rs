//! A layer of long short-term memory, in one direction or in both.
//!
//! ```text
//! i, f, g, o = W_ih x_t + b_ih + W_hh h_{t-1} + b_hh       four blocks of h numbers each, in this order
//! c_t = sigmoid(f) c_{t-1} + sigmoid(i) tanh(g)            c_0 = h_0 = 0
//! h_t = sigmoid(o) tanh(c_t)                               x: [b, l, d]   W_ih: [4h, d]   W_hh: [4h, h]   y: [b, l, h]
//! both directions: y = [forward, backward], the backward one from each sample's own last item to its first: [b, l, 2h]
//! ```
//! Samples are packed ([`Packing`]), so padding is neither computed nor seen, and is 0 in the output.
//!
//! Reference: Hochreiter and Schmidhuber, "Long Short-Term Memory", Neural Computation 1997, with the forget gate of Gers et
//! al., 2000; both directions: Schuster and Paliwal, 1997. Initial values as in PyTorch: all uniform in `+-1/sqrt(h)`.
//! Differs from PyTorch's layer of the same name: nothing but the names, `forward.weight_ih` for `weight_ih_l0`,
//! `backward.weight_ih` for `weight_ih_l0_reverse`.

use tch::Tensor;

use super::{check_width, packing::Packing, product_cost};
use crate::{
    context::{Cx, Product, TapeEntry},
    error::{Error, Result, TorchContext},
    params::{Init, Scope},
    shim::Autocast,
};

/// Long short-term memory.
#[derive(Debug)]
pub struct Lstm {
    name: String,
    directions: Vec<Direction>,
    inputs: i64,
    hidden: i64,
}

/// The parameters of a direction, in the order in which libtorch takes them.
#[derive(Debug)]
struct Direction {
    name: String,
    weights: [Tensor; 2],
    biases: [Tensor; 2],
}

impl Lstm {
    /// A layer of `hidden` numbers a direction.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for a size below 1; [`Error::Duplicate`] when a name is taken.
    pub fn new(scope: &mut Scope<'_>, inputs: i64, hidden: i64, bidirectional: bool) -> Result<Self> {
        if inputs < 1 || hidden < 1 {
            return Err(Error::InvalidConfig {
                what: "lstm",
                field: "size",
                expected: ">= 1".into(),
                found: format!("{inputs} -> {hidden} at {}", scope.name()),
            });
        }
        let init = Init::fan_in(hidden);
        let mut direction = |name: &str| -> Result<Direction> {
            let mut place = scope.sub(name);
            Ok(Direction {
                name: place.name().to_owned(),
                weights: [
                    place.param("weight_ih", &[4 * hidden, inputs], init)?,
                    place.param("weight_hh", &[4 * hidden, hidden], init)?,
                ],
                biases: [place.param("bias_ih", &[4 * hidden], init)?, place.param("bias_hh", &[4 * hidden], init)?],
            })
        };
        let mut directions = vec![direction("forward")?];
        if bidirectional {
            directions.push(direction("backward")?);
        }
        Ok(Self { name: scope.name().to_owned(), directions, inputs, hidden })
    }

    /// Numbers of an item of the output.
    #[must_use]
    pub fn outputs(&self) -> i64 {
        self.hidden * self.directions.len() as i64
    }

    /// # Shapes
    /// `xs`: `[b, l, inputs]`, packed by `packing`; result `[b, l, outputs]`, 0 in the padding, of the kind of the parameters.
    ///
    /// # Errors
    /// [`Error::Shape`] for another shape.
    pub fn forward(&self, xs: &Tensor, packing: &Packing, cx: &Cx) -> Result<Tensor> {
        check_width(&self.name, xs, self.inputs)?;
        let [b, l, _] = xs.size()[..] else {
            let expected = format!("[b, l, {}]", self.inputs);
            return Err(Error::Shape { op: self.name.clone(), tensor: "xs", expected, found: xs.size() });
        };
        if b == 0 || l == 0 {
            // Nothing to pack: libtorch refuses that.
            return xs.f_new_zeros([b, l, self.outputs()], (xs.kind(), xs.device())).op(self.name.as_str());
        }
        // In mixed precision too it runs in the kind of its parameters: libtorch would run it in fp16 on CUDA, whatever was asked
        // for, where small gradients are lost without a scaled loss.
        let kind = self.directions.first().map_or(xs.kind(), |direction| direction.weights[0].kind());
        let _guard = Autocast::off(xs.device())?;
        let (packed, batch_sizes) = packing.pack(&xs.f_to_kind(kind).op(self.name.as_str())?)?;
        let start =
            packed.f_new_zeros([self.directions.len() as i64, b, self.hidden], (packed.kind(), packed.device()));
        let start = start.op(self.name.as_str())?; // [directions, b, h]
        let params: Vec<&Tensor> = self.directions.iter().flat_map(|d| d.weights.iter().chain(&d.biases)).collect();
        // `train` keeps what a backward pass needs on an accelerator; explanations take gradients in evaluation too.
        let (train, both) = (true, self.directions.len() == 2);
        let (ys, _, _) =
            Tensor::f_lstm_data(&packed, &batch_sizes, &[&start, &start], &params, true, 1, 0.0, train, both)
                .op(self.name.as_str())?; // [items, outputs]
        for direction in &self.directions {
            cx.record(|| TapeEntry {
                layer: direction.name.clone(),
                input: packed.shallow_clone(),
                output: ys.shallow_clone(),
                multiply_adds: product_cost(packed.size()[0], self.inputs + self.hidden, 4 * self.hidden),
                product: Product::Recurrent { weights: direction.weights.each_ref().map(Tensor::shallow_clone) },
            });
        }
        packing.unpack(&ys, &batch_sizes)
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
    use tch::{Device, Kind};

    fn layer(both: bool) -> (ParamSet, Lstm) {
        let mut params = ParamSet::new(Kind::Double, Device::Cpu, 3);
        let lstm = Lstm::new(&mut params.root().sub("lstm"), 3, 2, both).unwrap();
        (params, lstm)
    }

    fn noise(shape: &[i64]) -> Tensor {
        (Tensor::arange(shape.iter().product::<i64>(), (Kind::Double, Device::Cpu)) * 0.7 + 0.2).sin().view(shape)
    }

    /// The formula above, item by item, of one sample.
    fn by_hand(params: &ParamSet, direction: &str, xs: &[Tensor]) -> Vec<Tensor> {
        let of = |name: &str| params.get(&format!("lstm.{direction}.{name}")).unwrap().tensor().detach();
        let (mut h, mut c) =
            (Tensor::zeros([2], (Kind::Double, Device::Cpu)), Tensor::zeros([2], (Kind::Double, Device::Cpu)));
        let mut out = Vec::new();
        for x in xs {
            let gates: Tensor = of("weight_ih").mv(x) + of("bias_ih") + of("weight_hh").mv(&h) + of("bias_hh");
            let gate = |at: i64| gates.narrow(0, 2 * at, 2);
            c = gate(1).sigmoid() * &c + gate(0).sigmoid() * gate(2).tanh();
            h = gate(3).sigmoid() * c.tanh();
            out.push(h.shallow_clone());
        }
        out
    }

    fn mask(lengths: &[i64], l: i64) -> Tensor {
        let lengths = Tensor::from_slice(lengths).view([-1, 1]);
        Tensor::arange(l, (Kind::Int64, Device::Cpu)).ge_tensor(&lengths)
    }

    #[test]
    fn mixed_precision_leaves_it_in_the_kind_of_its_parameters() {
        let (_, lstm) = layer(true);
        let (xs, packing) = (noise(&[2, 3, 3]), Packing::new(None, [2, 3], Device::Cpu).unwrap());
        let plain = lstm.forward(&xs, &packing, &Cx::new(Mode::Train)).unwrap();
        let _guard = Autocast::bf16(Device::Cpu).unwrap();
        assert_eq!(lstm.forward(&xs, &packing, &Cx::new(Mode::Train)).unwrap(), plain);
        let rounded = lstm.forward(&xs.to_kind(Kind::BFloat16), &packing, &Cx::new(Mode::Train)).unwrap();
        assert_eq!(rounded.kind(), plain.kind());
    }

    #[test]
    fn each_item_is_the_formula_and_the_backward_direction_starts_at_the_end_of_its_sample() {
        let (params, lstm) = layer(true);
        let (xs, lengths) = (noise(&[3, 4, 3]), [2, 4, 1]);
        let packing = Packing::new(Some(&mask(&lengths, 4)), [3, 4], Device::Cpu).unwrap();
        assert_eq!(lstm.outputs(), 4);
        let ys = lstm.forward(&xs, &packing, &Cx::new(Mode::Eval)).unwrap();
        assert_eq!(ys.size(), [3, 4, 4]);
        for (sample, length) in lengths.into_iter().enumerate() {
            let items: Vec<Tensor> = (0..length).map(|t| xs.get(sample as i64).get(t)).collect();
            let reversed: Vec<Tensor> = items.iter().rev().map(Tensor::shallow_clone).collect();
            let forward = by_hand(&params, "forward", &items);
            let mut backward = by_hand(&params, "backward", &reversed);
            backward.reverse();
            for (t, (f, b)) in forward.iter().zip(&backward).enumerate() {
                let found = ys.get(sample as i64).get(t as i64);
                let off = (found - Tensor::cat(&[f, b], 0)).abs().max().double_value(&[]);
                assert!(off < 1e-12, "sample {sample}, item {t}: {off}");
            }
            let padding = ys.get(sample as i64).narrow(0, length, 4 - length);
            assert!(padding.abs().sum(Kind::Double).double_value(&[]).to_bits() == 0);
        }
    }

    #[test]
    fn what_stands_in_the_padding_and_how_wide_it_is_changes_no_bit() {
        let (_, lstm) = layer(true);
        let cx = Cx::new(Mode::Eval);
        let (xs, lengths) = (noise(&[3, 4, 3]), [2, 4, 0]);
        let run = |xs: &Tensor| {
            let l = xs.size()[1];
            let packing = Packing::new(Some(&mask(&lengths, l)), [3, l], Device::Cpu).unwrap();
            lstm.forward(xs, &packing, &cx).unwrap()
        };
        let ys = run(&xs);
        let hidden = mask(&lengths, 4).unsqueeze(-1);
        assert_eq!(run(&xs.masked_fill(&hidden, 77.0)), ys);
        let wider = run(&xs.constant_pad_nd([0, 0, 0, 3]));
        assert_eq!(wider.narrow(1, 0, 4), ys);
        let alone = Packing::new(None, [1, 2], Device::Cpu).unwrap();
        let first = lstm.forward(&xs.narrow(0, 0, 1).narrow(1, 0, 2), &alone, &cx).unwrap();
        assert!((first - ys.narrow(0, 0, 1).narrow(1, 0, 2)).abs().max().double_value(&[]) < 1e-14);
        let nothing = lstm.forward(&xs.narrow(1, 0, 0), &alone, &cx).unwrap();
        assert_eq!(nothing.size(), [3, 0, 4]);
    }

    #[test]
    fn gradients_are_those_of_differences() {
        let (params, lstm) = layer(true);
        let xs = noise(&[2, 3, 3]);
        let packing = Packing::new(Some(&mask(&[3, 2], 3)), [2, 3], Device::Cpu).unwrap();
        let weights = noise(&[2, 3, 4]).cos();
        let loss = || {
            let ys = lstm.forward(&xs, &packing, &Cx::new(Mode::Train)).unwrap();
            (ys * &weights).sum(Kind::Double)
        };
        let all: Vec<&Tensor> = params.params().iter().map(|p| p.tensor()).collect();
        let gradients = grad(&[&loss()], None, &all, Graph::Free).unwrap();
        let step = 1e-6;
        for (param, gradient) in params.params().iter().zip(gradients) {
            let gradient = gradient.unwrap().view([-1]);
            for at in [0, gradient.size()[0] / 2, gradient.size()[0] - 1] {
                let moved = |by: f64| {
                    let _guard = tch::no_grad_guard();
                    let mut place = param.tensor().view([-1]).narrow(0, at, 1);
                    let _ = place.g_add_scalar_(by);
                    let found = loss().double_value(&[]);
                    let _ = place.g_add_scalar_(-by);
                    found
                };
                let slope = (moved(step) - moved(-step)) / (2.0 * step);
                assert!((slope - gradient.double_value(&[at])).abs() < 1e-7, "{} at {at}", param.name());
            }
        }
    }

    #[test]
    fn the_tape_counts_items_and_sizes_are_checked() {
        let (_, lstm) = layer(false);
        let packing = Packing::new(Some(&mask(&[3, 1], 3)), [2, 3], Device::Cpu).unwrap();
        let cx = Cx::new(Mode::Eval).with_tape();
        let _ = lstm.forward(&noise(&[2, 3, 3]), &packing, &cx).unwrap();
        let tape = cx.take_tape();
        assert_eq!((tape.0.len(), tape.multiply_adds(), tape.0[0].layer.as_str()), (1, 4 * 5 * 8, "lstm.forward"));
        let e = lstm.forward(&noise(&[2, 3, 4]), &packing, &cx).unwrap_err().to_string();
        assert_eq!(e, "lstm: xs must be [.., 3], found [2, 3, 4]");
        let mut params = ParamSet::new(Kind::Float, Device::Cpu, 0);
        assert!(Lstm::new(&mut params.root(), 0, 3, true).is_err());
    }
}
