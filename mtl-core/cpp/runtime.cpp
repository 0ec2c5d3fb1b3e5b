// Process-wide switches: errors, random numbers, determinism, allocator.
#include "ranks.h"

#include <ATen/Context.h>
#include <ATen/CPUGeneratorImpl.h>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace {
thread_local std::string last_error;
// Undefined for all threads but those of ranks, which would take each other's numbers otherwise.
thread_local at::Generator own_generator;
}

at::Generator mtl::generator() {
  return own_generator.defined() ? own_generator : at::detail::getDefaultCPUGenerator();
}

void mtl::set_error(const char* message) noexcept {
  try {
    last_error = message;
  } catch (...) {
    last_error.clear();
  }
}

extern "C" const char* mtl_last_error() { return last_error.c_str(); }

extern "C" int mtl_manual_seed(uint64_t seed) {
  return mtl::guarded([&] {
    if (!own_generator.defined()) return at::manual_seed(seed);
    std::lock_guard<std::mutex> lock(own_generator.mutex());
    own_generator.set_current_seed(seed);
  });
}

extern "C" void mtl_own_generator() { own_generator = at::detail::createCPUGenerator(); }

// Numbers in [0, 1) shaped like `like`.
extern "C" int mtl_uniform_like(mtl::Handle like, mtl::Handle* out) {
  return mtl::guarded([&] {
    const bool cpu = like->device().is_cpu();
    auto xs = at::empty_like(*like);
    xs.uniform_(0.0, 1.0, cpu ? std::optional<at::Generator>(mtl::generator()) : std::nullopt);
    *out = new at::Tensor(std::move(xs));
  });
}

extern "C" int mtl_set_deterministic(int on) {
  return mtl::guarded([&] { at::globalContext().setDeterministicAlgorithms(on != 0, /*warn_only=*/false); });
}

// Tensors of 100-400 kB are mapped and unmapped at every temporary with glibc's defaults.
extern "C" void mtl_keep_memory() {
#if defined(__GLIBC__)
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  mallopt(M_TOP_PAD, 64 << 20);
#endif
}

// Between two runs in one process, what the first one held must not count as the second one's.
extern "C" void mtl_release_memory() {
#if defined(__GLIBC__)
  malloc_trim(0);
#endif
}
