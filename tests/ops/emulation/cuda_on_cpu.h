// What stands in for CUDA when g++ compiles the kernels: one block at a time, every thread
// a fiber, so that __syncthreads can wait. Include it before a .cuh file.
//
// Between two barriers the threads run one after the other in a random order, and the blocks
// of a grid run in a random order: a result that needs an order nobody has promised shows.
// Shared memory holds rubbish when a block starts.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "cuda/launch.h"

#define __global__
#define __device__
#define __shared__ static __attribute__((section("shared_memory")))
#define __syncthreads() emulation::barrier(__FILE__, __LINE__)

struct Index3 {
  unsigned x, y, z;
};
inline Index3 threadIdx, blockIdx, blockDim, gridDim;

namespace emulation {

struct Settings {
  uint64_t seed = 0;
  int64_t most_blocks = 0;  // of a grid, so that its loops go round; 0: as launched
};
inline Settings settings;
inline std::string skipped_barrier;  // file:line of a __syncthreads that does nothing

// Waits for the other threads of the block. All must come, to the same line.
void barrier(const char* file, int line);

void run_grid(unsigned blocks, unsigned threads_x, unsigned threads_y,
              const std::function<void()>& kernel);

// Starts kernels as mmdet::OnStream does on a GPU.
struct OnCpu {
  template <typename... Params, typename... Args>
  void operator()(mmdet::Shape shape, void (*kernel)(Params...), const Args&... args) const {
    run_grid(shape.blocks, shape.threads_x, shape.threads_y, [&] { kernel(args...); });
  }
};

}  // namespace emulation

template <typename T>
T atomicAdd(T* target, T value) {
  const T old = *target;
  *target = old + value;
  return old;
}

inline unsigned long long atomicOr(unsigned long long* target, unsigned long long bits) {
  const unsigned long long old = *target;
  *target = old | bits;
  return old;
}

inline int __ffsll(long long bits) { return __builtin_ffsll(bits); }
inline int __popcll(unsigned long long bits) { return __builtin_popcountll(bits); }
