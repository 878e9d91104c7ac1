#include "kernels/sampling.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <fstream>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <vector>

namespace limbeck::kernels {
namespace {

std::vector<float> random_logits(int64_t n, unsigned seed, float spread = 3) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal(0, spread);
  std::vector<float> logits(static_cast<std::size_t>(n));
  for (float& logit : logits) logit = normal(engine);
  return logits;
}

std::vector<double> softmax(const std::vector<float>& logits, double temperature) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  std::vector<double> probs;
  double total = 0;
  for (const float logit : logits) probs.push_back(std::exp((logit - largest) / temperature)), total += probs.back();
  for (double& p : probs) p /= total;
  return probs;
}

TEST(Candidates, EqualWhatTransformersProcessorsLeave) {  // golden/scripts/sampling.py
  const auto cases = nlohmann::json::parse(std::ifstream(LIMBECK_SOURCE_DIR "/tests/golden/sampling.json"));
  ASSERT_GE(cases.size(), 12u);
  for (const auto& c : cases) {
    std::vector<float> logits;
    for (const auto& v : c["logits"])
      logits.push_back(v.is_null() ? -std::numeric_limits<float>::infinity() : v.get<float>());
    const auto& r = c["rule"];
    const SamplingRule rule{r.value("temperature", 1.0), r.value("top_k", int64_t{0}), r.value("top_p", 1.0),
                            r.value("min_p", 0.0), r.value("repetition_penalty", 1.0)};
    const auto seen = c["seen"].get<std::vector<int32_t>>();
    const std::vector<float> before = logits;
    auto list = candidates(logits.data(), static_cast<int64_t>(logits.size()), rule, seen);
    EXPECT_EQ(logits, before);
    double total = 0;
    for (const Candidate& candidate : list) total += candidate.weight;
    std::sort(list.begin(), list.end(), [](const Candidate& a, const Candidate& b) { return a.id < b.id; });
    ASSERT_EQ(list.size(), c["ids"].size()) << r;
    for (std::size_t i = 0; i < list.size(); ++i) {
      ASSERT_EQ(list[i].id, c["ids"][i].get<int32_t>()) << r;
      ASSERT_NEAR(list[i].weight / total, c["probs"][i].get<double>(), 1e-6) << r;
    }
  }
}

