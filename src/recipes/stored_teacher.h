// Logit distillation from a store of a teacher's log-probabilities (teachers/log_prob_store.h): the teacher itself is
// not in memory.
#pragma once

#include <string>
#include <vector>

#include "data/batch.h"
#include "models/language_model.h"
#include "recipes/distil.h"
#include "teachers/log_prob_store.h"
#include "teachers/record_log_probs.h"
#include "train/fit.h"

namespace limbeck::recipes {

// The texts of examples with the places that are learned.
std::vector<teachers::TaughtText> taught_texts(const std::vector<data::Example>& examples);

// Throws UserErrors where the store does not fit: another vocabulary, texts that it does not have, a divergence that
// the stored part of a distribution does not give (anything but forward-kl at temperature 1).
void expect_fitting(const teachers::LogProbStore& store, const models::Pretrained& student,
                    const std::vector<data::Example>& examples, const DistilOptions& options);

// distil_step with the store in place of the teacher. Both must outlive the step.
train::Step distil_step(models::LanguageModel& student, const teachers::LogProbStore& store, Precision precision,
                        const DistilOptions& options);

}  // namespace limbeck::recipes
