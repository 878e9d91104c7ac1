#include "text/gguf_vocabulary.h"

#include <array>

#include "base/errors.h"
#include "base/printable.h"

namespace limbeck::text {
namespace {

// llama.cpp's token types.
constexpr int32_t kControl = 3, kUserDefined = 4;

struct PreName {
  std::string_view name;
  PreTokenizer kind;
};

// "" and "default" are what converters wrote before the key existed: GPT-2's expression.
constexpr std::array kPreNames = {
    PreName{"", PreTokenizer::kGpt2},
    PreName{"default", PreTokenizer::kGpt2},
    PreName{"gpt-2", PreTokenizer::kGpt2},
    PreName{"gpt2", PreTokenizer::kGpt2},
    PreName{"phi-2", PreTokenizer::kGpt2},
    PreName{"olmo", PreTokenizer::kGpt2},
    PreName{"mpt", PreTokenizer::kGpt2},
    PreName{"jais", PreTokenizer::kGpt2},
    PreName{"llama-bpe", PreTokenizer::kLlama3},
    PreName{"llama3", PreTokenizer::kLlama3},
    PreName{"llama-v3", PreTokenizer::kLlama3},
    PreName{"dbrx", PreTokenizer::kLlama3},
    PreName{"smaug-bpe", PreTokenizer::kLlama3},
    PreName{"qwen2", PreTokenizer::kQwen2},
    PreName{"stablelm2", PreTokenizer::kQwen2},
    PreName{"deepseek-r1-qwen", PreTokenizer::kQwen2},
    PreName{"smollm", PreTokenizer::kSmolLm},
    PreName{"starcoder", PreTokenizer::kSmolLm},
    PreName{"refact", PreTokenizer::kSmolLm},
    PreName{"codeshell", PreTokenizer::kSmolLm},
};

bool is_llama3_name(std::string_view pre) {
  return pre == "llama-bpe" || pre == "llama3" || pre == "llama-v3";
}

}  // namespace

std::optional<int32_t> checked_gguf_id(const std::optional<int64_t>& id, const char* name, std::size_t size,
                                       std::string_view where) {
  if (!id) return std::nullopt;
  if (*id < 0 || uint64_t(*id) >= size)
    fail(where, "{}: expected an id below the vocabulary's size {} but received {}", name, size, *id);
  return int32_t(*id);
}

PreTokenizer pre_tokenizer_of_gguf(std::string_view pre, std::string_view where) {
  for (const PreName& known : kPreNames)
    if (known.name == pre) return known.kind;
  std::string names;
  for (const PreName& known : kPreNames)
    if (!known.name.empty()) names += (names.empty() ? "" : ", ") + std::string(known.name);
  user_fail(where, "tokenizer.ggml.pre: expected one of {} but received '{}', which is not supported", names,
            printable(pre));
}

TokenizerSpec spec_from_gguf(GgufVocabulary v, std::string_view where) {
  if (!v.token_types.empty() && v.token_types.size() != v.tokens.size())
    fail(where, "tokenizer.ggml.token_type: expected {} entries, one a token, but received {}", v.tokens.size(),
         v.token_types.size());
  if (v.model == "llama" || v.model == "t5") return sentencepiece_spec_from_gguf(std::move(v), where);
  if (v.model == "bert") return word_piece_spec_from_gguf(std::move(v), where);
  if (v.model != "gpt2")
    user_fail(where,
              "tokenizer.ggml.model: expected gpt2 (byte-level BPE), llama, t5 or bert but received '{}', which is not "
              "supported",
              printable(v.model));
  TokenizerSpec spec;
  spec.pre_tokenizer = pre_tokenizer_of_gguf(v.pre, where);
  // What the models' own tokenizer.json say and the metadata does not.
  spec.ignore_merges = is_llama3_name(v.pre);
  spec.nfc = spec.pre_tokenizer == PreTokenizer::kQwen2;
  spec.add_prefix_space = v.add_space_prefix.value_or(false) && spec.pre_tokenizer == PreTokenizer::kGpt2;
  spec.bos = checked_gguf_id(v.bos, "tokenizer.ggml.bos_token_id", v.tokens.size(), where);
  spec.eos = checked_gguf_id(v.eos, "tokenizer.ggml.eos_token_id", v.tokens.size(), where);
  spec.unk = checked_gguf_id(v.unk, "tokenizer.ggml.unknown_token_id", v.tokens.size(), where);
  spec.pad = checked_gguf_id(v.pad, "tokenizer.ggml.padding_token_id", v.tokens.size(), where);
  spec.add_bos = v.add_bos.value_or(is_llama3_name(v.pre) && spec.bos.has_value());
  spec.add_eos = v.add_eos.value_or(false);
  for (std::size_t id = 0; id < v.token_types.size(); ++id) {
    const int32_t type = v.token_types[id];
    if (type != kControl && type != kUserDefined) continue;
    if (v.tokens[id].empty()) fail(where, "token {}: expected a text for a special token but received none", id);
    spec.added.push_back({.id = int32_t(id), .content = v.tokens[id], .special = type == kControl});
  }
  spec.merges.reserve(v.merges.size());
  for (std::size_t rank = 0; rank < v.merges.size(); ++rank) {
    const std::string& merge = v.merges[rank];
    const std::size_t space =
        merge.find(' ', 1);  // a token may begin with a space, none of an alphabet of bytes has one
    if (space == std::string::npos || space + 1 == merge.size())
      fail(where, "merge {}: expected two tokens with a space between but received '{}'", rank, printable(merge));
    spec.merges.emplace_back(merge.substr(0, space), merge.substr(space + 1));
  }
  spec.tokens = std::move(v.tokens);
  spec.chat_template = std::move(v.chat_template);
  return spec;
}

}  // namespace limbeck::text
