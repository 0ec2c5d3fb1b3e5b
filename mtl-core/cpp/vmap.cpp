// One backward pass for several tasks at once, by functorch's vmap: cotangents get a leading axis of K tasks.
//
// Worth it only where the time goes into dispatching small operations. Every operation of the graph needs a batching
// rule, those without run once per task with a warning. The layer stack is thread-local: the guard restores it whatever
// happens.
#include "ranks.h"
#include "rows.h"

#include <ATen/functorch/BatchedTensorImpl.h>
#include <ATen/functorch/DynamicLayer.h>
#include <ATen/functorch/PlumbingHelper.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/engine.h>
#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

using mtl::Handle;
using mtl::Rows;
using torch::autograd::impl::gradient_edge;
namespace functorch = at::functorch;

namespace {

class VmapGuard {
 public:
  explicit VmapGuard(int64_t k)
      : level_(functorch::initAndPushDynamicLayer(functorch::TransformType::Vmap, c10::SymInt(k),
                                                  functorch::RandomnessType::Error)) {}
  ~VmapGuard() { functorch::popDynamicLayerAndDeleteMetadata(); }
  VmapGuard(const VmapGuard&) = delete;
  VmapGuard& operator=(const VmapGuard&) = delete;
  int64_t level() const { return level_; }

 private:
  int64_t level_;
};

// [K, ...], the tasks in front.
at::Tensor unbatch(const at::Tensor& t, int64_t level, int64_t k) {
  at::AutoDispatchBelowADInplaceOrView plain;
  auto [value, dim] = functorch::unwrapTensorAtLevel(t, level);
  if (dim.has_value()) return *dim == 0 ? value : value.movedim(*dim, 0);
  std::vector<int64_t> sizes{k};
  for (auto s : value.sizes()) sizes.push_back(s);
  return value.unsqueeze(0).expand(sizes);
}

torch::autograd::variable_list run(const Handle* outputs, const Handle* cotangents, int64_t n_outputs, int64_t level,
                                   bool keep_graph, const torch::autograd::edge_list& inputs) {
  torch::autograd::edge_list roots;
  torch::autograd::variable_list seeds;
  for (int64_t i = 0; i < n_outputs; ++i) {
    TORCH_CHECK(cotangents[i]->sizes().slice(1) == outputs[i]->sizes(), "cotangent ", i, " has shape ",
                cotangents[i]->sizes(), ", its output ", outputs[i]->sizes(), " and one more axis in front expected");
    roots.push_back(gradient_edge(*outputs[i]));
    seeds.push_back(functorch::addBatchDim(*cotangents[i], 0, level));
  }
  return torch::autograd::Engine::get_default_engine().execute(roots, seeds, keep_graph, /*create_graph=*/false,
                                                               /*accumulate_grad=*/false, inputs);
}

// How gradients are summed over ranks; nothing where there is one.
struct Ranks {
  void* world;
  mtl::SumFn sum;
};

// Turns a parameter's K gradients into its part of the Gramian as soon as they exist, and drops them.
struct GramHook final : torch::autograd::FunctionPreHook {
  GramHook(int64_t level, int64_t k, Ranks ranks, double* gram) : level(level), k(k), ranks(ranks), gram(gram) {}
  torch::autograd::variable_list operator()(const torch::autograd::variable_list& grads) override {
    for (const auto& g : grads) {
      if (!g.defined()) continue;
      c10::AutoGradMode no_grad(false);
      auto tasks = unbatch(g, level, k);
      at::AutoDispatchBelowADInplaceOrView plain;
      if (ranks.world != nullptr) {
        tasks = tasks.clone(at::MemoryFormat::Contiguous);
        mtl::sum_in_place(ranks.world, ranks.sum, tasks);
      }
      Rows rows;
      rows.columns = 1;
      for (int64_t i = 0; i < k; ++i) rows.rows.push_back({tasks.select(0, i)});
      std::vector<double> part(k * k);
      mtl::gram(rows, {nullptr, 1}, part.data());
      for (int64_t i = 0; i < k * k; ++i) gram[i] += part[i];
    }
    return torch::autograd::variable_list(grads.size());
  }
  int64_t level, k;
  Ranks ranks;
  double* gram;
};

// Hooks on leaves for the time of one backward pass.
class Hooks {
 public:
  Hooks(const Handle* leaves, int64_t n, int64_t level, int64_t k, Ranks ranks, double* gram)
      : leaves_(leaves, leaves + n) {
    for (auto* leaf : leaves_)
      torch::autograd::impl::add_hook(*leaf, std::make_unique<GramHook>(level, k, ranks, gram));
  }
  ~Hooks() {
    for (auto* leaf : leaves_) torch::autograd::impl::hooks(*leaf).pop_back();
  }

 private:
  std::vector<Handle> leaves_;
};

torch::autograd::edge_list edges(const Handle* tensors, int64_t n) {
  torch::autograd::edge_list out;
  for (int64_t i = 0; i < n; ++i) out.push_back(gradient_edge(*tensors[i]));
  return out;
}

}  // namespace

// Rows for cotangents `[K, ...]` of the outputs, one batched pass.
extern "C" int mtl_rows_vmap(Rows* rows, const Handle* outputs, const Handle* cotangents, int64_t n_outputs, int64_t k,
                             int keep_graph) {
  return mtl::guarded([&] {
    c10::AutoGradMode no_grad(false);
    torch::autograd::variable_list grads;
    {
      VmapGuard guard(k);
      grads = run(outputs, cotangents, n_outputs, guard.level(), keep_graph != 0, rows->inputs);
      for (auto& g : grads)
        if (g.defined()) g = unbatch(g, guard.level(), k);
    }
    for (int64_t i = 0; i < k; ++i) {
      std::vector<at::Tensor> row;
      for (const auto& g : grads) row.push_back(g.defined() ? g.select(0, i) : at::Tensor());
      rows->rows.push_back(std::move(row));
    }
  });
}

// gram += the Gramian of the leaves' gradients, summed over ranks unless `world` is null; no row is kept.
extern "C" int mtl_vmap_gram(const Handle* outputs, const Handle* cotangents, int64_t n_outputs, int64_t k,
                             const Handle* leaves, int64_t n_leaves, void* world, mtl::SumFn sum, double* gram) {
  return mtl::guarded([&] {
    c10::AutoGradMode no_grad(false);
    VmapGuard guard(k);
    const Hooks hooks(leaves, n_leaves, guard.level(), k, Ranks{world, sum}, gram);
    run(outputs, cotangents, n_outputs, guard.level(), /*keep_graph=*/true, edges(leaves, n_leaves));
  });
}
