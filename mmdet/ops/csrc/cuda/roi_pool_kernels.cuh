// RoIPool kernels. T is the type of coordinates and sums, S that of features.
#pragma once

#include <limits>

#include "../sampling.h"
#include "groups.cuh"
#include "launch.h"
#include "tensors.h"

namespace mmdet {

// feat (images, channels, height, width) contiguous; one thread per output. NaN for a
// RoI without an image.
template <typename T, typename S>
__global__ void roi_pool_forward_kernel(MapView<const S> map, int64_t images, int64_t channels,
                                        Rois<T> rois, S* out, int64_t* argmax) {
  const int64_t bins = rois.out_height * rois.out_width, work = rois.num * channels * bins;
  const int64_t stride = static_cast<int64_t>(gridDim.x) * blockDim.x;
  const T scale = static_cast<T>(map.scale);
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < work;
       i += stride) {
    const int64_t bin = i % bins, channel = i / bins % channels;
    const int64_t r = i / bins / channels, image = image_of(rois, r, images);
    const T* const roi = rois.rows + 5 * r;
    const T x1 = roi[1] * scale, x2 = (roi[3] + 1) * scale;
    const T y1 = roi[2] * scale, y2 = (roi[4] + 1) * scale;
    const bool empty = image < 0 || !(x2 > x1 && y2 > y1);
    const Span rows = pool_span(y1, y2, rois.out_height, bin / rois.out_width, map.height);
    const Span cols = pool_span(x1, x2, rois.out_width, bin % rois.out_width, map.width);
    T best = image < 0 ? std::numeric_limits<T>::quiet_NaN() : T(0);
    int64_t place = -1;
    for (int64_t y = rows.from; y < rows.to && !empty; ++y)
      for (int64_t x = cols.from; x < cols.to; ++x) {
        const T value = static_cast<T>(
            map.data[image * map.image_stride + channel * map.channel_stride + y * map.width + x]);
        if (place >= 0 && !(value > best)) continue;
        best = value;
        place = y * map.width + x;
      }
    out[i] = static_cast<S>(best);
    argmax[i] = place;
  }
}

// sums (images, channels, pixels), zero at the start; one thread per output. What has
// no image or no pixel in the map adds nothing.
template <typename T, typename S>
__global__ void roi_pool_backward_kernel(const S* grad, const int64_t* argmax, Rois<T> rois,
                                         int64_t images, int64_t channels, int64_t pixels,
                                         T* sums) {
  const int64_t bins = rois.out_height * rois.out_width, work = rois.num * channels * bins;
  const int64_t stride = static_cast<int64_t>(gridDim.x) * blockDim.x;
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < work;
       i += stride) {
    const int64_t image = image_of(rois, i / bins / channels, images);
    if (image < 0 || argmax[i] < 0 || argmax[i] >= pixels) continue;
    const int64_t plane = image * channels + i / bins % channels;
    atomicAdd(sums + plane * pixels + argmax[i], static_cast<T>(grad[i]));
  }
}

constexpr int kPoolOwners = 64;  // threads of a block: few, so that more processors have one

// Deterministic: a thread per image and channel visits the RoIs of the image in order.
// grad, argmax (R, bins, C) and sums (images, pixels, C): neighbours read and add side by
// side. Every gradient is read once; of images * channels threads each adds those of its own.
template <typename T, typename S>
__global__ void roi_pool_backward_ordered_kernel(const S* grad, const int64_t* argmax,
                                                 Groups groups, int64_t bins, int64_t images,
                                                 int64_t channels, int64_t pixels, T* sums) {
  const int64_t stride = static_cast<int64_t>(gridDim.x) * blockDim.x;
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
       i < images * channels; i += stride) {
    const int64_t channel = i % channels, image = i / channels;
    T* const plane = sums + image * pixels * channels + channel;
    for (int64_t k = groups.starts[image]; k < groups.starts[image + 1]; ++k)
      for (int64_t bin = 0; bin < bins; ++bin) {
        const int64_t at = (groups.order[k] * bins + bin) * channels + channel;
        const int64_t place = argmax[at];
        if (place >= 0 && place < pixels) plane[place * channels] += static_cast<T>(grad[at]);
      }
  }
}

// launch(shape, kernel, arguments...) starts a kernel: on a stream, or in an emulation.

template <typename T, typename S, typename Launch>
void launch_roi_pool(const Launch& launch, const MapView<const S>& map, int64_t images,
                     int64_t channels, const Rois<T>& rois, S* out, int64_t* argmax) {
  launch(threads_for(rois.num * channels * rois.out_height * rois.out_width),
         roi_pool_forward_kernel<T, S>, map, images, channels, rois, out, argmax);
}

// grad and argmax (R, C, bins), sums (images, C, pixels), 0 at the start.
template <typename T, typename S, typename Launch>
void launch_roi_pool_backward(const Launch& launch, const S* grad, const int64_t* argmax,
                              const Rois<T>& rois, int64_t images, int64_t channels, int64_t pixels,
                              T* sums) {
  launch(threads_for(rois.num * channels * rois.out_height * rois.out_width),
         roi_pool_backward_kernel<T, S>, grad, argmax, rois, images, channels, pixels, sums);
}

// The same without atomics; grad and argmax (R, bins, C), sums (images, pixels, C).
template <typename T, typename S, typename Launch>
void launch_roi_pool_backward_ordered(const Launch& launch, const S* grad, const int64_t* argmax,
                                      const Groups& groups, int64_t bins, int64_t images,
                                      int64_t channels, int64_t pixels, T* sums) {
  launch(threads_for(images * channels, kPoolOwners), roi_pool_backward_ordered_kernel<T, S>, grad,
         argmax, groups, bins, images, channels, pixels, sums);
}

}  // namespace mmdet
