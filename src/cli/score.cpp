// limbeck score: the log-probability of every token of given texts. {"text"} a line in, {"ids", "log_probs"} a line
// out.
#include <ATen/Parallel.h>
#include <fmt/format.h>

#include "base/errors.h"
#include "base/fields.h"
#include "base/files.h"
#include "base/json.h"
#include "base/progress.h"
#include "base/records.h"
#include "cli/verbs.h"
#include "generate/generate.h"
#include "models/language_model.h"

namespace limbeck::cli {
namespace {

constexpr std::size_t kTextsAtOnce = 256;

struct ScoreOptions {
  std::string model, input, out;
  Precision precision = Precision::kFp32;
  WeightFormat weights = WeightFormat::kAsPrecision;
  int64_t threads = 0, max_batch_tokens = 2048;
  void describe(Fields& f) {
    f("model", model, "Hugging Face folder or GGUF file", Names::kRequiredFileOrFolder);
    f("input", input, "records (JSON Lines, CSV, plain text) of texts: {\"text\": \"...\"}", Names::kRequiredFile);
    f("out", out, "JSON Lines to write: {\"ids\": [...], \"log_probs\": [...]}; the first token of a text has 0",
      Names::kOutputFile);
    f("precision", precision, "of the products", {{"fp32", Precision::kFp32}, {"bf16", Precision::kBf16}});
    describe_weights(f, weights);
    f("max_batch_tokens", max_batch_tokens, "tokens that go through the model together; changes the speed only",
      at_least(1));
    f("threads", threads, "processor threads; 0: one per core", at_least(0));
  }
};

}  // namespace

int verb_score(const Args& args) {
  ScoreOptions options;
  Fields fields = fields_of(options);
  read_options(fields, "", args);
  if (options.out.empty()) user_fail("score", "expected --out=FILE.jsonl, where the log-probabilities go");
  if (options.threads > 0) at::set_num_threads(static_cast<int>(options.threads));
  std::vector<std::string> texts;
  read_records(options.input, [&](const Json& row, int64_t line) {
    texts.push_back(field<std::string>(row, "text", fmt::format("{}:{}", options.input, line)));
  });
  if (texts.empty()) user_fail(options.input, "expected at least one text but received an empty file");
  const models::Pretrained source = models::load_pretrained(options.model);
  source.model->freeze(options.precision, options.weights);

  std::vector<std::vector<int32_t>> ids;
  for (const std::string& text : texts) ids.push_back(source.tokenizer->encode(text));
  const int64_t context = source.model->config().max_position_embeddings;
  std::vector<std::string> mistakes;
  for (std::size_t i = 0; i < ids.size(); ++i)
    if (static_cast<int64_t>(ids[i].size()) > context)
      mistakes.push_back(fmt::format("[{}] text {}: expected at most {} tokens (the context) but received {}",
                                     options.input, i + 1, context, ids[i].size()));
  if (!mistakes.empty()) throw UserErrors(mistakes);

  Progress progress("scoring", "texts", static_cast<int64_t>(ids.size()));
  write_file_atomically(options.out, [&](const Sink& sink) {
    for (std::size_t begin = 0; begin < ids.size(); begin += kTextsAtOnce) {
      const std::size_t count = std::min(kTextsAtOnce, ids.size() - begin);
      const auto log_probs =
          generate::score(*source.model, std::span(ids).subspan(begin, count), options.max_batch_tokens);
      for (std::size_t i = 0; i < count; ++i)
        sink(to_line({{"ids", ids[begin + i]}, {"log_probs", log_probs[i]}}) + "\n");
      progress.set(static_cast<int64_t>(begin + count));
    }
  });
  progress.finish();
  return 0;
}

}  // namespace limbeck::cli
