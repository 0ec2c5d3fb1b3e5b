// How C++ asks Rust to sum a tensor over ranks.
#pragma once

#include "shim.h"

namespace mtl {

// Sums `tensor` in place; 0, or -1 with the reason written into the `room` bytes of `reason`.
using SumFn = int (*)(void* world, at::Tensor* tensor, char* reason, size_t room);
using ReleaseFn = void (*)(void* world);

// Throws what the other side says.
void sum_in_place(void* world, SumFn sum, at::Tensor& tensor);

// The generator of this thread: one of its own, or libtorch's.
at::Generator generator();

}  // namespace mtl
