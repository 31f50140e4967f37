// Greedy non-maximum suppression over inclusive boxes, on the CPU.
//
// Widths are x2 - x1 + 1; a box goes when its IoU with a kept better one is
// larger than iou_thr. Without labels all boxes meet, with labels only equal
// ones. Rows with NaN are never kept. Returns the kept indices, best score first,
// equal scores in their order. Every box, best first, is compared with
// the kept ones of its label until one suppresses it; it stops at max_num boxes.
#include <ATen/Dispatch.h>
#include <ATen/ops/empty.h>
#include <torch/library.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <unordered_map>
#include <vector>

#include "../checks.h"
#include "../types.h"
#include "nms_kernels.h"

namespace mmdet {
namespace {

// The kept boxes of one label, padded to whole blocks with NaN, which
// suppresses nothing.
template <typename T>
struct Kept {
  std::vector<T> x1, y1, x2, y2, area;
  int64_t count = 0;

  void add(const Box<T>& box) {
    if (count % kBlock == 0)
      for (auto* column : {&x1, &y1, &x2, &y2, &area})
        column->resize(count + kBlock, std::numeric_limits<T>::quiet_NaN());
    x1[count] = box.x1;
    y1[count] = box.y1;
    x2[count] = box.x2;
    y2[count] = box.y2;
    area[count] = box.area;
    ++count;
  }
};

// Rows without NaN, best score first, equal scores in their order.
template <typename T>
std::vector<int64_t> order_of(const T* boxes, const T* scores, int64_t num) {
  std::vector<int64_t> order;
  order.reserve(num);
  for (int64_t i = 0; i < num; ++i) {
    const T* const box = boxes + 4 * i;
    if (!std::isnan(box[0]) && !std::isnan(box[1]) && !std::isnan(box[2]) && !std::isnan(box[3]) &&
        !std::isnan(scores[i]))
      order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](int64_t a, int64_t b) { return scores[a] > scores[b]; });
  return order;
}

template <typename T>
std::vector<int64_t> greedy(const T* boxes, const T* scores, const int64_t* labels, int64_t num,
                            T thr, int64_t max_num) {
  std::unordered_map<int64_t, Kept<T>> kept_of;
  std::vector<int64_t> keep;
  for (const int64_t i : order_of(boxes, scores, num)) {
    if (static_cast<int64_t>(keep.size()) == max_num) break;
    const T* const b = boxes + 4 * i;
    const Box<T> box{b[0], b[1], b[2], b[3], (b[2] - b[0] + 1) * (b[3] - b[1] + 1)};
    Kept<T>& kept = kept_of[labels ? labels[i] : 0];
    const Columns<T> columns{kept.x1.data(), kept.y1.data(), kept.x2.data(), kept.y2.data(),
                             kept.area.data()};
    if (suppressed(columns, kept.count, box, thr)) continue;
    kept.add(box);
    keep.push_back(i);
  }
  return keep;
}

at::Tensor nms(const at::Tensor& boxes, const at::Tensor& scores,
               const std::optional<at::Tensor>& labels, double iou_thr, int64_t max_num) {
  check_nms(boxes, scores, labels);
  const auto dtype = compute_type(boxes.scalar_type());
  const at::Tensor rows = boxes.to(dtype).contiguous(), keys = scores.to(dtype).contiguous();
  const at::Tensor classes = labels.has_value() ? labels->contiguous() : at::Tensor();
  std::vector<int64_t> keep;
  AT_DISPATCH_FLOATING_TYPES(dtype, "nms", [&] {
    keep = greedy<scalar_t>(rows.const_data_ptr<scalar_t>(), keys.const_data_ptr<scalar_t>(),
                            labels.has_value() ? classes.const_data_ptr<int64_t>() : nullptr,
                            rows.size(0), static_cast<scalar_t>(iou_thr), max_num);
  });
  at::Tensor out = at::empty({static_cast<int64_t>(keep.size())}, boxes.options().dtype(at::kLong));
  std::copy(keep.begin(), keep.end(), out.data_ptr<int64_t>());
  return out;
}

}  // namespace
}  // namespace mmdet

TORCH_LIBRARY_IMPL(mmdet, CPU, m) { m.impl("nms", &mmdet::nms); }
