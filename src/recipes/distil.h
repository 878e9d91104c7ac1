// Logit distillation of a language model: the student learns the teacher's distribution of every next token of given
// texts. What `limbeck train --teacher` and the recipes with such an arm share.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/fields.h"
#include "data/batch.h"
#include "models/language_model.h"
#include "objectives/distillation.h"
#include "train/fit.h"

namespace limbeck::recipes {

// The defaults are those of EKT's baseline (arXiv:2211.16740, official code): KL(teacher ‖ student) + cross-entropy,
// temperature 1.
struct DistilOptions {
  objectives::Divergence divergence = objectives::Divergence::kForwardKl;
  double temperature = 1, beta = 0.5, weight = 1, cross_entropy = 1;
  bool temperature_squared = false;
  void describe(Fields& f);
};

// What the teacher is shown in place of a student's text: `prefix`, then the text without its first `dropped` tokens
// (a few-shot prompt in place of the begin-of-text token).
struct Shown {
  std::vector<int32_t> prefix;
  int64_t dropped = 0;
};
using ShownTo = std::function<Shown(int64_t example_index)>;

// Σ over a batch's targets of weight · divergence + cross_entropy · -log p. The teacher is frozen; both must outlive
// the step. `shown`: none where the teacher reads what the student reads.
train::Step distil_step(models::LanguageModel& student, models::LanguageModel& teacher, Precision precision,
                        const DistilOptions& options, ShownTo shown = nullptr);

// Throws UserErrors where these two cannot share logits: another vocabulary, texts that the teacher cannot read (tokens
// that it lacks, longer than its context).
void expect_same_vocabulary(const models::Pretrained& student, const models::Pretrained& teacher);
void expect_readable(const models::LanguageModel& teacher, const std::vector<data::Example>& examples,
                     const std::string& where);

}  // namespace limbeck::recipes
