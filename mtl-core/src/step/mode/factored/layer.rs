//! A layer as factors: what it read, and the gradients of what it wrote.

use tch::Tensor;

use crate::{
    context::Product,
    error::{Error, Result, TorchContext},
    shim,
    step::pass::Pass,
    world::World,
};

/// A product with a shared weight that ran exactly once.
#[derive(Debug)]
pub(super) struct Layer {
    pub(super) name: String,
    pub(super) kind: LayerKind,
    /// As the layer read it, off the graph: `[n, in]`, `[E, b, in]`, or `[b, in, h, w]`.
    pub(super) input: Tensor,
    /// As the layer wrote it, on the graph.
    pub(super) output: Tensor,
    /// Index of the weight among the shared parameters.
    pub(super) weight: usize,
    /// Index of the bias.
    pub(super) bias: Option<usize>,
    /// Rows of `input` (for experts: of each) over all ranks: decisions about the layer's form hang on it.
    pub(super) rows_of_all: i64,
    /// Rows of the ranks before this one.
    pub(super) rows_before: i64,
}

/// Which product, with its sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LayerKind {
    Linear { inputs: i64, outputs: i64 },
    Experts { count: i64, inputs: i64, outputs: i64 },
    Conv2d { shape: [i64; 4], stride: i64, padding: i64 },
}

/// The layers of the tape that can be factored. Those that ran more than once (their weight gradient is a sum of
/// products) and those whose weight is not shared are left to exact rows.
pub(super) fn on_tape(pass: &Pass<'_>) -> Result<Vec<Layer>> {
    let addresses: Vec<usize> = pass.shared_tensors().iter().map(|t| t.data_ptr() as usize).collect();
    let find = |t: &Tensor| addresses.iter().position(|&a| a == t.data_ptr() as usize);
    let mut uses = vec![0usize; addresses.len()];
    let mut layers = Vec::new();
    for entry in &pass.forward.tape.0 {
        let (weight, bias) = match &entry.product {
            Product::Linear { weight, bias }
            | Product::Experts { weight, bias }
            | Product::Conv2d { weight, bias, .. } => (weight, bias.as_ref()),
            Product::Recurrent { .. } | Product::Ensemble { .. } => continue,
        };
        let (Some(position), bias) = (find(weight), bias.map(&find)) else { continue };
        uses[position] += 1;
        if bias == Some(None) || !entry.output.requires_grad() {
            uses[position] += 1; // a weight with somebody else's bias: not worth a special case
            continue;
        }
        let shape = weight.size();
        let input = entry.input.f_detach().op("factored step")?;
        let (kind, input) = match entry.product {
            Product::Linear { .. } => {
                let kind = LayerKind::Linear { inputs: shape[1], outputs: shape[0] };
                (kind, input.f_reshape([-1, shape[1]]).op("factored step")?)
            }
            Product::Experts { .. } => {
                let kind = LayerKind::Experts { count: shape[0], inputs: shape[1], outputs: shape[2] };
                (kind, input) // [E, b, in]
            }
            Product::Conv2d { stride, padding, .. } => {
                let shape = [shape[0], shape[1], shape[2], shape[3]];
                (LayerKind::Conv2d { shape, stride, padding }, input)
            }
            Product::Recurrent { .. } | Product::Ensemble { .. } => continue,
        };
        let output = entry.output.shallow_clone();
        let name = entry.layer.clone();
        let bias = bias.flatten();
        let mut layer = Layer { name, kind, input, output, weight: position, bias, rows_of_all: 0, rows_before: 0 };
        layer.rows_of_all = layer.samples();
        layers.push(layer);
    }
    layers.retain(|layer| uses[layer.weight] == 1);
    count_rows(&mut layers, pass.world.as_ref())?;
    Ok(layers)
}

