// The arms of TinyBERT (Jiao et al., arXiv:1909.10351, tables 1 to 5, and controls): a list to read, and how many steps
// each takes in which phase.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "models/layer_map.h"
#include "recipes/tinybert.h"

namespace limbeck::recipes {

// What a student is before the task: the small one from random weights, which learns the teacher's layers on plain
// text, or masked language modelling (BERT-Tiny); or blocks of the teacher, which learn DistilBERT's losses, or
// nothing.
enum class Start { kLayers, kMaskedLm, kDistilbert, kFirstBlocks };

// Of the task.
enum class Learns { kLabels, kLogits, kLayersThenLogits, kLayersThenLabels, kPatiently };

struct TinybertArm {
  const char *name, *title;
  Learns learns = Learns::kLayersThenLogits;
  bool general = true, augmented = true;                   // distilled on plain text before; learns of variants too
  bool attention = true, hidden = true, embedding = true;  // the layer losses that it has
  std::optional<models::LayerMapKind> map = {};            // none: as the options say
  Start start = Start::kLayers;

  // Learns the layers on plain text as TinyBERT does.
  bool has_all_losses() const { return start == Start::kLayers && attention && hidden && embedding && !map; }
  bool learns_layers() const { return learns == Learns::kLayersThenLogits || learns == Learns::kLayersThenLabels; }
  bool learns_labels() const { return learns == Learns::kLabels || learns == Learns::kLayersThenLabels; }
};

const std::vector<TinybertArm>& tinybert_arms();
std::vector<std::string> tinybert_arm_names();  // and the teacher

// Optimiser steps of the three phases. Every arm takes all of them: those of a phase that it lacks are added to its
// next one.
struct TinybertSteps {
  int64_t general = 0, layers = 0, prediction = 0;
  int64_t of_layers(const TinybertArm& arm) const;  // where it has that phase
  int64_t of_prediction(const TinybertArm& arm) const;
};

// texts: of general distillation, none where it is not; rows: of task distillation, with their variants.
TinybertSteps tinybert_steps(const TinybertOptions& options, std::size_t texts, std::size_t rows);

}  // namespace limbeck::recipes
