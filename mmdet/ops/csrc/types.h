// The type that coordinates and sums have: float64 for float64 features, else float32.
#pragma once

#include <c10/core/ScalarType.h>

#include <type_traits>

namespace mmdet {

template <typename S>
using Compute = std::conditional_t<std::is_same_v<S, double>, double, float>;

inline at::ScalarType compute_type(at::ScalarType features) {
  return features == at::kDouble ? at::kDouble : at::kFloat;
}

}  // namespace mmdet
