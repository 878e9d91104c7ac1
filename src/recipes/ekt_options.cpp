#include "recipes/ekt.h"
#include "recipes/ekt_arms.h"
#include "teachers/open.h"

namespace limbeck::recipes {

void ExpertOptions::describe(Fields& f) {
  f("rounds", rounds, "times that the student samples and learns", at_least(1));
  f("epochs", epochs, "over the programs gathered so far, each round", above(0));
  f("learning_rate", learning_rate, "constant", above(0));
  f("batch_size", batch_size, "examples an optimiser step", at_least(1));
  f("start", start,
    "weights that each round begins with: the student's own, prompted with the worked examples in round 0, or those of "
    "the unfiltered arm, for a student that writes nothing of use untrained",
    {{"student", ExpertStart::kStudent}, {"unfiltered", ExpertStart::kUnfiltered}});
}

void EktOptions::describe(Fields& f) {
  f("teacher", teacher, fmt::format("who writes programs: {}", teachers::kTeacherKinds), Names::kRequiredFileOrFolder);
  f("student", student, "the model that learns: a Hugging Face folder or a .gguf file; empty: a slice of the teacher",
    Names::kFileOrFolder);
  f("student_layers", student_layers, "blocks of the student, evenly spaced over those it has; 0: all", at_least(0));
  f("problems", problems, "training questions: {\"id\", \"question\", \"answer\"} a line", Names::kRequiredFile);
  f("test_problems", test_problems, "test questions, in the same form", Names::kRequiredFile);
  f("examples", examples, "worked examples of the few-shot prompt: {\"question\", \"program\"} a line",
    Names::kRequiredFile);
  f("references", references,
    "verified programs for test questions, whose likelihood is measured: {\"id\", \"program\"} a line; empty: the "
    "teacher's own",
    Names::kFile);
  f("arms", arms, "what is measured side by side: " + arm_names_text() + "; all: those that need nothing more");
  f("stronger_teacher", stronger_teacher, "teacher of the arm stronger: as teacher", Names::kFileOrFolder);
  f("weaker_teacher", weaker_teacher, "teacher of the arm weaker: as teacher", Names::kFileOrFolder);
  f("measure_teacher", measure_teacher,
    "measure the teacher on the test questions; false for a recorded one that has no samples for them");
  f("missing_samples", missing_samples,
    "what a recorded teacher does for a question of which it has fewer than k samples",
    {{"refuse", teachers::Missing::kRefuse}, {"empty", teachers::Missing::kEmpty}});
  f("max_pairs", max_pairs,
    "training pairs at most, drawn at random from the verified ones, so that teachers can be compared at equal count; "
    "0: all",
    at_least(0));
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
  f("teacher_sees_examples", teacher_sees_examples,
    "in logit distillation the teacher reads the worked examples in front of each text; the paper's does not");
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
  f.group("kd", kd);
  f.group("expert", expert);
  f.group("eval", eval);
  f.check([this] { return mistake_in_arms(*this); });
  f.check([this]() -> std::optional<std::string> {
    if (student.empty() && !teacher.empty() && !teachers::is_local(teacher))
      return fmt::format("student: expected a model, for {} has none of which it could be a slice", teacher);
    return std::nullopt;
  });
}

std::vector<std::filesystem::path> EktOptions::inputs() const {
  std::vector<std::filesystem::path> files = {problems, test_problems, examples};
  for (const auto* source : {&teacher, &stronger_teacher, &weaker_teacher})
    if (source == &teacher || !source->empty())
      for (const auto& file : teachers::inputs_of(*source)) files.push_back(file);
  for (const auto* file : {&references, &student})
    if (!file->empty()) files.emplace_back(*file);
  return files;
}

std::vector<PlannedArm> EktOptions::planned_arms() const {
  std::vector<PlannedArm> planned;
  for (const Arm* arm : chosen_arms(*this)) {
    planned.push_back(arm->planned == nullptr ? PlannedArm{.epochs = train.epochs} : arm->planned(*this));
    planned.back().name = arm->name;
  }
  return planned;
}

}  // namespace limbeck::recipes
