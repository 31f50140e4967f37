// RoIAlign kernels. T is the type of coordinates and sums, S that of features.
// All indices are 64 bits wide; no kernel needs the host between its launches.
#pragma once

#include <limits>

#include "../sampling.h"
#include "launch.h"
#include "tensors.h"

namespace mmdet {

// Sample grids of one RoI and the map it reads; image is -1 where there is no such map.
template <typename T>
struct RoiGrid {
  int64_t image, level;
  SampleGrid<T> rows, cols;
};

template <typename T, typename S>
__device__ RoiGrid<T> roi_grid(const Pyramid<S>& pyramid, const Rois<T>& rois, int64_t r) {
  const T* const row = rois.rows + 5 * r;
  const int64_t image = image_of(rois, r, pyramid.images);
  const int64_t level = level_of(rois, r, pyramid.levels);
  if (image < 0 || level < 0) return {-1, 0, {}, {}};
  const T scale = static_cast<T>(pyramid.maps[level].scale);
  return {image, level, sample_grid(row[2], row[4], scale, rois.out_height, rois.sample_num),
          sample_grid(row[1], row[3], scale, rois.out_width, rois.sample_num)};
}

// plane: first pixel of one channel of one image.
template <typename T, typename S>
__device__ T bilinear(const S* plane, const MapView<S>& map, Between<T> y, Between<T> x) {
  const S* const top = plane + y.low * map.row_stride;
  const S* const bottom = plane + y.high * map.row_stride;
  const int64_t left = x.low * map.column_stride, right = x.high * map.column_stride;
  const T upper = (1 - x.frac) * static_cast<T>(top[left]) + x.frac * static_cast<T>(top[right]);
  const T lower =
      (1 - x.frac) * static_cast<T>(bottom[left]) + x.frac * static_cast<T>(bottom[right]);
  return (1 - y.frac) * upper + y.frac * lower;
}

template <typename S>
__device__ S* plane_of(const MapView<S>& map, int64_t image, int64_t channel) {
  return map.data + image * map.image_stride + channel * map.channel_stride;
}

// NaN for a RoI without a map: a loss made of it is not finite, which stops a training.
template <typename T, typename S>
__device__ T pool_bin(const MapView<S>& map, const RoiGrid<T>& roi, int64_t channel, int64_t ph,
                      int64_t pw) {
  if (roi.image < 0) return std::numeric_limits<T>::quiet_NaN();
  const S* const plane = plane_of(map, roi.image, channel);
  const Span rows = points_inside(roi.rows, ph, map.height);
  const Span cols = points_inside(roi.cols, pw, map.width);
  T sum = 0;
  for (int64_t i = rows.from; i < rows.to; ++i) {
    const Between<T> y = between(point(roi.rows, ph, i), map.height);
    if (y.low < 0) continue;
    for (int64_t j = cols.from; j < cols.to; ++j) {
      const Between<T> x = between(point(roi.cols, pw, j), map.width);
      if (x.low >= 0) sum += bilinear(plane, map, y, x);
    }
  }
  const T points = static_cast<T>(roi.rows.count) * static_cast<T>(roi.cols.count);
  return points > 0 ? sum / points : T(0);
}

// One thread per output, columns of bins fastest: neighbours read neighbouring
// pixels of one row and write neighbouring outputs.
template <typename T, typename S>
__global__ void roi_align_forward_kernel(Pyramid<S> pyramid, Rois<T> rois, S* out) {
  const int64_t bins = rois.out_height * rois.out_width;
  const int64_t work = rois.num * pyramid.channels * bins;
  const int64_t stride = static_cast<int64_t>(gridDim.x) * blockDim.x;
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < work;
       i += stride) {
    const int64_t bin = i % bins, channel = i / bins % pyramid.channels;
    const RoiGrid<T> roi = roi_grid(pyramid, rois, i / bins / pyramid.channels);
    const MapView<S>& map = pyramid.maps[roi.level];
    out[i] = static_cast<S>(
        pool_bin<T, S>(map, roi, channel, bin / rois.out_width, bin % rois.out_width));
  }
}

constexpr int kTileChannels = 32, kTileRows = 8, kTileBins = 32;

// For channels-last maps: a warp reads 32 channels of a pixel, a block turns
// (bins, channels) to (channels, bins) in shared memory before it writes.
template <typename T, typename S>
__global__ void roi_align_forward_channels_last_kernel(Pyramid<S> pyramid, Rois<T> rois, S* out) {
  __shared__ T tile[kTileBins][kTileChannels + 1];
  const int64_t bins = rois.out_height * rois.out_width;
  const int64_t channel_tiles = (pyramid.channels + kTileChannels - 1) / kTileChannels;
  const int64_t bin_tiles = (bins + kTileBins - 1) / kTileBins;
  const int64_t work = rois.num * channel_tiles * bin_tiles;
  for (int64_t block = blockIdx.x; block < work; block += gridDim.x) {
    const int64_t first_bin = block % bin_tiles * kTileBins;
    const int64_t first_channel = block / bin_tiles % channel_tiles * kTileChannels;
    const int64_t r = block / bin_tiles / channel_tiles;
    const RoiGrid<T> roi = roi_grid(pyramid, rois, r);
    const MapView<S>& map = pyramid.maps[roi.level];
    const int64_t mine = first_channel + threadIdx.x;
    for (int b = threadIdx.y; b < kTileBins; b += kTileRows)
      if (first_bin + b < bins && mine < pyramid.channels)
        tile[b][threadIdx.x] = pool_bin<T, S>(map, roi, mine, (first_bin + b) / rois.out_width,
                                              (first_bin + b) % rois.out_width);
    __syncthreads();
    for (int c = threadIdx.y; c < kTileChannels; c += kTileRows) {
      const int64_t bin = first_bin + threadIdx.x, channel = first_channel + c;
      if (bin < bins && channel < pyramid.channels)
        out[(r * pyramid.channels + channel) * bins + bin] = static_cast<S>(tile[threadIdx.x][c]);
    }
    __syncthreads();
  }
}

