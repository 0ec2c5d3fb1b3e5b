// The inner products of a block of gradient rows in f64: written out per instruction set, because compilers split generic
// vectors for the oldest processor before they look at anything else.
//
// rows: k rows, kBlock apart; n: how many columns count, a multiple of kLanes; gram[i * k + j] += <row i, row j> for j >= i
// (and some below the diagonal, which nobody reads). Each load serves several products: rows are taken two by three.
#pragma once

#include <algorithm>
#include <cstdint>

#if defined(__x86_64__) && defined(__GNUC__)
#define MTL_X86 1
#include <immintrin.h>
#endif

namespace mtl::kernel {

constexpr int64_t kLanes = 8;
constexpr int64_t kBlock = 256;  // 8 rows of a block fit into a first-level cache

using GramBlock = void (*)(const double* rows, int64_t k, int64_t n, double* gram);

// Pairwise, so that the result does not depend on how many lanes a register has.
inline double sum_lanes(const double* s) {
  return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

struct Plain {
  template <int R, int C>
  static void tile(const double* a, const double* b, int64_t n, double* out, int64_t k) {
    double acc[R][C][kLanes] = {};
    for (int64_t x = 0; x < n; x += kLanes)
      for (int r = 0; r < R; ++r)
        for (int c = 0; c < C; ++c)
          for (int l = 0; l < kLanes; ++l) acc[r][c][l] += a[r * kBlock + x + l] * b[c * kBlock + x + l];
    for (int r = 0; r < R; ++r)
      for (int c = 0; c < C; ++c) out[r * k + c] += sum_lanes(acc[r][c]);
  }
};

#if MTL_X86
struct Avx512 {
  template <int R, int C>
  __attribute__((target("avx512f"))) static void tile(const double* a, const double* b, int64_t n, double* out,
                                                       int64_t k) {
    __m512d acc[R][C];
    for (int r = 0; r < R; ++r)
      for (int c = 0; c < C; ++c) acc[r][c] = _mm512_setzero_pd();
    for (int64_t x = 0; x < n; x += kLanes) {
      __m512d right[C];
      for (int c = 0; c < C; ++c) right[c] = _mm512_loadu_pd(b + c * kBlock + x);
      for (int r = 0; r < R; ++r) {
        const __m512d left = _mm512_loadu_pd(a + r * kBlock + x);
        for (int c = 0; c < C; ++c) acc[r][c] = _mm512_fmadd_pd(left, right[c], acc[r][c]);
      }
    }
    for (int r = 0; r < R; ++r)
      for (int c = 0; c < C; ++c) {
        double lanes[kLanes];
        _mm512_storeu_pd(lanes, acc[r][c]);
        out[r * k + c] += sum_lanes(lanes);
      }
  }
};

struct Avx2 {
  template <int R, int C>
  __attribute__((target("avx2,fma"))) static void tile(const double* a, const double* b, int64_t n, double* out,
                                                        int64_t k) {
    __m256d acc[R][C][2];
    for (int r = 0; r < R; ++r)
      for (int c = 0; c < C; ++c) acc[r][c][0] = acc[r][c][1] = _mm256_setzero_pd();
    for (int64_t x = 0; x < n; x += kLanes)
      for (int half = 0; half < 2; ++half) {
        __m256d right[C];
        for (int c = 0; c < C; ++c) right[c] = _mm256_loadu_pd(b + c * kBlock + x + 4 * half);
        for (int r = 0; r < R; ++r) {
          const __m256d left = _mm256_loadu_pd(a + r * kBlock + x + 4 * half);
          for (int c = 0; c < C; ++c) acc[r][c][half] = _mm256_fmadd_pd(left, right[c], acc[r][c][half]);
        }
      }
    for (int r = 0; r < R; ++r)
      for (int c = 0; c < C; ++c) {
        double lanes[kLanes];
        _mm256_storeu_pd(lanes, acc[r][c][0]);
        _mm256_storeu_pd(lanes + 4, acc[r][c][1]);
        out[r * k + c] += sum_lanes(lanes);
      }
  }
};
#endif

template <class Isa>
void gram_block_on(const double* rows, int64_t k, int64_t n, double* gram) {
  for (int64_t i = 0; i < k; i += 2) {
    const double* a = rows + i * kBlock;
    const bool two = i + 1 < k;
    for (int64_t j = i; j < k; j += 3) {
      const double* b = rows + j * kBlock;
      double* out = gram + i * k + j;
      switch (std::min<int64_t>(3, k - j)) {
        case 3: two ? Isa::template tile<2, 3>(a, b, n, out, k) : Isa::template tile<1, 3>(a, b, n, out, k); break;
        case 2: two ? Isa::template tile<2, 2>(a, b, n, out, k) : Isa::template tile<1, 2>(a, b, n, out, k); break;
        default: two ? Isa::template tile<2, 1>(a, b, n, out, k) : Isa::template tile<1, 1>(a, b, n, out, k);
      }
    }
  }
}

// The fastest form that this processor has, chosen once.
inline GramBlock gram_block() {
  static const GramBlock chosen = [] {
#if MTL_X86
    if (__builtin_cpu_supports("avx512f")) return &gram_block_on<Avx512>;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return &gram_block_on<Avx2>;
#endif
    return &gram_block_on<Plain>;
  }();
  return chosen;
}

}  // namespace mtl::kernel
