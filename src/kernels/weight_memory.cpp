#include "kernels/weight_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <mutex>
#include <new>

namespace limbeck::kernels {
namespace {

constexpr std::size_t kLine = 64, kHugePage = std::size_t{2} << 20;
#if defined(__SANITIZE_ADDRESS__)
constexpr std::size_t kSlab = 1;  // each weight by itself, so that a step beyond its end is seen
#else
constexpr std::size_t kSlab = std::size_t{32} << 20;
#endif

std::size_t rounded_up(std::size_t size, std::size_t to) {
  return (size + to - 1) / to * to;
}

std::shared_ptr<std::byte> map_slab(std::size_t size) {
  const std::size_t mapped = rounded_up(size, kHugePage) + kHugePage;  // so that it can begin at a huge page
  void* memory = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  const auto address = reinterpret_cast<uintptr_t>(memory);
  auto* begin = static_cast<std::byte*>(memory) + (rounded_up(address, kHugePage) - address);
  madvise(begin, rounded_up(size, kHugePage), MADV_HUGEPAGE);  // a hint: without it all works, a little slower
  return {begin, [memory, mapped](std::byte*) { munmap(memory, mapped); }};
}

std::shared_ptr<std::byte> own_memory(std::size_t size) {
  auto* memory = static_cast<std::byte*>(::operator new (size, std::align_val_t{kLine}));
  std::fill_n(memory, size, std::byte{});
  return {memory, [](std::byte* pointer) { ::operator delete (pointer, std::align_val_t{kLine}); }};
}

struct Slab {
  std::weak_ptr<std::byte> memory;  // it lives as long as what was taken from it
  std::size_t size = 0, used = 0;
};

}  // namespace

std::shared_ptr<std::byte> take_weight_memory(std::size_t size) {
  if (kSlab == 1) return own_memory(std::max(size, kLine));
  static std::mutex mutex;
  static Slab slab;
  const std::lock_guard lock(mutex);
  auto memory = slab.memory.lock();
  if (!memory || slab.size - slab.used < size) {
    const std::size_t whole = std::max(rounded_up(size, kHugePage), kSlab);
    memory = map_slab(whole);
    slab = {.memory = memory, .size = whole, .used = 0};
  }
  std::byte* begin = memory.get() + slab.used;
  slab.used = std::min(slab.size, slab.used + rounded_up(size, kLine));
  return {memory, begin};
}

}  // namespace limbeck::kernels
