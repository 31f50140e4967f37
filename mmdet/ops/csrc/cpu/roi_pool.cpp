// RoI max pooling with inclusive box ends, on the CPU.
//
// Bins run from the floor of their start to the ceiling of their end, cut to the
// map; empty bins give 0 and argmax -1. argmax is y * W + x of the maximum.
// The forward reads a channels-last map, a vector of channels at a time, and is
// parallel over RoIs; the backward is parallel over channels, so that no two threads
// add to one pixel.
#include <ATen/Dispatch.h>
#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <c10/util/BFloat16.h>
#include <c10/util/Half.h>
#include <torch/library.h>

#include <algorithm>
#include <tuple>
#include <vector>

#include "../checks.h"
#include "../sampling.h"
#include "../types.h"
#include "simd.h"

namespace mmdet {
namespace {

// Pixels are counted in integers of the values' size, so that one mask fits both.
template <typename T>
using Place = std::conditional_t<std::is_same_v<T, double>, int64_t, int32_t>;

// The first maximum of a bin that is not empty, for each of the channels of a
// channels-last map.
template <typename T, typename S>
MMDET_INLINE void max_body(const S* map, int64_t width, int64_t channels, Span rows, Span cols,
                           T* values, Place<T>* places) {
  constexpr int64_t kLanes = Simd<T>::kLanes;
  typedef Place<T> Places __attribute__((vector_size(64)));
  const int64_t first = rows.from * width + cols.from;
  int64_t c = 0;
  for (; c + kLanes <= channels; c += kLanes) {
    Vec<T> best = load<T>(map + first * channels + c);
    Places place = Places{} + static_cast<Place<T>>(first);
    for (int64_t y = rows.from; y < rows.to; ++y)
      for (int64_t i = y * width + cols.from; i < y * width + cols.to; ++i) {
        const Vec<T> value = load<T>(map + i * channels + c);
        const auto more = value > best;
        best = more ? value : best;
        place = more ? Places{} + static_cast<Place<T>>(i) : place;
      }
    std::memcpy(values + c, &best, sizeof(best));
    std::memcpy(places + c, &place, sizeof(place));
  }
  for (; c < channels; ++c) {
    values[c] = static_cast<T>(map[first * channels + c]);
    places[c] = static_cast<Place<T>>(first);
    for (int64_t y = rows.from; y < rows.to; ++y)
      for (int64_t i = y * width + cols.from; i < y * width + cols.to; ++i) {
        const T value = static_cast<T>(map[i * channels + c]);
        if (!(value > values[c])) continue;
        values[c] = value;
        places[c] = static_cast<Place<T>>(i);
      }
  }
}

// target_clones takes no templates, hence one function per type.
#define MMDET_MAX(T, S)                                                                         \
  MMDET_CLONES void max_of(const S* map, int64_t width, int64_t channels, Span rows, Span cols, \
                           T* values, Place<T>* places) {                                       \
    max_body<T, S>(map, width, channels, rows, cols, values, places);                           \
  }
MMDET_MAX(float, float)
MMDET_MAX(double, double)
MMDET_MAX(float, c10::Half)
MMDET_MAX(float, c10::BFloat16)
#undef MMDET_MAX

int64_t checked_image(double image, int64_t num_images) {
  TORCH_CHECK_VALUE(image >= 0 && image < num_images, "roi_pool: image index of a RoI is ", image,
                    ", expected [0, ", num_images, ")");
  return static_cast<int64_t>(image);
}

// feat: channels-last; out and argmax: (channels, bins) of this RoI.
template <typename S>
void pool_roi(const at::Tensor& feat, const Compute<S>* roi, Compute<S> scale, at::IntArrayRef size,
              S* out, int64_t* argmax) {
  using T = Compute<S>;
  const int64_t channels = feat.size(1), height = feat.size(2), width = feat.size(3);
  const int64_t bins = size[0] * size[1];
  const S* const map =
      feat.const_data_ptr<S>() + checked_image(roi[0], feat.size(0)) * channels * height * width;
  const T x1 = roi[1] * scale, y1 = roi[2] * scale;
  const T x2 = (roi[3] + 1) * scale, y2 = (roi[4] + 1) * scale;
  std::fill(out, out + channels * bins, S(0));
  std::fill(argmax, argmax + channels * bins, -1);
  std::vector<T> values(channels);
  std::vector<Place<T>> places(channels);
  for (int64_t bin = 0; bin < bins; ++bin) {
    const Span rows = pool_span(y1, y2, size[0], bin / size[1], height);
    const Span cols = pool_span(x1, x2, size[1], bin % size[1], width);
    if (!(x2 > x1 && y2 > y1) || rows.from >= rows.to || cols.from >= cols.to) continue;
    max_of(map, width, channels, rows, cols, values.data(), places.data());
    for (int64_t c = 0; c < channels; ++c) {
      out[c * bins + bin] = static_cast<S>(values[c]);
      argmax[c * bins + bin] = places[c];
    }
  }
}

std::tuple<at::Tensor, at::Tensor> roi_pool(const at::Tensor& features, const at::Tensor& rois,
                                            int64_t out_height, int64_t out_width, double scale) {
  check_roi_pool(features, rois, out_height, out_width);
  const at::Tensor feat = features.contiguous(at::MemoryFormat::ChannelsLast);
  const at::Tensor boxes = rois.to(compute_type(feat.scalar_type())).contiguous();
  const int64_t num = rois.size(0), step = feat.size(1) * out_height * out_width;
  at::Tensor out = at::empty({num, feat.size(1), out_height, out_width}, feat.options());
  at::Tensor argmax = at::empty(out.sizes(), feat.options().dtype(at::kLong));
  AT_DISPATCH_FLOATING_TYPES_AND2(at::kHalf, at::kBFloat16, feat.scalar_type(), "roi_pool", [&] {
    using T = Compute<scalar_t>;
    at::parallel_for(0, num, 1, [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r)
        pool_roi<scalar_t>(feat, boxes.const_data_ptr<T>() + 5 * r, static_cast<T>(scale),
                           {out_height, out_width}, out.data_ptr<scalar_t>() + r * step,
                           argmax.data_ptr<int64_t>() + r * step);
    });
  });
  return {out, argmax};
}

// One channel of every RoI, summed in the compute type.
template <typename S>
void spread_channel(const at::Tensor& grad, const at::Tensor& argmax, const at::Tensor& boxes,
                    int64_t channel, at::Tensor& sums) {
  using T = Compute<S>;
  const int64_t channels = grad.size(1), bins = grad.size(2) * grad.size(3);
  const int64_t pixels = sums.size(2) * sums.size(3);
  for (int64_t r = 0; r < grad.size(0); ++r) {
    const int64_t image = checked_image(boxes.const_data_ptr<T>()[5 * r], sums.size(0));
    T* const plane = sums.data_ptr<T>() + (image * channels + channel) * pixels;
    const S* const g = grad.const_data_ptr<S>() + (r * channels + channel) * bins;
    const int64_t* const place = argmax.const_data_ptr<int64_t>() + (r * channels + channel) * bins;
    for (int64_t bin = 0; bin < bins; ++bin)
      if (place[bin] >= 0 && place[bin] < pixels) plane[place[bin]] += static_cast<T>(g[bin]);
  }
}

at::Tensor roi_pool_backward(const at::Tensor& grad, const at::Tensor& argmax,
                             const at::Tensor& rois, int64_t num_images, int64_t height,
                             int64_t width) {
  check_roi_pool_backward(grad, argmax, rois, num_images, height, width);
  const at::Tensor dense = grad.contiguous(), places = argmax.contiguous();
  const at::Tensor boxes = rois.to(compute_type(grad.scalar_type())).contiguous();
  at::Tensor sums = at::zeros({num_images, grad.size(1), height, width}, boxes.options());
  AT_DISPATCH_FLOATING_TYPES_AND2(
      at::kHalf, at::kBFloat16, grad.scalar_type(), "roi_pool_backward", [&] {
        at::parallel_for(0, grad.size(1), 1, [&](int64_t begin, int64_t end) {
          for (int64_t c = begin; c < end; ++c)
            spread_channel<scalar_t>(dense, places, boxes, c, sums);
        });
      });
  return sums.to(grad.scalar_type());
}

}  // namespace
}  // namespace mmdet

TORCH_LIBRARY_IMPL(mmdet, CPU, m) {
  m.impl("roi_pool", &mmdet::roi_pool);
  m.impl("roi_pool_backward", &mmdet::roi_pool_backward);
}
