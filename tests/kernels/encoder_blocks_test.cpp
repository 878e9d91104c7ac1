#include "kernels/encoder_blocks.h"

#include <gtest/gtest.h>
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace limbeck::kernels {
namespace {

constexpr int64_t kWidth = 24, kInner = 40, kHeads = 3, kHeadDim = kWidth / kHeads;
constexpr float kScale = 0.35f, kEpsilon = 1e-5f;

using Numbers = std::vector<float>;

Numbers random_numbers(int64_t count, unsigned seed, float size) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal(0, size);
  Numbers numbers(static_cast<std::size_t>(count));
  for (float& number : numbers) number = normal(engine);
  return numbers;
}

struct Weights {
  Numbers w, bias;
  std::shared_ptr<const PackedWeight> packed;
  Weights(int64_t n, int64_t k, unsigned seed, Format format)
      : w(random_numbers(n * k, seed, 0.3f)), bias(random_numbers(n, seed + 1, 0.5f)) {
    packed = PackedWeight::pack(w.data(), n, k, format);
  }
  BlockProduct product() const { return {packed.get(), bias.data()}; }
};

struct Model {
  std::vector<Weights> products;
  Numbers norms;
  std::vector<EncoderBlock> blocks;

  explicit Model(int64_t num_blocks, Format format = Format::kFp32)
      : norms(random_numbers(num_blocks * 4 * kWidth, 99, 0.2f)) {
    for (int64_t b = 0; b < num_blocks; ++b) {
      const auto seed = static_cast<unsigned>(10 * b);
      products.emplace_back(3 * kWidth, kWidth, seed, format);
      products.emplace_back(kWidth, kWidth, seed + 2, format);
      products.emplace_back(kInner, kWidth, seed + 4, format);
      products.emplace_back(kWidth, kInner, seed + 6, format);
    }
    for (float& x : norms) x += 1;
    for (int64_t b = 0; b < num_blocks; ++b) {
      const float* n = norms.data() + b * 4 * kWidth;
      blocks.push_back({products[4 * b].product(),
                        products[4 * b + 1].product(),
                        products[4 * b + 2].product(),
                        products[4 * b + 3].product(),
                        {n, n + kWidth},
                        {n + 2 * kWidth, n + 3 * kWidth}});
    }
  }
  EncoderBlocks task(const std::vector<int64_t>& offsets, Format between = Format::kFp32) const {
    return {.blocks = blocks,
            .offsets = offsets,
            .width = kWidth,
            .inner = kInner,
            .heads = kHeads,
            .scale = kScale,
            .epsilon = kEpsilon,
            .between = between};
  }
};

// The definition, in float64.
using Wide = std::vector<double>;

Wide times(const Wide& x, const Weights& w, int64_t n, int64_t k) {
  Wide y;
  for (std::size_t r = 0; r < x.size() / k; ++r)
    for (int64_t c = 0; c < n; ++c) {
      double sum = w.bias[c];
      for (int64_t i = 0; i < k; ++i) sum += x[r * k + i] * w.w[c * k + i];
      y.push_back(sum);
    }
  return y;
}

Wide normed(Wide x, const Wide& delta, const BlockNorm& norm) {
  for (std::size_t at = 0; at < x.size(); at += kWidth) {
    double mean = 0, squares = 0;
    for (int64_t i = 0; i < kWidth; ++i) mean += x[at + i] += delta[at + i];
    mean /= kWidth;
    for (int64_t i = 0; i < kWidth; ++i) squares += (x[at + i] - mean) * (x[at + i] - mean);
    const double scale = 1 / std::sqrt(squares / kWidth + kEpsilon);
    for (int64_t i = 0; i < kWidth; ++i) x[at + i] = norm.weight[i] * (x[at + i] - mean) * scale + norm.bias[i];
  }
  return x;
}

Wide attended(const Wide& qkv, const std::vector<int64_t>& offsets) {
  Wide y(qkv.size() / 3);
  for (std::size_t d = 0; d + 1 < offsets.size(); ++d)
    for (int64_t t = offsets[d]; t < offsets[d + 1]; ++t)
      for (int64_t h = 0; h < kHeads; ++h) {
        Wide weights;
        double total = 0;
        for (int64_t s = offsets[d]; s < offsets[d + 1]; ++s) {
          double score = 0;
          for (int64_t i = 0; i < kHeadDim; ++i)
            score += qkv[t * 3 * kWidth + h * kHeadDim + i] * qkv[s * 3 * kWidth + kWidth + h * kHeadDim + i];
          total += weights.emplace_back(std::exp(score * kScale));
        }
        for (int64_t s = offsets[d]; s < offsets[d + 1]; ++s)
          for (int64_t i = 0; i < kHeadDim; ++i)
            y[t * kWidth + h * kHeadDim + i] +=
                weights[s - offsets[d]] / total * qkv[s * 3 * kWidth + 2 * kWidth + h * kHeadDim + i];
      }
  return y;
}

Wide expected_of(const Model& model, const Numbers& x, const std::vector<int64_t>& offsets) {
  Wide h(x.begin(), x.end());
  for (std::size_t b = 0; b < model.blocks.size(); ++b) {
    const Weights* w = model.products.data() + 4 * b;
    const Wide mixed = attended(times(h, w[0], 3 * kWidth, kWidth), offsets);
    h = normed(h, times(mixed, w[1], kWidth, kWidth), model.blocks[b].attention_norm);
    Wide inner = times(h, w[2], kInner, kWidth);
    for (double& v : inner) v = 0.5 * v * std::erfc(-v / std::sqrt(2.0));
    h = normed(h, times(inner, w[3], kWidth, kInner), model.blocks[b].norm);
  }
  return h;
}

double error_of(const Numbers& got, const Wide& expected) {
  double difference = 0, size = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (!std::isfinite(got[i])) return INFINITY;
    difference += std::pow(got[i] - expected[i], 2);
    size += expected[i] * expected[i];
  }
  return std::sqrt(difference / size);
}

