// A linear probe (Alain and Bengio, arXiv:1610.01644): one product learns a task from the last states of an encoder
// that stays as it is. The states are computed once, without dropout. A text is the mean of its tokens' states: the
// pooler of an encoder that was trained for something else (all-MiniLM-L6-v2, any masked language model) hides what
// they hold.
#pragma once

#include <string>

#include "base/run.h"
#include "models/encoder.h"
#include "nn/pooling.h"
#include "recipes/task_arm.h"
#include "train/options.h"

namespace limbeck::recipes {

struct LinearProbe {
  std::string name = "probe", title = "linear probe";
  nn::Pooling pooling = nn::Pooling::kMean;  // of a text's states; tags and spans read each token's own
  train::Options train;
};

// The probe with each seed of the context in a folder of its own under `arms`: probe.safetensors (weight, bias, and the
// mean and deviation of what is read, which comes to the product as (state - mean) / deviation), predictions.jsonl. A
// run that is there already is read. The encoder has the task's head, which is not read; it is frozen.
TaskArm probe_arm(const LinearProbe& probe, models::Encoder& encoder, const ArmContext& context, const Run& arms);

}  // namespace limbeck::recipes
