// One box against the kept ones of its label, a vector at a time.
#pragma once

#include <cstdint>

#include "simd.h"

namespace mmdet {

constexpr int64_t kBlock = 64;  // boxes compared before looking whether one suppresses

template <typename T>
struct Box {
  T x1, y1, x2, y2, area;
};

template <typename T>
struct Columns {
  const T *x1, *y1, *x2, *y2, *area;
};

// Whether one of count boxes, padded with NaN to whole blocks, overlaps by more
// than thr.
bool suppressed(const Columns<float>& kept, int64_t count, const Box<float>& box, float thr);
bool suppressed(const Columns<double>& kept, int64_t count, const Box<double>& box, double thr);

}  // namespace mmdet
