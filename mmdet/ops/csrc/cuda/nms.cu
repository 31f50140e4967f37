// NMS on CUDA: sorting, overlaps and the walk stay on the device; the host learns
// only how many boxes are kept, because that is the size of the result.
#include <ATen/Dispatch.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/isnan.h>
#include <ATen/ops/sort.h>
#include <ATen/ops/zeros.h>
#include <c10/cuda/CUDAGuard.h>
#include <torch/library.h>

#include <algorithm>
#include <limits>
#include <optional>

#include "../checks.h"
#include "../types.h"
#include "nms_kernels.cuh"
#include "stream.cuh"

namespace mmdet {
namespace {

at::Tensor nms(const at::Tensor& boxes, const at::Tensor& scores,
               const std::optional<at::Tensor>& labels, double iou_thr, int64_t max_num) {
  check_nms(boxes, scores, labels);
  const c10::cuda::CUDAGuard guard(boxes.device());
  const int64_t num = boxes.size(0);
  if (num == 0) return at::empty({0}, boxes.options().dtype(at::kLong));
  const auto dtype = compute_type(boxes.scalar_type());
  const at::Tensor rows = boxes.to(dtype), keys = scores.to(dtype);
  const at::Tensor invalid = rows.isnan().any(1).logical_or(keys.isnan());
  const at::Tensor order =
      std::get<1>(at::sort(keys.masked_fill(invalid, -std::numeric_limits<double>::infinity()),
                           /*stable=*/true, /*dim=*/0, /*descending=*/true));
  const at::Tensor sorted = rows.index_select(0, order).contiguous();
  const at::Tensor classes = labels.has_value() ? labels->index_select(0, order) : at::Tensor();
  const at::Tensor dropped = invalid.index_select(0, order);
  const at::Tensor keep = at::zeros({num}, dropped.options());
  const int64_t most = std::min<int64_t>(num, kChunk), words = (most + kWord - 1) / kWord;
  const at::Tensor masks = at::empty({most, words}, order.options());
  const at::Tensor places = at::empty({most}, order.options());
  const at::Tensor progress = at::zeros({sizeof(Progress) / sizeof(int64_t)}, order.options());
  AT_DISPATCH_FLOATING_TYPES(dtype, "nms", [&] {
    const Boxes<scalar_t> view{sorted.const_data_ptr<scalar_t>(),
                               classes.defined() ? classes.const_data_ptr<int64_t>() : nullptr,
                               dropped.data_ptr<bool>(), num};
    launch_nms(OnStream{}, view, static_cast<scalar_t>(iou_thr), max_num,
               reinterpret_cast<Mask*>(masks.data_ptr<int64_t>()), places.data_ptr<int64_t>(),
               reinterpret_cast<Progress*>(progress.data_ptr<int64_t>()), keep.data_ptr<bool>());
  });
  return order.masked_select(keep);
}

}  // namespace
}  // namespace mmdet

TORCH_LIBRARY_IMPL(mmdet, CUDA, m) { m.impl("nms", &mmdet::nms); }
