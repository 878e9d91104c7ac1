// GGUF versions 2 and 3: metadata and tensors, block quantisations decoded to fp32.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "formats/safetensors.h"

namespace limbeck::formats {

class GgufFile : public TensorSource {
 public:
  // Metadata as JSON values: numbers, strings, booleans, arrays. Keys like "llama.attention.head_count".
  virtual const Json& metadata() const = 0;
  // Large string arrays (tokenizer.ggml.tokens, .merges) are kept out of the JSON.
  virtual const std::vector<std::string>* strings(const std::string& key) const = 0;
};
std::unique_ptr<GgufFile> open_gguf(const std::filesystem::path& file);

}  // namespace limbeck::formats
