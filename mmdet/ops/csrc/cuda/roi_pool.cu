// RoIPool on CUDA: launches. The backward adds in float32 (float64 for float64) and rounds
// once at the end; under torch.use_deterministic_algorithms(True) it adds in the order of
// the RoIs.
#include <ATen/Context.h>
#include <ATen/Dispatch.h>
#include <ATen/ops/empty.h>
#include <c10/cuda/CUDAGuard.h>
#include <torch/library.h>

#include <tuple>

#include "../checks.h"
#include "../types.h"
#include "roi_pool_kernels.cuh"
#include "sort_rois.cuh"
#include "stream.cuh"

namespace mmdet {
namespace {

std::tuple<at::Tensor, at::Tensor> roi_pool(const at::Tensor& features, const at::Tensor& rois,
                                            int64_t out_height, int64_t out_width, double scale) {
  check_roi_pool(features, rois, out_height, out_width);
  const c10::cuda::CUDAGuard guard(features.device());
  const at::Tensor feat = features.contiguous();
  const at::Tensor boxes = rois.to(compute_type(feat.scalar_type())).contiguous();
  at::Tensor out = at::empty({rois.size(0), feat.size(1), out_height, out_width}, feat.options());
  at::Tensor argmax = at::empty(out.sizes(), feat.options().dtype(at::kLong));
  if (out.numel() == 0) return {out, argmax};
  AT_DISPATCH_FLOATING_TYPES_AND2(at::kHalf, at::kBFloat16, feat.scalar_type(), "roi_pool", [&] {
    using T = Compute<scalar_t>;
    const MapView<const scalar_t> map{feat.const_data_ptr<scalar_t>(),
                                      feat.stride(0),
                                      feat.stride(1),
                                      feat.stride(2),
                                      feat.stride(3),
                                      feat.size(2),
                                      feat.size(3),
                                      scale};
    const Rois<T> view{boxes.const_data_ptr<T>(), nullptr, rois.size(0), out_height, out_width, 0};
    launch_roi_pool<T, scalar_t>(OnStream{}, map, feat.size(0), feat.size(1), view,
                                 out.data_ptr<scalar_t>(), argmax.data_ptr<int64_t>());
  });
  return {out, argmax};
}

// Adds the gradients to maps of zeros, atomically or in the order of the RoIs. Adding in
// order wants the channels innermost.
template <typename T, typename S>
void add_gradients(const at::Tensor& sums, const at::Tensor& boxes, const at::Tensor& grad,
                   const at::Tensor& argmax, bool ordered) {
  const int64_t images = sums.size(0), channels = sums.size(1);
  const int64_t pixels = sums.size(2) * sums.size(3), bins = grad.size(2) * grad.size(3);
  const Rois<T> rois{
      boxes.const_data_ptr<T>(), nullptr, grad.size(0), grad.size(2), grad.size(3), 0};
  const auto dense = [&](const at::Tensor& values) {
    return (ordered ? values.permute({0, 2, 3, 1}) : values).contiguous();
  };
  const at::Tensor values = dense(grad), places = dense(argmax);
  const S* const value = values.const_data_ptr<S>();
  const int64_t* const place = places.const_data_ptr<int64_t>();
  if (ordered) {
    const SortedRois sorted = sort_rois(rois, 1, images, grad.device());
    launch_roi_pool_backward_ordered(OnStream{}, value, place, sorted.view(), bins, images,
                                     channels, pixels, sums.data_ptr<T>());
  } else {
    launch_roi_pool_backward(OnStream{}, value, place, rois, images, channels, pixels,
                             sums.data_ptr<T>());
  }
}

at::Tensor roi_pool_backward(const at::Tensor& grad, const at::Tensor& argmax,
                             const at::Tensor& rois, int64_t num_images, int64_t height,
                             int64_t width) {
  check_roi_pool_backward(grad, argmax, rois, num_images, height, width);
  const c10::cuda::CUDAGuard guard(grad.device());
  const at::Tensor boxes = rois.to(compute_type(grad.scalar_type())).contiguous();
  const bool ordered = at::globalContext().deterministicAlgorithms();
  const at::Tensor sums =
      at::empty({num_images, grad.size(1), height, width}, boxes.options(),
                ordered ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous)
          .zero_();
  if (grad.numel() > 0 && num_images > 0)
    AT_DISPATCH_FLOATING_TYPES_AND2(
        at::kHalf, at::kBFloat16, grad.scalar_type(), "roi_pool_backward",
        [&] { add_gradients<Compute<scalar_t>, scalar_t>(sums, boxes, grad, argmax, ordered); });
  return sums.to(grad.scalar_type()).contiguous();
}

}  // namespace
}  // namespace mmdet

TORCH_LIBRARY_IMPL(mmdet, CUDA, m) {
  m.impl("roi_pool", &mmdet::roi_pool);
  m.impl("roi_pool_backward", &mmdet::roi_pool_backward);
}
