#include "recipes/distilbert.h"

#include <fmt/format.h>
#include <fmt/ranges.h>  // fmt::join

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <optional>

#include "base/errors.h"
#include "base/files.h"
#include "base/json.h"
#include "models/encoder_catalog.h"
#include "models/fresh_weights.h"
#include "models/type_free.h"
#include "recipes/cells.h"
#include "recipes/drop_layers.h"  // scores_for
#include "recipes/task_report.h"
#include "recipes/time_shares.h"
#include "train/checkpoint.h"  // remove_checkpoints

namespace limbeck::recipes {
namespace {

enum class StartFrom { kTeacher, kRandom };

struct DistilbertArm {
  const char *name, *title;
  bool ce, mlm, cos;
  StartFrom start;
};

constexpr DistilbertArm kDistilbertArms[] = {
    {"full", "three losses, teacher's blocks", true, true, true, StartFrom::kTeacher},
    {"no_ce", "without the divergence", false, true, true, StartFrom::kTeacher},
    {"no_cos", "without the cosine", true, true, false, StartFrom::kTeacher},
    {"no_mlm", "without masked language modelling", true, false, true, StartFrom::kTeacher},
    {"random_init", "three losses, random weights", true, true, true, StartFrom::kRandom},
    {"mlm_teacher_init", "no teacher's loss, teacher's blocks", false, true, false, StartFrom::kTeacher},
    {"mlm_random_init", "no teacher's loss, random weights", false, true, false, StartFrom::kRandom},
};

std::vector<std::string> distilbert_arm_names() {
  std::vector<std::string> names;
  for (const auto& arm : kDistilbertArms) names.emplace_back(arm.name);
  return names;
}

// What an arm is as a masked language model.
struct DistilbertRow {
  std::string name, title;
  MaskedLmFigures figures;
  int64_t parameters = 0;
};

class Distilbert {
 public:
  Distilbert(const DistilbertOptions& options, const Run& run)
      : options_(options), run_(run), teacher_(open_teacher()) {
    result_ = {.method = "distilbert",
               .title = "DistilBERT",
               .paper = "Sanh et al., arXiv:1910.01108",
               .main = "full",
               .arms = {},
               .resamples = options.task.resamples};
    if (options.task.data.is_given()) {
      const auto& model = *teacher_.model;
      task_ = open_task(options.task.data, *teacher_.tokenizer, model.config(), run.seed());
      expect_trainable(*task_);
    }
    data_ = open_masked_lm(options.data, *teacher_.tokenizer, teacher_.model->config().context());
    blocks_ = chosen_blocks();
    frozen_ = open_teacher().model;
    frozen_->freeze(options.precision);
  }

  void run() {
    add_row("teacher", "teacher", *frozen_, options_.teacher);
    for (const DistilbertArm& arm : kDistilbertArms)
      if (std::find(options_.arms.begin(), options_.arms.end(), arm.name) != options_.arms.end())
        in_context(std::string("arm ") + arm.name, [&] { run_arm(arm); });
    write();
  }

 private:
  models::PretrainedEncoder open_teacher() const {
    auto teacher = models::load_encoder(options_.teacher, models::Head{.kind = models::HeadKind::kMaskedLm});
    if (teacher.fresh_head)
      user_fail("teacher", "expected an encoder with a masked-language-modelling head but {} has none",
                options_.teacher);
    teacher.model->set_precision(options_.precision);
    return teacher;
  }

  std::vector<int64_t> chosen_blocks() const {
    const int64_t all = teacher_.model->config().num_hidden_layers;
    if (!options_.layers.empty()) return options_.layers;
    const int64_t keep = options_.num_layers > 0 ? options_.num_layers : std::max<int64_t>(1, all / 2);
    if (keep > all) user_fail("num_layers", "expected at most the teacher's {} but received {}", all, keep);
    const auto dropped = models::blocks_to_drop(all, {.rule = options_.rule, .drop = all - keep},
                                                scores_for(*teacher_.model, options_.rule, data_.dev.examples),
                                                run_.seed().derive("layers"));
    return models::blocks_to_keep(all, dropped);
  }

