#include "recipes/mlm.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdio>

#include "base/errors.h"
#include "base/files.h"
#include "base/interrupt.h"
#include "base/json.h"
#include "recipes/cells.h"
#include "recipes/task_training.h"  // trainable
#include "text/tokenizer.h"

namespace limbeck::recipes {
namespace {

models::EncoderConfig fresh_config(const MlmOptions& options, const text::Tokenizer& tokenizer) {
  const bool is_roberta = options.architecture == "roberta";
  models::EncoderConfig config{.model_type = options.architecture,
                               .vocab_size = tokenizer.vocab_size(),
                               .hidden_size = options.width,
                               .intermediate_size = options.intermediate,
                               .num_hidden_layers = options.layers,
                               .num_attention_heads = options.heads,
                               .embedding_size = options.width,
                               .type_vocab_size = options.architecture == "bert" ? 2
                                                  : is_roberta                   ? 1
                                                                                 : 0};
  if (tokenizer.spec().pad) config.pad_token_id = *tokenizer.spec().pad;
  config.first_position = is_roberta ? config.pad_token_id.value_or(-1) + 1 : 0;
  config.max_position_embeddings = options.context + config.first_position;
  config.hidden_dropout = config.attention_dropout = options.dropout;
  config.classifier_dropout = options.architecture == "distilbert" ? 0.2 : options.dropout;
  return config;
}

models::PretrainedEncoder start(const MlmOptions& options, Seed seed) {
  const models::Head head{.kind = models::HeadKind::kMaskedLm};
  if (!options.model.empty()) return models::load_encoder(options.model, head, seed);
  const auto tokenizer = text::Tokenizer::from_folder(options.tokenizer);
  return {models::make_encoder(fresh_config(options, *tokenizer), head, seed), tokenizer};
}

void write_table(const Run& run, const train::Result& result, const MaskedLmData& data, const MaskedLmFigures& before,
                 const MaskedLmFigures& after) {
  const Cells cells = {{"weights", "steps", "held-out loss", "perplexity", "guessed right %"},
                       {"before", "0", fmt::format("{:.4f}", before.loss), fmt::format("{:.1f}", std::exp(before.loss)),
                        fmt::format("{:.1f}", 100 * before.accuracy)},
                       {"after", fmt::format("{}", result.steps), fmt::format("{:.4f}", after.loss),
                        fmt::format("{:.1f}", std::exp(after.loss)), fmt::format("{:.1f}", 100 * after.accuracy)}};
  fmt::print("{}", cells_text(cells));
  write_file_atomically(
      run.path("table.md"),
      cells_markdown(cells) + fmt::format("\n{} hidden tokens of {} held-out examples; the best of "
                                          "{} steps: {}.\n",
                                          after.num_masked, data.dev.examples.size(), result.steps, result.best_step));
  const auto row = [](const MaskedLmFigures& f) { return Json{{"loss", f.loss}, {"accuracy", f.accuracy}}; };
  write_json(run.path("table.json"), {{"steps", result.steps},
                                      {"best_step", result.best_step},
                                      {"hidden_tokens", after.num_masked},
                                      {"before", row(before)},
                                      {"after", row(after)}});
}

}  // namespace

void MlmOptions::describe(Fields& f) {
  f("model", model, "folder of an encoder to go on from; none: fresh weights of the sizes below", Names::kFolder);
  f("tokenizer", tokenizer, "folder of the tokenizer of fresh weights (limbeck train-tokenizer)", Names::kFolder);
  f("architecture", architecture, "of fresh weights: bert, roberta (with byte-level BPE) or distilbert");
  f("layers", layers, "blocks of fresh weights", at_least(1));
  f("width", width, "of their hidden states", at_least(1));
  f("heads", heads, "of their attention; divides the width", at_least(1));
  f("intermediate", intermediate, "width inside their feed-forward blocks", at_least(1));
  f("context", context, "the longest text they can take, in tokens", at_least(4));
  f("dropout", dropout, "of their hidden states and attention", Range{.low = 0, .high = 1, .high_open = true});
  f("precision", precision, "of the matrix products; weights, sums and the optimiser are fp32", precision_choices());
  f("seed", seed, "of weights, order, masks and dropout", at_least(0));
  f.group("data", data);
  f.group("train", train);
  f.check([this]() -> std::optional<std::string> {
    if (model.empty() && tokenizer.empty()) return "model, tokenizer: expected one of the two but none was given";
    if (!model.empty() && !tokenizer.empty()) return "model, tokenizer: expected one of the two but both were given";
    if (model.empty() && width % heads != 0) return fmt::format("heads: expected a divisor of the width {}", width);
    if (architecture != "bert" && architecture != "roberta" && architecture != "distilbert")
      return "architecture: expected bert, roberta or distilbert but received '" + architecture + "'";
    return std::nullopt;
  });
}

std::vector<std::filesystem::path> MlmOptions::inputs() const {
  auto files = data.inputs();
  files.emplace_back(model.empty() ? tokenizer : model);
  return files;
}

void MlmOptions::plan_trainings(EncoderPlan& plan) const {
  const auto source = text::Tokenizer::from_folder(model.empty() ? tokenizer : model);
  const models::EncoderConfig config = model.empty() ? fresh_config(*this, *source) : encoder_config_in(model);
  plan.trainings = {planned_masked_lm(data, *source, config, train, precision)};
}

void run_mlm(const MlmOptions& options, const Run& run) {
  const std::filesystem::path folder = run.path("model");
  if (std::filesystem::exists(folder)) {
    fmt::print("{} is there already; this run is done\n", folder.string());
    return;
  }
  const auto source = start(options, run.seed().derive("weights"));
  models::Encoder& encoder = *source.model;
  const MaskedLmData data = open_masked_lm(options.data, *source.tokenizer, encoder.config().context());
  encoder.set_precision(options.precision);
  throw_if_interrupted("run the same command again");
  const MaskedLmFigures before = masked_lm_figures(encoder, data);
  HeldOutHooks hooks(encoder, data, options.train, run.seed());
  const auto result = train::fit(trainable(encoder), data.train.examples,
                                 masked_lm_step(encoder, hooks, options.precision), options.train, run, hooks);
  write_table(run, result, data, before, masked_lm_figures(encoder, data));
  models::save_encoder(folder, encoder, *source.tokenizer);
  std::filesystem::remove_all(run.path(fmt::format("checkpoint-{}", result.steps)));
  fmt::print("{}\n", folder.string());
}

}  // namespace limbeck::recipes
