#include "kernels/weight_memory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

namespace limbeck::kernels {
namespace {

TEST(WeightMemory, GivesZerosFromALineOfTheCacheOn) {
  for (const std::size_t size : {std::size_t{1}, std::size_t{100}, std::size_t{5} << 20}) {
    const auto memory = take_weight_memory(size);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(memory.get()) % 64, 0u);
    EXPECT_TRUE(std::all_of(memory.get(), memory.get() + size, [](std::byte b) { return b == std::byte{}; })) << size;
  }
}

TEST(WeightMemory, GivesPlacesThatDoNotOverlapAndOutliveEachOther) {
  std::vector<std::shared_ptr<std::byte>> all;
  for (int i = 0; i < 50; ++i) {
    all.push_back(take_weight_memory(1000));
    std::memset(all.back().get(), i, 1000);
  }
  for (int i = 0; i < 50; i += 2) all[static_cast<std::size_t>(i)].reset();
  for (int i = 1; i < 50; i += 2)
    EXPECT_TRUE(std::all_of(all[static_cast<std::size_t>(i)].get(), all[static_cast<std::size_t>(i)].get() + 1000,
                            [&](std::byte b) { return b == static_cast<std::byte>(i); }));
}

TEST(WeightMemory, HoldsNothingBack) {
  for (int i = 0; i < 300; ++i) {  // 300 times 1 GiB would not fit if any of it stayed
    const auto memory = take_weight_memory(std::size_t{1} << 30);
    memory.get()[0] = std::byte{1};
  }
}

}  // namespace
}  // namespace limbeck::kernels
