// A small decoder over bytes, for tests of what happens around a model. Fresh weights write noise; recipes teach it
// more.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "data/byte_tokenizer.h"
#include "models/formula_weights.h"
#include "models/language_model.h"
#include "synthesis/problems.h"

namespace limbeck::synthesis {

inline models::Pretrained tiny_model(const Json& changes = Json::object()) {
  Json config = {{"vocab_size", 257}, {"max_position_embeddings", 400}, {"bos_token_id", 256}, {"eos_token_id", 256}};
  config.update(changes);
  return {.model = models::make_decoder(models::read_config(models::small_config(config), "tiny_model"), Seed(5)),
          .tokenizer = byte_tokenizer(),
          .eos_ids = {256}};
}

inline std::vector<Problem> numbered_problems(int64_t count) {
  std::vector<Problem> problems;
  for (int64_t i = 0; i < count; ++i)
    problems.push_back({"p" + std::to_string(i), "Box " + std::to_string(i) + "?", static_cast<double>(i % 3)});
  return problems;
}

}  // namespace limbeck::synthesis
