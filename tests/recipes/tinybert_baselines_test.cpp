#include "recipes/tinybert_baselines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/message_of.h"
#include "recipes/tiny_pretraining.h"

namespace limbeck::recipes {
namespace {

using ::testing::HasSubstr;

class TinybertBaselines : public TinyPretraining {
 protected:
  TinybertOptions options() const {
    TinybertOptions o;
    o.teacher = taught_bert().string();
    o.layers = 2, o.width = 16, o.intermediate_size = 32;
    o.precision = Precision::kFp32;
    o.general.texts = {(folder_ / "texts.txt").string()};
    o.general.text = {.max_length = 24, .packing = data::Packing::kLines};
    o.general.train = {.max_steps = 2, .batch_size = 16, .learning_rate = 3e-3, .warmup_steps = 0, .keep_best = false};
    return o;
  }
  // The model that an arm's student has become, in a folder of that name.
  models::PretrainedEncoder pretrained(const TinybertOptions& o, Start start, int64_t steps, const std::string& name) {
    const auto run = open_run(mlm(), name, "mlm");
    const auto small = o.student_config(models::load_encoder(o.teacher).model->config());
    ::testing::internal::CaptureStdout();
    try {
      pretrain_baseline({.name = "arm", .title = "arm", .start = start}, o, small,
                        *text::Tokenizer::from_folder(o.teacher), steps, Seed(7), run);
    } catch (...) {
      ::testing::internal::GetCapturedStdout();
      throw;
    }
    ::testing::internal::GetCapturedStdout();
    EXPECT_EQ(losses(folder_ / name).size(), static_cast<std::size_t>(steps));
    return models::load_encoder(folder_ / name / "model");
  }
};

TEST_F(TinybertBaselines, OfMaskedLanguageModellingIsTheSmallStudent) {
  const auto model = pretrained(options(), Start::kMaskedLm, 40, "run").model;
  EXPECT_EQ(model->config().hidden_size, 16);
  EXPECT_EQ(model->config().num_hidden_layers, 2);
  EXPECT_EQ(model->head().kind, models::HeadKind::kMaskedLm);
  const auto log = losses(folder_ / "run");
  EXPECT_LT(log.back(), 0.9 * log.front());
}

// Nearer to the teacher than the blocks as they are.
TEST_F(TinybertBaselines, OfDistilbertLearnsItsTeachersDistribution) {
  TinybertOptions o = options();
  const auto before = pretrained(o, Start::kDistilbert, 1, "before"),
             after = pretrained(o, Start::kDistilbert, 40, "run");
  EXPECT_EQ(after.model->config().hidden_size, 32);
  EXPECT_EQ(after.model->config().num_hidden_layers, 2);
  ::testing::internal::CaptureStdout();
  const MaskedLmData texts = open_masked_lm(data(), *after.tokenizer, after.model->config().context());
  ::testing::internal::GetCapturedStdout();
  const auto teacher = models::load_encoder(taught_bert()).model;
  EXPECT_LT(masked_lm_figures(*after.model, texts, teacher.get()).divergence,
            0.7 * masked_lm_figures(*before.model, texts, teacher.get()).divergence);
}

TEST_F(TinybertBaselines, OfDistilbertNeedsAMaskedLanguageModel) {
  TinybertOptions o = options();
  const auto body = models::load_encoder(taught_bert(), models::Head{});
  models::save_encoder(folder_ / "body", *body.model, *body.tokenizer);
  o.general.teacher = (folder_ / "body").string();
  EXPECT_THAT(message_of<UserError>([&] { pretrained(o, Start::kDistilbert, 2, "run"); }),
              HasSubstr("a masked-language-modelling head, but " + o.general.teacher + " has none"));
  o.general.masked_lm = taught_bert().string();
  pretrained(o, Start::kDistilbert, 2, "named");
}

TEST_F(TinybertBaselines, OfDistilbertNeedsTheTeachersVocabulary) {
  const std::vector<std::string_view> texts = {"quite other words here"};
  text::save_trained_tokenizer(text::train_tokenizer(texts, {.vocab_size = 90}).spec, folder_ / "words");
  const auto tokenizer = text::Tokenizer::from_folder(folder_ / "words");
  TinybertOptions o = options();
  auto config = models::load_encoder(o.teacher).model->config();
  config.vocab_size = tokenizer->vocab_size();
  models::save_encoder(folder_ / "other", *models::make_encoder(config, {.kind = models::HeadKind::kMaskedLm}, Seed(1)),
                       *tokenizer);
  o.general.masked_lm = (folder_ / "other").string();
  EXPECT_THAT(message_of<UserError>([&] { pretrained(o, Start::kDistilbert, 2, "run"); }),
              HasSubstr("expected the teacher's vocabulary but received another"));
}

}  // namespace
}  // namespace limbeck::recipes
