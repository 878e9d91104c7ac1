#include "recipes/encoder_plan.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>  // std::llround
#include <utility>

#include "base/json.h"
#include "text/tokenizer.h"

namespace limbeck::recipes {
namespace {

int64_t num_tokens_of(const std::vector<data::Example>& examples) {
  int64_t count = 0;
  for (const data::Example& example : examples) count += static_cast<int64_t>(example.ids.size());
  return count;
}

}  // namespace

PlannedTraining& EncoderPlan::add(const PlannedTraining& like, const std::string& name) {
  trainings.push_back(like);
  trainings.back().name = name;
  return trainings.back();
}

void EncoderPlan::add_teacher(const PlannedTraining& tuning, const std::string& folder) {
  if (!models::load_encoder(folder, tuning.work->head).fresh_head) return;
  PlannedTraining& training = add(tuning, "teacher");
  training.config = encoder_config_in(folder);
  training.runs = 1;
}

models::EncoderConfig encoder_config_in(const std::string& folder) {
  const std::filesystem::path file = std::filesystem::path(folder) / "config.json";
  return models::read_encoder_config(read_json(file), file.string());
}

PlannedTraining planned_tuning(const TuningOptions& options, const std::string& folder, Precision precision,
                               const models::LayerChoiceOptions& layers) {
  PlannedTraining training{.config = encoder_config_in(folder), .train = options.train, .runs = options.seeds};
  const auto tokenizer = text::Tokenizer::from_folder(folder);
  const Json json = read_json(std::filesystem::path(folder) / "config.json");
  const auto task = std::make_shared<OpenTask>(
      open_task(options.data, *tokenizer, training.config, Seed(1), models::read_head(json, folder).labels));
  expect_trainable(*task);
  auto work = std::make_shared<PlannedWork>();
  work->head = head_of(task->data);
  work->examples = task->train.examples;
  work->num_tokens = num_tokens_of(work->examples);
  work->held_out_tokens = num_tokens_of(task->dev.examples);
  work->test_tokens = num_tokens_of(task->test.examples);
  work->step = [task, precision](models::Encoder& encoder) -> train::Step {
    encoder.set_precision(precision);
    const auto hooks = std::make_shared<TaskHooks>(encoder, *task, Seed(1));
    return [task, hooks, step = fine_tuning_step(encoder, *task, *hooks)](const data::Batch& batch) {
      return step(batch);
    };
  };
  training.work = work;
  const int64_t blocks = training.config.num_hidden_layers;
  const std::vector<double> any(static_cast<std::size_t>(blocks), 0);
  training.config.num_hidden_layers -= static_cast<int64_t>(models::blocks_to_drop(blocks, layers, any).size());
  return training;
}

PlannedTraining planned_masked_lm(const MaskedLmDataOptions& data, const text::Tokenizer& tokenizer,
                                  const models::EncoderConfig& config, const train::Options& train, Precision precision,
                                  bool all_tokens) {
  MaskedLmData texts = open_masked_lm(data, tokenizer, config.context());
  auto work = std::make_shared<PlannedWork>();
  work->head.kind = models::HeadKind::kMaskedLm;
  work->num_tokens = num_tokens_of(texts.train.examples);
  work->held_out_tokens = work->test_tokens = num_tokens_of(texts.dev.examples);
  work->examples = std::move(texts.train.examples);
  work->vocabulary_share = all_tokens ? 1 : data.masking.rate;
  const int64_t every = all_tokens ? 1 : std::max<int64_t>(1, std::llround(1 / std::max(data.masking.rate, 1e-3)));
  work->step = [precision, every, mask = texts.masker->mask_id()](models::Encoder& encoder) -> train::Step {
    encoder.set_precision(precision);
    return [&encoder, precision, every, mask](const data::Batch& batch) {
      data::MaskedBatch masked{.ids = batch.ids.clone(), .rows = at::arange(0, batch.ids.numel(), every, at::kLong)};
      masked.targets = batch.ids.index_select(0, masked.rows);
      masked.ids.index_fill_(0, masked.rows, mask);
      const auto output = masked_pass(encoder, batch, masked, uint64_t{1});
      return objectives::Loss{{masked_lm_loss(encoder, output.hidden, masked, precision)}};
    };
  };
  return {.name = "pretraining", .config = config, .work = work, .train = train};
}

std::shared_ptr<const PlannedWork> planned_texts(std::vector<data::Example> examples) {
  auto work = std::make_shared<PlannedWork>();
  work->num_tokens = num_tokens_of(examples);
  work->examples = std::move(examples);
  work->step = [](models::Encoder& encoder) -> train::Step {
    return [&encoder](const data::Batch& batch) {
      const auto plan = models::plan_for(encoder.config(), batch.offsets, uint64_t{1}, batch.ids);
      const at::Tensor hidden = encoder.forward(batch.ids, batch.types, *plan, {.dropout_salt = uint64_t{1}}).hidden;
      return objectives::Loss{{{.name = "hidden", .sum = hidden.square().sum(), .count = 1}}};
    };
  };
  return work;
}

}  // namespace limbeck::recipes
