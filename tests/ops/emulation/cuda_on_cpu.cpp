// Fibers: the threads of one block take turns on one thread of the CPU.
#include "cuda_on_cpu.h"

#include <sanitizer/common_interface_defs.h>
#include <ucontext.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <vector>

extern char __start_shared_memory[] __attribute__((weak));
extern char __stop_shared_memory[] __attribute__((weak));

namespace emulation {
namespace {

constexpr size_t kStack = 32 << 10;  // the sanitizer clears its notes on all of it at every switch

struct Fiber {
  ucontext_t context;
  std::unique_ptr<char[]> stack;
  void* sanitizer = nullptr;
  const char* file = nullptr;
  int line = 0;  // of the barrier it waits at; 0: not started or done
};

ucontext_t scheduler;
const void* scheduler_stack = nullptr;
size_t scheduler_size = 0;
Fiber* running = nullptr;
const std::function<void()>* job = nullptr;
std::vector<std::unique_ptr<Fiber>> fibers;
std::mt19937_64 random_bits;

std::string place_of(const Fiber& fiber) {
  return fiber.line ? fiber.file + (":" + std::to_string(fiber.line)) : "the end of the kernel";
}

[[noreturn]] void barriers_differ(const Fiber& one, const Fiber& other) {
  std::fprintf(stderr, "emulation: threads of one block wait at %s and at %s\n",
               place_of(one).c_str(), place_of(other).c_str());
  std::exit(3);
}

void to_scheduler() {
  Fiber& fiber = *running;
  __sanitizer_start_switch_fiber(&fiber.sanitizer, scheduler_stack, scheduler_size);
  swapcontext(&fiber.context, &scheduler);
  __sanitizer_finish_switch_fiber(fiber.sanitizer, &scheduler_stack, &scheduler_size);
}

// A fiber serves one thread after the other.
void serve() {
  __sanitizer_finish_switch_fiber(nullptr, &scheduler_stack, &scheduler_size);
  for (;;) {
    (*job)();
    running->line = 0;
    to_scheduler();
  }
}

void resume(Fiber& fiber) {
  void* sanitizer = nullptr;
  running = &fiber;
  __sanitizer_start_switch_fiber(&sanitizer, fiber.stack.get(), kStack);
  swapcontext(&scheduler, &fiber.context);
  __sanitizer_finish_switch_fiber(sanitizer, nullptr, nullptr);
}

void make_fibers(size_t count) {
  while (fibers.size() < count) {
    auto fiber = std::make_unique<Fiber>();
    fiber->stack.reset(new char[kStack]);
    getcontext(&fiber->context);
    fiber->context.uc_stack.ss_sp = fiber->stack.get();
    fiber->context.uc_stack.ss_size = kStack;
    fiber->context.uc_link = nullptr;
    makecontext(&fiber->context, &serve, 0);
    fibers.push_back(std::move(fiber));
  }
}

// A loop of its own: memset would be told of the guards that lie between the variables.
__attribute__((no_sanitize_address)) void spoil_shared_memory() {
  for (volatile char* byte = __start_shared_memory; byte < __stop_shared_memory; ++byte)
    *byte = static_cast<char>(0xCD);
}

std::vector<unsigned> shuffled(unsigned count) {
  std::vector<unsigned> order(count);
  std::iota(order.begin(), order.end(), 0u);
  std::shuffle(order.begin(), order.end(), random_bits);
  return order;
}

// Every thread up to its next barrier or its end; false at the end.
bool run_round(unsigned threads) {
  for (const unsigned thread : shuffled(threads)) {
    threadIdx = {thread % blockDim.x, thread / blockDim.x, 0};
    resume(*fibers[thread]);
  }
  for (unsigned thread = 1; thread < threads; ++thread)
    if (fibers[thread]->line != fibers[0]->line) barriers_differ(*fibers[0], *fibers[thread]);
  return fibers[0]->line != 0;
}

}  // namespace

void barrier(const char* file, int line) {
  if (!skipped_barrier.empty() &&
      (file + (":" + std::to_string(line))).ends_with("/" + skipped_barrier))
    return;
  running->file = file;
  running->line = line;
  to_scheduler();
}

void run_grid(unsigned blocks, unsigned threads_x, unsigned threads_y,
              const std::function<void()>& kernel) {
  random_bits.seed(settings.seed++);
  if (settings.most_blocks) blocks = std::min<unsigned>(blocks, settings.most_blocks);
  gridDim = {blocks, 1, 1};
  blockDim = {threads_x, threads_y, 1};
  make_fibers(threads_x * threads_y);
  job = &kernel;
  for (const unsigned block : shuffled(blocks)) {
    blockIdx = {block, 0, 0};
    spoil_shared_memory();
    while (run_round(threads_x * threads_y)) {
    }
  }
}

}  // namespace emulation
