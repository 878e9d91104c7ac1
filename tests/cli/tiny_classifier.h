// A tiny untrained encoder with a task's head in a folder, and rows for it, for tests of verbs.
#pragma once

#include <string>

#include "base/files.h"
#include "base/temporary_folder.h"
#include "data/word_piece_tokenizer.h"
#include "models/encoder.h"

namespace limbeck {

class TinyClassifier {
 public:
  explicit TinyClassifier(const models::Head& head) {
    models::EncoderConfig config;
    config.vocab_size = word_piece_tokenizer()->vocab_size();
    config.hidden_size = config.embedding_size = 16, config.intermediate_size = 32;
    config.num_hidden_layers = 1, config.num_attention_heads = 2, config.max_position_embeddings = 32;
    config.pad_token_id = 0;
    config.initializer_range = 0.5;
    models::save_encoder(folder_ / "model", *models::make_encoder(config, head, Seed(3)), *word_piece_tokenizer());
  }
  std::string model() const { return (folder_ / "model").string(); }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::string write(const std::string& name, const std::string& content) const {
    write_file_atomically(folder_ / name, content);
    return path(name);
  }

 private:
  TemporaryFolder folder_;
};

}  // namespace limbeck
