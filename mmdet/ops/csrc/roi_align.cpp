// RoIAlign over one or several feature maps: the schemas.
//
// A box ends at (x2 + 1) * scale, its size is clamped at 0 from below, there is
// no half-pixel shift: the conventions of the 2019 code. With sample_num 0 a bin
// takes one point per feature pixel. Kernels: cpu/roi_align.cpp,
// cuda/roi_align.cu; autograd and fake kernels: mmdet/ops/library.py.
#include <torch/library.h>

TORCH_LIBRARY_FRAGMENT(mmdet, m) {
  m.def(
      "roi_align(Tensor[] feats, Tensor rois, Tensor? levels, int out_height, int out_width, "
      "float[] spatial_scales, int sample_num) -> Tensor");
  m.def(
      "roi_align_backward(Tensor grad, Tensor rois, Tensor? levels, SymInt num_images, "
      "SymInt[] sizes, float[] spatial_scales, int sample_num, bool channels_last) -> Tensor[]");
}
