#include "generate/kv_cache.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <set>
#include <utility>

#include "base/errors.h"

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

TEST(KvPagesTest, LendItsBeginningWithoutCopyingIt) {
  KvPool pool(kShape);
  auto lender = std::make_shared<KvPages>(pool);
  lender->reserve(32);
  lender->set_length(32);
  {
    KvPages first(pool, lender), second(pool, lender);
    EXPECT_EQ(first.length(), 32);
    first.reserve(40);
    second.reserve(33);
    EXPECT_EQ(pool.num_used(), 4);
    EXPECT_EQ(first.pages()[1], second.pages()[1]);
    EXPECT_NE(first.pages()[2], second.pages()[2]);
    first.set_length(40);
    KvPages moved = std::move(first);
    EXPECT_THROW(moved.set_length(31), Error);
    lender.reset();
    EXPECT_EQ(moved.pages()[0], second.pages()[0]) << "the beginning stays as long as someone reads it";
    EXPECT_EQ(pool.num_used(), 4);
  }
  EXPECT_EQ(pool.num_used(), 0);
  auto half = std::make_shared<KvPages>(pool);
  half->reserve(5);
  half->set_length(5);
  EXPECT_THROW(KvPages(pool, half), Error);
}

TEST(CacheShape, IsThatOfTheModel) {
  const models::DecoderConfig config{
      .num_hidden_layers = 30, .num_attention_heads = 9, .num_key_value_heads = 3, .head_dim = 64};
  EXPECT_EQ(cache_shape(config, Precision::kBf16).page_bytes(), 16 * 30 * 3 * 64 * 2 * 2);
  EXPECT_EQ(cache_shape(config, Precision::kFp32).page_bytes(), 16 * 30 * 3 * 64 * 2 * 4);
}

}  // namespace
}  // namespace limbeck::generate
