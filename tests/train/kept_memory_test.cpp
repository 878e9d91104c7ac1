#include "train/kept_memory.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <vector>

namespace limbeck::train {
namespace {

// Bytes that a large vector is mapped with on its own.
std::size_t mapped_for_a_large_block() {
  const std::size_t before = mallinfo2().hblkhd;
  const std::vector<char> block(64 << 20, 1);
  return mallinfo2().hblkhd - before;
}

TEST(KeptMemory, HoldsFreedBlocksWhileItLivesAndGivesThemBackAfterwards) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "AddressSanitizer has its own malloc";
#endif
  EXPECT_GE(mapped_for_a_large_block(), std::size_t{64 << 20});
  {
    const KeptMemory kept;
    EXPECT_EQ(mapped_for_a_large_block(), 0u);
    EXPECT_GE(mallinfo2().fordblks, std::size_t{64 << 20}) << "free, but kept";
  }
  EXPECT_GE(mapped_for_a_large_block(), std::size_t{64 << 20});
  EXPECT_LT(mallinfo2().keepcost, std::size_t{32 << 20}) << "given back";
}

}  // namespace
}  // namespace limbeck::train
