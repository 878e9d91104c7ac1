// A short run of the models of a plan: some seconds of sampling, one training pass.
#pragma once

#include "recipes/plan.h"

namespace limbeck::recipes {

// The most memory that this process came to have since, beside what it had then.
class PeakMemory {
 public:
  PeakMemory();
  int64_t bytes() const;

 private:
  int64_t before_;
};

// Loads the teacher (where it is local) and the student. Throws Interrupted on Ctrl-C.
PlanSpeeds measure_speeds(const PlanFacts& facts);

}  // namespace limbeck::recipes
