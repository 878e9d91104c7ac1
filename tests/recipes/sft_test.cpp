// Invariance of the loss and its gradients on a small Llama: padding, packing, cutting a batch, chunks of the
// vocabulary.
#include "recipes/sft.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "base/message_of.h"
#include "base/progress.h"
#include "base/temporary_folder.h"
#include "models/formula_weights.h"
#include "models/golden_path.h"
#include "nn/attention_plan.h"
#include "objectives/cross_entropy.h"
#include "recipes/step_gradient.h"

namespace limbeck::recipes {
namespace {

const std::vector<Json> kModels{{{"tie_word_embeddings", true}},
                                {{"tie_word_embeddings", false}, {"attention_bias", true}}};

TEST(SftStep, IsTheMeanNegativeLogProbabilityOfTheTargets) {
  auto model = models::small_model();
  const auto examples = texts(6);
  double sum = 0, count = 0;
  {
    const at::NoGradGuard no_grad;
    for (const auto& example : examples) {
      const auto ids = models::ids_tensor({example.ids.begin(), example.ids.end()});
      const auto log_probs = at::log_softmax(models::logits_of_document(*model, ids).to(at::kDouble), 1);
      for (std::size_t t = 1; t < example.ids.size(); ++t) {
        if (example.weights[t] == 0) continue;
        sum -= log_probs[static_cast<int64_t>(t) - 1][example.ids[t]].item<double>();
        ++count;
      }
    }
  }
  EXPECT_NEAR(mean_loss(*model, examples, Precision::kFp32), sum / count, 1e-6 * sum / count);
  EXPECT_NEAR(gradient_of(*model, examples, 100000, sft_step(*model, Precision::kFp32)).loss, sum / count,
              1e-6 * sum / count);
}

TEST(SftStep, DoesNotDependOnHowABatchIsPackedAndCut) {
  for (const Json& config : kModels) {
    auto model = models::small_model(config);
    const auto step = sft_step(*model, Precision::kFp32);
    const auto examples = texts(12);
    const auto packed = gradient_of(*model, examples, 100000, step);
    expect_same(gradient_of(*model, examples, 1, step), packed, 1e-6, "one by one");
    for (int64_t tokens : {40, 64, 100}) expect_same(gradient_of(*model, examples, tokens, step), packed, 1e-6, "cut");
    auto reversed = examples;
    std::reverse(reversed.begin(), reversed.end());
    expect_same(gradient_of(*model, reversed, 100000, step), packed, 1e-6, "in another order");
  }
}

TEST(SftStep, DoesNotDependOnPaddingWithoutALoss) {
  auto model = models::small_model();
  const auto step = sft_step(*model, Precision::kFp32);
  const auto examples = texts(8);
  auto padded = examples;
  for (auto& example : padded) {
    example.ids.resize(40, 2);
    example.weights.resize(40, 0);
  }
  expect_same(gradient_of(*model, padded, 100000, step), gradient_of(*model, examples, 100000, step), 1e-6,
              "padded to 40");
}

TEST(SftStep, DoesNotDependOnTheChunksOfTheVocabularyLoss) {
  auto model = models::small_model();
  const auto examples = texts(8);
  const auto in_chunks_of = [&](int64_t rows) {
    return gradient_of(*model, examples, 100000, [&](const data::Batch& batch) {
      const auto plan = nn::packed_causal(batch.offsets);
      return objectives::Loss{
          {objectives::cross_entropy(model->forward(batch.ids, *plan).hidden, model->output_weight(), batch.targets,
                                     batch.weights, {.rows = rows})}};
    });
  };
  const auto whole = in_chunks_of(100000);
  for (int64_t rows : {1, 3, 16, 0}) expect_same(in_chunks_of(rows), whole, 1e-6, "chunks");
}

TEST(SftStep, StaysNearFp32InBf16) {
  auto model = models::small_model();
  const auto examples = texts(12);
  const auto exact = gradient_of(*model, examples, 100000, sft_step(*model, Precision::kFp32));
  const auto low = gradient_of(*model, examples, 100000, sft_step(*model, Precision::kBf16));
  expect_same(low, exact, 0.03, "bf16");
  EXPECT_NE(low.loss, exact.loss) << "bf16 was not used";
}

TEST(SftFit, LearnsTextsByHeartWithTheSameBytesEveryTimeInBothPrecisions) {
  Progress::be_quiet(true);
  for (const auto precision : {Precision::kFp32, Precision::kBf16}) {
    const auto examples = texts(8, 12);
    const train::Options options{
        .epochs = 25, .batch_size = 4, .micro_batch_tokens = 20, .learning_rate = 5e-3, .warmup_steps = 5};
    std::vector<at::Tensor> first;
    for (int round = 0; round < 2; ++round) {
      TemporaryFolder folder;
      auto model = models::small_model();
      train::Hooks hooks;
      const double before = mean_loss(*model, examples, precision);
      train::fit(trainable(*model), examples, sft_step(*model, precision), options,
                 Run::open(folder / "run", "sft", "", {}, Seed(1)), hooks);
      EXPECT_GT(before, 4);
      EXPECT_LT(mean_loss(*model, examples, precision), 1);
      const auto parameters = models::parameters_of(*model);
      if (round == 0)
        for (const auto& p : parameters) first.push_back(p.tensor->detach().clone());
      else
        for (std::size_t i = 0; i < parameters.size(); ++i)
          EXPECT_TRUE(first[i].equal(*parameters[i].tensor)) << parameters[i].name;
    }
  }
}

TEST(MeanLoss, RefusesTextsWithoutTargets) {
  auto model = models::small_model();
  EXPECT_THROW(mean_loss(*model, {{.ids = {1, 2}, .weights = {0, 0}}}, Precision::kFp32), Error);
}

TEST(LimitsOf, RefusesAModelWhoseTextsNeverEnd) {
  const models::Pretrained source{.model = models::small_model(), .tokenizer = nullptr, .eos_ids = {}};
  EXPECT_NE(message_of<UserError>([&] { limits_of(source); }).find("eos_token_id"), std::string::npos);
}

// The real model, a few steps on a few texts: the loss falls and a step in bf16 starts where fp32 does.
TEST(SlowSft, LowersTheLossOfSmolLm2) {
  if (!std::filesystem::exists(smollm2_path())) GTEST_SKIP() << "no " << smollm2_path();
  Progress::be_quiet(true);
  TemporaryFolder folder;
  models::Pretrained source = models::load_pretrained(smollm2_path());
  source.model = models::slice_layers(*source.model, models::evenly_spaced_layers(30, 6));
  std::vector<data::Row> rows;
  for (int i = 0; i < 8; ++i)
    rows.push_back(data::pair_row(fmt::format("# Ann has {} apples and eats 2. How many are left?", i + 10),
                                  fmt::format("\nn0 = {}\nn1 = 2\nanswer = n0 - n1\n", i + 10), i + 1));
  const auto examples = data::encode_rows(rows, *source.tokenizer, limits_of(source), {}, "rows").examples;
  const double exact = mean_loss(*source.model, examples, Precision::kFp32);
  source.model->set_precision(Precision::kBf16);
  EXPECT_NEAR(mean_loss(*source.model, examples, Precision::kBf16), exact, 0.02 * exact);
  train::Hooks hooks;
  train::fit(trainable(*source.model), examples, sft_step(*source.model, Precision::kBf16),
             {.epochs = 10, .batch_size = 8, .learning_rate = 3e-4, .warmup_steps = 2},
             Run::open(folder / "run", "sft", "", {}, Seed(1)), hooks);
  EXPECT_LT(mean_loss(*source.model, examples, Precision::kBf16), 0.5 * exact);
}

}  // namespace
}  // namespace limbeck::recipes
