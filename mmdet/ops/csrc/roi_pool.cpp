// RoI max pooling with inclusive box ends: the schemas and the CPU.
//
// Bins run from the floor of their start to the ceiling of their end, cut to the
// map; empty bins give 0 and argmax -1. argmax is y * W + x of the maximum.
// On the CPU the forward is parallel over RoIs, the backward over channels, so
// that no two threads add to one pixel. CUDA: cuda/roi_pool.cu.
#include <ATen/Dispatch.h>
#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <torch/library.h>

#include <algorithm>
#include <tuple>
#include <type_traits>
#include <vector>

#include "sampling.h"
#include "roi_align.h"

namespace mmdet {
namespace {

template <typename S>
using Compute = std::conditional_t<std::is_same_v<S, double>, double, float>;

template <typename S>
struct Maximum {
  S value;
  int64_t place;
};

template <typename S>
Maximum<S> max_of(const S* plane, int64_t width, Span rows, Span cols) {
  if (rows.from >= rows.to || cols.from >= cols.to) return {S(0), -1};
  using T = Compute<S>;
  int64_t place = rows.from * width + cols.from;
  T best = static_cast<T>(plane[place]);
  for (int64_t y = rows.from; y < rows.to; ++y)
    for (int64_t i = y * width + cols.from; i < y * width + cols.to; ++i) {
      const bool more = static_cast<T>(plane[i]) > best;
      best = more ? static_cast<T>(plane[i]) : best;
      place = more ? i : place;
    }
  return {plane[place], place};
}

int64_t checked_image(double image, int64_t num_images) {
  TORCH_CHECK_VALUE(image >= 0 && image < num_images, "roi_pool: image index of a RoI is ", image,
                    ", expected [0, ", num_images, ")");
  return static_cast<int64_t>(image);
}

template <typename S>
void pool_roi(const at::Tensor& feat, const Compute<S>* roi, Compute<S> scale, at::IntArrayRef size,
              S* out, int64_t* argmax) {
  const int64_t height = feat.size(2), width = feat.size(3), bins = size[0] * size[1];
  const S* const image = feat.const_data_ptr<S>() +
                         checked_image(roi[0], feat.size(0)) * feat.size(1) * height * width;
  const Compute<S> x1 = roi[1] * scale, y1 = roi[2] * scale;
  const Compute<S> x2 = (roi[3] + 1) * scale, y2 = (roi[4] + 1) * scale;
  if (!(x2 > x1 && y2 > y1)) {
    std::fill(out, out + feat.size(1) * bins, S(0));
    std::fill(argmax, argmax + feat.size(1) * bins, -1);
    return;
  }
  std::vector<Span> rows, cols;
  for (int64_t b = 0; b < size[0]; ++b) rows.push_back(pool_span(y1, y2, size[0], b, height));
  for (int64_t b = 0; b < size[1]; ++b) cols.push_back(pool_span(x1, x2, size[1], b, width));
  for (int64_t c = 0; c < feat.size(1); ++c)
    for (const Span& row : rows)
      for (const Span& col : cols) {
        const Maximum<S> best = max_of(image + c * height * width, width, row, col);
        *out++ = best.value;
        *argmax++ = best.place;
      }
}

std::tuple<at::Tensor, at::Tensor> roi_pool(const at::Tensor& features, const at::Tensor& rois,
                                            int64_t out_height, int64_t out_width, double scale) {
  check_features("roi_pool", features);
  check_rois("roi_pool", rois, features);
  check_bins("roi_pool", out_height, out_width, 0);
  const at::Tensor feat = features.contiguous();
  const at::Tensor boxes = rois.to(compute_type(feat.scalar_type())).contiguous();
  const int64_t num = rois.size(0), step = feat.size(1) * out_height * out_width;
  at::Tensor out = at::empty({num, feat.size(1), out_height, out_width}, feat.options());
  at::Tensor argmax = at::empty(out.sizes(), feat.options().dtype(at::kLong));
  AT_DISPATCH_FLOATING_TYPES_AND2(
      at::kHalf, at::kBFloat16, feat.scalar_type(), "roi_pool", [&] {
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
  check_features("roi_pool_backward", grad);
  check_rois("roi_pool_backward", rois, grad);
  TORCH_CHECK_VALUE(argmax.sizes() == grad.sizes() && argmax.scalar_type() == at::kLong &&
                        grad.size(0) == rois.size(0),
                    "roi_pool_backward: expected int64 argmax and rois for grad ", grad.sizes(),
                    ", got ", argmax.scalar_type(), " ", argmax.sizes(), " and ", rois.sizes());
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

TORCH_LIBRARY_FRAGMENT(mmdet, m) {
  m.def(
      "roi_pool(Tensor features, Tensor rois, int out_height, int out_width, "
      "float spatial_scale) -> (Tensor, Tensor)");
  m.def(
      "roi_pool_backward(Tensor grad, Tensor argmax, Tensor rois, SymInt num_images, "
      "SymInt height, SymInt width) -> Tensor");
}

TORCH_LIBRARY_IMPL(mmdet, CPU, m) {
  m.impl("roi_pool", &mmdet::roi_pool);
  m.impl("roi_pool_backward", &mmdet::roi_pool_backward);
}
