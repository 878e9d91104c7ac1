#include "recipes/ekt_arms.h"

#include <algorithm>

#include "base/errors.h"
#include "recipes/ekt_distil.h"
#include "recipes/ekt_expert.h"
#include "recipes/ekt_pairs.h"
#include "recipes/random_programs.h"
#include "teachers/open.h"

namespace limbeck::recipes {
namespace {

ArmResult run_few_shot(EktContext& context, const Run& run) {
  return measure_student(context, run, "few-shot student",
                         Lazy([&] { return context.student(); }, context.options.precision),
                         [&](const synthesis::Problem& problem) { return context.few_shot(problem); });
}

ArmResult run_unfiltered(EktContext& context, const Run& run) {
  return train_and_measure(context, run, "unfiltered student", unfiltered_course(context), run.path("model"));
}

ArmResult run_verified(EktContext& context, const Run& run) {
  return train_and_measure(context, run, "EKT student", usual_course(context, verified_pairs(context, context.samples)),
                           context.run.path("model"));
}

// Chance level: no model at all.
ArmResult run_random_programs(EktContext& context, const Run& run) {
  const auto teacher = random_programs(verified_pairs(context, context.samples), context.test);
  ArmResult result{.solved = context.solve_test(
                       "random programs", [&]() -> teachers::Teacher& { return *teacher; }, EktContext::zero_shot,
                       run.path("test"))};
  result.folder = run.folder();
  return result;
}

// EKT with another teacher's programs for the same questions.
ArmResult run_with_teacher(const EktContext& context, const Run& run, const std::string& teacher,
                           const std::string& kind) {
  const auto samples = context.samples_of(teacher, kind + " teacher's samples", run.path("samples.jsonl"));
  const auto solved = std::count_if(samples.begin(), samples.end(), [](const auto& sample) { return sample.passed(); });
  auto pairs = verified_pairs(context, samples);
  if (pairs.empty())
    user_fail(teacher, "expected at least one program that gives the right answer but none of {} samples did",
              samples.size());
  ArmResult result = train_and_measure(context, run, "student of the " + kind + " teacher",
                                       usual_course(context, std::move(pairs)), run.path("model"));
  result.note = fmt::format("{}: {} of {} samples right", std::filesystem::path(teacher).filename().string(), solved,
                            samples.size());
  return result;
}
ArmResult run_stronger(EktContext& context, const Run& run) {
  return run_with_teacher(context, run, context.options.stronger_teacher, "stronger");
}
ArmResult run_weaker(EktContext& context, const Run& run) {
  return run_with_teacher(context, run, context.options.weaker_teacher, "weaker");
}

std::optional<std::string> lacks_logits(const EktOptions& options) {
  if (options.teacher.empty() || teachers::is_local(options.teacher)) return std::nullopt;
  return "teacher: expected a model on this machine, whose distributions the student learns, but received " +
         options.teacher;
}
std::optional<std::string> lacks_stronger(const EktOptions& options) {
  if (!options.stronger_teacher.empty()) return std::nullopt;
  return "stronger_teacher: expected " + std::string(teachers::kTeacherKinds);
}
PlannedArm not_trained(const EktOptions&) {
  return {};
}
PlannedArm without_model(const EktOptions&) {
  return {.writes_on_test = false};
}
PlannedArm in_rounds(const EktOptions& options) {
  return {.epochs = options.expert.epochs * static_cast<double>(options.expert.rounds),
          .student_rounds = options.expert.rounds};
}
PlannedArm with_own_teacher(const EktOptions& options) {
  return {.epochs = options.train.epochs, .teacher_rounds = 1};
}

std::optional<std::string> lacks_weaker(const EktOptions& options) {
  if (!options.weaker_teacher.empty()) return std::nullopt;
  return "weaker_teacher: expected " + std::string(teachers::kTeacherKinds);
}

}  // namespace

const std::vector<Arm>& ekt_arms() {
  static const std::vector<Arm> list = {
      {"few_shot", "Student, few-shot", "not trained; prompted with the worked examples as the teacher is",
       run_few_shot, nullptr, not_trained},
      {"unfiltered", "Student, unfiltered", "trained on as many samples that nobody ran", run_unfiltered},
      {"ekt", "Student, EKT", "trained on the programs that gave the right answer", run_verified},
      {"expert_iteration", "Student, expert iteration",
       "its own programs that gave the right answer, gathered and learned in rounds", run_expert_iteration, nullptr,
       in_rounds},
      {"distillation", "Student, logit distillation",
       "trained on the teacher's next-token distributions along the same programs", run_distillation, lacks_logits},
      {"random_programs", "Random programs",
       "no model: verified programs of other questions with this question's numbers in them, the level of chance",
       run_random_programs, nullptr, without_model},
      {"stronger", "Student, EKT, stronger teacher", "trained on the verified programs of stronger_teacher",
       run_stronger, lacks_stronger, with_own_teacher},
      {"weaker", "Student, EKT, weaker teacher", "trained on the verified programs of weaker_teacher", run_weaker,
       lacks_weaker, with_own_teacher},
  };
  return list;
}

const Arm* find_arm(std::string_view name) {
  for (const auto& arm : ekt_arms())
    if (arm.name == name) return &arm;
  return nullptr;
}

std::string arm_names_text() {
  std::string text;
  for (const auto& arm : ekt_arms()) text += (text.empty() ? "" : ", ") + arm.name;
  return text;
}

std::vector<const Arm*> chosen_arms(const EktOptions& options) {
  std::vector<const Arm*> chosen;
  if (options.arms == std::vector<std::string>{"all"}) {
    for (const auto& arm : ekt_arms())
      if (arm.lacks == nullptr || !arm.lacks(options)) chosen.push_back(&arm);
  } else {
    for (const auto& name : options.arms) chosen.push_back(find_arm(name));
  }
  return chosen;
}

std::optional<std::string> mistake_in_arms(const EktOptions& options) {
  const auto& names = options.arms;
  if (names.empty()) return fmt::format("arms: expected all, or at least one of {}", arm_names_text());
  if (names == std::vector<std::string>{"all"}) return std::nullopt;
  for (auto name = names.begin(); name != names.end(); ++name) {
    const Arm* arm = find_arm(*name);
    if (arm == nullptr) return fmt::format("arms: expected all, or of {} but received '{}'", arm_names_text(), *name);
    if (std::find(names.begin(), name, *name) != name) return fmt::format("arms: '{}' stands there twice", *name);
    if (const auto missing = arm->lacks == nullptr ? std::nullopt : arm->lacks(options))
      return fmt::format("{} (arm {} needs it)", *missing, *name);
  }
  return std::nullopt;
}

}  // namespace limbeck::recipes
