// RoIPool: what cuda/roi_pool.cu does around the launches.
#include "cuda_on_cpu.h"
// The kernels come after what stands in for CUDA.
#include "cases.h"
#include "cuda/roi_pool_kernels.cuh"
#include "sort_rois.h"
#include "types.h"

namespace emulation {
namespace {

using mmdet::Compute;

template <typename T>
mmdet::Rois<T> rois_of(const Case& one, int64_t out_height, int64_t out_width) {
  return {one["rois"].data<T>(), nullptr, one["rois"].shape[0], out_height, out_width, 0};
}

Results forward(const Case& one) {
  const Array& map = one["map"];
  const int64_t* const size = one["out_size"].data<int64_t>();
  const int64_t images = map.shape[0], channels = map.shape[1];
  const int64_t height = map.shape[2], width = map.shape[3];
  const std::vector<int64_t> shape{one["rois"].shape[0], channels, size[0], size[1]};
  Results results;
  results.push_back(unset(map.type, shape));
  results.push_back(unset(kInt64, shape));
  if (results[0].count() == 0) return results;
  by_type(map.type, [&](auto value) {
    using S = decltype(value);
    using T = Compute<S>;
    const mmdet::MapView<const S> view{
        map.data<S>(), channels * height * width, height * width, width, 1, height,
        width,         one.real("scale")};
    mmdet::launch_roi_pool<T, S>(OnCpu{}, view, images, channels, rois_of<T>(one, size[0], size[1]),
                                 results[0].data<S>(), results[1].data<int64_t>());
  });
  return results;
}

// Sums in the compute type. Gradients and sums have their channels innermost if they are
// added in the order of the RoIs.
Results backward(const Case& one) {
  const Array& grad = one["grad"];
  const int64_t* const place = one["argmax"].data<int64_t>();
  const int64_t* const size = one["size"].data<int64_t>();
  const bool ordered = one.number("ordered");
  const int64_t images = one.number("images"), channels = grad.shape[ordered ? 3 : 1];
  const int64_t out_height = grad.shape[ordered ? 1 : 2], out_width = grad.shape[ordered ? 2 : 3];
  Results results;
  results.push_back(zeros(compute_type(grad.type),
                          ordered ? std::vector<int64_t>{images, size[0], size[1], channels}
                                  : std::vector<int64_t>{images, channels, size[0], size[1]}));
  if (grad.count() == 0) return results;
  by_type(grad.type, [&](auto value) {
    using S = decltype(value);
    using T = Compute<S>;
    const S* const data = grad.data<S>();
    const auto rois = rois_of<T>(one, out_height, out_width);
    const int64_t pixels = size[0] * size[1];
    if (ordered)
      mmdet::launch_roi_pool_backward_ordered(
          OnCpu{}, data, place, sort_rois(rois, 1, images).view(), out_height * out_width, images,
          channels, pixels, results[0].data<T>());
    else
      mmdet::launch_roi_pool_backward(OnCpu{}, data, place, rois, images, channels, pixels,
                                      results[0].data<T>());
  });
  return results;
}

const Register registered[] = {{"roi_pool", &forward}, {"roi_pool_backward", &backward}};

}  // namespace
}  // namespace emulation
