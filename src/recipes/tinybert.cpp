#include "recipes/tinybert.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "base/errors.h"
#include "objectives/class_distillation.h"
#include "recipes/augmented_task.h"
#include "recipes/task_distil.h"  // taught_logits
#include "recipes/task_report.h"
#include "recipes/tinybert_arms.h"
#include "recipes/tinybert_baselines.h"
#include "train/checkpoint.h"  // remove_checkpoints

namespace limbeck::recipes {
namespace {

class Tinybert {
 public:
  Tinybert(const TinybertOptions& options, const Run& run)
      : options_(options), run_(run), study_(options, options.teacher, run) {
    student_config_ = options.student_config(models::load_encoder(options.teacher).model->config());
    tokenizer_ = text::Tokenizer::from_folder(options.teacher);
    expect_baselines(options, *tokenizer_);
    Study::Teacher teacher = study_.teacher(options.teacher);
    teacher_ = teacher.model;
    if (options.has("teacher")) result_.arms.push_back(teacher.arm);
    if (is_wanted([](const TinybertArm& arm) { return arm.augmented; }))
      larger_ =
          augmented_task(study_.task(), {teacher_, tokenizer_},
                         {.words = options.augment, .tokens = options.data.tokens, .precision = options.precision},
                         run.seed().derive("augment"));
    // Their number of steps is needed by the arms without, too.
    if (!options.general.texts.empty() || is_wanted([](const TinybertArm& arm) { return arm.general; })) read_general();
    teacher_->freeze(options.precision);
    steps_ = tinybert_steps(options, pieces_.examples.size(), task_of(true).train.examples.size());
  }

  void run() {
    for (const TinybertArm& arm : tinybert_arms()) {
      if (!options_.has(arm.name)) continue;
      TaskArm whole;
      for (int64_t s = 0; s < options_.seeds; ++s) add_runs(whole, learn_task(arm, s));
      result_.arms.push_back(whole);
      if (std::string_view(arm.name) == "full") link_model(whole, run_);
    }
    fmt::print(
        "{} rows to train on, {} with their variants; {} steps of general distillation, {} of layer losses and {} of "
        "prediction\n",
        study_.task().train.examples.size(), task_of(true).train.examples.size(), steps_.general, steps_.layers,
        steps_.prediction);
    write_task_results(result_, study_.task(), run_);
  }

 private:
  template <class Is>
  bool is_wanted(Is is) const {
    return std::any_of(tinybert_arms().begin(), tinybert_arms().end(),
                       [&](const TinybertArm& arm) { return options_.has(arm.name) && is(arm); });
  }

  const OpenTask& task_of(bool augmented) const { return augmented && larger_ ? *larger_ : study_.task(); }

  LayerLossOptions losses_of(const TinybertArm& arm) const {
    LayerLossOptions loss = options_.loss;
    if (!arm.attention) loss.attention = 0;
    if (!arm.hidden) loss.hidden = 0;
    if (!arm.embedding) loss.embedding = 0;
    if (arm.map) loss.map = {.kind = *arm.map};
    return loss;
  }

  void read_general() {
    if (options_.general.texts.empty())
      user_fail("general.texts", "expected files of plain texts for general distillation but received none");
    const auto corpus = data::read_corpus(options_.general.texts, options_.general.field);
    pieces_ = data::cut_texts(corpus.texts, *tokenizer_, options_.general.text, teacher_->config().context(),
                              "general.texts");
    fmt::print("general distillation: {}\n", data::size_text(pieces_));
    general_teacher_ = models::load_encoder(options_.general_teacher(), models::Head{}).model;
    general_teacher_->freeze(options_.precision);
  }

  // General distillation, or what an arm has instead: the folder of a student that learned on plain text; arms with the
  // same losses share it.
  std::filesystem::path learn_general(const TinybertArm& arm) const {
    const std::string variant = arm.has_all_losses() ? "full" : arm.name;
    const Run all = run_.child("general"), folder = all.child(variant, all.seed());  // the same order
    if (std::filesystem::exists(folder.path("model"))) return folder.path("model");
    fmt::print("plain texts: {}\n", variant);
    const Seed seed = run_.seed().derive("student");
    if (arm.start != Start::kLayers) {
      pretrain_baseline(arm, options_, student_config_, *tokenizer_, steps_.general, seed, folder);
      return folder.path("model");
    }
    const auto student = models::make_encoder(student_config_, {}, seed);
    LayerLearner learner(*student, *general_teacher_, losses_of(arm), options_.precision, seed);
    learn_layers(learner, pieces_.examples, options_.general.train, folder);
    models::save_encoder(folder.path("model"), *student, *tokenizer_, Precision::kFp32,
                         [&](const auto& inside) { learner.save_projections(inside / "projections.safetensors"); });
    train::remove_checkpoints(folder.folder());
    return folder.path("model");
  }

