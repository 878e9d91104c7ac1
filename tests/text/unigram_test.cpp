#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "base/errors.h"
#include "base/seeds.h"
#include "text/subword_model.h"

namespace limbeck::text {
namespace {

TokenizerSpec unigram_spec(std::vector<std::pair<std::string, double>> tokens, bool byte_fallback = false) {
  TokenizerSpec spec;
  Pipeline pipeline{.model = ModelKind::kUnigram, .unknown = 0, .byte_fallback = byte_fallback};
  for (auto& [token, score] : tokens) {
    spec.tokens.push_back(token);
    pipeline.scores.push_back(score);
  }
  spec.pipeline = std::make_shared<const Pipeline>(std::move(pipeline));
  return spec;
}

std::vector<int32_t> unigram_ids(const TokenizerSpec& spec, std::string_view piece) {
  std::vector<int32_t> ids;
  make_unigram(spec, "test")->encode(piece, ids);
  return ids;
}

// The best sum of scores over all ways to cut the piece, by trying them all.
double best_score(const TokenizerSpec& spec, std::string_view piece) {
  if (piece.empty()) return 0;
  double best = -INFINITY;
  for (std::size_t id = 1; id < spec.tokens.size(); ++id)
    if (piece.starts_with(spec.tokens[id]))
      best = std::max(best, spec.pipeline->scores[id] + best_score(spec, piece.substr(spec.tokens[id].size())));
  return best;
}

TEST(Unigram, TakesTheMostProbableWayToCut) {
  const auto spec = unigram_spec({{"<unk>", 0},
                                  {"ab", 0},
                                  {"cd", -0.1},
                                  {"abc", -0.2},
                                  {"a", -0.3},
                                  {"b", -0.4},
                                  {"c", -0.5},
                                  {"ABC", -0.5},
                                  {"abcdabcd", 20},
                                  {"q", 20.5},
                                  {"r", 20.5},
                                  {"qr", -0.5}});
  EXPECT_EQ(unigram_ids(spec, "abcd"), (std::vector<int32_t>{1, 2}));
  EXPECT_EQ(unigram_ids(spec, "abc"), (std::vector<int32_t>{3}));
  EXPECT_EQ(unigram_ids(spec, "qr"), (std::vector<int32_t>{9, 10}));
  EXPECT_EQ(unigram_ids(spec, "abcdabcd"), (std::vector<int32_t>{8}));
}

TEST(Unigram, FindsTheBestSumOfAllWays) {
  Random random{Seed(4)};
  std::vector<std::pair<std::string, double>> tokens = {{"<unk>", 0}, {"a", -3}, {"b", -3.5}};
  for (int i = 0; i < 12; ++i) {
    std::string token;
    for (auto left = 2 + random.below(3); left > 0; --left) token += char('a' + random.below(2));
    tokens.emplace_back(token, -double(random.below(1000)) / 150 - 0.001 * i);
  }
  const auto spec = unigram_spec(tokens);
  for (int round = 0; round < 200; ++round) {
    std::string piece;
    for (auto left = 1 + random.below(9); left > 0; --left) piece += char('a' + random.below(2));
    double score = 0;
    std::string joined;
    for (const int32_t id : unigram_ids(spec, piece)) {
      score += spec.pipeline->scores[std::size_t(id)];
      joined += spec.tokens[std::size_t(id)];
    }
    EXPECT_EQ(joined, piece);
    // Of equal texts the last token counts: the best of them may not be reachable.
    if (std::set<std::string>(spec.tokens.begin(), spec.tokens.end()).size() == spec.tokens.size()) {
      EXPECT_NEAR(score, best_score(spec, piece), 1e-9) << piece;
    }
  }
}

TEST(Unigram, ARunOfUnknownCharactersIsOneTokenOrItsBytes) {
  EXPECT_EQ(unigram_ids(unigram_spec({{"<unk>", 0}, {"a", -1}}), "a??éa"), (std::vector<int32_t>{1, 0, 1}));
  std::vector<std::pair<std::string, double>> tokens = {{"<unk>", 0}, {"a", -1}};
  for (int b = 0; b < 256; ++b) tokens.emplace_back(fmt::format("<0x{:02X}>", b), 0.0);
  EXPECT_EQ(unigram_ids(unigram_spec(tokens, true), "aé"), (std::vector<int32_t>{1, 2 + 0xC3, 2 + 0xA9}));
}

TEST(Unigram, NeedsAScoreForEachTokenAndAnUnknownOne) {
  TokenizerSpec spec = unigram_spec({{"<unk>", 0}, {"a", -1}});
  spec.tokens.push_back("b");
  EXPECT_THROW(make_unigram(spec, "test"), Error);
}

}  // namespace
}  // namespace limbeck::text
