// What the operators take and return. Kernels: cpu/ and cuda/; autograd and fake kernels
// (shapes for torch.compile): mmdet/ops/library.py.
#include <torch/library.h>

TORCH_LIBRARY_FRAGMENT(mmdet, m) {
  m.def(
      "roi_align(Tensor[] feats, Tensor rois, Tensor? levels, int out_height, int out_width, "
      "float[] spatial_scales, int sample_num) -> Tensor");
  m.def(
      "roi_align_backward(Tensor grad, Tensor rois, Tensor? levels, SymInt num_images, "
      "SymInt[] sizes, float[] spatial_scales, int sample_num, bool channels_last) -> Tensor[]");
  m.def(
      "roi_pool(Tensor features, Tensor rois, int out_height, int out_width, "
      "float spatial_scale) -> (Tensor, Tensor)");
  m.def(
      "roi_pool_backward(Tensor grad, Tensor argmax, Tensor rois, SymInt num_images, "
      "SymInt height, SymInt width) -> Tensor");
  m.def("nms(Tensor boxes, Tensor scores, Tensor? labels, float iou_thr, int max_num) -> Tensor");
  m.def(
      "paste_rle(Tensor patch, int left, int top, int height, int width, float threshold) "
      "-> Tensor");
}
