#include "text/word_cache.h"

#include <gtest/gtest.h>

namespace limbeck::text {
namespace {

void put(WordCache& cache, std::string_view word, std::vector<int32_t> ids) {
  cache.put(word, WordCache::hash(word), ids.data(), ids.size());
}
bool find(WordCache& cache, std::string_view word, std::vector<int32_t>& ids) {
  return cache.find(word, WordCache::hash(word), ids);
}

TEST(WordCache, GivesBackWhatWasPut) {
  WordCache& cache = WordCache::of(1u << 30);
  std::vector<int32_t> ids = {9};
  EXPECT_FALSE(find(cache, "hello", ids));
  put(cache, "hello", {1, 2, 3});
  EXPECT_TRUE(find(cache, "hello", ids));
  EXPECT_EQ(ids, (std::vector<int32_t>{9, 1, 2, 3}));
}

TEST(WordCache, RemembersAWordWithoutIds) {
  WordCache& cache = WordCache::of((1u << 30) + 1);
  put(cache, "\xFF", {});
  std::vector<int32_t> ids;
  EXPECT_TRUE(find(cache, "\xFF", ids));
  EXPECT_TRUE(ids.empty());
}

TEST(WordCache, LeavesOutWhatDoesNotFit) {
  WordCache& cache = WordCache::of((1u << 30) + 2);
  const std::string long_word(65, 'a'), many(40, 'b');
  put(cache, long_word, {1});
  put(cache, many, std::vector<int32_t>(40, 7));
  std::vector<int32_t> ids;
  EXPECT_FALSE(find(cache, long_word, ids));
  EXPECT_FALSE(find(cache, many, ids));
}

TEST(WordCache, TokenizersDoNotSeeEachOthersWords) {
  put(WordCache::of((1u << 30) + 3), "word", {1});
  std::vector<int32_t> ids;
  EXPECT_FALSE(find(WordCache::of((1u << 30) + 4), "word", ids));
  EXPECT_TRUE(find(WordCache::of((1u << 30) + 3), "word", ids));
}

TEST(WordCache, WordsThatDifferInOneByteAnywhereHaveDifferentHashes) {
  const std::string word = "abcdefghijklmnopqrstuvw";
  for (std::size_t i = 0; i < word.size(); ++i) {
    std::string other = word;
    other[i] ^= 1;
    EXPECT_NE(WordCache::hash(word), WordCache::hash(other)) << i;
  }
  EXPECT_NE(WordCache::hash(std::string("a\0", 2)), WordCache::hash("a"));
}

}  // namespace
}  // namespace limbeck::text
