//! The C ABI of `cpp/`: declarations only.

use std::os::raw::c_char;

use torch_sys::C_tensor;

pub(super) type Handle = *mut C_tensor;

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
    pub(super) fn mtl_gram(rows: *const Handle, k: i64, m: i64, gram: *mut f64) -> i32;
    pub(super) fn mtl_combine(rows: *const Handle, k: i64, m: i64, weights: *const f64) -> i32;
    pub(super) fn mtl_fused_adamw(
        params: *const Handle,
        grads: *const Handle,
        exp_avgs: *const Handle,
        exp_avg_sqs: *const Handle,
        steps: *const Handle,
        n: i64,
        lr: f64,
        beta1: f64,
        beta2: f64,
        weight_decay: f64,
        eps: f64,
    ) -> i32;
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
    pub(super) fn mtl_manual_seed(seed: u64) -> i32;
    pub(super) fn mtl_set_deterministic(on: i32) -> i32;
    pub(super) fn mtl_keep_memory();
}
