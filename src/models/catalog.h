// What decoders exist: a list to read.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "models/language_model.h"

namespace limbeck::models {

struct Architecture {
  std::string_view model_type;  // of config.json
  std::string_view class_name;  // "architectures" of config.json
  std::string_view gguf;        // general.architecture of a GGUF file
  std::string_view about;
  std::shared_ptr<LanguageModel> (*make)(const DecoderConfig& config);  // uninitialised weights
};

const std::vector<Architecture>& architectures();

// The row of a model_type; an unknown one throws Error naming those that are known.
const Architecture& architecture_of(std::string_view model_type, std::string_view where);
const Architecture& architecture_of_gguf(std::string_view gguf_name, std::string_view where);

}  // namespace limbeck::models
