// To add a method: a recipe in this folder, its test, a small configuration, and a row here.
#include "recipes/catalog.h"

#include "base/errors.h"
#include "recipes/distilbert.h"
#include "recipes/ekt.h"
#include "recipes/encoder_plan.h"
#include "recipes/fine_tune.h"
#include "recipes/fine_tune_cot.h"
#include "recipes/layer_drop.h"
#include "recipes/logit_kd.h"
#include "recipes/mlm.h"
#include "recipes/swa.h"
#include "recipes/time_shares.h"
#include "recipes/tinybert.h"

namespace limbeck::recipes {
namespace {

template <class Options>
class JobOf : public Job {
 public:
  explicit JobOf(void (*run)(const Options&, const Run&)) : run_(run) {}
  Fields fields() override { return fields_of(options_); }
  std::vector<std::filesystem::path> inputs() const override { return options_.inputs(); }
  Seed seed() const override { return Seed(static_cast<uint64_t>(options_.seed)); }
  void run(const Run& run) override {
    const TimeLog time_log(run);
    run_(options_, run);
  }
  std::vector<PlannedArm> planned_arms() const override {
    if constexpr (requires { options_.planned_arms(); })
      return options_.planned_arms();
    else
      return {};
  }
  int64_t planned_calls() const override {
    if constexpr (requires { options_.planned_calls(); })
      return options_.planned_calls();
    else
      return 1;
  }
  std::unique_ptr<EncoderPlan> encoder_plan() const override {
    if constexpr (requires(EncoderPlan & plan) { options_.plan_trainings(plan); })
      return std::make_unique<EncoderPlan>(recipes::encoder_plan(options_));
    else
      return nullptr;
  }

 private:
  Options options_;
  void (*run_)(const Options&, const Run&);
};

template <class Options>
std::function<std::unique_ptr<Job>()> job_of(void (*run)(const Options&, const Run&)) {
  return [run] { return std::make_unique<JobOf<Options>>(run); };
}

}  // namespace

std::unique_ptr<EncoderPlan> Job::encoder_plan() const {
  return nullptr;
}

const std::vector<Method>& methods() {
  static const std::vector<Method> list = {
      {"ekt", "arXiv:2211.16740", "Explicit Knowledge Transfer",
       "A teacher writes programs for questions whose answers are known; the programs are run, and one that gives the "
       "right answer "
       "for each question becomes training text for a small model. Arms beside it: the student prompted without "
       "training, the student trained on as many samples that nobody checked, expert iteration, logit distillation, "
       "programs at random, and teachers that are stronger and weaker.",
       job_of<EktOptions>(run_ekt)},
      {"fine-tune-cot", "arXiv:2212.10071", "Fine-tune-CoT",
       "A teacher reasons step by step about questions whose answers are known; rationales that lead to the right "
       "answer become training text for a small model, which then reasons by itself. Diverse reasoning keeps several "
       "rationales a question. Arms beside it: the student prompted in three ways without training, trained on answers "
       "alone, on rationales that nobody checked and on those of other questions, and with one rationale a question as "
       "long as with several.",
       job_of<FineTuneCotOptions>(run_fine_tune_cot)},
      {"fine-tune", "arXiv:1810.04805", "Fine-tuning of an encoder",
       "A pretrained encoder with a head learns a labelled task: classes, scores, tags, spans or choices of any CSV, "
       "JSON or task file. Arms beside it: the head alone on the body as it is, and the most frequent label.",
       job_of<FineTuneOptions>(run_fine_tune)},
      {"logit-kd", "arXiv:1503.02531", "Logit distillation of an encoder",
       "A student learns the labels of a task and what a fine-tuned teacher says of the same rows, both softened by a "
       "temperature. Arms beside it: the teacher, the student fine-tuned on the labels alone, and patient "
       "distillation, "
       "where it learns states between the teacher's blocks too.",
       job_of<LogitKdOptions>(run_logit_kd)},
      {"swa", "arXiv:2212.05956", "Stochastic weight averaging",
       "Fine-tuning whose learning rate stays high from some step on; the mean of the weights on the way is the model. "
       "Arms beside it: ordinary fine-tuning, late, frequent and exponential means, a low rate, cycles, logit "
       "distillation, distillation with averaging, Annealing-KD, RCO along the teacher's own training, and MATE-KD; "
       "probes of how flat each lies.",
       job_of<SwaOptions>(run_swa)},
      {"layer-drop", "arXiv:2004.03844", "Dropping layers",
       "Blocks of a pretrained encoder are deleted by a rule and the rest is fine-tuned. Arms: every rule at every "
       "depth, the whole model, dropping after fine-tuning, fresh weights of the same depth, and distillation from the "
       "whole model; the depth that a task allows.",
       job_of<LayerDropOptions>(run_layer_drop)},
      {"mlm", "arXiv:1810.04805", "Masked language modelling",
       "Pretrains a small encoder on plain texts, from fresh weights or from a model: tokens are hidden and guessed, "
       "others each time a text is seen. Where teachers and students on a user's own texts begin.",
       job_of<MlmOptions>(run_mlm)},
      {"distilbert", "arXiv:1910.01108", "DistilBERT",
       "An encoder with half of the teacher's blocks learns its masked language modelling on plain texts by three "
       "losses at once: the teacher's distribution, the hidden tokens, and the direction of the hidden states. Arms "
       "beside it: each loss left out, the first alone, random weights to start from, no teacher, and the teacher's "
       "blocks as they are; each is fine-tuned on a task several times.",
       job_of<DistilbertOptions>(run_distilbert)},
      {"tinybert", "arXiv:1909.10351", "TinyBERT",
       "A narrow and shallow encoder learns a teacher's embeddings, attention scores and hidden states on plain texts, "
       "then on a task's rows and variants of them, and last its logits. Arms beside it: the same encoder fine-tuned, "
       "pretrained by masked language modelling, with logits alone, and without each of these parts; DistilBERT and "
       "patient distillation with blocks of the teacher.",
       job_of<TinybertOptions>(run_tinybert)},
  };
  return list;
}

const Method& method_named(std::string_view name) {
  std::vector<std::string> known;
  for (const auto& method : methods()) {
    if (method.name == name) return method;
    known.push_back(method.name);
  }
  const std::string nearest = nearest_name(name, known);
  user_fail("method", "expected one of `limbeck list` but received '{}'{}", name,
            nearest.empty() ? "" : fmt::format("; did you mean '{}'?", nearest));
}

}  // namespace limbeck::recipes
