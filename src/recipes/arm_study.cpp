#include "recipes/arm_study.h"

#include <fmt/format.h>
#include <fmt/ranges.h>  // fmt::join

#include <algorithm>
#include <utility>  // std::move

#include "base/errors.h"
#include "base/json.h"
#include "recipes/drop_layers.h"

namespace limbeck::recipes {
namespace {

constexpr const char* kModel = "model";  // of an arm's run

models::LoadedEncoder load_with_head(const std::string& folder, const OpenTask& task, Seed seed) {
  return in_context("loading " + folder,
                    [&] { return models::load_encoder(folder, head_of(task.data), seed.derive("head")); });
}

// A teacher with a head of the task's kind has the task's labels, in any order: one of other labels was taught
// something else, which nobody asked to forget.
void expect_labels_of_task(const std::string& folder, const OpenTask& task) {
  const std::string file = (std::filesystem::path(folder) / "config.json").string();
  const models::Head own = models::read_head(read_json(file), file), wanted = head_of(task.data);
  if (own.kind != wanted.kind || own.labels == wanted.labels) return;
  in_context("teacher " + folder, [&] { data::matched_labels(own.labels, wanted.labels, "the teacher"); });
}

OpenTask open_for(const StudyOptions& options, const std::string& folder, Seed seed) {
  const auto source = in_context("loading " + folder, [&] { return models::load_encoder(folder); });
  OpenTask task = open_task(options.data, *source.tokenizer, source.model->config(), seed, source.model->head().labels);
  expect_trainable(task);
  return task;
}

}  // namespace

void StudyOptions::describe(Fields& f, const std::vector<std::string>& known_arms) {
  f("arms", arms, fmt::format("what is measured side by side: {}", fmt::join(known_arms, ", ")));
  f("seed", seed, "of everything that is drawn", at_least(0));
  f("precision", precision, "of the matrix products; weights, sums and the optimiser are fp32", precision_choices());
  TuningOptions::describe(f);
  f.check([this, known_arms] { return mistake_in_arms(arms, known_arms); });
}

bool StudyOptions::has(const std::string& arm) const {
  return std::find(arms.begin(), arms.end(), arm) != arms.end();
}

std::vector<std::filesystem::path> StudyOptions::inputs(const std::vector<std::string>& models) const {
  std::vector<std::filesystem::path> files = data::inputs_of(data.source);
  for (const std::string& folder : models)
    if (!folder.empty()) files.emplace_back(folder);
  return files;
}

void DistilledOptions::describe(Fields& f, const std::vector<std::string>& known_arms) {
  StudyOptions::describe(f, known_arms);
  f.group("kd", kd);
}

void TaughtOptions::describe(Fields& f, const std::vector<std::string>& known_arms, Names teacher_is) {
  f("teacher", teacher,
    "the encoder that teaches, in arms with distillation: a Hugging Face folder; fine-tuned first where it has no head "
    "for the task",
    teacher_is);
  DistilledOptions::describe(f, known_arms);
  f.group("layers", layers);
}

Study::Study(const StudyOptions& options, const std::string& folder, const Run& run)
    : options_(options),
      run_(run),
      task_(open_for(options, folder, run.seed())),
      train_(with_warmup(options.train, options.warmup, task_)) {}

Seed Study::seed_of(int64_t s) const {
  return run_.seed().derive("arms").derive(static_cast<uint64_t>(s));
}

models::PretrainedEncoder Study::open(const std::string& folder, Seed seed,
                                      const models::LayerChoiceOptions& layers) const {
  models::PretrainedEncoder source = load_with_head(folder, task_, seed);
  const auto& looked_at = task_.dev.examples.empty() ? task_.train.examples : task_.dev.examples;
  source.model = drop_layers(source.model, layers, looked_at, seed);
  return source;
}

ArmTraining Study::starting_from(std::function<models::PretrainedEncoder()> student, StepOf step) const {
  ArmTraining training{.step = std::move(step), .train = train_};
  training.student = [student = std::move(student)](Seed) { return student(); };
  return training;
}

TaskArm Study::train_seed(const std::string& name, const std::string& title, int64_t s, ArmTraining training) const {
  training.name = fmt::format("{}-{}", name, s + 1);
  training.title = title;
  training.first_seed = s;
  TaskArm arm = train_arm(training, context(), arms());
  arm.name = name;
  return arm;
}

TaskArm Study::train_seeds(const std::string& name, const std::string& title,
                           const std::function<ArmTraining(int64_t s)>& training) const {
  TaskArm whole;
  for (int64_t s = 0; s < options_.seeds; ++s) add_runs(whole, train_seed(name, title, s, training(s)));
  return whole;
}

Study::Teacher Study::teacher(const std::string& folder, decltype(ArmTraining::hooks) hooks) const {
  const Seed seed = seed_of(-1);
  expect_labels_of_task(folder, task_);
  models::LoadedEncoder source = load_with_head(folder, task_, seed);
  if (!source.fresh_head) {
    const TaskArm arm = measure_arm("teacher", "teacher", *source.model, context(), arms().child("teacher"));
    return {.model = load_with_head(folder, task_, seed).model, .arm = arm};  // measuring has frozen the other
  }
  ArmTraining training{.name = "teacher", .title = "teacher", .hooks = std::move(hooks), .train = train_};
  training.student = [&](Seed) -> models::PretrainedEncoder { return source; };
  const TaskArm arm = train_arm(training, context(), arms());
  return {.model = load_with_head((arm.folders[0] / kModel).string(), task_, seed).model, .arm = arm};
}

bool Study::has_head(const std::string& folder) const {
  return !load_with_head(folder, task_, seed_of(-1)).fresh_head;
}

void add_runs(TaskArm& arm, const TaskArm& more) {
  if (arm.runs.empty()) {
    arm = more;
    return;
  }
  arm.runs.insert(arm.runs.end(), more.runs.begin(), more.runs.end());
  arm.folders.insert(arm.folders.end(), more.folders.begin(), more.folders.end());
}

}  // namespace limbeck::recipes
