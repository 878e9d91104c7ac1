#include "models/gguf_export.h"

#include <ATen/ATen.h>
#include <fmt/ranges.h>  // fmt::join

#include <optional>

#include "base/errors.h"
#include "models/catalog.h"
#include "models/config.h"
#include "models/gguf_keys.h"
#include "models/gguf_model.h"
#include "nn/rope.h"
#include "text/gguf_vocabulary.h"

namespace limbeck::models {
namespace {

using formats::GgufType;

// general.file_type: what most of the file is in (llama.cpp's enum llama_ftype).
uint32_t file_type_of(GgufType type) {
  switch (type) {
    case GgufType::kF16:
      return 1;
    case GgufType::kQ4_0:
      return 2;
    case GgufType::kQ8_0:
      return 7;
    case GgufType::kBF16:
      return 32;
    default:
      return 0;
  }
}

uint32_t count_of(int64_t number) {
  return static_cast<uint32_t>(number);
}

void put_tokenizer(const DecoderConfig& config, const text::Tokenizer& tokenizer, formats::GgufMetadata& metadata) {
  const text::GgufVocabulary v = text::gguf_from_spec(tokenizer.spec(), config.vocab_size);
  const std::string prefix = "tokenizer.ggml.";
  metadata.emplace_back(prefix + "model", v.model);
  metadata.emplace_back(prefix + "pre", v.pre);
  metadata.emplace_back(prefix + "tokens", v.tokens);
  metadata.emplace_back(prefix + "token_type", v.token_types);
  if (v.model == "gpt2") metadata.emplace_back(prefix + "merges", v.merges);
  if (!v.scores.empty()) metadata.emplace_back(prefix + "scores", std::vector<float>(v.scores.begin(), v.scores.end()));
  const auto put_id = [&](const char* key, const std::optional<int64_t>& id) {
    if (id) metadata.emplace_back(prefix + key, count_of(*id));
  };
  // What ends the model's texts, which need not be the tokenizer's own end.
  const auto& ends = config.eos_token_ids;
  put_id("bos_token_id", config.bos_token_id ? config.bos_token_id : v.bos);
  put_id("eos_token_id", ends.empty() ? v.eos : ends[0]);
  if (ends.size() > 1) put_id("eot_token_id", ends[1]);
  put_id("unknown_token_id", v.unk);
  put_id("padding_token_id", v.pad);
  metadata.emplace_back(prefix + "add_bos_token", *v.add_bos);
  metadata.emplace_back(prefix + "add_eos_token", *v.add_eos);
  metadata.emplace_back(prefix + "add_space_prefix", *v.add_space_prefix);
  if (!v.chat_template.empty()) metadata.emplace_back("tokenizer.chat_template", v.chat_template);
}

// Llama 3.1's scaling stands in the file as what each frequency is divided by.
std::optional<formats::GgufPiece> rope_divisors(const DecoderConfig& config) {
  const nn::RopeOptions scaled = rope_options(config);
  if (scaled.kind != nn::RopeKind::kLlama3) return std::nullopt;
  nn::RopeOptions plain;
  plain.head_dim = scaled.head_dim;
  plain.theta = scaled.theta;
  const auto before = nn::Rope(plain).inverse_frequencies(), after = nn::Rope(scaled).inverse_frequencies();
  std::vector<float> divisors;
  for (std::size_t i = 0; i < before.size(); ++i) divisors.push_back(before[i] / after[i]);
  return formats::GgufPiece{"rope_freqs.weight", at::tensor(divisors), GgufType::kF32};
}

GgufType type_of(const std::string& name, const at::Tensor& tensor, GgufType type) {
  // llama.cpp's quantiser never touches a table of positions.
  if (tensor.dim() < 2 || name == "position_embd.weight") return GgufType::kF32;
  const bool vocabulary = name == "token_embd.weight" || name == "output.weight";
  if (vocabulary && type == GgufType::kQ4_0) type = GgufType::kQ8_0;
  return tensor.size(-1) % formats::info_of(type).block_values == 0 ? type : GgufType::kF16;
}

std::vector<formats::GgufPiece> pieces_of(LanguageModel& model, const Architecture& row, GgufType type) {
  std::vector<formats::GgufPiece> pieces;
  nn::Parameters parameters;
  model.parameters(parameters);
  for (const nn::NamedParameter& p : parameters.list()) {
    const auto name = gguf_name_of(p.name, row);
    if (!name)
      fail("save_gguf", "tensor '{}': expected a name that llama.cpp has one for but received another", p.name);
    at::Tensor tensor = nn::to_file(p.tensor->detach(), p.traits.layout);
    if (row.gguf_layout.from_hub) tensor = row.gguf_layout.from_hub(tensor, p.name, model.config());
    pieces.push_back({*name, tensor, type_of(*name, tensor, type)});
  }
  return pieces;
}

}  // namespace

std::vector<std::pair<std::string, GgufType>> gguf_type_choices() {
  return {{"f32", GgufType::kF32},
          {"f16", GgufType::kF16},
          {"bf16", GgufType::kBF16},
          {"q8_0", GgufType::kQ8_0},
          {"q4_0", GgufType::kQ4_0}};
}

void save_gguf(const std::filesystem::path& file, LanguageModel& model, const text::Tokenizer& tokenizer,
               GgufType type) {
  const DecoderConfig& config = model.config();
  const Architecture& row = architecture_of(config.model_type, "save_gguf");
  if (!row.gguf_layout.metadata) {
    std::vector<std::string_view> known;
    for (const Architecture& other : architectures())
      if (other.gguf_layout.metadata) known.push_back(other.model_type);
    user_fail("save_gguf", "model_type: expected one of {} but received {}; a Hugging Face folder holds every model",
              fmt::join(known, ", "), config.model_type);
  }
  if (tokenizer.vocab_size() > config.vocab_size)
    fail(file.string(), "expected an embedding of at least the tokenizer's {} tokens but received vocab_size {}",
         tokenizer.vocab_size(), config.vocab_size);
  const std::string_view name = row.gguf.empty() ? row.gguf_layout.written_as : row.gguf;
  formats::GgufMetadata metadata = {{"general.architecture", std::string(name)},
                                    {"general.name", file.stem().string()},
                                    {"general.file_type", file_type_of(type)}};
  if (formats::info_of(type).block_values > 1) metadata.emplace_back("general.quantization_version", uint32_t{2});
  GgufKeys keys(name, config, metadata);
  row.gguf_layout.metadata(config, keys);
  put_tokenizer(config, tokenizer, metadata);
  auto pieces = pieces_of(model, row, type);
  if (auto divisors = rope_divisors(config)) pieces.push_back(*std::move(divisors));
  formats::write_gguf(file, metadata, pieces);
}

}  // namespace limbeck::models
