#include "text/vocabulary_index.h"

#include <gtest/gtest.h>

#include "base/errors.h"

namespace limbeck::text {
namespace {

TokenizerSpec indexed_spec() {
  TokenizerSpec spec;
  spec.tokens = {"a", "", "b"};
  spec.added = {{.id = 4, .content = "<s>", .special = true}};
  return spec;
}

TEST(VocabularyIndex, KnowsTokensByTextAndId) {
  const TokenizerSpec spec = indexed_spec();
  const VocabularyIndex index(spec);
  EXPECT_EQ(index.texts, (std::vector<std::string_view>{"a", "", "b", "", "<s>"}));
  EXPECT_EQ(index.ids.at("<s>"), 4);
  EXPECT_TRUE(index.special[4]);
  EXPECT_FALSE(index.special[0]);
}

TEST(VocabularyIndex, RefusesWhatDoesNotFit) {
  const auto refused = [](auto change) {
    TokenizerSpec spec = indexed_spec();
    change(spec);
    EXPECT_THROW(VocabularyIndex{spec}, Error);
  };
  refused([](TokenizerSpec& s) { s.tokens.clear(); });
  refused([](TokenizerSpec& s) { s.tokens[1] = "a"; });
  refused([](TokenizerSpec& s) { s.tokens[1] = "\xFF"; });
  refused([](TokenizerSpec& s) { s.added[0].id = 0; });
  refused([](TokenizerSpec& s) { s.added[0].id = -1; });
  refused([](TokenizerSpec& s) { s.added[0].id = 2'000'000'000; });
  refused([](TokenizerSpec& s) { s.added[0].content = ""; });
}

}  // namespace
}  // namespace limbeck::text
