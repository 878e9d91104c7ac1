#include "objectives/relations.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/message_of.h"
#include "objectives/gradient_check.h"

namespace limbeck::objectives {
namespace {

Relation relation(int64_t tokens, int64_t heads, int64_t width, uint64_t seed, at::ScalarType type = at::kDouble) {
  at::manual_seed(seed);
  const auto options = at::TensorOptions().dtype(type);
  return {at::randn({tokens, heads, width}, options).requires_grad_(true),
          at::randn({tokens, heads, width}, options).requires_grad_(true)};
}

// The scores of one token for the tokens of its document.
std::vector<double> row_by_hand(const Relation& r, int64_t head, int64_t token, int64_t begin, int64_t end) {
  const at::Tensor x = r.x.detach().to(at::kDouble).contiguous(), y = r.y.detach().to(at::kDouble).contiguous();
  const int64_t heads = x.size(1), width = x.size(2);
  const auto value = [&](const at::Tensor& t, int64_t i, int64_t e) {
    return t.const_data_ptr<double>()[(i * heads + head) * width + e];
  };
  std::vector<double> row;
  for (int64_t j = begin; j < end; ++j) {
    double score = 0;
    for (int64_t e = 0; e < width; ++e) score += value(x, token, e) * value(y, j, e);
    row.push_back(score / std::sqrt(static_cast<double>(width)));
  }
  return row;
}

void to_probabilities(std::vector<double>& row) {
  double sum = 0;
  for (double& x : row) sum += x = std::exp(x);
  for (double& x : row) x /= sum;
}

double compared_by_hand(const Relation& student, const Relation& teacher, const std::vector<int64_t>& offsets,
                        Compared compared) {
  double sum = 0;
  for (std::size_t d = 0; d + 1 < offsets.size(); ++d)
    for (int64_t head = 0; head < student.x.size(1); ++head)
      for (int64_t i = offsets[d]; i < offsets[d + 1]; ++i) {
        auto q = row_by_hand(student, head, i, offsets[d], offsets[d + 1]),
             p = row_by_hand(teacher, head, i, offsets[d], offsets[d + 1]);
        if (compared == Compared::kProbabilities) to_probabilities(q), to_probabilities(p);
        for (std::size_t j = 0; j < q.size(); ++j)
          sum += compared == Compared::kScores ? (q[j] - p[j]) * (q[j] - p[j]) : p[j] * std::log(p[j] / q[j]);
      }
  return sum;
}

const std::vector<Compared> kWaysToCompare = {Compared::kScores, Compared::kProbabilities};

TEST(Relations, EqualTheDefinitionInFloat64) {
  for (const Compared compared : kWaysToCompare)
    for (const std::vector<int64_t>& offsets : {std::vector<int64_t>{0, 1}, {0, 5}, {0, 3, 4, 11}, {0, 2, 2, 9}}) {
      const int64_t tokens = offsets.back();
      const Relation student = relation(tokens, 3, 4, 1), teacher = relation(tokens, 3, 7, 2);
      const double expected = compared_by_hand(student, teacher, offsets, compared);
      EXPECT_NEAR(compare_relations(student, teacher, offsets, compared).item<double>(), expected,
                  1e-11 * (1 + expected));
    }
}

TEST(Relations, EqualFloat64WithinAFewMillionthsInFp32) {
  const std::vector<int64_t> offsets{0, 17, 60};
  const Relation student = relation(60, 12, 32, 1, at::kFloat), teacher = relation(60, 12, 32, 2, at::kFloat);
  for (const Compared compared : kWaysToCompare) {
    const double expected = compared_by_hand(student, teacher, offsets, compared);
    EXPECT_NEAR(compare_relations(student, teacher, offsets, compared).item<double>(), expected, 3e-6 * expected);
  }
}

TEST(Relations, HaveTrueGradientsAndLeaveTheTeacherAlone) {
  const std::vector<int64_t> offsets{0, 1, 4};
  const Relation student = relation(4, 2, 3, 1), teacher = relation(4, 2, 5, 2);
  for (const Compared compared : kWaysToCompare) {
    const auto loss = [&] { return compare_relations(student, teacher, offsets, compared) * 0.5; };
    expect_true_gradient(student.x, loss, "x");
    expect_true_gradient(student.y, loss, "y");
    loss().backward();
    EXPECT_FALSE(teacher.x.grad().defined());
  }
}

TEST(Relations, OfATensorWithItselfHaveTheGradientOfBothSides) {
  const at::Tensor v = relation(5, 2, 3, 1).x;
  const Relation teacher = relation(5, 2, 3, 2);
  expect_true_gradient(v, [&] {
    return compare_relations({v, v}, {teacher.x, teacher.x}, {0, 2, 5}, Compared::kProbabilities);
  });
}

TEST(Relations, AreNothingWhereStudentAndTeacherAgree) {
  const Relation r = relation(6, 2, 4, 1);
  for (const Compared compared : kWaysToCompare) {
    const at::Tensor sum = compare_relations(r, r, {0, 2, 6}, compared);
    EXPECT_NEAR(sum.item<double>(), 0, 1e-12);
    EXPECT_LT(torch::autograd::grad({sum}, {r.x})[0].abs().max().item<double>(), 1e-12);
  }
}

TEST(Relations, DoNotDependOnPackingOrThreads) {
  const Relation student = relation(30, 4, 8, 1, at::kFloat), teacher = relation(30, 4, 8, 2, at::kFloat);
  const std::vector<int64_t> offsets{0, 7, 8, 19, 30};
  const auto part = [](const Relation& r, int64_t begin, int64_t end) {
    return Relation{r.x.slice(0, begin, end), r.y.slice(0, begin, end)};
  };
  const int threads = at::get_num_threads();
  for (const Compared compared : kWaysToCompare) {
    at::set_num_threads(1);
    const at::Tensor whole = compare_relations(student, teacher, offsets, compared);
    const at::Tensor gradient = torch::autograd::grad({whole}, {student.x})[0];
    at::set_num_threads(3);
    const at::Tensor again = compare_relations(student, teacher, offsets, compared);
    EXPECT_TRUE(again.equal(whole));
    EXPECT_TRUE((torch::autograd::grad({again}, {student.x})[0]).equal(gradient));
    double sum = 0;
    for (std::size_t d = 0; d + 1 < offsets.size(); ++d) {
      const at::Tensor alone =
          compare_relations(part(student, offsets[d], offsets[d + 1]), part(teacher, offsets[d], offsets[d + 1]),
                            {0, offsets[d + 1] - offsets[d]}, compared);
      sum += alone.item<double>();
      EXPECT_TRUE(torch::autograd::grad({alone}, {student.x})[0]
                      .slice(0, offsets[d], offsets[d + 1])
                      .equal(gradient.slice(0, offsets[d], offsets[d + 1])));
    }
    EXPECT_NEAR(sum, whole.item<double>(), 1e-6 * sum);
  }
  at::set_num_threads(threads);
}

TEST(Relations, GiveBf16GradientsForBf16AndComputeInFp32) {
  const Relation student = relation(9, 2, 16, 1, at::kBFloat16), teacher = relation(9, 2, 16, 2, at::kBFloat16);
  const at::Tensor sum = compare_relations(student, teacher, {0, 4, 9}, Compared::kScores);
  EXPECT_EQ(sum.scalar_type(), at::kFloat);
  EXPECT_NEAR(sum.item<double>(), compared_by_hand(student, teacher, {0, 4, 9}, Compared::kScores),
              1e-5 * sum.item<double>());
  EXPECT_EQ((torch::autograd::grad({sum}, {student.x})[0].scalar_type()), at::kBFloat16);
}

TEST(Relations, NameWhatDoesNotFit) {
  const Relation three = relation(4, 3, 2, 1), two = relation(4, 2, 2, 1);
  EXPECT_NE(message_of([&] {
              compare_relations(three, two, {0, 4}, Compared::kScores);
            }).find("3 and 2"),
            std::string::npos);
  EXPECT_NE(message_of([&] {
              compare_relations(two, two, {0, 5}, Compared::kScores);
            }).find("end at 5"),
            std::string::npos);
  EXPECT_NE(message_of([&] {
              compare_relations(two, two, {0, 3, 2, 4}, Compared::kScores);
            }).find("ascending"),
            std::string::npos);
  EXPECT_EQ(num_pairs({0, 3, 4, 4}), 10);
}

}  // namespace
}  // namespace limbeck::objectives