  // Task distillation, first part: the layers, against the fine-tuned teacher.
  models::PretrainedEncoder learn_layers_of_task(const TinybertArm& arm, int64_t s) const {
    const Seed seed = study_.seed_of(s);
    const OpenTask& task = task_of(arm.augmented);
    models::PretrainedEncoder student{nullptr, tokenizer_};
    std::filesystem::path from;
    if (arm.start == Start::kFirstBlocks) {
      student = study_.open(options_.general_teacher(), seed,
                            {.drop = teacher_->config().num_hidden_layers - options_.layers});
    } else if (arm.general) {
      from = learn_general(arm);
      student = study_.open(from.string(), seed);
    } else {
      student.model = models::make_encoder(student_config_, head_of(task.data), seed.derive("student"));
    }
    if (!arm.learns_layers()) return student;
    LayerLearner learner(*student.model, *teacher_, losses_of(arm), options_.precision, seed);
    if (!from.empty()) learner.load_projections(from / "projections.safetensors");
    train::Options options = options_.intermediate;
    options.max_steps = steps_.of_layers(arm);
    learn_layers(learner, task.train.examples, options,
                 run_.child("layers").child(fmt::format("{}-{}", arm.name, s + 1), seed.derive("layers")));
    return student;
  }

  // Second part: the logits, or the labels.
  TaskArm learn_task(const TinybertArm& arm, int64_t s) {
    const OpenTask& task = task_of(arm.augmented);
    ArmTraining training = study_.starting_from([this, &arm, s] { return learn_layers_of_task(arm, s); });
    training.name = fmt::format("{}-{}", arm.name, s + 1);
    training.title = arm.title;
    training.first_seed = s;
    training.train.max_steps = steps_.of_prediction(arm);
    if (arm.learns == Learns::kPatiently) {
      if (patiently_taught_.empty()) patiently_taught_ = taught_logits(*teacher_, task, options_.pkd);
      training.step = patiently(task, *teacher_, patiently_taught_, options_.pkd);
    } else if (!arm.learns_labels() && task.data.description.kind != data::TaskKind::kScore) {
      auto& taught = taught_[arm.augmented && larger_.has_value()];
      if (taught.empty()) taught = taught_logits(*teacher_, task, {});
      training.step = [&taught](models::Encoder& student, const TaskHooks& hooks) {
        return prediction_step(student, hooks, taught);
      };
    }
    TaskArm trained = train_arm(training, {.task = task, .precision = options_.precision}, study_.arms());
    trained.name = arm.name;
    std::filesystem::remove_all(run_.path("layers"));
    return trained;
  }

  // L_pred.
  static train::Step prediction_step(models::Encoder& student, const TaskHooks& hooks,
                                     const std::vector<at::Tensor>& taught) {
    return [&](const data::Batch& batch) {
      const TaskPass pass = task_pass(student, batch, {.dropout_salt = hooks.salt()});
      std::vector<at::Tensor> teacher;
      for (const int64_t index : batch.indices) teacher.push_back(taught[static_cast<std::size_t>(index)]);
      return objectives::Loss{{objectives::soft_cross_entropy(
          pass.logits, at::cat(teacher),
          {.temperature = 1, .temperature_squared = false, .per_row = objectives::PerRow::kMean})}};
    };
  }

  const TinybertOptions& options_;
  const Run& run_;
  Study study_;
  models::EncoderConfig student_config_;
  std::shared_ptr<models::Encoder> teacher_, general_teacher_;
  std::shared_ptr<const text::Tokenizer> tokenizer_;
  TaskResult result_{.method = "tinybert",
                     .title = "TinyBERT",
                     .paper = "Jiao et al., arXiv:1909.10351",
                     .main = "full",
                     .arms = {},
                     .resamples = options_.resamples};
  std::optional<OpenTask> larger_;
  data::TextPieces pieces_;
  TinybertSteps steps_;
  std::map<bool, std::vector<at::Tensor>> taught_;  // logits of the rows, by whether they are augmented
  std::vector<at::Tensor> patiently_taught_;
};

}  // namespace

void run_tinybert(const TinybertOptions& options, const Run& run) {
  Tinybert(options, run).run();
}

}  // namespace limbeck::recipes
