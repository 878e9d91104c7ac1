#include "recipes/layer_losses.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <optional>

#include "base/errors.h"
#include "formats/safetensors.h"
#include "objectives/attention_transfer.h"
#include "objectives/combine.h"
#include "objectives/hidden_states.h"
#include "recipes/task_training.h"  // trainable, dropout_salt

namespace limbeck::recipes {
namespace {

void expect_paired_heads(models::Encoder& student, models::Encoder& teacher) {
  const int64_t ours = student.config().num_attention_heads, theirs = teacher.config().num_attention_heads;
  if (ours != theirs)
    user_fail("student",
              "expected the teacher's {} attention heads, with which its heads are paired one by one, but received {}",
              theirs, ours);
}

std::vector<nn::NamedParameter> parameters_of(nn::Projections& projections) {
  nn::Parameters parameters;
  projections.parameters(parameters);
  return parameters.list();
}

// Dropout by the step.
class LayerHooks : public train::Hooks {
 public:
  explicit LayerHooks(Seed seed) : seed_(seed) {}
  void before_step(int64_t step) override { step_ = step; }
  uint64_t salt() const { return dropout_salt(seed_, step_); }

 private:
  Seed seed_;
  int64_t step_ = 0;
};

}  // namespace

void LayerLossOptions::describe(Fields& f) {
  f("attention", attention, "weight of the attention scores' squared error", at_least(0));
  f("hidden", hidden, "weight of the hidden states' squared error", at_least(0));
  f("embedding", embedding, "weight of the embeddings' squared error", at_least(0));
  f("padded_length", padded_length,
    "divide as if texts were padded to so many tokens, as the official code does; 0: by real tokens", at_least(0));
  f("projection", projection, "from the student's width to the teacher's: one for all states, or one for each",
    {{"shared", nn::Projections::Sharing::kShared}, {"each", nn::Projections::Sharing::kEach}});
  f.group("map", map);
}

LayerLearner::LayerLearner(models::Encoder& student, models::Encoder& teacher, const LayerLossOptions& options,
                           Precision precision, Seed seed)
    : student_(student),
      teacher_(teacher),
      options_(options),
      pairs_(models::layer_pairs(student.config().num_hidden_layers, teacher.config().num_hidden_layers, options.map)),
      projections_({.in = student.config().hidden_size,
                    .out = teacher.config().hidden_size,
                    .states = student.config().num_hidden_layers + 1,
                    .sharing = options.projection},
                   seed.derive("projections")) {
  expect_paired_heads(student, teacher);
  student_.set_precision(precision);
  projections_.set_precision(precision);
}

objectives::Loss LayerLearner::loss(const data::Batch& batch, uint64_t salt) {
  const bool states = options_.hidden > 0 || options_.embedding > 0, attends = options_.attention > 0;
  models::EncoderOutput theirs;
  {
    const at::NoGradGuard no_grad;
    const auto plan = models::plan_for(teacher_.config(), batch.offsets);
    theirs = teacher_.forward(batch.ids, batch.types, *plan, {.hidden_states = states, .attention = attends});
  }
  const auto plan = models::plan_for(student_.config(), batch.offsets, salt, batch.ids);
  const auto ours = student_.forward(batch.ids, batch.types, *plan,
                                     {.hidden_states = states, .attention = attends, .dropout_salt = salt});
  std::optional<objectives::PaddedCount> padded;
  if (options_.padded_length > 0)
    padded = {.documents = static_cast<int64_t>(batch.offsets.size()) - 1, .length = options_.padded_length};
  const auto state_error = [&](int64_t student, int64_t teacher) {
    const at::Tensor led = projections_.forward(student, ours.hidden_states[static_cast<std::size_t>(student)]);
    return objectives::hidden_mse(led.to(at::kFloat), theirs.hidden_states[static_cast<std::size_t>(teacher)], padded);
  };
  objectives::Loss loss;
  std::vector<objectives::Term> attention, hidden;
  for (const models::LayerPair& pair : pairs_) {
    if (attends) {
      const auto &s = ours.attention[static_cast<std::size_t>(pair.student)],
                 &t = theirs.attention[static_cast<std::size_t>(pair.teacher)];
      attention.push_back(
          objectives::attention_score_mse({s.q, s.k}, {t.q, t.k}, batch.offsets, options_.padded_length));
    }
    if (options_.hidden > 0) hidden.push_back(state_error(pair.student + 1, pair.teacher + 1));
  }
  if (attends) loss.terms.push_back(objectives::add_up("attention", attention, options_.attention));
  if (options_.hidden > 0) loss.terms.push_back(objectives::add_up("hidden", hidden, options_.hidden));
  if (options_.embedding > 0)
    loss.terms.push_back(objectives::add_up("embedding", {state_error(0, 0)}, options_.embedding));
  return loss;
}

train::Trainable LayerLearner::trainable() {
  train::Trainable whole = recipes::trainable(student_);
  for (const auto& p : parameters_of(projections_)) whole.parameters.push_back(p);
  whole.weights_changed = [this] {
    student_.weights_changed();
    projections_.weights_changed();
  };
  return whole;
}

void LayerLearner::save_projections(const std::filesystem::path& file) {
  formats::NamedTensors tensors;
  for (const auto& p : parameters_of(projections_)) tensors.emplace_back(p.name, *p.tensor);
  formats::write_safetensors(file, tensors);
}

void LayerLearner::load_projections(const std::filesystem::path& file) {
  const at::NoGradGuard no_grad;
  const auto source = formats::open_safetensors(file);
  for (const auto& p : parameters_of(projections_)) {
    const at::Tensor kept = source->read(p.name);
    if (kept.sizes() != p.tensor->sizes())
      fail(file.string(), "tensor '{}': expected {} numbers but received {}", p.name, p.tensor->numel(), kept.numel());
    p.tensor->copy_(kept);
  }
  projections_.weights_changed();
}

train::Result learn_layers(LayerLearner& learner, const std::vector<data::Example>& examples,
                           const train::Options& options, const Run& run) {
  LayerHooks hooks(run.seed());
  const train::Step step = [&](const data::Batch& batch) { return learner.loss(batch, hooks.salt()); };
  return train::fit(learner.trainable(), examples, step, options, run, hooks);
}

}  // namespace limbeck::recipes
