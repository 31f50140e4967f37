// Starts kernels on the current stream of the current device.
#pragma once

#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAStream.h>

#include "launch.h"

namespace mmdet {

struct OnStream {
  cudaStream_t stream = c10::cuda::getCurrentCUDAStream();

  template <typename... Params, typename... Args>
  void operator()(Shape shape, void (*kernel)(Params...), const Args&... args) const {
    kernel<<<shape.blocks, dim3(shape.threads_x, shape.threads_y), 0, stream>>>(args...);
    C10_CUDA_KERNEL_LAUNCH_CHECK();
  }
};

}  // namespace mmdet
