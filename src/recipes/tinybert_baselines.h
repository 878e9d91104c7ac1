// The students that TinyBERT is compared with and that learn on plain text in another way (Jiao et al.,
// arXiv:1909.10351, table 1): BERT-Tiny, the same encoder with masked language modelling alone, and DistilBERT, blocks
// of the teacher with the three losses of recipes/triple_loss.h.
#pragma once

#include <cstdint>

#include "base/run.h"
#include "base/seeds.h"
#include "models/encoder.h"
#include "recipes/tinybert.h"
#include "recipes/tinybert_arms.h"
#include "text/tokenizer.h"

namespace limbeck::recipes {

// Throws UserError, before anything is trained, where an arm that is asked for cannot be: distilbert's teacher has no
// masked-language-modelling head or another vocabulary, or pkd's student not two blocks of the teacher's.
void expect_baselines(const TinybertOptions& options, const text::Tokenizer& tokenizer);

// Trains the student of an arm with Start::kMaskedLm or kDistilbert for so many steps and leaves it in run/model.
// `small`: TinyBERT's student.
void pretrain_baseline(const TinybertArm& arm, const TinybertOptions& options, const models::EncoderConfig& small,
                       const text::Tokenizer& tokenizer, int64_t steps, Seed student_seed, const Run& run);

}  // namespace limbeck::recipes
