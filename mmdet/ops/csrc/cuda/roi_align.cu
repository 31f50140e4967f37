// RoIAlign on CUDA: launches. The backward adds in float32 (float64 for float64)
// and rounds once at the end; under torch.use_deterministic_algorithms(True) it
// adds in the order of the RoIs.
#include <ATen/Context.h>
#include <ATen/Dispatch.h>
#include <ATen/ops/empty.h>
#include <c10/cuda/CUDAGuard.h>
#include <torch/library.h>

#include <optional>
#include <vector>

#include "../checks.h"
#include "../types.h"
#include "roi_align_kernels.cuh"
#include "roi_align_ordered_kernels.cuh"
#include "sort_rois.cuh"
#include "stream.cuh"

namespace mmdet {
namespace {

template <typename S>
Pyramid<S> view(const std::vector<at::Tensor>& maps, at::ArrayRef<double> scales) {
  TORCH_CHECK_VALUE(maps.size() <= kMaxLevels, "roi_align: at most ", kMaxLevels,
                    " levels on CUDA, got ", maps.size());
  Pyramid<S> pyramid{{}, static_cast<int64_t>(maps.size()), maps[0].size(0), maps[0].size(1)};
  for (size_t i = 0; i < maps.size(); ++i) {
    const at::Tensor& map = maps[i];
    pyramid.maps[i] = {static_cast<S*>(map.data_ptr()),
                       map.stride(0),
                       map.stride(1),
                       map.stride(2),
                       map.stride(3),
                       map.size(2),
                       map.size(3),
                       scales[i]};
  }
  return pyramid;
}

template <typename T>
Rois<T> view(const at::Tensor& boxes, const at::Tensor& levels, at::IntArrayRef bins,
             int64_t sample_num) {
  return {boxes.const_data_ptr<T>(),
          levels.defined() ? levels.const_data_ptr<int64_t>() : nullptr,
          boxes.size(0),
          bins[0],
          bins[1],
          sample_num};
}

at::Tensor roi_align(at::TensorList feats, const at::Tensor& rois,
                     const std::optional<at::Tensor>& levels, int64_t out_height, int64_t out_width,
                     at::ArrayRef<double> scales, int64_t sample_num) {
  check_roi_align(feats, rois, levels, out_height, out_width, scales, sample_num);
  const c10::cuda::CUDAGuard guard(rois.device());
  const at::Tensor boxes = rois.to(compute_type(feats[0].scalar_type())).contiguous();
  const at::Tensor level_of = levels.has_value() ? levels->contiguous() : at::Tensor();
  const std::vector<at::Tensor> maps = feats.vec();
  at::Tensor out = at::empty({rois.size(0), maps[0].size(1), out_height, out_width},
                             maps[0].options(), at::MemoryFormat::Contiguous);
  if (out.numel() == 0) return out;
  AT_DISPATCH_FLOATING_TYPES_AND2(
      at::kHalf, at::kBFloat16, maps[0].scalar_type(), "roi_align", [&] {
        using T = Compute<scalar_t>;
        const auto pyramid = view<scalar_t>(maps, scales);
        const auto boxes_view = view<T>(boxes, level_of, {out_height, out_width}, sample_num);
        launch_roi_align<T, scalar_t>(OnStream{}, pyramid, boxes_view, out.data_ptr<scalar_t>());
      });
  return out;
}

// Adds the gradients to maps of zeros, atomically or in the order of the RoIs. Adding in
// order wants the channels innermost.
template <typename T, typename S>
void add_gradients(const std::vector<at::Tensor>& sums, at::ArrayRef<double> scales,
                   const at::Tensor& boxes, const at::Tensor& level_of, const at::Tensor& grad,
                   int64_t sample_num, bool ordered) {
  const auto pyramid = view<T>(sums, scales);
  const auto rois = view<T>(boxes, level_of, {grad.size(2), grad.size(3)}, sample_num);
  if (!ordered) {
    const at::Tensor dense = grad.contiguous();
    launch_roi_align_backward(OnStream{}, pyramid, rois, dense.const_data_ptr<S>(),
                              sums[0].is_contiguous(at::MemoryFormat::ChannelsLast));
    return;
  }
  const at::Tensor dense = grad.permute({0, 2, 3, 1}).contiguous();
  const SortedRois sorted = sort_rois(rois, pyramid.levels, pyramid.images, grad.device());
  const at::Tensor touched = at::empty({rois.num, rois.out_height, 2}, sorted.order.options());
  launch_roi_align_backward_ordered(OnStream{}, pyramid, rois, sorted.view(),
                                    reinterpret_cast<Span*>(touched.data_ptr<int64_t>()),
                                    dense.const_data_ptr<S>());
}

std::vector<at::Tensor> roi_align_backward(const at::Tensor& grad, const at::Tensor& rois,
                                           const std::optional<at::Tensor>& levels,
                                           int64_t num_images, at::IntArrayRef sizes,
                                           at::ArrayRef<double> scales, int64_t sample_num,
                                           bool channels_last) {
  check_roi_align_backward(grad, rois, levels, num_images, sizes, scales, sample_num);
  const c10::cuda::CUDAGuard guard(grad.device());
  const at::Tensor boxes = rois.to(compute_type(grad.scalar_type())).contiguous();
  const at::Tensor level_of = levels.has_value() ? levels->contiguous() : at::Tensor();
  const bool ordered = at::globalContext().deterministicAlgorithms();
  const auto layout = channels_last ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous;
  std::vector<at::Tensor> sums;
  for (size_t level = 0; level < scales.size(); ++level)
    sums.push_back(at::empty({num_images, grad.size(1), sizes[2 * level], sizes[2 * level + 1]},
                             boxes.options(), ordered ? at::MemoryFormat::ChannelsLast : layout)
                       .zero_());
  if (grad.numel() > 0 && num_images > 0)
    AT_DISPATCH_FLOATING_TYPES_AND2(at::kHalf, at::kBFloat16, grad.scalar_type(),
                                    "roi_align_backward", [&] {
                                      add_gradients<Compute<scalar_t>, scalar_t>(
                                          sums, scales, boxes, level_of, grad, sample_num, ordered);
                                    });
  for (at::Tensor& sum : sums) sum = sum.to(grad.scalar_type()).contiguous(layout);
  return sums;
}

}  // namespace
}  // namespace mmdet

TORCH_LIBRARY_IMPL(mmdet, CUDA, m) {
  m.impl("roi_align", &mmdet::roi_align);
  m.impl("roi_align_backward", &mmdet::roi_align_backward);
}
