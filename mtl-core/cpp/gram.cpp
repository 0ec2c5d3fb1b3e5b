// Gramian and combination of gradient rows (rows.h).
//
// Small columns are streamed one after the other through one workspace that holds all K rows in the second-level cache,
// widened to f64; large ones are cut into chunks of fixed size for the thread pool. The order of summation depends on
// sizes only, so the result has the same bits for any number of threads.
#include "gram_kernel.h"
#include "rows.h"

#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cstring>

#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__)
#define MTL_CLONES __attribute__((target_clones("avx512f", "avx2,fma", "default")))
#else
#define MTL_CLONES
#endif

namespace mtl {
namespace {

constexpr int64_t kLanes = kernel::kLanes;
constexpr int64_t kBlock = kernel::kBlock;
constexpr int64_t kChunk = 1 << 16;  // elements per task of the thread pool: fixed, so sums are reproducible

MTL_CLONES void widen(const float* from, int64_t n, double* to) {
  for (int64_t x = 0; x < n; ++x) to[x] = static_cast<double>(from[x]);
}
void widen(const double* from, int64_t n, double* to) { std::memcpy(to, from, n * sizeof(double)); }

// Collects pieces of columns until a block is full.
class Stream {
 public:
  Stream(int64_t k, double* gram) : k_(k), gram_(gram), wide_(new double[k * kBlock]) {}

  template <class S>
  void add(const S* const* rows, int64_t begin, int64_t end) {
    while (begin < end) {
      const int64_t n = std::min(end - begin, kBlock - at_);
      for (int64_t i = 0; i < k_; ++i) {
        double* to = wide_.get() + i * kBlock + at_;
        if (rows[i] == nullptr)
          std::fill(to, to + n, 0.0);
        else
          widen(rows[i] + begin, n, to);
      }
      at_ += n;
      begin += n;
      if (at_ == kBlock) flush();
    }
  }

  void flush() {
    const int64_t padded = (at_ + kLanes - 1) / kLanes * kLanes;
    for (int64_t i = 0; i < k_; ++i) std::fill(wide_.get() + i * kBlock + at_, wide_.get() + i * kBlock + padded, 0.0);
    if (at_ > 0) kernel::gram_block()(wide_.get(), k_, padded, gram_);
    at_ = 0;
  }

 private:
  int64_t k_;
  double* gram_;
  std::unique_ptr<double[]> wide_;
  int64_t at_ = 0;
};

// Cuts of one large column, in parallel, then summed in order.
template <class S>
void gram_chunks(const S* const* rows, int64_t k, int64_t n, double* gram) {
  const int64_t n_chunks = (n + kChunk - 1) / kChunk;
  std::vector<double> partial(n_chunks * k * k, 0.0);
  at::parallel_for(0, n_chunks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t c = begin; c < end; ++c) {
      Stream stream(k, partial.data() + c * k * k);
      stream.add(rows, c * kChunk, std::min(n, (c + 1) * kChunk));
      stream.flush();
    }
  });
  for (int64_t c = 0; c < n_chunks; ++c)
    for (int64_t i = 0; i < k * k; ++i) gram[i] += partial[c * k * k + i];
}

bool native(const at::Tensor& t) {
  return t.is_cpu() && (t.scalar_type() == at::kFloat || t.scalar_type() == at::kDouble);
}

// Whether all present rows can be walked in memory order together: same strides, no gaps, one native kind. Weight
// gradients often come as transposed views, which this spares a copy.
bool walk_together(const std::vector<at::Tensor>& column) {
  const at::Tensor* first = nullptr;
  for (const auto& g : column) {
    if (!g.defined()) continue;
    if (first == nullptr) {
      first = &g;
      if (!native(g)) return false;
    }
    if (g.scalar_type() != first->scalar_type() || g.strides() != first->strides() || !g.is_cpu() ||
        !g.is_non_overlapping_and_dense())
      return false;
  }
  return true;
}

