// NMS: what cuda/nms.cu does around the launches, after the sort.
#include <algorithm>

#include "cuda_on_cpu.h"
// The kernels come after what stands in for CUDA.
#include "cases.h"
#include "cuda/nms_kernels.cuh"

namespace emulation {
namespace {

Results nms(const Case& one) {
  const Array& boxes = one["boxes"];
  const Array& labels = one["labels"];
  const int64_t num = boxes.shape[0], chunk = one.number("chunk");
  const int64_t most = std::min(num, chunk), words = (most + mmdet::kWord - 1) / mmdet::kWord;
  const Array masks = unset(kInt64, {most, words});
  const Array places = unset(kInt64, {most});
  const Array progress = zeros(kInt64, {sizeof(mmdet::Progress) / sizeof(int64_t)});
  Results results;
  results.push_back(zeros(kBool, {num}));
  by_type(boxes.type, [&](auto value) {
    using T = decltype(value);
    const mmdet::Boxes<T> view{boxes.data<T>(), labels.count() ? labels.data<int64_t>() : nullptr,
                               one["dropped"].data<bool>(), num};
    if constexpr (sizeof(T) >= 4)
      mmdet::launch_nms(OnCpu{}, view, static_cast<T>(one.real("threshold")), one.number("max_num"),
                        masks.data<mmdet::Mask>(), places.data<int64_t>(),
                        progress.data<mmdet::Progress>(), results[0].data<bool>(), chunk);
  });
  return results;
}

const Register registered("nms", &nms);

}  // namespace
}  // namespace emulation
