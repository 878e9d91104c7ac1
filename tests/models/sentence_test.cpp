// Golden numbers: tests/golden/models/minilm.json, made by tests/golden/scripts/make_sentence_golden.py.
#include "models/sentence.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/grad_mode.h>

#include "base/message_of.h"
#include "models/encoder_golden.h"
#include "models/word_tokenizer.h"

namespace limbeck::models {
namespace {

SentenceEncoder small_sentence_encoder(SentenceConfig config = {}) {
  SentenceEncoder encoder;
  encoder.model = small_encoder(small_encoder_config("bert"));
  encoder.tokenizer = word_tokenizer();
  encoder.config = std::move(config);
  return encoder;
}

std::vector<SentenceIds> ids_of(const SentenceEncoder& encoder, const std::vector<std::string>& texts) {
  std::vector<SentenceIds> ids;
  for (const std::string& text : texts) ids.push_back(sentence_ids(encoder, text));
  return ids;
}

TEST(SentenceIds, LongTextsAreCutAndKeepTheirEndToken) {
  const SentenceEncoder encoder = small_sentence_encoder({.max_length = 5});
  const SentenceIds shorter = sentence_ids(encoder, "the cat"), longer = sentence_ids(encoder, "the cat sat on a mat");
  EXPECT_EQ(shorter.ids, (std::vector<int32_t>{2, 5, 6, 3}));
  EXPECT_FALSE(shorter.truncated);
  EXPECT_EQ(longer.ids, (std::vector<int32_t>{2, 5, 6, 7, 3}));
  EXPECT_EQ(longer.types.size(), 5u);
  EXPECT_TRUE(longer.truncated);
  // Never more than the model has places for.
  const SentenceEncoder large = small_sentence_encoder({.max_length = 1000});
  std::string text;
  for (int i = 0; i < 40; ++i) text += "cat ";
  EXPECT_EQ(sentence_ids(large, text).ids.size(), 16u);
}

TEST(Embed, DoesNotDependOnTheBatchOrTheOrder) {
  const SentenceEncoder encoder = small_sentence_encoder({.normalize = true});
  const auto ids = ids_of(encoder, {"the cat sat", "a dog", "", "the cats ran on the mat", "a dog ran", "mat"});
  const at::Tensor together = embed(encoder, ids);
  ASSERT_EQ(together.sizes(), at::IntArrayRef({6, 24}));
  for (const int64_t tokens : {1, 7, 13}) EXPECT_LT(largest_gap(embed(encoder, ids, tokens), together), 1e-6);
  for (std::size_t i = 0; i < ids.size(); ++i)
    EXPECT_LT(largest_gap(embed(encoder, {&ids[i], 1})[0], together[static_cast<int64_t>(i)]), 1e-6);
  EXPECT_LT(largest_gap(together.norm(2, {1}), at::ones({6})), 1e-6);
  EXPECT_EQ(embed(encoder, {}).size(0), 0);
}

TEST(Embed, SeveralPoolingsStandOneBehindTheOther) {
  const SentenceEncoder both = small_sentence_encoder({.pooling = {nn::Pooling::kFirst, nn::Pooling::kMax}});
  const auto ids = ids_of(both, {"the cat sat", "a dog"});
  const at::Tensor vectors = embed(both, ids);
  ASSERT_EQ(vectors.size(1), 48);
  EXPECT_LT(
      largest_gap(vectors.narrow(1, 0, 24), embed(small_sentence_encoder({.pooling = {nn::Pooling::kFirst}}), ids)),
      1e-6);
  EXPECT_LT(
      largest_gap(vectors.narrow(1, 24, 24), embed(small_sentence_encoder({.pooling = {nn::Pooling::kMax}}), ids)),
      1e-6);
}

TEST(SlowMiniLm, EmbeddingsEqualSentenceTransformers) {
  const std::filesystem::path folder = smollm2_path().parent_path().parent_path() / "minilm";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << folder << " is not here; scripts/setup fetches it";
  SentenceEncoder encoder = load_sentence_encoder(folder);
  EXPECT_TRUE(encoder.config.normalize);
  EXPECT_EQ(encoder.config.max_length, 256);
  std::vector<SentenceIds> ids;
  std::vector<float> expected;
  for (const Json& row : read_json(golden("models/minilm.json"))) {
    ids.push_back(sentence_ids(encoder, row.at("text").get<std::string>()));
    EXPECT_EQ(static_cast<int64_t>(ids.back().ids.size()), row.at("tokens").get<int64_t>()) << row.at("text");
    for (const Json& x : row.at("embedding")) expected.push_back(x.get<float>());
  }
  EXPECT_TRUE(ids.back().truncated);
  const at::Tensor theirs = at::tensor(expected).view({static_cast<int64_t>(ids.size()), -1});
  EXPECT_LT(largest_gap(embed(encoder, ids), theirs), 1e-5);
  encoder.model->freeze(Precision::kFp32);
  EXPECT_LT(largest_gap(embed(encoder, ids), theirs), 1e-5);
  SentenceEncoder low = load_sentence_encoder(folder);
  low.model->freeze(Precision::kBf16);
  const at::Tensor cosines = (embed(low, ids) * theirs).sum(1);
  EXPECT_GT(cosines.min().item<double>(), 0.998);
}

}  // namespace
}  // namespace limbeck::models
