// Groups of RoIs on the device; nothing here waits for it.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/searchsorted.h>
#include <ATen/ops/sort.h>

#include <tuple>

#include "groups.cuh"
#include "stream.cuh"

namespace mmdet {

struct SortedRois {
  at::Tensor order, starts;

  Groups view() const {
    return {order.const_data_ptr<int64_t>(), starts.const_data_ptr<int64_t>()};
  }
};

template <typename T>
SortedRois sort_rois(const Rois<T>& rois, int64_t levels, int64_t images, at::Device device) {
  const auto options = at::TensorOptions(device).dtype(at::kLong);
  const at::Tensor groups = at::empty({rois.num}, options);
  launch_roi_groups(OnStream{}, rois, levels, images, groups.data_ptr<int64_t>());
  const auto [sorted, order] = at::sort(groups, /*stable=*/true, /*dim=*/0, /*descending=*/false);
  return {order, at::searchsorted(sorted, at::arange(levels * images + 1, options))};
}

}  // namespace mmdet
