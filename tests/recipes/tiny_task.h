// A task that a small fresh encoder learns in a second: films that are good or bad.
#pragma once

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "base/files.h"
#include "base/progress.h"
#include "base/run.h"
#include "base/temporary_folder.h"
#include "data/word_piece_tokenizer.h"
#include "recipes/task_training.h"

namespace limbeck::recipes {

inline models::EncoderConfig tiny_encoder_config() {
  models::EncoderConfig config;
  config.vocab_size = word_piece_tokenizer()->vocab_size();
  config.hidden_size = config.embedding_size = 32, config.intermediate_size = 64;
  config.num_hidden_layers = 2, config.num_attention_heads = 2, config.max_position_embeddings = 32;
  config.pad_token_id = 0;
  config.initializer_range = 0.1;
  return config;
}

class TinyTask : public ::testing::Test {
 protected:
  void SetUp() override {
    Progress::be_quiet(true);
    at::set_num_threads(1);  // the models are so small that threads only wait for each other
  }

  // Rows "the film is good ." with words around them that say nothing.
  std::string films(const std::string& name, int64_t num_rows, uint64_t seed) {
    Random random{Seed(seed)};
    std::string csv = "sentence,label\n";
    const char* const kWords[] = {"the", "a", "film", "bob", "was", "played"};
    for (int64_t i = 0; i < num_rows; ++i) {
      const bool good = random.below(2) == 1;
      std::string text;
      const uint64_t at = random.below(4);
      for (uint64_t w = 0; w < 4; ++w) {
        if (w == at) text += good ? "good " : "bad ";
        text += std::string(kWords[random.below(6)]) + " ";
      }
      csv += text + "." + (good ? ",positive\n" : ",negative\n");
    }
    return write(name, csv);
  }
  std::string write(const std::string& name, const std::string& content) {
    write_file_atomically(folder_ / name, content);
    return (folder_ / name).string();
  }
  TaskDataOptions film_data() {
    return {.source = {.data = {films("train.csv", 200, 1)},
                       .dev = {films("dev.csv", 40, 2)},
                       .test = {films("test.csv", 60, 3)},
                       .text = {"sentence"},
                       .label = "label"}};
  }
  OpenTask open(const TaskDataOptions& options) {
    return open_task(options, *word_piece_tokenizer(), tiny_encoder_config(), Seed(1));
  }
  // Of a body that is always the same, with this head.
  std::shared_ptr<models::Encoder> encoder(const models::Head& head) {
    return models::make_encoder(tiny_encoder_config(), head, Seed(5));
  }
  limbeck::Run run(const std::string& name = "run") {
    return limbeck::Run::open(folder_ / name, "test", "", {}, Seed(1));
  }
  const TemporaryFolder folder_;
};

}  // namespace limbeck::recipes
