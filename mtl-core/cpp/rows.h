// The gradients of several tasks as rows of per-parameter tensors: the K x P matrix is never made.
//
//   column p  =  one parameter (or any tensor that all tasks have a gradient of); an undefined tensor counts as zeros
//   row i     =  one task
//
// The kernels behind it (gram.cpp) read each column once.
#pragma once

#include "shim.h"

#include <torch/csrc/autograd/function.h>

namespace mtl {

struct Rows {
  std::vector<std::vector<at::Tensor>> rows;
  torch::autograd::edge_list inputs;  // of the columns that come from a backward pass
  int64_t columns = 0;
};

// Indices of columns; `all` when the pointer is null.
struct Columns {
  const int64_t* index;
  int64_t n;
  int64_t operator[](int64_t i) const { return index == nullptr ? i : index[i]; }
};

// gram[i * k + j] = sum over the columns of <row i, row j>, in f64, the same bits for any number of threads.
void gram(const Rows& rows, Columns columns, double* gram);

// The combination sum_i w_i row_i of one column, written over the first row that has it; undefined when none has.
at::Tensor combine(Rows& rows, int64_t column, const double* weights);

}  // namespace mtl
