#include "recipes/tinybert.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <optional>

#include "base/errors.h"
#include "base/json.h"
#include "formats/word_vectors.h"
#include "objectives/class_distillation.h"
#include "recipes/task_distil.h"  // taught_logits
#include "recipes/task_report.h"
#include "recipes/time_shares.h"

namespace limbeck::recipes {
namespace {

using models::LayerMapKind;

enum class Learns { kLabels, kLogits, kLayersThenLogits, kLayersThenLabels };

struct TinybertArm {
  const char *name, *title;
  Learns learns = Learns::kLayersThenLogits;
  bool general = true, augmented = true, attention = true, hidden = true, embedding = true;
  std::optional<LayerMapKind> map = {};

  bool learns_layers() const { return learns == Learns::kLayersThenLogits || learns == Learns::kLayersThenLabels; }
  bool learns_labels() const { return learns == Learns::kLabels || learns == Learns::kLayersThenLabels; }
};

const std::vector<TinybertArm>& tinybert_arms() {
  static const std::vector<TinybertArm> list = {
      {.name = "fine_tune",
       .title = "fine-tuned from random weights",
       .learns = Learns::kLabels,
       .general = false,
       .augmented = false},
      {.name = "kd", .title = "logits alone", .learns = Learns::kLogits, .general = false},
      {.name = "full", .title = "TinyBERT"},
      {.name = "no_attention", .title = "without attention loss", .attention = false},
      {.name = "no_hidden", .title = "without hidden loss", .hidden = false},
      {.name = "no_layers", .title = "without attention and hidden loss", .attention = false, .hidden = false},
      {.name = "no_embedding", .title = "without embedding loss", .embedding = false},
      {.name = "no_prediction", .title = "labels instead of logits", .learns = Learns::kLayersThenLabels},
      {.name = "no_general", .title = "without general distillation", .general = false},
      {.name = "no_task",
       .title = "without task distillation, fine-tuned",
       .learns = Learns::kLabels,
       .augmented = false},
      {.name = "no_augment", .title = "without augmentation", .augmented = false},
      {.name = "top", .title = "last layers of the teacher", .map = LayerMapKind::kTop},
      {.name = "bottom", .title = "first layers of the teacher", .map = LayerMapKind::kBottom}};
  return list;
}

int64_t steps_for(const train::Options& options, std::size_t examples) {
  if (options.max_steps > 0) return options.max_steps;
  const auto per_epoch =
      static_cast<double>((static_cast<int64_t>(examples) + options.batch_size - 1) / options.batch_size);
  return std::max<int64_t>(1, std::llround(std::ceil(options.epochs * per_epoch - 1e-9)));
}

// Dropout by the step; nothing is chosen by a dev set.
class LayerHooks : public train::Hooks {
 public:
  explicit LayerHooks(Seed seed) : seed_(seed) {}
  void before_step(int64_t step) override { step_ = step; }
  uint64_t salt() const { return seed_.derive("dropout").derive(static_cast<uint64_t>(step_)).value(); }

 private:
  Seed seed_;
  int64_t step_ = 0;
};

models::EncoderConfig student_config(const TinybertOptions& options, models::EncoderConfig config) {
  config.num_hidden_layers = options.layers;
  config.hidden_size = config.embedding_size = options.width;
  config.intermediate_size = options.intermediate_size;
  config.original = Json::object();
  if (options.width % config.num_attention_heads != 0)
    user_fail("width", "expected a multiple of the teacher's {} attention heads but received {}",
              config.num_attention_heads, options.width);
  return config;
}

class Tinybert {
 public:
  Tinybert(const TinybertOptions& options, const Run& run)
      : options_(options), run_(run), study_(options, options.teacher, run) {
    student_config_ = student_config(options, models::load_encoder(options.teacher).model->config());
    Study::Teacher teacher = study_.teacher(options.teacher);
    teacher_ = teacher.model;
    tokenizer_ = text::Tokenizer::from_folder(options.teacher);
    if (options.has("teacher")) result_.arms.push_back(teacher.arm);
    if (is_wanted([](const TinybertArm& arm) { return arm.augmented; })) larger_ = augmented_task();
    // Their number of steps is needed by the arms without, too.
    if (!options.general.texts.empty() || is_wanted([](const TinybertArm& arm) { return arm.general; })) read_general();
    teacher_->freeze(options.precision);
  }

