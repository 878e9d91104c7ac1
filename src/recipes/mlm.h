// Pretraining of an encoder by masked language modelling (Devlin et al., arXiv:1810.04805, sec. 3.1) without next
// sentences and with masks drawn anew at each step (RoBERTa, Liu et al., arXiv:1907.11692, sec. 4): where several
// methods start whose teacher or student is pretrained on a user's own texts.
//   loss = mean over hidden tokens of -log p(token | text with tokens hidden)
//
// Differs from BERT's official code: no next-sentence loss and one length throughout; from both: random replacements
// are ordinary tokens, never special ones, and the loss kept for the best weights is that of held-out texts under fixed
// masks.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/fields.h"
#include "base/run.h"
#include "recipes/encoder_plan.h"
#include "recipes/masked_lm.h"
#include "tensor/device.h"
#include "train/options.h"

namespace limbeck::recipes {

struct MlmOptions {  // sizes for two cores and an hour; what training is, as RoBERTa's (table 9)
  std::string model, tokenizer, architecture = "bert";
  int64_t layers = 4, width = 256, heads = 4, intermediate = 1024, context = 128, seed = 1;
  double dropout = 0.1;
  Precision precision = Precision::kBf16;
  MaskedLmDataOptions data;
  train::Options train{.epochs = 10,
                       .batch_size = 64,
                       .learning_rate = 6e-4,
                       .weight_decay = 0.01,
                       .beta2 = 0.98,
                       .epsilon = 1e-6,
                       .clip_norm = 1,
                       .warmup_steps = 200};

  void describe(Fields& f);
  std::vector<std::filesystem::path> inputs() const;
  void plan_trainings(EncoderPlan& plan) const;
};

// Leaves in the run's folder model/ (opens in Transformers as AutoModelForMaskedLM), table.json and table.md.
void run_mlm(const MlmOptions& options, const Run& run);

}  // namespace limbeck::recipes
