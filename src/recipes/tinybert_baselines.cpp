#include "recipes/tinybert_baselines.h"

#include <memory>

#include "base/errors.h"
#include "recipes/distilbert_student.h"
#include "recipes/masked_lm.h"
#include "recipes/triple_loss.h"
#include "text/same_vocabulary.h"
#include "train/checkpoint.h"  // remove_checkpoints

namespace limbeck::recipes {
namespace {

constexpr models::Head kMaskedLmHead{.kind = models::HeadKind::kMaskedLm};

std::shared_ptr<models::Encoder> open_masked_lm_teacher(const TinybertOptions& options,
                                                        const text::Tokenizer& tokenizer) {
  const std::string& folder = options.masked_lm_teacher();
  const auto teacher = models::load_encoder(folder, kMaskedLmHead);
  if (teacher.fresh_head)
    user_fail("general.masked_lm",
              "the arm distilbert learns from an encoder with a masked-language-modelling head, but {} has none; "
              "limbeck run mlm --model={} makes one",
              folder, folder);
  if (const auto difference = text::vocabulary_difference(tokenizer, *teacher.tokenizer))
    user_fail("general.masked_lm", "expected the teacher's vocabulary but received another; teacher first: {}",
              *difference);
  return teacher.model;
}

DistilbertOptions distilbert_of(const TinybertOptions& options) {
  return {.num_layers = options.layers, .family = StudentFamily::kTeachers, .precision = options.precision};
}

}  // namespace

void expect_baselines(const TinybertOptions& options, const text::Tokenizer& tokenizer) {
  if (options.has("distilbert"))
    student_blocks(distilbert_of(options), *open_masked_lm_teacher(options, tokenizer), {}, Seed(0));
  if (!options.has("pkd")) return;
  const models::EncoderConfig teacher = encoder_config_in(options.teacher);
  models::EncoderConfig student = encoder_config_in(options.general_teacher());
  student.num_hidden_layers = options.layers;
  patient_pairs(student, teacher, options.pkd.blocks);
}

void pretrain_baseline(const TinybertArm& arm, const TinybertOptions& options, const models::EncoderConfig& small,
                       const text::Tokenizer& tokenizer, int64_t steps, Seed student_seed, const Run& run) {
  const bool distilled = arm.start == Start::kDistilbert;
  std::shared_ptr<models::Encoder> student, teacher;
  if (distilled) {
    const DistilbertOptions of_student = distilbert_of(options);
    teacher = open_masked_lm_teacher(options, tokenizer);
    student = distilbert_student(of_student, *teacher, student_blocks(of_student, *teacher, {}, student_seed),
                                 StartFrom::kTeacher, student_seed);
    teacher->freeze(options.precision);
  } else {
    student = models::make_encoder(small, kMaskedLmHead, student_seed);
  }
  const MaskedLmData texts = open_masked_lm(options.masked_lm_data(distilled), tokenizer, student->config().context());
  train::Options train = options.general.train;
  train.max_steps = steps;
  MaskedLmHooks hooks(texts, train, run.seed());
  const train::Step step = distilled ? triple_loss_step(*student, *teacher, hooks, options.precision, {})
                                     : masked_lm_step(*student, hooks, options.precision);
  train::fit(trainable(*student), texts.train.examples, step, train, run, hooks);
  models::save_encoder(run.path("model"), *student, tokenizer);
  train::remove_checkpoints(run.folder());
}

}  // namespace limbeck::recipes
