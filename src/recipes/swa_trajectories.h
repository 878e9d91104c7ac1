// The trainings of a study of weight averaging (recipes/swa.h) and the means that follow each of them.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/run.h"
#include "recipes/swa.h"
#include "recipes/task_training.h"
#include "text/tokenizer.h"
#include "train/averaging.h"

namespace limbeck::recipes {

// A mean that follows a trajectory, as an arm.
struct MeanArm {
  std::string name, title;
  train::AveragingOptions averaging;
};

enum class Lesson {
  kLabels,
  kLogits,
  kAnnealed,
  kRoute,
  kAdversarial
};  // what a training learns (recipes/swa_lessons.h)

// One training and the arms that it gives: its last weights, and means of those on the way.
struct Trajectory {
  std::string name;  // the arm of its last weights too
  std::string title;
  train::Options train;
  Lesson lesson = Lesson::kLabels;
  std::vector<MeanArm> means;
};

// `train`: with warm-up steps.
std::vector<Trajectory> trajectories(const SwaOptions& options, const train::Options& train);
// Those that an arm is asked for of, with the means that are.
std::vector<Trajectory> wanted_trajectories(const SwaOptions& options, const train::Options& train);
std::vector<std::string> swa_arm_names();

// Takes means on the way, which checkpoints keep, and leaves them as models in RUN/means/NAME after the last step.
class Followed : public train::Hooks {
 public:
  Followed(models::Encoder& encoder, TaskHooks& own, const Run& run, const std::vector<MeanArm>& means,
           const train::Length& length, std::shared_ptr<const text::Tokenizer> tokenizer);
  void before_step(int64_t step) override { own_.before_step(step); }
  void after_step(int64_t step) override;
  formats::NamedTensors state() override;

 private:
  models::Encoder& encoder_;
  TaskHooks& own_;
  Run run_;
  train::Length length_;
  std::shared_ptr<const text::Tokenizer> tokenizer_;
  std::map<std::string, train::Averaging> means_;
};

}  // namespace limbeck::recipes
