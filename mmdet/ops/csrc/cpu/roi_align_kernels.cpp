// RoIAlign on the CPU. RoIs of one map overlap, so a map is turned to
// channels-last once, one vector of channels at a time: the turned block stays in
// the L2 cache while every RoI reads it, main memory sees each feature once and
// nothing is allocated at the size of the maps. RoIs are separable: rows first,
// then columns. Any strides are accepted; half and bfloat16 become float32.
// Pixels and weights come from the plan, so here products and sums may become FMAs.
#include "roi_align_kernels.h"

namespace mmdet {
namespace {

// tile[x * kLanes + k] = src[k * channel + x * column], 0 for k >= lanes.
template <typename T, typename S>
MMDET_INLINE void load_row(T* tile, const S* src, Strides strides, int64_t lanes, int64_t from,
                           int64_t to) {
  constexpr int64_t kLanes = Simd<T>::kLanes;
  int64_t x = from;
  if (lanes == kLanes && strides.channel == 1) {
    for (; x < to; ++x) store<T>(load<T>(src + x * strides.column), tile + x * kLanes);
  } else if (lanes == kLanes && strides.column == 1) {
    for (; x + kLanes <= to; x += kLanes) {
      Vec<T> rows[kLanes];
#pragma GCC unroll 16
      for (int64_t k = 0; k < kLanes; ++k) rows[k] = load<T>(src + k * strides.channel + x);
      transpose<T>(rows);
#pragma GCC unroll 16
      for (int64_t k = 0; k < kLanes; ++k) store<T>(rows[k], tile + (x + k) * kLanes);
    }
  }
  for (; x < to; ++x)
    for (int64_t k = 0; k < kLanes; ++k)
      tile[x * kLanes + k] =
          k < lanes ? static_cast<T>(src[k * strides.channel + x * strides.column]) : T(0);
}

// dst[k * channel + x * column] = tile[x * kLanes + k] for k < lanes.
template <typename T, typename S>
MMDET_INLINE void store_row(const T* tile, S* dst, Strides strides, int64_t lanes, int64_t count) {
  constexpr int64_t kLanes = Simd<T>::kLanes;
  int64_t x = 0;
  if (lanes == kLanes && strides.channel == 1) {
    for (; x < count; ++x) store<T>(load<T>(tile + x * kLanes), dst + x * strides.column);
  } else if (lanes == kLanes && strides.column == 1) {
    for (; x + kLanes <= count; x += kLanes) {
      Vec<T> rows[kLanes];
#pragma GCC unroll 16
      for (int64_t k = 0; k < kLanes; ++k) rows[k] = load<T>(tile + (x + k) * kLanes);
      transpose<T>(rows);
#pragma GCC unroll 16
      for (int64_t k = 0; k < kLanes; ++k) store<T>(rows[k], dst + k * strides.channel + x);
    }
  }
  for (; x < count; ++x)
    for (int64_t k = 0; k < lanes; ++k)
      dst[k * strides.channel + x * strides.column] = static_cast<S>(tile[x * kLanes + k]);
}

// line[column] = sum over the taps of one bin row of the tile's pixels.
template <typename T>
MMDET_INLINE void gather_rows(const T* tile, int64_t row_stride, const Axis<T>& rows, int64_t bin,
                              const Axis<T>& cols, Vec<T>* line) {
  constexpr int64_t kLanes = Simd<T>::kLanes;
  const int64_t num = cols.pixels.size();
  bool fresh = true;
  for (int32_t t = rows.first[bin]; t < rows.first[bin + 1]; ++t) {
    const T weight = rows.taps[t].weight;
    const T* const row = tile + rows.pixels[rows.taps[t].place] * row_stride;
    for (int64_t c = 0; c < num; ++c) {
      const Vec<T> value = *reinterpret_cast<const Vec<T>*>(row + cols.pixels[c] * kLanes);
      line[c] = fresh ? weight * value : line[c] + weight * value;
    }
    fresh = false;
  }
  if (fresh)
    for (int64_t c = 0; c < num; ++c) line[c] = Vec<T>{};
}

// out: (bins, kLanes) values of one RoI and one block of channels.
template <typename T>
MMDET_INLINE void pool_roi(const T* tile, int64_t width, const RoiPlan<T>& roi, Vec<T>* line,
                           Vec<T>* out) {
  const int64_t height = roi.rows.first.size() - 1, bins = roi.cols.first.size() - 1;
  for (int64_t ph = 0; ph < height; ++ph) {
    gather_rows<T>(tile, width * Simd<T>::kLanes, roi.rows, ph, roi.cols, line);
    for (int64_t pw = 0; pw < bins; ++pw) {
      Vec<T> sum{};
      for (int32_t t = roi.cols.first[pw]; t < roi.cols.first[pw + 1]; ++t)
        sum += roi.cols.taps[t].weight * line[roi.cols.taps[t].place];
      out[ph * bins + pw] = sum;
    }
  }
}

// The transpose of pool_roi: adds grad (bins, kLanes) to the tile.
template <typename T>
MMDET_INLINE void spread_roi(const Vec<T>* grad, int64_t width, const RoiPlan<T>& roi, Vec<T>* line,
                             T* tile) {
  constexpr int64_t kLanes = Simd<T>::kLanes;
  const int64_t height = roi.rows.first.size() - 1, bins = roi.cols.first.size() - 1;
  const int64_t num = roi.cols.pixels.size();
  for (int64_t ph = 0; ph < height; ++ph) {
    for (int64_t c = 0; c < num; ++c) line[c] = Vec<T>{};
    for (int64_t pw = 0; pw < bins; ++pw)
      for (int32_t t = roi.cols.first[pw]; t < roi.cols.first[pw + 1]; ++t)
        line[roi.cols.taps[t].place] += roi.cols.taps[t].weight * grad[ph * bins + pw];
    for (int32_t t = roi.rows.first[ph]; t < roi.rows.first[ph + 1]; ++t) {
      const T weight = roi.rows.taps[t].weight;
      T* const row = tile + roi.rows.pixels[roi.rows.taps[t].place] * width * kLanes;
      for (int64_t c = 0; c < num; ++c)
        *reinterpret_cast<Vec<T>*>(row + roi.cols.pixels[c] * kLanes) += weight * line[c];
    }
  }
}

// Runs copy(tile row, map row, lanes, y) for the blocks of a task: rows outside,
// so that channels-last maps are read and written in whole cache lines.
template <typename T, typename S, typename Copy>
MMDET_INLINE void for_rows(const Task<T, S>& task, T* tile, const Copy& copy) {
  constexpr int64_t kLanes = Simd<T>::kLanes;
  for (int64_t y = 0; y < task.height; ++y)
    for (int64_t b = 0; b < task.blocks; ++b)
      copy(tile + (b * task.height + y) * task.width * kLanes,
           task.map + b * kLanes * task.strides.channel + y * task.strides.row,
           std::min(kLanes, task.channels_left - b * kLanes), y);
}

// Runs use(tile, first bin, lanes, roi) for every block and RoI.
template <typename T, typename S, typename Use>
MMDET_INLINE void for_rois(const Task<T, S>& task, T* tile, const Use& use) {
  constexpr int64_t kLanes = Simd<T>::kLanes;
  for (int64_t b = 0; b < task.blocks; ++b)
    for (const int64_t r : task.group->rois)
      use(tile + b * task.height * task.width * kLanes,
          task.pooled + (r * task.channels + b * kLanes) * task.bins,
          std::min(kLanes, task.channels_left - b * kLanes), task.plan->rois[r]);
}

template <typename T, typename S>
MMDET_INLINE void forward_body(const Task<T, S>& task, T* tile, Vec<T>* line, Vec<T>* out) {
  const Strides bin_strides{task.bins, 0, 1};
  for_rows(task, tile, [&](T* row, const S* map, int64_t lanes, int64_t y) MMDET_LAMBDA {
    if (task.group->from[y] < task.group->to[y])
      load_row<T, S>(row, map, task.strides, lanes, task.group->from[y], task.group->to[y]);
  });
  for_rois(task, tile,
           [&](const T* map, S* bins, int64_t lanes, const RoiPlan<T>& roi) MMDET_LAMBDA {
             pool_roi<T>(map, task.width, roi, line, out);
             store_row<T, S>(reinterpret_cast<const T*>(out), bins, bin_strides, lanes, task.bins);
           });
}

template <typename T, typename S>
MMDET_INLINE void backward_body(const Task<T, S>& task, T* tile, Vec<T>* line, Vec<T>* grad) {
  const Strides bin_strides{task.bins, 0, 1};
  std::memset(tile, 0, task.blocks * task.height * task.width * sizeof(Vec<T>));
  for_rois(task, tile,
           [&](T* map, const S* bins, int64_t lanes, const RoiPlan<T>& roi) MMDET_LAMBDA {
             load_row<T, S>(reinterpret_cast<T*>(grad), bins, bin_strides, lanes, 0, task.bins);
             spread_roi<T>(grad, task.width, roi, line, map);
           });
  for_rows(task, tile, [&](const T* row, S* map, int64_t lanes, int64_t) MMDET_LAMBDA {
    store_row<T, S>(row, map, task.strides, lanes, task.width);
  });
}

}  // namespace

// target_clones takes no templates, hence one pair of functions per type.
#define MMDET_TASKS(T, S)                                                                       \
  MMDET_CLONES void run_forward(const Task<T, S>& task, T* tile, Vec<T>* line, Vec<T>* out) {   \
    forward_body<T, S>(task, tile, line, out);                                                  \
  }                                                                                             \
  MMDET_CLONES void run_backward(const Task<T, S>& task, T* tile, Vec<T>* line, Vec<T>* grad) { \
    backward_body<T, S>(task, tile, line, grad);                                                \
  }
MMDET_TASKS(float, float)
MMDET_TASKS(double, double)
MMDET_TASKS(float, c10::Half)
MMDET_TASKS(float, c10::BFloat16)
#undef MMDET_TASKS

}  // namespace mmdet
