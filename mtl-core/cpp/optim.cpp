// Optimizer steps over lists of tensors in one libtorch call each, and the global norm of a list.
#include "shim.h"

#include <c10/core/GradMode.h>

using mtl::Handle;

// Adam (decoupled == 0: decay joins the gradient) or AdamW; max_exp_avg_sqs is null without AMSGrad.
extern "C" int mtl_fused_adam(const Handle* params, const Handle* grads, const Handle* exp_avgs,
                              const Handle* exp_avg_sqs, const Handle* max_exp_avg_sqs, const Handle* steps, int64_t n,
                              double lr, double beta1, double beta2, double weight_decay, double eps, int decoupled) {
  return mtl::guarded([&] {
    c10::AutoGradMode no_grad(false);
    const bool amsgrad = max_exp_avg_sqs != nullptr;
    std::vector<at::Tensor> largest;
    if (amsgrad) largest = mtl::list(max_exp_avg_sqs, n);
    auto step_list = mtl::list(steps, n);
    at::_foreach_add_(step_list, at::Scalar(1));
    if (decoupled != 0)
      at::_fused_adamw_(mtl::list(params, n), mtl::list(grads, n), mtl::list(exp_avgs, n), mtl::list(exp_avg_sqs, n),
                        largest, step_list, lr, beta1, beta2, weight_decay, eps, amsgrad, /*maximize=*/false);
    else
      at::_fused_adam_(mtl::list(params, n), mtl::list(grads, n), mtl::list(exp_avgs, n), mtl::list(exp_avg_sqs, n),
                       largest, step_list, lr, beta1, beta2, weight_decay, eps, amsgrad, /*maximize=*/false);
  });
}

extern "C" int mtl_fused_adagrad(const Handle* params, const Handle* grads, const Handle* sums, const Handle* steps,
                                 int64_t n, double lr, double lr_decay, double weight_decay, double eps) {
  return mtl::guarded([&] {
    c10::AutoGradMode no_grad(false);
    auto step_list = mtl::list(steps, n);
    at::_foreach_add_(step_list, at::Scalar(1));
    at::_fused_adagrad_(mtl::list(params, n), mtl::list(grads, n), mtl::list(sums, n), step_list, lr, lr_decay,
                        weight_decay, eps, /*maximize=*/false);
  });
}

// libtorch has no fused RMSprop: one call over the whole list per operation. `means` is null unless centered, `momenta`
// unless there is momentum.
extern "C" int mtl_rmsprop(const Handle* params, const Handle* grads, const Handle* squares, const Handle* means,
                           const Handle* momenta, int64_t n, double lr, double alpha, double weight_decay, double eps,
                           double momentum) {
  return mtl::guarded([&] {
    c10::AutoGradMode no_grad(false);
    const auto ps = mtl::list(params, n);
    const auto vs = mtl::list(squares, n);
    auto gs = mtl::list(grads, n);
    if (weight_decay != 0.0) gs = at::_foreach_add(gs, ps, at::Scalar(weight_decay));
    at::_foreach_mul_(vs, at::Scalar(alpha));
    at::_foreach_addcmul_(vs, gs, gs, at::Scalar(1.0 - alpha));
    std::vector<at::Tensor> roots;
    if (means != nullptr) {
      const auto ms = mtl::list(means, n);
      at::_foreach_lerp_(ms, gs, at::Scalar(1.0 - alpha));
      roots = at::_foreach_addcmul(vs, ms, ms, at::Scalar(-1));
      // Rounding may leave a constant gradient's variance just below zero.
      at::_foreach_clamp_min_(roots, at::Scalar(0));
      at::_foreach_sqrt_(roots);
    } else {
      roots = at::_foreach_sqrt(vs);
    }
    at::_foreach_add_(roots, at::Scalar(eps));
    if (momenta != nullptr) {
      const auto us = mtl::list(momenta, n);
      at::_foreach_mul_(us, at::Scalar(momentum));
      at::_foreach_addcdiv_(us, gs, roots, at::Scalar(1));
      at::_foreach_add_(ps, us, at::Scalar(-lr));
    } else {
      at::_foreach_addcdiv_(ps, gs, roots, at::Scalar(-lr));
    }
  });
}

extern "C" int mtl_lion(const Handle* params, const Handle* grads, const Handle* momenta, int64_t n, double lr,
                        double beta1, double beta2, double weight_decay) {
  return mtl::guarded([&] {
    c10::AutoGradMode no_grad(false);
    const auto ps = mtl::list(params, n);
    const auto gs = mtl::list(grads, n);
    const auto ms = mtl::list(momenta, n);
    auto update = at::_foreach_lerp(ms, gs, at::Scalar(1.0 - beta1));
    at::_foreach_sign_(update);
    if (weight_decay != 0.0) at::_foreach_mul_(ps, at::Scalar(1.0 - lr * weight_decay));
    at::_foreach_add_(ps, update, at::Scalar(-lr));
    at::_foreach_lerp_(ms, gs, at::Scalar(1.0 - beta2));
  });
}

// averages <- averages + share * (tensors - averages), for all kinds that can be averaged.
extern "C" int mtl_average(const Handle* averages, const Handle* tensors, int64_t n, double share) {
  return mtl::guarded([&] {
    c10::AutoGradMode no_grad(false);
    at::_foreach_lerp_(mtl::list(averages, n), mtl::list(tensors, n), at::Scalar(share));
  });
}

extern "C" int mtl_fused_sgd(const Handle* params, const Handle* grads, const Handle* momenta, int64_t n, double lr,
                             double momentum, double weight_decay, int nesterov, int first_step) {
  return mtl::guarded([&] {
    c10::AutoGradMode no_grad(false);
    std::vector<at::Tensor> buffers;
    if (momentum != 0.0) buffers = mtl::list(momenta, n);
    at::_fused_sgd_(mtl::list(params, n), mtl::list(grads, n), buffers, weight_decay, momentum, lr, /*dampening=*/0.0,
                    nesterov != 0, /*maximize=*/false, first_step != 0);
  });
}

// out: scalar f64 tensor on the device of the first gradient; reading it is the caller's choice.
extern "C" int mtl_global_norm(const Handle* grads, int64_t n, Handle* out) {
  return mtl::guarded([&] {
    c10::AutoGradMode no_grad(false);
    auto norms = at::_foreach_norm(mtl::list(grads, n), at::Scalar(2), at::kDouble);
    *out = new at::Tensor(at::stack(norms).norm());
  });
}

// In place where nobody else holds the memory; the engine may hand out one tensor for two parameters, and scaling it twice
// would be wrong.
extern "C" int mtl_scale(const Handle* tensors, int64_t n, double factor) {
  return mtl::guarded([&] {
    c10::AutoGradMode no_grad(false);
    std::vector<at::Tensor> own;
    own.reserve(n);
    for (int64_t i = 0; i < n; ++i) {
      if (tensors[i]->storage().use_count() > 1 || tensors[i]->use_count() > 1)
        *tensors[i] = tensors[i]->mul(factor);
      else
        own.push_back(*tensors[i]);
    }
    if (!own.empty()) at::_foreach_mul_(own, at::Scalar(factor));
  });
}
