#include "recipes/lora.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <utility>

#include "peft/adapter_folder.h"

namespace limbeck::recipes {
namespace {

std::vector<nn::NamedLinear> linears_of(models::LanguageModel& model) {
  nn::Parameters p;
  model.parameters(p);
  return p.linears();
}

// [N] int64: of each token of a batch.
at::Tensor row_keys(const data::Batch& batch, Seed seed) {
  const at::Tensor keys = at::empty({batch.ids.numel()}, at::kLong);
  int64_t* key = keys.mutable_data_ptr<int64_t>();
  for (std::size_t i = 0; i < batch.indices.size(); ++i) {
    const uint64_t text = seed.derive(static_cast<uint64_t>(batch.indices[i])).value();
    for (int64_t t = batch.offsets[i]; t < batch.offsets[i + 1]; ++t)
      key[t] = static_cast<int64_t>(text + static_cast<uint64_t>(t - batch.offsets[i]) * 0x9e3779b97f4a7c15u);
  }
  return keys;
}

}  // namespace

void LoraOptions::describe(Fields& f) {
  f("rank", rank, "of the branches (r); 0: no LoRA, all weights are trained", Range{.low = 0, .high = 65536});
  f("alpha", alpha, "branches are scaled by alpha / rank", above(0));
  f("dropout", dropout, "share of a branch's inputs that is dropped", Range{.low = 0, .high = 1, .high_open = true});
  f("rank_stabilised", rank_stabilised, "scale by alpha / √rank instead (rsLoRA, arXiv:2312.03732)");
  f("targets", targets, "modules by name or its last part (q_proj, attn.c_proj), or all-linear");
}

LoraTraining::LoraTraining(models::LanguageModel& model, const LoraOptions& options, Seed seed)
    : model_(model),
      seed_(seed),
      lora_(linears_of(model),
            {.rank = options.rank,
             .alpha = options.alpha,
             .dropout = options.dropout,
             .rank_stabilised = options.rank_stabilised,
             .targets = options.targets},
            seed.derive("lora")) {
  set_base_gradients(false);
}

void LoraTraining::set_base_gradients(bool wanted) {
  nn::Parameters p;
  model_.parameters(p);
  for (const nn::NamedParameter& parameter : p.list()) parameter.tensor->requires_grad_(wanted);
  for (const nn::NamedParameter& parameter : lora_.parameters()) parameter.tensor->requires_grad_(true);
}

train::Trainable LoraTraining::trainable() {
  return {.parameters = lora_.parameters(), .weights_changed = [] {}};
}

train::Step LoraTraining::step(train::Step inner) {
  if (lora_.config().dropout == 0) return inner;
  return [this, inner = std::move(inner)](const data::Batch& batch) {
    const Seed seed = seed_.derive("dropout").derive(static_cast<uint64_t>(optimiser_step_));
    lora_.set_rows(at::GradMode::is_enabled() ? row_keys(batch, seed) : at::Tensor());
    return inner(batch);
  };
}

int64_t LoraTraining::num_weights() {
  int64_t count = 0;
  for (const nn::NamedParameter& p : lora_.parameters()) count += p.tensor->numel();
  return count;
}

void LoraTraining::save(const std::filesystem::path& folder, const std::string& base_model) {
  peft::save_adapter(folder, lora_, base_model);
}

void LoraTraining::merge() {
  lora_.merge();
  set_base_gradients(true);
}

}  // namespace limbeck::recipes
