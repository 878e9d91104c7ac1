#include "recipes/stored_teacher.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "base/errors.h"
#include "nn/attention_plan.h"
#include "objectives/partial_distillation.h"
#include "recipes/sft.h"

namespace limbeck::recipes {
namespace {

// What the store has of a batch's rows: row t predicts the token at place t + 1 of its document.
objectives::PartialTeacher stored_rows(const teachers::LogProbStore& store, const data::Batch& batch) {
  const int64_t num_rows = batch.ids.numel(), k = store.header().k;
  objectives::PartialTeacher teacher{.ids = at::full({num_rows, k}, -1, at::kLong),
                                     .log_probs = at::zeros({num_rows, k}, at::kFloat),
                                     .rest = at::zeros({num_rows}, at::kFloat)};
  const int64_t* id = batch.ids.const_data_ptr<int64_t>();
  int64_t* to_ids = teacher.ids.mutable_data_ptr<int64_t>();
  float *to_log_probs = teacher.log_probs.mutable_data_ptr<float>(), *to_rest = teacher.rest.mutable_data_ptr<float>();
  for (std::size_t i = 0; i + 1 < batch.offsets.size(); ++i) {
    const int64_t begin = batch.offsets[i], end = batch.offsets[i + 1];
    const std::vector<int32_t> text(id + begin, id + end);
    store.read(text, [&](int64_t place, const teachers::Prediction& prediction) {
      const int64_t row = begin + place - 1;
      std::copy(prediction.ids.begin(), prediction.ids.end(), to_ids + row * k);
      std::copy(prediction.log_probs.begin(), prediction.log_probs.end(), to_log_probs + row * k);
      to_rest[row] = prediction.rest;
    });
  }
  return teacher;
}

}  // namespace

std::vector<teachers::TaughtText> taught_texts(const std::vector<data::Example>& examples) {
  std::vector<teachers::TaughtText> texts;
  for (const auto& example : examples) {
    teachers::TaughtText text{.ids = example.ids, .places = {}};
    for (std::size_t i = 1; i < example.ids.size(); ++i)
      if (example.weights[i] != 0) text.places.push_back(static_cast<int64_t>(i));
    texts.push_back(std::move(text));
  }
  return texts;
}

void expect_fitting(const teachers::LogProbStore& store, const models::Pretrained& student,
                    const std::vector<data::Example>& examples, const DistilOptions& options) {
  std::vector<std::string> mistakes;
  if (options.divergence != objectives::Divergence::kForwardKl || options.temperature != 1)
    mistakes.emplace_back(
        "[kd] expected forward-kl at temperature 1: a store has no more of a teacher's distribution than that needs");
  if (store.header().tokenizer != teachers::tokenizer_hash(*student.tokenizer))
    mistakes.emplace_back(
        "[teacher] expected a store of the student's vocabulary but received one of another tokenizer");
  const auto num_missing = std::count_if(examples.begin(), examples.end(),
                                         [&](const data::Example& example) { return !store.contains(example.ids); });
  if (num_missing > 0)
    mistakes.push_back(
        fmt::format("[teacher] {} of {} texts are not in the store; limbeck record with the same data and "
                    "the same options of text adds them",
                    num_missing, examples.size()));
  if (!mistakes.empty()) throw UserErrors(std::move(mistakes));
}

train::Step distil_step(models::LanguageModel& student, const teachers::LogProbStore& store, Precision precision,
                        const DistilOptions& options) {
  student.set_precision(precision);
  return [&student, &store, precision, options](const data::Batch& batch) {
    const auto plan = nn::packed_causal(batch.offsets);
    const at::Tensor hidden = student.forward(batch.ids, *plan).hidden;
    return objectives::partial_distillation(
        hidden, student.output_weight(), batch.targets, batch.weights, stored_rows(store, batch),
        {.divergence_weight = options.weight, .cross_entropy_weight = options.cross_entropy},
        chunk_options(student, precision));
  };
}

}  // namespace limbeck::recipes
