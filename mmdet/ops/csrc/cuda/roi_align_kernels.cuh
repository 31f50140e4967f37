// RoIAlign kernels. T is the type of coordinates and sums, S that of features.
// All indices are 64 bits wide; no kernel needs the host between its launches.
#pragma once

#include <limits>

#include "../sampling.h"
#include "groups.cuh"
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
  return {image, level,
          sample_grid(row[2], row[4], scale, rois.out_height, rois.sample_num),
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
    out[i] = static_cast<S>(pool_bin<T, S>(map, roi, channel, bin / rois.out_width,
                                           bin % rois.out_width));
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

// How much a pixel counts in bin b.
template <typename T>
__device__ T weight_in_bin(const SampleGrid<T>& grid, int64_t b, int64_t length, int64_t pixel) {
  const Span points = points_inside(grid, b, length);
  T sum = 0;
  for (int64_t i = points.from; i < points.to; ++i) {
    const Between<T> at = between(point(grid, b, i), length);
    if (at.low == pixel) sum += 1 - at.frac;
    if (at.high == pixel && at.high != at.low) sum += at.frac;
  }
  return sum / static_cast<T>(grid.count);
}

// The rows of its map that every row of bins of every RoI reads, (R, out_height).
template <typename T>
__global__ void touched_rows_kernel(Pyramid<T> pyramid, Rois<T> rois, Span* touched) {
  const int64_t work = rois.num * rois.out_height;
  const int64_t stride = static_cast<int64_t>(gridDim.x) * blockDim.x;
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < work;
       i += stride) {
    const RoiGrid<T> roi = roi_grid(pyramid, rois, i / rois.out_height);
    const int64_t ph = i % rois.out_height, height = pyramid.maps[roi.level].height;
    const Span points = points_inside(roi.rows, ph, height);
    Span rows{height, 0};
    for (int64_t k = points.from; k < points.to; ++k) {
      const Between<T> y = between(point(roi.rows, ph, k), height);
      if (y.low < 0) continue;
      rows = {y.low < rows.from ? y.low : rows.from, y.high >= rows.to ? y.high + 1 : rows.to};
    }
    touched[i] = rows;
  }
}

// A row of a map and the channels of it that a block owns.
struct OwnRow {
  int64_t level, image, row, chunk;
};

// Row number `item` of all levels, images and chunks of channels.
template <typename T>
__device__ OwnRow own_row(const Pyramid<T>& pyramid, int64_t chunks, int64_t item) {
  int64_t level = 0;
  for (; item >= pyramid.images * pyramid.maps[level].height * chunks; ++level)
    item -= pyramid.images * pyramid.maps[level].height * chunks;
  const int64_t height = pyramid.maps[level].height;
  return {level, item / chunks / height, item / chunks % height, item % chunks};
}

// Adds what a RoI gives to row y of one channel. grad: its first bin, bins `channels` apart.
template <typename T, typename S>
__device__ void add_to_row(T* line, const MapView<T>& map, const RoiGrid<T>& roi,
                           const Rois<T>& rois, const Span* touched, int64_t y, const S* grad,
                           int64_t channels) {
  for (int64_t ph = 0; ph < rois.out_height; ++ph) {
    if (y < touched[ph].from || y >= touched[ph].to) continue;
    const T share = weight_in_bin(roi.rows, ph, map.height, y) / static_cast<T>(roi.cols.count);
    if (share == 0) continue;
    for (int64_t pw = 0; pw < rois.out_width; ++pw) {
      const T value = share * static_cast<T>(grad[(ph * rois.out_width + pw) * channels]);
      const Span points = points_inside(roi.cols, pw, map.width);
      for (int64_t k = points.from; k < points.to; ++k) {
        const Between<T> x = between(point(roi.cols, pw, k), map.width);
        if (x.low < 0) continue;
        line[x.low * map.column_stride] += value * (1 - x.frac);
        if (x.high != x.low) line[x.high * map.column_stride] += value * x.frac;
      }
    }
  }
}

