// Masks of dropout on the CPU.
//
// libtorch draws one number after the other from its Mersenne twister, in one thread: of a small network's training step
// that took 17 % of a profile. Here the generator gives one key per mask, and number i is a mix of key and i (SplitMix64, two numbers
// of 32 bits per round): nothing is carried from one to the next, so it runs in any number of threads with the same bits.
#include "ranks.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Dispatch.h>
#include <ATen/Parallel.h>

#include <cmath>
#include <mutex>

using mtl::Handle;

namespace {

// Below so many pairs one thread is done before a second has started.
constexpr int64_t kSerial = 1 << 17;

uint64_t draw_key() {
  auto generator = mtl::generator();
  auto* cpu = at::check_generator<at::CPUGeneratorImpl>(generator);
  std::lock_guard<std::mutex> lock(cpu->mutex_);
  return cpu->random64();
}

inline uint64_t mixed(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31);
}

// Zero with probability threshold / 2^32, else kept.
template <class S>
void fill(S* out, int64_t n, uint64_t key, uint32_t threshold, S kept) {
  const S values[2] = {S(0), kept};
  at::parallel_for(0, (n + 1) / 2, kSerial, [&](int64_t begin, int64_t end) {
    const int64_t whole = std::min(end, n / 2);
    for (int64_t i = begin; i < whole; ++i) {
      const uint64_t bits = mixed(key + static_cast<uint64_t>(i + 1) * 0x9E3779B97F4A7C15ULL);
      out[2 * i] = values[static_cast<uint32_t>(bits) >= threshold];
      out[2 * i + 1] = values[static_cast<uint32_t>(bits >> 32) >= threshold];
    }
    if (whole < end) {
      const uint64_t bits = mixed(key + static_cast<uint64_t>(whole + 1) * 0x9E3779B97F4A7C15ULL);
      out[n - 1] = values[static_cast<uint32_t>(bits) >= threshold];
    }
  });
}

}  // namespace

// A tensor shaped like `like`: 0 with probability `rate`, else 1 / (1 - rate).
extern "C" int mtl_dropout_mask(Handle like, double rate, Handle* out) {
  return mtl::guarded([&] {
    TORCH_CHECK(like->device().is_cpu(), "a dropout mask is drawn on the CPU, found ", like->device());
    TORCH_CHECK(rate >= 0.0 && rate < 1.0, "a dropout rate is in [0, 1), found ", rate);
    auto mask = at::empty(like->sizes(), like->options().memory_format(c10::nullopt));
    const auto threshold = static_cast<uint32_t>(std::min(std::round(rate * 0x1p32), 0x1p32 - 1.0));
    const uint64_t key = draw_key();
    AT_DISPATCH_FLOATING_TYPES_AND2(at::kBFloat16, at::kHalf, mask.scalar_type(), "dropout_mask", [&] {
      fill(mask.data_ptr<scalar_t>(), mask.numel(), key, threshold, static_cast<scalar_t>(1.0 / (1.0 - rate)));
    });
    *out = new at::Tensor(std::move(mask));
  });
}
