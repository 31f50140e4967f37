// What the CPU and the CUDA RoIAlign check and share.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/util/Exception.h>

#include <optional>
#include <vector>

namespace mmdet {

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

inline void check_features(const char* op, const at::Tensor& feat) {
  TORCH_CHECK_VALUE(feat.dim() == 4 && feat.size(2) > 0 && feat.size(3) > 0, op,
                    ": features must be (N, C, H, W) with pixels, got ", feat.sizes());
  TORCH_CHECK_TYPE(feat.is_floating_point(), op, ": features must be floating point, got ",
                   feat.scalar_type());
}

inline void check_levels(const char* op, const std::optional<at::Tensor>& levels,
                         const at::Tensor& rois, int64_t num_levels) {
  TORCH_CHECK_VALUE(levels.has_value() || num_levels == 1, op,
                    ": levels are needed to tell ", num_levels, " maps apart");
  if (!levels.has_value()) return;
  TORCH_CHECK_VALUE(levels->dim() == 1 && levels->size(0) == rois.size(0), op,
                    ": levels must be (", rois.size(0), ",), got ", levels->sizes());
  TORCH_CHECK_TYPE(levels->scalar_type() == at::kLong, op, ": levels must be int64, got ",
                   levels->scalar_type());
  TORCH_CHECK_VALUE(levels->device() == rois.device(), op,
                    ": levels and rois must be on one device, got ", levels->device(), " and ",
                    rois.device());
}

inline void check_bins(const char* op, int64_t height, int64_t width, int64_t sample_num) {
  TORCH_CHECK_VALUE(height > 0 && width > 0 && sample_num >= 0, op,
                    ": out_size must be positive and sample_num not negative, got (", height,
                    ", ", width, ") and ", sample_num);
}

inline void check_pyramid(const char* op, at::TensorList feats, at::ArrayRef<double> scales) {
  TORCH_CHECK_VALUE(!feats.empty() && feats.size() == scales.size(), op,
                    ": expected one spatial scale per level, got ", feats.size(),
                    " levels and ", scales.size(), " scales");
  for (size_t level = 0; level < feats.size(); ++level) {
    const at::Tensor& feat = feats[level];
    check_features(op, feat);
    TORCH_CHECK_VALUE(feat.size(0) == feats[0].size(0) && feat.size(1) == feats[0].size(1) &&
                          feat.scalar_type() == feats[0].scalar_type() &&
                          feat.device() == feats[0].device(),
                      op, ": all levels must share N, C, dtype and device, got ", feat.sizes(),
                      " ", feat.scalar_type(), " ", feat.device(), " at level ", level, " and ",
                      feats[0].sizes(), " ", feats[0].scalar_type(), " ", feats[0].device(),
                      " at 0");
  }
}

// Coordinates are computed in float64 for float64 features, else in float32.
inline at::ScalarType compute_type(at::ScalarType features) {
  return features == at::kDouble ? at::kDouble : at::kFloat;
}

}  // namespace mmdet
