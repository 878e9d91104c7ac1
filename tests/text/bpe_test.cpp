#include "text/bpe.h"

#include <gtest/gtest.h>

#include <map>

#include "base/seeds.h"

namespace limbeck::text {
namespace {

// The definition: join the leftmost pair of lowest rank until there is none. Quadratic.
std::vector<int32_t> by_definition(std::vector<int32_t> ids, const std::vector<Merge>& merges) {
  std::map<std::pair<int32_t, int32_t>, std::size_t> ranks;
  for (std::size_t rank = 0; rank < merges.size(); ++rank) ranks[{merges[rank].left, merges[rank].right}] = rank;
  while (true) {
    std::size_t best = SIZE_MAX, at = 0;
    for (std::size_t i = 0; i + 1 < ids.size(); ++i) {
      const auto found = ranks.find({ids[i], ids[i + 1]});
      if (found != ranks.end() && found->second < best) best = found->second, at = i;
    }
    if (best == SIZE_MAX) return ids;
    ids[at] = merges[best].joined;
    ids.erase(ids.begin() + std::ptrdiff_t(at) + 1);
  }
}

std::array<int32_t, 256> bytes_as_ids() {
  std::array<int32_t, 256> ids;
  for (int i = 0; i < 256; ++i) ids[std::size_t(i)] = i;
  return ids;
}

std::vector<int32_t> encoded(const Bpe& bpe, std::string_view bytes) {
  std::vector<int32_t> ids;
  bpe.encode(bytes, ids);
  return ids;
}

std::vector<Merge> random_merges(Random& random, std::size_t count) {
  std::vector<Merge> merges;
  for (std::size_t i = 0; i < count; ++i) {
    const auto token = [&] { return int32_t(random.below(8 + i) < 8 ? 'a' + random.below(4) : 256 + random.below(i)); };
    merges.push_back({token(), token(), int32_t(256 + i)});
  }
  random.shuffle(merges);  // of any order, not only one that training gives
  return merges;
}

TEST(Bpe, JoinsTheLowestRankFirst) {
  const Bpe bpe(bytes_as_ids(), {{'b', 'c', 256}, {'a', 'b', 257}, {'a', 256, 258}});
  EXPECT_EQ(encoded(bpe, "abc"), (std::vector<int32_t>{258}));
  EXPECT_EQ(encoded(bpe, "abab"), (std::vector<int32_t>{257, 257}));
}

TEST(Bpe, OfEqualRanksTheLeftmostGoesFirst) {
  const Bpe bpe(bytes_as_ids(), {{'a', 'a', 256}});
  EXPECT_EQ(encoded(bpe, "aaaaa"), (std::vector<int32_t>{256, 256, 'a'}));
}

TEST(Bpe, EqualsTheDefinitionOnRandomMergesAndWordsOfAllLengths) {
  Random random{Seed(7)};
  for (int round = 0; round < 60; ++round) {
    const auto merges = random_merges(random, 40);
    const Bpe bpe(bytes_as_ids(), merges);
    for (int word = 0; word < 20; ++word) {
      std::string bytes;
      for (auto left = random.below(word % 4 == 0 ? 300 : 60); left > 0; --left) bytes += char('a' + random.below(4));
      EXPECT_EQ(encoded(bpe, bytes), by_definition({bytes.begin(), bytes.end()}, merges)) << bytes;
    }
  }
}

TEST(Bpe, DropsBytesThatTheVocabularyLacks) {
  auto ids = bytes_as_ids();
  ids['x'] = -1;
  const Bpe bpe(ids, {{'a', 'b', 256}});
  EXPECT_EQ(encoded(bpe, "axb"), (std::vector<int32_t>{256}));  // the neighbours then meet
}

TEST(Bpe, PutsTheUnknownTokenForBytesThatTheVocabularyLacks) {
  auto ids = bytes_as_ids();
  ids['x'] = -1;
  EXPECT_EQ(encoded(Bpe(ids, {}, 300), "axxb"), (std::vector<int32_t>{'a', 300, 300, 'b'}));
  EXPECT_EQ(encoded(Bpe(ids, {}, 300, true), "axxb"), (std::vector<int32_t>{'a', 300, 'b'}));
}

TEST(Bpe, AppendsToWhatIsThere) {
  const Bpe bpe(bytes_as_ids(), {{'a', 'b', 256}, {256, 256, 257}});
  std::vector<int32_t> ids = {'a'};
  bpe.encode("b", ids);
  bpe.encode("", ids);
  EXPECT_EQ(ids, (std::vector<int32_t>{'a', 'b'}));
}

TEST(Bpe, AMillionEqualBytesAreNotQuadratic) {
  std::vector<Merge> merges = {{'a', 'a', 256}};
  for (int i = 1; i < 16; ++i) merges.push_back({255 + i, 255 + i, 256 + i});
  const Bpe bpe(bytes_as_ids(), merges);
  // 2^20 bytes in pieces of 2^16; quadratic work would take hours, which ctest does not wait for.
  EXPECT_EQ(encoded(bpe, std::string(1 << 20, 'a')), std::vector<int32_t>(16, 271));
}

}  // namespace
}  // namespace limbeck::text
