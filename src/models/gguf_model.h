// A decoder in a GGUF file: its config, its tokenizer, and its tensors under the names and in the layout of Hugging
// Face.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <string>

#include "formats/gguf.h"
#include "models/language_model.h"
#include "text/tokenizer.h"

namespace limbeck::models {

// From the metadata and the tensors' shapes. Throws Error naming the metadata key that cannot be used.
DecoderConfig config_of_gguf(const formats::GgufFile& file);

// "model.layers.3.mlp.up_proj.weight" -> "blk.3.ffn_up.weight"; none for a name that no GGUF has.
std::optional<std::string> gguf_name_of(const std::string& hugging_face_name);

// The tensor of a Hugging Face name. Files of the llama architecture hold query and key rows in the order of
// interleaved rotary pairs; this returns them in the half-split order that nn::rotate expects.
at::Tensor read_from_gguf(const formats::GgufFile& file, const std::string& hugging_face_name,
                          const DecoderConfig& config);

text::TokenizerSpec tokenizer_spec_of_gguf(const formats::GgufFile& file);

}  // namespace limbeck::models
