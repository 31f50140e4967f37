// RoIs in the order of the maps they read, so that a block that owns a part of a map visits
// only the RoIs of that map, and always in the same order.
#pragma once

#include <cstdint>

#include "launch.h"
#include "tensors.h"

namespace mmdet {

// RoIs order[starts[g]] .. order[starts[g + 1] - 1] read image g % images of level g / images.
struct Groups {
  const int64_t *order, *starts;
};

// The group of every RoI; behind all others for a RoI without a map.
template <typename T>
__global__ void roi_groups_kernel(Rois<T> rois, int64_t levels, int64_t images, int64_t* groups) {
  const int64_t stride = static_cast<int64_t>(gridDim.x) * blockDim.x;
  for (int64_t r = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; r < rois.num;
       r += stride) {
    const int64_t image = image_of(rois, r, images), level = level_of(rois, r, levels);
    groups[r] = image < 0 || level < 0 ? levels * images : level * images + image;
  }
}

// launch(shape, kernel, arguments...) starts a kernel: on a stream, or in an emulation. A
// stable sort of groups gives the order, the first place of every group the starts.
template <typename T, typename Launch>
void launch_roi_groups(const Launch& launch, const Rois<T>& rois, int64_t levels, int64_t images,
                       int64_t* groups) {
  launch(threads_for(rois.num), roi_groups_kernel<T>, rois, levels, images, groups);
}

}  // namespace mmdet
