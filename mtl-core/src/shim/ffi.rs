//! The C ABI of `cpp/`: declarations only.

use std::os::raw::{c_char, c_void};

use torch_sys::C_tensor;

pub(super) type Handle = *mut C_tensor;

/// The C++ side's rows; only pointers to it exist here.
#[repr(C)]
pub(super) struct RawRows {
    _opaque: [u8; 0],
}

/// A recorded network; only pointers to it exist here.
#[repr(C)]
pub(super) struct RawTrace {
    _opaque: [u8; 0],
}

/// A loaded TorchScript module; only pointers to it exist here.
#[repr(C)]
pub(super) struct RawScript {
    _opaque: [u8; 0],
}

/// Sums a tensor over ranks: world, tensor, room for the reason why not.
pub(super) type SumTensor = extern "C" fn(*mut c_void, Handle, *mut c_char, usize) -> i32;

unsafe extern "C" {
    pub(super) fn mtl_last_error() -> *const c_char;
    pub(super) fn mtl_grad(
        outputs: *const Handle,
        n_outputs: i64,
        cotangents: *const Handle,
        factors: *const f64,
        inputs: *const Handle,
        n_inputs: i64,
        keep_graph: i32,
        create_graph: i32,
        result: *mut Handle,
    ) -> i32;
    pub(super) fn mtl_set_grad(parameter: Handle, grad: Handle) -> i32;
    pub(super) fn mtl_reached(
        outputs: *const Handle,
        n_outputs: i64,
        stops: *const Handle,
        n_stops: i64,
        leaves: *const Handle,
        n_leaves: i64,
        reached: *mut u8,
    ) -> i32;
    pub(super) fn mtl_graph_size(outputs: *const Handle, n_outputs: i64, size: *mut i64) -> i32;
    pub(super) fn mtl_conv_weight_grad(
        cotangent: Handle,
        input: Handle,
        weight_shape: *const i64,
        stride: i64,
        padding: i64,
        out: *mut Handle,
    ) -> i32;
    pub(super) fn mtl_dropout_mask(like: Handle, rate: f64, out: *mut Handle) -> i32;
    pub(super) fn mtl_lookup(table: Handle, rows: Handle, out: *mut Handle) -> i32;
    pub(super) fn mtl_rows_new(columns: i64, inputs: *const Handle, out: *mut *mut RawRows) -> i32;
    pub(super) fn mtl_rows_free(rows: *mut RawRows);
    pub(super) fn mtl_rows_backward(
        rows: *mut RawRows,
        output: Handle,
        factor: f64,
        extra: *const Handle,
        n_extra: i64,
        keep_graph: i32,
        result: *mut Handle,
    ) -> i32;
    pub(super) fn mtl_rows_vmap(
        rows: *mut RawRows,
        outputs: *const Handle,
        cotangents: *const Handle,
        n_outputs: i64,
        k: i64,
        keep_graph: i32,
    ) -> i32;
    pub(super) fn mtl_rows_push(rows: *mut RawRows, grads: *const Handle) -> i32;
    pub(super) fn mtl_rows_add(rows: *mut RawRows, row: i64, column: i64, grad: Handle) -> i32;
    pub(super) fn mtl_rows_scale(rows: *mut RawRows, row: i64, factor: f64) -> i32;
    pub(super) fn mtl_rows_get(rows: *mut RawRows, row: i64, column: i64, out: *mut Handle) -> i32;
    pub(super) fn mtl_rows_keep(rows: *mut RawRows, keep: *const i64, n: i64) -> i32;
    pub(super) fn mtl_rows_gram(rows: *const RawRows, columns: *const i64, n: i64, gram: *mut f64) -> i32;
    pub(super) fn mtl_rows_combine(
        rows: *mut RawRows,
        columns: *const i64,
        n: i64,
        weights: *const f64,
        result: *mut Handle,
    ) -> i32;
    pub(super) fn mtl_vmap_gram(
        outputs: *const Handle,
        cotangents: *const Handle,
        n_outputs: i64,
        k: i64,
        leaves: *const Handle,
        n_leaves: i64,
        world: *mut c_void,
        sum: SumTensor,
        gram: *mut f64,
    ) -> i32;
    pub(super) fn mtl_fused_adam(
        params: *const Handle,
        grads: *const Handle,
        exp_avgs: *const Handle,
        exp_avg_sqs: *const Handle,
        max_exp_avg_sqs: *const Handle,
        steps: *const Handle,
        n: i64,
        lr: f64,
        beta1: f64,
        beta2: f64,
        weight_decay: f64,
        eps: f64,
        decoupled: i32,
    ) -> i32;
    pub(super) fn mtl_fused_adagrad(
        params: *const Handle,
        grads: *const Handle,
        sums: *const Handle,
        steps: *const Handle,
        n: i64,
        lr: f64,
        lr_decay: f64,
        weight_decay: f64,
        eps: f64,
    ) -> i32;
    pub(super) fn mtl_rmsprop(
        params: *const Handle,
        grads: *const Handle,
        squares: *const Handle,
        means: *const Handle,
        momenta: *const Handle,
        n: i64,
        lr: f64,
        alpha: f64,
        weight_decay: f64,
        eps: f64,
        momentum: f64,
    ) -> i32;
    pub(super) fn mtl_lion(
        params: *const Handle,
        grads: *const Handle,
        momenta: *const Handle,
        n: i64,
        lr: f64,
        beta1: f64,
        beta2: f64,
        weight_decay: f64,
    ) -> i32;
    pub(super) fn mtl_average(averages: *const Handle, tensors: *const Handle, n: i64, share: f64) -> i32;
    pub(super) fn mtl_fused_sgd(
        params: *const Handle,
        grads: *const Handle,
        momenta: *const Handle,
        n: i64,
        lr: f64,
        momentum: f64,
        weight_decay: f64,
        nesterov: i32,
        first_step: i32,
    ) -> i32;
    pub(super) fn mtl_global_norm(grads: *const Handle, n: i64, out: *mut Handle) -> i32;
    pub(super) fn mtl_scale(tensors: *const Handle, n: i64, factor: f64) -> i32;
    pub(super) fn mtl_autocast_enter(cuda: i32, enabled: i32, previous: *mut i32) -> i32;
    pub(super) fn mtl_autocast_exit(cuda: i32, previous: *const i32) -> i32;
    pub(super) fn mtl_manual_seed(seed: u64) -> i32;
    pub(super) fn mtl_set_deterministic(on: i32) -> i32;
    pub(super) fn mtl_keep_memory();
    pub(super) fn mtl_release_memory();
    pub(super) fn mtl_trace_begin(
        input_names: *const *const c_char,
        inputs: *const Handle,
        n_inputs: i64,
        names: *const *const c_char,
        tensors: *const Handle,
        n_params: i64,
        n_tensors: i64,
        out: *mut *mut RawTrace,
    ) -> i32;
    pub(super) fn mtl_trace_end(trace: *mut RawTrace, outputs: *const Handle, n_outputs: i64) -> i32;
    pub(super) fn mtl_trace_abandon();
    pub(super) fn mtl_trace_free(trace: *mut RawTrace);
    pub(super) fn mtl_trace_save(
        trace: *mut RawTrace,
        other: *const RawTrace,
        extra_name: *const c_char,
        extra: *const c_char,
        extra_len: i64,
        sink: extern "C" fn(*mut c_void, *const u8, usize),
        context: *mut c_void,
    ) -> i32;
    pub(super) fn mtl_script_load(
        bytes: *const u8,
        len: usize,
        device: i32,
        extra_name: *const c_char,
        out: *mut *mut RawScript,
    ) -> i32;
    pub(super) fn mtl_script_extra(script: *const RawScript, len: *mut i64) -> *const c_char;
    pub(super) fn mtl_script_forward(
        script: *mut RawScript,
        inputs: *const Handle,
        n_inputs: i64,
        outputs: *mut Handle,
        n_outputs: i64,
    ) -> i32;
    pub(super) fn mtl_script_free(script: *mut RawScript);
    pub(super) fn mtl_sum_over_ranks(
        xs: Handle,
        world: *mut c_void,
        sum: SumTensor,
        release: extern "C" fn(*mut c_void),
        out: *mut Handle,
    ) -> i32;
    pub(super) fn mtl_own_generator();
    pub(super) fn mtl_uniform_like(like: Handle, out: *mut Handle) -> i32;
}
