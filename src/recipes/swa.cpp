#include "recipes/swa.h"

#include <ATen/core/Tensor.h>
#include <fmt/format.h>
#include <fmt/ranges.h>  // fmt::join

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include "recipes/drop_layers.h"
#include "recipes/flatness_probes.h"
#include "recipes/time_shares.h"
#include "train/averaging.h"

namespace limbeck::recipes {
namespace {

// A mean that follows a trajectory, as an arm.
struct MeanArm {
  std::string name, title;
  train::AveragingOptions averaging;
};

// One training and the arms that it gives: its last weights, and means of those on the way.
struct Trajectory {
  std::string name;  // the arm of its last weights too
  std::string title;
  train::Options train;
  bool taught = false;
  std::vector<MeanArm> means;
};

std::vector<Trajectory> trajectories(const SwaOptions& o) {
  using train::AveragingKind, train::ScheduleKind;
  const auto with = [&](ScheduleKind schedule, double rate) {
    train::Options train = o.train;
    train.schedule = schedule;
    train.plateau_start = o.start, train.plateau_rate = rate;
    train.cycle_steps = o.every, train.cycle_rate = o.low_rate;
    return train;
  };
  const auto swa = [&](double start, int64_t every) {
    return train::AveragingOptions{.kind = AveragingKind::kSwa, .start = start, .every = every};
  };
  return {{"linear",
           "fine-tuning, linear rate",
           with(ScheduleKind::kLinear, 0),
           false,
           {{"last3", "mean of the last 3 epochs of it", {.kind = AveragingKind::kLastK, .start = 0, .every = 0}}}},
          {"constant",
           "fine-tuning, high constant rate",
           with(ScheduleKind::kPlateau, o.rate),
           false,
           {{"swa", "SWA", swa(o.start, o.every)},
            {"swa_late", fmt::format("SWA from {:g} N", o.late_start), swa(o.late_start, o.every)},
            {"swa_every_step", "SWA, every step", swa(o.start, 1)},
            {"swa_epoch", "SWA, once an epoch", swa(o.start, 0)},
            {"ema",
             fmt::format("EMA {:g}", o.ema_decay),
             {.kind = AveragingKind::kEma, .start = o.start, .every = 1, .decay = o.ema_decay}}}},
          {"low",
           "fine-tuning, low constant rate",
           with(ScheduleKind::kPlateau, o.low_rate),
           false,
           {{"swa_low", "SWA at a low rate", swa(o.start, o.every)}}},
          {"cyclical",
           "fine-tuning, cycles",
           with(ScheduleKind::kCyclical, o.rate),
           false,
           {{"swa_cyclical", "SWA, cycles", swa(o.start, o.every)}}},
          {"kd", "logit distillation", with(ScheduleKind::kLinear, 0), true, {}},
          {"kd_constant",
           "logit distillation, high constant rate",
           with(ScheduleKind::kPlateau, o.rate),
           true,
           {{"kd_swa", "logit distillation + SWA", swa(o.start, o.every)}}}};
}

std::vector<std::string> arm_names() {
  std::vector<std::string> names;
  for (const Trajectory& trajectory : trajectories({})) {
    names.push_back(trajectory.name);
    for (const MeanArm& mean : trajectory.means) names.push_back(mean.name);
  }
  return names;
}

// Takes means on the way; checkpoints keep them.
class Followed : public TaskHooks {
 public:
  Followed(models::Encoder& encoder, const OpenTask& task, Seed seed, const std::vector<MeanArm>& arms,
           const train::Options& train)
      : TaskHooks(encoder, task, seed) {
    const auto length = train::length_of(static_cast<int64_t>(task.train.examples.size()), train);
    for (const MeanArm& arm : arms)
      if (arm.averaging.kind != train::AveragingKind::kNone)
        means_.emplace(std::piecewise_construct, std::forward_as_tuple(arm.name),
                       std::forward_as_tuple(trainable(encoder).parameters, arm.averaging, length));
  }
  void after_step(int64_t step) override {
    for (auto& [name, mean] : means_) mean.after_step(step);
  }
  std::optional<double> evaluate(int64_t) override { return std::nullopt; }  // the last weights count
  formats::NamedTensors state() override {
    formats::NamedTensors all;
    for (auto& [name, mean] : means_)
      for (auto& tensor : mean.state(name + ".")) all.push_back(tensor);
    return all;
  }
  train::Averaging* find(const std::string& name) {  // null for the last weights themselves
    const auto found = means_.find(name);
    return found == means_.end() ? nullptr : &found->second;
  }

 private:
  std::map<std::string, train::Averaging> means_;
};

class SwaStudy {
 public:
  SwaStudy(const SwaOptions& options, const Run& run)
      : options_(options), run_(run), study_(options, options.model, run) {
    const auto all = trajectories(options);
    const bool needs_teacher = std::any_of(all.begin(), all.end(), [&](const Trajectory& trajectory) {
      return trajectory.taught && !wanted(trajectory).empty();
    });
    if (needs_teacher)
      taught_ = taught_logits(*study_.teacher(options.teacher, options.train), study_.task(), options.kd);
  }

  void run() {
    for (int64_t i = 0; i < options_.runs; ++i)
      for (const Trajectory& trajectory : trajectories(options_)) follow(i, trajectory);
    std::vector<std::pair<std::string, std::vector<Flatness>>> probes;
    Json facts;
    for (auto& [name, probed] : probes_) facts["flatness"][name] = probed.second;
    for (auto& [name, probed] : probes_) {
      std::vector<Flatness> runs;
      for (const Json& run : probed.second) runs.push_back(flatness_from(run, name));
      probes.emplace_back(probed.first, runs);
    }
    study_.write("Stochastic weight averaging", "linear", probes.empty() ? "" : "\n" + flatness_markdown(probes),
                 facts);
  }

