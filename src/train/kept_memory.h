// While one of these lives, the process keeps the memory that it frees. Training allocates the same large blocks every
// step; given back to the system in between, they would be mapped and zeroed anew each time, which took 15 % of a step
// of SmolLM2.
#pragma once

namespace limbeck::train {

class KeptMemory {
 public:
  KeptMemory();
  ~KeptMemory();  // gives back what is free, and lets go again as usual
  KeptMemory(const KeptMemory&) = delete;
  KeptMemory& operator=(const KeptMemory&) = delete;
};

}  // namespace limbeck::train
