// A decoder in a GGUF file: its config, its tokenizer, and its tensors under the names and in the layout of Hugging
// Face.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <string>

#include "formats/gguf.h"
#include "models/catalog.h"
#include "models/language_model.h"
#include "text/tokenizer.h"

namespace limbeck::models {

// The metadata under the names of the file's own architecture.
class GgufMetadata {
 public:
  explicit GgufMetadata(const formats::GgufFile& file);
  const formats::GgufFile& file() const { return file_; }
  std::string where() const { return file_.path().string(); }
  const std::string& architecture() const { return architecture_; }

  // A key of this architecture ("attention.head_count") as it stands, null when absent.
  Json get(const std::string& key) const { return whole(architecture_ + "." + key); }
  Json whole(const std::string& key) const { return json_.contains(key) ? json_.at(key) : Json(); }
  Json need(const std::string& key) const;  // a number
  // fp32 metadata such as 9.99999974e-06 stands for the decimal that it was rounded from, 1e-05.
  double decimal(const std::string& key) const;
  double decimal(const std::string& key, double absent) const;

 private:
  const formats::GgufFile& file_;
  const Json& json_;
  std::string architecture_;
};

// From the metadata and the tensors' shapes. Throws Error naming the metadata key that cannot be used.
DecoderConfig config_of_gguf(const formats::GgufFile& file);

// What the layouts of several architectures put into config.json: the sizes under Llama's names, without the epsilon of
// the norms; rope_theta and rope_scaling; all of a Llama.
void put_gguf_sizes(const GgufMetadata& m, Json& config_json);
void put_gguf_rope(const GgufMetadata& m, Json& config_json);
void llama_config_of_gguf(const GgufMetadata& m, Json& config_json);

// "model.layers.3.mlp.up_proj.weight" -> "blk.3.ffn_up.weight"; none for a name that no GGUF of this architecture has.
std::optional<std::string> gguf_name_of(const std::string& hugging_face_name, const Architecture& architecture);

// The tensor of a Hugging Face name, as Hugging Face's file holds it: what llama.cpp's converter did to it is undone.
at::Tensor read_from_gguf(const formats::GgufFile& file, const std::string& hugging_face_name,
                          const DecoderConfig& config);

text::TokenizerSpec tokenizer_spec_of_gguf(const formats::GgufFile& file);

}  // namespace limbeck::models
