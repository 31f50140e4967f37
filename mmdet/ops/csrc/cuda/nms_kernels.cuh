// NMS kernels. Boxes come in score order and are taken a chunk at a time: a bit per pair of
// its boxes, then one block that walks the chunk in order, then every later box is compared
// with what the chunk keeps. The host waits for nothing in between.
//
// Scratch memory: kChunk * kChunk / 8 bytes, 2 MiB, whatever the number of boxes. Of n boxes,
// k kept, at most n * kChunk / 2 pairs within chunks and n * k / 2 across them are compared.
#pragma once

#include <cstdint>

#include "../sampling.h"
#include "launch.h"

namespace mmdet {

using Mask = unsigned long long;

constexpr int kWord = 64;      // boxes per word of a mask
constexpr int kChunk = 4096;   // boxes
constexpr int kWalkers = 512;  // threads of the walk
constexpr int kMeeting = 128;  // later boxes, and kept ones, that meet in one block

// How far the walk is, in device memory.
struct Progress {
  int64_t total;  // boxes kept by all chunks so far
  int64_t here;   // by the last one
};

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

// Boxes that all threads of a block compare theirs with.
template <typename T, int kCount>
struct Company {
  T boxes[kCount * 4];
  int64_t labels[kCount];

  __device__ void set(int place, const T* box, const int64_t* label) {
    for (int k = 0; k < 4; ++k) boxes[place * 4 + k] = box[k];
    labels[place] = label ? *label : 0;
  }
  // Whether the box at a place, the better one, suppresses another.
  __device__ bool drops(int place, const T* box, const int64_t* label, T thr) const {
    return labels[place] == (label ? *label : 0) && overlaps(boxes + place * 4, box, thr);
  }
};

// Consecutive boxes (count, 4), their labels (or null) and whether they are out already.
template <typename T>
struct Boxes {
  const T* rows;
  const int64_t* labels;
  bool* dropped;
  int64_t count;

