//! Gradients of outputs with respect to inputs, and questions about the graph between them.

use std::{borrow::Borrow, ptr};

use tch::Tensor;

use super::{check, ffi, ffi::Handle, handle, handles, same_len, take};
use crate::error::Result;

/// Whether the autograd graph outlives a gradient call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Graph {
    /// Another gradient of the same graph follows.
    Keep,
    /// This was the last: free it.
    Free,
    /// The gradients get a graph of their own (second derivatives); the graph is kept.
    Create,
}

/// Gradients of `outputs`, weighted by `cotangents` and summed, with respect to `inputs`.
///
/// Without cotangents every output counts with ones. An input that the outputs do not depend on yields `None`.
///
/// # Errors
/// [`Error::Shape`](crate::Error::Shape) when there are not as many cotangents as outputs; [`Error::Torch`](crate::Error::Torch) when an input or output carries
/// no graph, a cotangent has another shape than its output, or the graph has been freed.
pub fn grad<O: Borrow<Tensor>, I: Borrow<Tensor>>(
    outputs: &[O],
    cotangents: Option<&[Tensor]>,
    inputs: &[I],
    graph: Graph,
) -> Result<Vec<Option<Tensor>>> {
    if let Some(cotangents) = cotangents {
        same_len("gradient", outputs.len(), &[("cotangents", cotangents.len())])?;
    }
    backward(&handles(outputs), cotangents.map(handles).as_deref(), None, &handles(inputs), graph)
}

/// As [`grad`] for scalar outputs, each weighted by a number.
///
/// # Errors
/// As [`grad`]; [`Error::Torch`](crate::Error::Torch) for an output that is no scalar.
pub fn grad_scaled<O: Borrow<Tensor>, I: Borrow<Tensor>>(
    outputs: &[O],
    factors: &[f64],
    inputs: &[I],
    graph: Graph,
) -> Result<Vec<Option<Tensor>>> {
    same_len("gradient", outputs.len(), &[("factors", factors.len())])?;
    backward(&handles(outputs), None, Some(factors), &handles(inputs), graph)
}

fn backward(
    outs: &[Handle],
    cotangents: Option<&[Handle]>,
    factors: Option<&[f64]>,
    ins: &[Handle],
    graph: Graph,
) -> Result<Vec<Option<Tensor>>> {
    let mut result = vec![ptr::null_mut(); ins.len()];
    let status = unsafe {
        ffi::mtl_grad(
            outs.as_ptr(),
            outs.len() as i64,
            cotangents.map_or(ptr::null(), <[Handle]>::as_ptr),
            factors.map_or(ptr::null(), <[f64]>::as_ptr),
            ins.as_ptr(),
            ins.len() as i64,
            i32::from(graph != Graph::Free),
            i32::from(graph == Graph::Create),
            result.as_mut_ptr(),
        )
    };
    check("gradient", status)?;
    Ok(result.into_iter().map(take).collect())
}

/// Sets or clears a parameter's `.grad`, for those who step with an optimizer of tch.
///
/// # Errors
/// [`Error::Torch`](crate::Error::Torch) when shapes or devices differ.
pub fn set_grad(parameter: &Tensor, grad: Option<&Tensor>) -> Result<()> {
    let grad = grad.map_or(ptr::null_mut(), handle);
    check("set gradient", unsafe { ffi::mtl_set_grad(handle(parameter), grad) })
}

/// Which of `leaves` the graph of `outputs` reaches without passing through one of `stops`.
///
/// # Errors
/// [`Error::Torch`](crate::Error::Torch) when a tensor carries no graph.
pub fn reached<O: Borrow<Tensor>, S: Borrow<Tensor>>(
    outputs: &[O],
    stops: &[S],
    leaves: &[&Tensor],
) -> Result<Vec<bool>> {
    let (outs, stops, inputs) = (handles(outputs), handles(stops), handles(leaves));
    let mut found = vec![0u8; leaves.len()];
    check("graph", unsafe {
        ffi::mtl_reached(
            outs.as_ptr(),
            outs.len() as i64,
            stops.as_ptr(),
            stops.len() as i64,
            inputs.as_ptr(),
            inputs.len() as i64,
            found.as_mut_ptr(),
        )
    })?;
    Ok(found.into_iter().map(|f| f != 0).collect())
}

/// How many operations a backward pass of `outputs` will dispatch.
///
/// # Errors
/// [`Error::Torch`](crate::Error::Torch) when libtorch refuses.
pub fn graph_size<O: Borrow<Tensor>>(outputs: &[O]) -> Result<usize> {
    let outs = handles(outputs);
    let mut size = 0i64;
    check("graph", unsafe { ffi::mtl_graph_size(outs.as_ptr(), outs.len() as i64, &raw mut size) })?;
    Ok(usize::try_from(size).unwrap_or(0))
}

/// The weight gradient of `conv2d(input, weight)` for a gradient of its output.
///
/// # Shapes
/// `cotangent`: `[b, o, h', w']`; `input`: `[b, i, h, w]`; result: `weight_shape`, `[o, i, kernel, kernel]`.
///
/// # Errors
/// [`Error::Torch`](crate::Error::Torch) when the shapes do not fit.
pub fn conv_weight_grad(
    cotangent: &Tensor,
    input: &Tensor,
    weight_shape: [i64; 4],
    stride: i64,
    padding: i64,
) -> Result<Tensor> {
    let mut out = ptr::null_mut();
    check("convolution weight gradient", unsafe {
        ffi::mtl_conv_weight_grad(
            handle(cotangent),
            handle(input),
            weight_shape.as_ptr(),
            stride,
            padding,
            &raw mut out,
        )
    })?;
    Ok(take(out).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind};

    use super::{super::SgdStep, super::fused_sgd, *};

    /// Fused steps read memory in its order, whatever the strides say.
    #[test]
    fn a_gradient_lies_in_memory_as_its_input_does() {
        let weight = Tensor::arange(6, (Kind::Double, Device::Cpu)).view([2, 3]).set_requires_grad(true);
        let factors = Tensor::from_slice(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).view([3, 2]);
        let grads = grad(&[&(weight.tr() * &factors).sum(Kind::Double)], None, &[&weight], Graph::Free).unwrap();
        let found = grads[0].as_ref().unwrap();
        assert!(found.is_contiguous() && found.equal(&factors.tr()));
        let _guard = tch::no_grad_guard();
        let before = weight.detach().copy();
        let step = SgdStep { lr: 0.5, momentum: 0.0, weight_decay: 0.0, nesterov: false, first: true };
        fused_sgd(&[&weight], &[found], &[], step).unwrap();
        assert!(weight.detach().equal(&(before - factors.tr() * 0.5)));
    }
}
