#include "recipes/ekt_train.h"

#include <algorithm>

#include "base/errors.h"
#include "data/encode.h"
#include "recipes/sft.h"
#include "recipes/student.h"
#include "synthesis/prompts.h"
#include "train/checkpoint.h"  // remove_checkpoints
#include "train/fit.h"

namespace limbeck::recipes {
namespace {

std::vector<data::Example> examples_of(const EktContext& context, const std::vector<TrainingPair>& pairs,
                                       const models::Pretrained& student, const std::string& where) {
  std::vector<data::Row> rows;
  for (const auto& pair : pairs)
    rows.push_back(data::pair_row(synthesis::zero_shot_prompt(pair.question), synthesis::completion_of(pair.program),
                                  static_cast<int64_t>(rows.size()) + 1));
  const data::Limits limits = limits_of(student);
  const EktOptions& options = context.options;
  const int64_t max_length = std::min(options.max_length, limits.context);
  return data::encode_rows(rows, *student.tokenizer, limits,
                           {.max_length = max_length,
                            .overflow = data::Overflow::kTruncate,
                            .loss_on_prompt = options.loss_on_prompt,
                            .special_tokens = false,  // as encode_prompt: the student is asked as it was taught
                            .pad_to_length = options.loss_on_pad ? max_length : 0,
                            .loss_on_pad = options.loss_on_pad},
                           where)
      .examples;
}

// The share of the held-out problems that the student solves greedily, zero-shot: what the best checkpoint is chosen
// by.
class DevSolving : public train::Hooks {
 public:
  DevSolving(const EktContext& context, const models::Pretrained& student, const Run& run)
      : context_(context), student_(student), run_(run) {}

  std::optional<double> evaluate(int64_t step) override {
    if (context_.dev.empty()) return std::nullopt;
    const models::Pretrained copy = copy_of(student_);
    copy.model->freeze(context_.options.precision);
    Solving dev = context_.solving("dev problems", context_.dev);
    dev.prompt = EktContext::zero_shot;
    dev.options.num_samples = 1;
    dev.options.ks = {1};
    dev.options.temperature = 0;
    dev.options.greedy = false;
    const Solved solved = solve(
        dev, [&]() -> const models::Pretrained& { return copy; }, *context_.judge,
        run_.path(fmt::format("dev/{}", step)));
    return solved.figures.front().second.value;
  }

 private:
  const EktContext& context_;
  const models::Pretrained& student_;
  const Run& run_;
};

}  // namespace

Course usual_course(const EktContext& context, std::vector<TrainingPair> pairs) {
  return {
      .pairs = std::move(pairs), .student = [&context] { return context.student(); }, .train = context.options.train};
}

void train_student(const EktContext& context, const Course& course, const Run& run,
                   const std::filesystem::path& model_folder) {
  if (!std::filesystem::exists(model_folder)) {
    models::Pretrained student = course.student();
    const auto examples = examples_of(context, course.pairs, student, run.path("pairs.jsonl").string());
    train::Hooks no_hooks;
    DevSolving dev(context, student, run);
    train::Options train = course.train;
    if (train.evaluate_every == 0 && course.look_at_dev && !context.dev.empty()) {
      const auto steps_per_epoch = (static_cast<int64_t>(examples.size()) + train.batch_size - 1) / train.batch_size;
      train.evaluate_every = std::max<int64_t>(1, context.options.dev_every_epochs * steps_per_epoch);
    }
    student.model->set_recompute(train.recompute);
    const train::Step step =
        course.step ? course.step(student, examples) : sft_step(*student.model, context.options.precision);
    train::fit(trainable(*student.model), examples, step, train, run, course.look_at_dev ? dev : no_hooks);
    models::save_pretrained(model_folder, *student.model, *student.tokenizer);
  }
  train::remove_checkpoints(run.folder());
}

}  // namespace limbeck::recipes
