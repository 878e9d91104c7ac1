#include "kernels/packed_attention.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <vector>

#include "base/seeds.h"
#include "kernels/hashed_mask.h"

namespace limbeck::kernels {
namespace {

struct Case {
  std::vector<int64_t> offsets;
  int64_t heads, key_heads, head_dim, window;
  float softcap = 0;
  bool causal = true;
  double dropout = 0;
};

const std::vector<Case>& cases() {
  static const std::vector<Case> list = {
      {{0, 1, 3, 50}, 2, 1, 16, 0},                    // a single token, a pair, an odd rest
      {{0, 48, 97, 241}, 4, 2, 64, 0},                 // whole blocks, one more than a block
      {{0, 130}, 3, 3, 24, 0},                         // a head that is no multiple of 16
      {{0, 700}, 3, 1, 64, 0},                         // more queries than are kept at once
      {{0, 60, 200}, 2, 2, 80, 7},                     // a window within a block
      {{0, 333}, 4, 2, 32, 100},                       // a window over blocks
      {{0, 5}, 2, 1, 2, 1},                            // sees itself alone
      {{0, 70, 133}, 4, 2, 24, 0, 1.5f},               // capped scores
      {{0, 131}, 2, 2, 18, 40, 3.0f},                  // the same in a window
      {{0, 1, 3, 50}, 2, 1, 16, 0, 0, false},          // the whole document in sight
      {{0, 22, 47, 48, 69}, 12, 12, 32, 0, 0, false},  // sentences in all-MiniLM-L6-v2's heads
      {{0, 48, 97, 241}, 4, 2, 64, 0, 0, false},
      {{0, 700}, 2, 1, 64, 0, 0, false},
      {{0, 130}, 3, 3, 24, 0, 2.0f, false},
      {{0, 1, 23, 120}, 2, 2, 32, 0, 0, false, 0.1},  // dropout
      {{0, 53}, 4, 2, 26, 0, 0, true, 0.4},
      {{0, 60, 131}, 2, 1, 18, 30, 3.0f, true, 0.25},
  };
  return list;
}

constexpr std::array<uint64_t, 8> kDocumentKeys = {5, 77, 3, 1u << 31, 12345, 6, 8, 9};

AttentionShape shape_of(const Case& c) {
  return {.offsets = c.offsets,
          .heads = c.heads,
          .key_heads = c.key_heads,
          .head_dim = c.head_dim,
          .scale = 0.3f,
          .causal = c.causal,
          .window = c.window,
          .softcap = c.softcap,
          .dropout = c.dropout,
          .dropout_keys = kDocumentKeys};
}

std::vector<float> random_numbers(int64_t count, uint64_t seed) {
  Random random{Seed(seed)};
  std::vector<float> numbers(count);
  for (float& x : numbers) x = to_float(to_bfloat16(static_cast<float>(random.normal())));  // exact in both formats
  return numbers;
}

template <class Number>
std::vector<Number> as(const std::vector<float>& numbers) {
  std::vector<Number> result(numbers.size());
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if constexpr (std::is_same_v<Number, float>)
      result[i] = numbers[i];
    else
      result[i] = to_bfloat16(numbers[i]);
  }
  return result;
}
double value(float x) {
  return x;
}
double value(BFloat16 x) {
  return to_float(x);
}

struct Reference {
  std::vector<double> y, dq, dk, dv;
};

// The definition, in fp64.
Reference reference(const Case& c, const std::vector<float>& q, const std::vector<float>& k,
                    const std::vector<float>& v, const std::vector<float>& dy) {
  Reference r{std::vector<double>(q.size()), std::vector<double>(q.size()), std::vector<double>(k.size()),
              std::vector<double>(k.size())};
  const int64_t e = c.head_dim;
  const double scale = shape_of(c).scale;
  for (std::size_t d = 0; d + 1 < c.offsets.size(); ++d)
    for (int64_t h = 0; h < c.heads; ++h)
      for (int64_t t = c.offsets[d]; t < c.offsets[d + 1]; ++t) {
        const int64_t first = c.window == 0 ? c.offsets[d] : std::max(c.offsets[d], t - c.window + 1);
        const int64_t last = c.causal ? t + 1 : c.offsets[d + 1];
        const int64_t q_at = (t * c.heads + h) * e;
        const auto k_at = [&](int64_t s) { return (s * c.key_heads + h / (c.heads / c.key_heads)) * e; };
        const MaskRow row = attention_mask_row(kDocumentKeys[d], c.heads, h, t - c.offsets[d]);
        std::vector<double> p(last - first), dp(last - first), slope(last - first, scale), kept(last - first, 1);
        double total = 0, product = 0;
        for (int64_t s = first; s < last; ++s) {
          double score = 0;
          for (int64_t i = 0; i < e; ++i) score += double(q[q_at + i]) * k[k_at(s) + i];
          score *= scale;
          if (c.softcap > 0) {
            const double t_of = std::tanh(score / c.softcap);
            score = c.softcap * t_of;
            slope[s - first] *= 1 - t_of * t_of;
          }
          total += p[s - first] = std::exp(score);
          const auto place = static_cast<uint32_t>(s - c.offsets[d]);
          if (c.dropout > 0)
            kept[s - first] = drawn(place, row.low, row.high) < mask_threshold(c.dropout) ? 0 : 1 / (1 - c.dropout);
          for (int64_t i = 0; i < e; ++i) dp[s - first] += kept[s - first] * dy[q_at + i] * v[k_at(s) + i];
        }
        for (int64_t s = first; s < last; ++s) {
          p[s - first] /= total;
          product += p[s - first] * dp[s - first];
        }
        for (int64_t s = first; s < last; ++s) {
          const double weight = p[s - first], ds = slope[s - first] * weight * (dp[s - first] - product);
          for (int64_t i = 0; i < e; ++i) {
            r.y[q_at + i] += weight * kept[s - first] * v[k_at(s) + i];
            r.dv[k_at(s) + i] += weight * kept[s - first] * dy[q_at + i];
            r.dq[q_at + i] += ds * k[k_at(s) + i];
            r.dk[k_at(s) + i] += ds * q[q_at + i];
          }
        }
      }
  return r;
}

template <class Number>
double error_of(const std::vector<Number>& got, const std::vector<double>& expected) {
  double difference = 0, size = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (!std::isfinite(value(got[i]))) return INFINITY;
    difference += std::pow(value(got[i]) - expected[i], 2);
    size += expected[i] * expected[i];
  }
  return std::sqrt(difference / (size + 1e-30));
}

