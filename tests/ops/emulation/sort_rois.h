// Groups of RoIs, as cuda/sort_rois.cuh makes them.
#pragma once

#include "cuda_on_cpu.h"
// The kernels come after what stands in for CUDA.
#include <algorithm>
#include <numeric>

#include "cases.h"
#include "cuda/groups.cuh"

namespace emulation {

struct SortedRois {
  Array order, starts;

  mmdet::Groups view() const { return {order.data<int64_t>(), starts.data<int64_t>()}; }
};

template <typename T>
SortedRois sort_rois(const mmdet::Rois<T>& rois, int64_t levels, int64_t images) {
  const Array groups = unset(kInt64, {rois.num});
  SortedRois sorted{unset(kInt64, {rois.num}), unset(kInt64, {levels * images + 1})};
  int64_t* const group = groups.data<int64_t>();
  int64_t* const order = sorted.order.data<int64_t>();
  mmdet::launch_roi_groups(OnCpu{}, rois, levels, images, group);
  std::iota(order, order + rois.num, 0);
  std::stable_sort(order, order + rois.num,
                   [&](int64_t a, int64_t b) { return group[a] < group[b]; });
  for (int64_t wanted = 0; wanted <= levels * images; ++wanted)
    sorted.starts.data<int64_t>()[wanted] =
        std::count_if(group, group + rois.num, [&](int64_t one) { return one < wanted; });
  return sorted;
}

}  // namespace emulation
