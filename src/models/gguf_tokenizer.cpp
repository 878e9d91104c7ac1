// The tokenizer of a GGUF file (byte-level BPE, tokenizer.ggml.model "gpt2").
#include <array>
#include <string_view>
#include <utility>

#include "base/errors.h"
#include "models/gguf_model.h"

namespace limbeck::models {
namespace {

using text::PreTokenizer;

// The names that llama.cpp's converter writes for the splits that Limbeck knows.
constexpr std::array<std::pair<std::string_view, PreTokenizer>, 8> kPreTokenizers = {{
    {"gpt-2", PreTokenizer::kGpt2},
    {"gpt2", PreTokenizer::kGpt2},
    {"llama-bpe", PreTokenizer::kLlama3},
    {"llama3", PreTokenizer::kLlama3},
    {"llama-v3", PreTokenizer::kLlama3},
    {"qwen2", PreTokenizer::kQwen2},
    {"deepseek-r1-qwen", PreTokenizer::kQwen2},
    {"smollm", PreTokenizer::kSmolLm},
}};

enum TokenKind { kControl = 3, kUserDefined = 4 };  // tokenizer.ggml.token_type

const std::vector<std::string>& need_strings(const formats::GgufFile& file, const char* key) {
  const auto* strings = file.strings(key);
  if (!strings) fail(file.path().string(), "{}: expected an array of strings but received none", key);
  return *strings;
}

std::optional<int32_t> optional_id(const formats::GgufFile& file, const char* key, std::size_t num_tokens) {
  const Json& metadata = file.metadata();
  if (!metadata.contains(key)) return std::nullopt;
  const Json& value = metadata.at(key);
  if (!value.is_number_integer() || value.get<int64_t>() < 0 ||
      value.get<int64_t>() >= static_cast<int64_t>(num_tokens))
    fail(file.path().string(), "{}: expected an id below {} but received {}", key, num_tokens,
         value.dump().substr(0, 60));
  return static_cast<int32_t>(value.get<int64_t>());
}

bool flag(const Json& metadata, const char* key) {
  return metadata.contains(key) && metadata.at(key).is_boolean() && metadata.at(key).get<bool>();
}

}  // namespace

text::TokenizerSpec tokenizer_spec_of_gguf(const formats::GgufFile& file) {
  const Json& metadata = file.metadata();
  const std::string where = file.path().string();
  const auto text_of = [&](const char* key) {
    return metadata.contains(key) && metadata.at(key).is_string() ? metadata.at(key).get<std::string>() : std::string();
  };
  if (const std::string model = text_of("tokenizer.ggml.model"); model != "gpt2")
    fail(where, "tokenizer.ggml.model: expected gpt2 (byte-level BPE) but received '{}'", model);

  text::TokenizerSpec spec;
  const std::string pre = text_of("tokenizer.ggml.pre");
  bool known = false;
  for (const auto& [name, value] : kPreTokenizers)
    if (pre == name) spec.pre_tokenizer = value, known = true;
  if (!known) fail(where, "tokenizer.ggml.pre: expected gpt-2, llama-bpe, qwen2 or smollm but received '{}'", pre);
  spec.ignore_merges = spec.pre_tokenizer == PreTokenizer::kLlama3;  // as Llama 3's tokenizer.json has it

  spec.tokens = need_strings(file, "tokenizer.ggml.tokens");
  for (const std::string& merge : need_strings(file, "tokenizer.ggml.merges")) {
    const std::size_t space = merge.find(' ', 1);  // the first piece is never empty
    if (space == std::string::npos || space + 1 >= merge.size())
      fail(where, "tokenizer.ggml.merges: expected two pieces but received '{}'", merge.substr(0, 60));
    spec.merges.emplace_back(merge.substr(0, space), merge.substr(space + 1));
  }
  if (metadata.contains("tokenizer.ggml.token_type")) {
    const Json& kinds = metadata.at("tokenizer.ggml.token_type");
    if (!kinds.is_array() || kinds.size() != spec.tokens.size())
      fail(where, "tokenizer.ggml.token_type: expected {} entries but received {}", spec.tokens.size(), kinds.size());
    for (std::size_t i = 0; i < kinds.size(); ++i) {
      if (kinds[i] != kControl && kinds[i] != kUserDefined) continue;
      text::AddedToken token;
      token.id = static_cast<int32_t>(i);
      token.content = spec.tokens[i];
      token.special = kinds[i] == kControl;
      spec.added.push_back(std::move(token));
    }
  }
  spec.bos = optional_id(file, "tokenizer.ggml.bos_token_id", spec.tokens.size());
  spec.eos = optional_id(file, "tokenizer.ggml.eos_token_id", spec.tokens.size());
  spec.unk = optional_id(file, "tokenizer.ggml.unknown_token_id", spec.tokens.size());
  spec.pad = optional_id(file, "tokenizer.ggml.padding_token_id", spec.tokens.size());
  spec.add_bos = flag(metadata, "tokenizer.ggml.add_bos_token");
  spec.add_eos = flag(metadata, "tokenizer.ggml.add_eos_token");
  spec.add_prefix_space = flag(metadata, "tokenizer.ggml.add_space_prefix");
  spec.chat_template = text_of("tokenizer.chat_template");
  return spec;
}

}  // namespace limbeck::models
