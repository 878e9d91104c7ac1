// A decoder and its tokenizer as one GGUF file that llama.cpp opens.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "formats/gguf_blocks.h"
#include "formats/gguf_write.h"
#include "models/language_model.h"

namespace limbeck::models {

// f32, f16, bf16, q8_0, q4_0.
std::vector<std::pair<std::string, formats::GgufType>> gguf_type_choices();

// Matrices are stored in `type`; the embedding and an untied output weight of a Q4_0 file in Q8_0 (as llama.cpp's own
// quantiser leaves them), rows that are not whole blocks in F16, vectors and tables of positions in F32. Throws
// UserError for an architecture that llama.cpp has no file of or that this cannot write, and for a config that the file
// could not say.
void save_gguf(const std::filesystem::path& file, LanguageModel& model, const text::Tokenizer& tokenizer,
               formats::GgufType type);

}  // namespace limbeck::models