  void run() {
    result_.resamples = options_.resamples;
    for (const TinybertArm& arm : tinybert_arms()) {
      if (!options_.has(arm.name)) continue;
      TaskArm whole;
      for (int64_t s = 0; s < options_.seeds; ++s) add_runs(whole, train_arm_seed(arm, s));
      result_.arms.push_back(whole);
      if (std::string_view(arm.name) == "full") link_model(whole, run_);
    }
    fmt::print(
        "{} rows to train on, {} with their variants; {} steps of general distillation, {} of layer losses and {} of "
        "prediction\n",
        study_.task().train.examples.size(), task_of(true).train.examples.size(), general_steps(), layer_steps(),
        prediction_steps());
    write_task_results(result_, study_.task(), run_);
  }

 private:
  template <class Is>
  bool is_wanted(Is is) const {
    return std::any_of(tinybert_arms().begin(), tinybert_arms().end(),
                       [&](const TinybertArm& arm) { return options_.has(arm.name) && is(arm); });
  }

  const OpenTask& task_of(bool augmented) const { return augmented && larger_ ? *larger_ : study_.task(); }
  // Every arm takes the steps of all three phases; those of a phase that it lacks are added to its next one.
  int64_t general_steps() const {
    return pieces_.examples.empty() ? 0 : steps_for(options_.general.train, pieces_.examples.size());
  }
  int64_t steps_before(const TinybertArm& arm) const { return arm.general ? 0 : general_steps(); }
  int64_t layer_steps() const { return steps_for(options_.intermediate, task_of(true).train.examples.size()); }
  int64_t prediction_steps() const { return steps_for(study_.train(), task_of(true).train.examples.size()); }

  OpenTask augmented_task() const {
    OpenTask larger = study_.task();
    const auto& o = options_.augment;
    if (o.substitution.variants == 0) return larger;
    models::PretrainedEncoder asked{teacher_, nullptr};
    std::shared_ptr<const text::Tokenizer> tokenizer;
    if (!o.masked_lm.empty()) {
      asked = models::load_encoder(o.masked_lm, models::Head{.kind = models::HeadKind::kMaskedLm});
      tokenizer = asked.tokenizer;
      asked.model->freeze(options_.precision);
    }
    std::optional<formats::WordVectors> vectors;
    if (!o.word_vectors.empty()) vectors = formats::read_word_vectors(o.word_vectors, o.vector_words);
    synthesis::WordCandidates candidates(*asked.model, tokenizer ? *tokenizer : *tokenizer_,
                                         vectors ? &*vectors : nullptr, o.candidates);
    larger.data.train = synthesis::augmented(larger.data.train, larger.data.description.kind, candidates,
                                             o.substitution, run_.seed().derive("augment"));
    // A variant may be longer in tokens than its row was.
    data::TaskEncodeOptions text = options_.data.tokens;
    text.overlong = data::Overlong::kLongestFirst;
    larger.train = data::encode_split(larger.data.train, larger.data.description, *tokenizer_,
                                      limits_of(teacher_->config()), text);
    fmt::print("with variants: {}\n", data::size_text(larger.train));
    std::fflush(stdout);
    return larger;
  }

  void read_general() {
    if (options_.general.texts.empty())
      user_fail("general.texts", "expected files of plain texts for general distillation but received none");
    const auto corpus = data::read_corpus(options_.general.texts, options_.general.field);
    pieces_ = data::cut_texts(corpus.texts, *tokenizer_, options_.general.text, teacher_->config().context(),
                              "general.texts");
    fmt::print("general distillation: {}\n", data::size_text(pieces_));
    const std::string& folder = options_.general.teacher.empty() ? options_.teacher : options_.general.teacher;
    general_teacher_ = models::load_encoder(folder, models::Head{}).model;
    general_teacher_->freeze(options_.precision);
  }

