#include "recipes/layer_drop.h"

#include <ATen/core/Tensor.h>
#include <fmt/format.h>
#include <fmt/ranges.h>  // fmt::join

#include <algorithm>
#include <cstdio>
#include <map>

#include "base/errors.h"
#include "base/json.h"
#include "recipes/drop_layers.h"
#include "recipes/task_report.h"

namespace limbeck::recipes {
namespace {

std::vector<std::string> drop_arms() {
  std::vector<std::string> names = {"full"};
  for (const auto& [name, rule] : models::drop_rules())
    if (rule != models::DropRule::kGiven) names.push_back(name);
  names.insert(names.end(), {"after", "scratch", "kd"});
  return names;
}

std::string title_of_arm(const std::string& arm, int64_t drop) {
  std::string title = arm;
  if (arm == "after") title = "top, dropped after fine-tuning";
  if (arm == "scratch") title = "fresh weights of that depth";
  if (arm == "kd") title = "top, distilled from the whole model";
  return fmt::format("{}, {} fewer", title, drop);
}

class LayerDrop {
 public:
  LayerDrop(const LayerDropOptions& options, const Run& run)
      : options_(options), run_(run), study_(options, options.model, run) {}

  void run() {
    TaskResult result{.method = "layer-drop",
                      .title = "Dropping layers",
                      .paper = "Sajjad et al., arXiv:2004.03844",
                      .main = "full",
                      .resamples = options_.resamples};
    const auto pretrained = study_.open(options_.model, study_.seed_of(0)).model;
    check_depths(pretrained->config().num_hidden_layers);
    facts_["contributions"]["before fine-tuning"] = contribution_scores(*pretrained, looked_at());
    full_ = study_.train_seeds("full", "the whole model", [&](int64_t s) {
      return study_.starting_from([this, s] { return study_.open(options_.model, study_.seed_of(s)); });
    });
    facts_["contributions"]["after fine-tuning"] = contribution_scores(*whole(0).model, looked_at());
    if (options_.has("full")) result.arms.push_back(full_);
    dev_["full"] = dev_of(full_);
    for (const int64_t drop : options_.drop)
      for (const std::string& arm : options_.arms)
        if (arm != "full") result.arms.push_back(train(arm, drop));
    search_depth();
    write_json(run_.path("layers.json"), facts_);
    write_task_results(result, study_.task(), run_);
  }

 private:
  // The blocks that an arm drops; controls drop the top ones.
  static models::LayerChoiceOptions choice_of(const std::string& arm, int64_t drop) {
    models::LayerChoiceOptions choice{.rule = models::DropRule::kTop, .drop = drop};
    for (const auto& [spelled, rule] : models::drop_rules())
      if (spelled == arm) choice.rule = rule;
    return choice;
  }

  // Throws UserError, before any work, where a rule cannot drop so many.
  void check_depths(int64_t num_blocks) const {
    const std::vector<double> any(static_cast<std::size_t>(num_blocks), 0);
    for (const int64_t drop : options_.drop)
      for (const std::string& arm : options_.arms)
        in_context("arm " + arm, [&] { models::blocks_to_drop(num_blocks, choice_of(arm, drop), any); });
  }

  TaskArm train(const std::string& arm, int64_t drop) {
    const models::LayerChoiceOptions choice = choice_of(arm, drop);
    const std::string name = fmt::format("{}-{}", arm, drop);
    const TaskArm trained = study_.train_seeds(name, title_of_arm(arm, drop), [&](int64_t s) {
      ArmTraining training = study_.starting_from([this, arm, drop, choice, s]() -> models::PretrainedEncoder {
        models::PretrainedEncoder start = study_.open(options_.model, study_.seed_of(s), choice);
        if (arm == "scratch") start.model = fresh(drop, study_.seed_of(s));
        if (arm == "after") start.model = drop_layers(whole(s).model, choice, looked_at(), study_.seed_of(s));
        return start;
      });
      if (arm == "kd")
        training.step = [this, s](models::Encoder& student, const TaskHooks& hooks) {
          taught_ = taught_logits(*whole(s).model, study_.task(), options_.kd);
          return distilling_step(student, study_.task(), hooks, taught_, options_.kd);
        };
      return training;
    });
    if (arm == "top") dev_[name] = dev_of(trained);
    return trained;
  }

