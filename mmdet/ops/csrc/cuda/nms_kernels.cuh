// NMS kernels: a bit per pair of boxes, then one block that walks them in order.
#pragma once

#include <cstdint>

#include "launch.h"

namespace mmdet {

constexpr int kWord = 64;  // boxes per word of the mask
constexpr int kWalkers = 1024;

template <typename T>
__device__ bool overlaps(const T* a, const T* b, T thr) {
  const T left = a[0] > b[0] ? a[0] : b[0], top = a[1] > b[1] ? a[1] : b[1];
  const T right = a[2] < b[2] ? a[2] : b[2], bottom = a[3] < b[3] ? a[3] : b[3];
  const T w = right - left + 1, h = bottom - top + 1;
  const T inter = (w > 0 ? w : T(0)) * (h > 0 ? h : T(0));
  const T area_a = (a[2] - a[0] + 1) * (a[3] - a[1] + 1);
  const T area_b = (b[2] - b[0] + 1) * (b[3] - b[1] + 1);
  return inter / (area_a + area_b - inter) > thr;
}

// masks[i * words + w], bit j: box i suppresses box 64 w + j. boxes (num, 4) and
// labels (num,) are in score order. Only words at or behind a box's own are written.
template <typename T>
__global__ void overlap_masks(const T* boxes, const int64_t* labels, int64_t num, T thr,
                              unsigned long long* masks) {
  __shared__ T columns[kWord * 4];
  __shared__ int64_t column_labels[kWord];
  const int64_t words = (num + kWord - 1) / kWord;
  for (int64_t pair = blockIdx.x; pair < words * words; pair += gridDim.x) {
    const int64_t row_word = pair / words, word = pair % words;
    if (word < row_word) continue;
    const int64_t mine = word * kWord + threadIdx.x, row = row_word * kWord + threadIdx.x;
    __syncthreads();
    if (mine < num) {
      for (int k = 0; k < 4; ++k) columns[threadIdx.x * 4 + k] = boxes[mine * 4 + k];
      column_labels[threadIdx.x] = labels ? labels[mine] : 0;
    }
    __syncthreads();
    if (row >= num) continue;
    const int64_t label = labels ? labels[row] : 0;
    const int64_t last = num - word * kWord < kWord ? num - word * kWord : kWord;
    unsigned long long bits = 0;
    for (int64_t j = word == row_word ? threadIdx.x + 1 : 0; j < last; ++j)
      if (label == column_labels[j] && overlaps(boxes + row * 4, columns + j * 4, thr))
        bits |= 1ULL << j;
    masks[row * words + word] = bits;
  }
}

// One block. never (num,): rows with NaN; removed (words,) starts at 0; keep (num,)
// gets 1 for each kept box, at most max_num of them (negative: all).
__global__ void walk_masks(const unsigned long long* masks, const bool* never, int64_t num,
                           int64_t max_num, unsigned long long* removed, bool* keep) {
  __shared__ unsigned long long own[kWord];
  __shared__ bool out[kWord];
  __shared__ unsigned long long kept;
  __shared__ int64_t total;
  const int64_t words = (num + kWord - 1) / kWord;
  if (threadIdx.x == 0) total = 0;
  for (int64_t word = 0; word < words; ++word) {
    const int64_t first = word * kWord;
    const int64_t last = num - first < kWord ? num - first : kWord;
    if (threadIdx.x < last) {
      own[threadIdx.x] = masks[(first + threadIdx.x) * words + word];
      out[threadIdx.x] = never[first + threadIdx.x];
    }
    __syncthreads();
    if (threadIdx.x == 0) {
      unsigned long long gone = removed[word];
      kept = 0;
      for (int64_t j = 0; j < last && total != max_num; ++j) {
        if (out[j] || (gone >> j & 1)) continue;
        kept |= 1ULL << j;
        gone |= own[j];
        ++total;
      }
    }
    __syncthreads();
    if (threadIdx.x < last) keep[first + threadIdx.x] = kept >> threadIdx.x & 1;
    for (int64_t other = word + 1 + threadIdx.x; other < words; other += blockDim.x) {
      unsigned long long gone = 0;
      for (unsigned long long left = kept; left; left &= left - 1)
        gone |= masks[(first + __ffsll(static_cast<long long>(left)) - 1) * words + other];
      removed[other] |= gone;
    }
    __syncthreads();
  }
}

// launch(shape, kernel, arguments...) starts a kernel: on a stream, or in an emulation.
// masks (num, words) and removed (words,), which starts at 0, are scratch.
template <typename T, typename Launch>
void launch_nms(const Launch& launch, const T* boxes, const int64_t* labels, const bool* never,
                int64_t num, T thr, int64_t max_num, unsigned long long* masks,
                unsigned long long* removed, bool* keep) {
  const int64_t words = (num + kWord - 1) / kWord;
  launch(blocks_of(words * words, kWord), overlap_masks<T>, boxes, labels, num, thr, masks);
  launch(blocks_of(1, kWalkers), walk_masks, masks, never, num, max_num, removed, keep);
}

}  // namespace mmdet
