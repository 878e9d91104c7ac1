// An encoder for serving on processors: the linear layers of its blocks in 8 bits (formats/int8_weights.h), its tables
// in bf16, all else in fp32.
#pragma once

#include <filesystem>

#include "models/encoder.h"

namespace limbeck::models {

// A Hugging Face folder that load_encoder reads; frozen, it multiplies with these integers.
void save_int8_encoder(const std::filesystem::path& folder, Encoder& encoder, const text::Tokenizer& tokenizer);

}  // namespace limbeck::models
