// What every architecture of models/catalog.h must do without a special case anywhere: decode step by step what it
// computes at once, score, train, be sliced, saved and loaded. One row of the golden files for each.
#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <map>
#include <set>

#include "base/progress.h"
#include "base/temporary_folder.h"
#include "generate/tiny_model.h"
#include "models/catalog.h"
#include "models/golden_parity.h"
#include "recipes/sft.h"
#include "recipes/step_gradient.h"
#include "recipes/tiny_ekt.h"

namespace limbeck::recipes {
namespace {

// The first golden config of each architecture by model_type, with room for the tokens of generate/tiny_model.h.
const std::map<std::string, Json>& config_of_each() {
  static const std::map<std::string, Json> configs = [] {
    std::map<std::string, Json> result;
    for (const char* file : {"models/variants.json", "models/architectures.json"})
      for (const Json& row : read_json(golden(file))) {
        Json config = row.at("config");
        config["vocab_size"] = 262;
        config["bos_token_id"] = 257;
        config["eos_token_id"] = 258;
        result.emplace(config.at("model_type").get<std::string>(), config);
      }
    return result;
  }();
  return configs;
}

models::Pretrained made(const Json& config) {
  models::Pretrained source{.model = models::make_decoder(models::read_config(config, "config")),
                            .tokenizer = generate::byte_tokenizer(),
                            .eos_ids = {258}};
  models::fill_by_formula(*source.model);
  return source;
}

class EveryArchitecture : public testing::TestWithParam<std::string> {
 protected:
  const Json& config() const { return config_of_each().at(GetParam()); }
};

std::vector<std::string> all_model_types() {
  std::vector<std::string> names;
  for (const models::Architecture& row : models::architectures()) names.emplace_back(row.model_type);
  return names;
}

INSTANTIATE_TEST_SUITE_P(Catalog, EveryArchitecture, testing::ValuesIn(all_model_types()),
                         [](const auto& info) { return info.param; });

TEST_P(EveryArchitecture, StepByStepDecodingSaysWhatTheWholeTextSays) {
  at::NoGradGuard no_grad;
  const auto source = made(config());
  source.model->freeze(Precision::kFp32);
  // Two prompts that begin alike, longer than every window.
  std::vector<generate::Prompt> prompts(2);
  for (int32_t i = 0; i < 21; ++i) {
    prompts[0].ids.push_back(97 + i * 7 % 26);
    prompts[1].ids.push_back(i < 17 ? prompts[0].ids.back() : 65 + i);
  }
  prompts[1].num_samples = 2;
  const auto samples = generate::samples_of(source, prompts, {.max_new_tokens = 20, .temperature = 0},
                                            {.max_batch = 2, .precision = Precision::kFp32});
  ASSERT_EQ(samples.size(), 3u);
  for (const auto& [key, sample] : samples) {
    const auto& prompt = prompts[static_cast<std::size_t>(key.first)].ids;
    std::vector<int64_t> ids(prompt.begin(), prompt.end());
    ids.insert(ids.end(), sample.ids.begin(), sample.ids.end());
    const at::Tensor log_probs =
        at::log_softmax(models::logits_of_document(*source.model, models::ids_tensor(ids)).to(at::kDouble), 1);
    double log_prob = 0;
    for (std::size_t i = 0; i < sample.ids.size(); ++i) {
      const at::Tensor row = log_probs[static_cast<int64_t>(prompt.size() + i) - 1];
      EXPECT_NEAR(row[sample.ids[i]].item<double>(), row.max().item<double>(), 1e-4) << "token " << i;
      log_prob += row[sample.ids[i]].item<double>();
    }
    EXPECT_NEAR(sample.log_prob, log_prob, 1e-4 * std::abs(log_prob) + 1e-4);
  }
}

TEST_P(EveryArchitecture, ScoresAreTheLogProbabilitiesOfTheWholeText) {
  at::NoGradGuard no_grad;
  const auto source = made(config());
  source.model->freeze(Precision::kFp32);
  const std::vector<std::vector<int32_t>> texts = {{97, 98, 99, 100, 101, 97, 98, 40, 41, 42}, {120, 121}};
  const auto scores = generate::score(*source.model, texts);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const at::Tensor log_probs = at::log_softmax(
        models::logits_of_document(*source.model, models::ids_tensor({texts[i].begin(), texts[i].end()})), 1);
    for (std::size_t t = 1; t < texts[i].size(); ++t)
      EXPECT_NEAR(scores[i][t], log_probs[static_cast<int64_t>(t) - 1][texts[i][t]].item<double>(), 1e-4);
  }
}

TEST_P(EveryArchitecture, TheTrainingLossAndItsGradientAreThoseOfTheLogits) {
  const auto source = made(config());
  const auto examples = texts(5);
  const auto step = sft_step(*source.model, Precision::kFp32);
  const Gradient chunked = gradient_of(*source.model, examples, 100000, step);
  const Gradient through_logits = gradient_of(*source.model, examples, 100000, [&](const data::Batch& batch) {
    const auto plan = nn::packed_causal(batch.offsets);
    const at::Tensor logits = source.model->forward(batch.ids, *plan, {.logits = true}).logits;
    const at::Tensor rows = at::nonzero((batch.targets >= 0) & (batch.weights != 0)).squeeze(1);
    const at::Tensor chosen =
        at::log_softmax(logits.index_select(0, rows), 1).gather(1, batch.targets.index_select(0, rows).unsqueeze(1));
    return objectives::Loss{{{.name = "cross_entropy", .sum = -chosen.sum(), .count = double(rows.size(0))}}};
  });
  expect_same(chunked, through_logits, 1e-5, GetParam());
  expect_same(gradient_of(*source.model, examples, 1, step), chunked, 1e-5, "text by text");
  const Gradient low = gradient_of(*source.model, examples, 100000, sft_step(*source.model, Precision::kBf16));
  expect_same(low, chunked, 0.08, "bf16");
  EXPECT_NE(low.loss, chunked.loss);
}

TEST_P(EveryArchitecture, ASliceTrainsFreezesAndIsTheSameAfterSavingAndLoading) {
  Progress::be_quiet(true);
  const auto whole = made(config());
  models::Pretrained source = whole;
  source.model = models::slice_layers(*whole.model, models::evenly_spaced_layers(3, 2));
  const auto examples = texts(6, 12);
  const double before = mean_loss(*source.model, examples, Precision::kBf16);
  const TemporaryFolder folder;
  train::Hooks hooks;
  train::fit(trainable(*source.model), examples, sft_step(*source.model, Precision::kBf16),
             {.epochs = 12, .batch_size = 3, .learning_rate = 3e-3, .warmup_steps = 2},
             Run::open(folder / "run", "sft", "", {}, Seed(1)), hooks);
  EXPECT_LT(mean_loss(*source.model, examples, Precision::kBf16), 0.8 * before);

  source.model->set_precision(Precision::kFp32);
  models::save_pretrained(folder / "model", *source.model, *source.tokenizer);
  const models::Pretrained loaded = models::load_pretrained(folder / "model");
  at::NoGradGuard no_grad;
  const at::Tensor ids = at::arange(97, 120, at::kLong), expected = models::logits_of_document(*source.model, ids);
  EXPECT_TRUE(at::equal(models::logits_of_document(*loaded.model, ids), expected));
  loaded.model->freeze(Precision::kBf16);
  const at::Tensor rounded = models::logits_of_document(*loaded.model, ids);
  EXPECT_LT(((rounded - expected).norm() / expected.norm()).item<double>(), 0.05);
  EXPECT_THROW(models::parameters_of(*loaded.model), Error);
}

TEST_P(EveryArchitecture, APackedTextIsTheTextAlone) {
  at::NoGradGuard no_grad;
  const auto source = made(config());
  const at::Tensor a = at::arange(60, 83, at::kLong), b = at::arange(100, 117, at::kLong);
  const auto plan = nn::packed_causal({0, 23, 40});
  const at::Tensor together = source.model->forward(at::cat({a, b}), *plan, {.logits = true}).logits;
  EXPECT_LT(models::largest_difference(together.narrow(0, 0, 23), models::logits_of_document(*source.model, a)), 1e-4);
  EXPECT_LT(models::largest_difference(together.narrow(0, 23, 17), models::logits_of_document(*source.model, b)), 1e-4);
}

class EktWithEveryArchitecture : public TinyEkt, public testing::WithParamInterface<std::string> {};

INSTANTIATE_TEST_SUITE_P(Catalog, EktWithEveryArchitecture,
                         testing::Values("qwen3", "gpt2", "gpt_neo", "gptj", "gpt_neox", "gemma2", "gemma3_text"),
                         [](const auto& info) { return info.param; });

TEST_P(EktWithEveryArchitecture, ATeacherWritesAndASliceOfItLearns) {
  Json config = config_of_each().at(GetParam());
  config["vocab_size"] = 257;
  config["bos_token_id"] = config["eos_token_id"] = 256;
  config[config.contains("n_positions") ? "n_positions" : "max_position_embeddings"] = 400;
  const models::Pretrained teacher{.model = models::make_decoder(models::read_config(config, "config"), Seed(5)),
                                   .tokenizer = limbeck::byte_tokenizer(),
                                   .eos_ids = {256}};
  teach_boxes(teacher, Run::open(folder_ / "teach", "teach", "", {}, Seed(1)));
  models::save_pretrained(folder_ / "teacher", *teacher.model, *teacher.tokenizer);
  options_.teacher = (folder_ / "teacher").string();
  run_ekt(options_, open_run("run"));
  const Json table = read_json(folder_ / "run" / "table.json");
  EXPECT_GT(table.at("funnel").at("kept").get<int>(), 0);
  EXPECT_EQ(table.at("rows").size(), 4u);
  const models::Pretrained student = models::load_pretrained(folder_ / "run" / "model");
  EXPECT_EQ(student.model->config().model_type, GetParam());
  EXPECT_EQ(student.model->config().num_hidden_layers, 2);
}

}  // namespace
}  // namespace limbeck::recipes
