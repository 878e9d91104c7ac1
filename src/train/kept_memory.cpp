#include "train/kept_memory.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace limbeck::train {

#ifdef __GLIBC__

KeptMemory::KeptMemory() {
  mallopt(M_MMAP_MAX, 0);         // large blocks come from the heap too
  mallopt(M_TRIM_THRESHOLD, -1);  // the end of the heap is never given back
  mallopt(M_TOP_PAD, 64 << 20);
}

KeptMemory::~KeptMemory() {
  mallopt(M_MMAP_MAX, 65536);
  // mallopt has ended glibc's own growth of these two: they stay where it would have led, so that what comes after
  // training does not map and unmap every large block.
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 64 << 20);
  mallopt(M_TOP_PAD, 128 << 10);
  malloc_trim(0);
}

#else

KeptMemory::KeptMemory() = default;
KeptMemory::~KeptMemory() = default;

#endif

}  // namespace limbeck::train
