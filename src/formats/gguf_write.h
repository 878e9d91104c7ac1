// GGUF files (version 3, little endian, alignment 32) as llama.cpp and the `gguf` package open them; written
// atomically.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "formats/gguf_blocks.h"

namespace limbeck::formats {

using GgufValue = std::variant<bool, uint32_t, int32_t, float, std::string, std::vector<std::string>,
                               std::vector<int32_t>, std::vector<float>>;
using GgufMetadata = std::vector<std::pair<std::string, GgufValue>>;  // in the order of the file

struct GgufPiece {
  std::string name;   // at most 64 bytes, as ggml's tensors
  at::Tensor tensor;  // floating point, up to four dimensions, row-major
  GgufType type = GgufType::kF32;
};

// Tensors go to disk one after another, so that no second copy of the model is made. Throws Error naming the tensor:
// a name or shape that ggml has no room for, a type that cannot be written, rows that are not whole blocks, numbers
// that are not finite or become infinite in the type.
void write_gguf(const std::filesystem::path& file, const GgufMetadata& metadata, const std::vector<GgufPiece>& pieces);

}  // namespace limbeck::formats
