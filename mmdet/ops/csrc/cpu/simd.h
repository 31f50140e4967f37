// One vector of 64 bytes and functions compiled for several processors.
//
// The binary must run on every node of a cluster: nothing is built with
// -march=native. A function marked MMDET_CLONES is compiled for plain x86-64,
// AVX + FMA and AVX-512, and the loader picks one on the machine it runs on.
// Elsewhere (Arm, clang, musl) the vectors become what the target has.
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && defined(__GLIBC__)
#define MMDET_CLONES __attribute__((target_clones("default", "fma", "avx512f")))
#else
#define MMDET_CLONES
#endif
#define MMDET_INLINE inline __attribute__((always_inline))
#define MMDET_LAMBDA __attribute__((always_inline))

namespace mmdet {

template <typename T>
struct Simd {
  static constexpr int64_t kLanes = 64 / sizeof(T);
  typedef T Vec __attribute__((vector_size(64)));
};

template <typename T>
using Vec = typename Simd<T>::Vec;

// Two rows of a square of vectors: swaps the lanes that differ in bit S.
template <typename T, size_t S, size_t... J>
MMDET_INLINE void swap_lanes(Vec<T>& a, Vec<T>& b, std::index_sequence<J...>) {
  using Index = std::conditional_t<sizeof(T) == 4, int32_t, int64_t>;
  constexpr size_t kLanes = Simd<T>::kLanes;
#ifdef __clang__
  const Vec<T> low = __builtin_shufflevector(a, b, ((J & S) ? kLanes + J - S : J)...);
  b = __builtin_shufflevector(a, b, ((J & S) ? kLanes + J : J + S)...);
#else
  typedef Index Mask __attribute__((vector_size(64)));
  constexpr Mask kLow{static_cast<Index>((J & S) ? kLanes + J - S : J)...};
  constexpr Mask kHigh{static_cast<Index>((J & S) ? kLanes + J : J + S)...};
  const Vec<T> low = __builtin_shuffle(a, b, kLow);
  b = __builtin_shuffle(a, b, kHigh);
#endif
  a = low;
}

// Transposes kLanes vectors in registers.
template <typename T, size_t S = Simd<T>::kLanes / 2>
MMDET_INLINE void transpose(Vec<T>* rows) {
  constexpr size_t kLanes = Simd<T>::kLanes;
#pragma GCC unroll 16
  for (size_t i = 0; i < kLanes; ++i)
    if (!(i & S)) swap_lanes<T, S>(rows[i], rows[i + S], std::make_index_sequence<kLanes>{});
  if constexpr (S > 1) transpose<T, S / 2>(rows);
}

// One vector from or to unaligned memory, converted where the types differ.
template <typename T, typename S>
MMDET_INLINE Vec<T> load(const S* from) {
  Vec<T> value;
  if constexpr (std::is_same_v<T, S>)
    std::memcpy(&value, from, sizeof(value));
  else
    for (int64_t k = 0; k < Simd<T>::kLanes; ++k) value[k] = static_cast<T>(from[k]);
  return value;
}

template <typename T, typename S>
MMDET_INLINE void store(Vec<T> value, S* to) {
  if constexpr (std::is_same_v<T, S>)
    std::memcpy(to, &value, sizeof(value));
  else
    for (int64_t k = 0; k < Simd<T>::kLanes; ++k) to[k] = static_cast<S>(value[k]);
}

}  // namespace mmdet
