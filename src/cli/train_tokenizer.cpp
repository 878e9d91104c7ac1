// limbeck train-tokenizer --kind=wordpiece|bpe --vocab-size=N --input=FILES --out=DIR: learns a vocabulary from texts.
// DIR is a tokenizer folder as Transformers writes them.
#include "text/train_tokenizer.h"

#include <fmt/format.h>

#include <chrono>
#include <filesystem>

#include "base/errors.h"
#include "base/fields.h"
#include "base/phases.h"
#include "cli/verbs.h"
#include "data/corpus.h"

namespace limbeck::cli {
namespace {

struct TrainTokenizerOptions {
  std::vector<std::string> input;
  std::string out, field = "text";
  data::InvalidUtf8 invalid = data::InvalidUtf8::kRefuse;
  text::TokenizerTraining training;
  void describe(Fields& f) {
    training.describe(f);
    f("input", input, "files of texts: a line of a .txt file, a row of JSON Lines or CSV; also gzip or zstd");
    f("field", field, "of a row, which has its text");
    f("out", out, "folder to write: tokenizer.json, tokenizer_config.json, vocab.txt or vocab.json and merges.txt");
    f("invalid", invalid, "what becomes of invalid UTF-8: refuse ends the run with the places, replace makes it U+FFFD",
      {{"refuse", data::InvalidUtf8::kRefuse}, {"replace", data::InvalidUtf8::kReplace}});
  }
};

void check_paths(const TrainTokenizerOptions& options) {
  std::vector<std::string> mistakes;
  if (options.input.empty()) mistakes.emplace_back("[input] expected --input=FILES but received none");
  for (const std::string& file : options.input)
    if (!std::filesystem::is_regular_file(file))
      mistakes.push_back(fmt::format("[input] expected a file but found none at {}", file));
  if (options.out.empty()) mistakes.emplace_back("[out] expected --out=DIR, where the tokenizer goes");
  if (!options.out.empty() && std::filesystem::exists(options.out) && !std::filesystem::is_empty(options.out))
    mistakes.push_back(
        fmt::format("[out] expected a folder that is not there yet or is empty but {} is neither", options.out));
  if (!mistakes.empty()) throw UserErrors(std::move(mistakes));
}

}  // namespace

int verb_train_tokenizer(const Args& args) {
  TrainTokenizerOptions options;
  Fields fields = fields_of(options);
  read_options(fields, "", args);
  check_paths(options);
  const auto corpus = [&] {
    const Phase phase("read", "cli");
    return data::read_corpus(options.input, options.field, options.invalid);
  }();
  const auto start = std::chrono::steady_clock::now();
  const auto trained = [&] {
    const Phase phase("train", "cli");
    return text::train_tokenizer(corpus.texts, options.training);
  }();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  text::save_trained_tokenizer(trained.spec, options.out);

  fmt::print("{} texts, {} words, {} of them distinct", corpus.texts.size(), trained.num_words, trained.num_distinct);
  if (corpus.num_replaced > 0) fmt::print("; invalid UTF-8 replaced in {} texts", corpus.num_replaced);
  fmt::print("\n{} tokens: {} special, {} characters, {} merged; learned in {:.3f} s\n", trained.spec.tokens.size(),
             trained.num_special, trained.num_characters, trained.num_merged, seconds);
  if (trained.num_left_out > 0) fmt::print("{} rare characters are left out (limit_alphabet)\n", trained.num_left_out);
  if (const auto size = static_cast<int64_t>(trained.spec.tokens.size()); size < options.training.vocab_size)
    fmt::print("fewer than the {} asked for: no pair occurs {} times any more\n", options.training.vocab_size,
               options.training.min_frequency);
  fmt::print("{}\n", options.out);
  return 0;
}

}  // namespace limbeck::cli
