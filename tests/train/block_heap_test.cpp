#include "train/block_heap.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

namespace limbeck::train {
namespace {

constexpr std::size_t kMiB = 1 << 20;

TEST(BlockHeap, ABlockFitsExactlyTheHoleThatOneOfItsSizeLeft) {
  BlockHeap heap(64 * kMiB);
  std::vector<void*> blocks;
  for (int i = 0; i < 8; ++i) blocks.push_back(heap.allocate(kMiB + 100 * i));
  const std::size_t extent = heap.extent();
  for (const int i : {1, 5, 3}) heap.free(blocks[i]);
  for (const int i : {3, 1, 5}) EXPECT_EQ(heap.allocate(kMiB + 100 * i), blocks[i]);
  EXPECT_EQ(heap.extent(), extent);
}

TEST(BlockHeap, NeighbouringHolesAreOneAndTheLastOnesShrinkTheHeap) {
  BlockHeap heap(64 * kMiB);
  void* const first = heap.allocate(kMiB);
  void* const second = heap.allocate(kMiB);
  void* const third = heap.allocate(kMiB);
  heap.free(first);
  heap.free(second);
  EXPECT_EQ(heap.allocate(2 * kMiB), first);
  heap.free(first);
  heap.free(third);
  EXPECT_EQ(heap.extent(), 0u);
}

TEST(BlockHeap, BlocksStandOnCacheLinesAndDoNotOverlap) {
  BlockHeap heap(256 * kMiB);
  std::mt19937 engine(1);
  struct Block {
    unsigned char* at;
    std::size_t size;
    unsigned char value;
  };
  std::vector<Block> blocks;
  for (int i = 0; i < 2000; ++i) {
    if (!blocks.empty() && engine() % 2 == 0) {
      std::swap(blocks[engine() % blocks.size()], blocks.back());
      const Block block = blocks.back();
      for (std::size_t b = 0; b < block.size; b += 501) ASSERT_EQ(block.at[b], block.value);
      ASSERT_EQ(block.at[block.size - 1], block.value);
      heap.free(block.at);
      blocks.pop_back();
      continue;
    }
    const std::size_t size = 1 + engine() % 50000;
    const Block block{static_cast<unsigned char*>(heap.allocate(size)), size, static_cast<unsigned char>(i)};
    ASSERT_NE(block.at, nullptr);
    ASSERT_EQ(reinterpret_cast<std::uintptr_t>(block.at) % 64, 0u);
    std::memset(block.at, block.value, size);
    blocks.push_back(block);
  }
  for (const Block& block : blocks) heap.free(block.at);
  EXPECT_EQ(heap.extent(), 0u);
}

TEST(BlockHeap, RefusesWhatItHasNoRoomForAndKeepsWorking) {
  BlockHeap heap(4 * kMiB);
  EXPECT_EQ(heap.allocate(5 * kMiB), nullptr);
  void* const block = heap.allocate(3 * kMiB);
  EXPECT_NE(block, nullptr);
  EXPECT_EQ(heap.allocate(2 * kMiB), nullptr);
  EXPECT_TRUE(heap.owns(block));
  EXPECT_FALSE(heap.owns(&heap));
  heap.free(block);
  EXPECT_NE(heap.allocate(4 * kMiB - 64), nullptr);
}

TEST(BlockHeap, WhatIsGivenBackIsZeroWhenItIsUsedAgain) {
  BlockHeap heap(64 * kMiB);
  auto* const block = static_cast<char*>(heap.allocate(8 * kMiB));
  void* const last = heap.allocate(kMiB);
  std::memset(block, 7, 8 * kMiB);
  heap.free(block);
  heap.give_back();
  auto* const again = static_cast<char*>(heap.allocate(8 * kMiB));
  EXPECT_EQ(again, block);
  EXPECT_EQ(again[4 * kMiB], 0);
  heap.free(last);
}

}  // namespace
}  // namespace limbeck::train
