// RoI max pooling with inclusive box ends: the schemas.
//
// Bins run from the floor of their start to the ceiling of their end, cut to the
// map; empty bins give 0 and argmax -1. argmax is y * W + x of the maximum.
// Kernels: cpu/roi_pool.cpp, cuda/roi_pool.cu.
#include <torch/library.h>

TORCH_LIBRARY_FRAGMENT(mmdet, m) {
  m.def(
      "roi_pool(Tensor features, Tensor rois, int out_height, int out_width, "
      "float spatial_scale) -> (Tensor, Tensor)");
  m.def(
      "roi_pool_backward(Tensor grad, Tensor argmax, Tensor rois, SymInt num_images, "
      "SymInt height, SymInt width) -> Tensor");
}