  LayerLossOptions losses_of(const TinybertArm& arm) const {
    LayerLossOptions loss = options_.loss;
    if (!arm.attention) loss.attention = 0;
    if (!arm.hidden) loss.hidden = 0;
    if (!arm.embedding) loss.embedding = 0;
    if (arm.map) loss.map = {.kind = *arm.map};
    return loss;
  }

  // The folder of a student that was distilled on plain text; arms with the same losses and map share it.
  std::filesystem::path general_student(const TinybertArm& arm) const {
    const bool as_full = arm.attention && arm.hidden && arm.embedding && !arm.map;
    const std::string variant = as_full ? "full" : arm.name;
    const Run all = run_.child("general"), folder = all.child(variant, all.seed());  // the same order
    if (std::filesystem::exists(folder.path("model"))) return folder.path("model");
    fmt::print("general distillation of {}\n", variant);
    const auto student = models::make_encoder(student_config_, {}, run_.seed().derive("student"));
    LayerLearner learner(*student, *general_teacher_, losses_of(arm), options_.precision,
                         run_.seed().derive("student"));
    const int64_t steps = learn_layers(learner, pieces_.examples, options_.general.train, folder);
    models::save_encoder(folder.path("model"), *student, *tokenizer_, Precision::kFp32,
                         [&](const auto& inside) { learner.save_projections(inside / "projections.safetensors"); });
    std::filesystem::remove_all(folder.path(fmt::format("checkpoint-{}", steps)));
    return folder.path("model");
  }

  static int64_t learn_layers(LayerLearner& learner, const std::vector<data::Example>& examples,
                              const train::Options& options, const Run& folder) {
    LayerHooks hooks(folder.seed());
    const train::Step step = [&](const data::Batch& batch) { return learner.loss(batch, hooks.salt()); };
    return train::fit(learner.trainable(), examples, step, options, folder, hooks).steps;
  }

  // The student that the prediction phase of an arm begins with.
  models::PretrainedEncoder start(const TinybertArm& arm, int64_t s) const {
    const Seed seed = study_.seed_of(s);
    const OpenTask& task = task_of(arm.augmented);
    models::PretrainedEncoder student{nullptr, tokenizer_};
    std::filesystem::path from;
    if (arm.general) {
      from = general_student(arm);
      student = study_.open(from.string(), seed);
    } else {
      student.model = models::make_encoder(student_config_, head_of(task.data), seed.derive("student"));
    }
    if (!arm.learns_layers()) return student;
    LayerLearner learner(*student.model, *teacher_, losses_of(arm), options_.precision, seed);
    if (!from.empty()) learner.load_projections(from / "projections.safetensors");
    train::Options options = options_.intermediate;
    options.max_steps = layer_steps() + steps_before(arm);
    learn_layers(learner, task.train.examples, options,
                 run_.child("layers").child(fmt::format("{}-{}", arm.name, s + 1), seed.derive("layers")));
    return student;
  }