  models::PretrainedEncoder whole(int64_t s) const {  // fine-tuned
    return study_.open((full_.folders[static_cast<std::size_t>(s)] / "model").string(), study_.seed_of(s));
  }

  std::shared_ptr<models::Encoder> fresh(int64_t drop, Seed seed) const {
    models::EncoderConfig config = models::load_encoder(options_.model).model->config();
    config.num_hidden_layers -= drop;
    return models::make_encoder(config, head_of(study_.task().data), seed.derive("fresh"));
  }

  bool has_dev() const { return !study_.task().dev.examples.empty(); }
  const std::vector<data::Example>& looked_at() const {
    return has_dev() ? study_.task().dev.examples : study_.task().train.examples;
  }

  // The mean over seeds of the first metric on the dev rows, or the test rows where there are none.
  double dev_of(const TaskArm& arm) const {
    const OpenTask& task = study_.task();
    const data::TaskSplit& rows = has_dev() ? task.data.dev : task.data.test;
    const std::string metric = data::chosen_metrics(task.data.description).front();
    double sum = 0;
    for (std::size_t s = 0; s < arm.folders.size(); ++s) {
      const auto model = study_.open((arm.folders[s] / "model").string(), study_.seed_of(0)).model;
      sum += evaluation::task_metric(metric, task.data, rows,
                                     predict(*model, task.data.description, rows, has_dev() ? task.dev : task.test));
    }
    return sum / static_cast<double>(arm.folders.size());
  }

  // The most blocks that the top rule may drop before the dev rows fall by more than so many points.
  void search_depth() {
    if (!options_.has("top")) return;
    std::vector<int64_t> depths = options_.drop;
    std::sort(depths.begin(), depths.end());
    for (const int points : {1, 2, 3}) {
      int64_t most = 0;
      for (const int64_t drop : depths) {
        if (dev_.at("full") - dev_.at(fmt::format("top-{}", drop)) > points / 100.0) break;
        most = drop;
      }
      facts_["depth"][std::to_string(points)] = most;
      fmt::print("{} of the top blocks may go before {} rows fall by more than {} point{}\n", most,
                 has_dev() ? "dev" : "test", points, points == 1 ? "" : "s");
    }
    std::fflush(stdout);
  }

  const LayerDropOptions& options_;
  const Run& run_;
  Study study_;
  TaskArm full_;
  std::vector<at::Tensor> taught_;
  std::map<std::string, double> dev_;
  Json facts_;
};

}  // namespace

void LayerDropOptions::describe(Fields& f) {
  f("model", model, "the pretrained encoder: a Hugging Face folder", Names::kRequiredFolder);
  f("drop", drop, "how many blocks each arm drops (K); each number gives arms of its own", at_least(1));
  DistilledOptions::describe(f, drop_arms());
  f.check([this]() -> std::optional<std::string> {
    if (drop.empty()) return "drop: expected at least one number of blocks but received none";
    return std::nullopt;
  });
}

void LayerDropOptions::plan_trainings(EncoderPlan& plan) const {
  const PlannedTraining tuning = planned_tuning(*this, model, precision);
  plan.add(tuning, "full");
  for (const int64_t fewer : drop)
    for (const std::string& arm : arms) {
      if (arm == "full") continue;
      PlannedTraining& training = plan.add(tuning, fmt::format("{}-{}", arm, fewer));
      training.config.num_hidden_layers = std::max<int64_t>(1, training.config.num_hidden_layers - fewer);
      if (arm == "kd") training.taught_by(tuning.config, 1);
    }
}

void run_layer_drop(const LayerDropOptions& options, const Run& run) {
  LayerDrop(options, run).run();
}

}  // namespace limbeck::recipes
