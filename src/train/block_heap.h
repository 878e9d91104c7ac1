// A heap for the large blocks of training steps: the same sizes again and again, in layers that are freed in the order
// they came or the other way round. A block goes into the smallest hole that it fits, of exactly its size too (glibc's
// aligned blocks never fit a hole that one of their size left, which cost a tenth of a step's memory), and huge pages
// save most page faults and address look-ups.
#pragma once

#include <cstddef>
#include <map>
#include <mutex>
#include <set>
#include <unordered_map>
#include <utility>

namespace limbeck::train {

class BlockHeap {
 public:
  // Address space for `bytes`, which costs no memory until it is used. Without it, every allocation is refused.
  explicit BlockHeap(std::size_t bytes);
  ~BlockHeap();
  BlockHeap(const BlockHeap&) = delete;
  BlockHeap& operator=(const BlockHeap&) = delete;

  void* allocate(std::size_t bytes);  // on a cache line; null where there is no room
  void free(void* block);             // one of this heap's
  bool owns(const void* block) const { return block >= base_ && block < base_ + size_; }
  void give_back();  // the memory of all holes to the system

  std::size_t extent() const { return static_cast<std::size_t>(top_ - base_); }  // up to the end of the last block

 private:
  void remove_hole(std::map<char*, std::size_t>::iterator hole);

  std::mutex mutex_;
  char *base_ = nullptr, *top_ = nullptr;
  std::size_t size_ = 0;
  std::map<char*, std::size_t> holes_;               // by address; never side by side
  std::set<std::pair<std::size_t, char*>> by_size_;  // the same
  std::unordered_map<void*, std::size_t> blocks_;
};

}  // namespace limbeck::train
