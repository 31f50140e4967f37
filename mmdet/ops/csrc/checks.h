// What the operators ask of their arguments: one function per operator, called on every
// device. What only the values of a tensor tell (image index, level) is left to the
// kernels, because a check of values on a GPU would stop the host.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/util/Exception.h>

#include <cstdint>
#include <optional>

namespace mmdet {

inline void check_features(const char* op, const at::Tensor& feat) {
  TORCH_CHECK_VALUE(feat.dim() == 4 && feat.size(2) > 0 && feat.size(3) > 0, op,
                    ": features must be (N, C, H, W) with pixels, got ", feat.sizes());
  TORCH_CHECK_TYPE(feat.is_floating_point(), op, ": features must be floating point, got ",
                   feat.scalar_type());
}

inline void check_rois(const char* op, const at::Tensor& rois, const at::Tensor& like) {
  TORCH_CHECK_VALUE(rois.dim() == 2 && rois.size(1) == 5, op,
                    ": rois must be (R, 5) rows of image index, x1, y1, x2, y2, got ",
                    rois.sizes());
  TORCH_CHECK_TYPE(rois.is_floating_point(), op, ": rois must be floating point, got ",
                   rois.scalar_type());
  TORCH_CHECK_VALUE(rois.device() == like.device(), op,
                    ": rois and features must be on one device, got ", rois.device(), " and ",
                    like.device());
}

inline void check_levels(const char* op, const std::optional<at::Tensor>& levels,
                         const at::Tensor& rois, int64_t num_levels) {
  TORCH_CHECK_VALUE(levels.has_value() || num_levels == 1, op, ": levels are needed to tell ",
                    num_levels, " maps apart");
  if (!levels.has_value()) return;
  TORCH_CHECK_VALUE(levels->dim() == 1 && levels->size(0) == rois.size(0), op, ": levels must be (",
                    rois.size(0), ",), got ", levels->sizes());
  TORCH_CHECK_TYPE(levels->scalar_type() == at::kLong, op, ": levels must be int64, got ",
                   levels->scalar_type());
  TORCH_CHECK_VALUE(levels->device() == rois.device(), op,
                    ": levels and rois must be on one device, got ", levels->device(), " and ",
                    rois.device());
}

inline void check_bins(const char* op, int64_t height, int64_t width, int64_t sample_num) {
  TORCH_CHECK_VALUE(height > 0 && width > 0 && sample_num >= 0, op,
                    ": out_size must be positive and sample_num not negative, got (", height, ", ",
                    width, ") and ", sample_num);
}

inline void check_pyramid(const char* op, at::TensorList feats, at::ArrayRef<double> scales) {
  TORCH_CHECK_VALUE(!feats.empty() && feats.size() == scales.size(), op,
                    ": expected one spatial scale per level and at least one level, got ",
                    feats.size(), " levels and ", scales.size(), " scales");
  for (size_t level = 0; level < feats.size(); ++level) {
    const at::Tensor& feat = feats[level];
    check_features(op, feat);
    TORCH_CHECK_VALUE(
        feat.size(0) == feats[0].size(0) && feat.size(1) == feats[0].size(1) &&
            feat.scalar_type() == feats[0].scalar_type() && feat.device() == feats[0].device(),
        op, ": all levels must share N, C, dtype and device, got ", feat.sizes(), " ",
        feat.scalar_type(), " ", feat.device(), " at level ", level, " and ", feats[0].sizes(), " ",
        feats[0].scalar_type(), " ", feats[0].device(), " at 0");
  }
}

// A gradient (R, C, bins) per RoI, for maps of the given sizes.
inline void check_grad(const char* op, const at::Tensor& grad, const at::Tensor& rois,
                       int64_t num_images, at::IntArrayRef sizes) {
  check_features(op, grad);
  check_rois(op, rois, grad);
  TORCH_CHECK_VALUE(grad.size(0) == rois.size(0), op, ": expected a gradient per RoI, got ",
                    grad.size(0), " gradients and ", rois.size(0), " rois");
  TORCH_CHECK_VALUE(num_images >= 0, op, ": the number of images is ", num_images);
  for (const int64_t size : sizes)
    TORCH_CHECK_VALUE(size > 0, op, ": heights and widths must be positive, got ", sizes);
}

inline void check_roi_align(at::TensorList feats, const at::Tensor& rois,
                            const std::optional<at::Tensor>& levels, int64_t out_height,
                            int64_t out_width, at::ArrayRef<double> scales, int64_t sample_num) {
  const char* const op = "roi_align";
  check_pyramid(op, feats, scales);
  check_rois(op, rois, feats[0]);
  check_levels(op, levels, rois, feats.size());
  check_bins(op, out_height, out_width, sample_num);
}

inline void check_roi_align_backward(const at::Tensor& grad, const at::Tensor& rois,
                                     const std::optional<at::Tensor>& levels, int64_t num_images,
                                     at::IntArrayRef sizes, at::ArrayRef<double> scales,
                                     int64_t sample_num) {
  const char* const op = "roi_align_backward";
  TORCH_CHECK_VALUE(!scales.empty() && sizes.size() == 2 * scales.size(), op,
                    ": expected two sizes per scale and at least one scale, got ", sizes.size(),
                    " sizes and ", scales.size(), " scales");
  check_grad(op, grad, rois, num_images, sizes);
  check_levels(op, levels, rois, scales.size());
  check_bins(op, grad.size(2), grad.size(3), sample_num);
}

inline void check_roi_pool(const at::Tensor& features, const at::Tensor& rois, int64_t out_height,
                           int64_t out_width) {
  const char* const op = "roi_pool";
  check_features(op, features);
  check_rois(op, rois, features);
  check_bins(op, out_height, out_width, 0);
  TORCH_CHECK_VALUE(features.size(2) * features.size(3) <= INT32_MAX, op,
                    ": a map may have 2^31 - 1 pixels, got ", features.sizes());
}

// Values of argmax outside the map are no error: the kernels drop their gradients.
inline void check_roi_pool_backward(const at::Tensor& grad, const at::Tensor& argmax,
                                    const at::Tensor& rois, int64_t num_images, int64_t height,
                                    int64_t width) {
  const char* const op = "roi_pool_backward";
  check_grad(op, grad, rois, num_images, {height, width});
  TORCH_CHECK_VALUE(argmax.sizes() == grad.sizes(), op, ": argmax must be ", grad.sizes(),
                    " as grad, got ", argmax.sizes());
  TORCH_CHECK_TYPE(argmax.scalar_type() == at::kLong, op, ": argmax must be int64, got ",
                   argmax.scalar_type());
  TORCH_CHECK_VALUE(argmax.device() == grad.device(), op,
                    ": argmax and grad must be on one device, got ", argmax.device(), " and ",
                    grad.device());
}

inline void check_nms(const at::Tensor& boxes, const at::Tensor& scores,
                      const std::optional<at::Tensor>& labels) {
  TORCH_CHECK_VALUE(boxes.dim() == 2 && boxes.size(1) == 4, "nms: expected boxes (n, 4), got ",
                    boxes.sizes());
  TORCH_CHECK_TYPE(boxes.is_floating_point() && scores.is_floating_point(),
                   "nms: boxes and scores must be floating point, got ", boxes.scalar_type(),
                   " and ", scores.scalar_type());
  TORCH_CHECK_VALUE(scores.dim() == 1 && scores.size(0) == boxes.size(0), "nms: scores must be (",
                    boxes.size(0), ",), got ", scores.sizes());
  TORCH_CHECK_VALUE(boxes.device() == scores.device(),
                    "nms: scores and boxes must be on one device, got ", scores.device(), " and ",
                    boxes.device());
  if (!labels.has_value()) return;
  TORCH_CHECK_VALUE(labels->dim() == 1 && labels->size(0) == boxes.size(0), "nms: labels must be (",
                    boxes.size(0), ",), got ", labels->sizes());
  TORCH_CHECK_TYPE(labels->scalar_type() == at::kLong, "nms: labels must be int64, got ",
                   labels->scalar_type());
  TORCH_CHECK_VALUE(labels->device() == boxes.device(),
                    "nms: labels and boxes must be on one device, got ", labels->device(), " and ",
                    boxes.device());
}

}  // namespace mmdet
