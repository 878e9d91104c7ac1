#include "train/kept_memory.h"

#include <ATen/ATen.h>
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

TEST(KeptMemory, LargeTensorsComeFromItsHeapAndMayOutliveIt) {
  at::Tensor outlives;
  const void* place = nullptr;
  {
    const KeptMemory kept;
    place = at::empty({1 << 20}, at::kFloat).data_ptr();
    EXPECT_EQ(at::empty({1 << 20}, at::kFloat).data_ptr(), place) << "the hole that it left";
    outlives = at::full({1 << 20}, 3.0f);
    EXPECT_EQ(at::empty({8}, at::kFloat).fill_(2).sum().item<float>(), 16) << "a small one";
  }
  EXPECT_EQ(outlives.sum().item<float>(), 3.0f * (1 << 20));
  EXPECT_NE(at::empty({1 << 20}, at::kFloat).data_ptr(), place);
  outlives = at::Tensor();
}

}  // namespace
}  // namespace limbeck::train
