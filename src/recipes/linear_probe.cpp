#include "recipes/linear_probe.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <algorithm>
#include <vector>

#include "base/phases.h"
#include "data/order.h"
#include "formats/safetensors.h"

namespace limbeck::recipes {
namespace {

using data::TaskKind;

// What the probe reads of each example: [documents, D], or [tokens, D] of tags and spans.
std::vector<at::Tensor> states_of(models::Encoder& encoder, const std::vector<data::Example>& examples, TaskKind kind,
                                  nn::Pooling pooling) {
  constexpr int64_t kMostTokens = 8192;  // of a forward pass
  const Phase phase("states of the probe", "recipe");
  const at::NoGradGuard no_grad;
  std::vector<int64_t> lengths;
  for (const auto& example : examples) lengths.push_back(static_cast<int64_t>(example.ids.size()));
  const bool of_tokens = kind == TaskKind::kTags || kind == TaskKind::kSpan;
  std::vector<at::Tensor> states(examples.size());
  for (const auto& part : data::split_by_tokens(lengths, kMostTokens)) {
    std::vector<data::Example> chosen;
    for (const int64_t i : part) chosen.push_back(examples[static_cast<std::size_t>(i)]);
    const data::Batch batch = data::collate(chosen);
    const auto plan = models::plan_for(encoder.config(), batch.offsets);
    const at::Tensor hidden = encoder.forward(batch.ids, batch.types, *plan).hidden;
    const at::Tensor rows = of_tokens ? hidden : nn::pool(hidden, batch.offsets, pooling);
    for (std::size_t i = 0; i < part.size(); ++i) {
      int64_t begin = batch.firsts[i], end = batch.firsts[i + 1];
      if (of_tokens) begin = batch.offsets[begin], end = batch.offsets[end];
      states[static_cast<std::size_t>(part[i])] = rows.narrow(0, begin, end - begin).clone();
    }
  }
  return states;
}

struct ProbeStates {
  std::vector<at::Tensor> train, dev, test;
  at::Tensor mean, deviation;  // [D] of the training rows'

  ProbeStates(models::Encoder& encoder, const OpenTask& task, nn::Pooling pooling) {
    const TaskKind kind = task.data.description.kind;
    train = states_of(encoder, task.train.examples, kind, pooling);
    dev = states_of(encoder, task.dev.examples, kind, pooling);
    test = states_of(encoder, task.test.examples, kind, pooling);
    const at::Tensor all = at::cat(train);
    mean = all.mean(0);
    deviation = at::sqrt((all - mean).square().mean(0)).clamp_min(1e-6);
    for (auto* list : {&train, &dev, &test})
      for (at::Tensor& rows : *list) rows.sub_(mean).div_(deviation);
  }
};

class Probe {
 public:
  Probe(int64_t width, int64_t outputs)
      : weight_(at::zeros({width, outputs}).requires_grad_(true)), bias_(at::zeros({outputs}).requires_grad_(true)) {}
  at::Tensor logits(const at::Tensor& states) const { return at::addmm(bias_, states, weight_); }
  std::vector<at::Tensor> logits(const std::vector<at::Tensor>& states) const {
    const at::NoGradGuard no_grad;
    std::vector<at::Tensor> list;
    for (const at::Tensor& rows : states) list.push_back(logits(rows));
    return list;
  }
  train::Trainable trainable() { return {.parameters = {{"weight", &weight_, {}}, {"bias", &bias_, {}}}}; }
  int64_t num_weights() const { return weight_.numel() + bias_.numel(); }
  void save(const std::filesystem::path& path, const ProbeStates& states) const {
    formats::write_safetensors(path, {{"weight", weight_.detach()},
                                      {"bias", bias_.detach()},
                                      {"mean", states.mean},
                                      {"deviation", states.deviation}});
  }

 private:
  at::Tensor weight_, bias_;
};

class ProbeHooks : public train::Hooks {
 public:
  ProbeHooks(const Probe& probe, const ProbeStates& states, const OpenTask& task)
      : probe_(probe), states_(states), task_(task) {}
  std::optional<double> evaluate(int64_t) override {
    return dev_metric(task_, [&] {
      return read_logits(probe_.logits(states_.dev), task_.data.description, task_.data.dev.rows, task_.dev);
    });
  }

 private:
  const Probe& probe_;
  const ProbeStates& states_;
  const OpenTask& task_;
};

}  // namespace

TaskArm probe_arm(const LinearProbe& probe, models::Encoder& encoder, const ArmContext& context, const Run& arms) {
  const OpenTask& task = context.task;
  const TaskKind kind = task.data.description.kind;
  std::optional<ProbeStates> states;  // computed where a seed is not there yet
  ArmSpeed speed;
  int64_t all_weights = 0;
  return make_arm(probe.name, probe.title, 0, context, arms, [&](const Run& run) {
    if (!states) {
      all_weights = num_weights(encoder);
      encoder.freeze(context.precision);
      states.emplace(encoder, task, probe.pooling);
      speed = measure_speed(encoder, task.test);
    }
    Probe own(encoder.config().hidden_size, head_of(task.data).outputs);
    ProbeHooks hooks(own, *states, task);
    const train::Step step = [&](const data::Batch& batch) {
      std::vector<at::Tensor> rows;
      for (const int64_t index : batch.indices) rows.push_back(states->train[static_cast<std::size_t>(index)]);
      return objectives::Loss{{task_loss(own.logits(at::cat(rows)), batch, kind, task.train)}};
    };
    train::fit(own.trainable(), task.train.examples, step, probe.train, run, hooks);
    own.save(run.path("probe.safetensors"), *states);
    write_measured(
        run, task,
        {.predictions = read_logits(own.logits(states->test), task.data.description, task.data.test.rows, task.test),
         .num_parameters = all_weights,
         .num_trained = own.num_weights(),
         .speed = speed});
  });
}

}  // namespace limbeck::recipes
