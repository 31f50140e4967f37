// Feature maps as kernel arguments, and how kernels are launched.
#pragma once

#include <cstdint>

namespace mmdet {

constexpr int kMaxLevels = 16;
constexpr int kThreads = 256;
constexpr int64_t kMaxBlocks = 1 << 20;  // grid-stride loops take the rest

template <typename S>
struct MapView {
  S* data;
  int64_t image_stride, channel_stride, row_stride, column_stride;
  int64_t height, width;
  double scale;
};

template <typename S>
struct Pyramid {
  MapView<S> maps[kMaxLevels];
  int64_t levels, images, channels;
};

// The RoIs: (num, 5) rows and, with several maps, the map of each.
template <typename T>
struct Rois {
  const T* rows;
  const int64_t* level_of;  // null: all read map 0
  int64_t num, out_height, out_width, sample_num;
};

inline unsigned blocks_for(int64_t work) {
  const int64_t blocks = (work + kThreads - 1) / kThreads;
  return static_cast<unsigned>(blocks < 1 ? 1 : blocks > kMaxBlocks ? kMaxBlocks : blocks);
}

}  // namespace mmdet
