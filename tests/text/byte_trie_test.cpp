#include "text/byte_trie.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "base/seeds.h"

namespace limbeck::text {
namespace {

TEST(ByteTrie, FindsItsKeysAndNothingElse) {
  ByteTrie trie;
  trie.put("he", 1);
  trie.put("hello", 2);
  trie.put(std::string_view("\0\xFF", 2), 3);
  EXPECT_EQ(trie.find("he"), 1);
  EXPECT_EQ(trie.find("hello"), 2);
  EXPECT_EQ(trie.find(std::string_view("\0\xFF", 2)), 3);
  for (const char* other : {"", "h", "hel", "hellos", "x"}) EXPECT_EQ(trie.find(other), -1) << other;
}

TEST(ByteTrie, TheLastOfEqualKeysCounts) {
  ByteTrie trie;
  trie.put("a", 1);
  trie.put("a", 2);
  EXPECT_EQ(trie.find("a"), 2);
}

TEST(ByteTrie, WalksOnFromAnyNode) {
  ByteTrie trie;
  trie.put("##ing", 4);
  const auto prefix = trie.walk(ByteTrie::kRoot, "##");
  EXPECT_EQ(trie.value(trie.walk(prefix, "ing")), 4);
  EXPECT_EQ(trie.walk(prefix, "xx"), ByteTrie::kNone);
}

TEST(ByteTrie, EqualsAMapOnManyRandomKeys) {
  Random random{Seed(3)};
  std::map<std::string, int32_t> map;
  ByteTrie trie;
  for (int32_t i = 0; i < 5000; ++i) {
    std::string key;
    for (auto left = 1 + random.below(6); left > 0; --left) key += char(random.below(4) * 80);
    map[key] = i;
    trie.put(key, i);
  }
  for (const auto& [key, value] : map) EXPECT_EQ(trie.find(key), value);
}

}  // namespace
}  // namespace limbeck::text
