// Gradients of several outputs with respect to several inputs, with cotangents, into fresh tensors.
//
// tch's own call has no cotangents and marks unused inputs by undefined tensors; here an unused input is a null handle.
#include "shim.h"

#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/engine.h>
#include <torch/csrc/autograd/functions/accumulate_grad.h>
#include <torch/csrc/autograd/variable.h>

using mtl::Handle;

static torch::autograd::edge_list edges(const Handle* tensors, int64_t n) {
  torch::autograd::edge_list out;
  out.reserve(n);
  for (int64_t i = 0; i < n; ++i) out.push_back(torch::autograd::impl::gradient_edge(*tensors[i]));
  return out;
}

extern "C" int mtl_grad(const Handle* outputs, int64_t n_outputs, const Handle* cotangents, const double* factors,
                        const Handle* inputs, int64_t n_inputs, int keep_graph, int create_graph, Handle* result) {
  return mtl::guarded([&] {
    for (int64_t i = 0; i < n_inputs; ++i)
      TORCH_CHECK(inputs[i]->requires_grad(), "input ", i, " of the gradient does not require grad");
    torch::autograd::variable_list seeds;
    seeds.reserve(n_outputs);
    for (int64_t i = 0; i < n_outputs; ++i) {
      TORCH_CHECK(outputs[i]->requires_grad(), "output ", i, " of the gradient has no graph");
      if (cotangents != nullptr) {
        // The engine would silently sum a cotangent of another shape into place.
        TORCH_CHECK(cotangents[i]->sizes() == outputs[i]->sizes(), "cotangent ", i, " has shape ",
                    cotangents[i]->sizes(), ", its output ", outputs[i]->sizes());
        seeds.push_back(*cotangents[i]);
      } else if (factors != nullptr) {
        TORCH_CHECK(outputs[i]->dim() == 0, "output ", i, " of a scaled gradient must be a scalar, found ",
                    outputs[i]->sizes());
        seeds.push_back(at::scalar_tensor(factors[i], outputs[i]->options()));
      } else {
        seeds.push_back(at::ones_like(*outputs[i], at::MemoryFormat::Preserve));
      }
    }
    auto grads = torch::autograd::Engine::get_default_engine().execute(
        edges(outputs, n_outputs), seeds, keep_graph != 0, create_graph != 0, /*accumulate_grad=*/false,
        edges(inputs, n_inputs));
    for (int64_t i = 0; i < n_inputs; ++i)
      result[i] = grads[i].defined() ? new at::Tensor(std::move(grads[i])) : nullptr;
  });
}

extern "C" int mtl_set_grad(Handle parameter, Handle grad) {
  return mtl::guarded([&] { parameter->mutable_grad() = grad == nullptr ? at::Tensor() : *grad; });
}
