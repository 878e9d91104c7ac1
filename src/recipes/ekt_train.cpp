#include "recipes/ekt_train.h"

#include <algorithm>
#include <numeric>

#include "base/errors.h"
#include "data/encode.h"
#include "recipes/sft.h"
#include "synthesis/prompts.h"
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
    models::Pretrained copy = student_;
    std::vector<int64_t> all(static_cast<std::size_t>(student_.model->config().num_hidden_layers));
    std::iota(all.begin(), all.end(), int64_t{0});
    copy.model = models::slice_layers(*student_.model, all);
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

void remove_checkpoints(const std::filesystem::path& folder) {
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.path().filename().string().starts_with("checkpoint-")) std::filesystem::remove_all(entry.path());
}

}  // namespace

void train_student(const EktContext& context, const std::vector<TrainingPair>& pairs, const Run& run,
                   const std::filesystem::path& model_folder) {
  if (!std::filesystem::exists(model_folder)) {
    const models::Pretrained student = context.student();
    const auto examples = examples_of(context, pairs, student, run.path("pairs.jsonl").string());
    DevSolving hooks(context, student, run);
    train::Options train = context.options.train;
    if (train.evaluate_every == 0 && !context.dev.empty()) {
      const auto steps_per_epoch = (static_cast<int64_t>(examples.size()) + train.batch_size - 1) / train.batch_size;
      train.evaluate_every = std::max<int64_t>(1, context.options.dev_every_epochs * steps_per_epoch);
    }
    train::fit(trainable(*student.model), examples, sft_step(*student.model, context.options.precision), train, run,
               hooks);
    models::save_pretrained(model_folder, *student.model, *student.tokenizer);
  }
  remove_checkpoints(run.folder());
}

}  // namespace limbeck::recipes
