#include "evaluation/ranking.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "evaluation/golden_metrics.h"

namespace limbeck::evaluation {
namespace {

std::vector<Ranked> answers_in(const Json& row) {
  std::vector<Ranked> answers;
  for (std::size_t i = 0; i < row.at("scores").size(); ++i)
    answers.push_back({row["scores"][i].get<double>(), row["relevant"][i].get<int>() == 1});
  return answers;
}

TEST(Ranking, IsThatOfScikitLearnWithoutTies) {
  for (const Json& row : golden_metrics("ranking")) {
    EXPECT_NEAR(*average_precision(answers_in(row)), row.at("average_precision").get<double>(), 1e-12);
    EXPECT_NEAR(*reciprocal_rank(answers_in(row)), row.at("reciprocal_rank").get<double>(), 1e-12);
  }
}

TEST(Ranking, OfAQuestionWithoutARightAnswerIsNone) {
  EXPECT_FALSE(average_precision({{.score = 1}}));
  EXPECT_FALSE(reciprocal_rank({{.score = 1}, {.score = 2}}));
  EXPECT_FALSE(average_precision({}));
}

// Every order of the answers that keeps higher scores first, one by one.
TEST(Ranking, IsTheMeanOverTheOrdersOfAnswersOfEqualScore) {
  const std::vector<Ranked> answers = {{3, false}, {2, true}, {2, false}, {2, true}, {2, false}, {1, true}};
  std::vector<std::size_t> order(answers.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  double precision = 0, reciprocal = 0, orders = 0;
  do {
    const auto falls = [&](std::size_t a, std::size_t b) { return answers[a].score < answers[b].score; };
    if (std::adjacent_find(order.begin(), order.end(), falls) != order.end()) continue;
    double relevant = 0, sum = 0, first = 0;
    for (std::size_t i = 0; i < order.size(); ++i) {
      if (!answers[order[i]].relevant) continue;
      sum += ++relevant / static_cast<double>(i + 1);
      if (first == 0) first = 1.0 / static_cast<double>(i + 1);
    }
    precision += sum / relevant, reciprocal += first, ++orders;
  } while (std::next_permutation(order.begin(), order.end()));
  EXPECT_EQ(orders, 24);
  EXPECT_NEAR(*average_precision(answers), precision / orders, 1e-12);
  EXPECT_NEAR(*reciprocal_rank(answers), reciprocal / orders, 1e-12);
}

}  // namespace
}  // namespace limbeck::evaluation
