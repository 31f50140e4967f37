// Where RoIAlign samples and where RoIPool looks, on either device.
#pragma once

#include <cmath>
#include <cstdint>

#ifdef __CUDACC__
#define MMDET_HD __host__ __device__ __forceinline__
#else
#define MMDET_HD inline
#endif

namespace mmdet {

// The sample points of a RoI along one axis: bin b has `count` points from
// start + b * bin on, `step` apart.
template <typename T>
struct SampleGrid {
  T start, bin, step;
  int64_t count;  // 0 where the RoI has no extent, is not finite or is endless
};

template <typename T>
MMDET_HD SampleGrid<T> sample_grid(T low, T high, T scale, int64_t bins, int64_t sample_num) {
  const T start = low * scale, end = (high + 1) * scale;
  const T extent = end - start > 0 ? end - start : T(0);
  const T bin = extent / static_cast<T>(bins);
  const T count = sample_num > 0 ? static_cast<T>(sample_num) : std::ceil(bin);
  const bool usable = end - start == end - start && count > 0 && count <= T(1e12) &&
                      start - start == T(0) && bin - bin == T(0);
  return {start, bin, usable ? bin / count : T(0), usable ? static_cast<int64_t>(count) : 0};
}

struct Span {
  int64_t from, to;
};

// The points of bin b that can lie within a pixel of [0, length): a huge box with
// an adaptive grid has more points outside than one can visit.
template <typename T>
MMDET_HD Span points_inside(const SampleGrid<T>& grid, int64_t b, int64_t length) {
  if (grid.count <= 64 || !(grid.step > 0)) return {0, grid.count};
  const double corner = static_cast<double>(grid.start) + static_cast<double>(b) * grid.bin;
  const double from = std::floor((-1 - corner) / grid.step) - 1;
  const double to = std::ceil((static_cast<double>(length) - corner) / grid.step) + 1;
  const double count = static_cast<double>(grid.count);
  return {static_cast<int64_t>(from < 0       ? 0
                               : from > count ? count
                                              : from),
          static_cast<int64_t>(to < 0       ? 0
                               : to > count ? count
                                            : to)};
}

template <typename T>
MMDET_HD T point(const SampleGrid<T>& grid, int64_t b, int64_t i) {
  return grid.start + static_cast<T>(b) * grid.bin + (static_cast<T>(i) + T(0.5)) * grid.step;
}

// A point between two pixels: `low` with weight 1 - frac, `high` with frac.
// low is -1 for a point further than a pixel outside, or NaN: it counts as 0.
template <typename T>
struct Between {
  int64_t low, high;
  T frac;
};

template <typename T>
MMDET_HD Between<T> between(T pos, int64_t length) {
  if (!(pos >= -1 && pos <= static_cast<T>(length))) return {-1, -1, T(0)};
  pos = pos > 0 ? pos : T(0);
  const int64_t low = static_cast<int64_t>(pos);
  if (low >= length - 1) return {length - 1, length - 1, T(0)};
  return {low, low + 1, pos - static_cast<T>(low)};
}

template <typename T>
MMDET_HD int64_t to_pixel(T value, int64_t length) {
  if (!(value > 0)) return 0;  // NaN too
  return value < static_cast<T>(length) ? static_cast<int64_t>(value) : length;
}

// Pixels [from, to) of a RoIPool bin between start and end; empty where the RoI
// has no extent.
template <typename T>
MMDET_HD Span pool_span(T start, T end, int64_t bins, int64_t b, int64_t length) {
  const T extent = end - start;
  if (!(extent > 0)) return {0, 0};
  const T size = extent / static_cast<T>(bins);
  return {to_pixel(std::floor(static_cast<T>(b) * size + start), length),
          to_pixel(std::ceil(static_cast<T>(b + 1) * size + start), length)};
}

}  // namespace mmdet
