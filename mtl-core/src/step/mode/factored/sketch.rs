//! A random projection of a layer's input that keeps inner products of weight gradients in expectation.
//!
//! ```text
//! P = [Q, (I - Q Q^T) S]                  [in, r]: half of the columns each
//! Q   the leading directions of the input (one step of subspace iteration on a sample of its rows), orthonormal
//! S   signs and columns of a Hadamard matrix, S_ij = s_i H_{i, c_j} / sqrt(r / 2), so E[S S^T] = I with an exact diagonal
//! ```
//! `W P` splits the weight gradient `W = D^T a` into what lies along `Q`, which is kept exactly, and the rest, which is
//! sketched: `E[<W_i P, W_j P>] = <W_i, W_j>` for any orthonormal `Q`. Activations after a rectifier have one dominant
//! direction (their mean) that would otherwise make the sketch's error that of a rank-one matrix, its worst case.
//!
//! Reference for the split: Meyer, Musco, Musco and Woodruff, "Hutch++: Optimal Stochastic Trace Estimation", SOSA 2021;
//! for the Hadamard columns: Ailon and Chazelle, "The Fast Johnson-Lindenstrauss Transform", SICOMP 2009.
//!
//! The random half is made of two quarters that estimate independently: their difference is the estimate of the error.

use tch::Tensor;

use super::layer::{Layer, LayerKind};
use crate::{
    error::{Result, TorchContext},
    rng::Rng,
    step::reduce,
    world::World,
};

/// Rows of the input that the leading directions are taken from.
const SAMPLE: i64 = 256;

/// `P`, for one layer and one step.
#[derive(Debug)]
pub(super) struct Projection {
    /// `[in, r]`.
    p: Tensor,
    lead: i64,
    quarter: i64,
}

impl Projection {
    /// A projection of the layer's input onto `rank` columns (rounded down to a multiple of 4).
    /// The same on every rank: its leading directions are those of all ranks' samples.
    pub(super) fn new(layer: &Layer, rank: i64, seed: u64, world: &dyn World) -> Result<Self> {
        let quarter = rank / 4;
        let lead = 2 * quarter;
        let mut rng = Rng::new(seed);
        let sample = sample(layer)?; // [<= SAMPLE, in]
        let probe = hadamard(layer.inputs(), lead, &mut rng, &sample)?;
        let along = sample.f_matmul(&probe).and_then(|y| sample.f_tr().and_then(|a| a.f_matmul(&y)));
        let mut along = [Some(along.op(layer.name.as_str())?)];
        reduce::list(world, &mut along)?;
        let [along] = along;
        let (q, _) = Tensor::f_linalg_qr(&along.unwrap_or_default(), "reduced").op(layer.name.as_str())?; // [in, lead]
        let s = hadamard(layer.inputs(), 2 * quarter, &mut rng, &sample)?;
        let inside = q.f_tr().and_then(|t| t.f_matmul(&s)).and_then(|c| q.f_matmul(&c)).op(layer.name.as_str())?;
        let rest = s.f_sub(&inside).op(layer.name.as_str())?;
        let p = Tensor::f_cat(&[q, rest], 1).op(layer.name.as_str())?;
        Ok(Self { p, lead, quarter })
    }

    /// The projected input: `[n, r]`, `[E, b, r]` or `[b, r, h, w]`.
    pub(super) fn apply(&self, layer: &Layer) -> Result<Tensor> {
        match layer.kind {
            // Experts that read the same features share the projection, as do those that read their own.
            LayerKind::Linear { .. } | LayerKind::Experts { .. } => {
                layer.input.f_matmul(&self.p).op(layer.name.as_str())
            }
            LayerKind::Conv2d { .. } => {
                let kernel = self.p.f_tr().and_then(|t| t.f_reshape([self.p.size()[1], self.p.size()[0], 1, 1]));
                let bias: Option<&Tensor> = None;
                let input = kernel.and_then(|k| layer.input.f_conv2d(&k, bias, [1, 1], [0, 0], [1, 1], 1));
                input.op(layer.name.as_str())
            }
        }
    }

