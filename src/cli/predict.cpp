// limbeck predict --model=DIR --input=FILE --out=FILE: what an encoder with a task's head says of new rows, a JSON
// object a line: labels with probabilities, scores, tags, answers or choices.
#include <ATen/Parallel.h>
#include <fmt/format.h>

#include "base/errors.h"
#include "base/fields.h"
#include "base/files.h"
#include "base/json.h"
#include "base/progress.h"
#include "cli/verbs.h"
#include "data/task_rows.h"
#include "evaluation/predictions.h"
#include "models/encoder.h"
#include "recipes/task_training.h"
#include "tensor/device.h"

namespace limbeck::cli {
namespace {

struct PredictOptions {
  std::string model, input, out, task;
  std::vector<std::string> text, pair, choices;
  data::TaskEncodeOptions encode;
  Precision precision = Precision::kFp32;
  WeightFormat weights = WeightFormat::kAsPrecision;
  int64_t threads = 0, max_batch_tokens = 8192;
  void describe(Fields& f) {
    f("model", model, "Hugging Face folder of an encoder with a task's head", Names::kRequiredFolder);
    f("input", input, "rows: CSV, TSV, JSON, JSON Lines, or plain text with a text a line", Names::kRequiredFile);
    f("out", out, "JSON Lines to write, a row each in the order of the input, with its place and its field id",
      Names::kOutputFile);
    f("task", task, "task file that says how the input is read (format, fields)", Names::kFile);
    f("text", text, "field of the text; empty: text, or question or words as the head wants");
    f("pair", pair, "field of the second text; empty: none, or context of a span");
    f("choices", choices, "fields of the choices, or one that is a list");
    encode.describe(f);
    f("precision", precision, "of the products", {{"fp32", Precision::kFp32}, {"bf16", Precision::kBf16}});
    describe_weights(f, weights);
    f("max_batch_tokens", max_batch_tokens, "tokens that go through the model together; changes the speed only",
      at_least(1));
    f("threads", threads, "processor threads; 0: one per core", at_least(0));
  }
};

data::TaskKind kind_of_head(const models::Head& head, const std::string& model) {
  switch (head.kind) {
    case models::HeadKind::kClassification:
      return head.outputs == 1 ? data::TaskKind::kScore : data::TaskKind::kClasses;
    case models::HeadKind::kChoice:
      return data::TaskKind::kChoice;
    case models::HeadKind::kTokens:
      return data::TaskKind::kTags;
    case models::HeadKind::kSpan:
      return data::TaskKind::kSpan;
    default:
      break;
  }
  user_fail(model, "expected an encoder with a head for classes, scores, tags, spans or choices but it has none");
}

// How the rows are read: by a task file, then by the options, then by what the head usually wants.
data::TaskDescription reading_of(const PredictOptions& options, data::TaskKind kind) {
  data::TaskDescription task;
  if (!options.task.empty()) task = data::read_task_file(options.task);
  if (options.task.empty() || task.kind != kind) task.kind = kind;
  const auto take = [](std::vector<std::string>& to, const std::vector<std::string>& given, const char* usual) {
    if (!given.empty()) to = given;
    if (to.empty() && usual != nullptr) to = {usual};
  };
  const bool span = kind == data::TaskKind::kSpan, choice = kind == data::TaskKind::kChoice;
  take(task.text, options.text, span || choice ? "question" : kind == data::TaskKind::kTags ? "words" : "text");
  take(task.pair, options.pair, span ? "context" : nullptr);
  take(task.choices, options.choices, choice ? "choices" : nullptr);
  if (!choice && !task.choices.empty()) user_fail("choices", "expected none with this model's head");
  return task;
}

}  // namespace

int verb_predict(const Args& args) {
  PredictOptions options;
  Fields fields = fields_of(options);
  read_options(fields, "", args);
  if (options.out.empty()) user_fail("predict", "expected --out=FILE.jsonl, where the predictions go");
  if (options.threads > 0) at::set_num_threads(static_cast<int>(options.threads));
  if (!models::is_encoder(options.model))
    user_fail(options.model, "expected the folder of an encoder; limbeck generate writes with other models");
  const auto loaded = models::load_encoder(options.model);
  models::Encoder& encoder = *loaded.model;
  const data::TaskDescription task = reading_of(options, kind_of_head(encoder.head(), options.model));
  std::vector<std::string> labels = encoder.head().labels;
  for (int64_t i = static_cast<int64_t>(labels.size()); i < encoder.head().outputs; ++i)
    labels.push_back(fmt::format("LABEL_{}", i));
  const data::TaskSplit rows{.name = options.input, .rows = data::read_unlabelled(options.input, task)};
  const auto split =
      data::encode_split(rows, task, *loaded.tokenizer, recipes::limits_of(encoder.config()), options.encode);
  fmt::print(stderr, "{}\n", data::size_text(split));
  encoder.freeze(options.precision, options.weights);

  constexpr std::size_t kRowsAtOnce = 1024;
  Progress progress("predicting", "rows", static_cast<int64_t>(rows.rows.size()));
  write_file_atomically(options.out, [&](const Sink& sink) {
    for (std::size_t begin = 0; begin < rows.rows.size(); begin += kRowsAtOnce) {
      const auto from = static_cast<int64_t>(begin);
      const auto to = static_cast<int64_t>(std::min(begin + kRowsAtOnce, rows.rows.size()));
      data::EncodedSplit part;
      part.examples.assign(split.examples.begin() + from, split.examples.begin() + to);
      if (!split.pieces.empty()) part.pieces.assign(split.pieces.begin() + from, split.pieces.begin() + to);
      const std::vector<data::TaskRow> some(rows.rows.begin() + from, rows.rows.begin() + to);
      const auto predictions = recipes::read_logits(
          recipes::task_logits(encoder, part.examples, options.max_batch_tokens), task, some, part);
      for (std::size_t i = 0; i < predictions.size(); ++i) {
        Json line = evaluation::prediction_json(task, labels, some[i], predictions[i]);
        line.erase("gold");
        sink(to_line(line) + "\n");
      }
      progress.set(to);
    }
  });
  progress.finish();
  return 0;
}

}  // namespace limbeck::cli
