// The C functions over gradient rows (rows.h). A `Rows` is owned by the Rust side, which frees it.
#include "rows.h"

#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/engine.h>
#include <torch/csrc/autograd/variable.h>

using mtl::Handle;
using mtl::Rows;
using torch::autograd::impl::gradient_edge;

static at::Tensor optional(Handle handle) { return handle == nullptr ? at::Tensor() : *handle; }
static Handle hand_over(at::Tensor&& t) { return t.defined() ? new at::Tensor(std::move(t)) : nullptr; }

// A gradient may only be added where the rows above have the same shape.
static void push(Rows* rows, std::vector<at::Tensor>&& row) {
  for (const auto& above : rows->rows)
    for (int64_t p = 0; p < rows->columns; ++p)
      TORCH_CHECK(!above[p].defined() || !row[p].defined() || above[p].sizes() == row[p].sizes(), "gradient of column ",
                  p, " must have shape ", above[p].sizes(), " as in the rows before, found ", row[p].sizes());
  rows->rows.push_back(std::move(row));
}

extern "C" int mtl_rows_new(int64_t columns, const Handle* inputs, Rows** out) {
  return mtl::guarded([&] {
    auto rows = std::make_unique<Rows>();
    rows->columns = columns;
    if (inputs != nullptr) {
      rows->inputs.reserve(columns);
      for (int64_t p = 0; p < columns; ++p) {
        TORCH_CHECK(inputs[p]->requires_grad(), "input ", p, " of the gradient does not require grad");
        rows->inputs.push_back(gradient_edge(*inputs[p]));
      }
    }
    *out = rows.release();
  });
}

extern "C" void mtl_rows_free(Rows* rows) { delete rows; }

// One backward pass of `factor * output`: a new row, and the gradients of `extra` into `result`.
extern "C" int mtl_rows_backward(Rows* rows, Handle output, double factor, const Handle* extra, int64_t n_extra,
                                 int keep_graph, Handle* result) {
  return mtl::guarded([&] {
    TORCH_CHECK(output->requires_grad(), "the loss has no graph");
    TORCH_CHECK(output->dim() == 0, "a loss must be a scalar, found ", output->sizes());
    auto edges = rows->inputs;
    edges.reserve(edges.size() + n_extra);
    for (int64_t i = 0; i < n_extra; ++i) {
      TORCH_CHECK(extra[i]->requires_grad(), "input ", i, " of the gradient does not require grad");
      edges.push_back(gradient_edge(*extra[i]));
    }
    auto grads = torch::autograd::Engine::get_default_engine().execute(
        {gradient_edge(*output)}, {at::scalar_tensor(factor, output->options())}, keep_graph != 0,
        /*create_graph=*/false, /*accumulate_grad=*/false, edges);
    for (int64_t i = 0; i < n_extra; ++i) result[i] = hand_over(std::move(grads[rows->columns + i]));
    grads.resize(rows->columns);
    rows->rows.push_back(std::move(grads));
  });
}

extern "C" int mtl_rows_push(Rows* rows, const Handle* grads) {
  return mtl::guarded([&] {
    std::vector<at::Tensor> row;
    for (int64_t p = 0; p < rows->columns; ++p) row.push_back(optional(grads[p]));
    push(rows, std::move(row));
  });
}

static bool exclusive(const at::Tensor& t) { return t.use_count() == 1 && t.storage().use_count() == 1; }

// rows[i][p] += grad, in place where nobody else holds the memory.
extern "C" int mtl_rows_add(Rows* rows, int64_t i, int64_t p, Handle grad) {
  return mtl::guarded([&] {
    c10::AutoGradMode no_grad(false);
    at::Tensor& slot = rows->rows.at(i).at(p);
    if (!slot.defined())
      slot = *grad;
    else if (exclusive(slot))
      slot.add_(*grad);
    else
      slot = slot + *grad;
  });
}

extern "C" int mtl_rows_scale(Rows* rows, int64_t i, double factor) {
  return mtl::guarded([&] {
    c10::AutoGradMode no_grad(false);
    for (auto& slot : rows->rows.at(i)) {
      if (!slot.defined()) continue;
      if (exclusive(slot))
        slot.mul_(factor);
      else
        slot = slot * factor;
    }
  });
}

extern "C" int mtl_rows_get(Rows* rows, int64_t i, int64_t p, Handle* out) {
  return mtl::guarded([&] { *out = hand_over(at::Tensor(rows->rows.at(i).at(p))); });
}

// Keeps the rows whose indices are given, ascending.
extern "C" int mtl_rows_keep(Rows* rows, const int64_t* keep, int64_t n) {
  return mtl::guarded([&] {
    std::vector<std::vector<at::Tensor>> kept;
    for (int64_t i = 0; i < n; ++i) kept.push_back(std::move(rows->rows.at(keep[i])));
    rows->rows = std::move(kept);
  });
}

extern "C" int mtl_rows_gram(const Rows* rows, const int64_t* columns, int64_t n, double* gram) {
  return mtl::guarded([&] {
    c10::AutoGradMode no_grad(false);
    mtl::gram(*rows, {columns, n}, gram);
  });
}

// The combination of some columns into `result`; those columns of the rows are used up.
extern "C" int mtl_rows_combine(Rows* rows, const int64_t* columns, int64_t n, const double* weights, Handle* result) {
  return mtl::guarded([&] {
    c10::AutoGradMode no_grad(false);
    const mtl::Columns index{columns, n};
    for (int64_t c = 0; c < n; ++c) result[c] = hand_over(mtl::combine(*rows, index[c], weights));
  });
}
