//! Gradient rows: one per task, each a list of per-parameter gradients that stays on the C++ side.
//!
//! The `K x P` Jacobian is never one matrix. A [`Rows`] is filled by backward passes, asked for Gramians, and used up by a
//! combination, which is written over the rows' own memory.

use std::{borrow::Borrow, ptr, sync::Arc};

use tch::{Device, Kind, Tensor};

use super::{check, ffi, ffi::Handle, handle, handles, same_len, take};
use crate::{
    error::{Error, Result},
    world::World,
};

/// Gradients of several tasks with respect to the same tensors.
#[derive(Debug)]
pub struct Rows {
    raw: *mut ffi::RawRows,
    columns: usize,
    len: usize,
}

// Nothing in it is bound to a thread: tensors are reference-counted atomically, and every use borrows.
unsafe impl Send for Rows {}

impl Drop for Rows {
    fn drop(&mut self) {
        unsafe { ffi::mtl_rows_free(self.raw) }
    }
}

impl Rows {
    /// No rows yet, for gradients with respect to `inputs`.
    ///
    /// # Errors
    /// [`Error::Torch`] for an input that does not require grad.
    pub fn of(inputs: &[&Tensor]) -> Result<Self> {
        let inputs = handles(inputs);
        Self::make(inputs.len(), inputs.as_ptr())
    }

    /// No rows yet, of `columns` tensors each that will be given.
    ///
    /// # Errors
    /// [`Error::Torch`] when memory is short.
    pub fn given(columns: usize) -> Result<Self> {
        Self::make(columns, ptr::null())
    }

