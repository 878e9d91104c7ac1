#include "recipes/adversarial_distil.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/errors.h"
#include "base/phases.h"
#include "text/same_vocabulary.h"
#include "train/accumulate.h"

namespace limbeck::recipes {
namespace {

// While one of these lives a model's weights take no gradients.
class WithoutGradients {
 public:
  explicit WithoutGradients(models::Encoder& encoder) {
    for (const nn::NamedParameter& p : trainable(encoder).parameters)
      if (p.tensor->requires_grad()) parameters_.push_back(*p.tensor);
    for (const at::Tensor& p : parameters_) p.requires_grad_(false);
  }
  ~WithoutGradients() {
    for (const at::Tensor& p : parameters_) p.requires_grad_(true);
  }
  WithoutGradients(const WithoutGradients&) = delete;
  WithoutGradients& operator=(const WithoutGradients&) = delete;

 private:
  std::vector<at::Tensor> parameters_;
};

data::Batch with_ids(data::Batch batch, const at::Tensor& ids) {
  batch.ids = ids;
  return batch;
}

void expect_vocabulary_of(const models::EncoderConfig& student, const models::EncoderConfig& other,
                          const std::string& where) {
  if (other.vocab_size != student.vocab_size)
    user_fail(where, "expected the student's vocabulary of {} tokens but received one of {}", student.vocab_size,
              other.vocab_size);
}

}  // namespace

void MateOptions::describe(Fields& f) {
  f("generator", generator,
    "of the arm mate_kd: the encoder that rewrites texts, with a head for masked language modelling and the student's "
    "vocabulary: a Hugging Face folder",
    Names::kFolder);
  f("mask_share", mask_share, "of a text's tokens, that it rewrites", Range{.low = 0, .high = 1, .low_open = true});
  f("temperature", temperature, "of the softmax that its gradients go through", above(0));
  f("learning_rate", learning_rate, "of the generator", above(0));
  f("generator_steps", generator_steps, "that it takes before every student_steps of the student", at_least(0));
  f("student_steps", student_steps, "after which the generator learns again", at_least(1));
}

std::shared_ptr<models::Encoder> load_generator(const MateOptions& options, const text::Tokenizer& tokenizer,
                                                const models::EncoderConfig& student) {
  const std::string where = "mate.generator " + options.generator;
  const auto generator = in_context(where, [&] {
    return models::load_encoder(options.generator, models::Head{.kind = models::HeadKind::kMaskedLm});
  });
  if (generator.fresh_head)
    user_fail(where,
              "expected an encoder with a head for masked language modelling but it has none; `limbeck run mlm` makes "
              "one");
  expect_vocabulary_of(student, generator.model->config(), where);
  if (const auto difference = text::vocabulary_difference(tokenizer, *generator.tokenizer))
    user_fail(where, "expected the student's vocabulary but received another; student first: {}", *difference);
  return generator.model;
}

Adversary::Adversary(const AdversarialParts& parts, models::Encoder& student, TaskHooks& own, const Run& run)
    : parts_(parts),
      student_(student),
      own_(own),
      run_(run),
      generator_(load_generator(parts.mate, *parts.tokenizer, student.config()), *parts.tokenizer,
                 parts.mate.mask_share, parts.mate.temperature),
      learned_(trainable(generator_.encoder())),
      optimiser_(learned_.parameters, parts.train),
      order_(static_cast<int64_t>(parts.task.train.examples.size()), parts.train.batch_size,
             run.seed().derive("generator").derive("order")),
      steps_(at::zeros({1}, at::kLong)),
      outputs_(outputs_of_labels(*parts.teacher, parts.task)) {
  expect_vocabulary_of(student.config(), parts.teacher->config(), "teacher");
  generator_.encoder().set_precision(parts.precision);
  parts_.teacher->set_precision(parts.precision);
  for (const nn::NamedParameter& p : trainable(*parts_.teacher).parameters) p.tensor->requires_grad_(false);
}

formats::NamedTensors Adversary::state() {
  formats::NamedTensors all{{"generator.steps", steps_}};
  for (const nn::NamedParameter& p : learned_.parameters) all.emplace_back("generator." + p.name, p.tensor->detach());
  for (auto& [name, moment] : optimiser_.moments()) all.emplace_back("generator." + name, moment);
  return all;
}

// A run that was stopped after the generator's steps finds them done.
void Adversary::before_step(int64_t step) {
  own_.before_step(step);
  int64_t& taken = *steps_.mutable_data_ptr<int64_t>();
  for (const int64_t due = (step / parts_.mate.student_steps + 1) * parts_.mate.generator_steps; taken < due; ++taken)
    train_generator(taken);
}

void Adversary::train_generator(int64_t step) {
  const Phase phase("generator", "train");
  const WithoutGradients student(student_);
  const auto batch = train::accumulate_gradients(parts_.task.train.examples, order_.batch(step),
                                                 parts_.train.micro_batch_tokens, [&](const data::Batch& part) {
                                                   objectives::Loss loss{{divergence(part, step)}};
                                                   loss.terms.front().weight = -1;  // which is maximised
                                                   return loss;
                                                 });
  const double norm = optimiser_.gradient_norm() * batch.gradient_scale, longest = parts_.train.clip_norm;
  run_.log({{"kind", "generator"}, {"step", step + 1}, {"divergence", -batch.loss}, {"gradient_norm", norm}});
  if (!std::isfinite(batch.loss) || !std::isfinite(norm))
    fail("mate_kd", "step {} of the generator: expected a finite divergence and gradient but received {} and {}",
         step + 1, -batch.loss, norm);
  optimiser_.set_num_steps(step);
  optimiser_.step(parts_.mate.learning_rate,
                  batch.gradient_scale * (longest > 0 ? std::min(1.0, longest / (norm + 1e-6)) : 1));
  optimiser_.clear_gradients();
  learned_.weights_changed();
}

objectives::Term Adversary::divergence(const data::Batch& batch, int64_t step) {
  const Seed seed = seed_of("generator", step);
  const WrittenText text = generator_.write(batch, parts_.task.train.examples, seed);
  const data::Batch written = with_ids(batch, text.ids);
  const at::Tensor teacher =
      teach(written, {.embeddings = written_embeddings(text, parts_.teacher->word_embeddings())});
  const TaskPass student = task_pass(student_, written,
                                     {.dropout_salt = seed.derive("student").value(),
                                      .embeddings = written_embeddings(text, student_.word_embeddings())});
  return mutual_divergence(student.logits, teacher, parts_.kd);
}

objectives::Loss Adversary::loss(const data::Batch& batch) {
  WrittenText text;
  at::Tensor of_written;
  {
    const at::NoGradGuard no_grad;
    text = generator_.write(batch, parts_.task.train.examples, seed_of("student", own_.step()));
    of_written = teach(with_ids(batch, text.ids));
  }
  const at::Tensor real = task_pass(student_, batch, {.dropout_salt = own_.salt()}).logits;
  const at::Tensor written = task_pass(student_, with_ids(batch, text.ids), {.dropout_salt = own_.salt()}).logits;
  objectives::Loss loss{{task_loss(real, batch, parts_.task.data.description.kind, parts_.task.train),
                         soft_loss(real, taught_rows(parts_.taught, batch), parts_.kd),
                         soft_loss(written, of_written, parts_.kd)}};
  loss.terms[2].name = "written";
  for (objectives::Term& term : loss.terms) term.weight = 1.0 / 3;
  return loss;
}

at::Tensor Adversary::teach(const data::Batch& batch, const models::EncoderWant& want) {
  const at::Tensor logits = task_pass(*parts_.teacher, batch, want).logits;
  return outputs_.defined() ? logits.index_select(1, outputs_) : logits;
}

Seed Adversary::seed_of(const char* whose, int64_t step) const {
  return run_.seed().derive("generator").derive(whose).derive(static_cast<uint64_t>(step));
}

objectives::Term mutual_divergence(const at::Tensor& student, const at::Tensor& teacher, const TaskDistilOptions& kd) {
  const auto count = static_cast<double>(student.size(0));
  if (kd.loss == SoftLoss::kMse)
    return {.name = "divergence", .sum = (student - teacher).square().mean(1).sum(), .count = count};
  const at::Tensor log_q = at::log_softmax(student / kd.temperature, 1),
                   log_p = at::log_softmax(teacher / kd.temperature, 1);
  const double factor = kd.temperature_squared ? kd.temperature * kd.temperature : 1;
  return {.name = "divergence", .sum = (log_p.exp() * (log_p - log_q)).sum() * factor, .count = count};
}

void train_against_generator(ArmTraining& training, const AdversarialParts& parts) {
  const auto adversary = std::make_shared<Adversary*>(nullptr);  // made with the run, before its step
  training.hooks = [parts, adversary](models::Encoder& student, TaskHooks& own, const Run& run) {
    auto hooks = std::make_unique<Adversary>(parts, student, own, run);
    *adversary = hooks.get();
    return hooks;
  };
  training.step = [adversary](models::Encoder&, const TaskHooks&) -> train::Step {
    return [adversary](const data::Batch& batch) { return (*adversary)->loss(batch); };
  };
}

}  // namespace limbeck::recipes