TEST(EncoderBlocks, EqualTheDefinitionInFloat64) {
  const std::vector<int64_t> offsets = {0, 1, 8, 70, 75};
  const Numbers x = random_numbers(75 * kWidth, 7, 1);
  const Model model(3), low(3, Format::kBf16);
  Numbers hidden = x, low_hidden = x;
  run(model.task(offsets), hidden.data());
  run(low.task(offsets, Format::kBf16), low_hidden.data());
  const Wide expected = expected_of(model, x, offsets);
  EXPECT_LT(error_of(hidden, expected), 3e-6);
  EXPECT_LT(error_of(low_hidden, expected), 3e-2);
}

TEST(EncoderBlocks, OtherActivationsAreComputedBesideTheProduct) {
  const std::vector<int64_t> offsets = {0, 9};
  const Numbers x = random_numbers(9 * kWidth, 8, 1);
  const Model model(1);
  EncoderBlocks task = model.task(offsets);
  Numbers by_gelu = x, by_tanh = x, by_relu = x;
  run(task, by_gelu.data());
  task.activation = Activation::kGeluTanh;
  run(task, by_tanh.data());
  task.activation = Activation::kRelu;
  run(task, by_relu.data());
  EXPECT_LT(error_of(by_tanh, Wide(by_gelu.begin(), by_gelu.end())), 2e-3);  // an approximation of it
  EXPECT_GT(error_of(by_relu, Wide(by_gelu.begin(), by_gelu.end())), 2e-2);
}

TEST(EncoderBlocks, ADocumentHasTheSameBitsInAnyBatchAndOnAnyNumberOfThreads) {
  const Model model(2);
  std::vector<int64_t> offsets = {0};
  for (int64_t i = 0; i < 40; ++i) offsets.push_back(offsets.back() + 1 + i * 7 % 31);
  const Numbers x = random_numbers(offsets.back() * kWidth, 9, 1);
  Numbers together = x;
  run(model.task(offsets), together.data());
  const int threads = omp_get_max_threads();
  omp_set_num_threads(1);
  Numbers on_one = x;
  run(model.task(offsets), on_one.data());
  omp_set_num_threads(threads);
  EXPECT_EQ(on_one, together);
  for (std::size_t d = 0; d + 1 < offsets.size(); ++d) {
    const auto part = [&](const Numbers& all) {
      return Numbers(all.begin() + offsets[d] * kWidth, all.begin() + offsets[d + 1] * kWidth);
    };
    Numbers alone = part(x);
    const std::vector<int64_t> own = {0, offsets[d + 1] - offsets[d]};
    run(model.task(own), alone.data());
    ASSERT_EQ(alone, part(together)) << d;
  }
}

TEST(EncoderBlocks, GivesTheQueriesKeysAndValuesOfTheLastBlock) {
  const Model one(1);
  std::vector<int64_t> offsets = {0};
  for (int64_t i = 0; i < 30; ++i) offsets.push_back(offsets.back() + 5);
  const Numbers x = random_numbers(offsets.back() * kWidth, 10, 1);
  Numbers hidden = x, kept(offsets.back() * 3 * kWidth), expected = kept;
  EncoderBlocks task = one.task(offsets);
  task.queries_keys_values = kept.data();
  run(task, hidden.data());
  one.products[0].packed->multiply(x.data(), offsets.back(), expected.data(), one.products[0].bias.data());
  EXPECT_EQ(kept, expected);
  Numbers without = x;
  run(one.task(offsets), without.data());
  EXPECT_EQ(without, hidden);
}

TEST(EncoderBlocks, GroupsAreWholeDocuments) {
  using Offsets = std::vector<int64_t>;
  EXPECT_EQ(document_groups(Offsets{0, 5, 10, 15, 20}, 10), (Offsets{0, 2, 4}));
  EXPECT_EQ(document_groups(Offsets{0, 50, 51, 52}, 10), (Offsets{0, 1, 3}));
  EXPECT_EQ(document_groups(Offsets{0, 1, 51, 52}, 10), (Offsets{0, 1, 2, 3}));
  EXPECT_EQ(document_groups(Offsets{0, 3}, 10), (Offsets{0, 1}));
  EXPECT_EQ(document_groups(Offsets{0}, 10), (Offsets{0}));
}

}  // namespace
}  // namespace limbeck::kernels
