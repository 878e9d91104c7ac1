// TinyBERT's transformer distillation (Jiao et al., arXiv:1909.10351, eq. 7 to 9): a narrower and shallower student
// learns the teacher's attention scores, hidden states and embeddings, layer by layer,
//   L = Σ_m mean (A^S_m - A^T_g(m))² + Σ_m mean (H^S_m W + c - H^T_g(m))² + mean (E^S W' + c' - E^T)²
// A are scores before the softmax, W and W' learned projections to the teacher's width.
//
// The official code takes the means over texts padded to one length; here they are over real tokens and pairs, or with
// padded_length divided as there. There one projection serves all states; here too, unless each state has its own.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <vector>

#include "base/fields.h"
#include "base/run.h"
#include "models/encoder.h"
#include "models/layer_map.h"
#include "nn/projections.h"
#include "train/fit.h"

namespace limbeck::recipes {

struct LayerLossOptions {
  double attention = 1, hidden = 1, embedding = 1;  // weights; 0 leaves a loss out
  models::LayerMapOptions map;
  int64_t padded_length = 0;
  nn::Projections::Sharing projection = nn::Projections::Sharing::kShared;
  void describe(Fields& f);
};

// A student and what leads its states to the teacher's width. Throws UserErrors for a teacher of another number of
// heads, and where the map cannot be.
class LayerLearner {
 public:
  LayerLearner(models::Encoder& student, models::Encoder& teacher, const LayerLossOptions& options, Precision precision,
               Seed seed);

  // Terms "attention", "hidden" and "embedding" of any batch of texts, with dropout of that salt in the student alone.
  objectives::Loss loss(const data::Batch& batch, uint64_t salt);
  train::Trainable trainable();  // the student's parameters and the projections

  void save_projections(const std::filesystem::path& file);
  void load_projections(const std::filesystem::path& file);

 private:
  models::Encoder &student_, &teacher_;
  LayerLossOptions options_;
  std::vector<models::LayerPair> pairs_;
  nn::Projections projections_;
};

// Trains by these losses alone, in the run's folder; nothing is chosen by a dev set.
train::Result learn_layers(LayerLearner& learner, const std::vector<data::Example>& examples,
                           const train::Options& options, const Run& run);

}  // namespace limbeck::recipes
