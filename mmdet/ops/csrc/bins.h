// The pixels of a RoIPool bin, on either device.
#pragma once

#include <cmath>
#include <cstdint>

#ifdef __CUDACC__
#define MMDET_HD __host__ __device__
#else
#define MMDET_HD
#endif

namespace mmdet {

struct Span {
  int64_t from, to;
};

template <typename T>
MMDET_HD int64_t to_pixel(T value, int64_t length) {
  if (!(value > 0)) return 0;  // NaN too
  return value < static_cast<T>(length) ? static_cast<int64_t>(value) : length;
}

// Pixels [from, to) of bin `index` of `bins` between start and end; empty
// where the RoI has no extent.
template <typename T>
MMDET_HD Span bin_span(T start, T end, int64_t bins, int64_t index, int64_t length) {
  const T extent = end - start;
  if (!(extent > 0)) return {0, 0};
  const T size = extent / static_cast<T>(bins);
  return {to_pixel(std::floor(static_cast<T>(index) * size + start), length),
          to_pixel(std::ceil(static_cast<T>(index + 1) * size + start), length)};
}

}  // namespace mmdet
