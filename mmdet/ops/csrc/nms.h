// What the CPU and the CUDA NMS check.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/util/Exception.h>

#include <optional>

namespace mmdet {

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
                    "nms: scores and boxes must be on one device, got ", scores.device(),
                    " and ", boxes.device());
  if (!labels.has_value()) return;
  TORCH_CHECK_VALUE(labels->dim() == 1 && labels->size(0) == boxes.size(0),
                    "nms: labels must be (", boxes.size(0), ",), got ", labels->sizes());
  TORCH_CHECK_TYPE(labels->scalar_type() == at::kLong, "nms: labels must be int64, got ",
                   labels->scalar_type());
  TORCH_CHECK_VALUE(labels->device() == boxes.device(),
                    "nms: labels and boxes must be on one device, got ", labels->device(),
                    " and ", boxes.device());
}

}  // namespace mmdet
