#include <fmt/format.h>
#include <fmt/ranges.h>  // fmt::join

#include <algorithm>
#include <optional>

#include "recipes/distilbert.h"
#include "recipes/distilbert_arms.h"
#include "text/tokenizer.h"

namespace limbeck::recipes {
namespace {

std::vector<std::string> distilbert_arm_names() {
  std::vector<std::string> names;
  for (const auto& arm : kDistilbertArms) names.emplace_back(arm.name);
  return names;
}

}  // namespace

void DistilbertOptions::describe(Fields& f) {
  f("teacher", teacher, "folder of an encoder with a masked-language-modelling head", Names::kRequiredFolder);
  f("arms", arms, fmt::format("what is trained side by side: {}", fmt::join(distilbert_arm_names(), ", ")));
  f("num_layers", num_layers, "blocks of the student; 0: half of the teacher's", at_least(0));
  auto rules = models::drop_rules();
  std::erase_if(rules, [](const auto& named) { return named.second == models::DropRule::kGiven; });
  f("rule", rule,
    "which of the teacher's blocks go: spaced keeps evenly spaced ones; the others are those of layer-drop, "
    "contributions measured on the held-out texts",
    rules);
  f("layers", layers,
    "the teacher's blocks that the student starts from, counted from 0; none: as num_layers and rule say", at_least(0));
  f("family", family, "distilbert: without token types (of a BERT); teacher: the teacher's own architecture",
    {{"distilbert", StudentFamily::kDistilbert}, {"teacher", StudentFamily::kTeachers}});
  f("copy_transform", copy_transform,
    "the product and norm before the vocabulary product are copied too (vocab_transform of the official code)");
  f("precision", precision, "of the matrix products; weights, sums and the optimiser are fp32", precision_choices());
  f("seed", seed, "of weights, order, masks and dropout", at_least(0));
  f.group("loss", loss);
  f.group("data", data);
  f.group("train", train);
  f.group("task", task);
  f.check([this] { return mistake_in_arms(arms, distilbert_arm_names()); });
}

std::vector<std::filesystem::path> DistilbertOptions::inputs() const {
  auto files = data.inputs();
  files.emplace_back(teacher);
  if (!task.data.is_given()) return files;
  const auto of_task = data::inputs_of(task.data.source);
  files.insert(files.end(), of_task.begin(), of_task.end());
  return files;
}

int64_t DistilbertOptions::blocks_of(int64_t teachers) const {
  if (!layers.empty()) return static_cast<int64_t>(layers.size());
  return num_layers > 0 ? num_layers : std::max<int64_t>(1, teachers / 2);
}

void DistilbertOptions::plan_trainings(EncoderPlan& plan) const {
  const models::EncoderConfig whole = encoder_config_in(teacher);
  PlannedTraining pretraining = planned_masked_lm(data, *text::Tokenizer::from_folder(teacher), whole, train, precision,
                                                  loss.taught == TaughtTokens::kAll);
  pretraining.config.num_hidden_layers = blocks_of(whole.num_hidden_layers);
  std::optional<PlannedTraining> tuning;
  if (task.data.is_given()) tuning = planned_tuning(task, teacher, precision);
  if (tuning) plan.add(*tuning, "teacher on the task");
  for (const DistilbertArm& arm : distilbert_arms(arms)) {
    if (arm.is_trained()) {
      PlannedTraining& training = plan.add(pretraining, arm.name);
      if (arm.ce || arm.cos) training.taught_by(whole);
    }
    if (tuning) plan.add(*tuning, fmt::format("{} on the task", arm.name)).config = pretraining.config;
  }
}

}  // namespace limbeck::recipes