template <class Number>
struct Attended {
  std::vector<Number> y, dq, dk, dv;
};

template <class Number>
Attended<Number> run(const Case& c, const std::vector<float>& q, const std::vector<float>& k,
                     const std::vector<float>& v, const std::vector<float>& dy) {
  const auto nq = as<Number>(q), nk = as<Number>(k), nv = as<Number>(v), ndy = as<Number>(dy);
  Attended<Number> r{nq, nq, nk, nk};
  std::vector<float> log_sums(c.offsets.back() * c.heads);
  packed_attention(shape_of(c), nq.data(), nk.data(), nv.data(), r.y.data(), log_sums.data());
  AttentionGradient<Number> g;
  g.q = nq.data(), g.k = nk.data(), g.v = nv.data(), g.y = r.y.data(), g.dy = ndy.data();
  g.log_sums = log_sums.data();
  g.dq = r.dq.data(), g.dk = r.dk.data(), g.dv = r.dv.data();
  packed_attention_gradient(shape_of(c), g);
  return r;
}

template <class Number>
void expect_near_reference(double tolerance) {
  for (std::size_t i = 0; i < cases().size(); ++i) {
    const Case& c = cases()[i];
    SCOPED_TRACE(i);
    const int64_t n = c.offsets.back();
    const auto q = random_numbers(n * c.heads * c.head_dim, 1), k = random_numbers(n * c.key_heads * c.head_dim, 2);
    const auto v = random_numbers(n * c.key_heads * c.head_dim, 3), dy = random_numbers(n * c.heads * c.head_dim, 4);
    const Reference expected = reference(c, q, k, v, dy);
    const Attended<Number> got = run<Number>(c, q, k, v, dy);
    EXPECT_LT(error_of(got.y, expected.y), tolerance);
    EXPECT_LT(error_of(got.dv, expected.dv), tolerance);
    if (c.window == 1) continue;  // one weight of 1: the gradients of queries and keys are 0
    EXPECT_LT(error_of(got.dq, expected.dq), tolerance);
    EXPECT_LT(error_of(got.dk, expected.dk), tolerance);
  }
}

TEST(PackedAttention, Fp32EqualsTheDefinitionAndItsGradient) {
  expect_near_reference<float>(2e-6);
}

TEST(PackedAttention, Bf16IsWithinItsRounding) {
  expect_near_reference<BFloat16>(8e-3);
}

