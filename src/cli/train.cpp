// limbeck train --model=DIR|FILE.gguf --data=pairs.jsonl --out=DIR: fine-tunes a model on texts, with --teacher also on
// a teacher's distribution of each of their tokens. DIR/model is a Hugging Face folder; the same line again goes on
// where it was stopped.
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <optional>

#include "base/errors.h"
#include "base/fields.h"
#include "base/interrupt.h"
#include "base/run.h"
#include "cli/verbs.h"
#include "data/encode.h"
#include "data/rows.h"
#include "models/language_model.h"
#include "recipes/distil.h"
#include "recipes/lora.h"
#include "recipes/sft.h"
#include "recipes/stored_teacher.h"
#include "tensor/device.h"
#include "train/fit.h"

namespace limbeck::cli {
namespace {

struct TrainOptions {
  std::string model, data, dev, teacher;
  int64_t layers = 0, seed = 1;
  Precision precision = Precision::kBf16, stored = Precision::kFp32;
  data::EncodeOptions text;
  recipes::DistilOptions kd;
  recipes::LoraOptions lora;
  train::Options train{.warmup_steps = 0};
  void describe(Fields& f) {
    f("model", model, "Hugging Face folder or GGUF file to start from", Names::kRequiredFileOrFolder);
    f("data", data,
      "records (JSON Lines, CSV, plain text; also gzip or zstd): {\"prompt\":…,\"completion\":…} or {\"text\":…} or "
      "{\"messages\":[…]}",
      Names::kRequiredFile);
    f("dev", dev, "held-out rows; the weights with the lowest loss on them are kept", Names::kFile);
    f("teacher", teacher,
      "a model with the same vocabulary, or a store of its log-probabilities (limbeck record), whose distribution of "
      "every next token the trained one learns; see kd",
      Names::kFileOrFolder);
    f("layers", layers, "train a slice of so many evenly spaced layers of the model; 0: all of them", at_least(0));
    f("precision", precision, "of the matrix products; weights, sums and the optimiser are fp32", precision_choices());
    f("stored", stored, "of the weights in DIR/model", precision_choices());
    f("seed", seed, "of the order of the rows", at_least(0));
    f.group("text", text);
    f.group("kd", kd);
    f.group("lora", lora);
    f.group("train", train);
  }
};

// Where the result goes is no part of what the run is.
struct Command {
  std::string out;
  TrainOptions options;
  void describe(Fields& f) {
    f("out", out, "folder of the run; what stands there of the same run is gone on with");
    options.describe(f);
  }
};

class DevLoss : public train::Hooks {
 public:
  DevLoss(train::Step step, std::vector<data::Example> examples, int64_t max_tokens, recipes::LoraTraining* lora)
      : step_(std::move(step)), examples_(std::move(examples)), max_tokens_(max_tokens), lora_(lora) {}
  void before_step(int64_t step) override {
    if (lora_) lora_->before_step(step);
  }
  std::optional<double> evaluate(int64_t) override {
    if (examples_.empty()) return std::nullopt;
    return -recipes::mean_loss(step_, examples_, max_tokens_);
  }

