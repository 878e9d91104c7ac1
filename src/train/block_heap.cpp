#include "train/block_heap.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>

namespace limbeck::train {
namespace {

constexpr std::size_t kLine = 64, kHugePage = std::size_t{2} << 20;

// Whole lines and one more, so that blocks of a power of two do not all begin at the same place in the caches.
std::size_t size_of_block(std::size_t bytes) {
  return (bytes + kLine - 1) / kLine * kLine + kLine;
}

}  // namespace

BlockHeap::BlockHeap(std::size_t bytes) {
  void* space =
      ::mmap(nullptr, bytes + kHugePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (space == MAP_FAILED) return;
  const auto address = reinterpret_cast<std::uintptr_t>(space);
  base_ = top_ = static_cast<char*>(space) + ((address + kHugePage - 1) / kHugePage * kHugePage - address);
  size_ = bytes;
  ::madvise(base_, size_, MADV_HUGEPAGE);  // where the system has none, it is as it was
}

BlockHeap::~BlockHeap() {
  if (base_) ::munmap(base_, size_);
}

void* BlockHeap::allocate(std::size_t bytes) {
  const std::size_t size = size_of_block(bytes);
  const std::lock_guard lock(mutex_);
  char* block = nullptr;
  if (const auto fit = by_size_.lower_bound({size, nullptr}); fit != by_size_.end()) {
    const auto [hole_size, hole] = *fit;
    remove_hole(holes_.find(hole));
    block = hole;
    if (hole_size > size) {
      holes_[hole + size] = hole_size - size;
      by_size_.emplace(hole_size - size, hole + size);
    }
  } else if (size <= size_ - extent()) {
    block = top_;
    top_ += size;
  } else {
    return nullptr;
  }
  blocks_[block] = size;
  return block;
}

void BlockHeap::free(void* block) {
  const std::lock_guard lock(mutex_);
  const auto found = blocks_.find(block);
  if (found == blocks_.end()) return;
  char* begin = static_cast<char*>(block);
  std::size_t size = found->second;
  blocks_.erase(found);
  if (const auto after = holes_.find(begin + size); after != holes_.end()) {
    size += after->second;
    remove_hole(after);
  }
  if (auto before = holes_.lower_bound(begin); before != holes_.begin()) {
    --before;
    if (before->first + before->second == begin) {
      begin = before->first;
      size += before->second;
      remove_hole(before);
    }
  }
  if (begin + size == top_) {
    top_ = begin;
    return;
  }
  holes_[begin] = size;
  by_size_.emplace(size, begin);
}

void BlockHeap::give_back() {
  const std::lock_guard lock(mutex_);
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto forget = [&](char* begin, char* end) {
    const auto first = (reinterpret_cast<std::uintptr_t>(begin) + page - 1) / page * page;
    const auto last = reinterpret_cast<std::uintptr_t>(end) / page * page;
    if (first < last) ::madvise(begin + (first - reinterpret_cast<std::uintptr_t>(begin)), last - first, MADV_DONTNEED);
  };
  for (const auto& [begin, size] : holes_) forget(begin, begin + size);
  if (base_) forget(top_, base_ + size_);
}

void BlockHeap::remove_hole(std::map<char*, std::size_t>::iterator hole) {
  by_size_.erase({hole->second, hole->first});
  holes_.erase(hole);
}

}  // namespace limbeck::train