    /// The weight gradient for the projected input, `[r, out, ..]`: the projected axis in front.
    pub(super) fn grad(&self, layer: &Layer, cotangent: &Tensor, input: &Tensor) -> Result<Tensor> {
        let name = layer.name.as_str();
        match layer.kind {
            // Not the transpose of `weight_grad_of`: this way round the product is a third faster and needs no copy.
            LayerKind::Linear { .. } => {
                let matrix = layer.matrix(cotangent)?;
                input.f_tr().and_then(|z| z.f_matmul(&matrix)).op(name)
            }
            _ => layer.weight_grad_of(cotangent, input)?.f_transpose(0, 1).op(name),
        }
    }

    /// Start and length of the leading part and of the two random quarters.
    pub(super) fn parts(&self) -> [(i64, i64); 3] {
        [(0, self.lead), (self.lead, self.quarter), (self.lead + self.quarter, self.quarter)]
    }
}

/// Where this rank's first of every `stride` rows of all ranks is.
fn first(layer: &Layer, stride: i64) -> Option<i64> {
    Some((stride - layer.rows_before % stride) % stride)
}

/// Some rows `[n, in]` of the layer's input, evenly spread over all ranks.
fn sample(layer: &Layer) -> Result<Tensor> {
    let name = layer.name.as_str();
    match layer.kind {
        LayerKind::Linear { .. } => {
            let stride = (layer.rows_of_all / SAMPLE).max(1);
            layer.input.f_slice(0, first(layer, stride), None, stride).op(name)
        }
        LayerKind::Experts { inputs, .. } => {
            let rows = layer.input.size()[0] * layer.rows_of_all;
            let stride = (rows / SAMPLE).max(1);
            let step = stride.min(layer.rows_of_all);
            let some = layer.input.f_slice(1, first(layer, step), None, step).and_then(|x| x.f_reshape([-1, inputs]));
            some.op(name)
        }
        LayerKind::Conv2d { .. } => {
            let size = layer.input.size(); // [b, c, h, w]
            let mut stride = 1;
            while layer.rows_of_all * (size[2] / (stride + 1)).max(1) * (size[3] / (stride + 1)).max(1) >= SAMPLE
                && stride < size[2].max(size[3])
            {
                stride += 1;
            }
            let cells = layer.input.f_slice(2, None, None, stride).and_then(|x| x.f_slice(3, None, None, stride));
            cells.and_then(|x| x.f_permute([0, 2, 3, 1])).and_then(|x| x.f_reshape([-1, size[1]])).op(name)
        }
    }
}

/// `[rows, columns]` of signs over `sqrt(columns)`: different columns of a Hadamard matrix, every row with a random sign.
fn hadamard(rows: i64, columns: i64, rng: &mut Rng, like: &Tensor) -> Result<Tensor> {
    let size = (rows.max(columns).unsigned_abs()).next_power_of_two();
    let mut chosen: Vec<u64> = Vec::new();
    while (chosen.len() as i64) < columns {
        let c = rng.below(size);
        if !chosen.contains(&c) {
            chosen.push(c);
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "a small count")]
    let scale = 1.0 / (columns as f64).sqrt();
    let mut values = Vec::with_capacity(usize::try_from(rows * columns).unwrap_or(0));
    for i in 0..rows.unsigned_abs() {
        let sign = if rng.below(2) == 0 { scale } else { -scale };
        values.extend(chosen.iter().map(|&c| if (i & c).count_ones() % 2 == 0 { sign } else { -sign }));
    }
    let values = Tensor::from_slice(&values).f_view([rows, columns]).op("sketch")?;
    values.f_to_device(like.device()).and_then(|v| v.f_to_kind(like.kind())).op("sketch")
}
