#include "recipes/distil.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <algorithm>
#include <utility>

#include "base/errors.h"
#include "nn/attention_plan.h"
#include "recipes/sft.h"
#include "text/same_vocabulary.h"

namespace limbeck::recipes {
namespace {

// What a teacher reads for a batch, and where in it each of the student's tokens stands.
struct TeacherBatch {
  at::Tensor ids;                // [N']
  std::vector<int64_t> offsets;  // documents
  at::Tensor place;              // [N] int64; undefined where both read the same
};

TeacherBatch teacher_batch(const data::Batch& batch, const ShownTo& shown) {
  if (!shown) return {batch.ids, batch.offsets, {}};
  TeacherBatch taught{.ids = {}, .offsets = {0}, .place = at::empty({batch.ids.numel()}, at::kLong)};
  const int64_t* id = batch.ids.const_data_ptr<int64_t>();
  int64_t* place = taught.place.mutable_data_ptr<int64_t>();
  std::vector<int64_t> ids;
  for (std::size_t i = 0; i < batch.indices.size(); ++i) {
    const int64_t begin = batch.offsets[i], end = batch.offsets[i + 1];
    const Shown view = shown(batch.indices[i]);
    const int64_t dropped = std::min(view.dropped, end - begin);
    ids.insert(ids.end(), view.prefix.begin(), view.prefix.end());
    // A dropped token stands for the last one before what both read.
    for (int64_t t = begin; t < end; ++t)
      place[t] = std::max<int64_t>(taught.offsets.back(), static_cast<int64_t>(ids.size()) + t - begin - dropped);
    ids.insert(ids.end(), id + begin + dropped, id + end);
    taught.offsets.push_back(static_cast<int64_t>(ids.size()));
  }
  taught.ids = at::tensor(ids, at::kLong);
  return taught;
}

objectives::TeacherLogits logits_for(models::LanguageModel& teacher, const data::Batch& batch, const ShownTo& shown) {
  const at::NoGradGuard no_grad;
  const TeacherBatch taught = teacher_batch(batch, shown);
  const auto plan = nn::packed_causal(taught.offsets);
  const at::Tensor hidden = teacher.forward(taught.ids, *plan).hidden;
  return [&teacher, hidden, place = taught.place](const at::Tensor& rows) {
    return teacher.logits_of(hidden.index_select(0, place.defined() ? place.index_select(0, rows) : rows));
  };
}

}  // namespace

void DistilOptions::describe(Fields& f) {
  f("divergence", divergence, "of the student's next-token distribution from the teacher's",
    {{"forward-kl", objectives::Divergence::kForwardKl},
     {"reverse-kl", objectives::Divergence::kReverseKl},
     {"jensen-shannon", objectives::Divergence::kJensenShannon}});
  f("temperature", temperature, "softens both distributions (T)", above(0));
  f("beta", beta, "the teacher's share of the mixture, with jensen-shannon",
    Range{.low = 0, .high = 1, .low_open = true, .high_open = true});
  f("weight", weight, "of the divergence in the loss", at_least(0));
  f("cross_entropy", cross_entropy, "weight of the targets' negative log-probability in the loss", at_least(0));
  f("temperature_squared", temperature_squared,
    "multiply the divergence by T², so that its gradients keep their size (Hinton, sec. 2)");
}

train::Step distil_step(models::LanguageModel& student, models::LanguageModel& teacher, Precision precision,
                        const DistilOptions& options, ShownTo shown) {
  student.set_precision(precision);
  const double squared = options.temperature_squared ? options.temperature * options.temperature : 1;
  const objectives::DistillationOptions loss{.divergence = options.divergence,
                                             .temperature = options.temperature,
                                             .beta = options.beta,
                                             .divergence_weight = options.weight * squared,
                                             .cross_entropy_weight = options.cross_entropy};
  return [&student, &teacher, precision, loss, shown = std::move(shown)](const data::Batch& batch) {
    const auto taught = logits_for(teacher, batch, shown);
    const auto plan = nn::packed_causal(batch.offsets);
    const at::Tensor hidden = student.forward(batch.ids, *plan).hidden;
    return objectives::distillation(hidden, student.output_weight(), batch.targets, batch.weights, taught, loss,
                                    chunk_options(student, precision));
  };
}

void expect_same_vocabulary(const models::Pretrained& student, const models::Pretrained& teacher) {
  const auto difference = text::vocabulary_difference(*student.tokenizer, *teacher.tokenizer);
  if (difference)
    user_fail("teacher",
              "expected the student's vocabulary, since the two share logits, but received another; student first, "
              "teacher second: {}",
              *difference);
}

void expect_readable(const models::LanguageModel& teacher, const std::vector<data::Example>& examples,
                     const std::string& where) {
  const auto& config = teacher.config();
  std::vector<std::string> mistakes;
  for (std::size_t i = 0; i < examples.size() && mistakes.size() < 10; ++i) {
    const auto& ids = examples[i].ids;
    const auto length = static_cast<int64_t>(ids.size());
    if (length > config.max_position_embeddings)
      mistakes.push_back(fmt::format("[{}] text {}: expected at most {} tokens, the teacher's context, but received {}",
                                     where, i + 1, config.max_position_embeddings, length));
    const int32_t largest = ids.empty() ? 0 : *std::max_element(ids.begin(), ids.end());
    if (largest >= config.vocab_size)
      mistakes.push_back(fmt::format("[{}] text {}: expected tokens below {}, which the teacher has, but received {}",
                                     where, i + 1, config.vocab_size, largest));
  }
  if (!mistakes.empty()) throw UserErrors(std::move(mistakes));
}

}  // namespace limbeck::recipes
