#include "recipes/triple_loss.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <algorithm>

#include "objectives/distillation.h"
#include "objectives/hidden_states.h"

namespace limbeck::recipes {
namespace {

// T² KL over the rows [M] of the batch; count M.
objectives::Term taught_divergence(models::Encoder& student, const at::Tensor& hidden, models::Encoder& teacher,
                                   const models::EncoderOutput& taught, const data::Batch& batch,
                                   const at::Tensor& rows, Precision precision, double temperature) {
  const bool all = !rows.defined();
  const at::Tensor ours = student.masked_lm_hidden(all ? hidden : hidden.index_select(0, rows));
  const auto logits = [&](const at::Tensor& chunk) {
    return teacher.logits(taught, batch.offsets, all ? chunk : rows.index_select(0, chunk));
  };
  const int64_t count = ours.size(0);
  // Targets are asked for, but cross-entropy has no weight here.
  const objectives::Loss loss = objectives::distillation(
      ours, student.output_weight(), at::zeros({count}, at::kLong), at::ones({count}, at::kFloat), logits,
      {.temperature = temperature, .divergence_weight = temperature * temperature}, chunk_options(student, precision));
  return {.name = "divergence", .sum = loss.terms.front().sum, .count = static_cast<double>(count)};
}

}  // namespace

void TripleLossOptions::describe(Fields& f) {
  f("ce", ce, "weight of the divergence from the teacher's distribution (a_ce)", at_least(0));
  f("mlm", mlm, "weight of the hidden tokens' negative log-probability (a_mlm)", at_least(0));
  f("cos", cos, "weight of the hidden states' cosine distance (a_cos)", at_least(0));
  f("temperature", temperature, "softens both distributions (T); the divergence is multiplied by T²", above(0));
  f("taught", taught, "the divergence is over all tokens, or over those that are hidden (restrict_ce_to_mask)",
    {{"all", TaughtTokens::kAll}, {"hidden", TaughtTokens::kHidden}});
}

train::Step triple_loss_step(models::Encoder& student, models::Encoder& teacher, const MaskedLmHooks& hooks,
                             Precision precision, const TripleLossOptions& options) {
  student.set_precision(precision);
  return [&student, &teacher, &hooks, precision, options](const data::Batch& batch) {
    const data::MaskedBatch masked = hooks.masks().of(batch);
    models::EncoderOutput taught;
    if (options.ce > 0 || options.cos > 0) {
      const at::NoGradGuard no_grad;
      taught = masked_pass(teacher, batch, masked);
    }
    const auto output = masked_pass(student, batch, masked, hooks.salt());
    // All terms count this pass's tokens; a mean over the hidden ones is brought to that by the whole batch's numbers.
    const auto num_tokens = static_cast<double>(batch.ids.numel());
    const double share = static_cast<double>(hooks.masks().num_tokens()) /
                         static_cast<double>(std::max<int64_t>(hooks.masks().num_masked(), 1));
    objectives::Loss loss;
    if (options.ce > 0) {
      const bool all = options.taught == TaughtTokens::kAll;
      auto term = taught_divergence(student, output.hidden, teacher, taught, batch, all ? at::Tensor() : masked.rows,
                                    precision, options.temperature);
      if (!all) term.sum = term.sum * share;
      term.count = num_tokens;
      term.weight = options.ce;
      loss.terms.push_back(std::move(term));
    }
    if (options.mlm > 0) {
      auto term = masked_lm_loss(student, output.hidden, masked, precision);
      loss.terms.push_back({.name = "masked_lm", .sum = term.sum * share, .count = num_tokens, .weight = options.mlm});
    }
    if (options.cos > 0) {
      auto term = objectives::cosine_distance(output.hidden, taught.hidden);
      term.name = "cosine";
      term.weight = options.cos;
      loss.terms.push_back(std::move(term));
    }
    return loss;
  };
}

}  // namespace limbeck::recipes
