// One vector of 64 bytes and functions compiled for several processors.
//
// The binary must run on every node of a cluster: nothing is built with
// -march=native. A function marked MMDET_CLONES is compiled for plain x86-64,
// AVX + FMA and AVX-512, and the loader picks one on the machine it runs on.
// Elsewhere (Arm, clang, musl) the vectors become what the target has.
#pragma once

#include <cstdint>
#include <cstring>

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && defined(__GLIBC__)
#define MMDET_CLONES __attribute__((target_clones("default", "fma", "avx512f")))
#else
#define MMDET_CLONES
#endif
#define MMDET_INLINE inline __attribute__((always_inline))

namespace mmdet {

template <typename T>
struct Simd {
  static constexpr int64_t kLanes = 64 / sizeof(T);
  typedef T Vec __attribute__((vector_size(64)));
};

}  // namespace mmdet