 private:
  train::Step step_;
  std::vector<data::Example> examples_;
  int64_t max_tokens_;
  recipes::LoraTraining* lora_;  // null where all weights are trained
};

bool names_store(const std::string& teacher) {
  return !teacher.empty() && !std::filesystem::is_directory(teacher) &&
         std::filesystem::path(teacher).extension() != ".gguf";
}

// Frozen in the precision of the products; none where no teacher is named, or a store.
std::optional<models::Pretrained> load_teacher(const TrainOptions& options) {
  if (options.teacher.empty() || names_store(options.teacher)) return std::nullopt;
  models::Pretrained teacher =
      in_context("loading teacher " + options.teacher, [&] { return models::load_pretrained(options.teacher); });
  teacher.model->freeze(options.precision);
  return teacher;
}

void slice(models::Pretrained& source, int64_t layers) {
  const int64_t all = source.model->config().num_hidden_layers;
  if (layers > all) user_fail("layers", "expected at most {}, the layers of the model, but received {}", all, layers);
  if (layers > 0) source.model = models::slice_layers(*source.model, models::evenly_spaced_layers(all, layers));
}

std::vector<data::Example> examples_of(const std::string& file, const std::vector<data::Row>& rows,
                                       const models::Pretrained& source, const TrainOptions& options) {
  const auto encoded = data::encode_rows(rows, *source.tokenizer, recipes::limits_of(source), options.text, file);
  fmt::print("{}: {} rows, {} tokens, {:.0f} of them learned", file, encoded.examples.size(), encoded.num_tokens,
             encoded.num_targets);
  if (encoded.num_truncated > 0) fmt::print(", {} rows cut", encoded.num_truncated);
  if (encoded.num_skipped > 0) fmt::print(", {} rows left out as too long", encoded.num_skipped);
  fmt::print("\n");
  return encoded.examples;
}

}  // namespace

int verb_train(const Args& args) {
  Command command;
  Fields fields = fields_of(command);
  read_options(fields, "", args);
  if (command.out.empty()) user_fail("train", "expected --out=DIR, the folder of the run");
  TrainOptions& options = command.options;
  const std::filesystem::path model_folder = std::filesystem::path(command.out) / "model";
  // Mistakes in the data are found before anything is loaded or written.
  const auto rows = data::read_rows(options.data);
  const auto dev_rows = options.dev.empty() ? std::vector<data::Row>{} : data::read_rows(options.dev);

  std::vector<std::filesystem::path> inputs{options.model, options.data};
  if (!options.dev.empty()) inputs.emplace_back(options.dev);
  if (!options.teacher.empty()) inputs.emplace_back(options.teacher);
  const Run run =
      Run::open(command.out, "train", to_toml(fields_of(options)), inputs, Seed(static_cast<uint64_t>(options.seed)));
  if (std::filesystem::exists(model_folder)) {
    fmt::print("{} is there already; this run is done\n", model_folder.string());
    return 0;
  }
  if (run.resumed()) fmt::print(stderr, "{}: going on with the run that stands there\n", command.out);

  const auto teacher = load_teacher(options);
  models::Pretrained source = models::load_pretrained(options.model);
  throw_if_interrupted("run the same command again");
  if (teacher) recipes::expect_same_vocabulary(source, *teacher);
  slice(source, options.layers);
  const auto examples = examples_of(options.data, rows, source, options);
  const auto dev_examples =
      options.dev.empty() ? std::vector<data::Example>{} : examples_of(options.dev, dev_rows, source, options);
  if (teacher) recipes::expect_readable(*teacher->model, examples, options.data);
  if (teacher) recipes::expect_readable(*teacher->model, dev_examples, options.dev);
  std::optional<recipes::LoraTraining> lora;
  if (options.lora.rank > 0) {
    lora.emplace(*source.model, options.lora, run.seed());
    fmt::print("LoRA: {} weights are trained\n", lora->num_weights());
  }
  std::optional<teachers::LogProbStore> store;
  if (names_store(options.teacher)) {
    store.emplace(options.teacher);
    recipes::expect_fitting(*store, source, examples, options.kd);
    recipes::expect_fitting(*store, source, dev_examples, options.kd);
  }
  train::Step step = teacher ? recipes::distil_step(*source.model, *teacher->model, options.precision, options.kd)
                     : store ? recipes::distil_step(*source.model, *store, options.precision, options.kd)
                             : recipes::sft_step(*source.model, options.precision);
  if (lora) step = lora->step(step);
  DevLoss hooks(step, dev_examples, options.train.micro_batch_tokens, lora ? &*lora : nullptr);
  source.model->set_recompute(options.train.recompute);
  const auto result = train::fit(lora ? lora->trainable() : recipes::trainable(*source.model), examples, step,
                                 options.train, run, hooks);
  if (lora) {
    // The base of a slice is nowhere as a folder of its own, so its adapter names none.
    lora->save(std::filesystem::path(command.out) / "adapter",
               options.layers > 0 ? "" : std::filesystem::absolute(options.model).string());
    lora->merge();
  }
  models::save_pretrained(model_folder, *source.model, *source.tokenizer, options.stored);
  // The model holds the same weights as the last checkpoint.
  std::filesystem::remove_all(run.path(fmt::format("checkpoint-{}", result.steps)));

  fmt::print("{} steps, last loss {:.4f}", result.steps, result.last_loss);
  if (result.best_step > 0)
    fmt::print("; lowest loss on {} {:.4f} after step {}", options.dev, -result.best_metric, result.best_step);
  if (result.skipped_steps > 0) fmt::print("; {} steps passed over (not finite)", result.skipped_steps);
  fmt::print("\n{}\n", model_folder.string());
  return 0;
}

}  // namespace limbeck::cli
