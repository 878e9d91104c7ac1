// GGUF versions 2 and 3: metadata and tensors, block quantisations decoded to fp32.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "formats/gguf_blocks.h"
#include "formats/safetensors.h"

namespace limbeck::formats {

// A tensor as the file holds it, for products that work on blocks.
struct GgufBlocks {
  GgufType type;
  std::span<const std::byte> bytes;  // valid while the file is open
};

// read() gives fp32 for every floating-point and block-quantised type (F64 stays), and integers as they are. Shapes are
// row-major: GGUF's order reversed.
class GgufFile : public TensorSource {
 public:
  // Metadata as JSON values: numbers, strings, booleans, arrays. Keys like "llama.attention.head_count".
  virtual const Json& metadata() const = 0;
  // Arrays of strings (tokenizer.ggml.tokens, .merges) are kept out of the JSON; null where there is none of that key.
  virtual const std::vector<std::string>* strings(const std::string& key) const = 0;
  virtual GgufBlocks blocks(const std::string& name) const = 0;
};
std::unique_ptr<GgufFile> open_gguf(const std::filesystem::path& file);

}  // namespace limbeck::formats