  std::shared_ptr<models::Encoder> student(StartFrom start) const {
    auto student = models::keep_layers(*teacher_.model, blocks_);
    if (options_.family == StudentFamily::kDistilbert) student = models::as_distilbert(*student);
    const Seed seed = run_.seed().derive("student");
    if (start == StartFrom::kRandom) student = models::make_encoder(student->config(), student->head(), seed);
    if (!options_.copy_transform) refresh_transform(*student, seed);
    student->set_precision(options_.precision);
    return student;
  }

  // The product and norm before the vocabulary product start anew.
  static void refresh_transform(models::Encoder& student, Seed seed) {
    const auto& row = models::encoder_architecture_of(student.config().model_type, "distilbert");
    const auto layout = row.masked_lm(student.config());
    nn::Parameters parameters;
    student.parameters(parameters);
    for (const nn::NamedParameter& p : parameters.list())
      if (p.name.starts_with(layout.dense + ".") || p.name.starts_with(layout.norm + "."))
        models::fill_fresh(p, student.config().initializer_range, seed);
    student.weights_changed();
  }

  void run_arm(const DistilbertArm& arm) {
    const Run all = run_.child("pretrained"), folder = all.child(arm.name, all.seed());  // the same order and masks
    const auto saved = folder.path("model");
    if (!std::filesystem::exists(saved)) train(arm, folder);
    const auto trained = models::load_encoder(saved);
    trained.model->set_precision(options_.precision);
    add_row(arm.name, arm.title, *trained.model, saved.string());
    if (std::string_view(arm.name) == "full" && !std::filesystem::exists(run_.path("model")))
      models::save_encoder(run_.path("model"), *trained.model, *trained.tokenizer);
  }

  void train(const DistilbertArm& arm, const Run& folder) const {
    const auto learner = student(arm.start);
    HeldOutHooks hooks(*learner, data_, options_.train, folder.seed());
    TripleLossOptions loss = options_.loss;
    if (!arm.ce) loss.ce = 0;
    if (!arm.mlm) loss.mlm = 0;
    if (!arm.cos) loss.cos = 0;
    const auto step = triple_loss_step(*learner, *frozen_, hooks, options_.precision, loss);
    train::fit(trainable(*learner), data_.train.examples, step, options_.train, folder, hooks);
    models::save_encoder(folder.path("model"), *learner, *teacher_.tokenizer);
    train::remove_checkpoints(folder.folder());
  }

  void add_row(const std::string& name, const std::string& title, models::Encoder& model, const std::string& source) {
    DistilbertRow row{.name = name,
                      .title = title,
                      .figures = masked_lm_figures(model, data_, &model == frozen_.get() ? nullptr : frozen_.get()),
                      .parameters = num_weights(&model == frozen_.get() ? *teacher_.model : model)};
    fmt::print("{}: held-out loss {:.4f}, {:.1f} % guessed right\n", title, row.figures.loss,
               100 * row.figures.accuracy);
    std::fflush(stdout);
    if (task_) result_.arms.push_back(fine_tune(name, title, source));
    rows_.push_back(std::move(row));
  }

  // The weights of a folder with the task's head, trained with each seed.
  TaskArm fine_tune(const std::string& name, const std::string& title, const std::string& source) const {
    ArmTraining training{.name = name, .title = title};
    training.student = [&](Seed seed) -> models::PretrainedEncoder {
      return models::load_encoder(source, head_of(task_->data), seed.derive("head"));
    };
    training.train = with_warmup(options_.task.train, options_.task.warmup, *task_);
    return train_arm(training, {.task = *task_, .precision = options_.precision, .num_seeds = options_.task.seeds},
                     run_.child("arms"));
  }

  void write() const {
    Cells cells = {{"pretraining", "parameters", "held-out loss", "guessed right %", "KL from the teacher"}};
    Json facts = Json::array();
    for (const DistilbertRow& row : rows_) {
      cells.push_back({row.title, fmt::format("{:.2f} M", static_cast<double>(row.parameters) / 1e6),
                       fmt::format("{:.4f}", row.figures.loss), fmt::format("{:.1f}", 100 * row.figures.accuracy),
                       row.name == "teacher" ? "" : fmt::format("{:.4f}", row.figures.divergence)});
      facts.push_back({{"arm", row.name},
                       {"title", row.title},
                       {"parameters", row.parameters},
                       {"loss", row.figures.loss},
                       {"accuracy", row.figures.accuracy},
                       {"divergence", row.figures.divergence}});
    }
    const std::string note = fmt::format("{} hidden tokens of {} held-out examples, the same for all.\n",
                                         rows_.front().figures.num_masked, data_.dev.examples.size());
    write_file_atomically(run_.path("pretraining.md"),
                          "# DistilBERT: pretraining\n\n" + cells_markdown(cells) + "\n" + note);
    write_json(run_.path("pretraining.json"), {{"arms", facts}, {"blocks", blocks_}});
    fmt::print("\n{}\n{}", cells_text(cells), note);
    if (task_) write_task_results(result_, *task_, run_);
  }

