// Feature maps and RoIs as kernel arguments.
#pragma once

#include <cstdint>

#include "../sampling.h"

namespace mmdet {

constexpr int kMaxLevels = 16;

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

// The image and level of a RoI, -1 where there is no such image or level. A kernel
// then reads and writes nothing for it: an assert would end the CUDA context, and
// telling the host would make it wait.
template <typename T>
MMDET_HD int64_t image_of(const Rois<T>& rois, int64_t r, int64_t images) {
  const T image = rois.rows[5 * r];
  return image >= 0 && image < static_cast<T>(images) ? static_cast<int64_t>(image) : -1;
}

template <typename T>
MMDET_HD int64_t level_of(const Rois<T>& rois, int64_t r, int64_t levels) {
  const int64_t level = rois.level_of ? rois.level_of[r] : 0;
  return level >= 0 && level < levels ? level : -1;
}

}  // namespace mmdet
