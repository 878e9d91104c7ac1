#include "recipes/patient_distil.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/grad_mode.h>

#include "base/errors.h"
#include "objectives/combine.h"
#include "objectives/hidden_states.h"

namespace limbeck::recipes {

void PatientOptions::describe(Fields& f) {
  TaskDistilOptions::describe(f);
  f("patience", patience, "of the loss between the states of the first token (b)", at_least(0));
  f("blocks", blocks, "of the teacher, which the states are compared with: every r-th, or the last ones",
    {{"skip", PatientBlocks::kSkip}, {"last", PatientBlocks::kLast}});
}

std::vector<models::LayerPair> patient_pairs(const models::EncoderConfig& student, const models::EncoderConfig& teacher,
                                             PatientBlocks blocks) {
  if (student.hidden_size != teacher.hidden_size)
    user_fail("pkd", "expected a student of the teacher's width {} but received {}", teacher.hidden_size,
              student.hidden_size);
  if (student.num_hidden_layers < 2)
    user_fail("pkd", "expected a student of at least two blocks, since its last is not compared, but received {}",
              student.num_hidden_layers);
  auto pairs = models::layer_pairs(
      student.num_hidden_layers, teacher.num_hidden_layers,
      {.kind = blocks == PatientBlocks::kSkip ? models::LayerMapKind::kUniform : models::LayerMapKind::kTop});
  pairs.pop_back();
  return pairs;
}

StepOf patiently(const OpenTask& task, models::Encoder& teacher, const std::vector<at::Tensor>& taught,
                 const PatientOptions& options) {
  return [&task, &teacher, &taught, options](models::Encoder& student, const TaskHooks& hooks) -> train::Step {
    const auto pairs = patient_pairs(student.config(), teacher.config(), options.blocks);
    return [&, options, pairs](const data::Batch& batch) {
      const TaskPass ours = task_pass(student, batch, {.hidden_states = true, .dropout_salt = hooks.salt()});
      objectives::Loss loss = distilled_loss(ours.logits, batch, task, taught, options);
      if (options.patience == 0) return loss;
      std::vector<at::Tensor> theirs;
      {
        const at::NoGradGuard no_grad;
        const auto plan = models::plan_for(teacher.config(), batch.offsets);
        theirs = teacher.forward(batch.ids, batch.types, *plan, {.hidden_states = true}).hidden_states;
      }
      std::vector<objectives::Term> distances;
      for (const models::LayerPair& pair : pairs)
        distances.push_back(
            objectives::patient_distance(ours.output.hidden_states[static_cast<std::size_t>(pair.student + 1)],
                                         theirs[static_cast<std::size_t>(pair.teacher + 1)], batch.offsets));
      const double mean_over = static_cast<double>(pairs.size()) * static_cast<double>(student.config().hidden_size);
      loss.terms.push_back(objectives::add_up("patient", distances, options.patience / mean_over));
      return loss;
    };
  };
}

}  // namespace limbeck::recipes
