// Where every RoI reads and with which weights, computed once for all channels.
#pragma once

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

namespace mmdet {

// Bilinear sampling and averaging are linear along each axis: bin b reads the
// pixels of taps[first[b]] .. taps[first[b + 1] - 1]. `pixels` lists the
// distinct pixels of all bins, and a tap names one by its place in that list.
template <typename T>
struct Axis {
  struct Tap {
    int32_t place;
    T weight;
  };
  std::vector<int32_t> first;
  std::vector<Tap> taps;
  std::vector<int32_t> pixels;

  void add(int32_t pixel, T weight) {
    int32_t place = static_cast<int32_t>(pixels.size()) - 1;
    while (place >= 0 && pixels[place] > pixel) --place;
    if (place < 0 || pixels[place] != pixel) {
      place = static_cast<int32_t>(pixels.size());
      pixels.push_back(pixel);
    }
    // Points come in order, so only the last two taps of a bin can be met again.
    const size_t last = taps.size(), begin = first.back();
    for (size_t t = last; t > begin && t + 2 > last; --t) {
      if (taps[t - 1].place != place) continue;
      taps[t - 1].weight += weight;
      return;
    }
    taps.push_back({place, weight});
  }

  // NaN and points further than a pixel outside add nothing.
  void sample(T pos, int64_t length, T share) {
    if (!(pos >= -1 && pos <= length)) return;
    pos = std::max(pos, T(0));
    const auto low = static_cast<int32_t>(pos);
    if (low >= length - 1) return add(static_cast<int32_t>(length - 1), share);
    const T high = pos - low;
    add(low, (1 - high) * share);
    add(low + 1, high * share);
  }

  void build(T start, T end, int64_t bins, int64_t sample_num, int64_t length) {
    const T bin = std::max(end - start, T(0)) / bins;
    const T count = sample_num > 0 ? T(sample_num) : std::ceil(bin);
    first.assign(1, 0);
    first.reserve(bins + 1);
    for (int64_t b = 0; b < bins; ++b) {
      const T corner = start + b * bin;
      const T step = bin / count;
      // Only the points that can lie inside: an adaptive grid may be endless.
      T from = 0, to = count;
      if (sample_num == 0 && step > 0) {
        from = std::max(from, std::floor((-1 - corner) / step) - 1);
        to = std::min(to, std::ceil((length - corner) / step) + 1);
      }
      if (std::isfinite(corner) && std::isfinite(step)) {
        for (T i = from; i < to; i += 1) sample(corner + (i + T(0.5)) * step, length, 1 / count);
      }
      first.push_back(static_cast<int32_t>(taps.size()));
    }
  }
};

template <typename T>
struct RoiPlan {
  Axis<T> rows, cols;
};

// The RoIs that read one map of one image, and which part of it they touch.
struct Group {
  int64_t level, image;
  std::vector<int64_t> rois;
  std::vector<int32_t> from, to;  // per row of the map, columns [from, to)
};

template <typename T>
struct Plan {
  std::vector<RoiPlan<T>> rois;
  std::vector<Group> groups;  // level-major, every image of every level
  size_t most_columns = 0;
};

template <typename T>
Group& find_group(Plan<T>& plan, const T* roi, int64_t level, int64_t num_levels,
                  int64_t num_images) {
  TORCH_CHECK_VALUE(roi[0] >= 0 && roi[0] < num_images, "roi_align: image index of a RoI is ",
                    roi[0], ", expected [0, ", num_images, ")");
  TORCH_CHECK_VALUE(level >= 0 && level < num_levels, "roi_align: level of a RoI is ", level,
                    ", expected [0, ", num_levels, ")");
  return plan.groups[level * num_images + static_cast<int64_t>(roi[0])];
}

template <typename T>
void touch(Group& group, const RoiPlan<T>& roi) {
  if (roi.rows.pixels.empty() || roi.cols.pixels.empty()) return;
  const auto [low, high] = std::minmax_element(roi.cols.pixels.begin(), roi.cols.pixels.end());
  for (const int32_t row : roi.rows.pixels) {
    group.from[row] = std::min(group.from[row], *low);
    group.to[row] = std::max(group.to[row], *high + 1);
  }
}

// sizes: (height, width) per level.
template <typename T>
Plan<T> make_plan(const at::Tensor& rois, const std::optional<at::Tensor>& levels,
                  int64_t num_images, at::IntArrayRef sizes, at::ArrayRef<double> scales,
                  at::IntArrayRef bins, int64_t sample_num) {
  const int64_t num = rois.size(0), num_levels = scales.size();
  const T* const boxes = rois.const_data_ptr<T>();
  const at::Tensor level_of = levels.has_value() ? levels->contiguous() : at::Tensor();
  const int64_t* const level = levels.has_value() ? level_of.const_data_ptr<int64_t>() : nullptr;
  Plan<T> plan;
  plan.rois.resize(num);
  for (int64_t l = 0; l < num_levels; ++l)
    for (int64_t n = 0; n < num_images; ++n)
      plan.groups.push_back({l, n, {}, std::vector<int32_t>(sizes[2 * l], INT32_MAX),
                             std::vector<int32_t>(sizes[2 * l], 0)});
  for (int64_t r = 0; r < num; ++r)
    find_group(plan, boxes + 5 * r, level ? level[r] : 0, num_levels, num_images)
        .rois.push_back(r);
  at::parallel_for(0, num, 32, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const T* const box = boxes + 5 * r;
      const int64_t l = level ? level[r] : 0;
      const T scale = static_cast<T>(scales[l]);
      plan.rois[r].rows.build(box[2] * scale, (box[4] + 1) * scale, bins[0], sample_num,
                              sizes[2 * l]);
      plan.rois[r].cols.build(box[1] * scale, (box[3] + 1) * scale, bins[1], sample_num,
                              sizes[2 * l + 1]);
    }
  });
  for (Group& group : plan.groups)
    for (const int64_t r : group.rois) {
      touch(group, plan.rois[r]);
      plan.most_columns = std::max(plan.most_columns, plan.rois[r].cols.pixels.size());
    }
  return plan;
}

}  // namespace mmdet
