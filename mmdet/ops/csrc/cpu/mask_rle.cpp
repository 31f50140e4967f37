// From resized mask probabilities straight to compressed COCO RLE.
//
// A run changes where a pixel and the one above it differ, so rows are compared
// as they lie in memory and only the changes are brought into column order; the
// image is never made. The encoding is that of the COCO API: run lengths down the
// columns, each as the difference to the last but one, five bits a character.
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <torch/library.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "simd.h"

namespace mmdet {
namespace {

constexpr int64_t kBlock = 64;  // pixels compared at once: most blocks have no change

// Whether count <= kBlock pixels of a row and the row above lie on different sides
// of the threshold, one by one; returns whether any does.
MMDET_INLINE bool compare_block(const float* above, const float* row, int64_t count,
                                float threshold, int32_t* differ) {
  int32_t any = 0;
  for (int64_t i = 0; i < count; ++i) {
    differ[i] = (above[i] > threshold) != (row[i] > threshold);
    any |= differ[i];
  }
  return any != 0;
}

struct Change {
  int32_t x, y;
};

// The part of a patch (height, width) that lies in the image.
struct Patch {
  const float* data;
  int64_t stride, left, top;           // left, top: of the patch, in the image
  int64_t x_from, x_to, y_from, y_to;  // visible, in the patch
};

Patch visible(const at::Tensor& patch, int64_t left, int64_t top, int64_t height, int64_t width) {
  return {patch.const_data_ptr<float>(),
          patch.size(1),
          left,
          top,
          std::clamp<int64_t>(-left, 0, patch.size(1)),
          std::clamp<int64_t>(width - left, 0, patch.size(1)),
          std::clamp<int64_t>(-top, 0, patch.size(0)),
          std::clamp<int64_t>(height - top, 0, patch.size(0))};
}

MMDET_CLONES void compare_rows(const float* above, const float* row, int64_t num, float threshold,
                               int32_t y, std::vector<Change>& changes) {
  int32_t differ[kBlock];
  for (int64_t x = 0; x < num; x += kBlock) {
    const bool whole = num - x >= kBlock;
    const int64_t count = whole ? kBlock : num - x;
    if (!(whole ? compare_block(above + x, row + x, kBlock, threshold, differ)
                : compare_block(above + x, row + x, count, threshold, differ)))
      continue;
    for (int64_t i = 0; i < count; ++i)
      if (differ[i]) changes.push_back({static_cast<int32_t>(x + i), y});
  }
}

// Changes from one row to the next, row by row; above and below all is 0.
std::vector<Change> find_changes(const Patch& patch, float threshold) {
  const int64_t num = patch.x_to - patch.x_from;
  std::vector<Change> changes;
  if (num <= 0 || patch.y_to <= patch.y_from) return changes;
  const std::vector<float> outside(num, -std::numeric_limits<float>::infinity());
  const float* above = outside.data();
  for (int64_t y = patch.y_from; y < patch.y_to; ++y) {
    const float* const row = patch.data + y * patch.stride + patch.x_from;
    compare_rows(above, row, num, threshold, static_cast<int32_t>(y), changes);
    above = row;
  }
  compare_rows(above, outside.data(), num, threshold, static_cast<int32_t>(patch.y_to), changes);
  return changes;
}

// Positions x * height + y at which the mask changes, ascending.
std::vector<int64_t> to_columns(const std::vector<Change>& changes, const Patch& patch,
                                int64_t height) {
  std::vector<int64_t> next(std::max<int64_t>(patch.x_to - patch.x_from, 0) + 1, 0);
  for (const Change& change : changes) ++next[change.x + 1];
  for (size_t x = 1; x < next.size(); ++x) next[x] += next[x - 1];
  std::vector<int64_t> places(changes.size());
  for (const Change& change : changes)
    places[next[change.x]++] =
        (patch.left + patch.x_from + change.x) * height + patch.top + change.y;
  // A mask that ends at the foot of one column and goes on at the head of the
  // next does not change there: the two entries cancel.
  size_t kept = 0;
  for (const int64_t place : places) {
    if (kept && places[kept - 1] == place)
      --kept;
    else
      places[kept++] = place;
  }
  places.resize(kept);
  return places;
}

std::string compress(const std::vector<int64_t>& places, int64_t pixels) {
  std::string text;
  int64_t counts[2] = {0, 0};  // the last two run lengths
  int64_t at = 0;
  for (size_t i = 0; i <= places.size(); ++i) {
    const int64_t place = i < places.size() ? places[i] : pixels;
    if (i == places.size() && place == at && i > 0) break;
    const int64_t count = place - at;
    int64_t rest = i > 2 ? count - counts[i % 2] : count;
    for (bool more = true; more;) {
      const int64_t five = rest & 31;
      rest >>= 5;
      more = five & 16 ? rest != -1 : rest != 0;
      text.push_back(static_cast<char>((more ? five | 32 : five) + 48));
    }
    counts[i % 2] = count;
    at = place;
  }
  return text;
}

at::Tensor paste_rle(const at::Tensor& patch, int64_t left, int64_t top, int64_t height,
                     int64_t width, double threshold) {
  TORCH_CHECK_VALUE(patch.dim() == 2 && patch.scalar_type() == at::kFloat && patch.is_contiguous(),
                    "paste_rle: a patch must be float32 (h, w) and contiguous, got ",
                    patch.scalar_type(), " ", patch.sizes());
  TORCH_CHECK_VALUE(height > 0 && width > 0, "paste_rle: the image must have pixels, got ", height,
                    " x ", width);
  const Patch part = visible(patch, left, top, height, width);
  const auto changes = find_changes(part, static_cast<float>(threshold));
  const std::string text = compress(to_columns(changes, part, height), height * width);
  at::Tensor bytes =
      at::empty({static_cast<int64_t>(text.size())}, patch.options().dtype(at::kByte));
  std::memcpy(bytes.data_ptr<uint8_t>(), text.data(), text.size());
  return bytes;
}

}  // namespace
}  // namespace mmdet

TORCH_LIBRARY_IMPL(mmdet, CPU, m) { m.impl("paste_rle", &mmdet::paste_rle); }
