// How an arm of an EKT run is measured: solved test problems, and the likelihood of verified programs.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/run.h"
#include "evaluation/bootstrap.h"
#include "recipes/ekt_context.h"
#include "recipes/ekt_train.h"

namespace limbeck::recipes {

struct ArmResult {
  std::string name, title;
  Solved solved;
  std::optional<evaluation::Interval> nll;  // a token of context.references
  std::vector<TrainingPair> pairs;          // what it was trained on
  std::filesystem::path folder;             // its log.jsonl holds the training curve
  std::string note;                         // a sentence about this run of the arm, "" for none
};

// Loads a model once, when it is first asked for, and freezes it.
class Lazy {
 public:
  Lazy(std::function<models::Pretrained()> load, Precision precision) : load_(std::move(load)), precision_(precision) {}
  const models::Pretrained& operator()();

 private:
  std::function<models::Pretrained()> load_;
  Precision precision_;
  std::optional<models::Pretrained> model_;
};

// The teacher, few-shot, on the test problems: the figures beside the arms. Fills context.references unless a file did.
ArmResult measure_teacher(EktContext& context, const Run& run);

// A model on the test problems; into run's folder.
using Prompt = std::function<std::string(const synthesis::Problem&)>;
ArmResult measure_student(const EktContext& context, const Run& run, const std::string& label, Lazy source,
                          const Prompt& prompt);

// Writes pairs.jsonl, trains the student into `model_folder` and measures it, asked as it was taught: zero-shot.
ArmResult train_and_measure(const EktContext& context, const Run& run, const std::string& label, const Course& course,
                            const std::filesystem::path& model_folder);

}  // namespace limbeck::recipes
