// The backward of RoIAlign without atomics: the same bits every time.
#pragma once

#include <cstdint>

#include "groups.cuh"
#include "launch.h"
#include "roi_align_kernels.cuh"

namespace mmdet {

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
      touch[threadIdx.x] = mine < end && touches(touched + groups.order[mine] * rois.out_height,
                                                 rois.out_height, own.row);
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

// launch(shape, kernel, arguments...) starts a kernel: on a stream, or in an emulation. Maps
// of zeros get the sums; grad (R, bins, C) contiguous; touched: scratch, (R, out_height).
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
