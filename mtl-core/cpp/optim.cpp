// Optimizer steps over lists of tensors in one libtorch call each, and the global norm of a list.
#include "shim.h"

#include <c10/core/GradMode.h>

using mtl::Handle;

extern "C" int mtl_fused_adamw(const Handle* params, const Handle* grads, const Handle* exp_avgs,
                               const Handle* exp_avg_sqs, const Handle* steps, int64_t n, double lr, double beta1,
                               double beta2, double weight_decay, double eps) {
  return mtl::guarded([&] {
    c10::AutoGradMode no_grad(false);
    auto step_list = mtl::list(steps, n);
    at::_foreach_add_(step_list, at::Scalar(1));
    at::_fused_adamw_(mtl::list(params, n), mtl::list(grads, n), mtl::list(exp_avgs, n), mtl::list(exp_avg_sqs, n), {},
                      step_list, lr, beta1, beta2, weight_decay, eps, /*amsgrad=*/false, /*maximize=*/false);
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
