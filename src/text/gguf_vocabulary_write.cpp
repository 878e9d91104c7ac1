// The arrays of a GGUF file's metadata from a tokenizer's spec: the way back of spec_from_gguf.
#include <algorithm>

#include "base/errors.h"
#include "text/gguf_vocabulary.h"

namespace limbeck::text {
namespace {

// llama.cpp's token types.
constexpr int32_t kNormalToken = 1, kControlToken = 3, kUserToken = 4, kUnusedToken = 5;

// The name that llama.cpp has for the pre-tokeniser's expression.
std::string_view pre_name(PreTokenizer kind) {
  switch (kind) {
    case PreTokenizer::kGpt2:
      return "gpt-2";
    case PreTokenizer::kLlama3:
      return "llama-bpe";
    case PreTokenizer::kQwen2:
      return "qwen2";
    case PreTokenizer::kSmolLm:
      return "smollm";
  }
  return "";
}

}  // namespace

GgufVocabulary gguf_tokens_of(const TokenizerSpec& spec, int64_t vocab_size) {
  GgufVocabulary v;
  v.tokens = spec.tokens;
  v.token_types.assign(v.tokens.size(), kNormalToken);
  const auto room_for = [&](std::size_t size) {
    for (std::size_t id = v.tokens.size(); id < size; ++id) {
      v.tokens.push_back(fmt::format("[PAD{}]", id));  // what llama.cpp's converter calls them
      v.token_types.push_back(kUnusedToken);
    }
  };
  room_for(static_cast<std::size_t>(vocab_size));
  for (const AddedToken& token : spec.added) {
    room_for(static_cast<std::size_t>(token.id) + 1);
    v.tokens[static_cast<std::size_t>(token.id)] = token.content;
    v.token_types[static_cast<std::size_t>(token.id)] = token.special ? kControlToken : kUserToken;
  }
  for (std::size_t id = 0; id < v.tokens.size(); ++id)
    if (v.tokens[id].empty()) {
      v.tokens[id] = fmt::format("[PAD{}]", id);
      v.token_types[id] = kUnusedToken;
    }
  v.bos = spec.bos;
  v.eos = spec.eos;
  v.unk = spec.unk;
  v.pad = spec.pad;
  v.chat_template = spec.chat_template;
  return v;
}

GgufVocabulary gguf_from_spec(const TokenizerSpec& spec, int64_t vocab_size) {
  if (spec.pipeline) return gguf_from_sentencepiece_spec(spec, vocab_size);
  GgufVocabulary v = gguf_tokens_of(spec, vocab_size);
  v.model = "gpt2";
  v.pre = pre_name(spec.pre_tokenizer);
  for (const auto& [left, right] : spec.merges) v.merges.push_back(left + " " + right);
  v.add_bos = spec.add_bos;
  v.add_eos = spec.add_eos;
  v.add_space_prefix = spec.add_prefix_space;
  return v;
}

}  // namespace limbeck::text
