#include "kernels/distillation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "base/seeds.h"

namespace limbeck::kernels {
namespace {

std::vector<float> random_logits(int64_t n, double spread, uint64_t seed) {
  Random random{Seed(seed)};
  std::vector<float> x(static_cast<std::size_t>(n));
  for (auto& value : x) value = static_cast<float>(spread * random.normal());
  return x;
}

std::vector<double> log_softmax(const std::vector<double>& x) {
  double most = -INFINITY, sum = 0;
  for (const double value : x) most = std::max(most, value);
  for (const double value : x) sum += std::exp(value - most);
  std::vector<double> y;
  for (const double value : x) y.push_back(value - most - std::log(sum));
  return y;
}

// The definitions, one by one, in float64.
DistilledRow by_definition(const std::vector<double>& student, const std::vector<float>& teacher, int64_t target,
                           const Distillation& what) {
  std::vector<double> s, t;
  for (std::size_t i = 0; i < teacher.size(); ++i) {
    s.push_back(student[i] / what.temperature);
    t.push_back(static_cast<double>(teacher[i]) / what.temperature);
  }
  const auto log_q = log_softmax(s), log_p = log_softmax(t);
  DistilledRow row{.divergence = 0, .cross_entropy = -log_softmax(student)[static_cast<std::size_t>(target)]};
  for (std::size_t i = 0; i < teacher.size(); ++i) {
    const double p = std::exp(log_p[i]), q = std::exp(log_q[i]), m = what.beta * p + (1 - what.beta) * q;
    if (what.divergence == Divergence::kForwardKl) row.divergence += p * (log_p[i] - log_q[i]);
    if (what.divergence == Divergence::kReverseKl) row.divergence += q * (log_q[i] - log_p[i]);
    if (what.divergence == Divergence::kJensenShannon)
      row.divergence += what.beta * p * (log_p[i] - std::log(m)) + (1 - what.beta) * q * (log_q[i] - std::log(m));
  }
  return row;
}

double weighted(const DistilledRow& row, const Distillation& what) {
  return what.divergence_weight * row.divergence + what.cross_entropy_weight * row.cross_entropy;
}

// d weighted / d student[i] by the central difference of the definition.
double difference(std::vector<double> student, const std::vector<float>& teacher, int64_t target,
                  const Distillation& what, std::size_t i) {
  const double step = 1e-5, before = student[i];
  student[i] = before + step;
  const double above = weighted(by_definition(student, teacher, target, what), what);
  student[i] = before - step;
  return (above - weighted(by_definition(student, teacher, target, what), what)) / (2 * step);
}

const std::vector<Distillation> kKinds = {
    {.divergence = Divergence::kForwardKl},
    {.divergence = Divergence::kForwardKl, .temperature = 2.5f, .cross_entropy_weight = 0.5f},
    {.divergence = Divergence::kReverseKl, .temperature = 0.7f, .divergence_weight = 0.3f, .cross_entropy_weight = 1},
    {.divergence = Divergence::kReverseKl},
    {.divergence = Divergence::kJensenShannon, .cross_entropy_weight = 0.25f},
    {.divergence = Divergence::kJensenShannon, .temperature = 4, .beta = 0.9f, .divergence_weight = 2},
};
std::string name_of(const Distillation& what) {
  return "divergence " + std::to_string(static_cast<int>(what.divergence)) + " temperature " +
         std::to_string(what.temperature);
}

TEST(Distil, LossesEqualFloat64AtEveryLengthAroundTheVectorWidths) {
  for (const auto& what : kKinds)
    for (const int64_t n : {1, 2, 7, 15, 16, 17, 33, 1000, 2047, 2048, 2049, 49152}) {
      auto student = random_logits(n, 3, 1);
      const auto teacher = random_logits(n, 4, 2);
      const auto expected = by_definition({student.begin(), student.end()}, teacher, n / 2, what);
      const auto alone = distillation_losses(std::span<const float>(student), teacher, n / 2, what);
      // 2e-6 with vector code; one lane alone, as without optimisation, adds 2,048 numbers in fp32.
      EXPECT_NEAR(alone.divergence, expected.divergence, 5e-6 * (1 + expected.divergence)) << name_of(what) << " " << n;
      EXPECT_NEAR(alone.cross_entropy, expected.cross_entropy, 5e-6 * (1 + expected.cross_entropy));
      const auto with_gradient = distil(std::span<float>(student), teacher, n / 2, 0.5f, what);
      EXPECT_EQ(with_gradient.divergence, alone.divergence);
      EXPECT_EQ(with_gradient.cross_entropy, alone.cross_entropy);
    }
}

TEST(Distil, GradientsEqualFiniteDifferencesOfTheDefinition) {
  for (const auto& what : kKinds)
    for (const int64_t n : {2, 5, 17, 40}) {
      const auto logits = random_logits(n, 2, 3), teacher = random_logits(n, 2, 4);
      auto row = logits;
      distil(std::span<float>(row), teacher, 1, 0.75f, what);
      for (std::size_t i = 0; i < row.size(); ++i)
        ASSERT_NEAR(row[i], 0.75 * difference({logits.begin(), logits.end()}, teacher, 1, what, i), 1e-6)
            << name_of(what) << " " << n << " " << i;
    }
}

TEST(Distil, TakesATeacherWithFewerTokens) {
  for (const auto& what : kKinds)
    for (const int64_t target : {0, 22, 23, 30}) {
      const auto logits = random_logits(31, 2, 5), teacher = random_logits(23, 2, 6);
      const std::vector<double> exact(logits.begin(), logits.end());
      auto row = logits;
      const auto losses = distil(std::span<float>(row), teacher, target, 1, what);
      const auto expected = by_definition(exact, teacher, target, what);
      EXPECT_NEAR(losses.divergence, expected.divergence, 2e-6);
      EXPECT_NEAR(losses.cross_entropy, expected.cross_entropy, 2e-6 * expected.cross_entropy);
      for (std::size_t i = 0; i < row.size(); ++i)
        ASSERT_NEAR(row[i], difference(exact, teacher, target, what, i), 1e-6) << name_of(what) << " " << i;
    }
}

TEST(Distil, IsZeroWithoutGradientWhereStudentAndTeacherAgree) {
  for (const auto& what : kKinds) {
    Distillation soft = what;
    soft.cross_entropy_weight = 0;
    auto row = random_logits(5000, 3, 7);
    const auto teacher = row;
    EXPECT_NEAR(distil(std::span<float>(row), teacher, 0, 1, soft).divergence, 0, 1e-6) << name_of(what);
    for (const float g : row) ASSERT_NEAR(g, 0, 1e-7);
  }
}

TEST(Distil, Bf16RowsDifferFromFloat64OnlyByTheRoundingOfTheGradient) {
  for (const auto& what : kKinds)
    for (const int64_t n : {3, 17, 300}) {
      std::vector<BFloat16> low;
      std::vector<double> exact;
      for (const float logit : random_logits(n, 3, 8)) {
        low.push_back(to_bfloat16(logit));
        exact.push_back(to_float(low.back()));
      }
      const auto teacher = random_logits(n, 3, 9);
      const auto expected = by_definition(exact, teacher, n - 1, what);
      const auto losses = distil(std::span<BFloat16>(low), teacher, n - 1, 1, what);
      EXPECT_NEAR(losses.divergence, expected.divergence, 2e-6 * (1 + expected.divergence));
      for (std::size_t i = 0; i < low.size(); ++i) {
        const double g = difference(exact, teacher, n - 1, what, i);
        ASSERT_NEAR(to_float(low[i]), g, std::abs(g) / 256 + 1e-6) << name_of(what) << " " << n << " " << i;
      }
    }
}

TEST(Distil, SurvivesTokensThatCannotBe) {
  for (const auto& what : kKinds) {
    std::vector<float> row = {-INFINITY, 1, -300, 0.5f}, teacher = {-INFINITY, 0, 2, 1};
    const auto losses = distil(std::span<float>(row), teacher, 1, 1, what);
    EXPECT_TRUE(std::isfinite(losses.divergence)) << name_of(what);
    EXPECT_TRUE(std::isfinite(losses.cross_entropy));
    for (const float g : row) EXPECT_TRUE(std::isfinite(g)) << name_of(what);
    EXPECT_NEAR(row[0], 0, 1e-7) << name_of(what);
  }
}

TEST(Distil, PassesNanAndInfinityOnToTheLoss) {
  for (const auto& what : kKinds)
    for (const float bad : {NAN, INFINITY})
      for (const bool of_teacher : {false, true}) {
        auto row = random_logits(40, 1, 10), teacher = random_logits(40, 1, 11);
        (of_teacher ? teacher : row)[33] = bad;
        EXPECT_TRUE(std::isnan(distil(std::span<float>(row), teacher, 3, 1, what).divergence))
            << name_of(what) << " " << bad << " " << of_teacher;
      }
}

}  // namespace
}  // namespace limbeck::kernels
