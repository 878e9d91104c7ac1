// limbeck embed: one vector for each of given texts, as sentence-transformers computes it. {"text"} a line in,
// {"embedding"} a line out, or a NumPy matrix.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <chrono>
#include <exception>
#include <span>

#include "base/errors.h"
#include "base/fields.h"
#include "base/files.h"
#include "base/interrupt.h"
#include "base/json.h"
#include "base/phases.h"
#include "base/progress.h"
#include "base/records.h"
#include "cli/verbs.h"
#include "formats/npy.h"
#include "models/sentence.h"

namespace limbeck::cli {
namespace {

constexpr std::size_t kTextsBetweenWrites = 4096;

enum class PoolingChoice { kModel, kFirst, kMean, kMax, kMeanSqrtLength, kLast };
enum class LengthOne { kModel, kYes, kNo };

struct EmbedOptions {
  std::string model, input, out, text = "text";
  PoolingChoice pooling = PoolingChoice::kModel;
  LengthOne normalize = LengthOne::kModel;
  int64_t max_length = 0, max_batch_tokens = 4096, threads = 0;
  Precision precision = Precision::kFp32;
  WeightFormat weights = WeightFormat::kAsPrecision;
  void describe(Fields& f) {
    f("model", model, "folder of an encoder, as Transformers or sentence-transformers has it", Names::kRequiredFolder);
    f("input", input, "records (JSON Lines, CSV, plain text) of texts: {\"text\": \"...\"}", Names::kRequiredFile);
    f("text", text, "field of the text");
    f("out", out, "JSON Lines to write: {\"embedding\": [...]}; or a name that ends in .npy: a NumPy matrix [texts, D]",
      Names::kOutputFile);
    f("pooling", pooling,
      "how the states of a text's tokens become one vector; model: as modules.json says, or the mean",
      {{"model", PoolingChoice::kModel},
       {"cls", PoolingChoice::kFirst},
       {"mean", PoolingChoice::kMean},
       {"max", PoolingChoice::kMax},
       {"mean_sqrt_length", PoolingChoice::kMeanSqrtLength},
       {"last", PoolingChoice::kLast}});
    f("normalize", normalize, "vectors of length 1; model: as modules.json says, or not",
      {{"model", LengthOne::kModel}, {"yes", LengthOne::kYes}, {"no", LengthOne::kNo}});
    f("max_length", max_length, "tokens that longer texts are cut to; 0: as the model says", at_least(0));
    f("precision", precision, "of the products", {{"fp32", Precision::kFp32}, {"bf16", Precision::kBf16}});
    describe_weights(f, weights);
    f("max_batch_tokens", max_batch_tokens, "tokens that go through the model together; changes the speed only",
      at_least(1));
    f("threads", threads, "processor threads; 0: one per core", at_least(0));
  }
};

void choose(const EmbedOptions& options, models::SentenceConfig& config) {
  if (options.pooling != PoolingChoice::kModel) {
    constexpr nn::Pooling kChosen[] = {nn::Pooling::kFirst, nn::Pooling::kMean, nn::Pooling::kMax,
                                       nn::Pooling::kMeanSqrtLength, nn::Pooling::kLast};
    config.pooling = {kChosen[static_cast<int>(options.pooling) - 1]};
  }
  if (options.normalize != LengthOne::kModel) config.normalize = options.normalize == LengthOne::kYes;
  if (options.max_length > 0) config.max_length = options.max_length;
}

std::vector<std::string> texts_to_embed(const std::string& path, const std::string& name) {
  std::vector<std::string> texts;
  read_records(path, [&](const Json& row, int64_t line) {
    texts.push_back(field<std::string>(row, name.c_str(), fmt::format("{}:{}", path, line)));
  });
  if (texts.empty()) user_fail(path, "expected at least one text but received an empty file");
  return texts;
}

std::vector<models::SentenceIds> ids_of_texts(const models::SentenceEncoder& encoder,
                                              std::span<const std::string> texts) {
  const Phase phase("tokenize", "cli");
  std::vector<models::SentenceIds> ids(texts.size());
  std::exception_ptr first;
#pragma omp parallel for schedule(dynamic, 16)
  for (int64_t i = 0; i < static_cast<int64_t>(texts.size()); ++i) {
    const auto at = static_cast<std::size_t>(i);
    try {
      ids[at] = models::sentence_ids(encoder, texts[at]);
    } catch (...) {
#pragma omp critical
      if (!first) first = std::current_exception();
    }
  }
  if (first) std::rethrow_exception(first);
  return ids;
}

std::string json_rows(const at::Tensor& vectors) {
  std::string lines;
  const float* numbers = vectors.const_data_ptr<float>();
  for (int64_t i = 0; i < vectors.size(0); ++i) {
    lines += "{\"embedding\":[";
    for (int64_t c = 0; c < vectors.size(1); ++c)
      fmt::format_to(std::back_inserter(lines), "{}{}", c == 0 ? "" : ",", numbers[i * vectors.size(1) + c]);
    lines += "]}\n";
  }
  return lines;
}

}  // namespace

int verb_embed(const Args& args) {
  EmbedOptions options;
  Fields fields = fields_of(options);
  read_options(fields, "", args);
  if (options.out.empty()) user_fail("embed", "expected --out=FILE.jsonl or FILE.npy, where the vectors go");
  if (options.threads > 0) at::set_num_threads(static_cast<int>(options.threads));
  const std::vector<std::string> texts = texts_to_embed(options.input, options.text);
  models::SentenceEncoder encoder = models::load_sentence_encoder(options.model);
  choose(options, encoder.config);
  encoder.model->freeze(options.precision, options.weights);

  const bool matrix = std::filesystem::path(options.out).extension() == ".npy";
  const auto width = static_cast<int64_t>(encoder.config.pooling.size()) * encoder.model->config().hidden_size;
  const auto begun = std::chrono::steady_clock::now();
  int64_t num_truncated = 0, num_tokens = 0;
  Progress progress("embedding", "texts", static_cast<int64_t>(texts.size()));
  write_file_atomically(options.out, [&](const Sink& sink) {
    if (matrix) sink(formats::npy_header(static_cast<int64_t>(texts.size()), width));
    for (std::size_t begin = 0; begin < texts.size(); begin += kTextsBetweenWrites) {
      throw_if_interrupted("no vectors were written; the same command starts again");
      const std::size_t count = std::min(kTextsBetweenWrites, texts.size() - begin);
      const auto ids = ids_of_texts(encoder, std::span(texts).subspan(begin, count));
      for (const models::SentenceIds& of_text : ids) {
        num_truncated += of_text.truncated;
        num_tokens += static_cast<int64_t>(of_text.ids.size());
      }
      const at::Tensor vectors = models::embed(encoder, ids, options.max_batch_tokens).contiguous();
      if (matrix)
        sink({static_cast<const char*>(vectors.const_data_ptr()), vectors.nbytes()});
      else
        sink(json_rows(vectors));
      progress.set(static_cast<int64_t>(begin + count));
    }
  });
  progress.finish();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  fmt::print("{} texts, {} tokens in {:.4f} s, vectors of {}; {} texts were cut\n", texts.size(), num_tokens, seconds,
             width, num_truncated);
  return 0;
}

}  // namespace limbeck::cli
