// Golden log-probabilities: tests/golden/generate.json, made by tests/golden/scripts/make_generate_golden.py with
// Transformers.
#include <gtest/gtest.h>

#include "base/errors.h"
#include "generate/generate.h"
#include "generate/tiny_model.h"

namespace limbeck::generate {
namespace {

TEST(Score, EqualsTransformersWhateverTheBatch) {
  const Json rows = read_json(golden("generate.json"));
  ASSERT_GE(rows.at("small").size(), 3u);
  for (const Json& row : rows.at("small")) {
    auto model = models::make_decoder(models::read_config(row.at("config"), "config"));
    models::fill_by_formula(*model);
    std::vector<std::vector<int32_t>> texts;
    for (const Json& scored : row.at("scored")) texts.push_back(scored.at("ids").get<std::vector<int32_t>>());
    for (const bool frozen : {false, true}) {
      if (frozen) model->freeze(Precision::kFp32);
      for (const int64_t batch : {1, 50, 4096}) {
        const auto log_probs = score(*model, texts, batch);
        ASSERT_EQ(log_probs.size(), texts.size());
        for (std::size_t i = 0; i < texts.size(); ++i) {
          ASSERT_EQ(log_probs[i].size(), texts[i].size());
          for (std::size_t t = 0; t < texts[i].size(); ++t)
            EXPECT_NEAR(log_probs[i][t], row.at("scored")[i].at("log_probs")[t].get<double>(), 1e-4)
                << row.at("name") << i << " " << t;
        }
      }
    }
  }
}

TEST(Score, GivesATextTheSameBitsInEveryBatch) {
  for (const Precision precision : {Precision::kFp32, Precision::kBf16}) {
    const models::Pretrained source = tiny_model(precision);
    std::vector<std::vector<int32_t>> texts;
    Random random{Seed(1)};
    for (const int64_t length : {30, 1, 17, 200, 5}) {
      texts.emplace_back();
      for (int64_t t = 0; t < length; ++t) texts.back().push_back(static_cast<int32_t>(random.below(262)));
    }
    EXPECT_EQ(score(*source.model, texts, 1), score(*source.model, texts, 4096));
  }
}

TEST(Score, GivesNothingForNoTextsAndZeroForAFirstToken) {
  const models::Pretrained source = tiny_model();
  EXPECT_TRUE(score(*source.model, {}).empty());
  EXPECT_EQ(score(*source.model, std::vector<std::vector<int32_t>>{{}, {5}}),
            (std::vector<std::vector<float>>{{}, {0}}));
}

TEST(Score, NamesATextThatDoesNotFit) {
  const models::Pretrained source = tiny_model();
  const std::vector<std::vector<int32_t>> texts = {{1, 2}, std::vector<int32_t>(401, 1), {-1}};
  try {
    score(*source.model, texts);
    FAIL() << "nothing was thrown";
  } catch (const UserErrors& e) {
    ASSERT_EQ(e.mistakes().size(), 2u);
    EXPECT_EQ(e.mistakes()[0], "[score] text 1: expected at most 400 tokens (the context) but received 401");
    EXPECT_EQ(e.mistakes()[1], "[score] text 2: expected tokens from 0 to 261 but received -1");
  }
}

}  // namespace
}  // namespace limbeck::generate
