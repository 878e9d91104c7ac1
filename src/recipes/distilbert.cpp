#include "recipes/distilbert.h"

#include <fmt/format.h>

#include <cstdio>
#include <optional>

#include "base/errors.h"
#include "recipes/distilbert_arms.h"
#include "recipes/distilbert_student.h"
#include "recipes/masked_lm_table.h"
#include "recipes/task_report.h"
#include "train/checkpoint.h"  // remove_checkpoints

namespace limbeck::recipes {
namespace {

class Distilbert {
 public:
  Distilbert(const DistilbertOptions& options, const Run& run)
      : options_(options), run_(run), teacher_(open_teacher()) {
    if (options.task.data.is_given()) {
      const auto& model = *teacher_.model;
      task_ = open_task(options.task.data, *teacher_.tokenizer, model.config(), run.seed());
      expect_trainable(*task_);
    }
    data_ = open_masked_lm(options.data, *teacher_.tokenizer, teacher_.model->config().context());
    blocks_ = student_blocks(options, *teacher_.model, data_.dev.examples, run.seed().derive("layers"));
    frozen_ = open_teacher().model;
    frozen_->freeze(options.precision);
  }

  void run() {
    add_row("teacher", "teacher", *frozen_, options_.teacher);
    for (const DistilbertArm& arm : distilbert_arms(options_.arms))
      in_context(std::string("arm ") + arm.name, [&] { run_arm(arm); });
    write_masked_lm_table(result_.title, rows_, data_, {{"blocks", blocks_}}, run_);
    if (task_) write_task_results(result_, *task_, run_);
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

  void run_arm(const DistilbertArm& arm) {
    const Run all = run_.child("pretrained"), folder = all.child(arm.name, all.seed());  // the same order and masks
    const auto saved = folder.path("model");
    if (!std::filesystem::exists(saved)) pretrain(arm, folder);
    const auto trained = models::load_encoder(saved);
    trained.model->set_precision(options_.precision);
    add_row(arm.name, arm.title, *trained.model, saved.string());
    if (std::string_view(arm.name) == "full" && !std::filesystem::exists(run_.path("model")))
      models::save_encoder(run_.path("model"), *trained.model, *trained.tokenizer);
  }

  // The three losses at once, of the student that reads with dropout beside the frozen teacher.
  void pretrain(const DistilbertArm& arm, const Run& folder) const {
    const auto student =
        distilbert_student(options_, *teacher_.model, blocks_, arm.start, run_.seed().derive("student"));
    HeldOutHooks hooks(*student, data_, options_.train, folder.seed());
    TripleLossOptions loss = options_.loss;
    if (!arm.ce) loss.ce = 0;
    if (!arm.mlm) loss.mlm = 0;
    if (!arm.cos) loss.cos = 0;
    if (arm.is_trained())
      train::fit(trainable(*student), data_.train.examples,
                 triple_loss_step(*student, *frozen_, hooks, options_.precision, loss), options_.train, folder, hooks);
    models::save_encoder(folder.path("model"), *student, *teacher_.tokenizer);
    train::remove_checkpoints(folder.folder());
  }

  // What a model is as a masked language model, and fine-tuned.
  void add_row(const std::string& name, const std::string& title, models::Encoder& model, const std::string& source) {
    const bool is_teacher = &model == frozen_.get();
    MaskedLmRow row{.name = name,
                    .title = title,
                    .figures = masked_lm_figures(model, data_, is_teacher ? nullptr : frozen_.get()),
                    .parameters = num_weights(is_teacher ? *teacher_.model : model)};
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

  const DistilbertOptions& options_;
  const Run& run_;
  models::PretrainedEncoder teacher_;
  std::shared_ptr<models::Encoder> frozen_;
  std::vector<int64_t> blocks_;
  std::optional<OpenTask> task_;
  MaskedLmData data_;
  std::vector<MaskedLmRow> rows_;
  TaskResult result_{.method = "distilbert",
                     .title = "DistilBERT",
                     .paper = "Sanh et al., arXiv:1910.01108",
                     .main = "full",
                     .arms = {},
                     .resamples = options_.task.resamples};
};

}  // namespace

void run_distilbert(const DistilbertOptions& options, const Run& run) {
  Distilbert(options, run).run();
}

}  // namespace limbeck::recipes
