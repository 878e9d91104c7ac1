// The methods that Limbeck has: a list to read. A row names a method and how to make a job of it with the paper's
// values.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/fields.h"
#include "base/run.h"
#include "recipes/planned_arm.h"

namespace limbeck::recipes {

struct EncoderPlan;  // recipes/encoder_plan.h

// One method with its options: first the paper's values, then what read_options put over them.
class Job {
 public:
  virtual ~Job() = default;
  virtual Fields fields() = 0;                                    // pointers into this job
  virtual std::vector<std::filesystem::path> inputs() const = 0;  // files whose hashes belong to the run's identity
  virtual Seed seed() const = 0;
  virtual void run(const Run& run) = 0;
  // None where the method has no arms, or does not say.
  virtual std::vector<PlannedArm> planned_arms() const { return {}; }
  virtual int64_t planned_calls() const { return 1; }  // of a teacher for a sample
  // Of a method for encoders; opens its data.
  virtual std::unique_ptr<EncoderPlan> encoder_plan() const;
};

struct Method {
  std::string name, paper, title, summary;
  std::function<std::unique_ptr<Job>()> make;
};

const std::vector<Method>& methods();
// Throws UserError with the nearest known name.
const Method& method_named(std::string_view name);

}  // namespace limbeck::recipes
