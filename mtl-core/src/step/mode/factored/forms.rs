//! A layer's part of the Gramian from its factors, `<W_i, W_j>` with `W_t = D_t^T a`.
//!
//! | form | computes | multiply-adds (linear layer, `n` rows, `K` tasks) | exact |
//! |---|---|---|---|
//! | direct | all `W_t`, then their products | `K n in out` | yes |
//! | trace | `<D_i, T D_j>` with `T = a a^T` | `n^2 in + K n^2 out` | yes |
//! | sketch | `<D_i^T a P, D_j^T a P>` with `P [in, r]` | `n in r + K n r out` | unbiased |
//!
//! Sums over ranks: of all `W_t` in the direct form, of all `D_t^T a P` in the sketch; a trace is not made then.
//!
//! Trace is cheap where the batch is smaller than the layer is wide. Direct is the exact form of convolutions; it makes
//! the weight gradients, which the combination then uses.

use tch::Tensor;

use super::{
    layer::{Layer, LayerKind},
    sketch::Projection,
};
use crate::{
    error::{Result, TorchContext},
    rng::derive,
    shim::Rows,
    step::reduce,
    world::World,
};

/// How one layer's part is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Direct,
    Trace,
    Sketch { rank: i64 },
}

impl Form {
    /// The cheaper exact form.
    pub(super) fn exact(layer: &Layer, k: usize) -> Self {
        match trace_cost(layer, k) {
            Some(cost) if cost < direct_cost(layer, k) => Self::Trace,
            _ => Self::Direct,
        }
    }

    /// A sketch, unless an exact form costs no more.
    pub(super) fn sketched(layer: &Layer, rank: i64, k: usize) -> Self {
        let exact = Self::exact(layer, k);
        if layer.inputs() <= rank {
            return exact;
        }
        #[expect(clippy::cast_precision_loss, reason = "sizes of layers")]
        let share = rank as f64 / layer.inputs() as f64;
        let best = trace_cost(layer, k).unwrap_or(f64::INFINITY);
        if best <= share * direct_cost(layer, k) { exact } else { Self::Sketch { rank } }
    }
}

#[expect(clippy::cast_precision_loss, reason = "sizes of layers")]
fn direct_cost(layer: &Layer, k: usize) -> f64 {
    let n = layer.rows_of_all as f64;
    match layer.kind {
        LayerKind::Linear { inputs, outputs } => k as f64 * n * inputs as f64 * outputs as f64,
        LayerKind::Conv2d { .. } | LayerKind::Experts { .. } => k as f64, // only compared with itself
    }
}

#[expect(clippy::cast_precision_loss, reason = "sizes of layers")]
fn trace_cost(layer: &Layer, k: usize) -> Option<f64> {
    let LayerKind::Linear { inputs, outputs } = layer.kind else { return None };
    let (n, k) = (layer.rows_of_all as f64, k as f64);
    // The last term is the inner products themselves: in f64, and of both sides.
    Some(n * n * inputs as f64 + k * n * n * outputs as f64 + 16.0 * k * k * n * outputs as f64)
}

/// A layer's part of the Gramian.
#[derive(Debug)]
pub(super) struct LayerGram {
    /// `[k, k]`.
    pub(super) values: Vec<f64>,
    /// Difference of the two halves of the sketch, `[k, k]`; empty for exact forms.
    pub(super) spread: Vec<f64>,
    /// The weight gradients, where the form made them.
    pub(super) rows: Option<Rows>,
}

impl LayerGram {
    pub(super) fn is_estimate(&self) -> bool {
        !self.spread.is_empty()
    }

    /// Drops tasks; `k` is how many there were.
    pub(super) fn keep(&mut self, rows: &[usize], k: usize) {
        let pick =
            |values: &Vec<f64>| rows.iter().flat_map(|&i| rows.iter().map(move |&j| values[i * k + j])).collect();
        self.values = pick(&self.values);
        if self.is_estimate() {
            self.spread = pick(&self.spread);
        }
        if let Some(made) = &mut self.rows {
            // Indices come from the rows themselves.
            let _ = made.keep(rows);
        }
    }
}

/// Computes a layer's part from column `column` of the outputs' gradients.
pub(super) fn gram(
    layer: &Layer,
    outputs: &Rows,
    column: usize,
    form: Form,
    seed: u64,
    world: &dyn World,
) -> Result<LayerGram> {
    match form {
        // The trace needs the products of all samples with all others, of which every rank has some.
        Form::Trace if world.size() == 1 => trace(layer, outputs, column),
        Form::Direct | Form::Trace => direct(layer, outputs, column, world),
        Form::Sketch { rank } => sketch(layer, outputs, column, rank, seed, world),
    }
}

fn direct(layer: &Layer, outputs: &Rows, column: usize, world: &dyn World) -> Result<LayerGram> {
    let mut rows = Rows::given(1)?;
    for k in 0..outputs.len() {
        let grad = outputs.get(k, column)?.map(|d| layer.weight_grad(&d)).transpose()?;
        rows.push(&[grad])?;
    }
    reduce::rows(world, &mut rows)?;
    Ok(LayerGram { values: rows.gramian(None)?, spread: Vec::new(), rows: Some(rows) })
}

fn trace(layer: &Layer, outputs: &Rows, column: usize) -> Result<LayerGram> {
    let name = layer.name.as_str();
    let t = layer.input.f_tr().and_then(|a| layer.input.f_matmul(&a)).op(name)?; // [n, n]
    let k = outputs.len();
    let mut both = Rows::given(1)?;
    let mut right: Vec<Option<Tensor>> = Vec::with_capacity(k);
    for i in 0..k {
        let d = outputs.get(i, column)?.map(|d| layer.matrix(&d)).transpose()?;
        right.push(d.as_ref().map(|d| t.f_matmul(d).op(name)).transpose()?);
        both.push(&[d])?;
    }
    right.into_iter().try_for_each(|d| both.push(&[d]))?;
    let all = both.gramian(None)?; // [2k, 2k], of which the upper right quarter is wanted
    let mut values = Vec::with_capacity(k * k);
    for i in 0..k {
        for j in 0..k {
            values.push(0.5 * (all[i * 2 * k + k + j] + all[j * 2 * k + k + i]));
        }
    }
    Ok(LayerGram { values, spread: Vec::new(), rows: None })
}

fn sketch(layer: &Layer, outputs: &Rows, column: usize, rank: i64, seed: u64, world: &dyn World) -> Result<LayerGram> {
    let projection = Projection::new(layer, rank, derive(seed, &layer.name, 0), world)?;
    let input = projection.apply(layer)?;
    let mut rows = Rows::given(3)?;
    for k in 0..outputs.len() {
        let Some(d) = outputs.get(k, column)? else {
            rows.push(&[None, None, None])?;
            continue;
        };
        let grad = projection.grad(layer, &d, &input)?; // [r, ..]
        let parts = projection.parts().map(|(at, n)| grad.f_narrow(0, at, n).op(layer.name.as_str()));
        rows.push(&parts.into_iter().map(|p| p.map(Some)).collect::<Result<Vec<_>>>()?)?;
    }
    reduce::rows(world, &mut rows)?;
    let (lead, first, second) = (rows.gramian(Some(&[0]))?, rows.gramian(Some(&[1]))?, rows.gramian(Some(&[2]))?);
    let values = lead.iter().zip(first.iter().zip(&second)).map(|(l, (a, b))| l + a + b).collect();
    let spread = first.iter().zip(&second).map(|(a, b)| a - b).collect();
    Ok(LayerGram { values, spread, rows: None })
}
