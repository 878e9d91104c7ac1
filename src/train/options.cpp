#include "train/options.h"

namespace limbeck::train {

void Options::describe(Fields& f) {
  f("epochs", epochs, "how often each example is seen", above(0));
  f("max_steps", max_steps, "optimiser steps; 0: as many as the epochs take", at_least(0));
  f("batch_size", batch_size, "examples an optimiser step", at_least(1));
  f("micro_batch_tokens", micro_batch_tokens, "tokens a forward pass; the gradients of a batch are added up exactly",
    at_least(1));
  f("learning_rate", learning_rate, "at its peak", above(0));
  f("weight_decay", weight_decay, "of matrices, decoupled (AdamW); norms and biases have none", at_least(0));
  f("beta1", beta1, "decay of the running mean of gradients", {.low = 0, .high = 1, .high_open = true});
  f("beta2", beta2, "decay of the running mean of squared gradients", {.low = 0, .high = 1, .high_open = true});
  f("epsilon", epsilon, "added to the root of the running mean of squares", above(0));
  f("clip_norm", clip_norm, "longest gradient, over all parameters together; 0: not clipped", at_least(0));
  f("schedule", schedule, "of the learning rate after the warm-up",
    {{"linear", ScheduleKind::kLinear}, {"cosine", ScheduleKind::kCosine}, {"constant", ScheduleKind::kConstant}});
  f("warmup_steps", warmup_steps, "steps in which the learning rate rises to its peak", at_least(0));
  f("final_learning_rate", final_learning_rate, "share of the peak that the schedule ends at", within(0, 1));
  f("evaluate_every", evaluate_every, "steps between evaluations; 0: after each epoch, or as often as the method says",
    at_least(0));
  f("checkpoint_every", checkpoint_every, "steps between checkpoints; 0: only by time", at_least(0));
  f("checkpoint_minutes", checkpoint_minutes, "minutes between checkpoints; 0: only by steps", at_least(0));
  f("keep_checkpoints", keep_checkpoints, "newest checkpoints that stay", at_least(1));
  f("keep_best", keep_best, "end with the weights of the best evaluation instead of the last");
  f("recompute", recompute,
    "what a backward pass computes again instead of keeping it: nothing, or the gate and up values of the feed-forward "
    "blocks, half of the memory of a forward pass for about a tenth of the time",
    {{"none", nn::Recompute::kNone}, {"mlp", nn::Recompute::kMlp}});
  f("not_finite", not_finite, "when a loss or gradient is NaN or infinite: stop the run or skip the step",
    {{"stop", NotFinite::kStop}, {"skip", NotFinite::kSkip}});
}

}  // namespace limbeck::train