__device__ inline bool touches(const Span* touched, int64_t bins, int64_t y) {
  bool any = false;
  for (int64_t ph = 0; ph < bins; ++ph) any |= touched[ph].from <= y && y < touched[ph].to;
  return any;
}

constexpr int kOwners = 128;  // channels of a row that a block owns; RoIs it looks at together

// Deterministic: a block owns a row of a map and visits the RoIs that touch it in order, a
// thread per channel; nothing is added by two threads. grad (R, bins, C): neighbours read
// and add side by side, if the maps are channels-last.
//
// Every row that a row of bins touches takes 2 additions per sample point of that row of
// bins: of b x b bins of s x s points each at most 4 b b s s additions per RoI and channel,
// as many as the atomic kernel has, fewer where points share rows. To find the RoIs of a row
// a block looks at those of its map, spread over its threads.
template <typename T, typename S>
__global__ void roi_align_backward_ordered_kernel(Pyramid<T> pyramid, Rois<T> rois, Groups groups,
                                                  const Span* touched, const S* grad) {
  __shared__ bool touch[kOwners];
  const int64_t channels = pyramid.channels, bins = rois.out_height * rois.out_width;
  const int64_t chunks = (channels + kOwners - 1) / kOwners;
  int64_t work = 0;
  for (int64_t level = 0; level < pyramid.levels; ++level)
    work += pyramid.images * pyramid.maps[level].height * chunks;
  for (int64_t block = blockIdx.x; block < work; block += gridDim.x) {
    const OwnRow own = own_row(pyramid, chunks, block);
    const MapView<T>& map = pyramid.maps[own.level];
    const int64_t channel = own.chunk * kOwners + threadIdx.x;
    const int64_t group = own.level * pyramid.images + own.image;
    const int64_t end = groups.starts[group + 1];
    for (int64_t first = groups.starts[group]; first < end; first += kOwners) {
      const int64_t mine = first + threadIdx.x;
      touch[threadIdx.x] =
          mine < end &&
          touches(touched + groups.order[mine] * rois.out_height, rois.out_height, own.row);
      __syncthreads();
      for (int k = 0; k < kOwners && channel < channels; ++k) {
        if (!touch[k]) continue;
        const int64_t r = groups.order[first + k];
        add_to_row(plane_of(map, own.image, channel) + own.row * map.row_stride, map,
                   roi_grid(pyramid, rois, r), rois, touched + r * rois.out_height, own.row,
                   grad + r * bins * channels + channel, channels);
      }
      __syncthreads();
    }
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
    launch(threads_for(rois.num * pyramid.channels * bins), roi_align_forward_kernel<T, S>,
           pyramid, rois, out);
}

// Maps of zeros get the sums; grad (R, C, bins) contiguous.
template <typename T, typename S, typename Launch>
void launch_roi_align_backward(const Launch& launch, const Pyramid<T>& pyramid,
                               const Rois<T>& rois, const S* grad, bool channels_last) {
  launch(threads_for(rois.num * pyramid.channels * rois.out_height * rois.out_width),
         channels_last ? roi_align_backward_kernel<T, S, true>
                       : roi_align_backward_kernel<T, S, false>,
         pyramid, rois, grad);
}

// The same without atomics. grad (R, bins, C) contiguous; touched: scratch, (R, out_height).
template <typename T, typename S, typename Launch>
void launch_roi_align_backward_ordered(const Launch& launch, const Pyramid<T>& pyramid,
                                       const Rois<T>& rois, const Groups& groups, Span* touched,
                                       const S* grad) {
  int64_t rows = 0;
  for (int64_t level = 0; level < pyramid.levels; ++level) rows += pyramid.maps[level].height;
  const int64_t chunks = (pyramid.channels + kOwners - 1) / kOwners;
  launch(threads_for(rois.num * rois.out_height), touched_rows_kernel<T>, pyramid, rois, touched);
  launch(blocks_of(pyramid.images * rows * chunks, kOwners),
         roi_align_backward_ordered_kernel<T, S>, pyramid, rois, groups,
         static_cast<const Span*>(touched), grad);
}

}  // namespace mmdet
