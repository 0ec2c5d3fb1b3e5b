// What every file of the shim needs: tensor handles as tch passes them, and the rule that no C++ exception crosses into
// Rust. Each function returns 0, or -1 after storing its message in a thread-local text (mtl_last_error).
#pragma once

#include <ATen/ATen.h>
#include <c10/util/Exception.h>

#include <string>
#include <vector>

namespace mtl {

using Handle = at::Tensor*;

void set_error(const char* message) noexcept;

template <class F>
int guarded(F&& body) noexcept {
  try {
    body();
    return 0;
  } catch (const c10::Error& e) {
    set_error(e.what_without_backtrace());
  } catch (const std::exception& e) {
    set_error(e.what());
  } catch (...) {
    set_error("unknown C++ exception");
  }
  return -1;
}

inline std::vector<at::Tensor> list(const Handle* handles, int64_t n) {
  std::vector<at::Tensor> out;
  out.reserve(n);
  for (int64_t i = 0; i < n; ++i) out.push_back(*handles[i]);
  return out;
}

}  // namespace mtl
