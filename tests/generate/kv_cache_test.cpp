#include "generate/kv_cache.h"

#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <utility>

namespace limbeck::generate {
namespace {

const kernels::KvShape kShape{.num_layers = 3, .num_kv_heads = 2, .head_size = 20, .format = kernels::Format::kBf16};

TEST(KvShape, PadsHeadsAndPlacesEveryBlockOnce) {
  EXPECT_EQ(kShape.padded_head(), 32);
  EXPECT_EQ(kShape.block_bytes(), 32 * 16 * 2);
  EXPECT_EQ(kShape.page_bytes(), 3 * 2 * 2 * kShape.block_bytes());
  std::set<int64_t> offsets;
  for (int64_t layer = 0; layer < 3; ++layer)
    for (int64_t head = 0; head < 2; ++head) offsets.insert(kShape.key_offset(layer, head));
  EXPECT_EQ(offsets.size(), 6u);
  EXPECT_EQ(*offsets.rbegin() + 2 * kShape.block_bytes(), kShape.page_bytes());
}

TEST(KvPoolTest, GivesOutPagesOfItsOwnAndTakesThemBack) {
  KvPool pool(kShape);
  std::set<char*> pages;
  for (int i = 0; i < 100; ++i) {
    char* page = pool.take();
    std::memset(page, i, static_cast<std::size_t>(kShape.page_bytes()));
    pages.insert(page);
  }
  EXPECT_EQ(pages.size(), 100u);
  EXPECT_EQ(pool.num_used(), 100);
  for (char* page : pages) pool.give_back(page);
  EXPECT_EQ(pool.num_used(), 0);
  const int64_t made = pool.num_pages();
  for (int i = 0; i < 100; ++i) EXPECT_EQ(pages.count(pool.take()), 1u);
  EXPECT_EQ(pool.num_pages(), made);
}

TEST(KvPagesTest, HoldsPagesWhileItLives) {
  KvPool pool(kShape);
  {
    KvPages pages(pool);
    pages.reserve(0);
    EXPECT_EQ(pool.num_used(), 0);
    pages.reserve(33);
    EXPECT_EQ(pool.num_used(), 3);
    pages.reserve(20);
    EXPECT_EQ(pool.num_used(), 3);
    pages.set_length(33);
    KvPages other = std::move(pages);
    EXPECT_EQ(other.length(), 33);
    EXPECT_EQ(pages.length(), 0);
    KvPages third(pool);
    third = std::move(other);
    EXPECT_EQ(pool.num_used(), 3);
  }
  EXPECT_EQ(pool.num_used(), 0);
}

TEST(CacheShape, IsThatOfTheModel) {
  const models::DecoderConfig config{
      .num_hidden_layers = 30, .num_attention_heads = 9, .num_key_value_heads = 3, .head_dim = 64};
  EXPECT_EQ(cache_shape(config, Precision::kBf16).page_bytes(), 16 * 30 * 3 * 64 * 2 * 2);
  EXPECT_EQ(cache_shape(config, Precision::kFp32).page_bytes(), 16 * 30 * 3 * 64 * 2 * 4);
}

}  // namespace
}  // namespace limbeck::generate
