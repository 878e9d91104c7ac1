// What the arms of an EKT run share: problems, the teacher's samples, the sandbox, and the models, loaded when they are
// needed.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/run.h"
#include "models/language_model.h"
#include "recipes/ekt.h"
#include "recipes/solving.h"
#include "sandbox/judge.h"
#include "synthesis/contamination.h"
#include "synthesis/problems.h"
#include "synthesis/samples.h"
#include "teachers/teacher.h"

namespace limbeck::recipes {

struct DroppedProblem {
  std::string id, reason;  // "same question as test problem 'x'"
};

// A question with the program that a student learns to write.
struct TrainingPair {
  std::string question, program;
};

// Samples to draw, judge and select.
struct Sampled {
  std::string label;  // of the progress line
  std::vector<synthesis::Problem> problems;
  std::function<std::string(const synthesis::Problem&)> prompt;
  std::function<teachers::Teacher&()> source;  // asked for only when something is left to draw
  Seed seed;
  std::filesystem::path file;
};

class EktContext {
 public:
  // Reads and checks everything that is small. Throws UserErrors for what cannot be used: no problem left, a worked
  // example that is a test question.
  EktContext(const EktOptions& options, const Run& run);

  const EktOptions& options;
  const Run& run;
  std::vector<synthesis::Problem> train, dev, test;    // without what overlaps the test set
  std::unique_ptr<const synthesis::TestSet> test_set;  // what nothing that is trained on may overlap
  std::vector<DroppedProblem> dropped;
  std::vector<synthesis::WorkedExample> examples;
  std::unique_ptr<sandbox::Judge> judge;
  std::vector<synthesis::JudgedSample> samples;  // the teacher's, of `train`, once draw_teacher_samples() is done
  std::vector<std::pair<synthesis::Problem, std::string>>
      references;  // test problems with a verified program: the teacher's, or those of options.references

  teachers::Teacher& teacher();  // opened when first asked for
  // `answers`: where those of a served teacher are stored.
  std::unique_ptr<teachers::Teacher> open_teacher(const std::string& source,
                                                  const std::filesystem::path& answers) const;
  void release_teacher() { teacher_.reset(); }
  models::Pretrained student() const;  // fresh, fp32, to be trained or frozen

  // options.k samples a problem, problem by problem, into `file`; goes on from what stands there.
  std::vector<synthesis::JudgedSample> sample(const Sampled& sampled) const;
  void draw_teacher_samples();  // samples.jsonl
  // Few-shot samples of the training questions from another teacher, as draw_teacher_samples() draws them.
  std::vector<synthesis::JudgedSample> samples_of(const std::string& teacher, const std::string& label,
                                                  const std::filesystem::path& file) const;
  std::string few_shot(const synthesis::Problem& problem) const;
  static std::string zero_shot(const synthesis::Problem& problem);
  // Figures of a frozen model, or of a teacher, on the test problems, into `folder`.
  Solved solve_test(const std::string& label, const std::function<const models::Pretrained&()>& source,
                    const std::function<std::string(const synthesis::Problem&)>& prompt,
                    const std::filesystem::path& folder) const;
  Solved solve_test(const std::string& label, const std::function<teachers::Teacher&()>& source,
                    const std::function<std::string(const synthesis::Problem&)>& prompt,
                    const std::filesystem::path& folder) const;
  Solving solving(const std::string& label, const std::vector<synthesis::Problem>& problems) const;

 private:
  void split_off_dev();
  void read_references();
  std::unique_ptr<teachers::Teacher> teacher_;
};

}  // namespace limbeck::recipes
