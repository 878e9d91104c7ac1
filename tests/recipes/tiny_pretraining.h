// Small worlds for recipes that pretrain: texts of a little grammar, a tokenizer that was learned from them, and a BERT
// that was trained to guess their hidden words.
#pragma once

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/fields.h"
#include "base/files.h"
#include "base/progress.h"
#include "base/run.h"
#include "base/temporary_folder.h"
#include "recipes/mlm.h"
#include "text/train_tokenizer.h"

namespace limbeck::recipes {

// "the red apples grow slowly here": what an adjective is says which noun and adverb follow.
inline std::string sentence(uint64_t i) {
  static const char* const kAdjectives[] = {"red", "green", "old", "wise", "loud", "small"};
  static const char* const kNouns[] = {"apples", "pears", "owls", "people", "dogs", "mice"};
  static const char* const kVerbs[] = {"grow", "wait", "sleep", "sing"};
  static const char* const kAdverbs[] = {"slowly", "well", "often"};
  const uint64_t kind = i % 6;
  return std::string("the ") + kAdjectives[kind] + " " + kNouns[kind] + " " + kVerbs[i / 6 % 4] + " " +
         kAdverbs[kind % 3] + " here";
}

inline std::string sentences(uint64_t first, uint64_t count) {
  std::string lines;
  for (uint64_t i = first; i < first + count; ++i) lines += sentence(Random(Seed(i)).below(24)) + "\n";
  return lines;
}

class TinyPretraining : public ::testing::Test {
 protected:
  void SetUp() override {
    Progress::be_quiet(true);
    at::set_num_threads(1);
    write_file_atomically(folder_ / "texts.txt", sentences(0, 160));
    write_file_atomically(folder_ / "dev.txt", sentences(1000, 30));
  }

  static text::TokenizerSpec learned_vocabulary() {
    std::vector<std::string> storage;
    for (uint64_t i = 0; i < 24; ++i) storage.push_back(sentence(i));
    const std::vector<std::string_view> texts(storage.begin(), storage.end());
    return text::train_tokenizer(texts, {.vocab_size = 90}).spec;
  }

  std::string tokenizer() {
    if (!std::filesystem::exists(folder_ / "tokenizer"))
      text::save_trained_tokenizer(learned_vocabulary(), folder_ / "tokenizer");
    return (folder_ / "tokenizer").string();
  }

  MaskedLmDataOptions data() const {
    return {.texts = {(folder_ / "texts.txt").string()},
            .dev_texts = {(folder_ / "dev.txt").string()},
            .text = {.max_length = 24, .packing = data::Packing::kLines}};
  }

  MlmOptions mlm() {
    MlmOptions options;
    options.tokenizer = tokenizer();
    options.layers = 4, options.width = 16, options.heads = 2, options.intermediate = 32, options.context = 32;
    options.dropout = 0.1;
    options.precision = Precision::kFp32;
    options.data = data();
    options.train = {.max_steps = 12, .batch_size = 16, .learning_rate = 5e-3, .warmup_steps = 2, .evaluate_every = 6};
    return options;
  }

  template <class Options>
  limbeck::Run open_run(const Options& options, const std::string& name, const std::string& method) {
    Options copy = options;
    return limbeck::Run::open(folder_ / name, method, to_toml(fields_of(copy)), options.inputs(), Seed(1));
  }

  // A BERT that has learned the grammar, made once for the whole test binary.
  static const std::filesystem::path& taught_bert() {
    static const TemporaryFolder folder;
    static const std::filesystem::path path = [] {
      Progress::be_quiet(true);
      at::set_num_threads(1);
      write_file_atomically(folder / "texts.txt", sentences(0, 400));
      text::save_trained_tokenizer(learned_vocabulary(), folder / "tokenizer");
      MlmOptions options;
      options.tokenizer = (folder / "tokenizer").string();
      options.layers = 4, options.width = 32, options.heads = 4, options.intermediate = 64, options.context = 32;
      options.dropout = 0;
      options.precision = Precision::kFp32;
      options.data = {.texts = {(folder / "texts.txt").string()},
                      .text = {.max_length = 24, .packing = data::Packing::kLines}};
      options.train = {.max_steps = 160, .batch_size = 32, .learning_rate = 5e-3, .warmup_steps = 10};
      ::testing::internal::CaptureStdout();
      run_mlm(options,
              limbeck::Run::open(folder / "run", "mlm", to_toml(fields_of(options)), options.inputs(), Seed(1)));
      ::testing::internal::GetCapturedStdout();
      return folder / "run" / "model";
    }();
    return path;
  }

  // Losses of the steps that a folder's log has; another process may be writing it.
  static std::vector<double> losses(const std::filesystem::path& folder) {
    std::vector<double> found;
    read_growing_jsonl(folder / "log.jsonl", [&](const Json& row, int64_t) {
      if (row.value("kind", "") == "step") found.push_back(row.at("loss").get<double>());
    });
    return found;
  }

  TemporaryFolder folder_;
};

}  // namespace limbeck::recipes
