// Explicit Knowledge Transfer for Weakly-Supervised Code Generation (Azerbayev, Ni, Schoelkopf, Radev;
// arXiv:2211.16740). Questions with known answers, no programs. The teacher is shown a few worked examples and sampled
// k times a question; every program is run; one that gives the answer becomes training text "# question\nprogram" of a
// small language model.
//
// Differs from the official code where an option says so, and here: texts are never padded to a fixed length
// (loss_on_pad adds the end-of-text tokens whose loss the padding would have had); a prompt longer than the context is
// a mistake instead of being cut on the left. The paper's baselines are arms beside it (recipes/ekt_arms.cpp).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/fields.h"
#include "base/run.h"
#include "generate/generate.h"
#include "recipes/distil.h"
#include "recipes/planned_arm.h"
#include "recipes/solving.h"
#include "sandbox/judge.h"
#include "synthesis/contamination.h"
#include "synthesis/selection.h"
#include "synthesis/truncation.h"
#include "teachers/recorded.h"
#include "tensor/device.h"
#include "train/fit.h"

namespace limbeck::recipes {

// Whose weights every round of expert iteration begins with.
enum class ExpertStart { kStudent, kUnfiltered };

struct ExpertOptions {
  int64_t rounds = 10, batch_size = 1;
  double epochs = 4, learning_rate = 5e-5;
  ExpertStart start = ExpertStart::kStudent;
  void describe(Fields& f);
};

struct EktOptions {  // a default is the value of the paper's official code
  std::string teacher, student, stronger_teacher, weaker_teacher, problems, test_problems, examples, references;
  int64_t student_layers = 0;
  std::vector<std::string> arms = {"few_shot", "unfiltered", "ekt"};
  int64_t k = 100, seed = 1, max_length = 400, dev_every_epochs = 10, max_pairs = 0;
  double dev_fraction = 0.067;  // 500 of 7,473 questions
  bool loss_on_prompt = true, loss_on_pad = true;
  bool measure_teacher = true, teacher_sees_examples = false;
  teachers::Missing missing_samples = teachers::Missing::kRefuse;
  Precision precision = Precision::kBf16;
  synthesis::SelectionOptions selection;
  synthesis::Truncation truncation;
  synthesis::DecontaminationOptions decontamination;
  generate::SamplingOptions sampling{
      .max_new_tokens = 150, .temperature = 0.6, .top_k = 50};  // 50: Hugging Face's silent default
  generate::BatchOptions batch;
  sandbox::AnswerCheck check{.type_policy = sandbox::TypePolicy::kFloatOnly, .signed_denominator = true};
  sandbox::Limits limits;
  train::Options train{.epochs = 140};
  DistilOptions kd;
  ExpertOptions expert;
  SolvingOptions eval;

  void describe(Fields& f);
  std::vector<std::filesystem::path> inputs() const;
  std::vector<PlannedArm> planned_arms() const;
};

// Leaves in the run's folder: samples.jsonl, one folder an arm under arms/, model/ (the EKT student), table.json,
// table.md and report.html. Prints the table.
void run_ekt(const EktOptions& options, const Run& run);

}  // namespace limbeck::recipes
