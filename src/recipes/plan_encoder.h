// Memory, disk and time of the trainings of a method for encoders, the time from some seconds of real steps on the
// first texts. Work of several encoders is compared by the weights of their products: where one is measured, the
// others' time is in proportion.
#pragma once

#include <cstdint>
#include <vector>

#include "recipes/encoder_plan.h"
#include "recipes/plan.h"
#include "tensor/device.h"

namespace limbeck::recipes {

// Of a task or of texts, from some steps of the largest encoder that learns from them.
struct EncoderSpeed {
  const PlannedWork* work = nullptr;
  double product_weights = 0;    // that a token goes through in that encoder
  double trained = 0, read = 0;  // tokens a second
  int64_t activation_bytes = 0;  // of a micro-batch
};
// Throws Interrupted on Ctrl-C.
std::vector<EncoderSpeed> measure_speeds(const EncoderPlan& plan);

int64_t training_bytes(const PlannedTraining& training, Precision precision, int64_t activation_bytes);
Plan plan_of(const EncoderPlan& plan, const PlanMachine& machine, const std::vector<EncoderSpeed>& speeds);

}  // namespace limbeck::recipes
