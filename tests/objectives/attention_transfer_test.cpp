#include "objectives/attention_transfer.h"

#include <gtest/gtest.h>

#include "base/message_of.h"
#include "objectives/gradient_check.h"

namespace limbeck::objectives {
namespace {

struct Pair {
  Relation student, teacher;
};

Pair attention(int64_t tokens, int64_t heads) {
  at::manual_seed(6);
  const auto states = [&](int64_t width) { return at::randn({tokens, heads, width}, at::kDouble); };
  return {{states(4), states(4)}, {states(6), states(6)}};
}

// What TinyBERT's official code computes for padded batches of real documents: scores [B,H,L,L] with -10000 at padded
// keys, scores at or below -100 set to 0, the mean over all. Padded queries and keys are zeros here, so that padded
// rows add nothing and the two can be compared.
double tinybert_padded(const Pair& pair, const std::vector<int64_t>& offsets, int64_t length) {
  const int64_t heads = pair.student.x.size(1);
  double sum = 0;
  for (std::size_t d = 0; d + 1 < offsets.size(); ++d) {
    const int64_t begin = offsets[d], real = offsets[d + 1] - begin;
    const auto scores = [&](const Relation& r) {
      const auto padded = [&](const at::Tensor& t) {
        at::Tensor whole = at::zeros({heads, length, t.size(2)}, at::kDouble);
        whole.narrow(1, 0, real).copy_(t.narrow(0, begin, real).transpose(0, 1));
        return whole;
      };
      at::Tensor s = at::matmul(padded(r.x), padded(r.y).transpose(1, 2)) / std::sqrt(static_cast<double>(r.x.size(2)));
      s.narrow(2, real, length - real).sub_(10000);
      return at::where(s <= -1e2, at::zeros_like(s), s);
    };
    sum += (scores(pair.student) - scores(pair.teacher)).square().sum().item<double>();
  }
  return sum / static_cast<double>((static_cast<int64_t>(offsets.size()) - 1) * heads * length * length);
}

TEST(AttentionScoreMse, IsTinyBertsWithThePaddedLengthAsDivisor) {
  const Pair pair = attention(11, 3);
  const std::vector<int64_t> offsets{0, 4, 5, 11};
  const Term term = attention_score_mse(pair.student, pair.teacher, offsets, 8);
  EXPECT_NEAR(term.sum.item<double>() / term.count, tinybert_padded(pair, offsets, 8), 1e-12);
}

TEST(AttentionScoreMse, CountsTheScoresThatThereAre) {
  const Pair pair = attention(11, 3);
  EXPECT_EQ(attention_score_mse(pair.student, pair.teacher, {0, 4, 5, 11}).count, 3 * (16 + 1 + 36));
  EXPECT_NE(message_of([&] {
              attention_score_mse(pair.student, pair.teacher, {0, 4, 5, 11}, 5);
            }).find("received 6"),
            std::string::npos);
}

TEST(AttentionDivergence, IsTheKullbackLeiblerDivergenceOfAttention) {
  const Pair pair = attention(5, 2);
  const auto probabilities = [](const Relation& r) {
    return at::softmax(
        at::bmm(r.x.transpose(0, 1), r.y.permute({1, 2, 0})) / std::sqrt(static_cast<double>(r.x.size(2))), 2);
  };
  const at::Tensor p = probabilities(pair.teacher), q = probabilities(pair.student);
  const Term term = attention_divergence(pair.student, pair.teacher, {0, 5});
  EXPECT_NEAR(term.sum.item<double>(), (p * (p / q).log()).sum().item<double>(), 1e-12);
  EXPECT_EQ(term.count, 10);
}

TEST(AttentionLosses, AreTheSameWhenABatchIsCut) {
  const Pair pair = attention(11, 3);
  const auto part = [](const Relation& r, int64_t begin, int64_t end) {
    return Relation{r.x.slice(0, begin, end), r.y.slice(0, begin, end)};
  };
  const Term whole = attention_score_mse(pair.student, pair.teacher, {0, 4, 11}, 9);
  const Term first = attention_score_mse(part(pair.student, 0, 4), part(pair.teacher, 0, 4), {0, 4}, 9);
  const Term second = attention_score_mse(part(pair.student, 4, 11), part(pair.teacher, 4, 11), {0, 7}, 9);
  EXPECT_NEAR((first.sum + second.sum).item<double>(), whole.sum.item<double>(), 1e-10);
  EXPECT_EQ(first.count + second.count, whole.count);
}

}  // namespace
}  // namespace limbeck::objectives
