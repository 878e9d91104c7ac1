// Supervised fine-tuning of a language model: next-token cross-entropy on packed documents. What `limbeck train` and
// every recipe that ends in "fine-tune on these texts" share.
#pragma once

#include <vector>

#include "data/batch.h"
#include "data/encode.h"
#include "models/language_model.h"
#include "objectives/chunks.h"
#include "train/fit.h"

namespace limbeck::recipes {

// How a model's vocabulary product becomes logits, for the losses of objectives.
objectives::ChunkOptions chunk_options(models::LanguageModel& model, Precision precision);

// The model's parameters and what to do when they changed. The model must outlive the result.
train::Trainable trainable(models::LanguageModel& model);

// Σ -log p(token | its prefix) over a batch's targets; products in `precision`, which the model is set to.
train::Step sft_step(models::LanguageModel& model, Precision precision);

// The mean of that loss over texts, without gradients; a forward pass holds at most max_tokens tokens.
double mean_loss(models::LanguageModel& model, const std::vector<data::Example>& examples, Precision precision,
                 int64_t max_tokens = 4096);

// The same of any step: its loss over texts, sums divided by counts once.
double mean_loss(const train::Step& step, const std::vector<data::Example>& examples, int64_t max_tokens = 4096);

// What the rows of a training file are held to for this model. Throws UserError when nothing ends its texts.
data::Limits limits_of(const models::Pretrained& source);

}  // namespace limbeck::recipes
