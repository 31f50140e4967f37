// Shapes of launches. The .cu files start kernels with them on a stream, tests/ops/emulation
// on the CPU; both run the launch functions at the end of the .cuh files.
#pragma once

#include <cstdint>

namespace mmdet {

constexpr int kThreads = 256;
constexpr int64_t kMaxBlocks = 1 << 20;  // grid-stride loops take the rest

struct Shape {
  unsigned blocks, threads_x, threads_y;
};

inline Shape blocks_of(int64_t blocks, int threads_x, int threads_y = 1) {
  return {static_cast<unsigned>(blocks < 1            ? 1
                                : blocks > kMaxBlocks ? kMaxBlocks
                                                      : blocks),
          static_cast<unsigned>(threads_x), static_cast<unsigned>(threads_y)};
}

// A thread per item of work.
inline Shape threads_for(int64_t work, int threads = kThreads) {
  return blocks_of((work + threads - 1) / threads, threads);
}

}  // namespace mmdet
