// The Gramian of K gradient rows and their in-place combination, over lists of per-parameter tensors: the K x P matrix is
// never made. On the CPU each parameter is read once, in blocks that keep all K rows in the first-level cache, and
// summed in f64 over a fixed order of blocks, so the result does not depend on the number of threads.
#include "shim.h"

#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>

#include <algorithm>

using mtl::Handle;

#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__)
#define MTL_CLONES __attribute__((target_clones("avx512f", "avx2,fma", "default")))
#else
#define MTL_CLONES
#endif

namespace {

constexpr int64_t kBlock = 512;     // elements converted to f64 at a time, per row
constexpr int64_t kChunk = 1 << 16; // elements per task of the thread pool: fixed, so sums are reproducible

// Upper triangle of one block: gram[i * k + j] += <row i, row j>.
MTL_CLONES void gram_block(const double* rows, int64_t k, int64_t n, double* gram) {
  for (int64_t i = 0; i < k; ++i) {
    const double* a = rows + i * kBlock;
    for (int64_t j = i; j < k; ++j) {
      const double* b = rows + j * kBlock;
      double lanes[8] = {0, 0, 0, 0, 0, 0, 0, 0};
      int64_t x = 0;
      for (; x + 8 <= n; x += 8)
        for (int l = 0; l < 8; ++l) lanes[l] += a[x + l] * b[x + l];
      double sum = ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
      for (; x < n; ++x) sum += a[x] * b[x];
      gram[i * k + j] += sum;
    }
  }
}

template <class S>
MTL_CLONES void widen(const S* from, int64_t n, double* to) {
  for (int64_t x = 0; x < n; ++x) to[x] = static_cast<double>(from[x]);
}
template <>
MTL_CLONES void widen<float>(const float* from, int64_t n, double* to) {
  for (int64_t x = 0; x < n; ++x) to[x] = static_cast<double>(from[x]);
}

template <class S>
void gram_chunk(const std::vector<const S*>& rows, int64_t begin, int64_t end, double* gram) {
  const int64_t k = static_cast<int64_t>(rows.size());
  std::vector<double> wide(k * kBlock);
  for (int64_t s = begin; s < end; s += kBlock) {
    const int64_t n = std::min(kBlock, end - s);
    for (int64_t i = 0; i < k; ++i) widen(rows[i] + s, n, wide.data() + i * kBlock);
    gram_block(wide.data(), k, n, gram);
  }
}

template <class S>
void gram_parameter(const std::vector<const S*>& rows, int64_t n, double* gram) {
  const int64_t k = static_cast<int64_t>(rows.size());
  const int64_t n_chunks = (n + kChunk - 1) / kChunk;
  if (n_chunks <= 1) return gram_chunk(rows, 0, n, gram);
  std::vector<double> partial(n_chunks * k * k, 0.0);
  at::parallel_for(0, n_chunks, 1, [&](int64_t b, int64_t e) {
    for (int64_t c = b; c < e; ++c)
      gram_chunk(rows, c * kChunk, std::min(n, (c + 1) * kChunk), partial.data() + c * k * k);
  });
  for (int64_t c = 0; c < n_chunks; ++c)
    for (int64_t i = 0; i < k * k; ++i) gram[i] += partial[c * k * k + i];
}

// Whether all rows can be walked in memory order together: same strides, no gaps, CPU, f32 or f64. Weight gradients often
// come as transposed views, which this spares a copy.
bool walk_together(const std::vector<at::Tensor>& grads) {
  const auto kind = grads[0].scalar_type();
  if (!grads[0].is_cpu() || (kind != at::kFloat && kind != at::kDouble)) return false;
  for (const auto& g : grads)
    if (g.scalar_type() != kind || g.strides() != grads[0].strides() || !g.is_non_overlapping_and_dense()) return false;
  return true;
}

// gram += the part of one parameter, over the rows that have it.
void add_parameter(std::vector<at::Tensor>& grads, const std::vector<int64_t>& present, int64_t k, double* gram) {
  const int64_t r = static_cast<int64_t>(grads.size());
  std::vector<double> local(r * r, 0.0);
  const auto kind = grads[0].scalar_type();
  const bool native = grads[0].is_cpu() && (kind == at::kFloat || kind == at::kDouble);
  if (native && !walk_together(grads))
    for (auto& g : grads) g = g.to(kind).contiguous();
  if (native && kind == at::kFloat) {
    std::vector<const float*> rows;
    for (const auto& g : grads) rows.push_back(g.const_data_ptr<float>());
    gram_parameter(rows, grads[0].numel(), local.data());
  } else if (native) {
    std::vector<const double*> rows;
    for (const auto& g : grads) rows.push_back(g.const_data_ptr<double>());
    gram_parameter(rows, grads[0].numel(), local.data());
  } else {
    std::vector<at::Tensor> flat;
    for (const auto& g : grads) flat.push_back(g.reshape(-1));
    const auto rows = at::stack(flat).to(at::kDouble);
    const auto g = rows.mm(rows.t()).cpu().contiguous();
    std::copy_n(g.const_data_ptr<double>(), r * r, local.data());
  }
  for (int64_t i = 0; i < r; ++i)
    for (int64_t j = i; j < r; ++j) gram[present[i] * k + present[j]] += local[i * r + j];
}

template <class S>
MTL_CLONES void combine_range(S* out, const S* const* rows, const double* w, int64_t k, int64_t begin, int64_t end) {
  for (int64_t s = begin; s < end; s += kBlock) {
    const int64_t e = std::min(end, s + kBlock);
    const S w0 = static_cast<S>(w[0]);
    for (int64_t x = s; x < e; ++x) out[x] *= w0;
    for (int64_t i = 1; i < k; ++i) {
      const S wi = static_cast<S>(w[i]);
      const S* row = rows[i];
      for (int64_t x = s; x < e; ++x) out[x] += wi * row[x];
    }
  }
}

template <class S>
void combine_dense(std::vector<at::Tensor>& grads, const std::vector<double>& w) {
  std::vector<const S*> rows;
  for (const auto& g : grads) rows.push_back(g.const_data_ptr<S>());
  S* out = grads[0].mutable_data_ptr<S>();
  at::parallel_for(0, grads[0].numel(), kChunk, [&](int64_t b, int64_t e) {
    combine_range<S>(out, rows.data(), w.data(), static_cast<int64_t>(rows.size()), b, e);
  });
}

}  // namespace

