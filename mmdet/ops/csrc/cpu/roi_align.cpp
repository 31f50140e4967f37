// RoIAlign on the CPU. One task is a block of channels of one map; RoIs are
// separable (rows first, then columns) and vectors run over channels. The
// backward of a task owns its block, so no two threads add to one pixel and the
// result does not depend on their number.
#include "../roi_align.h"

#include <ATen/Dispatch.h>
#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <torch/library.h>

#include "roi_align_plan.h"
#include "tile.h"

namespace mmdet {
namespace {

template <typename T>
using Vec = typename Simd<T>::Vec;

// line[column] = sum over the taps of one bin row of the tile's pixels.
template <typename T>
MMDET_INLINE void gather_rows(const T* tile, int64_t row_stride, const Axis<T>& rows,
                              int64_t bin, const Axis<T>& cols, Vec<T>* line) {
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
MMDET_INLINE void spread_roi(const Vec<T>* grad, int64_t width, const RoiPlan<T>& roi,
                             Vec<T>* line, T* tile) {
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

template <typename T, typename S>
MMDET_INLINE void forward_body(const Task<T, S>& task, T* tile, Vec<T>* line, Vec<T>* out) {
  const Strides bin_strides{task.bins, 0, 1};
  for (int64_t y = 0; y < task.height; ++y)
    if (task.group->from[y] < task.group->to[y])
      load_row<T, S>(tile + y * task.width * Simd<T>::kLanes, task.map + y * task.strides.row,
                     task.strides, task.lanes, task.group->from[y], task.group->to[y]);
  for (const int64_t r : task.group->rois) {
    pool_roi<T>(tile, task.width, task.plan->rois[r], line, out);
    store_row<T, S>(reinterpret_cast<const T*>(out), task.pooled + r * task.channels * task.bins,
                    bin_strides, task.lanes, task.bins);
  }
}

template <typename T, typename S>
MMDET_INLINE void backward_body(const Task<T, S>& task, T* tile, Vec<T>* line, Vec<T>* grad) {
  const Strides bin_strides{task.bins, 0, 1};
  const int64_t row_size = task.width * Simd<T>::kLanes;
  std::memset(tile, 0, task.height * row_size * sizeof(T));
  for (const int64_t r : task.group->rois) {
    load_row<T, S>(reinterpret_cast<T*>(grad), task.pooled + r * task.channels * task.bins,
                   bin_strides, task.lanes, 0, task.bins);
    spread_roi<T>(grad, task.width, task.plan->rois[r], line, tile);
  }
  for (int64_t y = 0; y < task.height; ++y)
    store_row<T, S>(tile + y * row_size, task.map + y * task.strides.row, task.strides,
                    task.lanes, task.width);
}

// target_clones takes no templates, hence one pair of functions per type.
#define MMDET_TASKS(T, S)                                                                 \
  MMDET_CLONES void run_forward(const Task<T, S>& task, T* tile, Vec<T>* line, Vec<T>* out) { \
    forward_body<T, S>(task, tile, line, out);                                            \
  }                                                                                       \
  MMDET_CLONES void run_backward(const Task<T, S>& task, T* tile, Vec<T>* line,           \
                                 Vec<T>* grad) {                                          \
    backward_body<T, S>(task, tile, line, grad);                                          \
  }
MMDET_TASKS(float, float)
MMDET_TASKS(double, double)
MMDET_TASKS(float, at::Half)
MMDET_TASKS(float, at::BFloat16)
#undef MMDET_TASKS

// Runs every (block of channels, map) task; block-major, so that each thread
// gets a share of every level.
template <typename T, typename S, typename Run>
void for_tasks(const Plan<T>& plan, const std::vector<at::Tensor>& maps, S* pooled,
               int64_t bins, bool skip_empty, const Run& run) {
  constexpr int64_t kLanes = Simd<T>::kLanes;
  const int64_t channels = maps[0].size(1), blocks = (channels + kLanes - 1) / kLanes;
  std::vector<const Group*> groups;
  int64_t most_pixels = 0;
  for (const Group& group : plan.groups) {
    if (skip_empty && group.rois.empty()) continue;
    groups.push_back(&group);
    most_pixels = std::max(most_pixels, maps[group.level].size(2) * maps[group.level].size(3));
  }
  const int64_t num = groups.size();
  at::parallel_for(0, blocks * num, 1, [&](int64_t begin, int64_t end) {
    Tile<T> tile(most_pixels), line(plan.most_columns), values(bins);
    for (int64_t index = begin; index < end; ++index) {
      const Group& group = *groups[index % num];
      const at::Tensor& map = maps[group.level];
      const int64_t channel = index / num * kLanes;
      const Task<T, S> task{&plan, &group,
                            static_cast<S*>(map.data_ptr()) + group.image * map.stride(0) +
                                channel * map.stride(1),
                            strides_of(map), map.size(2), map.size(3),
                            std::min(kLanes, channels - channel), pooled + channel * bins,
                            channels, bins};
      run(task, tile.data(), reinterpret_cast<Vec<T>*>(line.data()),
          reinterpret_cast<Vec<T>*>(values.data()));
    }
  });
}

template <typename S>
using Compute = std::conditional_t<std::is_same_v<S, double>, double, float>;

at::Tensor roi_align(at::TensorList feats, const at::Tensor& rois,
                     const std::optional<at::Tensor>& levels, int64_t out_height,
                     int64_t out_width, at::ArrayRef<double> scales, int64_t sample_num) {
  check_pyramid("roi_align", feats, scales);
  check_rois("roi_align", rois, feats[0]);
  check_levels("roi_align", levels, rois, feats.size());
  check_bins("roi_align", out_height, out_width, sample_num);
  std::vector<int64_t> sizes;
  for (const at::Tensor& feat : feats) sizes.insert(sizes.end(), {feat.size(2), feat.size(3)});
  const at::Tensor boxes = rois.to(compute_type(feats[0].scalar_type())).contiguous();
  at::Tensor out = at::empty({rois.size(0), feats[0].size(1), out_height, out_width},
                             feats[0].options(), at::MemoryFormat::Contiguous);
  AT_DISPATCH_FLOATING_TYPES_AND2(
      at::kHalf, at::kBFloat16, feats[0].scalar_type(), "roi_align", [&] {
        using T = Compute<scalar_t>;
        const auto plan = make_plan<T>(boxes, levels, feats[0].size(0), sizes, scales,
                                       {out_height, out_width}, sample_num);
        for_tasks<T, scalar_t>(plan, feats.vec(), out.data_ptr<scalar_t>(),
                               out_height * out_width, true,
                               [](auto&&... args) { run_forward(args...); });
      });
  return out;
}

std::vector<at::Tensor> roi_align_backward(const at::Tensor& grad, const at::Tensor& rois,
                                           const std::optional<at::Tensor>& levels,
                                           int64_t num_images, at::IntArrayRef sizes,
                                           at::ArrayRef<double> scales, int64_t sample_num,
                                           bool channels_last) {
  check_features("roi_align_backward", grad);
  check_rois("roi_align_backward", rois, grad);
  check_levels("roi_align_backward", levels, rois, scales.size());
  check_bins("roi_align_backward", grad.size(2), grad.size(3), sample_num);
  TORCH_CHECK_VALUE(sizes.size() == 2 * scales.size() && grad.size(0) == rois.size(0),
                    "roi_align_backward: expected two sizes per scale and a gradient per RoI, got ",
                    sizes.size(), " sizes, ", scales.size(), " scales, ", grad.size(0),
                    " gradients, ", rois.size(0), " rois");
  const auto format =
      channels_last ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous;
  std::vector<at::Tensor> grads;
  for (size_t level = 0; level < scales.size(); ++level)
    grads.push_back(
        at::empty({num_images, grad.size(1), sizes[2 * level], sizes[2 * level + 1]},
                  grad.options(), format));
  const at::Tensor dense = grad.contiguous();
  const at::Tensor boxes = rois.to(compute_type(grad.scalar_type())).contiguous();
  AT_DISPATCH_FLOATING_TYPES_AND2(
      at::kHalf, at::kBFloat16, grad.scalar_type(), "roi_align_backward", [&] {
        using T = Compute<scalar_t>;
        const auto plan = make_plan<T>(boxes, levels, num_images, sizes, scales,
                                       {grad.size(2), grad.size(3)}, sample_num);
        for_tasks<T, scalar_t>(plan, grads, dense.data_ptr<scalar_t>(),
                               grad.size(2) * grad.size(3), false,
                               [](auto&&... args) { run_backward(args...); });
      });
  return grads;
}

}  // namespace
}  // namespace mmdet

TORCH_LIBRARY_IMPL(mmdet, CPU, m) {
  m.impl("roi_align", &mmdet::roi_align);
  m.impl("roi_align_backward", &mmdet::roi_align_backward);
}
