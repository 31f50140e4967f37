// NMS: what cuda/nms.cu does around the launches, after the sort.
#include "cuda_on_cpu.h"
// The kernels come after what stands in for CUDA.
#include "cases.h"
#include "cuda/nms_kernels.cuh"

namespace emulation {
namespace {

Results nms(const Case& one) {
  const Array& boxes = one["boxes"];
  const Array& labels = one["labels"];
  const int64_t num = boxes.shape[0], words = (num + mmdet::kWord - 1) / mmdet::kWord;
  const Array masks = unset(kInt64, {num, words});
  const Array removed = zeros(kInt64, {words});
  Results results;
  results.push_back(unset(kBool, {num}));
  by_type(boxes.type, [&](auto value) {
    using T = decltype(value);
    if constexpr (sizeof(T) >= 4)
      mmdet::launch_nms<T>(OnCpu{}, boxes.data<T>(),
                           labels.count() ? labels.data<int64_t>() : nullptr,
                           one["never"].data<bool>(), num, static_cast<T>(one.real("threshold")),
                           one.number("max_num"), masks.data<unsigned long long>(),
                           removed.data<unsigned long long>(), results[0].data<bool>());
  });
  return results;
}

const Register registered("nms", &nms);

}  // namespace
}  // namespace emulation
