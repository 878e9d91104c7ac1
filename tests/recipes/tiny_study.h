// A pretrained encoder of four small blocks and a task that it can learn, in a folder of the test's own: whether a
// sentence says "good" or "bad".
#pragma once

#include <ATen/Parallel.h>

#include <string>
#include <vector>

#include "base/files.h"
#include "base/progress.h"
#include "base/run.h"
#include "base/seeds.h"
#include "base/temporary_folder.h"
#include "data/word_piece_tokenizer.h"
#include "models/encoder.h"
#include "recipes/task_study.h"

namespace limbeck::recipes {

class TinyStudy {
 public:
  TinyStudy() {
    Progress::be_quiet(true);
    at::set_num_threads(1);  // so small a model runs no faster on more
    const auto tokenizer = word_piece_tokenizer();
    models::EncoderConfig config;
    config.vocab_size = tokenizer->vocab_size();
    config.hidden_size = config.embedding_size = 16;
    config.intermediate_size = 32;
    config.num_hidden_layers = 4;
    config.num_attention_heads = 2;
    config.max_position_embeddings = 32;
    config.initializer_range = 0.2;
    config.pad_token_id = 0;
    models::save_encoder(folder_ / "encoder", *models::make_encoder(config, {}, Seed(3)), *tokenizer);
    write_rows("train.csv", 48, 1);
    write_rows("dev.csv", 16, 2);
    write_rows("test.csv", 24, 3);
    write_file_atomically(folder_ / "task.toml",
                          "kind = \"classes\"\ntrain = [\"train.csv\"]\ndev = [\"dev.csv\"]\ntest = [\"test.csv\"]\n"
                          "text = [\"text\"]\nlabel = \"label\"\nlabels = [\"negative\", \"positive\"]\n");
  }

  std::string encoder() const { return (folder_ / "encoder").string(); }
  std::filesystem::path path(const std::string& name) const { return folder_ / name; }
  Run run(const std::string& name) const { return Run::open(folder_ / name, "test", "", {}, Seed(1)); }
  // Two runs of six epochs.
  void fill(StudyOptions& options) const {
    options.task.source.task = (folder_ / "task.toml").string();
    options.runs = 2;
    options.resamples = 100;
    options.precision = Precision::kFp32;
    options.train.epochs = 6;
    options.train.batch_size = 8;
    options.train.learning_rate = 0.01;
  }

 private:
  void write_rows(const std::string& name, int count, uint64_t seed) {
    const std::vector<std::string> words = {"film", "the", "a", "is", "was", "play", "played", "bob"};
    Random random{Seed(seed)};
    std::string text = "text,label\n";
    for (int i = 0; i < count; ++i) {
      const bool positive = random.below(2) == 1;
      std::string sentence;
      const uint64_t length = 2 + random.below(6), place = random.below(length);
      for (uint64_t w = 0; w < length; ++w)
        sentence += (w == 0 ? "" : " ") +
                    (w == place ? std::string(positive ? "good" : "bad") : words[random.below(words.size())]);
      text += sentence + (positive ? ",positive\n" : ",negative\n");
    }
    write_file_atomically(folder_ / name, text);
  }
  TemporaryFolder folder_;
};

inline Json table_of(const Run& run) {
  return read_json(run.path("table.json"));
}

inline Json arm_of(const Json& table, const std::string& name) {
  for (const Json& arm : table["arms"])
    if (arm["arm"] == name) return arm;
  throw Error("no arm " + name);
}

}  // namespace limbeck::recipes