TEST(PackedAttention, ADocumentHasTheSameBitsAloneAndPacked) {
  const Case packed{{0, 70, 181, 200}, 4, 2, 32, 0};
  const auto q = random_numbers(200 * 128, 5), k = random_numbers(200 * 64, 6), v = random_numbers(200 * 64, 7);
  const auto dy = random_numbers(200 * 128, 8);
  const Attended<float> together = run<float>(packed, q, k, v, dy);
  const auto part = [](const std::vector<float>& x, int64_t width) {
    return std::vector<float>(x.begin() + 70 * width, x.begin() + 181 * width);
  };
  const Attended<float> alone =
      run<float>({{0, 111}, 4, 2, 32, 0}, part(q, 128), part(k, 64), part(v, 64), part(dy, 128));
  EXPECT_EQ(alone.y, part(together.y, 128));
  EXPECT_EQ(alone.dq, part(together.dq, 128));
  EXPECT_EQ(alone.dk, part(together.dk, 64));
  EXPECT_EQ(alone.dv, part(together.dv, 64));
}

TEST(PackedAttention, ADocumentLosesTheSameWeightsAloneAndPacked) {
  const Case packed{{0, 30, 81, 100}, 4, 2, 32, 0, 0, false, 0.3};
  const auto q = random_numbers(100 * 128, 5), k = random_numbers(100 * 64, 6), v = random_numbers(100 * 64, 7);
  const auto dy = random_numbers(100 * 128, 8);
  const Attended<float> together = run<float>(packed, q, k, v, dy);
  const auto part = [](const std::vector<float>& x, int64_t width) {
    return std::vector<float>(x.begin(), x.begin() + 30 * width);
  };
  const Attended<float> alone =
      run<float>({{0, 30}, 4, 2, 32, 0, 0, false, 0.3}, part(q, 128), part(k, 64), part(v, 64), part(dy, 128));
  EXPECT_EQ(alone.y, part(together.y, 128));
  EXPECT_EQ(alone.dq, part(together.dq, 128));
  EXPECT_EQ(alone.dk, part(together.dk, 64));
  EXPECT_EQ(alone.dv, part(together.dv, 64));
}

TEST(PackedAttention, TokensMayLieApart) {
  const Case c{{0, 7, 60}, 3, 3, 32, 0, 0, false, 0.2};
  constexpr int64_t kTokens = 60, kWidth = 96, kRow = 3 * kWidth;
  const auto q = random_numbers(kTokens * kWidth, 1), k = random_numbers(kTokens * kWidth, 2);
  const auto v = random_numbers(kTokens * kWidth, 3), dy = random_numbers(kTokens * kWidth, 4);
  const Attended<float> expected = run<float>(c, q, k, v, dy);
  std::vector<float> rows(kTokens * kRow), gradients(kTokens * kRow), y(kTokens * kWidth), log_sums(kTokens * 3);
  for (int64_t t = 0; t < kTokens; ++t)
    for (int64_t i = 0; i < kWidth; ++i) {
      rows[t * kRow + i] = q[t * kWidth + i];
      rows[t * kRow + kWidth + i] = k[t * kWidth + i];
      rows[t * kRow + 2 * kWidth + i] = v[t * kWidth + i];
    }
  AttentionShape shape = shape_of(c);
  shape.q_stride = shape.kv_stride = kRow;
  packed_attention(shape, rows.data(), rows.data() + kWidth, rows.data() + 2 * kWidth, y.data(), log_sums.data());
  EXPECT_EQ(y, expected.y);
  AttentionGradient<float> g;
  g.q = rows.data(), g.k = g.q + kWidth, g.v = g.k + kWidth, g.y = y.data(), g.dy = dy.data();
  g.log_sums = log_sums.data();
  g.dq = gradients.data(), g.dk = g.dq + kWidth, g.dv = g.dk + kWidth;
  packed_attention_gradient(shape, g);
  for (int64_t t = 0; t < kTokens; ++t)
    for (int64_t i = 0; i < kWidth; ++i) {
      ASSERT_EQ(gradients[t * kRow + i], expected.dq[t * kWidth + i]);
      ASSERT_EQ(gradients[t * kRow + kWidth + i], expected.dk[t * kWidth + i]);
      ASSERT_EQ(gradients[t * kRow + 2 * kWidth + i], expected.dv[t * kWidth + i]);
    }
}

}  // namespace
}  // namespace limbeck::kernels
