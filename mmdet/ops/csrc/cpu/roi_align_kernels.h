// Where every RoI reads and with which weights, computed once for all channels,
// and the kernels that apply it to one block of channels of one map.
#pragma once

#include <c10/util/BFloat16.h>
#include <c10/util/Half.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "../sampling.h"
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

  void build(const SampleGrid<T>& grid, int64_t bins, int64_t length) {
    const T share = grid.count ? T(1) / static_cast<T>(grid.count) : T(0);
    first.assign(1, 0);
    first.reserve(bins + 1);
    for (int64_t b = 0; b < bins; ++b) {
      const Span points = points_inside(grid, b, length);
      for (int64_t i = points.from; i < points.to; ++i) {
        const Between<T> at = between(point(grid, b, i), length);
        if (at.low < 0) continue;
        add(static_cast<int32_t>(at.low), (1 - at.frac) * share);
        if (at.high != at.low) add(static_cast<int32_t>(at.high), at.frac * share);
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

// How to reach the channels of one image from a pointer.
struct Strides {
  int64_t channel, row, column;
};

template <typename T, typename S>
struct Task {
  const Plan<T>* plan;
  const Group* group;
  S* map;           // first channel of the task in the group's image
  Strides strides;  // of the map
  int64_t height, width;
  int64_t blocks, channels_left;  // vectors of channels here; channels from here on
  S* pooled;                      // (R, C, bins) shifted to the first channel of the task
  int64_t channels, bins;
};

// tile: (blocks, height, width, lanes) scratch; line: one vector per column a RoI reads;
// values: one vector per bin.
#define MMDET_TASKS(T, S)                                                          \
  void run_forward(const Task<T, S>& task, T* tile, Vec<T>* line, Vec<T>* values); \
  void run_backward(const Task<T, S>& task, T* tile, Vec<T>* line, Vec<T>* values);
MMDET_TASKS(float, float)
MMDET_TASKS(double, double)
MMDET_TASKS(float, c10::Half)
MMDET_TASKS(float, c10::BFloat16)
#undef MMDET_TASKS

}  // namespace mmdet
