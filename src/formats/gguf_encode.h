// fp32 numbers -> the element types of GGUF files that can be written: F32, F16, BF16, Q8_0, Q4_0. The blocks are those
// of ggml's reference quantisers to the byte (quantize_row_q8_0_ref, quantize_row_q4_0_ref; github.com/ggml-org/ggml).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "formats/gguf_blocks.h"

namespace limbeck::formats {

bool can_encode(GgufType type);

// num_values is a multiple of the type's block; uses all threads. `blocks` has room for num_values / block_values *
// block_bytes bytes and needs no alignment. Throws Error for the other types.
void encode_blocks(GgufType type, const float* values, std::byte* blocks, int64_t num_values);

// The same, but what decode_blocks gave of Q8_0, Q5_0 and Q4_0 becomes blocks of the same numbers, also by another
// quantiser than ggml's reference: those that weigh errors choose scales of which no number of a block is -8 (Q4_0) or
// 127 (Q8_0) times.
void encode_blocks_again(GgufType type, const float* values, std::byte* blocks, int64_t num_values);

// The coarsest of Q4_0, Q8_0 and Q6_K whose blocks hold exactly these numbers, none where there is no such type: what
// tensors of a mixed file were held in. Numbers of Q5_0 are Q8_0's too.
std::optional<GgufType> block_type_of(const float* values, int64_t num_values);

}  // namespace limbeck::formats
