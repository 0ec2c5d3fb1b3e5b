// Gradients of several outputs with respect to several inputs, with cotangents, into fresh tensors.
//
// tch's own call has no cotangents and marks unused inputs by undefined tensors; here an unused input is a null handle.
#include "shim.h"

#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/engine.h>
#include <torch/csrc/autograd/functions/accumulate_grad.h>
#include <torch/csrc/autograd/variable.h>

#include <unordered_map>
#include <unordered_set>

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
    for (int64_t i = 0; i < n_inputs; ++i) {
      // What was transposed on its way comes back transposed; fused optimizer steps, which read memory in its order, would take
      // it for another gradient.
      if (grads[i].defined() && inputs[i]->is_contiguous()) grads[i] = grads[i].contiguous();
      result[i] = grads[i].defined() ? new at::Tensor(std::move(grads[i])) : nullptr;
    }
  });
}

extern "C" int mtl_set_grad(Handle parameter, Handle grad) {
  return mtl::guarded([&] { parameter->mutable_grad() = grad == nullptr ? at::Tensor() : *grad; });
}

// Which of `leaves` the graph of `outputs` reaches without passing through one of `stops`.
extern "C" int mtl_reached(const Handle* outputs, int64_t n_outputs, const Handle* stops, int64_t n_stops,
                           const Handle* leaves, int64_t n_leaves, uint8_t* reached) {
  return mtl::guarded([&] {
    using torch::autograd::Node;
    std::unordered_set<Node*> seen;
    std::unordered_map<Node*, int64_t> wanted;
    for (int64_t i = 0; i < n_stops; ++i) seen.insert(torch::autograd::impl::gradient_edge(*stops[i]).function.get());
    for (int64_t i = 0; i < n_leaves; ++i) {
      reached[i] = 0;
      wanted[torch::autograd::impl::gradient_edge(*leaves[i]).function.get()] = i;
    }
    std::vector<Node*> todo;
    const auto visit = [&](Node* node) {
      if (node == nullptr || !seen.insert(node).second) return;
      const auto leaf = wanted.find(node);
      if (leaf != wanted.end()) reached[leaf->second] = 1;
      todo.push_back(node);
    };
    for (int64_t i = 0; i < n_outputs; ++i) visit(outputs[i]->grad_fn().get());
    while (!todo.empty()) {
      Node* node = todo.back();
      todo.pop_back();
      for (const auto& edge : node->next_edges()) visit(edge.function.get());
    }
  });
}

// How many nodes the graph of `outputs` has: what a backward pass will dispatch.
extern "C" int mtl_graph_size(const Handle* outputs, int64_t n_outputs, int64_t* size) {
  return mtl::guarded([&] {
    std::unordered_set<torch::autograd::Node*> seen;
    std::vector<torch::autograd::Node*> todo;
    const auto visit = [&](torch::autograd::Node* node) {
      if (node != nullptr && seen.insert(node).second) todo.push_back(node);
    };
    for (int64_t i = 0; i < n_outputs; ++i) visit(outputs[i]->grad_fn().get());
    while (!todo.empty()) {
      auto* node = todo.back();
      todo.pop_back();
      for (const auto& edge : node->next_edges()) visit(edge.function.get());
    }
    *size = static_cast<int64_t>(seen.size());
  });
}

// The weight gradient of a convolution with square stride and padding: `weight` gives the shape only.
extern "C" int mtl_conv_weight_grad(Handle cotangent, Handle input, const int64_t* weight_shape, int64_t stride,
                                    int64_t padding, Handle* out) {
  return mtl::guarded([&] {
    c10::AutoGradMode no_grad(false);
    const auto weight = at::empty({weight_shape[0], weight_shape[1], weight_shape[2], weight_shape[3]}, input->options());
    auto grads = at::convolution_backward(*cotangent, *input, weight, std::nullopt, {stride, stride},
                                          {padding, padding}, {1, 1}, /*transposed=*/false, {0, 0}, /*groups=*/1,
                                          {false, true, false});
    *out = new at::Tensor(std::move(std::get<1>(grads)));
  });
}
