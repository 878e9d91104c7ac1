#include "recipes/distilbert_student.h"

#include <algorithm>

#include "base/errors.h"
#include "models/encoder_catalog.h"
#include "models/fresh_weights.h"
#include "models/type_free.h"
#include "recipes/drop_layers.h"  // scores_for

namespace limbeck::recipes {
namespace {

void refresh_transform(models::Encoder& student, Seed seed) {
  const auto& row = models::encoder_architecture_of(student.config().model_type, "distilbert");
  const auto layout = row.masked_lm(student.config());
  nn::Parameters parameters;
  student.parameters(parameters);
  for (const nn::NamedParameter& p : parameters.list())
    if (p.name.starts_with(layout.dense + ".") || p.name.starts_with(layout.norm + "."))
      models::fill_fresh(p, student.config().initializer_range, seed);
  student.weights_changed();
}

}  // namespace

std::vector<int64_t> student_blocks(const DistilbertOptions& options, models::Encoder& teacher,
                                    const std::vector<data::Example>& held_out, Seed seed) {
  const int64_t all = teacher.config().num_hidden_layers;
  if (!options.layers.empty()) return options.layers;
  const int64_t keep = options.blocks_of(all);
  if (keep > all) user_fail("num_layers", "expected at most the teacher's {} but received {}", all, keep);
  const auto dropped = models::blocks_to_drop(all, {.rule = options.rule, .drop = all - keep},
                                              scores_for(teacher, options.rule, held_out), seed);
  return models::blocks_to_keep(all, dropped);
}

std::shared_ptr<models::Encoder> distilbert_student(const DistilbertOptions& options, models::Encoder& teacher,
                                                    const std::vector<int64_t>& blocks, StartFrom start, Seed seed) {
  auto student = models::keep_layers(teacher, blocks);
  if (options.family == StudentFamily::kDistilbert) student = models::as_distilbert(*student);
  if (start == StartFrom::kRandom) student = models::make_encoder(student->config(), student->head(), seed);
  if (!options.copy_transform) refresh_transform(*student, seed);
  student->set_precision(options.precision);
  return student;
}

}  // namespace limbeck::recipes
