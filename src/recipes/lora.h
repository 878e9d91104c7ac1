// Training of LoRA branches in place of a model's own weights: what a recipe or a verb adds to any step.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/fields.h"
#include "base/seeds.h"
#include "models/language_model.h"
#include "peft/lora.h"
#include "train/fit.h"

namespace limbeck::recipes {

// The defaults are those of the peft package, but for the targets: all linears, as QLoRA (arXiv:2305.14314) found best.
struct LoraOptions {
  int64_t rank = 0;
  double alpha = 8, dropout = 0;
  bool rank_stabilised = false;
  std::vector<std::string> targets = {"all-linear"};
  void describe(Fields& f);
};

// Puts branches on a model and takes the gradients off everything else. The model outlives this.
class LoraTraining {
 public:
  LoraTraining(models::LanguageModel& model, const LoraOptions& options, Seed seed);
  train::Trainable trainable();
  // The same step with dropout: what a token loses depends on the optimiser step, its text and its place in it, and not
  // on the batch. Nothing is dropped where gradients are off. This outlives the result.
  train::Step step(train::Step inner);
  void before_step(int64_t step) { optimiser_step_ = step; }                      // from train::Hooks
  int64_t num_weights();                                                          // that are trained
  void save(const std::filesystem::path& folder, const std::string& base_model);  // as peft has it; before merge()
  void merge();  // into the model, whose weights have gradients again

 private:
  void set_base_gradients(bool wanted);
  models::LanguageModel& model_;
  Seed seed_;
  peft::Lora lora_;
  int64_t optimiser_step_ = 0;
};

}  // namespace limbeck::recipes
