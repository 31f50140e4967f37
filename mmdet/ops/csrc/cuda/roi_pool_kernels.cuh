// RoIPool kernels. T is the type of coordinates and sums, S that of features.
#pragma once

#include "../sampling.h"
#include "tensors.h"

namespace mmdet {

// feat (images, channels, height, width) contiguous; one thread per output.
template <typename T, typename S>
__global__ void roi_pool_forward_kernel(MapView<const S> map, int64_t images, int64_t channels,
                                 Rois<T> rois, S* out, int64_t* argmax) {
  const int64_t bins = rois.out_height * rois.out_width, work = rois.num * channels * bins;
  const int64_t stride = static_cast<int64_t>(gridDim.x) * blockDim.x;
  const T scale = static_cast<T>(map.scale);
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < work;
       i += stride) {
    const int64_t bin = i % bins, channel = i / bins % channels;
    const T* const roi = rois.rows + i / bins / channels * 5;
    CUDA_KERNEL_ASSERT(roi[0] >= 0 && roi[0] < static_cast<T>(images));
    const T x1 = roi[1] * scale, x2 = (roi[3] + 1) * scale;
    const T y1 = roi[2] * scale, y2 = (roi[4] + 1) * scale;
    const bool empty = !(x2 > x1 && y2 > y1);
    const Span rows = pool_span(y1, y2, rois.out_height, bin / rois.out_width, map.height);
    const Span cols = pool_span(x1, x2, rois.out_width, bin % rois.out_width, map.width);
    const S* const plane =
        map.data + static_cast<int64_t>(roi[0]) * map.image_stride + channel * map.channel_stride;
    T best = 0;
    int64_t place = -1;
    for (int64_t y = rows.from; y < rows.to && !empty; ++y)
      for (int64_t x = cols.from; x < cols.to; ++x) {
        const T value = static_cast<T>(plane[y * map.width + x]);
        if (place >= 0 && !(value > best)) continue;
        best = value;
        place = y * map.width + x;
      }
    out[i] = static_cast<S>(best);
    argmax[i] = place;
  }
}

// sums (images, channels, pixels), zero at the start; one thread per output.
template <typename T, typename S>
__global__ void roi_pool_backward_kernel(const S* grad, const int64_t* argmax, Rois<T> rois,
                                  int64_t channels, int64_t pixels, T* sums) {
  const int64_t bins = rois.out_height * rois.out_width, work = rois.num * channels * bins;
  const int64_t stride = static_cast<int64_t>(gridDim.x) * blockDim.x;
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < work;
       i += stride) {
    const int64_t image = static_cast<int64_t>(rois.rows[i / bins / channels * 5]);
    const int64_t plane = image * channels + i / bins % channels;
    if (argmax[i] >= 0) atomicAdd(sums + plane * pixels + argmax[i], static_cast<T>(grad[i]));
  }
}

// Deterministic: one thread per channel visits the RoIs in order.
template <typename T, typename S>
__global__ void roi_pool_backward_ordered_kernel(const S* grad, const int64_t* argmax, Rois<T> rois,
                                          int64_t channels, int64_t pixels, T* sums) {
  const int64_t bins = rois.out_height * rois.out_width;
  const int64_t stride = static_cast<int64_t>(gridDim.x) * blockDim.x;
  for (int64_t c = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; c < channels;
       c += stride)
    for (int64_t r = 0; r < rois.num; ++r) {
      T* const plane = sums + (static_cast<int64_t>(rois.rows[r * 5]) * channels + c) * pixels;
      const int64_t first = (r * channels + c) * bins;
      for (int64_t bin = 0; bin < bins; ++bin)
        if (argmax[first + bin] >= 0)
          plane[argmax[first + bin]] += static_cast<T>(grad[first + bin]);
    }
}

}  // namespace mmdet