  TaskArm train_arm_seed(const TinybertArm& arm, int64_t s) {
    const OpenTask& task = task_of(arm.augmented);
    ArmTraining training = study_.starting_from([this, &arm, s] { return start(arm, s); });
    training.name = fmt::format("{}-{}", arm.name, s + 1);
    training.title = arm.title;
    training.first_seed = s;
    training.train.max_steps = prediction_steps();
    if (!arm.learns_layers()) training.train.max_steps += layer_steps() + steps_before(arm);
    const bool by_label = arm.learns_labels() || task.data.description.kind == data::TaskKind::kScore;
    if (!by_label) {
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
  TaskResult result_{
      .method = "tinybert", .title = "TinyBERT", .paper = "Jiao et al., arXiv:1909.10351", .main = "full", .arms = {}};
  std::optional<OpenTask> larger_;
  data::TextPieces pieces_;
  std::map<bool, std::vector<at::Tensor>> taught_;  // logits of the rows, by whether they are augmented
};

std::vector<std::string> tinybert_arm_names() {
  std::vector<std::string> names = {"teacher"};
  for (const auto& arm : tinybert_arms()) names.emplace_back(arm.name);
  return names;
}

}  // namespace

void GeneralOptions::describe(Fields& f) {
  f("texts", texts, "files of plain texts: a line of a .txt file, a row of JSON Lines or CSV; also gzip or zstd");
  f("field", field, "of a row, which has its text");
  f("teacher", teacher, "folder of an encoder that was not fine-tuned; none: the teacher's folder", Names::kFolder);
  f.group("text", text);
  f.group("train", train);
}

TinybertOptions::TinybertOptions() {
  arms = {"teacher", "fine_tune", "kd", "full"};
  train.epsilon = 1e-6, train.bias_correction = false, train.clip = train::Clip::kEach;
}

void TinybertOptions::describe(Fields& f) {
  f("teacher", teacher, "folder of the encoder that teaches; fine-tuned first where it has no head for the task",
    Names::kRequiredFolder);
  f("layers", layers, "blocks of the student", at_least(1));
  f("width", width, "of its hidden states; a multiple of the teacher's attention heads", at_least(1));
  f("intermediate_size", intermediate_size, "width inside its feed-forward blocks", at_least(1));
  StudyOptions::describe(f, tinybert_arm_names());
  f.group("loss", loss);
  f.group("general", general);
  f.group("augment", augment);
  f.group("intermediate", intermediate);
  f.check([this]() -> std::optional<std::string> {
    for (const std::string& file : general.texts)
      if (!std::filesystem::is_regular_file(file)) return "general.texts: expected a file but found none at " + file;
    return std::nullopt;
  });
}

std::vector<std::filesystem::path> TinybertOptions::inputs() const {
  auto files = StudyOptions::inputs({teacher, general.teacher, augment.masked_lm});
  files.insert(files.end(), general.texts.begin(), general.texts.end());
  if (!augment.word_vectors.empty()) files.emplace_back(augment.word_vectors);
  return files;
}

void TinybertOptions::plan_trainings(EncoderPlan& plan) const {
  PlannedTraining prediction = planned_tuning(*this, teacher, precision);
  const models::EncoderConfig whole = prediction.config;
  plan.add_teacher(prediction, teacher);
  prediction.config = student_config(*this, whole);
  PlannedTraining by_layers = prediction, plain = prediction;
  by_layers.work = planned_texts(prediction.work->examples);
  by_layers.train = intermediate;
  by_layers.taught_by(whole);
  int64_t general_steps = 0;
  if (!general.texts.empty()) {
    const auto corpus = data::read_corpus(general.texts, general.field);
    plain.work = planned_texts(data::cut_texts(corpus.texts, *text::Tokenizer::from_folder(teacher), general.text,
                                               whole.context(), "general.texts")
                                   .examples);
    plain.train = general.train;
    plain.runs = 1;
    plain.taught_by(general.teacher.empty() ? whole : encoder_config_in(general.teacher));
    general_steps = steps_for(general.train, plain.work->examples.size());
  }
  const auto variants = static_cast<double>(augment.substitution.variants);
  const auto rows = static_cast<std::size_t>(static_cast<double>(prediction.work->examples.size()) * (1 + variants));
  bool as_full = false;
  for (const TinybertArm& arm : tinybert_arms()) {
    if (!has(arm.name)) continue;
    const bool same = arm.attention && arm.hidden && arm.embedding && !arm.map;
    if (arm.general && general_steps > 0 && !(same && as_full))
      plan.add(plain, fmt::format("{}, general", same ? "full" : arm.name));
    as_full = as_full || (arm.general && same);
    const int64_t lacked =
        (arm.general ? 0 : general_steps) + (arm.learns_layers() ? 0 : steps_for(intermediate, rows));
    by_layers.variants = prediction.variants = arm.augmented ? variants : 0;
    by_layers.train.max_steps = steps_for(intermediate, rows) + lacked;
    prediction.train.max_steps = steps_for(train, rows) + (arm.learns_layers() ? 0 : lacked);
    if (arm.learns_layers()) plan.add(by_layers, fmt::format("{}, layers", arm.name));
    plan.add(prediction, arm.name);
  }
}

void run_tinybert(const TinybertOptions& options, const Run& run) {
  const TimeLog time_log(run);
  Tinybert(options, run).run();
}

}  // namespace limbeck::recipes
