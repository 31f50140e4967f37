// RoIAlign over one or several feature maps on the CPU: who reads where, and the tasks.
//
// A box ends at (x2 + 1) * scale, its size is clamped at 0 from below, there is
// no half-pixel shift: the conventions of the 2019 code. With sample_num 0 a bin
// takes one point per feature pixel.
//
// One task is a block of channels of one map of one image. The backward of a task
// owns its block, so no two threads add to one pixel and the result does not
// depend on their number.
#include <ATen/Dispatch.h>
#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <torch/library.h>

#include <memory>
#include <optional>
#include <vector>

#include "../checks.h"
#include "../types.h"
#include "pages.h"
#include "roi_align_kernels.h"

namespace mmdet {
namespace {

// Memory for vectors, aligned to their size.
template <typename T>
class Scratch {
 public:
  static constexpr int64_t kLanes = Simd<T>::kLanes;

  explicit Scratch(int64_t vectors) : storage_(new T[vectors * kLanes + kLanes]) {
    const auto address = reinterpret_cast<uintptr_t>(storage_.get());
    data_ = storage_.get() + ((64 - address % 64) % 64) / sizeof(T);
  }
  T* data() { return data_; }

 private:
  std::unique_ptr<T[]> storage_;
  T* data_;
};

inline Strides strides_of(const at::Tensor& map) {
  return {map.stride(1), map.stride(2), map.stride(3)};
}

template <typename T>
Group& find_group(Plan<T>& plan, const T* roi, int64_t level, int64_t num_levels,
                  int64_t num_images) {
  TORCH_CHECK_VALUE(roi[0] >= 0 && roi[0] < num_images, "roi_align: image index of a RoI is ",
                    roi[0], ", expected [0, ", num_images, ")");
  TORCH_CHECK_VALUE(level >= 0 && level < num_levels, "roi_align: level of a RoI is ", level,
                    ", expected [0, ", num_levels, ")");
  return plan.groups[level * num_images + static_cast<int64_t>(roi[0])];
}

template <typename T>
void touch(Group& group, const RoiPlan<T>& roi) {
  if (roi.rows.pixels.empty() || roi.cols.pixels.empty()) return;
  const auto [low, high] = std::minmax_element(roi.cols.pixels.begin(), roi.cols.pixels.end());
  for (const int32_t row : roi.rows.pixels) {
    group.from[row] = std::min(group.from[row], *low);
    group.to[row] = std::max(group.to[row], *high + 1);
  }
}

// sizes: (height, width) per level.
template <typename T>
Plan<T> make_plan(const at::Tensor& rois, const std::optional<at::Tensor>& levels,
                  int64_t num_images, at::IntArrayRef sizes, at::ArrayRef<double> scales,
                  at::IntArrayRef bins, int64_t sample_num) {
  const int64_t num = rois.size(0), num_levels = scales.size();
  const T* const boxes = rois.const_data_ptr<T>();
  const at::Tensor level_of = levels.has_value() ? levels->contiguous() : at::Tensor();
  const int64_t* const level = levels.has_value() ? level_of.const_data_ptr<int64_t>() : nullptr;
  Plan<T> plan;
  plan.rois.resize(num);
  for (int64_t l = 0; l < num_levels; ++l)
    for (int64_t n = 0; n < num_images; ++n)
      plan.groups.push_back({l,
                             n,
                             {},
                             std::vector<int32_t>(sizes[2 * l], INT32_MAX),
                             std::vector<int32_t>(sizes[2 * l], 0)});
  for (int64_t r = 0; r < num; ++r)
    find_group(plan, boxes + 5 * r, level ? level[r] : 0, num_levels, num_images).rois.push_back(r);
  at::parallel_for(0, num, 32, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const T* const box = boxes + 5 * r;
      const int64_t l = level ? level[r] : 0;
      const T scale = static_cast<T>(scales[l]);
      plan.rois[r].rows.build(sample_grid(box[2], box[4], scale, bins[0], sample_num), bins[0],
                              sizes[2 * l]);
      plan.rois[r].cols.build(sample_grid(box[1], box[3], scale, bins[1], sample_num), bins[1],
                              sizes[2 * l + 1]);
    }
  });
  for (Group& group : plan.groups)
    for (const int64_t r : group.rois) {
      touch(group, plan.rois[r]);
      plan.most_columns = std::max(plan.most_columns, plan.rois[r].cols.pixels.size());
    }
  return plan;
}

