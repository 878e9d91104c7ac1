#include "train/options.h"

namespace limbeck::train {

void AveragingOptions::describe(Fields& f) {
  f("averaging", kind,
    "which weights remain: none: as keep_best says; swa: the mean of those that training went through (Lu et al., "
    "arXiv:2212.05956), ema: their exponential mean, last-k: the mean of the last ones, and evaluations are of that "
    "mean; best: those of the best evaluation",
    {{"none", AveragingKind::kNone},
     {"swa", AveragingKind::kSwa},
     {"ema", AveragingKind::kEma},
     {"last-k", AveragingKind::kLastK},
     {"best", AveragingKind::kBest}});
  f("averaging_start", start, "share of the steps after which weights are taken into a mean (t0)",
    Range{.low = 0, .high = 1, .high_open = true});
  f("averaging_every", every, "steps between two weights of a mean (c); 0: once an epoch", at_least(0));
  f("averaging_decay", decay, "of the mean with ema", Range{.low = 0, .high = 1, .high_open = true});
  f("averaging_last", last, "how many weights the mean is over with last-k", at_least(1));
}

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
  f("bias_correction", bias_correction,
    "of the running means, which begin at 0; BERT's optimiser, and TinyBERT's, has none");
  f("clip_norm", clip_norm, "longest gradient; 0: not clipped", at_least(0));
  f("clip", clip, "what clip_norm holds for: the gradient of all parameters together, or that of each tensor by itself",
    {{"all", Clip::kAll}, {"each", Clip::kEach}});
  f("schedule", schedule,
    "of the learning rate after the warm-up: a line or half a cosine to final_learning_rate, its peak to the end, its "
    "peak or a line until a plateau begins, or its peak and then cycles",
    {{"linear", ScheduleKind::kLinear},
     {"cosine", ScheduleKind::kCosine},
     {"constant", ScheduleKind::kConstant},
     {"plateau", ScheduleKind::kPlateau},
     {"decay-to-plateau", ScheduleKind::kDecayToPlateau},
     {"cyclical", ScheduleKind::kCyclical}});
  f("warmup_steps", warmup_steps, "steps in which the learning rate rises to its peak", at_least(0));
  f("final_learning_rate", final_learning_rate, "share of the peak that the schedule ends at", within(0, 1));
  f("plateau_start", plateau_start, "share of the steps after which the plateau, or the cycles, begin", within(0, 1));
  f("plateau_rate", plateau_rate, "share of the peak on the plateau, or that a cycle begins with", within(0, 1));
  f("cycle_steps", cycle_steps, "steps of a cycle", at_least(1));
  f("cycle_rate", cycle_rate, "share of the peak that a cycle ends with", within(0, 1));
  f("evaluate_every", evaluate_every, "steps between evaluations; 0: after each epoch, or as often as the method says",
    at_least(0));
  f("checkpoint_every", checkpoint_every, "steps between checkpoints; 0: only by time", at_least(0));
  f("checkpoint_minutes", checkpoint_minutes, "minutes between checkpoints; 0: only by steps", at_least(0));
  f("keep_checkpoints", keep_checkpoints, "newest checkpoints that stay", at_least(1));
  f("keep_best", keep_best,
    "end with the weights of the best evaluation instead of the last; not where they are means");
  averaging.describe(f);
  f("recompute", recompute,
    "what a backward pass computes again instead of keeping it: nothing, or the gate and up values of the feed-forward "
    "blocks, which are about half of what a forward pass keeps, for two of the blocks' three products a second time",
    {{"none", nn::Recompute::kNone}, {"mlp", nn::Recompute::kMlp}});
  f("not_finite", not_finite, "when a loss or gradient is NaN or infinite: stop the run or skip the step",
    {{"stop", NotFinite::kStop}, {"skip", NotFinite::kSkip}});
}

}  // namespace limbeck::train
