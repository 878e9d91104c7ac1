#include <algorithm>

#include "recipes/ekt.h"
#include "recipes/ekt_arms.h"
#include "teachers/open.h"

namespace limbeck::recipes {

void EktOptions::describe(Fields& f) {
  f("teacher", teacher, fmt::format("who writes programs: {}", teachers::kTeacherKinds), Names::kRequiredFileOrFolder);
  f("student", student, "the model that learns: a Hugging Face folder or a .gguf file; empty: a slice of the teacher",
    Names::kFileOrFolder);
  f("student_layers", student_layers, "blocks of the student, evenly spaced over those it has; 0: all", at_least(0));
  f("problems", problems, "training questions: {\"id\", \"question\", \"answer\"} a line", Names::kRequiredFile);
  f("test_problems", test_problems, "test questions, in the same form", Names::kRequiredFile);
  f("examples", examples, "worked examples of the few-shot prompt: {\"question\", \"program\"} a line",
    Names::kRequiredFile);
  f("arms", arms, "what is measured side by side: " + arm_names_text());
  f("k", k, "programs sampled from the teacher for a question (k)", at_least(1));
  f("seed", seed, "of everything that is drawn", at_least(0));
  f("dev_fraction", dev_fraction,
    "share of the training questions held out to choose the best checkpoint; 0: keep the last one", within(0, 0.9));
  f("dev_every_epochs", dev_every_epochs,
    "epochs between two looks at the held-out questions, where train.evaluate_every names no steps", at_least(1));
  f("max_length", max_length, "longest training text in tokens; longer ones are cut", at_least(2));
  f("loss_on_prompt", loss_on_prompt, "learn to write the question too, as the official code does");
  f("loss_on_pad", loss_on_pad,
    "end-of-text tokens up to max_length count in the loss, as in the official code; "
    "false: a single one does");
  f("precision", precision, "of the matrix products", precision_choices());
  f("max_batch", batch.max_batch, "sequences that are decoded together; changes the speed, never a sample", at_least(1))
      .speed_only = true;
  f.group("selection", selection);
  f.group("truncation", truncation);
  f.group("decontamination", decontamination);
  f.group("sampling", sampling);
  f.group("check", check);
  f.group("limits", limits);
  f.group("train", train);
  f.group("eval", eval);
  f.check([this]() -> std::optional<std::string> {
    for (std::size_t i = 0; i < arms.size(); ++i) {
      if (find_arm(arms[i]) == nullptr)
        return fmt::format("arms: expected {} but received '{}'", arm_names_text(), arms[i]);
      if (std::find(arms.begin(), arms.begin() + static_cast<int64_t>(i), arms[i]) !=
          arms.begin() + static_cast<int64_t>(i))
        return fmt::format("arms: '{}' stands there twice", arms[i]);
    }
    if (student.empty() && !teacher.empty() && !teachers::is_local(teacher))
      return fmt::format("student: expected a model, for {} has none of which it could be a slice", teacher);
    if (arms.empty()) return fmt::format("arms: expected at least one of {}", arm_names_text());
    return std::nullopt;
  });
}

std::vector<std::filesystem::path> EktOptions::inputs() const {
  std::vector<std::filesystem::path> files = {problems, test_problems, examples};
  for (const auto& file : teachers::inputs_of(teacher)) files.push_back(file);
  if (!student.empty()) files.emplace_back(student);
  return files;
}

}  // namespace limbeck::recipes
