// A sum over ranks as an operation of the graph: the gradient of a sum that every rank gets is the sum of what every rank's
// backward pass brings. All ranks must run the same passes over it in the same order.
#include "ranks.h"

#include <ATen/functorch/BatchedTensorImpl.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/functions/utils.h>
#include <torch/csrc/autograd/variable.h>

using mtl::Handle;
namespace functorch = at::functorch;

namespace mtl {

void sum_in_place(void* world, SumFn sum, at::Tensor& tensor) {
  char reason[256];
  TORCH_CHECK(sum(world, &tensor, reason, sizeof(reason)) == 0, reason);
}

}  // namespace mtl

namespace {

// A rank's world, kept as long as a graph needs it.
class World {
 public:
  World(void* world, mtl::SumFn sum, mtl::ReleaseFn release) : world_(world), sum_(sum), release_(release) {}
  ~World() { release_(world_); }
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  void sum(at::Tensor& tensor) const { mtl::sum_in_place(world_, sum_, tensor); }

 private:
  void* world_;
  mtl::SumFn sum_;
  mtl::ReleaseFn release_;
};

at::Tensor summed(const World& world, const at::Tensor& xs) {
  at::AutoDispatchBelowADInplaceOrView plain;
  // In a pass of several tasks at once: their axis is one more to sum along.
  if (auto* batched = functorch::maybeGetBatchedImpl(xs))
    return functorch::makeBatched(summed(world, batched->value()), batched->bdim(), batched->level());
  auto sum = xs.detach().clone(at::MemoryFormat::Contiguous);
  world.sum(sum);
  return sum;
}

struct SumBackward final : torch::autograd::Node {
  explicit SumBackward(std::shared_ptr<World> world) : world(std::move(world)) {}
  torch::autograd::variable_list apply(torch::autograd::variable_list&& grads) override {
    if (!grads[0].defined()) return {at::Tensor()};
    c10::AutoGradMode no_grad(false);
    return {summed(*world, grads[0])};
  }
  std::string name() const override { return "SumOverRanksBackward"; }
  std::shared_ptr<World> world;
};

}  // namespace

extern "C" int mtl_sum_over_ranks(Handle xs, void* world, mtl::SumFn sum, mtl::ReleaseFn release, Handle* out) {
  return mtl::guarded([&] {
    const auto kept = std::make_shared<World>(world, sum, release);
    at::Tensor ys;
    {
      c10::AutoGradMode no_grad(false);
      ys = summed(*kept, *xs);
    }
    if (c10::GradMode::is_enabled() && xs->requires_grad()) {
      std::shared_ptr<SumBackward> node(new SumBackward(kept), torch::autograd::deleteNode);
      node->set_next_edges(torch::autograd::collect_next_edges(*xs));
      torch::autograd::set_history(ys, node);
    }
    *out = new at::Tensor(std::move(ys));
  });
}
