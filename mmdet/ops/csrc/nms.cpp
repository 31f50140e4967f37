// Greedy non-maximum suppression over inclusive boxes: the schema.
//
// Widths are x2 - x1 + 1; a box goes when its IoU with a kept better one is
// larger than iou_thr. Without labels all boxes meet, with labels only equal
// ones. Rows with NaN are never kept. Returns the kept indices, best score first,
// equal scores in their order. Kernels: cpu/nms.cpp, cuda/nms.cu.
#include <torch/library.h>

TORCH_LIBRARY_FRAGMENT(mmdet, m) {
  m.def(
      "nms(Tensor boxes, Tensor scores, Tensor? labels, float iou_thr, int max_num) -> Tensor");
}
