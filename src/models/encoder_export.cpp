#include "models/encoder_export.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/phases.h"
#include "formats/int8_weights.h"
#include "formats/safetensors.h"
#include "models/encoder_catalog.h"
#include "models/encoder_config.h"

namespace limbeck::models {

void save_int8_encoder(const std::filesystem::path& folder, Encoder& encoder, const text::Tokenizer& tokenizer) {
  const Phase phase("save", "models");
  const EncoderArchitecture& row = encoder_architecture_of(encoder.config().model_type, "save_int8_encoder");
  nn::Parameters parameters;
  encoder.parameters(parameters);
  std::vector<std::string> in_blocks, others;
  for (const nn::NamedLinear& layer : parameters.linears()) {
    const bool of_block = layer.name.find(row.names.blocks) != std::string::npos;
    (of_block ? in_blocks : others).push_back(layer.name);
  }
  formats::NamedTensors tensors;
  for (const nn::NamedParameter& p : parameters.list()) {
    const bool table = p.name.find("embeddings.") != std::string::npos && p.tensor->dim() == 2;
    tensors.emplace_back(p.name, table ? p.tensor->detach().to(at::kBFloat16) : p.tensor->detach().contiguous());
  }
  constexpr int64_t kMostShardBytes = 5'000'000'000;
  write_folder_atomically(folder, [&](const std::filesystem::path& inside) {
    Json config = write_encoder_config(encoder.config(), encoder.head(), Precision::kFp32);
    config["quantization_config"] = formats::int8_quantization_config(others);
    write_json(inside / "config.json", config);
    tokenizer.save(inside);
    formats::write_safetensors_folder(inside, formats::with_int8_weights(tensors, in_blocks), kMostShardBytes);
  });
}

}  // namespace limbeck::models
