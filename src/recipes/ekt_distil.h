// The logit distillation that EKT's paper compares with (arXiv:2211.16740, official code): the student learns the
// teacher's distribution of every token of the same filtered texts, and the texts themselves. The teacher reads them
// without the worked examples, as in the paper, or behind them (teacher_sees_examples).
#pragma once

#include "base/run.h"
#include "recipes/distil.h"
#include "recipes/ekt_measure.h"

namespace limbeck::recipes {

ArmResult run_distillation(EktContext& context, const Run& run);

// What the teacher is shown in place of the student's prompt for `question`: the few-shot prompt that it was sampled
// with, up to where the two prompts are the same.
Shown few_shot_in_front(const EktContext& context, const text::Tokenizer& tokenizer, const std::string& question);

}  // namespace limbeck::recipes