TEST(Candidates, OfTopPAreTheSameAmongManyFlatLogitsAsAfterAFullSort) {
  for (const double top_p : {0.1, 0.5, 0.99}) {
    std::vector<float> logits = random_logits(20000, 3, 0.1f);
    const std::vector<double> probs = softmax(logits, 1);
    std::vector<int32_t> order(logits.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int32_t>(i);
    std::sort(order.begin(), order.end(),
              [&](int32_t a, int32_t b) { return logits[a] != logits[b] ? logits[a] > logits[b] : a < b; });
    double mass = 0;
    std::size_t expected = 0;
    while (mass < top_p) mass += probs[order[expected++]];
    const auto list = candidates(logits.data(), 20000, {.top_p = top_p}, {});
    ASSERT_NEAR(static_cast<double>(list.size()), static_cast<double>(expected), 1) << top_p;
    for (std::size_t i = 0; i < expected - 1; ++i) ASSERT_EQ(list[i].id, order[i]);
  }
}

// Pearson's statistic of `draws` draws with every uniform a fresh number; cells with small expectation are joined.
double chi_square_excess(std::vector<float> logits, const SamplingRule& rule, const std::vector<double>& probs,
                         int draws) {
  std::mt19937_64 engine(7);
  std::uniform_real_distribution<double> uniform;
  std::map<int32_t, int> counts;
  const auto n = static_cast<int64_t>(logits.size());
  for (int i = 0; i < draws; ++i) ++counts[draw(logits.data(), n, rule, {}, uniform(engine)).id];
  double statistic = 0, rest_expected = 0, rest = 0;
  int cells = 0;
  for (std::size_t id = 0; id < probs.size(); ++id) {
    const double expected = probs[id] * draws, count = counts[static_cast<int32_t>(id)];
    if (probs[id] == 0) {
      EXPECT_EQ(count, 0);
    }
    if (expected < 10) {
      rest_expected += expected, rest += count;
      continue;
    }
    statistic += (count - expected) * (count - expected) / expected;
    ++cells;
  }
  if (rest_expected > 10) statistic += (rest - rest_expected) * (rest - rest_expected) / rest_expected, ++cells;
  return (statistic - (cells - 1)) / std::sqrt(2.0 * (cells - 1));  // about standard normal
}

TEST(Draw, FollowsTheSoftmaxAtItsTemperature) {
  const auto logits = random_logits(1300, 1);
  for (const double temperature : {0.5, 1.0, 1.7})
    EXPECT_LT(std::abs(chi_square_excess(logits, {.temperature = temperature}, softmax(logits, temperature), 40000)), 4)
        << temperature;
}

TEST(Draw, FollowsTheFilteredDistribution) {
  auto logits = random_logits(1300, 2);
  const SamplingRule rule{.temperature = 1.5, .top_k = 200, .top_p = 0.9, .min_p = 0.002};
  std::vector<double> probs(logits.size(), 0.0);
  double total = 0;
  const auto list = candidates(logits.data(), 1300, rule, {});
  for (const Candidate& candidate : list) total += candidate.weight;
  for (const Candidate& candidate : list) probs[candidate.id] = candidate.weight / total;
  EXPECT_LT(std::abs(chi_square_excess(logits, rule, probs, 10000)), 4);
}

TEST(Draw, MovesThroughTheTokensInOrderAsTheUniformNumberGrows) {
  auto logits = random_logits(2000, 5);
  const auto probs = softmax(logits, 1);
  double before = 0;
  for (std::size_t id = 0; id < probs.size(); ++id) {
    if (probs[id] > 1e-5)
      EXPECT_EQ(draw(logits.data(), 2000, {}, {}, before + probs[id] / 2).id, static_cast<int32_t>(id));
    before += probs[id];
  }
  EXPECT_GE(draw(logits.data(), 2000, {}, {}, std::nextafter(1.0, 0.0)).id, 0);
}

TEST(Draw, GivesTheLogProbabilityAtTemperatureOneBeforeAnyFilter) {
  auto logits = random_logits(999, 6);
  const auto probs = softmax(logits, 1);
  const std::vector<int32_t> seen = {1, 5, 700};
  for (const SamplingRule& rule :
       {SamplingRule{}, SamplingRule{.temperature = 0}, SamplingRule{.temperature = 0.3, .top_k = 7},
        SamplingRule{.top_p = 0.5, .repetition_penalty = 2}}) {
    const Draw result = draw(logits.data(), 999, rule, seen, 0.37);
    EXPECT_NEAR(result.log_prob, std::log(probs[result.id]), 1e-5);
  }
}

TEST(Draw, TakesTheLowestIdOfTheMostLikelyAtTemperatureZero) {
  std::vector<float> logits(500, -1.0f);
  logits[137] = logits[400] = 2;
  EXPECT_EQ(draw(logits.data(), 500, {.temperature = 0}, {}, 0.9).id, 137);
  const std::vector<int32_t> seen = {137};
  EXPECT_EQ(draw(logits.data(), 500, {.temperature = 0, .repetition_penalty = 1.5}, seen, 0.9).id, 400);
}

TEST(Draw, NeverTakesATokenOfZeroProbability) {
  std::vector<float> logits(700, -std::numeric_limits<float>::infinity());
  logits[3] = logits[650] = 0;
  for (const double uniform : {0.0, 0.499999, 0.500001, 0.9999999999999999}) {
    const int32_t id = draw(logits.data(), 700, {}, {}, uniform).id;
    EXPECT_EQ(id, uniform < 0.5 ? 3 : 650);
    EXPECT_EQ(draw(logits.data(), 700, {.top_k = 5}, {}, uniform).id, id);
  }
}

TEST(Draw, ReportsLogitsThatAreNoNumbers) {
  for (const float bad : {std::nanf(""), std::numeric_limits<float>::infinity(), std::bit_cast<float>(0x7fffffffu),
                          std::bit_cast<float>(0x7fc00123u)}) {
    auto logits = random_logits(300, 8);
    logits[211] = bad;
    EXPECT_EQ(draw(logits.data(), 300, {}, {}, 0.5).id, -1);
    EXPECT_TRUE(std::isnan(log_sum_exp(logits.data(), 300)));
  }
  std::vector<float> none(300, -std::numeric_limits<float>::infinity());
  EXPECT_EQ(draw(none.data(), 300, {}, {}, 0.5).id, -1);
  EXPECT_EQ(draw(none.data(), 0, {}, {}, 0.5).id, -1);
}

TEST(LogSumExp, EqualsFloat64OnEverySize) {
  for (const int64_t n : {1, 3, 15, 16, 17, 63, 65, 511, 513, 5000}) {
    const auto logits = random_logits(n, static_cast<unsigned>(n), 10);
    double total = 0;
    for (const float logit : logits) total += std::exp(double{logit});
    EXPECT_NEAR(log_sum_exp(logits.data(), n), std::log(total), 2e-6) << n;
  }
}

}  // namespace
}  // namespace limbeck::kernels