 private:
  std::vector<MeanArm> wanted(const Trajectory& trajectory) const {  // the last weights first, without averaging
    std::vector<MeanArm> arms = {{trajectory.name, trajectory.title, {}}};
    arms.insert(arms.end(), trajectory.means.begin(), trajectory.means.end());
    std::erase_if(arms, [&](const MeanArm& arm) { return !has_arm(options_.arms, arm.name); });
    return arms;
  }

  void follow(int64_t i, const Trajectory& trajectory) {
    const auto arms = wanted(trajectory);
    if (arms.empty()) return;
    const Run folder = study_.folder(i, trajectory.name);
    if (std::any_of(arms.begin(), arms.end(), [&](const auto& arm) { return !Study::is_measured(folder, arm.name); }))
      train(i, trajectory, arms, folder);
    for (const MeanArm& arm : arms) {
      study_.add(folder, arm.name, arm.title);
      if (const auto file = folder.path("flatness-" + arm.name + ".json"); std::filesystem::exists(file)) {
        probes_[arm.name].first = arm.title;
        probes_[arm.name].second.push_back(read_json(file));
      }
    }
  }

  void train(int64_t i, const Trajectory& trajectory, const std::vector<MeanArm>& arms, const Run& folder) const {
    const Seed seed = study_.seed_of(i);
    const auto model =
        drop_layers(study_.open(options_.model, seed).model, options_.layers, study_.task().train.examples, seed);
    Followed hooks(*model, study_.task(), seed, arms, trajectory.train);
    study_.fit(*model, folder, trajectory.train, hooks, trajectory.taught ? step_with_teacher() : nullptr);
    for (const MeanArm& arm : arms) {
      std::optional<train::Averaging::Swapped> mean;
      if (train::Averaging* averaging = hooks.find(arm.name)) {
        if (options_.probe_rows > 0 && arm.name == "swa") walk_to(*averaging, *model, folder);
        mean.emplace(*averaging, [&] { model->weights_changed(); });
      }
      if (i == 0 && arm.name == "swa") models::save_encoder(run_.path("model"), *model, study_.tokenizer());
      if (options_.probe_rows > 0) probe(*model, folder, arm.name);
      study_.measure(*model, folder, arm.name);
    }
    forget_checkpoints(folder);
  }

  Study::MakeStep step_with_teacher() const {
    return [this](models::Encoder& student, const TaskHooks& hooks) {
      return distilling_step(student, study_.task(), hooks, taught_, options_.kd);
    };
  }

  void probe(models::Encoder& model, const Run& folder, const std::string& name) const {
    model.set_precision(Precision::kFp32);
    write_json(folder.path("flatness-" + name + ".json"),
               to_json(flatness_of(model, study_.task(), options_.probe_rows, run_.seed().derive("probes"))));
    model.set_precision(options_.precision);
  }

  // From the last weights through the mean.
  void walk_to(train::Averaging& averaging, models::Encoder& model, const Run& folder) const {
    std::vector<at::Tensor> means;
    {
      const train::Averaging::Swapped mean(averaging, {});
      for (const auto& p : trainable(model).parameters) means.push_back(p.tensor->detach().clone());
    }
    model.set_precision(Precision::kFp32);
    write_json(folder.path("line.json"), to_json(loss_line(model, means, study_.task(), options_.probe_rows)));
    model.set_precision(options_.precision);
  }

  const SwaOptions& options_;
  const Run& run_;
  Study study_;
  std::vector<at::Tensor> taught_;
  std::map<std::string, std::pair<std::string, std::vector<Json>>> probes_;  // title and runs of each arm
};

}  // namespace

void SwaOptions::describe(Fields& f) {
  f("model", model, "the pretrained encoder: a Hugging Face folder", Names::kRequiredFolder);
  f("teacher", teacher,
    "of the arms with distillation: a Hugging Face folder; fine-tuned first where it has no head for "
    "the task",
    Names::kFolder);
  f("arms", arms, fmt::format("what is measured side by side: {}", fmt::join(arm_names(), ", ")));
  f("start", start, "share of the steps after which weights are averaged (t0)",
    Range{.low = 0, .high = 1, .high_open = true});
  f("every", every, "steps between two weights of the mean, and of a cycle (c)", at_least(1));
  f("rate", rate, "learning rate while averaging, as a share of its peak", within(0, 1));
  f("late_start", late_start, "share of the steps after which the arm swa_late averages",
    Range{.low = 0, .high = 1, .high_open = true});
  f("low_rate", low_rate, "share of the peak in the arm swa_low, and at the end of a cycle", within(0, 1));
  f("ema_decay", ema_decay, "of the arm ema", Range{.low = 0, .high = 1, .high_open = true});
  f("probe_rows", probe_rows, "training rows that the flatness of each arm is measured on; 0: it is not", at_least(0));
  StudyOptions::describe(f);
  f.group("layers", layers);
  f.group("kd", kd);
  f.check([this] { return mistake_in_arm_names(arms, arm_names()); });
  f.check([this]() -> std::optional<std::string> {
    const bool taught = has_arm(arms, "kd") || has_arm(arms, "kd_constant") || has_arm(arms, "kd_swa");
    if (taught && teacher.empty()) return "teacher: expected a model for the arms with distillation";
    return std::nullopt;
  });
}

void run_swa(const SwaOptions& options, const Run& run) {
  const TimeLog time_log(run);
  SwaStudy(options, run).run();
}

}  // namespace limbeck::recipes
