// MATE-KD (Rashid, Lioutas, Rezagholizadeh; ACL 2021, arXiv:2105.05912): a masked language model G rewrites some words
// of the training texts x so that the student disagrees with the teacher most, and the student learns to agree there
// too.
//   x' = G(mask(x)), words by the straight-through Gumbel softmax (recipes/text_generator.h)
//   generator:  max_G KL(p_T(x') ‖ p_S(x')), 10 steps before every 100 of the student
//   student:    (CE(y, p_S(x)) + KD(x) + KD(x')) / 3
// KD is the soft loss of the recipe's kd options, its temperature that of the generator's divergence too, its weight
// without effect; with the squared error the generator maximises that. Differs from the paper: the generator's steps
// come beside the student's, which has as many as other arms, and each has a batch of its own; a fixed share of each
// text is hidden, where there every token is by chance; special tokens are not written; the generator's learning rate
// stays as it is (5e-7, of the official code, whose tasks are longer than most here), clipped and decayed as the
// student's. As there, the generator keeps its dropout, and the teacher has none.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/fields.h"
#include "base/run.h"
#include "data/order.h"
#include "models/encoder.h"
#include "recipes/task_arm.h"
#include "recipes/task_distil.h"
#include "recipes/task_training.h"
#include "recipes/text_generator.h"
#include "text/tokenizer.h"
#include "train/adamw.h"
#include "train/fit.h"

namespace limbeck::recipes {

struct MateOptions {
  std::string generator;
  double mask_share = 0.3, temperature = 1, learning_rate = 5e-7;
  int64_t generator_steps = 10, student_steps = 100;
  void describe(Fields& f);
};

// The generator in the folder that the options name. Throws UserError where it has no head for masked language
// modelling, or another vocabulary than the student's.
std::shared_ptr<models::Encoder> load_generator(const MateOptions& options, const text::Tokenizer& tokenizer,
                                                const models::EncoderConfig& student);

// What a training against a generator is made of; what is referred to outlives it.
struct AdversarialParts {
  const OpenTask& task;
  const std::vector<at::Tensor>& taught;     // the teacher's logits of the training rows
  std::shared_ptr<models::Encoder> teacher;  // not frozen: gradients flow through it, none into its weights
  std::shared_ptr<const text::Tokenizer> tokenizer;
  TaskDistilOptions kd;
  MateOptions mate;
  train::Options train;
  Precision precision = Precision::kBf16;
};

// Trains its generator before the student's steps, and is the student's step. What it draws depends on the run's seed
// and the step alone; checkpoints keep its weights, moments and number of steps.
class Adversary : public train::Hooks {
 public:
  Adversary(const AdversarialParts& parts, models::Encoder& student, TaskHooks& own, const Run& run);
  void before_step(int64_t step) override;
  void after_step(int64_t step) override { own_.after_step(step); }
  formats::NamedTensors state() override;

  objectives::Loss loss(const data::Batch& batch);  // the student's, in the step that has begun
  // Σ KL(teacher ‖ student) of a batch as generator step `step` writes it: what that step maximises. Differentiable.
  objectives::Term divergence(const data::Batch& batch, int64_t step);
  models::Encoder& generator() { return generator_.encoder(); }

 private:
  void train_generator(int64_t step);
  at::Tensor teach(const data::Batch& batch, const models::EncoderWant& want = {});  // logits in the task's order
  Seed seed_of(const char* whose, int64_t step) const;

  AdversarialParts parts_;
  models::Encoder& student_;
  TaskHooks& own_;
  Run run_;
  TextGenerator generator_;
  train::Trainable learned_;
  train::Adamw optimiser_;
  data::Order order_;
  at::Tensor steps_;    // [1] int64: that the generator has taken
  at::Tensor outputs_;  // of the teacher, for each label; undefined: in that order
};

// student [B,C], teacher [B,C] -> Σ_b T² KL(teacher ‖ student) by the kd options, or the squared error with
// kd.loss=mse; gradients flow into both.
objectives::Term mutual_divergence(const at::Tensor& student, const at::Tensor& teacher, const TaskDistilOptions& kd);

// Makes a training one against a generator.
void train_against_generator(ArmTraining& training, const AdversarialParts& parts);

}  // namespace limbeck::recipes