// Adds the gradient of one bin to the map, atomically.
template <typename T>
__device__ void spread_bin(const MapView<T>& map, const RoiGrid<T>& roi, int64_t channel,
                           int64_t ph, int64_t pw, T grad) {
  const T points = static_cast<T>(roi.rows.count) * static_cast<T>(roi.cols.count);
  if (roi.image < 0 || !(points > 0)) return;
  T* const plane = plane_of(map, roi.image, channel);
  const T share = grad / points;
  const Span rows = points_inside(roi.rows, ph, map.height);
  const Span cols = points_inside(roi.cols, pw, map.width);
  for (int64_t i = rows.from; i < rows.to; ++i) {
    const Between<T> y = between(point(roi.rows, ph, i), map.height);
    if (y.low < 0) continue;
    for (int64_t j = cols.from; j < cols.to; ++j) {
      const Between<T> x = between(point(roi.cols, pw, j), map.width);
      if (x.low < 0) continue;
      T* const top = plane + y.low * map.row_stride;
      T* const bottom = plane + y.high * map.row_stride;
      const int64_t left = x.low * map.column_stride, right = x.high * map.column_stride;
      atomicAdd(top + left, share * (1 - y.frac) * (1 - x.frac));
      atomicAdd(top + right, share * (1 - y.frac) * x.frac);
      atomicAdd(bottom + left, share * y.frac * (1 - x.frac));
      atomicAdd(bottom + right, share * y.frac * x.frac);
    }
  }
}

// One thread per output; channels fastest where the maps are channels-last.
template <typename T, typename S, bool kChannelsFastest>
__global__ void roi_align_backward_kernel(Pyramid<T> pyramid, Rois<T> rois, const S* grad) {
  const int64_t bins = rois.out_height * rois.out_width, channels = pyramid.channels;
  const int64_t work = rois.num * channels * bins;
  const int64_t stride = static_cast<int64_t>(gridDim.x) * blockDim.x;
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < work;
       i += stride) {
    const int64_t r = i / (bins * channels);
    const int64_t channel = kChannelsFastest ? i % channels : i / bins % channels;
    const int64_t bin = kChannelsFastest ? i / channels % bins : i % bins;
    const RoiGrid<T> roi = roi_grid(pyramid, rois, r);
    const MapView<T>& map = pyramid.maps[roi.level];
    spread_bin<T>(map, roi, channel, bin / rois.out_width, bin % rois.out_width,
                  static_cast<T>(grad[(r * channels + channel) * bins + bin]));
  }
}

// launch(shape, kernel, arguments...) starts a kernel: on a stream, or in an emulation.

template <typename S>
bool channels_innermost(const Pyramid<S>& pyramid) {
  for (int64_t level = 0; level < pyramid.levels; ++level)
    if (pyramid.maps[level].channel_stride != 1) return false;
  return pyramid.channels >= 8;
}

// out (R, C, bins) contiguous.
template <typename T, typename S, typename Launch>
void launch_roi_align(const Launch& launch, const Pyramid<S>& pyramid, const Rois<T>& rois,
                      S* out) {
  const int64_t bins = rois.out_height * rois.out_width;
  const int64_t channel_tiles = (pyramid.channels + kTileChannels - 1) / kTileChannels;
  const int64_t bin_tiles = (bins + kTileBins - 1) / kTileBins;
  if (channels_innermost(pyramid))
    launch(blocks_of(rois.num * channel_tiles * bin_tiles, kTileChannels, kTileRows),
           roi_align_forward_channels_last_kernel<T, S>, pyramid, rois, out);
  else
    launch(threads_for(rois.num * pyramid.channels * bins), roi_align_forward_kernel<T, S>, pyramid,
           rois, out);
}

// Maps of zeros get the sums; grad (R, C, bins) contiguous.
template <typename T, typename S, typename Launch>
void launch_roi_align_backward(const Launch& launch, const Pyramid<T>& pyramid, const Rois<T>& rois,
                               const S* grad, bool channels_last) {
  launch(threads_for(rois.num * pyramid.channels * rois.out_height * rois.out_width),
         channels_last ? roi_align_backward_kernel<T, S, true>
                       : roi_align_backward_kernel<T, S, false>,
         pyramid, rois, grad);
}

}  // namespace mmdet
