// Rows of a table by index, with a gradient that is summed up in one pass.
//
// libtorch's own gradients of a lookup on the CPU pay per row what their sum costs per table: that of `embedding` goes
// through a tensor iterator for every row, that of `index_select` sorts the indices first. Here the rows are added where
// they belong, in the order of the lookups, so the result has the bits of both.
#include "shim.h"

#include <ATen/Dispatch.h>
#include <ATen/Parallel.h>
#include <ATen/functorch/BatchedTensorImpl.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>

using mtl::Handle;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

namespace {

// Below so many numbers one thread is done before a second has started.
constexpr int64_t kSerial = 1 << 19;

// Adds the gradients of those lookups that read rows begin..end of the table.
template <class S>
void add_rows(const S* grad, const int64_t* rows, int64_t n, int64_t width, int64_t begin, int64_t end, S* table) {
  for (int64_t i = 0; i < n; ++i) {
    if (rows[i] < begin || rows[i] >= end) continue;
    S* to = table + rows[i] * width;
    const S* from = grad + i * width;
    for (int64_t x = 0; x < width; ++x) to[x] += from[x];
  }
}

bool is_plain(const at::Tensor& grad) {
  return !c10::GradMode::is_enabled() && grad.device().is_cpu() && !at::functorch::isBatchedTensor(grad) &&
         (grad.scalar_type() == at::kFloat || grad.scalar_type() == at::kDouble);
}

class Lookup : public torch::autograd::Function<Lookup> {
 public:
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& table, const at::Tensor& rows) {
    ctx->save_for_backward({rows});
    ctx->saved_data["height"] = table.size(0);
    auto size = rows.sizes().vec();
    size.push_back(table.size(1));
    return table.index_select(0, rows.reshape(-1)).view(size);
  }

  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    const auto& grad = grads[0];
    if (!grad.defined()) return {at::Tensor(), at::Tensor()};
    const auto rows = ctx->get_saved_variables()[0].reshape(-1).contiguous();
    const int64_t height = ctx->saved_data["height"].toInt(), width = grad.size(-1), n = rows.numel();
    const auto flat = grad.reshape({n, width});
    auto table = at::zeros({height, width}, grad.options());
    // A second derivative and vmap need operations that they know.
    if (!is_plain(grad)) return {table.index_add(0, rows, flat), at::Tensor()};
    AT_DISPATCH_FLOATING_TYPES(grad.scalar_type(), "lookup", [&] {
      const auto from = flat.contiguous();
      const auto* values = from.const_data_ptr<scalar_t>();
      const auto* indices = rows.const_data_ptr<int64_t>();
      auto* to = table.mutable_data_ptr<scalar_t>();
      if (n * width < kSerial) return add_rows(values, indices, n, width, 0, height, to);
      // Each thread owns rows of the table: no sum depends on how many threads there are.
      at::parallel_for(0, height, 1, [&](int64_t begin, int64_t end) {
        add_rows(values, indices, n, width, begin, end, to);
      });
    });
    return {table, at::Tensor()};
  }
};

}  // namespace

extern "C" int mtl_lookup(Handle table, Handle rows, Handle* out) {
  return mtl::guarded([&] { *out = new at::Tensor(Lookup::apply(*table, *rows)); });
}
