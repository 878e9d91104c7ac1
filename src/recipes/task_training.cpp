#include "recipes/task_training.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <algorithm>
#include <cmath>  // std::llround
#include <cstdio>

#include "base/errors.h"
#include "base/phases.h"
#include "data/order.h"

namespace limbeck::recipes {
namespace {

using data::TaskKind;

void keep_some(data::TaskSplit& split, int64_t num_rows, Seed seed) {
  if (num_rows == 0 || num_rows >= static_cast<int64_t>(split.rows.size())) return;
  std::vector<std::size_t> order(split.rows.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  Random(seed.derive("training rows")).shuffle(order);
  order.resize(static_cast<std::size_t>(num_rows));
  std::sort(order.begin(), order.end());
  std::vector<data::TaskRow> kept;
  for (const std::size_t i : order) kept.push_back(std::move(split.rows[i]));
  split.rows = std::move(kept);
}

template <class T, class F>
at::Tensor table_of(const data::Batch& batch, at::ScalarType type, const F& value) {
  const at::Tensor table = at::empty({static_cast<int64_t>(batch.indices.size())}, type);
  T* at = table.mutable_data_ptr<T>();
  for (std::size_t i = 0; i < batch.indices.size(); ++i) at[i] = value(static_cast<std::size_t>(batch.indices[i]));
  return table;
}

at::Tensor token_tags(const data::Batch& batch, const data::EncodedSplit& split) {
  const at::Tensor tags = at::empty({batch.ids.numel()}, at::kLong);
  int64_t* to = tags.mutable_data_ptr<int64_t>();
  for (const int64_t index : batch.indices) to = std::copy(split.tags[index].begin(), split.tags[index].end(), to);
  return tags;
}

bool is_of_tokens(models::HeadKind kind) {
  return kind == models::HeadKind::kTokens || kind == models::HeadKind::kSpan;
}

std::vector<double> doubles_of(const at::Tensor& values) {
  const at::Tensor ours = values.to(at::kDouble).contiguous();
  const double* at = ours.const_data_ptr<double>();
  return {at, at + ours.numel()};
}

int64_t likeliest(const std::vector<double>& values) {
  return std::max_element(values.begin(), values.end()) - values.begin();
}

// The span of tokens whose begin and end score highest together, over the pieces of the second text; the first token,
// which stands for no answer, beside them.
std::string answer_of(const at::Tensor& logits, const data::TaskRow& row,
                      const std::vector<data::PieceTokens>& pieces) {
  constexpr std::size_t kLongest = 30;  // pieces of an answer
  const std::vector<double> begins = doubles_of(logits.select(1, 0)), ends = doubles_of(logits.select(1, 1));
  double best = begins.front() + ends.front();
  std::string answer;
  for (std::size_t b = 0; b < pieces.size(); ++b)
    for (std::size_t e = b; e < std::min(pieces.size(), b + kLongest); ++e) {
      if (pieces[b].begin == pieces[b].end || pieces[e].begin == pieces[e].end) continue;
      const double score = begins[pieces[b].begin] + ends[pieces[e].end - 1];
      if (score <= best) continue;
      best = score;
      answer = row.second.substr(pieces[b].text_begin, pieces[e].text_end - pieces[b].text_begin);
    }
  return answer;
}

}  // namespace

void TaskDataOptions::describe(Fields& f) {
  source.describe(f);
  f("train_rows", train_rows, "training rows that are used, drawn by the seed; 0: all", at_least(0));
  f.group("tokens", tokens);
}

data::TaskLimits limits_of(const models::EncoderConfig& config) {
  return {.context = config.context(), .vocab_size = config.vocab_size, .types = config.type_vocab_size > 1};
}

OpenTask open_task(const TaskDataOptions& options, const text::Tokenizer& tokenizer,
                   const models::EncoderConfig& config, Seed seed, const std::vector<std::string>& model_labels) {
  OpenTask task{.data = data::read_task(data::describe_task(options.source), model_labels)};
  keep_some(task.data.train, options.train_rows, seed);
  const data::TaskLimits limits = limits_of(config);
  const auto encode = [&](const data::TaskSplit& split) {
    auto encoded = data::encode_split(split, task.data.description, tokenizer, limits, options.tokens);
    if (!split.rows.empty()) fmt::print("{} {}\n", task.data.description.name, data::size_text(encoded));
    if (encoded.num_cut > 0)
      task.data.notes.push_back(fmt::format("{}: {} of {} rows cut to {} tokens", split.name, encoded.num_cut,
                                            split.rows.size(), encoded.longest));
    return encoded;
  };
  task.train = encode(task.data.train), task.dev = encode(task.data.dev), task.test = encode(task.data.test);
  for (const std::string& note : task.data.notes) fmt::print("note: {}\n", note);
  std::fflush(stdout);
  return task;
}

void expect_trainable(const OpenTask& task) {
  const std::string& name = task.data.description.name;
  if (task.data.train.rows.empty()) user_fail(name, "expected training rows but there are none; name files as train");
  if (task.data.test.rows.empty())
    user_fail(name, "expected test rows but there are none; name files as test, or a share as test_fraction");
}

train::Options with_warmup(train::Options options, double share, const OpenTask& task) {
  if (options.warmup_steps > 0) return options;
  const auto rows = static_cast<int64_t>(task.train.examples.size());
  const auto epoch = static_cast<double>((rows + options.batch_size - 1) / options.batch_size);
  const double steps = options.max_steps > 0 ? static_cast<double>(options.max_steps) : options.epochs * epoch;
  options.warmup_steps = std::llround(share * steps);
  return options;
}

models::Head head_of(const data::Task& task) {
  const auto num_labels = static_cast<int64_t>(task.labels.size());
  switch (task.description.kind) {
    case TaskKind::kClasses:
      return {.kind = models::HeadKind::kClassification, .outputs = num_labels, .labels = task.labels};
    case TaskKind::kScore:
      return {.kind = models::HeadKind::kClassification, .outputs = 1, .labels = {}};
    case TaskKind::kTags:
      return {.kind = models::HeadKind::kTokens, .outputs = num_labels, .labels = task.labels};
    case TaskKind::kSpan:
      return {.kind = models::HeadKind::kSpan, .outputs = 2, .labels = {}};
    case TaskKind::kChoice:
      break;
  }
  return {.kind = models::HeadKind::kChoice, .outputs = 1, .labels = {}};
}

train::Trainable trainable(models::Encoder& encoder) {
  nn::Parameters parameters;
  encoder.parameters(parameters);
  return {.parameters = parameters.list(), .weights_changed = [&encoder] { encoder.weights_changed(); }};
}

train::Trainable trainable_head(models::Encoder& encoder) {
  train::Trainable whole = trainable(encoder);
  // "bert." of "bert.embeddings.word_embeddings.weight".
  const auto embeddings = std::find_if(whole.parameters.begin(), whole.parameters.end(), [](const auto& parameter) {
    return parameter.name.find("embeddings.") != std::string::npos;
  });
  if (embeddings == whole.parameters.end()) fail("trainable_head", "expected embeddings but there are none");
  const std::string body = embeddings->name.substr(0, embeddings->name.find("embeddings."));
  std::vector<nn::NamedParameter> head;
  for (const nn::NamedParameter& parameter : whole.parameters) {
    const bool in_body = parameter.name.starts_with(body);
    parameter.tensor->requires_grad_(!in_body);
    if (!in_body) head.push_back(parameter);
  }
  if (head.empty()) fail("trainable_head", "expected parameters beside those under '{}' but there are none", body);
  whole.parameters = std::move(head);
  return whole;
}

TaskPass task_pass(models::Encoder& encoder, const data::Batch& batch, const models::EncoderWant& want) {
  const auto plan = models::plan_for(encoder.config(), batch.offsets, want.dropout_salt, batch.ids);
  TaskPass pass{.output = encoder.forward(batch.ids, batch.types, *plan, want)};
  pass.logits = encoder.logits(pass.output, batch.offsets, {}, want.dropout_salt);
  return pass;
}

objectives::Term task_loss(const at::Tensor& logits, const data::Batch& batch, TaskKind kind,
                           const data::EncodedSplit& split, const objectives::ClassOptions& options) {
  const auto classes = [&] {
    return table_of<int64_t>(batch, at::kLong, [&](std::size_t i) { return split.classes[i]; });
  };
  switch (kind) {
    case TaskKind::kClasses:
      return objectives::class_cross_entropy(logits, classes(), options);
    case TaskKind::kChoice:
      return objectives::choice_cross_entropy(logits, batch.firsts, classes());
    case TaskKind::kTags:
      return objectives::class_cross_entropy(logits, token_tags(batch, split), options);
    case TaskKind::kScore:
      return objectives::score_squared_error(
          logits, table_of<double>(batch, at::kDouble, [&](std::size_t i) { return split.scores[i]; }));
    case TaskKind::kSpan:
      break;
  }
  return objectives::span_cross_entropy(
      logits, batch.offsets, table_of<int64_t>(batch, at::kLong, [&](std::size_t i) { return split.spans[i].first; }),
      table_of<int64_t>(batch, at::kLong, [&](std::size_t i) { return split.spans[i].second; }));
}

uint64_t dropout_salt(Seed seed, int64_t step) {
  return seed.derive("dropout").derive(static_cast<uint64_t>(step)).value();
}

std::vector<at::Tensor> task_logits(models::Encoder& encoder, const std::vector<data::Example>& examples,
                                    int64_t max_tokens) {
  const Phase phase("predict", "evaluation");
  const at::NoGradGuard no_grad;
  std::vector<int64_t> lengths;
  for (const auto& example : examples) lengths.push_back(static_cast<int64_t>(example.ids.size()));
  std::vector<at::Tensor> logits(examples.size());
  if (examples.empty()) return logits;
  const bool of_tokens = is_of_tokens(encoder.head().kind);
  for (const auto& part : data::split_by_tokens(lengths, max_tokens)) {
    std::vector<data::Example> chosen;
    for (const int64_t index : part) chosen.push_back(examples[index]);
    const data::Batch batch = data::collate(chosen);
    const at::Tensor all = task_pass(encoder, batch).logits;
    for (std::size_t i = 0; i < part.size(); ++i) {
      int64_t begin = batch.firsts[i], end = batch.firsts[i + 1];
      if (of_tokens) begin = batch.offsets[begin], end = batch.offsets[end];
      logits[part[i]] = all.narrow(0, begin, end - begin).clone();
    }
  }
  return logits;
}

evaluation::Predictions read_logits(const std::vector<at::Tensor>& logits, const data::TaskDescription& task,
                                    const std::vector<data::TaskRow>& rows, const data::EncodedSplit& split) {
  evaluation::Predictions predictions(logits.size());
  for (std::size_t i = 0; i < logits.size(); ++i) {
    evaluation::RowPrediction& prediction = predictions[i];
    switch (task.kind) {
      case TaskKind::kClasses:
      case TaskKind::kChoice:
        prediction.probabilities = doubles_of(logits[i].reshape({-1}).to(at::kDouble).softmax(0));
        prediction.label = likeliest(prediction.probabilities);
        break;
      case TaskKind::kScore:
        prediction.score = logits[i].item<double>();
        break;
      case TaskKind::kTags:
        for (const data::PieceTokens& word : split.pieces[i])
          prediction.tags.push_back(word.begin == word.end ? -1 : likeliest(doubles_of(logits[i][word.begin])));
        break;
      case TaskKind::kSpan:
        prediction.answer = answer_of(logits[i], rows[i], split.pieces[i]);
        break;
    }
  }
  return predictions;
}

evaluation::Predictions predict(models::Encoder& encoder, const data::TaskDescription& task,
                                const data::TaskSplit& rows, const data::EncodedSplit& split) {
  return read_logits(task_logits(encoder, split.examples), task, rows.rows, split);
}

std::optional<double> dev_metric(const OpenTask& task, const std::function<evaluation::Predictions()>& predictions) {
  if (task.data.dev.rows.empty()) return std::nullopt;
  const std::string metric = data::chosen_metrics(task.data.description).front();
  const double value = evaluation::task_metric(metric, task.data, task.data.dev, predictions());
  return evaluation::larger_is_better(metric) ? value : -value;
}

std::optional<double> TaskHooks::evaluate(int64_t) {
  return dev_metric(task_, [&] { return predict(encoder_, task_.data.description, task_.data.dev, task_.dev); });
}

train::Step fine_tuning_step(models::Encoder& encoder, const OpenTask& task, const TaskHooks& hooks,
                             const objectives::ClassOptions& options) {
  return [&encoder, &task, &hooks, options](const data::Batch& batch) {
    const TaskPass pass = task_pass(encoder, batch, {.dropout_salt = hooks.salt()});
    return objectives::Loss{{task_loss(pass.logits, batch, task.data.description.kind, task.train, options)}};
  };
}

}  // namespace limbeck::recipes
