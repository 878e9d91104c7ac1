#include "peft/adapter_folder.h"

#include <ATen/ATen.h>
#include <fmt/ranges.h>  // fmt::join
#include <torch/csrc/autograd/grad_mode.h>

#include <cmath>  // std::isfinite
#include <set>

#include "base/errors.h"
#include "base/files.h"
#include "base/json.h"
#include "base/printable.h"
#include "formats/safetensors.h"

namespace limbeck::peft {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "base_model.model.";
constexpr const char* kConfigFile = "adapter_config.json";
constexpr const char* kTensorFile = "adapter_model.safetensors";

[[noreturn]] void refuse_key(const std::string& where, const char* key, const char* expected, const Json& value) {
  fail(where, "{}: expected {} but received {}", key, expected, printable_value(value));
}

bool is_off(const Json& value) {
  return value.is_null() || value == false || value == "none" || (value.is_structured() && value.empty());
}

double number_of(const Json& json, const char* key, double absent, const std::string& where) {
  if (!json.contains(key) || json.at(key).is_null()) return absent;
  if (!json.at(key).is_number() || !std::isfinite(json.at(key).get<double>()))
    refuse_key(where, key, "a number", json.at(key));
  return json.at(key).get<double>();
}

void read_targets(const Json& json, LoraConfig& lora, const std::string& where) {
  const Json targets = json.contains("target_modules") ? json.at("target_modules") : Json();
  if (targets.is_string()) {
    const auto text = targets.get<std::string>();
    if (text == "all-linear")
      lora.targets = {text};
    else
      lora.targets.clear(), lora.target_expression = text;
    return;
  }
  if (!targets.is_array() || targets.empty())
    refuse_key(where, "target_modules", "names of modules or a regular expression", targets);
  lora.targets.clear();
  for (const Json& target : targets) {
    if (!target.is_string()) refuse_key(where, "target_modules", "names of modules", targets);
    lora.targets.push_back(target.get<std::string>());
  }
}

}  // namespace

bool is_adapter_folder(const fs::path& folder) {
  return fs::is_directory(folder) && fs::exists(folder / kConfigFile) && !fs::exists(folder / "config.json");
}

AdapterConfig read_adapter_config(const fs::path& folder) {
  const std::string where = (folder / kConfigFile).string();
  const Json json = read_json(folder / kConfigFile);
  if (!json.is_object() || !json.contains("peft_type")) fail(where, "peft_type: expected LORA but received none");
  if (json.at("peft_type") != "LORA") refuse_key(where, "peft_type", "LORA", json.at("peft_type"));
  for (const char* key : {"use_dora", "modules_to_save", "layers_to_transform", "layers_pattern", "layer_replication",
                          "rank_pattern", "alpha_pattern", "bias", "lora_bias", "target_parameters",
                          "trainable_token_indices", "exclude_modules", "megatron_config"})
    if (json.contains(key) && !is_off(json.at(key)))
      refuse_key(where, key, "none, as others are not implemented,", json.at(key));
  AdapterConfig config;
  if (!json.contains("r") || !json.at("r").is_number_integer())
    refuse_key(where, "r", "an integer", json.contains("r") ? json.at("r") : Json());
  config.lora.rank = json.at("r").get<int64_t>();
  config.lora.alpha = number_of(json, "lora_alpha", 8, where);
  config.lora.dropout = number_of(json, "lora_dropout", 0, where);
  config.lora.rank_stabilised = json.value("use_rslora", Json(false)) == true;
  read_targets(json, config.lora, where);
  if (const Json base = json.value("base_model_name_or_path", Json()); base.is_string())
    config.base_model = base.get<std::string>();
  return config;
}

Lora load_adapter(const fs::path& folder, const std::vector<nn::NamedLinear>& linears) {
  const AdapterConfig config = read_adapter_config(folder);
  Lora lora = in_context(folder.string(), [&] { return Lora(linears, config.lora, Seed(0)); });
  const auto source = formats::open_safetensors(folder / kTensorFile);
  std::set<std::string> known;
  at::NoGradGuard no_grad;
  for (const nn::NamedParameter& p : lora.parameters()) {
    const std::string name = std::string(kPrefix) + p.name;
    known.insert(name);
    if (!source->contains(name)) fail(source->path().string(), "tensor '{}': expected it but received none", name);
    if (const auto shape = source->shape(name), expected = p.tensor->sizes().vec(); shape != expected)
      fail(source->path().string(), "tensor '{}': expected {} but received {}", name, fmt::join(expected, "x"),
           fmt::join(shape, "x"));
    p.tensor->copy_(nn::from_file(source->read(name), p.traits.layout));
  }
  for (const std::string& name : source->names())
    if (!known.contains(name))
      fail(source->path().string(), "tensor '{}': expected tensors of the config's targets only but received this one",
           printable(name));
  return lora;
}

void save_adapter(const fs::path& folder, Lora& lora, const std::string& base_model) {
  const LoraConfig& config = lora.config();
  Json targets = config.targets;
  if (!config.target_expression.empty()) targets = config.target_expression;
  formats::NamedTensors tensors;
  for (const nn::NamedParameter& p : lora.parameters())
    tensors.emplace_back(std::string(kPrefix) + p.name, nn::to_file(p.tensor->detach(), p.traits.layout).contiguous());
  const Json json{{"peft_type", "LORA"},
                  {"task_type", "CAUSAL_LM"},
                  {"base_model_name_or_path", base_model.empty() ? Json() : Json(base_model)},
                  {"r", config.rank},
                  {"lora_alpha", config.alpha},
                  {"lora_dropout", config.dropout},
                  {"use_rslora", config.rank_stabilised},
                  {"target_modules", targets == Json::array({"all-linear"}) ? Json("all-linear") : targets},
                  {"bias", "none"},
                  {"fan_in_fan_out", lora.is_transposed()},
                  {"inference_mode", true}};
  write_folder_atomically(folder, [&](const fs::path& inside) {
    write_json(inside / kConfigFile, json);
    formats::write_safetensors(inside / kTensorFile, tensors, {{"format", "pt"}});
  });
}

}  // namespace limbeck::peft