/// Tells every layer how many rows all ranks have, and where this rank's begin.
fn count_rows(layers: &mut [Layer], world: &dyn World) -> Result<()> {
    if world.size() == 1 {
        return Ok(());
    }
    let own: Vec<u8> = layers.iter().flat_map(|layer| layer.samples().to_le_bytes()).collect();
    let mut all = Vec::with_capacity(world.size());
    for bytes in world.gather(&own)? {
        let counts: Vec<i64> = bytes.as_chunks().0.iter().map(|chunk| i64::from_le_bytes(*chunk)).collect();
        if counts.len() != layers.len() {
            let reason = format!("a rank has {} layers with shared weights, another {}", counts.len(), layers.len());
            return Err(Error::Ranks { reason });
        }
        all.push(counts);
    }
    for (l, layer) in layers.iter_mut().enumerate() {
        layer.rows_before = all.iter().take(world.rank()).map(|counts| counts[l]).sum();
        layer.rows_of_all = all.iter().map(|counts| counts[l]).sum();
    }
    Ok(())
}

/// Indices of the shared parameters that need exact rows.
pub(super) fn not_covered(pass: &Pass<'_>, layers: &[Layer]) -> Vec<usize> {
    let mut covered = vec![false; pass.shared.len()];
    for layer in layers {
        covered[layer.weight] = true;
        if let Some(bias) = layer.bias {
            covered[bias] = true;
        }
    }
    (0..covered.len()).filter(|&i| !covered[i]).collect()
}

impl Layer {
    /// Length of the axis that is divided among ranks.
    pub(super) fn samples(&self) -> i64 {
        match self.kind {
            LayerKind::Linear { .. } | LayerKind::Conv2d { .. } => self.input.size()[0],
            LayerKind::Experts { .. } => self.input.size()[1],
        }
    }

    /// Width of what the layer reads: the axis that a sketch shortens.
    pub(super) fn inputs(&self) -> i64 {
        match self.kind {
            LayerKind::Linear { inputs, .. } | LayerKind::Experts { inputs, .. } => inputs,
            LayerKind::Conv2d { shape, .. } => shape[1],
        }
    }

    /// The gradient of a linear layer's output as a matrix `[n, out]`.
    pub(super) fn matrix(&self, cotangent: &Tensor) -> Result<Tensor> {
        cotangent.f_reshape([-1, cotangent.size().last().copied().unwrap_or(1)]).op(self.name.as_str())
    }

    /// The weight gradient, with another input than the layer's own if it was projected: `r` columns in place of the
    /// layer's inputs.
    pub(super) fn weight_grad_of(&self, cotangent: &Tensor, input: &Tensor) -> Result<Tensor> {
        match self.kind {
            LayerKind::Linear { .. } => {
                let cotangent = self.matrix(cotangent)?;
                cotangent.f_tr().and_then(|d| d.f_matmul(input)).op(self.name.as_str())
            }
            LayerKind::Experts { .. } => {
                input.f_transpose(1, 2).and_then(|a| a.f_bmm(cotangent)).op(self.name.as_str()) // [E, in, out]
            }
            LayerKind::Conv2d { shape: [o, _, kh, kw], stride, padding } => {
                shim::conv_weight_grad(cotangent, input, [o, input.size()[1], kh, kw], stride, padding)
            }
        }
    }

    pub(super) fn weight_grad(&self, cotangent: &Tensor) -> Result<Tensor> {
        self.weight_grad_of(cotangent, &self.input)
    }

    pub(super) fn bias_grad(&self, cotangent: &Tensor) -> Result<Tensor> {
        let kind = cotangent.kind();
        let sum = match self.kind {
            LayerKind::Linear { .. } => self.matrix(cotangent)?.f_sum_dim_intlist(0i64, false, kind),
            LayerKind::Experts { .. } => cotangent.f_sum_dim_intlist(1i64, true, kind), // [E, 1, out]
            LayerKind::Conv2d { .. } => cotangent.f_sum_dim_intlist([0i64, 2, 3].as_slice(), false, kind),
        };
        sum.op(self.name.as_str())
    }
}
