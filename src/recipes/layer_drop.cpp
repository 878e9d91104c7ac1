#include "recipes/layer_drop.h"

#include <ATen/core/Tensor.h>
#include <fmt/format.h>
#include <fmt/ranges.h>  // fmt::join

#include <algorithm>
#include <map>
#include <memory>
#include <numeric>
#include <optional>

#include "base/errors.h"
#include "models/layer_choice.h"
#include "recipes/drop_layers.h"
#include "recipes/time_shares.h"

namespace limbeck::recipes {
namespace {

std::vector<std::string> drop_arms() {
  std::vector<std::string> names = {"full"};
  for (const auto& [name, rule] : models::drop_rules())
    if (rule != models::DropRule::kGiven) names.push_back(name);
  names.insert(names.end(), {"after", "scratch", "kd"});
  return names;
}

std::string title_of_arm(const std::string& arm) {
  if (arm == "after") return "top, dropped after fine-tuning";
  if (arm == "scratch") return "fresh weights of that depth";
  if (arm == "kd") return "top, distilled from the whole model";
  return arm;
}

class LayerDrop {
 public:
  LayerDrop(const LayerDropOptions& options, const Run& run)
      : options_(options), run_(run), study_(options, options.model, run) {}

  void run() {
    for (int64_t i = 0; i < options_.runs; ++i) one_run(i);
    study_.write("Dropping layers", "full", notes(), facts_);
  }

 private:
  using Start = std::function<std::shared_ptr<models::Encoder>()>;

  void one_run(int64_t i) {
    const Seed seed = study_.seed_of(i);
    const auto pretrained = [&] { return study_.open(options_.model, seed).model; };
    std::shared_ptr<models::Encoder> full;
    const auto whole = [&] {  // fine-tuned; trained once a run, its checkpoint stays until the others are done
      if (!full) full = pretrained(), study_.fit(*full, study_.folder(i, "full"), seed, options_.train);
      return full;
    };
    if (i == 0) profile("before", pretrained);
    if (has_arm(options_.arms, "full")) arm(i, "full", "the whole model", whole, nullptr);
    if (i == 0 && has_arm(options_.arms, "full")) profile("after", whole);
    for (const int64_t drop : options_.drop)
      for (const std::string& name : options_.arms) {
        if (name == "full") continue;
        models::LayerChoiceOptions choice{.rule = models::DropRule::kTop, .drop = drop};
        for (const auto& [spelled, rule] : models::drop_rules())
          if (spelled == name) choice.rule = rule;
        const std::string arm_name = fmt::format("{}-{}", name, drop);
        Study::MakeStep step;
        if (name == "kd" && !Study::is_measured(study_.folder(i, arm_name), arm_name)) step = learn_from(i, whole());
        const Start start = [&, choice, name]() -> std::shared_ptr<models::Encoder> {
          if (name == "scratch") return fresh(drop, seed);
          return drop_layers(name == "after" ? whole() : pretrained(), choice, looked_at(), seed);
        };
        arm(i, arm_name, fmt::format("{}, {} fewer", title_of_arm(name), drop), start, step);
      }
    forget_checkpoints(study_.folder(i, "full"));
  }

  void arm(int64_t i, const std::string& name, const std::string& title, const Start& start,
           const Study::MakeStep& step) {
    const Run folder = study_.folder(i, name);
    if (!Study::is_measured(folder, name)) {
      const auto model = start();
      if (name != "full") study_.fit(*model, folder, study_.seed_of(i), options_.train, step);
      if (i == 0 && name != "full" && !std::filesystem::exists(run_.path("model")))
        models::save_encoder(run_.path("model"), *model, study_.tokenizer());
      study_.measure(*model, folder, name);
      if (name != "full") forget_checkpoints(folder);
    }
    study_.add(folder, name, title);
  }

  Study::MakeStep learn_from(int64_t i, const std::shared_ptr<models::Encoder>& teacher) {
    if (taught_run_ != i) taught_ = taught_logits(*teacher, study_.task(), options_.kd), taught_run_ = i;
    return [this](models::Encoder& student, const TaskHooks& hooks) {
      return distilling_step(student, study_.task(), hooks, taught_, options_.kd);
    };
  }

  std::shared_ptr<models::Encoder> fresh(int64_t drop, Seed seed) const {
    models::EncoderConfig config = models::load_encoder(options_.model).model->config();
    config.num_hidden_layers -= drop;
    return models::make_encoder(config, head_of(study_.task().data), seed.derive("fresh"));
  }

  const std::vector<data::Example>& looked_at() const {
    return study_.task().dev.examples.empty() ? study_.task().train.examples : study_.task().dev.examples;
  }

  void profile(const std::string& when, const Start& model) {
    const auto file = run_.path("contributions-" + when + ".json");
    if (!std::filesystem::exists(file)) write_json(file, contribution_scores(*model(), looked_at()));
    facts_["contributions"][when] = read_json(file);
  }

  std::string notes() {
    std::string text;
    for (const auto& [when, scores] : facts_["contributions"].items()) {
      std::vector<std::string> cosines;
      for (const Json& score : scores) cosines.push_back(fmt::format("{:.3f}", score.get<double>()));
      text += fmt::format("Cosine of each block's input and output at the first token, {} fine-tuning: {}.\n", when,
                          fmt::join(cosines, " "));
    }
    return "\n" + text + depth_search();
  }

  // The most blocks that the top rule may drop before the dev rows fall by more than so many points.
  std::string depth_search() {
    std::map<std::string, double> dev;
    for (const StudyArm& arm : study_.arms())
      dev[arm.name] = std::accumulate(arm.dev.begin(), arm.dev.end(), 0.0) / static_cast<double>(arm.dev.size());
    if (!dev.contains("full") || !has_arm(options_.arms, "top")) return "";
    std::vector<int64_t> depths = options_.drop;
    std::sort(depths.begin(), depths.end());
    std::string text;
    for (const int points : {1, 2, 3}) {
      int64_t most = 0;
      for (const int64_t drop : depths) {
        if (dev.at("full") - dev.at(fmt::format("top-{}", drop)) > points / 100.0) break;
        most = drop;
      }
      facts_["depth_search"][std::to_string(points)] = most;
      text += fmt::format("The top rule may drop {} blocks before {} fall by more than {} point{}.\n", most,
                          study_.task().dev.examples.empty() ? "the test rows (there are no dev rows)" : "the dev rows",
                          points, points == 1 ? "" : "s");
    }
    return text;
  }

  const LayerDropOptions& options_;
  const Run& run_;
  Study study_;
  std::vector<at::Tensor> taught_;
  int64_t taught_run_ = -1;
  Json facts_;
};

}  // namespace

void LayerDropOptions::describe(Fields& f) {
  f("model", model, "the pretrained encoder: a Hugging Face folder", Names::kRequiredFolder);
  f("arms", arms, fmt::format("what is measured side by side: {}", fmt::join(drop_arms(), ", ")));
  f("drop", drop, "how many blocks each arm drops (K); each number gives arms of its own", at_least(1));
  StudyOptions::describe(f);
  f.group("kd", kd);
  f.check([this] { return mistake_in_arm_names(arms, drop_arms()); });
  f.check([this]() -> std::optional<std::string> {
    if (drop.empty()) return "drop: expected at least one number of blocks but received none";
    return std::nullopt;
  });
}

void run_layer_drop(const LayerDropOptions& options, const Run& run) {
  const TimeLog time_log(run);
  LayerDrop(options, run).run();
}

}  // namespace limbeck::recipes
