// Cases come in and results go out as named arrays; operators are found by name.
#pragma once

#include <c10/util/BFloat16.h>
#include <c10/util/Half.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace emulation {

// In the order of TYPES in emulator.py.
enum Type : int64_t { kInt64, kFloat64, kFloat32, kHalf, kBFloat16, kBool };
constexpr int64_t kBytes[] = {8, 8, 4, 2, 2, 1};

struct Array {
  Type type = kInt64;
  std::vector<int64_t> shape;
  std::unique_ptr<char[]> bytes;  // exactly as many as needed: the sanitizer guards both ends

  Array() = default;
  Array(Type type, std::vector<int64_t> shape, int fill)
      : type(type), shape(std::move(shape)), bytes(new char[size()]) {
    std::memset(bytes.get(), fill, size());
  }
  int64_t count() const {
    int64_t product = 1;
    for (const int64_t side : shape) product *= side;
    return product;
  }
  int64_t size() const { return count() * kBytes[type]; }
  template <typename T>
  T* data() const {
    return reinterpret_cast<T*>(bytes.get());
  }
};

// Memory as at::empty and at::zeros give it.
inline Array unset(Type type, std::vector<int64_t> shape) {
  return Array(type, std::move(shape), 0xCD);
}
inline Array zeros(Type type, std::vector<int64_t> shape) {
  return Array(type, std::move(shape), 0);
}

struct Case {
  std::map<std::string, Array> arrays;

  const Array& operator[](const std::string& name) const { return arrays.at(name); }
  int64_t number(const std::string& name) const { return *arrays.at(name).data<int64_t>(); }
  double real(const std::string& name) const { return *arrays.at(name).data<double>(); }
};

using Results = std::vector<Array>;
using Operator = Results (*)(const Case&);

inline std::map<std::string, Operator>& operators() {
  static std::map<std::string, Operator> all;
  return all;
}

struct Register {
  Register(const char* name, Operator run) { operators()[name] = run; }
};

// Calls use(value of the C++ type). MMDET_FLOAT32_ONLY: a quick build for one experiment.
template <typename Use>
void by_type(Type type, const Use& use) {
  if (type == kFloat32) return use(float{});
#ifndef MMDET_FLOAT32_ONLY
  if (type == kFloat64) return use(double{});
  if (type == kHalf) return use(c10::Half{});
  if (type == kBFloat16) return use(c10::BFloat16{});
#endif
  std::fprintf(stderr, "emulation: not compiled for type %d\n", static_cast<int>(type));
  std::exit(2);
}

inline Type compute_type(Type type) { return type == kFloat64 ? kFloat64 : kFloat32; }

}  // namespace emulation