  MMDET_HD Boxes from(int64_t first, int64_t num) const {
    return {rows + first * 4, labels ? labels + first : nullptr, dropped + first, num};
  }
  MMDET_HD const int64_t* label(int64_t i) const { return labels ? labels + i : nullptr; }
};

// masks[i * words + w], bit j: box i suppresses box 64 w + j behind it. Only the words at or
// behind its own are written, and only for boxes that can still be kept.
template <typename T>
__global__ void overlap_masks(Boxes<T> boxes, T thr, int64_t max_num, const Progress* progress,
                              Mask* masks) {
  __shared__ Company<T, kWord> columns;
  if (progress->total == max_num) return;
  const int64_t words = (boxes.count + kWord - 1) / kWord;
  for (int64_t pair = blockIdx.x; pair < words * words; pair += gridDim.x) {
    const int64_t row_word = pair / words, word = pair % words;
    if (word < row_word) continue;
    const int64_t mine = word * kWord + threadIdx.x, row = row_word * kWord + threadIdx.x;
    __syncthreads();
    if (mine < boxes.count) columns.set(threadIdx.x, boxes.rows + mine * 4, boxes.label(mine));
    __syncthreads();
    if (row >= boxes.count || boxes.dropped[row]) continue;
    const int64_t last = boxes.count - word * kWord;
    Mask bits = 0;
    for (int j = word == row_word ? threadIdx.x + 1 : 0; j < kWord && j < last; ++j)
      if (columns.drops(j, boxes.rows + row * 4, boxes.label(row), thr)) bits |= Mask{1} << j;
    masks[row * words + word] = bits;
  }
}

// The kept ones of 64 boxes: the first that is left, then the first that it leaves.
__device__ inline Mask keep_in_order(const Mask* own, Mask left, int64_t room) {
  Mask kept = 0;
  for (; left && room; --room) {
    const int first = __ffsll(static_cast<long long>(left)) - 1;
    kept |= Mask{1} << first;
    left &= left - 1;
    left &= ~own[first];
  }
  return kept;
}

// ORs the masks of the kept ones of 64 boxes into all words behind their own, at most 8 per
// thread: neighbours read neighbouring words, the 64 rows are shared out among the others.
__device__ inline void combine(const Mask* masks, int64_t words, int64_t word, Mask kept,
                               Mask* gone) {
  constexpr int kWords = kChunk / kWord, kRows = kWord / (kWalkers / kWords);
  const int64_t other = word + 1 + threadIdx.x % kWords;
  const int part = threadIdx.x / kWords;
  if (other >= words) return;
  Mask out = 0;
  for (Mask left = kept & ((Mask{1} << kRows) - 1) << part * kRows; left; left &= left - 1)
    out |= masks[(word * kWord + __ffsll(static_cast<long long>(left)) - 1) * words + other];
  if (out) atomicOr(&gone[other], out);
}

// One block. keep gets 1 for each kept box, and places their indices, until the chunks
// together have max_num (negative: all). A step takes 64 boxes: one thread finds the kept
// ones, at most 64 turns; then all combine their masks and read the next 64. keep starts at 0.
__global__ void walk_masks(const Mask* masks, const bool* dropped, int64_t count, int64_t max_num,
                           Progress* progress, bool* keep, int64_t* places) {
  __shared__ Mask gone[kChunk / kWord];
  __shared__ Mask own[kWord];
  __shared__ Mask kept;
  const int64_t words = (count + kWord - 1) / kWord, total = progress->total;
  if (total == max_num) return;
  for (int64_t word = threadIdx.x; word < words; word += blockDim.x) gone[word] = 0;
  __syncthreads();
  for (int64_t i = threadIdx.x; i < count; i += blockDim.x)
    if (dropped[i]) atomicOr(&gone[i / kWord], Mask{1} << i % kWord);
  if (threadIdx.x < kWord && threadIdx.x < count) own[threadIdx.x] = masks[threadIdx.x * words];
  __syncthreads();
  int64_t here = 0;
  for (int64_t word = 0; word < words && total + here != max_num; ++word) {
    const int64_t mine = word * kWord + threadIdx.x, left = count - word * kWord;
    if (threadIdx.x == 0) {
      const Mask exist = left < kWord ? (Mask{1} << left) - 1 : ~Mask{0};
      const int64_t room = max_num < 0 ? kWord : max_num - total - here;
      kept = keep_in_order(own, exist & ~gone[word], room);
    }
    __syncthreads();
    const Mask now = kept;
    if (threadIdx.x < kWord && (now >> threadIdx.x & 1)) {
      keep[mine] = true;
      places[here + __popcll(now & ((Mask{1} << threadIdx.x) - 1))] = mine;
    }
    here += __popcll(now);
    combine(masks, words, word, now, gone);
    if (threadIdx.x < kWord && mine + kWord < count)
      own[threadIdx.x] = masks[(mine + kWord) * words + word + 1];
    __syncthreads();
  }
  if (threadIdx.x == 0) *progress = {total + here, here};
}

// Drops those of the later boxes that a box kept by the chunk suppresses. Blocks that meet
// one box with different kept ones may all drop it: they write the same.
template <typename T>
__global__ void drop_later(Boxes<T> chunk, Boxes<T> later, T thr, int64_t max_num,
                           const Progress* progress, const int64_t* places) {
  __shared__ Company<T, kMeeting> company;
  if (progress->total == max_num) return;
  const int64_t here = progress->here, kept_tiles = (here + kMeeting - 1) / kMeeting;
  const int64_t work = (later.count + kMeeting - 1) / kMeeting * kept_tiles;
  for (int64_t pair = blockIdx.x; pair < work; pair += gridDim.x) {
    const int64_t mine = pair / kept_tiles * kMeeting + threadIdx.x;
    const int64_t first = pair % kept_tiles * kMeeting;
    __syncthreads();
    if (first + threadIdx.x < here) {
      const int64_t place = places[first + threadIdx.x];
      company.set(threadIdx.x, chunk.rows + place * 4, chunk.label(place));
    }
    __syncthreads();
    if (mine >= later.count || later.dropped[mine]) continue;
    for (int j = 0; j < kMeeting && first + j < here; ++j)
      if (company.drops(j, later.rows + mine * 4, later.label(mine), thr)) {
        later.dropped[mine] = true;
        break;
      }
  }
}

// launch(shape, kernel, arguments...) starts a kernel: on a stream, or in an emulation.
// Scratch: masks and places for min(num, chunk) boxes, progress 0. keep starts at 0. A chunk
// below kChunk is for tests.
template <typename T, typename Launch>
void launch_nms(const Launch& launch, const Boxes<T>& boxes, T thr, int64_t max_num, Mask* masks,
                int64_t* places, Progress* progress, bool* keep, int64_t chunk = kChunk) {
  for (int64_t first = 0; first < boxes.count; first += chunk) {
    const int64_t left = boxes.count - first, count = left < chunk ? left : chunk;
    const int64_t words = (count + kWord - 1) / kWord;
    const Boxes<T> here = boxes.from(first, count), later = boxes.from(first + count, left - count);
    launch(blocks_of(words * words, kWord), overlap_masks<T>, here, thr, max_num, progress, masks);
    launch(blocks_of(1, kWalkers), walk_masks, masks, here.dropped, count, max_num, progress,
           keep + first, places);
    const int64_t tiles = (later.count + kMeeting - 1) / kMeeting;
    if (tiles)
      launch(blocks_of(tiles * ((count + kMeeting - 1) / kMeeting), kMeeting), drop_later<T>, here,
             later, thr, max_num, progress, places);
  }
}

}  // namespace mmdet