  const DistilbertOptions& options_;
  const Run& run_;
  models::PretrainedEncoder teacher_;
  std::shared_ptr<models::Encoder> frozen_;
  std::vector<int64_t> blocks_;
  std::optional<OpenTask> task_;
  MaskedLmData data_;
  std::vector<DistilbertRow> rows_;
  TaskResult result_;
};

}  // namespace

void DistilbertOptions::describe(Fields& f) {
  f("teacher", teacher, "folder of an encoder with a masked-language-modelling head", Names::kRequiredFolder);
  f("arms", arms, fmt::format("what is trained side by side: {}", fmt::join(distilbert_arm_names(), ", ")));
  f("num_layers", num_layers, "blocks of the student; 0: half of the teacher's", at_least(0));
  auto rules = models::drop_rules();
  std::erase_if(rules, [](const auto& named) { return named.second == models::DropRule::kGiven; });
  f("rule", rule,
    "which of the teacher's blocks go: spaced keeps evenly spaced ones; the others are those of layer-drop, "
    "contributions measured on the held-out texts",
    rules);
  f("layers", layers,
    "the teacher's blocks that the student starts from, counted from 0; none: as num_layers and rule say", at_least(0));
  f("family", family, "distilbert: without token types (of a BERT); teacher: the teacher's own architecture",
    {{"distilbert", StudentFamily::kDistilbert}, {"teacher", StudentFamily::kTeachers}});
  f("copy_transform", copy_transform,
    "the product and norm before the vocabulary product are copied too (vocab_transform of the official code)");
  f("precision", precision, "of the matrix products; weights, sums and the optimiser are fp32", precision_choices());
  f("seed", seed, "of weights, order, masks and dropout", at_least(0));
  f.group("loss", loss);
  f.group("data", data);
  f.group("train", train);
  f.group("task", task);
  f.check([this] { return mistake_in_arms(arms, distilbert_arm_names()); });
}

std::vector<std::filesystem::path> DistilbertOptions::inputs() const {
  auto files = data.inputs();
  files.emplace_back(teacher);
  if (!task.data.is_given()) return files;
  const auto of_task = data::inputs_of(task.data.source);
  files.insert(files.end(), of_task.begin(), of_task.end());
  return files;
}

void DistilbertOptions::plan_trainings(EncoderPlan& plan) const {
  const models::EncoderConfig whole = encoder_config_in(teacher);
  PlannedTraining pretraining = planned_masked_lm(data, *text::Tokenizer::from_folder(teacher), whole, train, precision,
                                                  loss.taught == TaughtTokens::kAll);
  const auto half = std::max<int64_t>(1, whole.num_hidden_layers / 2), given = static_cast<int64_t>(layers.size());
  pretraining.config.num_hidden_layers = given > 0 ? given : num_layers > 0 ? num_layers : half;
  std::optional<PlannedTraining> tuning;
  if (task.data.is_given()) tuning = planned_tuning(task, teacher, precision);
  if (tuning) plan.add(*tuning, "teacher on the task");
  for (const DistilbertArm& arm : kDistilbertArms) {
    if (std::find(arms.begin(), arms.end(), arm.name) == arms.end()) continue;
    PlannedTraining& training = plan.add(pretraining, arm.name);
    if (arm.ce || arm.cos) training.taught_by(whole);
    if (tuning) plan.add(*tuning, fmt::format("{} on the task", arm.name)).config = pretraining.config;
  }
}

void run_distilbert(const DistilbertOptions& options, const Run& run) {
  const TimeLog time_log(run);
  Distilbert(options, run).run();
}

}  // namespace limbeck::recipes
