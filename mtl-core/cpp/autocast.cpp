// Autocast on and off for the calling thread: tch's switch covers CUDA only.
#include "shim.h"

#include <ATen/autocast_mode.h>

using mtl::Handle;

namespace {
at::DeviceType device_type(int cuda) { return cuda != 0 ? at::kCUDA : at::kCPU; }
}  // namespace

// previous: whether autocast was on, and to which kind.
extern "C" int mtl_autocast_enter(int cuda, int enabled, int32_t* previous) {
  return mtl::guarded([&] {
    const auto device = device_type(cuda);
    previous[0] = at::autocast::is_autocast_enabled(device) ? 1 : 0;
    previous[1] = static_cast<int32_t>(at::autocast::get_autocast_dtype(device));
    at::autocast::set_autocast_dtype(device, at::kBFloat16);
    at::autocast::set_autocast_enabled(device, enabled != 0);
    at::autocast::increment_nesting();
  });
}

// The outermost exit also forgets the cast weights, which the next step must cast afresh.
extern "C" int mtl_autocast_exit(int cuda, const int32_t* previous) {
  return mtl::guarded([&] {
    const auto device = device_type(cuda);
    if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
    at::autocast::set_autocast_enabled(device, previous[0] != 0);
    at::autocast::set_autocast_dtype(device, static_cast<at::ScalarType>(previous[1]));
  });
}
