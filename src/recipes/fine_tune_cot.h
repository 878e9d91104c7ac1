// Large Language Models Are Reasoning Teachers: Fine-tune-CoT (Ho, Schmid, Yun; arXiv:2212.10071). A teacher is asked
// each training question twice: to think step by step (a rationale), then for the answer. A rationale whose answer is
// the known one becomes training text "question ### rationale --> answer" of a small model, which then reasons without
// being asked to. Diverse reasoning draws several rationales a question and keeps every right one.
// Beside it: the student prompted without, with and after worked reasoning, trained on answers alone, and controls for
// what the filter, the number of steps and the reasoning itself do.
//
// Differs from the official code: the checkpoint is chosen on held-out questions, not on the test set; the second call
// is always greedy; a rationale is kept as text without white space around it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/fields.h"
#include "base/run.h"
#include "generate/generate.h"
#include "recipes/planned_arm.h"
#include "synthesis/contamination.h"
#include "synthesis/text_answers.h"
#include "tensor/device.h"
#include "train/options.h"

namespace limbeck::recipes {

struct FineTuneCotOptions {  // a default is the value of the paper's official code for decoder students
  std::string teacher, student, problems, test_problems, examples;
  int64_t student_layers = 0, diverse = 8, seed = 1, max_length = 1024, resamples = 2000;
  std::vector<std::string> arms = {"zero_shot_cot", "answers", "unfiltered", "cot", "diverse"};
  double dev_fraction = 0.1;
  bool measure_teacher = true;
  synthesis::AnswerKind answers = synthesis::AnswerKind::kNumber;
  Precision precision = Precision::kBf16;
  generate::SamplingOptions sampling{.max_new_tokens = 128, .temperature = 0.7};  // of diverse rationales
  int64_t student_tokens = 1024;                                                  // of what a trained student writes
  generate::BatchOptions batch;
  synthesis::DecontaminationOptions decontamination;
  train::Options train{.epochs = 20,
                       .batch_size = 8,
                       .learning_rate = 3e-4,
                       .weight_decay = 0.01,
                       .schedule = train::ScheduleKind::kConstant,
                       .warmup_steps = 0};

  void describe(Fields& f);
  std::vector<std::filesystem::path> inputs() const;
  std::vector<PlannedArm> planned_arms() const;
  static int64_t planned_calls() { return 2; }
};

// Leaves in the run's folder: the teacher's rationales and answers (greedy/, diverse/), one folder an arm under arms/,
// table.json, table.md and report.html. Prints the table.
void run_fine_tune_cot(const FineTuneCotOptions& options, const Run& run);

}  // namespace limbeck::recipes
