// Adapters as the peft package keeps them: a folder with adapter_config.json and adapter_model.safetensors. LoRA
// without biases, extra modules or patterns; what else a config asks for is refused by its key.
#pragma once

#include <filesystem>
#include <string>

#include "peft/lora.h"

namespace limbeck::peft {

bool is_adapter_folder(const std::filesystem::path& folder);

struct AdapterConfig {
  LoraConfig lora;
  std::string base_model;  // base_model_name_or_path, may be empty
};

// Throws Error naming file and key.
AdapterConfig read_adapter_config(const std::filesystem::path& folder);

// Fills the slots of a model's linears with the adapter of a folder. Throws Error when the tensors and the model
// disagree.
Lora load_adapter(const std::filesystem::path& folder, const std::vector<nn::NamedLinear>& linears);

// Written atomically; opens in peft. Before merge().
void save_adapter(const std::filesystem::path& folder, Lora& lora, const std::string& base_model);

}  // namespace limbeck::peft