    fn make(columns: usize, inputs: *const Handle) -> Result<Self> {
        let mut raw = ptr::null_mut();
        check("gradient rows", unsafe { ffi::mtl_rows_new(columns as i64, inputs, &raw mut raw) })?;
        Ok(Self { raw, columns, len: 0 })
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many tensors a row has.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// One backward pass of `factor * loss`: adds its gradient with respect to the inputs as a row, and gives the
    /// gradients with respect to `extra`.
    ///
    /// # Errors
    /// [`Error::Torch`] when the loss is no scalar, has no graph, or the graph has been freed.
    pub fn backward(
        &mut self,
        loss: &Tensor,
        factor: f64,
        extra: &[&Tensor],
        keep_graph: bool,
    ) -> Result<Vec<Option<Tensor>>> {
        let extra = handles(extra);
        let mut result = vec![ptr::null_mut(); extra.len()];
        check("gradient", unsafe {
            ffi::mtl_rows_backward(
                self.raw,
                handle(loss),
                factor,
                extra.as_ptr(),
                extra.len() as i64,
                i32::from(keep_graph),
                result.as_mut_ptr(),
            )
        })?;
        self.len += 1;
        Ok(result.into_iter().map(take).collect())
    }

    /// Adds one row per task by a single batched backward pass; `cotangents[i]` is `[tasks, ..outputs[i]]`.
    ///
    /// # Errors
    /// [`Error::Shape`] when there are not as many cotangents as outputs; [`Error::Torch`] when shapes differ or an
    /// operation of the graph cannot be batched.
    pub fn backward_batched<O: Borrow<Tensor>>(
        &mut self,
        outputs: &[O],
        cotangents: &[Tensor],
        tasks: usize,
        keep_graph: bool,
    ) -> Result<()> {
        same_len("batched gradient", outputs.len(), &[("cotangents", cotangents.len())])?;
        let (outs, cots) = (handles(outputs), handles(cotangents));
        check("batched gradient", unsafe {
            ffi::mtl_rows_vmap(
                self.raw,
                outs.as_ptr(),
                cots.as_ptr(),
                outs.len() as i64,
                tasks as i64,
                i32::from(keep_graph),
            )
        })?;
        self.len += tasks;
        Ok(())
    }

    /// Adds a row; `None` counts as zeros.
    ///
    /// # Errors
    /// [`Error::Shape`] for another number of tensors; [`Error::Torch`] for another shape than in the rows before.
    pub fn push(&mut self, row: &[Option<Tensor>]) -> Result<()> {
        same_len("gradient rows", self.columns, &[("row", row.len())])?;
        let row: Vec<Handle> = row.iter().map(|g| g.as_ref().map_or(ptr::null_mut(), handle)).collect();
        check("gradient rows", unsafe { ffi::mtl_rows_push(self.raw, row.as_ptr()) })?;
        self.len += 1;
        Ok(())
    }

    /// Adds `grad` to one entry.
    ///
    /// # Errors
    /// [`Error::Torch`] when there is no such entry or the shapes differ.
    pub fn add(&mut self, row: usize, column: usize, grad: &Tensor) -> Result<()> {
        check("gradient rows", unsafe { ffi::mtl_rows_add(self.raw, row as i64, column as i64, handle(grad)) })
    }

    /// Multiplies one row.
    ///
    /// # Errors
    /// [`Error::Torch`] when there is no such row.
    pub fn scale(&mut self, row: usize, factor: f64) -> Result<()> {
        check("gradient rows", unsafe { ffi::mtl_rows_scale(self.raw, row as i64, factor) })
    }

    /// One entry; it shares its memory.
    ///
    /// # Errors
    /// [`Error::Torch`] when there is no such entry.
    pub fn get(&self, row: usize, column: usize) -> Result<Option<Tensor>> {
        let mut out = ptr::null_mut();
        check("gradient rows", unsafe { ffi::mtl_rows_get(self.raw, row as i64, column as i64, &raw mut out) })?;
        Ok(take(out))
    }

    /// Drops all rows but those whose indices are given, ascending.
    ///
    /// # Errors
    /// [`Error::Torch`] for an index out of range.
    pub fn keep(&mut self, rows: &[usize]) -> Result<()> {
        let index = indices(rows);
        check("gradient rows", unsafe { ffi::mtl_rows_keep(self.raw, index.as_ptr(), index.len() as i64) })?;
        self.len = rows.len();
        Ok(())
    }

    /// The Gramian `[k, k]` over the given columns (all without), row-major: summed in f64, every column read once. The
    /// bits do not depend on the number of threads.
    ///
    /// # Errors
    /// [`Error::Shape`] for a column out of range.
    pub fn gramian(&self, columns: Option<&[usize]>) -> Result<Vec<f64>> {
        let mut gram = vec![0.0; self.len * self.len];
        let (index, n) = self.index(columns)?;
        check("gramian", unsafe {
            ffi::mtl_rows_gram(self.raw, index.as_ref().map_or(ptr::null(), Vec::as_ptr), n, gram.as_mut_ptr())
        })?;
        Ok(gram)
    }

    /// `sum_i weights[i] * row i` over the given columns (all without), one tensor per column, `None` where no row has
    /// one. Uses those columns up.
    ///
    /// # Errors
    /// [`Error::Shape`] for a column out of range or another number of weights than rows.
    pub fn combine(&mut self, columns: Option<&[usize]>, weights: &[f64]) -> Result<Vec<Option<Tensor>>> {
        same_len("combine gradients", self.len, &[("weights", weights.len())])?;
        let (index, n) = self.index(columns)?;
        let mut result = vec![ptr::null_mut(); columns.map_or(self.columns, <[usize]>::len)];
        check("combine gradients", unsafe {
            ffi::mtl_rows_combine(
                self.raw,
                index.as_ref().map_or(ptr::null(), Vec::as_ptr),
                n,
                weights.as_ptr(),
                result.as_mut_ptr(),
            )
        })?;
        Ok(result.into_iter().map(take).collect())
    }

    fn index(&self, columns: Option<&[usize]>) -> Result<(Option<Vec<i64>>, i64)> {
        let Some(columns) = columns else { return Ok((None, self.columns as i64)) };
        if let Some(odd) = columns.iter().find(|&&c| c >= self.columns) {
            return Err(Error::Shape {
                op: "gradient rows".into(),
                tensor: "columns",
                expected: format!("indices below {}", self.columns),
                found: vec![*odd as i64],
            });
        }
        Ok((Some(indices(columns)), columns.len() as i64))
    }
}

/// The Gramian of the gradients that `cotangents` (`[tasks, ..outputs[i]]`) have with respect to `leaves`, by one batched
/// backward pass that drops every parameter's gradients as soon as its part of the Gramian is known; with several ranks the
/// gradients are summed over them before. The graph is kept.
///
/// # Errors
/// As [`Rows::backward_batched`] and [`World::sum`].
pub fn vmap_gramian<O: Borrow<Tensor>>(
    outputs: &[O],
    cotangents: &[Tensor],
    tasks: usize,
    leaves: &[&Tensor],
    world: &Arc<dyn World>,
) -> Result<Vec<f64>> {
    same_len("batched gradient", outputs.len(), &[("cotangents", cotangents.len())])?;
    let (outs, cots, leaves) = (handles(outputs), handles(cotangents), handles(leaves));
    let mut gram = vec![0.0; tasks * tasks];
    // Borrowed for the call.
    let ranks = if world.size() > 1 { ptr::from_ref(world).cast_mut().cast() } else { ptr::null_mut() };
    check("batched gradient", unsafe {
        ffi::mtl_vmap_gram(
            outs.as_ptr(),
            cots.as_ptr(),
            outs.len() as i64,
            tasks as i64,
            leaves.as_ptr(),
            leaves.len() as i64,
            ranks,
            super::ranks::sum,
            gram.as_mut_ptr(),
        )
    })?;
    Ok(gram)
}

fn indices(list: &[usize]) -> Vec<i64> {
    list.iter().map(|&i| i as i64).collect()
}

/// The numbers of a tensor, without a copy.
///
/// # Errors
/// [`Error::Kind`] unless it is a contiguous `Float` tensor on the CPU.
pub fn f32_values(tensor: &Tensor) -> Result<&[f32]> {
    let plain = tensor.kind() == Kind::Float && tensor.device() == Device::Cpu && tensor.is_contiguous();
    if !plain {
        return Err(Error::Kind {
            op: "values".into(),
            tensor: "tensor",
            expected: "Float, contiguous, on the CPU",
            found: format!("{:?}", tensor.kind()),
        });
    }
    match tensor.numel() {
        0 => Ok(&[]),
        // The storage lives as long as the tensor that the slice borrows.
        n => Ok(unsafe { std::slice::from_raw_parts(tensor.data_ptr().cast_const().cast(), n) }),
    }
}
