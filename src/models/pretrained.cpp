// Models from Hugging Face folders and GGUF files, and back into folders.
#include <ATen/ATen.h>
#include <fmt/ranges.h>  // fmt::join
#include <torch/csrc/autograd/grad_mode.h>

#include <functional>
#include <set>

#include "base/errors.h"
#include "base/files.h"
#include "base/phases.h"
#include "base/printable.h"
#include "formats/gguf.h"
#include "formats/safetensors.h"
#include "models/catalog.h"
#include "models/config.h"
#include "models/gguf_model.h"
#include "models/language_model.h"
#include "models/tensor_files.h"
#include "peft/adapter_folder.h"

namespace limbeck::models {
namespace {

namespace fs = std::filesystem;

bool is_gguf(const fs::path& path) {
  return fs::is_regular_file(path) && path.extension() == ".gguf";
}

void check_exists(const fs::path& path) {
  if (!fs::exists(path))
    user_fail("load_pretrained", "{}: expected a model folder or a .gguf file but received nothing there",
              path.string());
  if (!fs::is_directory(path) && !is_gguf(path))
    user_fail("load_pretrained", "{}: expected a model folder or a .gguf file but received another kind of file",
              path.string());
}

// Files of a model without its head, as GPT-2 was published, name tensors without the first part: "wte.weight" for
// "transformer.wte.weight".
NameInFile names_of(const formats::TensorSource& source) {
  return [&source](const std::string& name) {
    const std::size_t dot = name.find('.');
    if (source.contains(name) || dot == std::string::npos || !source.contains(name.substr(dot + 1))) return name;
    return name.substr(dot + 1);
  };
}

// Tensors in the file that the model does not have mean that it is another model than its config says.
void refuse_unknown(const NamedParameters& wanted, const formats::TensorSource& source, const DecoderConfig& config) {
  const Architecture& row = architecture_of(config.model_type, "load_pretrained");
  const NameInFile name_in_file = names_of(source);
  std::set<std::string> known;
  for (const nn::NamedParameter& p : wanted) known.insert(name_in_file(p.name));
  for (const std::string& name : source.names()) {
    bool harmless = config.tie_word_embeddings && name == std::string(row.head) + ".weight";
    for (const std::string_view buffer : row.buffers) harmless = harmless || name.ends_with(buffer);
    if (!harmless && !known.contains(name))
      fail(source.path().string(),
           "tensor '{}': expected tensors of the config's architecture only but received this one", name);
  }
}

void check_vocabulary(const fs::path& path, const DecoderConfig& config, const text::Tokenizer& tokenizer) {
  // An embedding larger than the tokenizer is padding; a smaller one cannot hold what the tokenizer gives out.
  if (tokenizer.vocab_size() > config.vocab_size)
    fail(path.string(), "expected an embedding of at least the tokenizer's {} tokens but received vocab_size {}",
         tokenizer.vocab_size(), config.vocab_size);
}

std::vector<int64_t> ids_of(const Json& value, const std::string& where) {
  std::vector<int64_t> ids;
  const Json list = value.is_array() ? value : Json::array({value});
  for (const Json& id : list) {
    if (!id.is_number_integer())
      fail(where, "eos_token_id: expected token ids but received {}", value.dump().substr(0, 60));
    ids.push_back(id.get<int64_t>());
  }
  return ids;
}

std::shared_ptr<LanguageModel> load_folder(const fs::path& folder) {
  if (!fs::exists(folder / "config.json"))
    user_fail("load_pretrained", "{}: expected a model folder with config.json but received one without",
              folder.string());
  DecoderConfig config = read_config(read_json(folder / "config.json"), (folder / "config.json").string());
  if (const fs::path path = folder / "generation_config.json"; fs::exists(path)) {
    config.generation = read_json(path);
    if (config.generation.is_object() && config.generation.contains("eos_token_id") &&
        !config.generation.at("eos_token_id").is_null())
      config.eos_token_ids = ids_of(config.generation.at("eos_token_id"), path.string());
  }
  const auto source = formats::open_safetensors_folder(folder);
  check_size(count_weights(config), *source);
  auto model = make_decoder(config);
  nn::Parameters parameters;
  model->parameters(parameters);
  const NameInFile name_in_file = names_of(*source);
  check_tensors(parameters.list(), *source, name_in_file,
                [](const nn::NamedParameter& p) { return nn::shape_in_file(*p.tensor, p.traits.layout); });
  refuse_unknown(parameters.list(), *source, config);
  fill_parameters(parameters.list(), [&](const std::string& name) { return source->read(name_in_file(name)); });
  return model;
}

std::shared_ptr<LanguageModel> load_gguf(const formats::GgufFile& file) {
  const DecoderConfig config = config_of_gguf(file);
  check_size(count_weights(config), file);
  auto model = make_decoder(config);
  nn::Parameters parameters;
  model->parameters(parameters);
  const Architecture& row = architecture_of(config.model_type, "load_pretrained");
  // llama.cpp's converter turns every matrix to [out,in].
  check_tensors(
      parameters.list(), file, [&](const std::string& name) { return gguf_name_of(name, row).value_or(name); },
      [](const nn::NamedParameter& p) { return p.tensor->sizes().vec(); });
  fill_parameters(parameters.list(), [&](const std::string& name) { return read_from_gguf(file, name, config); });
  return model;
}

}  // namespace

namespace {

// The model that an adapter of peft was trained on: a path, taken from where the program runs or from the adapter.
fs::path base_of_adapter(const fs::path& folder) {
  const std::string base = peft::read_adapter_config(folder).base_model;
  for (const fs::path& path : {fs::path(base), folder / base})
    if (!base.empty() && fs::exists(path) && !peft::is_adapter_folder(path)) return path;
  user_fail("load_pretrained",
            "{}: expected base_model_name_or_path of adapter_config.json to be a model's folder or file here but "
            "received '{}'",
            folder.string(), printable(base));
}

Pretrained load_adapted(const fs::path& folder) {
  Pretrained result = load_pretrained(base_of_adapter(folder));
  nn::Parameters parameters;
  result.model->parameters(parameters);
  peft::load_adapter(folder, parameters.linears()).merge();
  return result;
}

}  // namespace

std::shared_ptr<const text::Tokenizer> load_tokenizer(const fs::path& path) {
  check_exists(path);
  if (peft::is_adapter_folder(path)) return load_tokenizer(base_of_adapter(path));
  if (is_gguf(path)) return text::Tokenizer::from_spec(tokenizer_spec_of_gguf(*formats::open_gguf(path)));
  return text::Tokenizer::from_folder(path);
}

Pretrained load_pretrained(const fs::path& path) {
  const Phase phase("load", "models");
  check_exists(path);
  if (peft::is_adapter_folder(path)) return load_adapted(path);
  Pretrained result;
  if (is_gguf(path)) {
    const auto file = formats::open_gguf(path);
    result.tokenizer = text::Tokenizer::from_spec(tokenizer_spec_of_gguf(*file));
    result.model = load_gguf(*file);
  } else {
    result.model = load_folder(path);
    result.tokenizer = text::Tokenizer::from_folder(path);
  }
  check_vocabulary(path, result.model->config(), *result.tokenizer);
  result.eos_ids = result.model->config().eos_token_ids;
  return result;
}

void save_pretrained(const fs::path& folder, LanguageModel& model, const text::Tokenizer& tokenizer, Precision stored,
                     int64_t max_shard_bytes) {
  const Phase phase("save", "models");
  check_vocabulary(folder, model.config(), tokenizer);
  nn::Parameters parameters;
  model.parameters(parameters);
  formats::NamedTensors tensors;
  for (const nn::NamedParameter& p : parameters.list())
    tensors.emplace_back(p.name, nn::to_file(p.tensor->detach(), p.traits.layout).contiguous());
  const at::ScalarType dtype = stored == Precision::kBf16 ? at::kBFloat16 : at::kFloat;
  write_folder_atomically(folder, [&](const fs::path& inside) {
    write_json(inside / "config.json", write_config(model.config(), stored));
    write_json(inside / "generation_config.json", write_generation_config(model.config()));
    tokenizer.save(inside);
    formats::write_safetensors_folder(inside, tensors, max_shard_bytes, dtype);
  });
}

}  // namespace limbeck::models
