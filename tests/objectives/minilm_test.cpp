#include "objectives/minilm.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/message_of.h"
#include "objectives/gradient_check.h"

namespace limbeck::objectives {
namespace {

SelfAttention block(int64_t tokens, int64_t heads, int64_t width, uint64_t seed) {
  at::manual_seed(seed);
  const auto states = [&] { return at::randn({tokens, heads, width}, at::kDouble).requires_grad_(true); };
  return {states(), states(), states()};
}

// Σ over heads and tokens of KL(teacher ‖ student) for one document, from whole tensors: [H,L,E] x2 each.
double relation_by_tensors(const at::Tensor& sx, const at::Tensor& sy, const at::Tensor& tx, const at::Tensor& ty) {
  const auto log_probs = [](const at::Tensor& x, const at::Tensor& y) {
    return at::log_softmax(at::einsum("ihe,jhe->hij", {x, y}) / std::sqrt(static_cast<double>(x.size(2))), 2);
  };
  const at::Tensor log_p = log_probs(tx, ty), log_q = log_probs(sx, sy);
  return (log_p.exp() * (log_p - log_q)).sum().item<double>();
}

TEST(MiniLm, ComparesAttentionAndValueRelations) {
  const SelfAttention student = block(5, 2, 3, 1), teacher = block(5, 2, 6, 2);
  const Loss loss = minilm(student, teacher, {0, 5});
  ASSERT_EQ(loss.terms.size(), 2u);
  EXPECT_EQ(loss.terms[0].name, "attention");
  EXPECT_NEAR(loss.terms[0].sum.item<double>(), relation_by_tensors(student.q, student.k, teacher.q, teacher.k), 1e-11);
  EXPECT_NEAR(loss.terms[1].sum.item<double>(), relation_by_tensors(student.v, student.v, teacher.v, teacher.v), 1e-11);
  EXPECT_EQ(loss.terms[1].count, 10);
}

TEST(MiniLmRelations, CutBothModelsIntoAsManyRelationHeads) {
  const SelfAttention student = block(7, 2, 6, 1), teacher = block(7, 3, 8, 2);  // widths 12 and 24
  const Loss loss = minilm_relations(student, teacher, {0, 7}, {.heads = 4, .queries = 1, .keys = 0, .values = 0.5});
  ASSERT_EQ(loss.terms.size(), 2u);
  const auto cut = [](const at::Tensor& x) { return x.reshape({7, 4, -1}); };
  EXPECT_NEAR(loss.terms[0].sum.item<double>(),
              relation_by_tensors(cut(student.q), cut(student.q), cut(teacher.q), cut(teacher.q)), 1e-11);
  EXPECT_NEAR(loss.terms[1].sum.item<double>(),
              relation_by_tensors(cut(student.v), cut(student.v), cut(teacher.v), cut(teacher.v)), 1e-11);
  EXPECT_EQ(loss.terms[1].weight, 0.5);
  EXPECT_EQ(loss.terms[1].count, 28);
  EXPECT_NE(message_of([&] {
              minilm_relations(student, teacher, {0, 7}, {.heads = 5});
            }).find("width of the student"),
            std::string::npos);
}

TEST(MiniLmRelations, HaveTrueGradients) {
  const SelfAttention student = block(4, 2, 2, 1), teacher = block(4, 1, 6, 2);
  const auto whole = [&] {
    at::Tensor sum = at::zeros({}, at::kDouble);
    for (const Term& term : minilm_relations(student, teacher, {0, 1, 4}, {.heads = 2}).terms)
      sum = sum + term.sum * term.weight;
    return sum;
  };
  for (const at::Tensor& t : {student.q, student.k, student.v}) expect_true_gradient(t, whole);
}

TEST(MiniLm, AsksForAsManyHeads) {
  EXPECT_NE(message_of([] { minilm(block(2, 2, 3, 1), block(2, 3, 2, 1), {0, 2}); }).find("heads"), std::string::npos);
}

}  // namespace
}  // namespace limbeck::objectives
