// Process-wide switches: errors, random numbers, determinism, allocator.
#include "shim.h"

#include <ATen/Context.h>
#include <ATen/CPUGeneratorImpl.h>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace {
thread_local std::string last_error;
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
  return mtl::guarded([&] { at::manual_seed(seed); });
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
