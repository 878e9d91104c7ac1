#include "generate/sampler.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/errors.h"

namespace limbeck::generate {
namespace {

TEST(SeenTokensTest, ListsEachTokenOnce) {
  SeenTokens seen(10);
  for (const int32_t id : {3, 5, 3, 9, 10, -1, 5}) seen.add(id);
  EXPECT_EQ(seen.list(), (std::vector<int32_t>{3, 5, 9}));
}

TEST(DrawAll, DependsOnTheSeedAndTheStepOnly) {
  std::vector<float> logits(500);
  for (std::size_t i = 0; i < logits.size(); ++i) logits[i] = std::sin(static_cast<float>(i));
  std::vector<DrawRequest> requests;
  for (int64_t i = 0; i < 50; ++i)
    requests.push_back({.logits = logits.data(), .seed = Seed(static_cast<uint64_t>(i / 2)), .step = i % 2});
  const auto together = draw_all(requests, 500, {});
  int64_t different = 0;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    EXPECT_EQ(draw_all({requests[i]}, 500, {}).front().id, together[i].id);
    if (together[i].id != together[0].id) ++different;
  }
  EXPECT_GT(different, 40);
}

TEST(DrawAll, LeavesSharedLogitsAloneUnderAPenalty) {
  std::vector<float> logits(100, 0.0f);
  logits[7] = 5;
  SeenTokens seen(100);
  seen.add(7);
  const auto before = logits;
  const auto draws = draw_all({{.logits = logits.data(), .seen = &seen}, {.logits = logits.data()}}, 100,
                              {.temperature = 0, .repetition_penalty = 1e9});
  EXPECT_EQ(logits, before);
  EXPECT_EQ(draws[0].id, 7);  // 5e-9 is still more than 0
  EXPECT_EQ(draws[1].id, 7);
}

TEST(DrawAll, RefusesLogitsThatAreNoNumbers) {
  std::vector<float> logits(100, 0.0f);
  logits[50] = std::nanf("");
  EXPECT_THROW(draw_all({{.logits = logits.data()}}, 100, {}), Error);
}

}  // namespace
}  // namespace limbeck::generate
