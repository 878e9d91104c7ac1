#include "recipes/masked_lm.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <cstdio>

#include "base/errors.h"
#include "base/interrupt.h"
#include "base/phases.h"
#include "objectives/cross_entropy.h"

namespace limbeck::recipes {
namespace {

constexpr Seed kHeldOutSeed{1910};        // of which texts are held out and what of them is hidden: no run's own
constexpr int64_t kHeldOutTokens = 4096;  // of a forward pass

std::vector<MaskedLmData::FixedBatch> fixed_batches(const MaskedLmData& data) {
  std::vector<int64_t> all, lengths;
  for (const auto& example : data.dev.examples) {
    all.push_back(static_cast<int64_t>(all.size()));
    lengths.push_back(static_cast<int64_t>(example.ids.size()));
  }
  const data::StepMasks masks(*data.masker, data.dev.examples, all, kHeldOutSeed.derive("masks"));
  std::vector<MaskedLmData::FixedBatch> batches;
  for (const auto& part : data::split_by_tokens(lengths, kHeldOutTokens)) {
    std::vector<data::Example> chosen;
    for (const int64_t i : part) chosen.push_back(data.dev.examples[static_cast<std::size_t>(i)]);
    MaskedLmData::FixedBatch fixed{.batch = data::collate(chosen)};
    fixed.masked = masks.of(fixed.batch);
    if (fixed.masked.rows.numel() > 0) batches.push_back(std::move(fixed));
  }
  return batches;
}

}  // namespace

void MaskedLmDataOptions::describe(Fields& f) {
  f("texts", texts, "files of plain texts: a line of a .txt file, a row of JSON Lines or CSV; also gzip or zstd");
  f("dev_texts", dev_texts, "held-out texts; none: a share of the texts is held out");
  f("field", field, "of a row, which has its text");
  f("invalid", invalid, "what becomes of invalid UTF-8: refuse ends the run with the places, replace makes it U+FFFD",
    {{"refuse", data::InvalidUtf8::kRefuse}, {"replace", data::InvalidUtf8::kReplace}});
  f("dev_share", dev_share, "of the texts that is held out, without dev_texts",
    Range{.low = 0, .high = 1, .low_open = true, .high_open = true});
  f.group("text", text);
  f.group("masking", masking);
  f.check([this]() -> std::optional<std::string> {
    if (texts.empty()) return "texts: expected at least one file of texts but none was given";
    for (const auto* files : {&texts, &dev_texts})
      for (const std::string& file : *files)
        if (!std::filesystem::is_regular_file(file)) return "texts: expected a file but found none at " + file;
    return std::nullopt;
  });
}

std::vector<std::filesystem::path> MaskedLmDataOptions::inputs() const {
  std::vector<std::filesystem::path> files(texts.begin(), texts.end());
  files.insert(files.end(), dev_texts.begin(), dev_texts.end());
  return files;
}

MaskedLmData open_masked_lm(const MaskedLmDataOptions& options, const text::Tokenizer& tokenizer, int64_t context) {
  const Phase phase("read texts", "data");
  const auto corpus = data::read_corpus(options.texts, options.field, options.invalid);
  data::HeldOut parts;
  data::Corpus dev_corpus;
  if (options.dev_texts.empty()) {
    parts = data::hold_out(corpus.texts, options.dev_share, kHeldOutSeed.derive("held out"));
  } else {
    dev_corpus = data::read_corpus(options.dev_texts, options.field, options.invalid);
    parts = {corpus.texts, dev_corpus.texts};
  }
  MaskedLmData data;
  data.train = data::cut_texts(parts.train, tokenizer, options.text, context, "texts");
  data.dev = data::cut_texts(parts.dev, tokenizer, options.text, context, "held-out texts");
  const auto counts = options.masking.smoothing > 0 ? data::token_counts(data.train.examples, tokenizer.vocab_size())
                                                    : std::vector<int64_t>{};
  data.masker.emplace(tokenizer, options.masking, counts);
  data.fixed = fixed_batches(data);
  if (data.fixed.empty()) user_fail("held-out texts", "expected texts with tokens to hide but received none");
  fmt::print("training: {}\nheld out: {}\n", data::size_text(data.train), data::size_text(data.dev));
  if (const int64_t replaced = corpus.num_replaced + dev_corpus.num_replaced; replaced > 0)
    fmt::print("note: invalid UTF-8 replaced in {} texts\n", replaced);
  std::fflush(stdout);
  return data;
}

MaskedLmHooks::MaskedLmHooks(const MaskedLmData& data, const train::Options& options, Seed seed)
    : data_(data),
      order_(static_cast<int64_t>(data.train.examples.size()), options.batch_size, seed.derive("order")),
      seed_(seed) {}

void MaskedLmHooks::before_step(int64_t step) {
  step_ = step;
  masks_ = data::StepMasks(*data_.masker, data_.train.examples, order_.batch(step),
                           seed_.derive("masks").derive(static_cast<uint64_t>(step)));
}

uint64_t MaskedLmHooks::salt() const {
  return seed_.derive("dropout").derive(static_cast<uint64_t>(step_)).value();
}

objectives::ChunkOptions chunk_options(models::Encoder& encoder, Precision precision) {
  return {.precision = precision, .low_weight = encoder.low_output_weight(), .bias = encoder.output_bias()};
}

models::EncoderOutput masked_pass(models::Encoder& encoder, const data::Batch& batch, const data::MaskedBatch& masked,
                                  std::optional<uint64_t> salt, models::EncoderWant want) {
  const auto plan = models::plan_for(encoder.config(), batch.offsets, salt, masked.ids);
  want.dropout_salt = salt;
  return encoder.forward(masked.ids, batch.types, *plan, want);
}

objectives::Term masked_lm_loss(models::Encoder& encoder, const at::Tensor& hidden, const data::MaskedBatch& masked,
                                Precision precision) {
  const at::Tensor rows = encoder.masked_lm_hidden(hidden.index_select(0, masked.rows));
  return objectives::cross_entropy(rows, encoder.output_weight(), masked.targets,
                                   at::ones({masked.rows.numel()}, at::kFloat), chunk_options(encoder, precision));
}

train::Step masked_lm_step(models::Encoder& encoder, const MaskedLmHooks& hooks, Precision precision) {
  encoder.set_precision(precision);
  return [&encoder, &hooks, precision](const data::Batch& batch) {
    const data::MaskedBatch masked = hooks.masks().of(batch);
    const auto output = masked_pass(encoder, batch, masked, hooks.salt());
    return objectives::Loss{{masked_lm_loss(encoder, output.hidden, masked, precision)}};
  };
}

MaskedLmFigures masked_lm_figures(models::Encoder& encoder, const MaskedLmData& data, models::Encoder* teacher) {
  const Phase phase("held-out loss", "evaluation");
  const at::NoGradGuard no_grad;
  MaskedLmFigures figures;
  double right = 0;
  for (const auto& [batch, masked] : data.fixed) {
    throw_if_interrupted("the same command goes on");
    const auto log_probs = [&](models::Encoder& model) {
      const auto output = masked_pass(model, batch, masked);
      return at::log_softmax(model.logits(output, batch.offsets, masked.rows).to(at::kFloat), 1);
    };
    const at::Tensor ours = log_probs(encoder), targets = masked.targets.unsqueeze(1);
    figures.loss -= ours.gather(1, targets).sum(at::kDouble).item<double>();
    right += ours.argmax(1).eq(masked.targets).sum().item<double>();
    if (teacher) {
      const at::Tensor theirs = log_probs(*teacher);
      figures.divergence += (theirs.exp() * (theirs - ours)).sum(at::kDouble).item<double>();
    }
    figures.num_masked += masked.rows.numel();
  }
  const auto count = static_cast<double>(figures.num_masked);
  figures.loss /= count, figures.divergence /= count;
  figures.accuracy = right / count;
  return figures;
}

std::optional<double> HeldOutHooks::evaluate(int64_t) {
  return -masked_lm_figures(encoder_, texts_).loss;
}

}  // namespace limbeck::recipes