// Runs every (block of channels, map) task; block-major, so that each thread
// gets a share of every level.
template <typename T, typename S, typename Run>
void for_tasks(const Plan<T>& plan, const std::vector<at::Tensor>& maps, S* pooled, int64_t bins,
               bool skip_empty, const Run& run) {
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
  // Channels-last maps are read several blocks at a time, if threads stay busy.
  const int64_t each = maps[0].stride(1) == 1 && channels > 1
                           ? std::clamp<int64_t>(blocks * num / (4 * at::get_num_threads()), 1, 4)
                           : 1;
  at::parallel_for(0, (blocks + each - 1) / each * num, 1, [&](int64_t begin, int64_t end) {
    Scratch<T> tile(each * most_pixels), line(plan.most_columns), values(bins);
    for (int64_t index = begin; index < end; ++index) {
      const Group& group = *groups[index % num];
      const at::Tensor& map = maps[group.level];
      const int64_t channel = index / num * each * kLanes;
      const Task<T, S> task{
          &plan,
          &group,
          static_cast<S*>(map.data_ptr()) + group.image * map.stride(0) + channel * map.stride(1),
          strides_of(map),
          map.size(2),
          map.size(3),
          std::min(each, blocks - index / num * each),
          channels - channel,
          pooled + channel * bins,
          channels,
          bins};
      run(task, tile.data(), reinterpret_cast<Vec<T>*>(line.data()),
          reinterpret_cast<Vec<T>*>(values.data()));
    }
  });
}

at::Tensor roi_align(at::TensorList feats, const at::Tensor& rois,
                     const std::optional<at::Tensor>& levels, int64_t out_height, int64_t out_width,
                     at::ArrayRef<double> scales, int64_t sample_num) {
  check_roi_align(feats, rois, levels, out_height, out_width, scales, sample_num);
  std::vector<int64_t> sizes;
  for (const at::Tensor& feat : feats) sizes.insert(sizes.end(), {feat.size(2), feat.size(3)});
  const at::Tensor boxes = rois.to(compute_type(feats[0].scalar_type())).contiguous();
  at::Tensor out = at::empty({rois.size(0), feats[0].size(1), out_height, out_width},
                             feats[0].options(), at::MemoryFormat::Contiguous);
  prefer_huge_pages(out.data_ptr(), out.nbytes());
  AT_DISPATCH_FLOATING_TYPES_AND2(
      at::kHalf, at::kBFloat16, feats[0].scalar_type(), "roi_align", [&] {
        using T = Compute<scalar_t>;
        const auto plan = make_plan<T>(boxes, levels, feats[0].size(0), sizes, scales,
                                       {out_height, out_width}, sample_num);
        for_tasks<T, scalar_t>(plan, feats.vec(), out.data_ptr<scalar_t>(), out_height * out_width,
                               true, [](auto&&... args) { run_forward(args...); });
      });
  return out;
}

std::vector<at::Tensor> roi_align_backward(const at::Tensor& grad, const at::Tensor& rois,
                                           const std::optional<at::Tensor>& levels,
                                           int64_t num_images, at::IntArrayRef sizes,
                                           at::ArrayRef<double> scales, int64_t sample_num,
                                           bool channels_last) {
  check_roi_align_backward(grad, rois, levels, num_images, sizes, scales, sample_num);
  const auto format = channels_last ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous;
  std::vector<at::Tensor> grads;
  for (size_t level = 0; level < scales.size(); ++level)
    grads.push_back(at::empty({num_images, grad.size(1), sizes[2 * level], sizes[2 * level + 1]},
                              grad.options(), format));
  for (const at::Tensor& one : grads) prefer_huge_pages(one.data_ptr(), one.nbytes());
  const at::Tensor dense = grad.contiguous();
  const at::Tensor boxes = rois.to(compute_type(grad.scalar_type())).contiguous();
  AT_DISPATCH_FLOATING_TYPES_AND2(
      at::kHalf, at::kBFloat16, grad.scalar_type(), "roi_align_backward", [&] {
        using T = Compute<scalar_t>;
        const auto plan = make_plan<T>(boxes, levels, num_images, sizes, scales,
                                       {grad.size(2), grad.size(3)}, sample_num);
        for_tasks<T, scalar_t>(plan, grads, dense.data_ptr<scalar_t>(), grad.size(2) * grad.size(3),
                               false, [](auto&&... args) { run_backward(args...); });
      });
  return grads;
}

}  // namespace
}  // namespace mmdet

TORCH_LIBRARY_IMPL(mmdet, CPU, m) {
  m.impl("roi_align", &mmdet::roi_align);
  m.impl("roi_align_backward", &mmdet::roi_align_backward);
}