// rows: k * m handles, row-major; null where task i does not reach parameter p. gram: k * k, written whole.
extern "C" int mtl_gram(const Handle* rows, int64_t k, int64_t m, double* gram) {
  return mtl::guarded([&] {
    c10::AutoGradMode no_grad(false);
    std::fill(gram, gram + k * k, 0.0);
    std::vector<at::Tensor> grads;
    std::vector<int64_t> present;
    for (int64_t p = 0; p < m; ++p) {
      grads.clear();
      present.clear();
      for (int64_t i = 0; i < k; ++i)
        if (rows[i * m + p] != nullptr) {
          grads.push_back(*rows[i * m + p]);
          present.push_back(i);
        }
      if (!grads.empty()) add_parameter(grads, present, k, gram);
    }
    for (int64_t i = 0; i < k; ++i)
      for (int64_t j = 0; j < i; ++j) gram[i * k + j] = gram[j * k + i];
  });
}

// Per parameter, the first row that has it becomes sum_i w_i row_i; the caller takes that row as the result. A gradient
// whose memory somebody else holds too (the engine hands one tensor to both inputs of an addition) is copied first.
extern "C" int mtl_combine(const Handle* rows, int64_t k, int64_t m, const double* weights) {
  return mtl::guarded([&] {
    c10::AutoGradMode no_grad(false);
    std::vector<at::Tensor> grads;
    std::vector<double> w;
    for (int64_t p = 0; p < m; ++p) {
      grads.clear();
      w.clear();
      Handle result = nullptr;
      for (int64_t i = 0; i < k; ++i) {
        Handle row = rows[i * m + p];
        if (row == nullptr) continue;
        if (result == nullptr) {
          result = row;
          if (row->storage().use_count() > 1 || row->use_count() > 1) *row = row->clone(at::MemoryFormat::Preserve);
        }
        grads.push_back(*row);
        w.push_back(weights[i]);
      }
      if (result == nullptr) continue;
      if (!walk_together(grads)) {
        grads[0].mul_(w[0]);
        for (size_t i = 1; i < grads.size(); ++i) grads[0].add_(grads[i], w[i]);
      } else if (grads[0].scalar_type() == at::kFloat) {
        combine_dense<float>(grads, w);
      } else {
        combine_dense<double>(grads, w);
      }
    }
  });
}
