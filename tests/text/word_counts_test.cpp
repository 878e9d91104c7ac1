#include "text/word_counts.h"

#include <gtest/gtest.h>
#include <omp.h>

#include <map>
#include <set>

#include "text/components_json.h"
#include "text/golden.h"
#include "text/unicode.h"

namespace limbeck::text {
namespace {

TokenizerSpec bert_spec() {
  TokenizerSpec spec;
  Pipeline pipeline{.model = ModelKind::kWordPiece};
  pipeline.normalizer = components::bert_normalizer(true, Json(), true);
  pipeline.pre_tokenizer = {{"type", "BertPreTokenizer"}};
  spec.pipeline = std::make_shared<const Pipeline>(std::move(pipeline));
  return spec;
}

std::vector<WordCount> counts_of(std::vector<std::string_view> texts, const TokenizerSpec& spec) {
  return count_words(texts, spec);
}

TEST(WordCounts, AreOfNormalisedWordsAndPunctuation) {
  const std::vector<WordCount> expected = {{"!", 2}, {"cafe", 2}, {"the", 3}};
  EXPECT_EQ(counts_of({"The Café!", "the\tTHE!", "", "  ", "cafe"}, bert_spec()), expected);
}

TEST(WordCounts, OfBytesAreInTheAlphabetWithTheSpaceBeforeAWord) {
  const std::vector<WordCount> expected = {{"a", 2}, {"Ã©", 1}, {"Ġa", 1}};
  EXPECT_EQ(counts_of({"a a", "a", "é"}, {}), expected);
}

TEST(WordCounts, AreNoneOfNoTexts) {
  EXPECT_TRUE(counts_of({}, bert_spec()).empty());
  EXPECT_TRUE(counts_of({"", " \t "}, bert_spec()).empty());
}

TEST(WordCounts, AreTheSameOnAnyNumberOfThreads) {
  std::vector<std::string> storage = golden::corpus();
  for (std::string& text : storage) {
    std::string valid;
    text = std::string(replace_invalid_utf8(text, valid));
  }
  const std::vector<std::string_view> texts(storage.begin(), storage.end());
  const int threads = omp_get_max_threads();
  omp_set_num_threads(1);
  const auto alone = count_words(texts, bert_spec());
  omp_set_num_threads(3);
  const auto together = count_words(texts, bert_spec());
  omp_set_num_threads(threads);
  EXPECT_GT(alone.size(), 10000u);
  EXPECT_TRUE(alone == together);
}

TEST(WordCounts, AddUpToTheWordsOfEachText) {
  const std::vector<std::string_view> texts = {"one two two", "two three", "three three"};
  std::map<std::string, int64_t> sums;
  for (const auto& text : texts)
    for (const auto& [word, count] : counts_of({text}, bert_spec())) sums[word] += count;
  for (const auto& [word, count] : count_words(texts, bert_spec())) EXPECT_EQ(count, sums[word]) << word;
}

}  // namespace
}  // namespace limbeck::text
