// A task whose training rows have variants beside them (synthesis/augmentation.h), read and tokenised as the task was.
#pragma once

#include "base/seeds.h"
#include "models/encoder.h"
#include "recipes/task_training.h"
#include "synthesis/augmentation.h"
#include "tensor/device.h"

namespace limbeck::recipes {

struct AugmentedBy {
  synthesis::AugmentOptions words;  // what proposes them, and how many variants a row has
  data::TaskEncodeOptions tokens;   // as the task's; a variant that is longer than its row was is cut
  Precision precision = Precision::kBf16;
};

// The task itself where a row has no variants. `reader`: who learns of the rows; says how words are cut into tokens.
OpenTask augmented_task(const OpenTask& task, const models::PretrainedEncoder& reader, const AugmentedBy& by,
                        Seed seed);

}  // namespace limbeck::recipes