template <class S>
void add_native(const std::vector<at::Tensor>& column, int64_t n, Stream& stream, double* gram) {
  std::vector<const S*> data;
  data.reserve(column.size());
  for (const auto& g : column) data.push_back(g.defined() ? g.const_data_ptr<S>() : nullptr);
  if (n > kChunk)
    gram_chunks(data.data(), static_cast<int64_t>(column.size()), n, gram);
  else
    stream.add(data.data(), 0, n);
}

// Accelerators and other kinds: one product in f64 where the rows are.
void add_anywhere(const std::vector<at::Tensor>& column, double* gram) {
  const int64_t k = static_cast<int64_t>(column.size());
  std::vector<at::Tensor> flat;
  std::vector<int64_t> present;
  for (int64_t i = 0; i < k; ++i)
    if (column[i].defined()) {
      flat.push_back(column[i].reshape(-1));
      present.push_back(i);
    }
  const auto rows = at::stack(flat).to(at::kDouble);
  const auto product = rows.mm(rows.t()).cpu().contiguous();
  const double* values = product.const_data_ptr<double>();
  const size_t r = present.size();
  for (size_t i = 0; i < r; ++i)
    for (size_t j = i; j < r; ++j) gram[present[i] * k + present[j]] += values[i * r + j];
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
void combine_dense(const std::vector<at::Tensor>& present, const std::vector<double>& w) {
  std::vector<const S*> data;
  for (const auto& g : present) data.push_back(g.const_data_ptr<S>());
  S* out = present[0].mutable_data_ptr<S>();
  at::parallel_for(0, present[0].numel(), kChunk, [&](int64_t b, int64_t e) {
    combine_range<S>(out, data.data(), w.data(), static_cast<int64_t>(data.size()), b, e);
  });
}

}  // namespace

void gram(const Rows& rows, Columns columns, double* gram) {
  const int64_t k = static_cast<int64_t>(rows.rows.size());
  std::fill(gram, gram + k * k, 0.0);
  if (k == 0) return;
  Stream stream(k, gram);
  std::vector<at::Tensor> column(k);
  for (int64_t c = 0; c < columns.n; ++c) {
    int64_t n = -1;
    at::ScalarType kind = at::kFloat;
    for (int64_t i = 0; i < k; ++i) {
      column[i] = rows.rows[i][columns[c]];
      if (column[i].defined() && n < 0) {
        n = column[i].numel();
        kind = column[i].scalar_type();
      }
    }
    if (n < 0) continue;
    bool all_native = true;
    for (const auto& g : column) all_native = all_native && (!g.defined() || native(g));
    if (!all_native) {
      add_anywhere(column, gram);
      continue;
    }
    if (!walk_together(column))
      for (auto& g : column)
        if (g.defined()) g = g.to(kind).contiguous();
    if (kind == at::kFloat)
      add_native<float>(column, n, stream, gram);
    else
      add_native<double>(column, n, stream, gram);
  }
  stream.flush();
  for (int64_t i = 0; i < k; ++i)
    for (int64_t j = 0; j < i; ++j) gram[i * k + j] = gram[j * k + i];
}

// A gradient whose memory somebody else holds too (the engine hands one tensor to both inputs of an addition) is copied
// first.
at::Tensor combine(Rows& rows, int64_t column, const double* weights) {
  std::vector<at::Tensor> present;
  std::vector<double> w;
  for (size_t i = 0; i < rows.rows.size(); ++i) {
    at::Tensor& g = rows.rows[i][column];
    if (!g.defined()) continue;
    present.push_back(std::move(g));
    g = at::Tensor();
    w.push_back(weights[i]);
  }
  if (present.empty()) return {};
  at::Tensor& out = present[0];
  if (out.storage().use_count() > 1 || out.use_count() > 1) out = out.clone(at::MemoryFormat::Preserve);
  if (!walk_together(present)) {
    out.mul_(w[0]);
    for (size_t i = 1; i < present.size(); ++i) out.add_(present[i], w[i]);
  } else if (out.scalar_type() == at::kFloat) {
    combine_dense<float>(present, w);
  } else {
    combine_dense<double>(present, w);
  }
  return out;
}

}  // namespace mtl
