#include "recipes/tinybert_arms.h"

#include "train/schedule.h"

namespace limbeck::recipes {

using models::LayerMapKind;

const std::vector<TinybertArm>& tinybert_arms() {
  static const std::vector<TinybertArm> list = {
      {.name = "fine_tune",
       .title = "fine-tuned from random weights",
       .learns = Learns::kLabels,
       .general = false,
       .augmented = false},
      {.name = "kd", .title = "logits alone", .learns = Learns::kLogits, .general = false},
      {.name = "pretrained",
       .title = "masked language modelling, fine-tuned",
       .learns = Learns::kLabels,
       .augmented = false,
       .start = Start::kMaskedLm},
      {.name = "distilbert",
       .title = "DistilBERT, fine-tuned",
       .learns = Learns::kLabels,
       .augmented = false,
       .start = Start::kDistilbert},
      {.name = "pkd",
       .title = "patient distillation",
       .learns = Learns::kPatiently,
       .general = false,
       .augmented = false,
       .start = Start::kFirstBlocks},
      {.name = "full", .title = "TinyBERT"},
      {.name = "no_attention", .title = "without attention loss", .attention = false},
      {.name = "no_hidden", .title = "without hidden loss", .hidden = false},
      {.name = "no_layers", .title = "without attention and hidden loss", .attention = false, .hidden = false},
      {.name = "no_embedding", .title = "without embedding loss", .embedding = false},
      {.name = "no_prediction", .title = "labels instead of logits", .learns = Learns::kLayersThenLabels},
      {.name = "no_general", .title = "without general distillation", .general = false},
      {.name = "no_task",
       .title = "without task distillation, fine-tuned",
       .learns = Learns::kLabels,
       .augmented = false},
      {.name = "no_augment", .title = "without augmentation", .augmented = false},
      {.name = "top", .title = "last layers of the teacher", .map = LayerMapKind::kTop},
      {.name = "bottom", .title = "first layers of the teacher", .map = LayerMapKind::kBottom}};
  return list;
}

std::vector<std::string> tinybert_arm_names() {
  std::vector<std::string> names = {"teacher"};
  for (const auto& arm : tinybert_arms()) names.emplace_back(arm.name);
  return names;
}

int64_t TinybertSteps::of_layers(const TinybertArm& arm) const {
  return layers + (arm.general ? 0 : general);
}

int64_t TinybertSteps::of_prediction(const TinybertArm& arm) const {
  return prediction + (arm.learns_layers() ? 0 : of_layers(arm));
}

TinybertSteps tinybert_steps(const TinybertOptions& options, std::size_t texts, std::size_t rows) {
  const auto steps = [](const train::Options& phase, std::size_t examples) {
    return train::length_of(static_cast<int64_t>(examples), phase).steps;
  };
  return {.general = texts == 0 ? 0 : steps(options.general.train, texts),
          .layers = steps(options.intermediate, rows),
          .prediction = steps(options.train, rows)};
}

}  // namespace limbeck::recipes
