#include "nms_kernels.h"

namespace mmdet {
namespace {

// Whether a box of the block overlaps by more than thr. A lower bound that costs no
// division settles most blocks. It does not hold for thresholds of 0 and below: the
// union of inverted boxes is negative or 0, and dividing by it turns the comparison.
template <typename T>
MMDET_INLINE bool block_hits(const Columns<T>& kept, const Box<T>& box, T thr) {
  const T likely = thr * T(0.9999);
  T inter[kBlock], uni[kBlock];
  int32_t some = 0;
  for (int64_t i = 0; i < kBlock; ++i) {
    const T left = box.x1 > kept.x1[i] ? box.x1 : kept.x1[i];
    const T top = box.y1 > kept.y1[i] ? box.y1 : kept.y1[i];
    const T right = box.x2 < kept.x2[i] ? box.x2 : kept.x2[i];
    const T bottom = box.y2 < kept.y2[i] ? box.y2 : kept.y2[i];
    const T w = right - left + 1, h = bottom - top + 1;
    inter[i] = (w > 0 ? w : 0) * (h > 0 ? h : 0);
    uni[i] = box.area + kept.area[i] - inter[i];
    some |= static_cast<int32_t>(inter[i] > likely * uni[i]);
  }
  if (thr > 0 && !some) return false;
  int32_t hit = 0;
  for (int64_t i = 0; i < kBlock; ++i) hit |= static_cast<int32_t>(inter[i] / uni[i] > thr);
  return hit != 0;
}

template <typename T>
MMDET_INLINE bool suppressed_body(Columns<T> kept, int64_t count, const Box<T>& box, T thr) {
  for (int64_t done = 0; done < count; done += kBlock) {
    if (block_hits<T>(kept, box, thr)) return true;
    kept = {kept.x1 + kBlock, kept.y1 + kBlock, kept.x2 + kBlock, kept.y2 + kBlock,
            kept.area + kBlock};
  }
  return false;
}

}  // namespace

MMDET_CLONES bool suppressed(const Columns<float>& kept, int64_t count, const Box<float>& box,
                             float thr) {
  return suppressed_body<float>(kept, count, box, thr);
}
MMDET_CLONES bool suppressed(const Columns<double>& kept, int64_t count, const Box<double>& box,
                             double thr) {
  return suppressed_body<double>(kept, count, box, thr);
}

}  // namespace mmdet
