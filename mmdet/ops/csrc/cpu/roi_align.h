// Where every RoI reads and with which weights, computed once for all channels,
// and the kernels that apply it to one block of channels of one map.
#pragma once

#include <c10/util/BFloat16.h>
#include <c10/util/Half.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "simd.h"

namespace mmdet {

// Bilinear sampling and averaging are linear along each axis: bin b reads the
// pixels of taps[first[b]] .. taps[first[b + 1] - 1]. `pixels` lists the
// distinct pixels of all bins, and a tap names one by its place in that list.
template <typename T>
struct Axis {
  struct Tap {
    int32_t place;
    T weight;
  };
  std::vector<int32_t> first;
  std::vector<Tap> taps;
  std::vector<int32_t> pixels;

  void add(int32_t pixel, T weight) {
    int32_t place = static_cast<int32_t>(pixels.size()) - 1;
    while (place >= 0 && pixels[place] > pixel) --place;
    if (place < 0 || pixels[place] != pixel) {
      place = static_cast<int32_t>(pixels.size());
      pixels.push_back(pixel);
    }
    // Points come in order, so only the last two taps of a bin can be met again.
    const size_t last = taps.size(), begin = first.back();
    for (size_t t = last; t > begin && t + 2 > last; --t) {
      if (taps[t - 1].place != place) continue;
      taps[t - 1].weight += weight;
      return;
    }
    taps.push_back({place, weight});
  }

  // NaN and points further than a pixel outside add nothing.
  void sample(T pos, int64_t length, T share) {
    if (!(pos >= -1 && pos <= length)) return;
    pos = std::max(pos, T(0));
    const auto low = static_cast<int32_t>(pos);
    if (low >= length - 1) return add(static_cast<int32_t>(length - 1), share);
    const T high = pos - low;
    add(low, (1 - high) * share);
    add(low + 1, high * share);
  }

  void build(T start, T end, int64_t bins, int64_t sample_num, int64_t length) {
    const T bin = std::max(end - start, T(0)) / bins;
    const T count = sample_num > 0 ? T(sample_num) : std::ceil(bin);
    first.assign(1, 0);
    first.reserve(bins + 1);
    for (int64_t b = 0; b < bins; ++b) {
      const T corner = start + b * bin;
      const T step = bin / count;
      // Only the points that can lie inside: an adaptive grid may be endless.
      T from = 0, to = count;
      if (sample_num == 0 && step > 0) {
        from = std::max(from, std::floor((-1 - corner) / step) - 1);
        to = std::min(to, std::ceil((length - corner) / step) + 1);
      }
      if (std::isfinite(corner) && std::isfinite(step)) {
        for (T i = from; i < to; i += 1) sample(corner + (i + T(0.5)) * step, length, 1 / count);
      }
      first.push_back(static_cast<int32_t>(taps.size()));
    }
  }
};

template <typename T>
struct RoiPlan {
  Axis<T> rows, cols;
};

// The RoIs that read one map of one image, and which part of it they touch.
struct Group {
  int64_t level, image;
  std::vector<int64_t> rois;
  std::vector<int32_t> from, to;  // per row of the map, columns [from, to)
};

template <typename T>
struct Plan {
  std::vector<RoiPlan<T>> rois;
  std::vector<Group> groups;  // level-major, every image of every level
  size_t most_columns = 0;
};

template <typename T>
using Vec = typename Simd<T>::Vec;

// How to reach the channels of one image from a pointer.
struct Strides {
  int64_t channel, row, column;
};

template <typename T, typename S>
struct Task {
  const Plan<T>* plan;
  const Group* group;
  S* map;           // first channel of the block in the group's image
  Strides strides;  // of the map
  int64_t height, width, lanes;
  S* pooled;  // (R, C, bins) shifted to the first channel of the block
  int64_t channels, bins;
};

// tile: (height, width, lanes) scratch; line: one vector per column a RoI reads;
// values: one vector per bin.
#define MMDET_TASKS(T, S)                                                           \
  void run_forward(const Task<T, S>& task, T* tile, Vec<T>* line, Vec<T>* values);  \
  void run_backward(const Task<T, S>& task, T* tile, Vec<T>* line, Vec<T>* values);
MMDET_TASKS(float, float)
MMDET_TASKS(double, double)
MMDET_TASKS(float, c10::Half)
MMDET_TASKS(float, c10::BFloat16)
#undef MMDET_TASKS

}  // namespace mmdet
