#include "recipes/swa.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "base/errors.h"
#include "base/files.h"
#include "recipes/flatness_probes.h"
#include "recipes/swa_lessons.h"
#include "recipes/swa_trajectories.h"
#include "recipes/task_report.h"

namespace limbeck::recipes {
namespace {

class SwaStudy {
 public:
  SwaStudy(const SwaOptions& options, const Run& run)
      : options_(options), run_(run), study_(options, options.model, run), lessons_(options, study_) {}

  void run() {
    TaskResult result{.method = "swa",
                      .title = "Stochastic weight averaging",
                      .paper = "Lu et al., arXiv:2212.05956",
                      .main = "swa",
                      .resamples = options_.resamples};
    for (const Trajectory& trajectory : wanted_trajectories(options_, study_.train()))
      for (TaskArm& arm : follow(trajectory)) {
        if (options_.probe_rows > 0) probe(arm);
        if (arm.name == "swa") link_model(arm, run_);
        result.arms.push_back(std::move(arm));
      }
    if (!probes_.empty()) write_probes();
    write_task_results(result, study_.task(), run_);
  }

 private:
  // The arms of a trajectory that are asked for, all seeds.
  std::vector<TaskArm> follow(const Trajectory& trajectory) {
    const std::vector<MeanArm>& means = trajectory.means;
    TaskArm last;
    std::vector<TaskArm> arms(means.size());
    for (int64_t s = 0; s < options_.seeds; ++s) {
      const TaskArm trained = study_.train_seed(trajectory.name, trajectory.title, s, training(trajectory, means, s));
      const Run folder = study_.arms().child(trained.folders[0].filename().string()).child("means");
      for (std::size_t m = 0; m < means.size(); ++m) {
        const Run run = folder.child(means[m].name);
        const auto model = study_.open(run.path("model").string(), study_.seed_of(s)).model;
        add_runs(arms[m], measure_arm(means[m].name, means[m].title, *model, study_.context(), run));
      }
      add_runs(last, trained);
    }
    if (options_.has(trajectory.name)) arms.insert(arms.begin(), last);
    return arms;
  }

  ArmTraining training(const Trajectory& trajectory, const std::vector<MeanArm>& means, int64_t s) {
    auto tokenizer = std::make_shared<std::shared_ptr<const text::Tokenizer>>();  // known once the student is there
    ArmTraining training = study_.starting_from([this, s, tokenizer] {
      auto student = study_.open(options_.model, study_.seed_of(s), options_.layers);
      *tokenizer = student.tokenizer;
      return student;
    });
    training.train = trajectory.train;
    const auto length = train::length_of(static_cast<int64_t>(study_.task().train.examples.size()), trajectory.train);
    training.hooks = [means, length, tokenizer](models::Encoder& student, TaskHooks& own, const Run& run) {
      return std::make_unique<Followed>(student, own, run, means, length, *tokenizer);
    };
    lessons_.give(training, trajectory.lesson);
    return training;
  }

  std::shared_ptr<models::Encoder> model_in(const std::filesystem::path& folder) const {
    auto model = study_.open((folder / "model").string(), study_.seed_of(0)).model;
    model->set_precision(Precision::kFp32);
    return model;
  }

  // Of each seed; and the line from the last weights of the trajectory through the mean of the arm swa.
  void probe(const TaskArm& arm) {
    auto& [title, runs] = probes_.emplace_back(arm.title, std::vector<Flatness>());
    for (const auto& folder : arm.folders) {
      const auto file = folder / "flatness.json";
      if (!std::filesystem::exists(file))
        write_json(file, to_json(flatness_of(*model_in(folder), study_.task(), options_.probe_rows,
                                             run_.seed().derive("probes"))));
      runs.push_back(flatness_from(read_json(file), file.string()));
      if (const auto line = folder / "line.json"; arm.name == "swa" && !std::filesystem::exists(line)) {
        const auto mean = model_in(folder), last = model_in(folder.parent_path().parent_path());
        std::vector<at::Tensor> weights;
        for (const auto& p : trainable(*mean).parameters) weights.push_back(*p.tensor);
        write_json(line, to_json(loss_line(*last, weights, study_.task(), options_.probe_rows)));
      }
    }
  }

  void write_probes() const {
    Json json;
    for (const auto& [title, runs] : probes_)
      for (const Flatness& run : runs) json[title].push_back(to_json(run));
    write_json(run_.path("flatness.json"), json);
    write_file_atomically(run_.path("flatness.md"), flatness_markdown(probes_));
  }

  const SwaOptions& options_;
  const Run& run_;
  Study study_;
  Lessons lessons_;
  std::vector<std::pair<std::string, std::vector<Flatness>>> probes_;  // title and seeds of each arm
};

}  // namespace

void SwaOptions::describe(Fields& f) {
  const Range below_one{.low = 0, .high = 1, .high_open = true};
  f("model", model, "the pretrained encoder: a Hugging Face folder", Names::kRequiredFolder);
  f("start", start, "share of the steps after which weights are averaged (t0)", below_one);
  f("every", every, "steps between two weights of the mean, and of a cycle (c)", at_least(1));
  f("rate", rate, "learning rate while averaging, as a share of its peak", within(0, 1));
  f("late_start", late_start, "share of the steps after which the arm swa_late averages", below_one);
  f("low_rate", low_rate, "share of the peak in the arms low and swa_low, and at the end of a cycle", within(0, 1));
  f("ema_decay", ema_decay, "of the arm ema", below_one);
  f("probe_rows", probe_rows, "training rows that the flatness of each arm is measured on; 0: it is not", at_least(0));
  TaughtOptions::describe(f, swa_arm_names(), Names::kFolder);
  f.group("annealing", annealing);
  f.group("route", route);
  f.group("mate", mate);
  f.check([this]() -> std::optional<std::string> {
    for (const Trajectory& trajectory : wanted_trajectories(*this, train))
      if (trajectory.lesson != Lesson::kLabels && teacher.empty())
        return "teacher: expected a model for the arms with distillation";
    if (has("mate_kd") && mate.generator.empty())
      return "mate.generator: expected a masked language model for the arm mate_kd";
    return std::nullopt;
  });
}

void SwaOptions::plan_trainings(EncoderPlan& plan) const {
  const PlannedTraining tuning = planned_tuning(*this, model, precision, layers);
  for (const Trajectory& trajectory : wanted_trajectories(*this, train)) {
    PlannedTraining training = tuning;
    training.means = static_cast<int64_t>(trajectory.means.size());
    if (trajectory.lesson != Lesson::kLabels) {
      if (std::none_of(plan.trainings.begin(), plan.trainings.end(),
                       [](const auto& t) { return t.teacher.has_value(); }))
        plan.add_teacher(tuning, teacher);
      const auto readings = static_cast<double>(trajectory.lesson == Lesson::kRoute ? route.anchors : 1);
      training.taught_by(encoder_config_in(teacher), readings / static_cast<double>(seeds));
      if (trajectory.lesson == Lesson::kAdversarial) {  // what a generator writes too
        const auto length = train::length_of(static_cast<int64_t>(tuning.work->examples.size()), train);
        training.passes = 2;
        *training.teacher_epochs += static_cast<double>(length.steps) / static_cast<double>(length.steps_per_epoch);
      }
    }
    plan.add(training, trajectory.name);
  }
}

void run_swa(const SwaOptions& options, const Run& run) {
  SwaStudy(options, run).run();
}

}  // namespace limbeck::recipes
