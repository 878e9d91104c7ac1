// DistilBERT's loss (Sanh et al., arXiv:1910.01108, sec. 2; official code): on the same text with tokens hidden,
//   L = a_ce · T² KL(softmax(z_T/T) ‖ softmax(z_S/T)) + a_mlm · CE(z_S, what stood there) + a_cos · (1 - cos(H_S, H_T))
// z are logits over the vocabulary, H last hidden states. Means: over all tokens (or the hidden ones) for the first,
// the hidden ones for the second, all tokens for the third. The logits of a batch never exist at once.
#pragma once

#include "base/fields.h"
#include "models/encoder.h"
#include "recipes/masked_lm.h"
#include "train/fit.h"

namespace limbeck::recipes {

enum class TaughtTokens { kAll, kHidden };

struct TripleLossOptions {
  double ce = 5, mlm = 2, cos = 1, temperature = 2;
  TaughtTokens taught = TaughtTokens::kAll;
  void describe(Fields& f);
};

// With dropout in the student alone. Terms: "divergence" (times T²), "masked_lm", "cosine"; those of weight 0 are not
// computed, nor is the teacher where it is not needed. The hooks know the whole batch's number of hidden tokens, so
// that a batch may be cut. All outlive the step; the teacher is frozen.
train::Step triple_loss_step(models::Encoder& student, models::Encoder& teacher, const MaskedLmHooks& hooks,
                             Precision precision, const TripleLossOptions& options);

}  // namespace limbeck::recipes
