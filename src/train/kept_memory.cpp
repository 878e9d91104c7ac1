#include "train/kept_memory.h"

#include <c10/core/CPUAllocator.h>
#include <c10/core/impl/alloc_cpu.h>
#include <unistd.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "train/block_heap.h"

namespace limbeck::train {
namespace {

constexpr std::size_t kLargeBlock = 64 << 10;

// Twice the memory of the machine is room for its holes too. Never destroyed: tensors may outlive everything.
BlockHeap& heap() {
  static auto* const heap = new BlockHeap(2 * static_cast<std::size_t>(::sysconf(_SC_PHYS_PAGES)) *
                                          static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)));
  return *heap;
}

void free_block(void* block) {
  if (heap().owns(block))
    heap().free(block);
  else
    c10::free_cpu(block);
}

class HeapAllocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(std::size_t bytes) override {
    void* block = bytes >= kLargeBlock ? heap().allocate(bytes) : nullptr;
    if (!block) block = c10::alloc_cpu(bytes);
    return {block, block, &free_block, c10::Device(c10::DeviceType::CPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &free_block; }
  void copy_data(void* to, const void* from, std::size_t count) const override { default_copy_data(to, from, count); }
};

HeapAllocator& heap_allocator() {
  static auto* const allocator = new HeapAllocator;
  return *allocator;
}

}  // namespace

KeptMemory::KeptMemory() : before_(c10::GetCPUAllocator()) {
  c10::SetCPUAllocator(&heap_allocator(), 255);
#ifdef __GLIBC__
  // What is no tensor comes from malloc.
  mallopt(M_MMAP_MAX, 0);         // large blocks come from the heap too
  mallopt(M_TRIM_THRESHOLD, -1);  // the end of the heap is never given back
  mallopt(M_TOP_PAD, 4 << 20);
#endif
}

KeptMemory::~KeptMemory() {
  c10::SetCPUAllocator(before_, 255);
  heap().give_back();
#ifdef __GLIBC__
  mallopt(M_MMAP_MAX, 65536);
  // mallopt has ended glibc's own growth of these two: they stay where it would have led, so that what comes after
  // training does not map and unmap every large block.
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 64 << 20);
  mallopt(M_TOP_PAD, 128 << 10);
  malloc_trim(0);
#endif
}

}  // namespace limbeck::train
