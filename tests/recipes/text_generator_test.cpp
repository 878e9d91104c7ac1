#include "recipes/text_generator.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <cmath>
#include <numbers>
#include <set>

#include "recipes/masked_lm.h"
#include "recipes/tiny_task.h"

namespace limbeck::recipes {
namespace {

constexpr int32_t kCls = 2, kSep = 3, kMask = 4, kGood = 5;  // of word_piece_tokenizer

class TextGeneratorTest : public TinyTask {
 protected:
  TextGeneratorTest() {
    models::EncoderConfig config = tiny_encoder_config();
    config.hidden_dropout = config.attention_dropout = 0;
    encoder_ = models::make_encoder(config, {.kind = models::HeadKind::kMaskedLm}, Seed(3));
    for (int32_t length : {10, 4, 7}) {  // words of the vocabulary in turn, [CLS] and [SEP] around and one within
      data::Example example{.index = static_cast<int64_t>(examples_.size())};
      example.ids.push_back(kCls);
      for (int32_t i = 0; i < length; ++i) example.ids.push_back(i == 2 ? kSep : kGood + (i * 5 + length) % 13);
      example.ids.push_back(kSep);
      examples_.push_back(example);
    }
  }
  data::Batch batch(const std::vector<std::size_t>& rows) const {
    std::vector<data::Example> chosen;
    for (const std::size_t row : rows) chosen.push_back(examples_[row]);
    return data::collate(chosen);
  }
  TextGenerator generator(double temperature = 1) { return {encoder_, *word_piece_tokenizer(), 0.3, temperature}; }
  std::shared_ptr<models::Encoder> encoder_;
  std::vector<data::Example> examples_;
};

TEST_F(TextGeneratorTest, WritesIntoAShareOfEachTextsWordsAndLeavesTheRest) {
  const data::Batch rows = batch({0, 1, 2});
  const WrittenText text = generator().write(rows, examples_, Seed(1));
  EXPECT_EQ(text.rows.numel(), 3 + 1 + 2) << "0.3 of 9, 3 and 6 words";
  std::set<int64_t> hidden;
  for (int64_t i = 0; i < text.rows.numel(); ++i) hidden.insert(text.rows[i].item<int64_t>());
  for (int64_t t = 0; t < rows.ids.numel(); ++t) {
    if (hidden.contains(t)) {
      EXPECT_GE(rows.ids[t].item<int64_t>(), kGood) << "special tokens are never hidden";
    } else {
      EXPECT_EQ(text.ids[t].item<int64_t>(), rows.ids[t].item<int64_t>()) << t;
    }
  }
}

TEST_F(TextGeneratorTest, NeverWritesASpecialToken) {
  {
    const at::NoGradGuard no_grad;
    encoder_->output_bias().narrow(0, 0, kGood).fill_(100);  // which it would like best
  }
  for (uint64_t seed = 0; seed < 10; ++seed) {
    const WrittenText text = generator().write(batch({0, 1, 2}), examples_, Seed(seed));
    EXPECT_GE(text.ids.index_select(0, text.rows).min().item<int64_t>(), kGood);
    EXPECT_EQ(text.soft.narrow(1, 0, kGood).abs().max().item<float>(), 0);
    EXPECT_TRUE(text.soft.isfinite().all().item<bool>());
  }
}

TEST_F(TextGeneratorTest, IsTheHardChoiceForwardAndTheSoftenedOneBeside) {
  const data::Batch rows = batch({2, 0});
  const Seed seed(7);
  const WrittenText text = generator(0.5).write(rows, examples_, seed);
  // By hand: what the model says of the masked text, and the noise of each example and place.
  data::MaskedBatch masked{.ids = rows.ids.index_fill(0, text.rows, kMask), .rows = text.rows};
  const at::Tensor z =
      encoder_->logits(masked_pass(*encoder_, rows, masked), rows.offsets, text.rows).detach().to(at::kDouble);
  const int64_t second = rows.offsets[1];
  for (int64_t m = 0; m < text.rows.numel(); ++m) {
    const int64_t row = text.rows[m].item<int64_t>();
    const uint64_t index = row < second ? 2 : 0;
    const auto place = static_cast<uint64_t>(row < second ? row : row - second);
    const at::Tensor g = gumbel_noise({seed.derive("words").derive(index).derive(place)}, z.size(1))[0];
    at::Tensor noisy = z[m] + g.to(at::kDouble);
    noisy.narrow(0, 0, kGood).fill_(-INFINITY);
    EXPECT_EQ(text.ids[row].item<int64_t>(), noisy.argmax().item<int64_t>()) << m;
    EXPECT_TRUE(at::allclose(text.soft.detach()[m].to(at::kDouble), at::softmax(noisy / 0.5, 0), 1e-4, 1e-6)) << m;
  }
}

TEST_F(TextGeneratorTest, WritesTheSameInAnyBatchAndOtherWordsWithAnotherSeed) {
  const at::NoGradGuard no_grad;
  TextGenerator writer = generator();
  const at::Tensor together = writer.write(batch({1, 0, 2}), examples_, Seed(4)).ids;
  const at::Tensor apart =
      at::cat({writer.write(batch({1}), examples_, Seed(4)).ids, writer.write(batch({0}), examples_, Seed(4)).ids,
               writer.write(batch({2}), examples_, Seed(4)).ids});
  EXPECT_TRUE(together.equal(apart));
  EXPECT_FALSE(together.equal(writer.write(batch({1, 0, 2}), examples_, Seed(5)).ids));
  EXPECT_FALSE(writer.write(batch({1}), examples_, Seed(4)).soft.defined()) << "nobody asks for gradients";
}

TEST_F(TextGeneratorTest, LeavesATextWithoutWordsAsItIs) {
  examples_[1].ids = {kCls, kSep};
  const WrittenText text = generator().write(batch({1}), examples_, Seed(4));
  EXPECT_TRUE(text.ids.equal(batch({1}).ids));
  EXPECT_TRUE(written_embeddings(text, encoder_->word_embeddings())
                  .equal(encoder_->word_embeddings().detach().narrow(0, kCls, 2)));
}

TEST(WrittenEmbeddings, AreTheWordsOwnRowsAndSendTheirGradientToTheSoftChoice) {
  const at::Tensor table = at::arange(15, at::kFloat).reshape({5, 3}).sin().requires_grad_(true);
  const at::Tensor soft = at::tensor({0.1f, 0.2f, 0.3f, 0.1f, 0.3f, 0.0f, 0.9f, 0.0f, 0.0f, 0.1f}).reshape({2, 5});
  WrittenText text{.ids = at::tensor({4, 2, 0, 1}, at::kLong),
                   .rows = at::tensor({1, 3}, at::kLong),
                   .soft = soft.clone().requires_grad_(true)};
  const at::Tensor embeddings = written_embeddings(text, table);
  EXPECT_TRUE(embeddings.detach().equal(table.detach().index_select(0, text.ids)));
  const at::Tensor outer = at::arange(12, at::kFloat).reshape({4, 3}).cos();
  (embeddings * outer).sum().backward();
  const at::Tensor wide = table.detach().to(at::kDouble);
  for (int64_t m : {0, 1})
    for (int64_t v = 0; v < 5; ++v) {
      double expected = 0;  // of Σ_e outer · (soft · table)
      for (int64_t e = 0; e < 3; ++e) expected += outer[m == 0 ? 1 : 3][e].item<double>() * wide[v][e].item<double>();
      EXPECT_NEAR(text.soft.grad()[m][v].item<double>(), expected, 1e-5) << m << " " << v;
    }
  EXPECT_FALSE(table.grad().defined());
}

TEST(GumbelNoise, HasTheMeanAndVarianceOfTheDistributionAndIsFinite) {
  std::vector<Seed> seeds;
  for (uint64_t i = 0; i < 50; ++i) seeds.emplace_back(i);
  const at::Tensor g = gumbel_noise(seeds, 4000).to(at::kDouble);
  EXPECT_TRUE(g.isfinite().all().item<bool>());
  EXPECT_NEAR(g.mean().item<double>(), std::numbers::egamma, 0.01);
  EXPECT_NEAR(g.var().item<double>(), std::numbers::pi * std::numbers::pi / 6, 0.03);
  EXPECT_TRUE(gumbel_noise({Seed(31)}, 4000)[0].equal(gumbel_noise(seeds, 4000)[31])) << "each row by its own seed";
}

TEST(GumbelNoise, DrawsWordsByTheirProbability) {
  std::vector<Seed> seeds;
  for (uint64_t i = 0; i < 20000; ++i) seeds.push_back(Seed(9).derive(i));
  const at::Tensor p = at::tensor({0.5, 0.3, 0.15, 0.05});
  const at::Tensor words = (p.log() + gumbel_noise(seeds, 4)).argmax(1);
  for (int64_t w = 0; w < 4; ++w)
    EXPECT_NEAR(words.eq(w).to(at::kDouble).mean().item<double>(), p[w].item<double>(), 0.01) << w;
}

}  // namespace
}  // namespace limbeck::recipes
