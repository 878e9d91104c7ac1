#include <fmt/format.h>
#include <fmt/ranges.h>  // fmt::join

#include <algorithm>
#include <optional>

#include "recipes/fine_tune_cot.h"
#include "recipes/task_arm.h"  // mistake_in_arms
#include "teachers/open.h"

namespace limbeck::recipes {
namespace {

const std::vector<std::string> kCotArms = {"zero_shot", "zero_shot_cot", "few_shot_cot", "answers", "unfiltered",
                                           "cot",       "diverse",       "repeated",     "shuffled"};

bool is_trained(const std::string& arm) {
  return arm != "zero_shot" && arm != "zero_shot_cot" && arm != "few_shot_cot";
}

}  // namespace

void FineTuneCotOptions::describe(Fields& f) {
  f("teacher", teacher, fmt::format("who reasons: {}", teachers::kTeacherKinds), Names::kRequiredFileOrFolder);
  f("student", student, "the model that learns: a Hugging Face folder or a .gguf file; empty: a slice of the teacher",
    Names::kFileOrFolder);
  f("student_layers", student_layers, "blocks of the student, evenly spaced over those it has; 0: all", at_least(0));
  f("problems", problems,
    "training questions: {\"id\", \"question\", \"answer\"} a line; an answer is a number or a text",
    Names::kRequiredFile);
  f("test_problems", test_problems, "test questions, in the same form", Names::kRequiredFile);
  f("arms", arms,
    fmt::format("what is measured side by side: {} (prompted in three ways, not trained; trained on answers alone; on "
                "any greedy rationale; on those with the right answer; on several a question; on one as many steps as "
                "with several; on those of other questions)",
                fmt::join(kCotArms, ", ")));
  f("examples", examples, "worked examples for the arm few_shot_cot: {\"question\", \"rationale\", \"answer\"} a line",
    Names::kFile);
  f("diverse", diverse, "rationales a question of the arm diverse (D)", at_least(1));
  f("answers", answers, "what an answer is and how it is compared", synthesis::answer_kind_choices());
  f("measure_teacher", measure_teacher,
    "measure the teacher on the test questions; false for a recorded one that has no samples for them");
  f("seed", seed, "of everything that is drawn", at_least(0));
  f("dev_fraction", dev_fraction,
    "share of the training questions held out to choose the best checkpoint; 0: keep the last one", within(0, 0.9));
  f("max_length", max_length, "longest training text in tokens; longer ones are cut", at_least(2));
  f("student_tokens", student_tokens, "longest text of a trained student in tokens", at_least(1));
  f("resamples", resamples, "bootstrap resamples of the problems behind each 95% interval", at_least(1));
  f("precision", precision, "of the matrix products", precision_choices());
  f("max_batch", batch.max_batch, "sequences that are decoded together; changes the speed, never a sample", at_least(1))
      .speed_only = true;
  f.group("sampling", sampling);
  f.group("decontamination", decontamination);
  f.group("train", train);
  f.check([this]() -> std::optional<std::string> {
    if (const auto mistake = mistake_in_arms(arms, kCotArms)) return mistake;
    if (examples.empty() && std::find(arms.begin(), arms.end(), "few_shot_cot") != arms.end())
      return "examples: expected a file of worked examples for the arm few_shot_cot but none was given";
    if (student.empty() && !teacher.empty() && !teachers::is_local(teacher))
      return fmt::format("student: expected a model, for {} has none of which it could be a slice", teacher);
    return std::nullopt;
  });
}

std::vector<std::filesystem::path> FineTuneCotOptions::inputs() const {
  std::vector<std::filesystem::path> files = {problems, test_problems};
  for (const auto& file : teachers::inputs_of(teacher)) files.push_back(file);
  if (!student.empty()) files.emplace_back(student);
  if (!examples.empty()) files.emplace_back(examples);
  return files;
}

std::vector<PlannedArm> FineTuneCotOptions::planned_arms() const {
  std::vector<PlannedArm> planned;
  bool drawn = false;  // the diverse rationales, which two arms share
  for (const auto& name : arms) {
    const bool several = name == "diverse" || name == "repeated";
    planned.push_back({.name = name,
                       .epochs = is_trained(name) ? train.epochs * (several ? static_cast<double>(diverse) : 1) : 0,
                       .teacher_rounds = several && !drawn ? diverse : 0});
    drawn = drawn || several;
  }
  return planned;
}

}  // namespace limbeck::recipes
