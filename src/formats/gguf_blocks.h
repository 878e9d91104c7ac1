// The element types of GGUF files. A quantised tensor is a run of blocks: each holds 32 or 256 numbers as small
// integers with scales in half precision (ggml's block_q4_0, block_q4_K, ... ; github.com/ggml-org/ggml).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace limbeck::formats {

enum class GgufType : uint32_t {
  kF32 = 0,
  kF16 = 1,
  kQ4_0 = 2,
  kQ4_1 = 3,
  kQ5_0 = 6,
  kQ5_1 = 7,
  kQ8_0 = 8,
  kQ4_K = 12,
  kQ5_K = 13,
  kQ6_K = 14,
  kI8 = 24,
  kI16 = 25,
  kI32 = 26,
  kI64 = 27,
  kF64 = 28,
  kBF16 = 30,
};

struct GgufTypeInfo {
  uint32_t id;
  std::string_view name;  // "Q4_K"
  int64_t block_values;   // numbers in a block; rows are whole blocks
  int64_t block_bytes;
  bool readable;  // whether decode_blocks or ATen knows the type
};

// None for an id that no known version of the format gives a meaning.
const GgufTypeInfo* find_gguf_type(uint32_t id);
const GgufTypeInfo& info_of(GgufType type);

// Block-quantised, F16, BF16 or F32 numbers -> fp32, bit for bit what ggml's reference decoder computes. num_values is
// a multiple of the block's; uses all threads. Blocks need no alignment. Throws Error for the other types.
void decode_blocks(GgufType type, const std::byte* blocks, float* values, int64_t num_values);

}  // namespace limbeck::formats
