// While one of these lives, the process keeps the memory that it frees, and large tensors come from a heap of their own
// (train/block_heap.h). Training allocates the same large blocks every step; given back to the system in between, they
// would be mapped and zeroed anew each time, which took 15 % of a step of SmolLM2.
#pragma once

namespace c10 {
struct Allocator;
}

namespace limbeck::train {

class KeptMemory {
 public:
  KeptMemory();
  ~KeptMemory();  // gives back what is free, and lets go again as usual
  KeptMemory(const KeptMemory&) = delete;
  KeptMemory& operator=(const KeptMemory&) = delete;

 private:
  c10::Allocator* before_;
};

}  // namespace limbeck::train
