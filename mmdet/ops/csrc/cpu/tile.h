// A block of channels of one feature map, channels innermost, in cache.
//
// RoIs of one map overlap, so a map is turned to channels-last once, a few
// channels at a time: the turned block stays in the L2 cache while every RoI
// reads it, main memory sees each feature once and nothing is allocated at the
// size of the map. Any strides are accepted; half and bfloat16 become float32.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>

#include "simd.h"

namespace mmdet {

template <typename T>
class Tile {
 public:
  static constexpr int64_t kLanes = Simd<T>::kLanes;

  explicit Tile(int64_t pixels) : storage_(new T[pixels * kLanes + kLanes]) {
    const auto address = reinterpret_cast<uintptr_t>(storage_.get());
    data_ = storage_.get() + ((64 - address % 64) % 64) / sizeof(T);
  }
  T* data() { return data_; }

 private:
  std::unique_ptr<T[]> storage_;
  T* data_;
};

// How to reach the channels [0, lanes) of one image from a pointer.
struct Strides {
  int64_t channel, row, column;
};

inline Strides strides_of(const at::Tensor& map) {
  return {map.stride(1), map.stride(2), map.stride(3)};
}

// tile[x * kLanes + k] = src[k * channel + x * column], 0 for k >= lanes.
template <typename T, typename S>
MMDET_INLINE void load_row(T* tile, const S* src, Strides strides, int64_t lanes, int64_t from,
                           int64_t to) {
  constexpr int64_t kLanes = Simd<T>::kLanes;
  if (lanes < kLanes) std::memset(tile + from * kLanes, 0, (to - from) * kLanes * sizeof(T));
  if (lanes == kLanes && strides.channel == 1) {
    for (int64_t x = from; x < to; ++x)
      for (int64_t k = 0; k < kLanes; ++k)
        tile[x * kLanes + k] = static_cast<T>(src[x * strides.column + k]);
  } else if (lanes == kLanes && strides.column == 1) {
    for (int64_t x = from; x < to; ++x)
      for (int64_t k = 0; k < kLanes; ++k)
        tile[x * kLanes + k] = static_cast<T>(src[k * strides.channel + x]);
  } else {
    for (int64_t x = from; x < to; ++x)
      for (int64_t k = 0; k < lanes; ++k)
        tile[x * kLanes + k] = static_cast<T>(src[k * strides.channel + x * strides.column]);
  }
}

// dst[k * channel + x * column] = tile[x * kLanes + k] for k < lanes.
template <typename T, typename S>
MMDET_INLINE void store_row(const T* tile, S* dst, Strides strides, int64_t lanes,
                            int64_t count) {
  constexpr int64_t kLanes = Simd<T>::kLanes;
  if (lanes == kLanes && strides.channel == 1) {
    for (int64_t x = 0; x < count; ++x)
      for (int64_t k = 0; k < kLanes; ++k)
        dst[x * strides.column + k] = static_cast<S>(tile[x * kLanes + k]);
  } else {
    for (int64_t k = 0; k < lanes; ++k)
      for (int64_t x = 0; x < count; ++x)
        dst[k * strides.channel + x * strides.column] = static_cast<S>(tile[x * kLanes + k]);
  }
}

}  // namespace mmdet
