// RoIAlign: what cuda/roi_align.cu does around the launches.
#include "cuda_on_cpu.h"
// The kernels come after what stands in for CUDA.
#include "cases.h"
#include "cuda/roi_align_kernels.cuh"
#include "cuda/roi_align_ordered_kernels.cuh"
#include "sort_rois.h"
#include "types.h"

namespace emulation {
namespace {

using mmdet::Compute;

// Maps lie in memory as (N, C, H, W), or (N, H, W, C) with channels_last; more channels in
// memory than there are channels make a view.
template <typename S>
mmdet::Pyramid<S> view(const Case& one, const std::vector<const Array*>& maps) {
  const bool last = one.number("channels_last");
  mmdet::Pyramid<S> pyramid{
      {}, static_cast<int64_t>(maps.size()), maps[0]->shape[0], one.number("channels")};
  for (size_t level = 0; level < maps.size(); ++level) {
    const auto& shape = maps[level]->shape;
    const int64_t height = shape[last ? 1 : 2], width = shape[last ? 2 : 3];
    const int64_t channels = shape[last ? 3 : 1], pixels = height * width;
    pyramid.maps[level] = {maps[level]->data<S>(),
                           channels * pixels,
                           last ? 1 : pixels,
                           last ? width * channels : width,
                           last ? channels : 1,
                           height,
                           width,
                           one["scales"].data<double>()[level]};
  }
  return pyramid;
}

template <typename T>
mmdet::Rois<T> rois_of(const Case& one) {
  const Array& rois = one["rois"];
  const Array& levels = one["levels"];
  const int64_t* const size = one["out_size"].data<int64_t>();
  return {rois.data<T>(), levels.count() ? levels.data<int64_t>() : nullptr,
          rois.shape[0],  size[0],
          size[1],        one.number("sample_num")};
}

Results forward(const Case& one) {
  std::vector<const Array*> maps;
  for (int64_t level = 0; level < one["scales"].count(); ++level)
    maps.push_back(&one["map" + std::to_string(level)]);
  const int64_t* const size = one["out_size"].data<int64_t>();
  Results results;
  results.push_back(
      unset(maps[0]->type, {one["rois"].shape[0], one.number("channels"), size[0], size[1]}));
  if (results[0].count() == 0) return results;
  by_type(maps[0]->type, [&](auto value) {
    using S = decltype(value);
    using T = Compute<S>;
    mmdet::launch_roi_align<T, S>(OnCpu{}, view<S>(one, maps), rois_of<T>(one),
                                  results[0].data<S>());
  });
  return results;
}

// Sums in the compute type, (N, C, H, W) or (N, H, W, C). grad: (R, C, bins), or (R, bins, C)
// to add in the order of the RoIs.
Results backward(const Case& one) {
  const Array& grad = one["grad"];
  const int64_t images = one.number("images"), channels = one.number("channels");
  const int64_t* const sizes = one["sizes"].data<int64_t>();
  Results results;
  std::vector<const Array*> sums;
  for (int64_t level = 0; level < one["scales"].count(); ++level) {
    const int64_t height = sizes[2 * level], width = sizes[2 * level + 1];
    results.push_back(zeros(compute_type(grad.type),
                            one.number("channels_last")
                                ? std::vector<int64_t>{images, height, width, channels}
                                : std::vector<int64_t>{images, channels, height, width}));
  }
  if (grad.count() == 0) return results;
  for (const Array& sum : results) sums.push_back(&sum);
  by_type(grad.type, [&](auto value) {
    using S = decltype(value);
    using T = Compute<S>;
    const auto pyramid = view<T>(one, sums);
    const auto rois = rois_of<T>(one);
    const S* const values = grad.data<S>();
    if (!one.number("ordered"))
      return mmdet::launch_roi_align_backward(OnCpu{}, pyramid, rois, values,
                                              one.number("channels_last"));
    const SortedRois sorted = sort_rois(rois, pyramid.levels, images);
    const Array touched = unset(kInt64, {rois.num, rois.out_height, 2});
    mmdet::launch_roi_align_backward_ordered(OnCpu{}, pyramid, rois, sorted.view(),
                                             touched.data<mmdet::Span>(), values);
  });
  return results;
}

const Register registered[] = {{"roi_align", &forward}, {"roi_align_backward", &backward}};

}  // namespace
}  // namespace emulation
