// Reads cases from stdin, runs them, writes their results to stdout. Numbers are int64; an
// array is its type, its dimensions and its bytes.
#include <cstdio>
#include <cstdlib>

#include "cases.h"
#include "cuda_on_cpu.h"

namespace emulation {
namespace {

void read(void* target, size_t bytes) {
  if (std::fread(target, 1, bytes, stdin) != bytes) {
    std::fprintf(stderr, "emulation: the input ends early\n");
    std::exit(4);
  }
}

int64_t read_number() {
  int64_t value = 0;
  read(&value, sizeof(value));
  return value;
}

std::string read_text() {
  std::string text(read_number(), ' ');
  read(text.data(), text.size());
  return text;
}

Array read_array() {
  const auto type = static_cast<Type>(read_number());
  std::vector<int64_t> shape(read_number());
  for (int64_t& side : shape) side = read_number();
  Array array(type, shape, 0);
  read(array.bytes.get(), array.size());
  return array;
}

Case read_case() {
  Case one;
  for (int64_t left = read_number(); left > 0; --left) {
    const std::string name = read_text();
    one.arrays.emplace(name, read_array());
  }
  return one;
}

void write(const void* source, size_t bytes) { std::fwrite(source, 1, bytes, stdout); }

void write_number(int64_t value) { write(&value, sizeof(value)); }

void write_results(const Results& results) {
  write_number(results.size());
  for (const Array& array : results) {
    write_number(array.type);
    write_number(array.shape.size());
    for (const int64_t side : array.shape) write_number(side);
    write(array.bytes.get(), array.size());
  }
}

}  // namespace
}  // namespace emulation

int main(int count, char** arguments) {
  using namespace emulation;
  if (count > 1) skipped_barrier = arguments[1];
  for (int64_t left = read_number(); left > 0; --left) {
    const std::string name = read_text();
    const Case one = read_case();
    settings = {static_cast<uint64_t>(one.number("seed")), one.number("most_blocks")};
    write_results(operators().at(name)(one));
  }
}
